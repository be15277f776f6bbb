//! The host of one module of the fake container: how its calls find the state, and which extensions it offers. Must not know
//! what the calls do.

use std::sync::{Arc, MutexGuard};
use std::thread;

use http_container_abi::constants::{
    DISPATCH_ID, FD_ID, KV_ID, LIMIT_ID, OFFLOAD_ID, POOL_ID, PROVIDER_ID, SQL_ID,
};
use http_container_abi::{
    ExtensionTable, Status, dispatch_table, fd_table, kv_table, limit_table, offload_table, pool_table,
    provider_table, sql_table,
};

use super::state::{Shared, State};

/// The vtable of an extension, which is also that of leases on resources of that interface.
pub(super) fn extension(id: &[u8]) -> Option<ExtensionTable> {
    Some(match str::from_utf8(id).ok()? {
        FD_ID => ExtensionTable::of(fd_table::<FakeHost>()),
        DISPATCH_ID => ExtensionTable::of(dispatch_table::<FakeHost>()),
        OFFLOAD_ID => ExtensionTable::of(offload_table::<FakeHost>()),
        SQL_ID => ExtensionTable::of(sql_table::<FakeHost>()),
        KV_ID => ExtensionTable::of(kv_table::<FakeHost>()),
        POOL_ID => ExtensionTable::of(pool_table::<FakeHost>()),
        LIMIT_ID => ExtensionTable::of(limit_table::<FakeHost>()),
        PROVIDER_ID => ExtensionTable::of(provider_table::<FakeHost>()),
        _ => return None,
    })
}

/// The host of one module of the fake container.
pub(super) struct FakeHost {
    pub(super) shared: Arc<Shared>,
    pub(super) module: usize,
}

impl FakeHost {
    pub(super) fn enter(&self) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        state.calls += 1;
        state.refusal = None;
        state
    }

    /// A call that needs the task's own worker; `in_finish`: also legal there.
    pub(super) fn enter_task(&self, task: u64, in_finish: bool) -> Result<MutexGuard<'_, State>, Status> {
        let mut state = self.enter();
        let running = state.running;
        let found = state.live(task)?;
        let (module, worker, finishing) = (found.module, found.worker, found.in_finish);
        if module != self.module {
            return Err(Status::E_GONE);
        }
        let is_here = running.is_some_and(|running| {
            running.thread == thread::current().id() && running.module == module && running.worker == worker
        });
        if !is_here {
            state.faults.push(format!("a call for task {task} came from outside its worker"));
            return Err(Status::E_THREAD);
        }
        if finishing && !in_finish {
            return Err(state.refuse("task.finish.calls", Status::E_STATE, "not allowed inside finish"));
        }
        Ok(state)
    }
}
