//! The kit's host: hc.dispatch/1. Behind a middleware stands no module: children answer out of the seed and their request. Must
//! not know what a parent does with an answer.

use super::choices::Choices;
use super::host::KitHost;
use super::permission::Allowed;
use super::state::State;
use super::task::Wait;
use http_container_abi::constants::{dispatch_flag, event_kind};
use http_container_abi::{
    DispatchHost, DispatchOptionsView, Event, FieldStorage, RawFields, Read, ResponseHead, Status,
};

/// How a child's response ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Whole,
    BrokenOff,
}

/// A child, with the response that it gives.
#[derive(Debug)]
pub struct Child {
    parent: u64,
    /// 0: it ends without a response.
    status: u32,
    fields: FieldStorage,
    trailers: FieldStorage,
    body: Vec<u8>,
    length: Option<u64>,
    end: End,
    /// Its head was told of.
    has_answered: bool,
    given: usize,
    shown: Option<Vec<u8>>,
    is_over: bool,
    /// The next read goes on, whatever is chosen: an event promised it.
    is_promised: bool,
}

fn fields(all: &[(&str, &str)]) -> FieldStorage {
    let mut storage = FieldStorage::new();
    all.iter().for_each(|(name, value)| storage.push(name.as_bytes(), value.as_bytes()));
    storage.seal();
    storage
}

impl Child {
    /// The child that answers `path`; `is_head`: without a body.
    fn of(parent: u64, seed: u64, path: &[u8], is_head: bool) -> Child {
        let sum = path.iter().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        let mut choices = Choices::new(sum, 11);
        let status = [200, 200, 404, 204, 500][choices.below(5)];
        let size = if is_head || status == 204 { 0 } else { [0, 1, 17, 300, 2_000][choices.below(5)] };
        let is_known = choices.one_in(2);
        let trailers: &[_] = if !is_known && choices.one_in(2) { &[("x-child-sum", "7")] } else { &[] };
        Child {
            parent,
            status,
            fields: fields(&[("content-type", "text/plain"), ("x-child", "kit")]),
            trailers: fields(trailers),
            body: (0..size).map(|index| b'A' + (index % 26) as u8).collect(),
            length: is_known.then_some(size as u64),
            end: End::Whole,
            has_answered: false,
            given: 0,
            shown: None,
            is_over: false,
            is_promised: false,
        }
    }
}

impl State {
    /// A child that the parent may use.
    fn child(&mut self, call: &'static str, task: u64, child: u64) -> Result<&mut Child, Status> {
        self.permit(call, task, Allowed::Step)?;
        if self.children.get(&child).is_none_or(|found| found.parent != task) {
            let text = "the task has no such child";
            return Err(self.breach(call, "dispatch.child.handle", Status::E_GONE, text));
        }
        Ok(self.children.get_mut(&child).expect("it was found"))
    }

    fn dispatch_open(&mut self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64) {
        let call = "hc.dispatch/1 open";
        if let Err(status) = self.permit_refusable(call, task).and_then(|()| self.need_request(call, task)) {
            return (status, 0);
        }
        let takes_body = options.flags & dispatch_flag::BODY != 0;
        if options.flags & !(dispatch_flag::BODY | dispatch_flag::ROUTE) != 0 {
            return (self.breach(call, "dispatch.open.flags", Status::E_UNSUPPORTED, "an unknown flag"), 0);
        }
        if takes_body && !options.body.is_empty() {
            let text = "a body beside that of the parent";
            return (self.breach(call, "dispatch.open.flags", Status::E_INVALID, text), 0);
        }
        if token == 0 {
            return (self.breach(call, "completion.token.zero", Status::E_TOKEN, "the token is 0"), 0);
        }
        let (seed, failing) = (self.plan.seed, self.plan.members.failing);
        let found = self.task(task);
        let feed = &found.feed;
        if takes_body && (feed.given > 0 || feed.is_over || feed.is_taken) {
            return (self.refuse("dispatch.body.once", Status::E_STATE, "the body was read, or taken"), 0);
        }
        let end_of_body = feed.end;
        let script = found.script.map(|number| &self.plan.scripts[number]);
        let own = script.map(|script| {
            let path = script.target.split('?').next().unwrap_or_default();
            (path.as_bytes().to_vec(), script.method == "HEAD")
        });
        let given = options.request.map(|request| (request.path().to_vec(), request.method() == b"HEAD"));
        let (path, is_head) = given.or(own).unwrap_or_default();
        let handle = self.handle();
        let status = self.begin(call, task, token, Wait::ChildHead(handle));
        if status != Status::PENDING {
            return (status, 0);
        }
        let mut child = Child::of(task, seed, &path, is_head);
        if takes_body {
            self.task(task).feed.is_taken = true;
            if end_of_body != super::script::BodyEnd::Whole {
                child.status = 0;
            }
        }
        if self.choices.one_in(failing) {
            (child.status, child.end) =
                [(0, End::Whole), (child.status, End::BrokenOff)][self.choices.below(2)];
        }
        self.children.insert(handle, child);
        (status, handle)
    }

    /// The head of a child's response is there, or there will be none.
    pub(super) fn child_answered(&mut self, task: u64, token: u64, child: u64) {
        let Some(found) = self.children.get_mut(&child) else { return };
        found.has_answered = true;
        let value = u64::from(found.status);
        let status = if found.status == 0 { Status::E_FAILED } else { Status::OK };
        self.latch(task, Event { token, value, status, kind: event_kind::CHILD_HEAD });
    }

