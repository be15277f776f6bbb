//! The trait of the boundary over the calls, and the calls that concern no task: extensions, log, time, limits,
//! resources.

use super::leases::interface_table;
use super::{InstanceHost, Refused, refusal};
use crate::report::{Level, Report};
use crate::worker::Callback;
use http_container_abi::constants::{DISPATCH_ID, FD_ID, OFFLOAD_ID, PROVIDER_ID, WORKER_NONE, limit};
use http_container_abi::{
    BoundaryRefusal, Event, ExtensionTable, FieldsView, Host, Opaque, RawFields, Read, Refusal, ResponseView,
    Status, dispatch_table, fd_table, offload_table, provider_table, raw::hc_bytes,
};

impl Host for InstanceHost {
    fn extension(&self, id: &[u8]) -> Option<ExtensionTable> {
        match str::from_utf8(id) {
            // The threads of modules that block wait for no descriptors: such a module may block on them.
            Ok(FD_ID) if self.is_blocking => None,
            Ok(FD_ID) => Some(ExtensionTable::of(fd_table::<InstanceHost>())),
            Ok(DISPATCH_ID) => Some(ExtensionTable::of(dispatch_table::<InstanceHost>())),
            Ok(OFFLOAD_ID) if self.is_blocking => None,
            Ok(OFFLOAD_ID) => Some(ExtensionTable::of(offload_table::<InstanceHost>())),
            Ok(PROVIDER_ID) => Some(ExtensionTable::of(provider_table::<InstanceHost>())),
            Ok(id) => interface_table(id),
            Err(_) => None,
        }
    }

    fn log(&self, task: u64, level: u32, text: &[u8]) {
        self.look_at_text(task, "log", text);
        let Some(container) = self.container() else { return };
        let level = Level::from_abi(level);
        if container.reporter.wants(level) {
            container.reporter.report(&Report {
                level,
                module: container.module_name(self.module),
                task,
                request: self.request_of(&container, task),
                rule: "",
                status: None,
                text: &String::from_utf8_lossy(text),
            });
        }
    }

    fn now(&self) -> u64 {
        self.with_worker(|worker| worker.container.now_ns())
            .unwrap_or_else(|| self.container().map_or(0, |container| container.now_ns()))
    }

    fn worker_index(&self) -> u32 {
        let number = self.with_worker(|worker| match self.callback(worker) {
            Callback::None => WORKER_NONE,
            _ => worker.container.number_of(worker.index),
        });
        number.unwrap_or(WORKER_NONE)
    }

    fn worker_count(&self) -> u32 {
        self.container().map_or(0, |container| container.workers_for(self.is_blocking).1)
    }

    fn limit(&self, which: u32) -> u64 {
        let Some(container) = self.container() else { return 0 };
        let limits = &container.limits;
        match which {
            limit::OPERATIONS => limits.operations_per_task as u64,
            limit::RESPOND_BYTES => limits.respond_bytes,
            limit::HEAD_BYTES => limits.response_head_bytes,
            limit::BODY_BYTES => limits.body_bytes,
            limit::TASKS => u64::from(limits.tasks_per_module),
            limit::DISPATCH_DEPTH => u64::from(limits.dispatch_depth),
            _ => 0,
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        refusal::with_latest(self.identity(), |rule, text| Refusal {
            rule: hc_bytes::of(rule.as_bytes()),
            text: hc_bytes::of(text.as_bytes()),
        })
    }

    fn body_read(&self, task: u64, token: u64) -> Read {
        self.call_body_read(task, token)
    }

    fn body_trailers(&self, task: u64) -> Result<RawFields, Status> {
        self.call_body_trailers(task)
    }

    fn respond(&self, task: u64, response: &ResponseView<'_>) -> Status {
        self.look_at_fields(task, "respond", response.fields);
        self.look_at_bytes(task, "respond", response.body);
        self.call_respond(task, response)
    }

    fn inform(&self, task: u64, status: u32, fields: FieldsView<'_>) -> Status {
        self.look_at_fields(task, "inform", fields);
        self.call_inform(task, status, fields)
    }

    fn response_start(&self, task: u64, response: &ResponseView<'_>) -> Status {
        self.look_at_fields(task, "response_start", response.fields);
        self.call_response_start(task, response)
    }

    fn response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        self.look_at_bytes(task, "response_write", data);
        self.call_response_write(task, token, data)
    }

    fn response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status {
        self.look_at_fields(task, "response_end", trailers);
        self.call_response_end(task, trailers)
    }

    fn abort(&self, task: u64) -> Status {
        self.call_abort(task)
    }

    fn completion(&self, task: u64, token: u64) -> Result<u64, Status> {
        self.call_completion(task, token)
    }

    fn complete(&self, completion: u64, status: Status, value: u64) -> Status {
        self.look_at_status(status);
        self.call_complete(completion, status, value)
    }

    fn timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        self.call_timer(task, token, delay_ns)
    }

    fn cancel(&self, task: u64, token: u64) -> (Status, Option<Event>) {
        self.call_cancel(task, token)
    }

    fn notices(&self, task: u64, mask: u32) -> Status {
        self.call_notices(task, mask)
    }

    fn spawn(&self, worker: u32, arg: Opaque) -> Result<u64, Status> {
        let mut made = 0;
        let status = self.call_spawn(worker, arg, &mut |task| made = task);
        status.ok().map(|()| made)
    }

    fn spawn_announced(&self, worker: u32, arg: Opaque, announce: &mut dyn FnMut(u64)) -> Status {
        self.call_spawn(worker, arg, announce)
    }

    fn task_cancel(&self, task: u64) -> Status {
        self.call_task_cancel(task)
    }

    fn resource(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status> {
        self.call_resource(name, interface)
    }

    fn acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        self.call_acquire(task, token, resources, timeout_ns, leases)
    }

    fn release(&self, task: u64, lease: u64, how: u32) -> Status {
        self.call_release(task, lease, how)
    }

    fn lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable> {
        self.call_lease_interface(task, lease)
    }

    fn before_lease_arguments(&self, task: u64, lease: u64, call: &'static str) -> Status {
        self.refuse_before_lease_arguments(task, lease, call)
    }

    fn before_arguments(&self, task: u64, call: &'static str) -> Status {
        self.refuse_before_arguments(task, call)
    }

    fn refused(&self, task: u64, call: &'static str, boundary: &BoundaryRefusal) {
        let text = format!("{call}: {}", boundary.text);
        self.refuse(task, Refused::owned(boundary.status, boundary.rule, text));
    }

    fn panicked(&self, call: &'static str, message: &str) {
        if let Some(container) = self.container() {
            let text = format!("the container panicked in {call}: {message}");
            container.tell(Level::Error, container.module_name(self.module), "", &text);
        }
    }
}
