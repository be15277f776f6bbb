//! hc.dispatch/1 in the fake container: a child runs the next module of the chain. Must not call a module.

use std::sync::Arc;

use bytes::Bytes;
use http_container_abi::constants::{dispatch_flag, limit, task_kind};
use http_container_abi::raw::hc_address;
use http_container_abi::{
    DispatchHost, DispatchOptionsView, FieldStorage, RawFields, Read, RequestFacts, RequestStorage,
    ResponseHead, Status,
};

use super::host::FakeHost;
use super::state::State;
use super::task::{ChildSide, Rest, Task, Wait};

/// A child may write so many bytes ahead of its parent.
const CHILD_ROOM: usize = 64 * 1024;

impl State {
    /// The response of a child went on: its parent may wait for that.
    pub(super) fn tell_parent(&mut self, child: u64) {
        let Some(found) = self.tasks.get_mut(&child) else { return };
        let (status, has_ended) = (found.answer.status, found.outcome.is_some());
        let failure =
            found.outcome.filter(|outcome| outcome.0 <= Status::CANCELLED_PEER.0).unwrap_or(Status::E_FAILED);
        let has_news = found.answer.is_whole || found.answer.is_aborted || has_ended;
        let Some(side) = found.child.as_mut() else { return };
        let has_more = has_news || found.body.len() > side.read;
        let parent = side.parent;
        if !side.is_head_told && (status.is_some() || has_ended) {
            side.is_head_told = true;
            if let Some(status) = status {
                side.fields.clear();
                for (name, value) in &found.answer.headers {
                    side.fields.push(name.as_str().as_bytes(), value.as_bytes());
                }
                side.fields.seal();
                self.fire_where(parent, Wait::ChildHead(child), Status::OK, u64::from(status.as_u16()));
            } else {
                self.fire_where(parent, Wait::ChildHead(child), failure, 0);
            }
        }
        if has_more {
            self.fire_where(parent, Wait::ChildBody(child), Status::OK, 0);
        }
    }

    pub(super) fn fire_where(&mut self, task: u64, wanted: Wait, status: Status, value: u64) {
        let token = self.live(task).ok().and_then(|found| found.is_waiting_for(|wait| *wait == wanted));
        if let Some(token) = token {
            self.fire(task, token, status, value);
        }
    }

    /// A child whose parent ended or closed it.
    pub(super) fn close_child(&mut self, child: u64) -> Status {
        let Some(found) = self.tasks.get_mut(&child) else { return Status::E_GONE };
        match found.child.as_mut() {
            Some(side) if !side.is_closed => side.is_closed = true,
            _ => return Status::E_GONE,
        }
        self.cancel(child, Status::CANCELLED_PARENT);
        Status::OK
    }

    fn child(&mut self, task: u64, child: u64) -> Result<&mut Task, Status> {
        let found = self.tasks.get_mut(&child).ok_or(Status::E_GONE)?;
        let is_ours = found.child.as_ref().is_some_and(|side| side.parent == task && !side.is_closed);
        if is_ours { Ok(found) } else { Err(Status::E_GONE) }
    }

    fn depth(&self, mut task: u64) -> u64 {
        let mut depth = 0;
        while let Some(side) = self.tasks.get(&task).and_then(|found| found.child.as_ref()) {
            task = side.parent;
            depth += 1;
        }
        depth
    }
}

/// The child's head: what its parent wrote, or a copy of the parent's own.
fn head(parent: &Task, options: &DispatchOptionsView<'_>) -> Result<RequestStorage, Status> {
    let own = parent.request.as_ref().ok_or(Status::E_STATE)?;
    let own = own.head();
    let nowhere = hc_address { ip: [0; 16], port: 0, family: 0 };
    let has_body = options.flags & dispatch_flag::BODY != 0;
    let facts = RequestFacts {
        id: own.id(),
        version: own.version(),
        content_length: if has_body { own.content_length() } else { Some(options.body.len() as u64) },
        deadline_ns: own.deadline_ns(),
        peer: nowhere,
        local: nowhere,
        tls: None,
    };
    let mut storage = RequestStorage::new();
    storage.copy_head(&options.request.unwrap_or(own), "http", facts);
    Ok(storage)
}

