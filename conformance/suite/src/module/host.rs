//! The kit's host: the trait `Host`, call by call. What concerns bodies and responses is in `host_response.rs`. Must not know
//! when callbacks are due.

use super::host_leases::interface;
use super::permission::Allowed;
use super::record::LogLine;
use super::state::{Callback, HEAD_BYTES, OPERATIONS, RESPOND_BYTES, Shared, State, TASKS};
use super::task::{Life, Wait};
use http_container_abi::constants::{
    DISPATCH_ID, FD_ID, OFFLOAD_ID, PROVIDER_ID, WORKER_NONE, event_kind, limit, notice,
};
use http_container_abi::{
    BoundaryRefusal, Event, ExtensionTable, FieldsView, Host, OffloadHost, Opaque, RawFields, Read, Refusal,
    ResponseView, Status, Work, dispatch_table, fd_table, hc_bytes, offload_table, provider_table,
};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const ALL_NOTICES: u32 = notice::PEER | notice::DRAIN | notice::RELOAD | notice::DEADLINE;

/// The host of one instance.
pub struct KitHost {
    /// What it knows.
    pub shared: Arc<Shared>,
}

impl KitHost {
    /// Runs a call under the lock, and writes it down.
    pub(super) fn call<T: std::fmt::Debug>(
        &self,
        call: impl FnOnce() -> String,
        body: impl FnOnce(&mut State) -> T,
    ) -> T {
        let mut state = self.shared.lock();
        let answer = body(&mut state);
        state.record.trace(|| format!("   {} -> {answer:?}", call()));
        answer
    }
}

fn short(task: u64) -> u64 {
    task & 0xffff
}

impl Host for KitHost {
    fn extension(&self, id: &[u8]) -> Option<ExtensionTable> {
        let mut state = self.shared.lock();
        state.look_alive("extension");
        state.record.extensions.push(String::from_utf8_lossy(id).into_owned());
        if !state.plan.has_extensions {
            return None;
        }
        match id {
            _ if id == OFFLOAD_ID.as_bytes() => Some(ExtensionTable::of(offload_table::<KitHost>())),
            _ if id == DISPATCH_ID.as_bytes() => Some(ExtensionTable::of(dispatch_table::<KitHost>())),
            _ if id == FD_ID.as_bytes() => Some(ExtensionTable::of(fd_table::<KitHost>())),
            _ if id == PROVIDER_ID.as_bytes() => Some(ExtensionTable::of(provider_table::<KitHost>())),
            _ => interface(id),
        }
    }

    fn log(&self, task: u64, level: u32, text: &[u8]) {
        let mut state = self.shared.lock();
        state.look_alive("log");
        state.look_for_poison("log", text);
        let text = String::from_utf8_lossy(text).into_owned();
        state.record.trace(|| format!("   log({}, {level}): {text}", short(task)));
        if state.record.log.len() < 1000 {
            state.record.log.push(LogLine { level, text });
        }
    }

    fn now(&self) -> u64 {
        let mut state = self.shared.lock();
        state.look_alive("now");
        if state.here().is_some() {
            state.now_ns += state.plan.tick_ns;
        }
        state.now_ns
    }

    fn worker_index(&self) -> u32 {
        let state = self.shared.lock();
        let is_worker = |callback| !matches!(callback, Callback::Create | Callback::Destroy);
        state.here().filter(|here| is_worker(here.callback)).map_or(WORKER_NONE, |here| here.worker)
    }

    fn worker_count(&self) -> u32 {
        self.shared.lock().plan.workers
    }

    fn limit(&self, which: u32) -> u64 {
        match which {
            limit::OPERATIONS => OPERATIONS as u64,
            limit::RESPOND_BYTES => RESPOND_BYTES as u64,
            limit::HEAD_BYTES => HEAD_BYTES as u64,
            limit::BODY_BYTES => 1 << 20,
            limit::TASKS => TASKS as u64,
            limit::DISPATCH_DEPTH => 4,
            _ => 0,
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        let state = self.shared.lock();
        let (rule, text) = state.refusals.get(&thread::current().id())?;
        Some(Refusal { rule: hc_bytes::of(rule.as_bytes()), text: hc_bytes::of(text.as_bytes()) })
    }

    fn body_read(&self, task: u64, token: u64) -> Read {
        let mut state = self.shared.lock();
        let read = state.body_read(task, token);
        let (size, status) = (read.chunk.size, read.status);
        state.record.trace(|| format!("   body_read({}, {token}) -> {status:?}, {size} bytes", short(task)));
        read
    }

    fn body_trailers(&self, task: u64) -> Result<RawFields, Status> {
        self.call(|| format!("body_trailers({})", short(task)), |state| state.body_trailers(task))
    }

    fn respond(&self, task: u64, response: &ResponseView<'_>) -> Status {
        let call = || format!("respond({}, {}, {} bytes)", short(task), response.status, response.body.len());
        self.call(call, |state| state.respond(task, response))
    }

    fn inform(&self, task: u64, status: u32, fields: FieldsView<'_>) -> Status {
        self.call(|| format!("inform({}, {status})", short(task)), |state| state.inform(task, status, fields))
    }

    fn response_start(&self, task: u64, response: &ResponseView<'_>) -> Status {
        let call =
            || format!("response_start({}, {}, {:?})", short(task), response.status, response.content_length);
        self.call(call, |state| state.response_start(task, response))
    }

    fn response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        let call = || format!("response_write({}, {token}, {} bytes)", short(task), data.len());
        self.call(call, |state| state.response_write(task, token, data))
    }

