//! The host calls of the fake container. Simple readings of the header's rules; what a module does wrong is answered, and
//! what no module may ever do is a fault that fails the test.

use std::thread;

use http::StatusCode;
use http_container_abi::constants::{WORKER_ANY, WORKER_NONE, WORKER_SELF, limit, task_kind};
use http_container_abi::raw::hc_bytes;
use http_container_abi::{
    Event, ExtensionTable, FieldsView, Host, Opaque, RawFields, Read, Refusal, ResponseView, Status,
};

use super::answer::LogLine;
use super::host::{FakeHost, extension};
use super::responses::{headers, start_response};
use super::task::{Phase, Rest, Task, Wait};

impl Host for FakeHost {
    fn extension(&self, id: &[u8]) -> Option<ExtensionTable> {
        extension(id)
    }

    fn log(&self, task: u64, level: u32, text: &[u8]) {
        let text = String::from_utf8_lossy(text).into_owned();
        self.shared.lock().log.push(LogLine { task, level, text });
    }

    fn now(&self) -> u64 {
        self.enter().now_ns
    }

    fn worker_index(&self) -> u32 {
        let state = self.enter();
        let here = state.running.filter(|running| running.thread == thread::current().id());
        here.map_or(WORKER_NONE, |running| running.worker)
    }

    fn worker_count(&self) -> u32 {
        self.enter().workers
    }

    fn limit(&self, which: u32) -> u64 {
        self.enter().limit(which)
    }

    fn refusal(&self) -> Option<Refusal> {
        let state = self.shared.lock();
        let (rule, text) = state.refusal.as_ref()?;
        Some(Refusal { rule: hc_bytes::of(rule.as_bytes()), text: hc_bytes::of(text.as_bytes()) })
    }