impl DispatchHost for FakeHost {
    fn dispatch_open(&self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64) {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return (status, 0),
        };
        let is_routed = options.flags & dispatch_flag::ROUTE != 0;
        let here = state.chain.iter().position(|module| *module == self.module);
        let next = if is_routed { Some(0) } else { here.map(|here| here + 1) };
        let Some(module) = next.and_then(|next| state.chain.get(next).copied()) else {
            let text = "the chain has no next module";
            return (state.refuse("dispatch.open.none", Status::E_RESOURCE, text), 0);
        };
        if state.depth(task) >= state.limit(limit::DISPATCH_DEPTH) {
            return (
                state.refuse("dispatch.open.depth", Status::E_LIMIT, "children of children are too deep"),
                0,
            );
        }
        let Ok(parent) = state.stepping(task) else { return (Status::E_GONE, 0) };
        let request = match head(parent, options) {
            Ok(request) => request,
            Err(status) => return (status, 0),
        };
        let worker = parent.worker;
        let mut has_heir = false;
        let mut child = Task::new(module, worker, task_kind::CHILD);
        if options.flags & dispatch_flag::BODY != 0 {
            if parent.feed.is_taken || parent.feed.has_ended || parent.feed.shown.is_some() {
                return (Status::E_STATE, 0);
            }
            std::mem::swap(&mut child.feed, &mut parent.feed);
            parent.feed.is_taken = true;
            has_heir = true;
        } else {
            child.feed.rest = Rest::Ended;
            child
                .feed
                .chunks
                .extend((!options.body.is_empty()).then(|| Bytes::copy_from_slice(options.body)));
        }
        let handle = state.handle();
        let status = state.wait(task, token, Wait::ChildHead(handle));
        if status != Status::PENDING {
            return (status, 0);
        }
        child.request = Some(Arc::new(request));
        child.room = Some(CHILD_ROOM);
        child.child = Some(ChildSide {
            parent: task,
            is_closed: false,
            fields: FieldStorage::new(),
            trailers: FieldStorage::new(),
            is_head_told: false,
            read: 0,
            shown: None,
        });
        state.add(handle, child);
        if let Ok(parent) = state.live(task) {
            parent.children.push(handle);
            parent.heir = parent.heir.or(has_heir.then_some(handle));
        }
        (Status::PENDING, handle)
    }

    fn dispatch_head(&self, task: u64, child: u64) -> Result<ResponseHead, Status> {
        let mut state = self.enter_task(task, false)?;
        let found = state.child(task, child)?;
        let status = found.answer.status.ok_or(Status::E_STATE)?;
        let content_length = found.answer.content_length;
        let side = found.child.as_ref().ok_or(Status::E_GONE)?;
        Ok(ResponseHead { status: status.as_u16().into(), fields: side.fields.raw(), content_length })
    }

    fn dispatch_read(&self, task: u64, child: u64, token: u64) -> Read {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return Read::none(status),
        };
        let Ok(found) = state.child(task, child) else { return Read::none(Status::E_GONE) };
        let (is_whole, is_over) = (found.answer.is_whole, found.answer.is_aborted || found.outcome.is_some());
        let available = found.body.len();
        let Some(side) = found.child.as_mut() else { return Read::none(Status::E_GONE) };
        if available > side.read {
            let chunk = Bytes::copy_from_slice(&found.body[side.read..]);
            side.read = available;
            let read = Read::chunk(&chunk);
            side.shown = Some(chunk);
            found.room = Some(CHILD_ROOM);
            state.fire_where(child, Wait::Write, Status::OK, 0);
            return read;
        }
        if is_whole {
            return Read::none(Status::END);
        }
        if is_over {
            return Read::none(Status::E_FAILED);
        }
        Read::none(state.wait(task, token, Wait::ChildBody(child)))
    }

    fn dispatch_trailers(&self, task: u64, child: u64) -> Result<RawFields, Status> {
        let mut state = self.enter_task(task, false)?;
        let found = state.child(task, child)?;
        let trailers = found.answer.trailers.clone();
        let side = found.child.as_mut().ok_or(Status::E_GONE)?;
        side.trailers.clear();
        for (name, value) in &trailers {
            side.trailers.push(name.as_str().as_bytes(), value.as_bytes());
        }
        side.trailers.seal();
        Ok(side.trailers.raw())
    }

    fn dispatch_close(&self, task: u64, child: u64) -> Status {
        let Ok(mut state) = self.enter_task(task, true) else { return Status::E_GONE };
        if state.child(task, child).is_err() {
            return Status::E_GONE;
        }
        state.close_child(child)
    }
}