    fn response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status {
        self.call(|| format!("response_end({})", short(task)), |state| state.response_end(task, trailers))
    }

    fn abort(&self, task: u64) -> Status {
        self.call(|| format!("abort({})", short(task)), |state| state.abort(task))
    }

    fn completion(&self, task: u64, token: u64) -> Result<u64, Status> {
        self.call(|| format!("completion({}, {token})", short(task)), |state| state.completion(task, token))
    }

    fn complete(&self, completion: u64, status: Status, value: u64) -> Status {
        let hold = {
            let mut state = self.shared.lock();
            let times = state.plan.held_up;
            let is_foreign = state.here().is_none();
            let is_held = is_foreign && state.foreign.one_in(times);
            is_held.then(|| Duration::from_micros(state.foreign.below(300) as u64))
        };
        if let Some(hold) = hold {
            thread::sleep(hold);
        }
        let call = || format!("complete({}, {status:?}, {value})", short(completion));
        let answer = self.call(call, |state| state.complete(completion, status, value));
        self.shared.wake();
        answer
    }

    fn timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        let call = || format!("timer({}, {token}, {delay_ns})", short(task));
        self.call(call, |state| state.timer(task, token, delay_ns))
    }

    fn cancel(&self, task: u64, token: u64) -> (Status, Option<Event>) {
        // A work that is withdrawn is dropped out of the lock: its destructor is the module's.
        let mut withdrawn = None;
        let call = || format!("cancel({}, {token})", short(task));
        self.call(call, |state| state.withdraw(task, token, &mut withdrawn))
    }

    fn notices(&self, task: u64, mask: u32) -> Status {
        self.call(
            || format!("notices({}, {mask})", short(task)),
            |state| {
                if let Err(status) = state.permit_refusable("notices", task) {
                    return status;
                }
                if mask & !ALL_NOTICES != 0 {
                    return state.refuse("notice.mask", Status::E_UNSUPPORTED, "an unknown notice");
                }
                let found = state.task(task);
                found.notices.0 = mask;
                let is_wanted =
                    |event: &Event| event.kind != event_kind::NOTICE || u64::from(mask) & event.value != 0;
                found.latched.retain(is_wanted);
                Status::OK
            },
        )
    }

    fn spawn(&self, worker: u32, arg: Opaque) -> Result<u64, Status> {
        let answer = self.call(|| format!("spawn({worker:#x})"), |state| state.spawn(worker, arg));
        self.shared.changed.notify_all();
        answer
    }

    fn task_cancel(&self, task: u64) -> Status {
        self.call(
            || format!("task_cancel({})", short(task)),
            |state| {
                state.look_alive("task_cancel");
                match state.tasks.get(&task).map(|found| found.life) {
                    None | Some(Life::Gone) => Status::E_GONE,
                    Some(Life::Finishing) => Status::OK,
                    Some(_) => {
                        state.cancel(task, Status::CANCELLED_MODULE);
                        Status::OK
                    }
                }
            },
        )
    }

    fn resource(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status> {
        let (name, interface) = (String::from_utf8_lossy(name), String::from_utf8_lossy(interface));
        self.call(|| format!("resource({name}, {interface})"), |state| state.resource(&name, &interface))
    }

    fn acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        self.call(
            || format!("acquire({}, {token}, {resources:?})", short(task)),
            |state| state.acquire(task, token, resources, timeout_ns, leases),
        )
    }

    fn release(&self, task: u64, lease: u64, how: u32) -> Status {
        self.call(
            || format!("release({}, {lease:#x}, {how})", short(task)),
            |state| state.release(task, lease, how),
        )
    }

    fn lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable> {
        let mut state = self.shared.lock();
        state.permit("lease_interface", task, Allowed::Step).ok()?;
        let found = state.leases.get(&lease).filter(|lease| lease.task == task && lease.is_held)?;
        interface(state.resources[found.resource].interface.as_bytes())
    }

    fn refused(&self, task: u64, call: &'static str, refusal: &BoundaryRefusal) {
        let mut state = self.shared.lock();
        state.record.violate(refusal.rule, format!("{call}({}): {}", short(task), refusal.text));
        state.refuse(refusal.rule, refusal.status, refusal.text);
    }

    fn panicked(&self, call: &'static str, message: &str) {
        // A fault of the kit's own, which must not be taken for one of the module's.
        eprintln!("the kit's host panicked in {call}: {message}");
        std::process::abort();
    }
}

impl OffloadHost for KitHost {
    fn offload_run(&self, task: u64, token: u64, work: Work) -> Result<(), (Status, Work)> {
        let mut state = self.shared.lock();
        if let Err(status) = state.permit_refusable("hc.offload/1 run", task) {
            return Err((status, work));
        }
        if token == 0 {
            let text = "the token is 0";
            return Err((
                state.breach("hc.offload/1 run", "completion.token.zero", Status::E_TOKEN, text),
                work,
            ));
        }
        // The answer is decided first: what begins the operation takes the work with it.
        let status = state.begin("hc.offload/1 run", task, token, Wait::Body);
        if status != Status::PENDING {
            return Err((status, work));
        }
        if let Some((_, wait)) = state.task(task).waits.last_mut() {
            *wait = Wait::Offload(work);
        }
        Ok(())
    }
}