    fn body_read(&self, task: u64, token: u64) -> Read {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return Read::none(status),
        };
        let Ok(found) = state.stepping(task) else { return Read::none(Status::E_GONE) };
        if matches!(found.kind, task_kind::BACKGROUND | task_kind::MEMBER) || found.feed.is_taken {
            return Read::none(Status::E_STATE);
        }
        if found.is_waiting_for(|wait| *wait == Wait::Body).is_some() {
            return Read::none(Status::E_BUSY);
        }
        found.feed.shown = found.feed.chunks.pop_front();
        if let Some(chunk) = &found.feed.shown {
            return Read::chunk(chunk);
        }
        match found.feed.rest {
            Rest::Ended => {
                found.feed.has_ended = true;
                Read::none(Status::END)
            }
            Rest::Cut(status) => Read::none(status),
            Rest::Open => Read::none(state.wait(task, token, Wait::Body)),
        }
    }

    fn body_trailers(&self, task: u64) -> Result<RawFields, Status> {
        let mut state = self.enter_task(task, false)?;
        let found = state.stepping(task)?;
        if !found.feed.has_ended {
            return Err(Status::E_STATE);
        }
        Ok(found.feed.trailers.raw())
    }

    fn respond(&self, task: u64, response: &ResponseView<'_>) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let length = response.body.len() as u64;
        if length > state.limit(limit::RESPOND_BYTES) {
            return state.refuse(
                "response.respond.limit",
                Status::E_LIMIT,
                "the body is too long for respond",
            );
        }
        let started = start_response(&mut state, task, response, Some(length));
        if started != Status::OK {
            return started;
        }
        let Ok(found) = state.stepping(task) else { return Status::E_GONE };
        if !found.has_no_body {
            found.body.extend_from_slice(response.body);
        }
        found.phase = Phase::Complete;
        found.answer.is_whole = true;
        state.tell_parent(task);
        Status::OK
    }

    fn inform(&self, task: u64, status: u32, fields: FieldsView<'_>) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let code = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let Some(code) = code.filter(|code| (102..200).contains(&code.as_u16())) else {
            return state.refuse("response.inform.status", Status::E_INVALID, "the status is not 102 to 199");
        };
        if headers(fields).is_none() {
            return Status::E_FIELD;
        }
        let Ok(found) = state.stepping(task) else { return Status::E_GONE };
        if found.phase != Phase::None {
            return Status::E_STATE;
        }
        found.answer.informs.push(code);
        Status::OK
    }

    fn response_start(&self, task: u64, response: &ResponseView<'_>) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        if !response.body.is_empty() {
            return state.refuse("response.start.body", Status::E_INVALID, "response_start takes no body");
        }
        let status = start_response(&mut state, task, response, response.content_length);
        if status == Status::OK {
            state.tell_parent(task);
        }
        status
    }

    fn response_write(&self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return (status, 0),
        };
        let Ok(found) = state.stepping(task) else { return (Status::E_GONE, 0) };
        if found.phase != Phase::Open {
            return (Status::E_STATE, 0);
        }
        if found.is_waiting_for(|wait| *wait == Wait::Write).is_some() {
            return (Status::E_BUSY, 0);
        }
        if found.has_no_body {
            return (Status::DISCARDED, data.len());
        }
        if found.answer.content_length.is_some_and(|length| (found.body.len() + data.len()) as u64 > length) {
            let text = "more than content_length was written";
            return (state.refuse("response.content-length", Status::E_INVALID, text), 0);
        }
        let accepted = found.room.map_or(data.len(), |room| room.min(data.len()));
        found.body.extend_from_slice(&data[..accepted]);
        found.room = found.room.map(|room| room - accepted);
        state.tell_parent(task);
        if accepted == data.len() {
            return (Status::OK, accepted);
        }
        (state.wait(task, token, Wait::Write), accepted)
    }

    fn response_end(&self, task: u64, trailers: FieldsView<'_>) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let Some(trailers) = headers(trailers) else { return Status::E_FIELD };
        let Ok(found) = state.stepping(task) else { return Status::E_GONE };
        if found.phase != Phase::Open {
            return Status::E_STATE;
        }
        found.phase = Phase::Complete;
        let missing = !found.has_no_body
            && found.answer.content_length.is_some_and(|length| (found.body.len() as u64) < length);
        if missing {
            found.answer.is_aborted = true;
            state.tell_parent(task);
            return state.refuse(
                "response.content-length",
                Status::E_STATE,
                "less than content_length was written",
            );
        }
        found.answer.trailers = trailers;
        found.answer.is_whole = true;
        state.tell_parent(task);
        Status::OK
    }

    fn abort(&self, task: u64) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let Ok(found) = state.stepping(task) else { return Status::E_GONE };
        if found.phase == Phase::Complete {
            return Status::E_STATE;
        }
        found.phase = Phase::Complete;
        found.answer.is_aborted = true;
        state.tell_parent(task);
        Status::OK
    }

    fn completion(&self, task: u64, token: u64) -> Result<u64, Status> {
        let mut state = self.enter_task(task, false)?;
        let handle = state.handle();
        match state.wait(task, token, Wait::Completion(handle)) {
            Status::PENDING => {
                state.completions.insert(handle, (task, token));
                Ok(handle)
            }
            status => Err(status),
        }
    }

    fn complete(&self, completion: u64, status: Status, value: u64) -> Status {
        let mut state = self.enter();
        let Some((task, token)) = state.completions.remove(&completion) else { return Status::E_GONE };
        state.fire(task, token, status, value);
        let is_foreign = state.running.is_none_or(|running| running.thread != thread::current().id());
        drop(state);
        if is_foreign {
            self.shared.waker.wake().expect("the poll set of the test lives");
        }
        Status::OK
    }

    fn timer(&self, task: u64, token: u64, delay_ns: u64) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let deadline_ns = state.now_ns.saturating_add(delay_ns);
        state.next_order += 1;
        let order = state.next_order;
        let status = state.wait(task, token, Wait::Timer(deadline_ns, order));
        if status == Status::PENDING {
            state.timers.insert((deadline_ns, order), (task, token));
        }
        status
    }

    fn cancel(&self, task: u64, token: u64) -> (Status, Option<Event>) {
        let Ok(mut state) = self.enter_task(task, true) else { return (Status::E_GONE, None) };
        let Ok(found) = state.live(task) else { return (Status::E_GONE, None) };
        if let Some(place) = found.find(token) {
            let (_, wait) = found.waits.remove(place);
            state.forget(task, token, wait);
            return (Status::OK, None);
        }
        match found.latched.iter().position(|event| event.token == token) {
            Some(place) => (Status::E_TOO_LATE, Some(found.latched.remove(place))),
            None => (Status::E_GONE, None),
        }
    }

    fn notices(&self, task: u64, mask: u32) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let Ok(found) = state.stepping(task) else { return Status::E_GONE };
        let due = found.raised & mask & !found.notices;
        found.notices = mask;
        for bit in (0..u32::BITS).map(|shift| 1 << shift).filter(|bit| due & bit != 0) {
            state.notice(task, bit);
        }
        Status::OK
    }

    fn spawn(&self, worker: u32, arg: Opaque) -> Result<u64, Status> {
        let mut state = self.enter();
        if state.is_draining {
            return Err(Status::E_DRAINING);
        }
        let spawned = |task: &&Task| task.kind == task_kind::BACKGROUND;
        if state.all_live().filter(spawned).count() as u64 >= state.limit(limit::TASKS) {
            return Err(Status::E_LIMIT);
        }
        let running = state.running.filter(|running| running.thread == thread::current().id());
        let worker = match (worker, running) {
            (WORKER_SELF, Some(running)) => running.worker,
            (WORKER_SELF, None) => return Err(Status::E_THREAD),
            (WORKER_ANY, _) => state.take_turn(),
            (worker, _) if worker < state.workers => worker,
            _ => return Err(Status::E_INVALID),
        };
        let handle = state.handle();
        let mut task = Task::new(self.module, worker, task_kind::BACKGROUND);
        task.argument = arg;
        state.add(handle, task);
        drop(state);
        if running.is_none() {
            self.shared.waker.wake().expect("the poll set of the test lives");
        }
        Ok(handle)
    }

    fn task_cancel(&self, task: u64) -> Status {
        let mut state = self.enter();
        match state.live(task) {
            Ok(found) if found.module == self.module => {}
            _ => return Status::E_GONE,
        }
        state.cancel(task, Status::CANCELLED_MODULE);
        drop(state);
        self.shared.waker.wake().expect("the poll set of the test lives");
        Status::OK
    }

    fn resource(&self, name: &[u8], interface: &[u8]) -> Result<u32, Status> {
        self.enter().resources.find(name, interface)
    }

    fn acquire(
        &self,
        task: u64,
        token: u64,
        resources: &[u32],
        timeout_ns: u64,
        leases: &mut [u64],
    ) -> Status {
        match self.enter_task(task, false) {
            Ok(mut state) => state.acquire(task, token, resources, timeout_ns, leases),
            Err(status) => status,
        }
    }

    fn release(&self, task: u64, lease: u64, how: u32) -> Status {
        match self.enter_task(task, true) {
            Ok(mut state) => state.release(task, lease, how),
            Err(status) => status,
        }
    }

    fn lease_interface(&self, task: u64, lease: u64) -> Option<ExtensionTable> {
        let state = self.enter_task(task, false).ok()?;
        let holding = state.resources.held.get(&lease).filter(|holding| holding.task == task)?;
        let interface = state.resources.all[holding.resource as usize].interface.as_ref()?;
        extension(interface.as_bytes())
    }

    fn panicked(&self, call: &'static str, message: &str) {
        self.shared.lock().faults.push(format!("the fake container panicked in {call}: {message}"));
    }
}
