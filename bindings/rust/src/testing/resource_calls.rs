//! The resource extensions of the fake container as their users call them: hc.sql/1, hc.kv/1, hc.pool/1, hc.limit/1. Simple
//! readings of the headers' rules. Must not know how a member does what it is asked.

use std::sync::MutexGuard;

use http_container_abi::constants::{KV_ID, POOL_ID, SQL_ID, kv_operation};
use http_container_abi::{
    KvHost, KvRequestView, LimitHost, MemberRequestStorage, Opaque, PoolHost, RawMessage, RawNames,
    RawOutcome, RawReply, RawRows, SqlHost, StatementView, Status, Usage,
};

use super::host::FakeHost;
use super::lease::{Holding, Phase};
use super::state::State;
use super::task::Wait;

impl State {
    /// A lease that the task holds on a resource of that interface.
    fn lease(&mut self, task: u64, lease: u64, interface: &str) -> Result<&mut Holding, Status> {
        let holding = self.resources.held.get_mut(&lease).filter(|holding| holding.task == task);
        let holding = holding.ok_or(Status::E_GONE)?;
        let offered = self.resources.all[holding.resource as usize].interface.as_deref();
        if offered == Some(interface) { Ok(holding) } else { Err(Status::E_GONE) }
    }

    /// Begins an operation on a lease.
    fn begin(
        &mut self,
        (task, lease, token): (u64, u64, u64),
        wait: Wait,
        request: MemberRequestStorage,
        kv: Option<&KvRequestView<'_>>,
    ) -> Status {
        if token == 0 {
            return Status::E_TOKEN;
        }
        let status = self.wait(task, token, wait);
        if status == Status::PENDING {
            self.ask(lease, request, kv);
        }
        status
    }
}

impl FakeHost {
    /// A call with a lease of the task's on a resource of that interface.
    fn enter_lease(
        &self,
        task: u64,
        lease: u64,
        interface: &str,
        in_finish: bool,
    ) -> Result<MutexGuard<'_, State>, Status> {
        let mut state = self.enter_task(task, in_finish)?;
        state.lease(task, lease, interface)?;
        Ok(state)
    }

    fn begin_sql(&self, task: u64, lease: u64, token: u64, request: MemberRequestStorage) -> Status {
        let mut state = match self.enter_lease(task, lease, SQL_ID, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        match state.lease(task, lease, SQL_ID).map(|holding| holding.check_free()) {
            Ok(Status::OK) => state.begin((task, lease, token), Wait::Sql(lease), request, None),
            Ok(status) | Err(status) => status,
        }
    }
}

impl SqlHost for FakeHost {
    fn sql_query(&self, task: u64, lease: u64, token: u64, statement: &StatementView<'_>) -> Status {
        self.begin_sql(task, lease, token, MemberRequestStorage::statement(statement))
    }

    fn sql_columns(&self, task: u64, lease: u64) -> Result<RawNames, Status> {
        let mut state = self.enter_lease(task, lease, SQL_ID, false)?;
        let holding = state.lease(task, lease, SQL_ID)?;
        match holding.phase {
            Phase::Rows | Phase::Over => Ok(holding.names.raw()),
            Phase::Idle | Phase::Waiting => Err(Status::E_STATE),
        }
    }

    fn sql_rows(&self, task: u64, lease: u64, token: u64) -> Result<RawRows, Status> {
        let mut state = self.enter_lease(task, lease, SQL_ID, false)?;
        let wait = Wait::SqlRows(lease);
        if state.live(task)?.is_waiting_for(|found| *found == wait).is_some() {
            return Err(Status::E_BUSY);
        }
        let holding = state.lease(task, lease, SQL_ID)?;
        let (answer, member) = (holding.next_rows(), holding.member);
        if let (Ok(_), Some(member)) = (answer, member) {
            state.fire_where(member, Wait::MemberRoom, Status::OK, 0);
        }
        match answer {
            Err(Status::PENDING) => Err(state.wait(task, token, wait)),
            answer => answer,
        }
    }

    fn sql_outcome(&self, task: u64, lease: u64) -> Result<RawOutcome, Status> {
        self.enter_lease(task, lease, SQL_ID, false)?.lease(task, lease, SQL_ID)?.outcome()
    }

    fn sql_transaction(&self, task: u64, lease: u64, token: u64, what: u32) -> Status {
        self.begin_sql(task, lease, token, MemberRequestStorage::transaction(what))
    }
}

impl KvHost for FakeHost {
    fn kv_run(&self, task: u64, lease: u64, token: u64, request: &KvRequestView<'_>) -> Status {
        let mut state = match self.enter_lease(task, lease, KV_ID, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let is_about = |operation| matches!(operation, kv_operation::SUBSCRIBE | kv_operation::UNSUBSCRIBE);
        match state.lease(task, lease, KV_ID) {
            Ok(holding) if !holding.channels.is_empty() && !is_about(request.operation) => Status::E_STATE,
            Ok(holding) if holding.check_free() != Status::OK => holding.check_free(),
            Ok(_) => {
                let storage = MemberRequestStorage::kv(request);
                state.begin((task, lease, token), Wait::Kv(lease), storage, Some(request))
            }
            Err(status) => status,
        }
    }

    fn kv_reply(&self, task: u64, lease: u64) -> Result<RawReply, Status> {
        self.enter_lease(task, lease, KV_ID, false)?.lease(task, lease, KV_ID)?.reply()
    }

    fn kv_message(&self, task: u64, lease: u64, token: u64) -> Result<RawMessage, Status> {
        let mut state = self.enter_lease(task, lease, KV_ID, false)?;
        let wait = Wait::KvMessage(lease);
        if state.live(task)?.is_waiting_for(|found| *found == wait).is_some() {
            return Err(Status::E_BUSY);
        }
        match state.lease(task, lease, KV_ID)?.next_message() {
            Err(Status::PENDING) => Err(state.wait(task, token, wait)),
            answer => answer,
        }
    }
}

impl PoolHost for FakeHost {
    fn pool_object(&self, task: u64, lease: u64, type_name: &[u8]) -> Result<Opaque, Status> {
        let mut state = self.enter_lease(task, lease, POOL_ID, true)?;
        let member = state.lease(task, lease, POOL_ID)?.member.ok_or(Status::E_RESOURCE)?;
        if state.live(member)?.ending.is_some() {
            return Err(Status::E_RESOURCE);
        }
        match &state.member(member)?.object {
            Some((name, object)) if name == type_name => Ok(*object),
            _ => Err(Status::E_UNSUPPORTED),
        }
    }
}

impl LimitHost for FakeHost {
    fn limit_usage(&self, resource: u32) -> Result<Usage, Status> {
        self.enter().resources.usage(resource).ok_or(Status::E_RESOURCE)
    }
}