    fn need_head(&mut self, call: &'static str, task: u64, child: u64) -> Result<(), Status> {
        let found = self.child(call, task, child)?;
        if found.has_answered && found.status != 0 {
            return Ok(());
        }
        Err(self.refuse("dispatch.head.after-event", Status::E_STATE, "the child has given no head"))
    }

    fn dispatch_read(&mut self, task: u64, child: u64, token: u64) -> Result<Read, Status> {
        let call = "hc.dispatch/1 read";
        self.need_head(call, task, child)?;
        if self.task(task).is_waiting_for(event_kind::CHILD_BODY, child) {
            return Err(self.refuse("dispatch.read.one", Status::E_BUSY, "a read of the child waits"));
        }
        self.check_token(call, task, token)?;
        let late = self.plan.late.max(self.plan.members.late);
        let is_late = self.choices.one_in(late);
        let piece = 1 + self.choices.below(if late == 0 { 1 << 16 } else { 400 });
        let found = self.children.get_mut(&child).expect("it was found");
        let is_promised = std::mem::replace(&mut found.is_promised, false);
        if is_late && !is_promised && !found.is_over {
            return Err(if token == 0 {
                Status::PENDING
            } else {
                self.begin(call, task, token, Wait::ChildBody(child))
            });
        }
        let old = found.shown.take();
        let most = if found.end == End::BrokenOff { found.body.len() / 2 } else { found.body.len() };
        let read = if found.given < most {
            let until = most.min(found.given + piece);
            let shown = found.shown.insert(found.body[found.given..until].to_vec());
            found.given = until;
            Ok(Read::chunk(shown))
        } else {
            found.is_over = true;
            Err(if found.end == End::BrokenOff { Status::E_FAILED } else { Status::END })
        };
        self.bury(old);
        read
    }

    /// A read of a child that waited has its event.
    pub(super) fn child_goes_on(&mut self, task: u64, token: u64, child: u64, is_spurious: bool) {
        self.children.entry(child).and_modify(|child| child.is_promised = !is_spurious);
        self.latch(task, Event::ready(event_kind::CHILD_BODY, token));
    }

    fn dispatch_trailers(&mut self, task: u64, child: u64) -> Result<RawFields, Status> {
        let call = "hc.dispatch/1 trailers";
        let found = self.child(call, task, child)?;
        if found.is_over && found.end == End::Whole {
            return Ok(found.trailers.raw());
        }
        Err(self.refuse("dispatch.trailers.after-end", Status::E_STATE, "the child's body has not ended"))
    }

    fn dispatch_close(&mut self, task: u64, child: u64) -> Status {
        if let Err(status) = self.permit("hc.dispatch/1 close", task, Allowed::StepOrFinish) {
            return status;
        }
        if self.children.get(&child).is_none_or(|found| found.parent != task) {
            return self.refuse("dispatch.close.gone", Status::E_GONE, "the task has no such child");
        }
        self.end_child(child);
        Status::OK
    }

    /// A child is over: what waits on it is withdrawn, and its views end.
    pub(super) fn end_child(&mut self, handle: u64) {
        let Some(mut child) = self.children.remove(&handle) else { return };
        let shown = child.shown.take();
        self.bury(shown);
        if let Some(found) = self.tasks.get_mut(&child.parent) {
            let tokens = found.end_lease(handle);
            found.latched.retain(|event| !tokens.contains(&event.token));
        }
    }

    /// The children of a task that is over.
    pub(super) fn end_children(&mut self, task: u64) {
        let mut all: Vec<u64> = self
            .children
            .iter()
            .filter(|(_, child)| child.parent == task)
            .map(|(handle, _)| *handle)
            .collect();
        all.sort_unstable();
        all.into_iter().for_each(|child| self.end_child(child));
    }
}

impl DispatchHost for KitHost {
    fn dispatch_open(&self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64) {
        let call = || format!("hc.dispatch/1 open({}, {token}, flags {})", task & 0xffff, options.flags);
        self.call(call, |state| state.dispatch_open(task, token, options))
    }

    fn dispatch_head(&self, task: u64, child: u64) -> Result<ResponseHead, Status> {
        let call = || format!("hc.dispatch/1 head({}, {})", task & 0xffff, child & 0xffff);
        self.call(call, |state| {
            state.need_head("hc.dispatch/1 head", task, child)?;
            let child = &state.children[&child];
            let (status, content_length) = (child.status, child.length);
            Ok(ResponseHead { status, fields: child.fields.raw(), content_length })
        })
    }

    fn dispatch_read(&self, task: u64, child: u64, token: u64) -> Read {
        let call = || format!("hc.dispatch/1 read({}, {}, {token})", task & 0xffff, child & 0xffff);
        self.call(call, |state| state.dispatch_read(task, child, token).unwrap_or_else(Read::none))
    }

    fn dispatch_trailers(&self, task: u64, child: u64) -> Result<RawFields, Status> {
        let call = || format!("hc.dispatch/1 trailers({}, {})", task & 0xffff, child & 0xffff);
        self.call(call, |state| state.dispatch_trailers(task, child))
    }

    fn dispatch_close(&self, task: u64, child: u64) -> Status {
        let call = || format!("hc.dispatch/1 close({}, {})", task & 0xffff, child & 0xffff);
        self.call(call, |state| state.dispatch_close(task, child))
    }
}
