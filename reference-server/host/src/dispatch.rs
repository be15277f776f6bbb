//! `hc.dispatch/1`: a task lets a child task answer, sees the response, and answers itself. Cancellation flows down.

use crate::calls::{Allowed, GONE, InstanceHost, Refused};
use crate::child::{ChildBody, ChildExchange};
use crate::exchange::{Exchange, Read as Next};
use crate::slots::Slot;
use crate::task::{Record, Wait};
use crate::worker::Worker;
use bytes::Bytes;
use http_container_abi::constants::{dispatch_flag, event_kind, task_kind};
use http_container_abi::{
    DispatchHost, DispatchOptionsView, RawFields, Read, RequestFacts, RequestStorage, ResponseHead, Status,
};
use std::sync::Arc;

/// A child as its parent knows it.
pub struct Child {
    pub(crate) handle: u64,
    pub(crate) exchange: Arc<ChildExchange>,
    /// The chunk that `read` lent out.
    chunk: Bytes,
}

/// What a parent or a child did to the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Nudge {
    /// The child's response head is there.
    Head { parent: u64, child: u64 },
    /// More of the child's body is there, or its end.
    Body { parent: u64, child: u64 },
    /// The parent read: the child may write on.
    Room { child: u64 },
}

impl Worker {
    /// Tells what happened between parents and children in the step that just ended.
    pub(crate) fn tell_nudges(&self) {
        while let Some(nudge) = {
            let taken = self.nudges.borrow_mut().pop();
            taken
        } {
            match nudge {
                Nudge::Head { parent, child } => self.tell_head(parent, child),
                Nudge::Body { parent, child } => {
                    self.fire_for(parent, Wait::ChildBody(child), event_kind::CHILD_BODY, Status::OK, 0);
                }
                Nudge::Room { child } => self.container.signal(child, crate::Signal::Write),
            }
        }
    }

    fn tell_head(&self, parent: u64, child: u64) {
        let status = self.child_status(parent, child);
        self.fire_for(parent, Wait::ChildHead(child), event_kind::CHILD_HEAD, Status::OK, status);
        self.fire_for(parent, Wait::ChildBody(child), event_kind::CHILD_BODY, Status::OK, 0);
    }

    fn child_status(&self, parent: u64, child: u64) -> u64 {
        let (index, _) = crate::slots::unpack(parent);
        let slot = self.container.slots.lock(index);
        slot.and_then(|slot| {
            let found = slot.contents.children.iter().find(|entry| entry.handle == child)?;
            found.exchange.head().map(|head| u64::from(head.status))
        })
        .unwrap_or(0)
    }

    /// A child's task has ended: its parent hears it if it still waits for something.
    pub(crate) fn child_ended(&self, parent: u64, child: u64, outcome: Status) {
        self.tell_nudges();
        let status = if outcome.0 <= -100 { outcome } else { Status::E_FAILED };
        self.fire_for(parent, Wait::ChildHead(child), event_kind::CHILD_HEAD, status, 0);
        self.fire_for(parent, Wait::ChildBody(child), event_kind::CHILD_BODY, Status::OK, 0);
    }

    fn fire_for(&self, task: u64, wait: Wait, kind: u32, status: Status, value: u64) {
        let (index, generation) = crate::slots::unpack(task);
        let Some(mut slot) = self.container.slots.lock(index) else { return };
        let record = &mut slot.contents;
        if record.generation == generation
            && record.fire_wait(wait, kind, status, value)
            && record.wants_queue()
        {
            self.queue.borrow_mut().push_back(index);
        }
    }
}

fn child_of(record: &mut Record, child: u64) -> Result<&mut Child, Refused> {
    record.children.iter_mut().find(|entry| entry.handle == child).ok_or(GONE)
}

impl InstanceHost {
    fn open_child(
        &self,
        worker: &Worker,
        slot: &mut Slot<Record>,
        task: u64,
        token: u64,
        options: &DispatchOptionsView<'_>,
    ) -> Result<u64, Refused> {
        self.may_wait(worker, slot, token)?;
        let container = &worker.container;
        let exchange = slot.contents.exchange.clone().ok_or(Refused::new(
            Status::E_STATE,
            "task.request.none",
            "the task has no request for a child to answer",
        ))?;
        if options.flags & !(dispatch_flag::ROUTE | dispatch_flag::BODY) != 0 {
            return Err(Refused::new(Status::E_UNSUPPORTED, "dispatch.flags", "a flag is not known"));
        }
        let depth = slot.contents.depth + 1;
        if depth > container.limits.dispatch_depth {
            let text = format!("{depth} dispatches lie above each other; the limit is {}", depth - 1);
            return Err(Refused::owned(Status::E_LIMIT, "dispatch.depth", text));
        }
        let request = child_request(&*exchange, options);
        let (route, link) = match options.flags & dispatch_flag::ROUTE {
            0 => (slot.contents.route, slot.contents.link + 1),
            _ => (container.route(request.authority(), request.path()).ok_or(NOBODY)?, 0),
        };
        let module = *container.route_at(route).modules.get(link as usize).ok_or(NOBODY)?;
        let body = self.child_body(slot, &exchange, options, container.limits.respond_bytes)?;
        let child = Arc::new(ChildExchange::new(request, body, Arc::downgrade(container), task));
        let made = worker.make(Some(worker.index), |record| {
            record.kind = task_kind::CHILD;
            record.module = module;
            record.route = route;
            record.link = link;
            record.depth = depth;
            record.request_id = slot.contents.request_id;
            record.deadline_ns = slot.contents.deadline_ns;
            record.allowed_ns = slot.contents.allowed_ns;
            record.exchange = Some(Arc::clone(&child) as Arc<dyn Exchange>);
            record.parent = Some(task);
        });
        let handle =
            made.ok_or(Refused::new(Status::E_LIMIT, "spawn.limit", "no slot for a further task is left"))?;
        child.name(handle);
        slot.contents.children.push(Child { handle, exchange: child, chunk: Bytes::new() });
        self.wait(worker, slot, token, Wait::ChildHead(handle))?;
        worker.bound.borrow_mut().push(handle);
        Ok(handle)
    }

    fn child_body(
        &self,
        slot: &mut Slot<Record>,
        parents: &Arc<dyn Exchange>,
        options: &DispatchOptionsView<'_>,
        limit: u64,
    ) -> Result<ChildBody, Refused> {
        if options.flags & dispatch_flag::BODY == 0 {
            if options.body.len() as u64 > limit {
                let text = format!("the child's body has {} bytes; the limit is {limit}", options.body.len());
                return Err(Refused::owned(Status::E_LIMIT, "dispatch.body.limit", text));
            }
            let given = (!options.body.is_empty()).then(|| Bytes::copy_from_slice(options.body));
            return Ok(ChildBody::Given(given.into()));
        }
        let record = &mut slot.contents;
        let waits = record.operations.iter().any(|operation| operation.wait == Wait::Body);
        if record.body_taken || record.body_ended || waits {
            return Err(Refused::new(
                Status::E_STATE,
                "dispatch.body.once",
                "the request body was given away, read to its end, or is being waited for",
            ));
        }
        record.body_taken = true;
        Ok(ChildBody::Parents(Arc::clone(parents)))
    }
}

const NOBODY: Refused =
    Refused::new(Status::E_RESOURCE, "dispatch.no-module", "there is no module to answer the child");

fn child_request(parents: &dyn Exchange, options: &DispatchOptionsView<'_>) -> RequestStorage {
    let parent = parents.request().head();
    let head = options.request.unwrap_or(parent);
    let takes_body = options.flags & dispatch_flag::BODY != 0;
    let mut request = RequestStorage::new();
    request.copy_head(
        &head,
        if parent.scheme() == b"https" { "https" } else { "http" },
        RequestFacts {
            id: parent.id(),
            version: parent.version(),
            content_length: if takes_body {
                parent.content_length()
            } else {
                Some(options.body.len() as u64)
            },
            deadline_ns: parent.deadline_ns(),
            peer: *parent.peer(),
            local: *parent.local(),
            tls: None,
        },
    );
    request
}

impl DispatchHost for InstanceHost {
    fn dispatch_open(&self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64) {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            if token == 0 {
                return Err(Refused::new(
                    Status::E_TOKEN,
                    "completion.token.zero",
                    "token 0 means: do not wait, which this call cannot",
                ));
            }
            self.open_child(worker, slot, task, token, options)
        });
        answer.map_or_else(|status| (status, 0), |child| (Status::PENDING, child))
    }

    fn dispatch_head(&self, task: u64, child: u64) -> Result<ResponseHead, Status> {
        self.on_task(task, Allowed::Step, |_, _, slot| {
            let entry = child_of(&mut slot.contents, child)?;
            let head = entry.exchange.head().ok_or(Refused::new(
                Status::E_STATE,
                "dispatch.head.after-event",
                "the child's head is not there",
            ))?;
            Ok(ResponseHead {
                status: u32::from(head.status),
                fields: head.fields.raw(),
                content_length: head.length,
            })
        })
    }

    fn dispatch_read(&self, task: u64, child: u64, token: u64) -> Read {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            if slot.contents.operations.iter().any(|operation| operation.wait == Wait::ChildBody(child)) {
                return Err(Refused::new(
                    Status::E_BUSY,
                    "dispatch.read.one",
                    "a read of the child is waiting",
                ));
            }
            self.may_wait(worker, slot, token)?;
            let entry = child_of(&mut slot.contents, child)?;
            match entry.exchange.take() {
                Next::Chunk(chunk) => {
                    entry.chunk = chunk;
                    return Ok(Read::chunk(&entry.chunk));
                }
                Next::End => return Ok(Read::none(Status::END)),
                Next::Failed(status) => return Ok(Read::none(status)),
                Next::Pending => {}
            }
            if token == 0 {
                return Ok(Read::none(Status::PENDING));
            }
            if slot.contents.cancel.is_some() {
                return Ok(Read::none(Status::E_CANCELLED));
            }
            self.wait(worker, slot, token, Wait::ChildBody(child))?;
            Ok(Read::none(Status::PENDING))
        });
        answer.unwrap_or_else(Read::none)
    }

    fn dispatch_trailers(&self, task: u64, child: u64) -> Result<RawFields, Status> {
        self.on_task(task, Allowed::Step, |_, _, slot| {
            let entry = child_of(&mut slot.contents, child)?;
            entry.exchange.response_trailers().ok_or(Refused::new(
                Status::E_STATE,
                "dispatch.trailers.after-end",
                "the child's trailers are known only after its response ended",
            ))
        })
    }

    fn dispatch_close(&self, task: u64, child: u64) -> Status {
        let answer = self.on_task(task, Allowed::StepOrFinish, |worker, _, slot| {
            let record = &mut slot.contents;
            let at = record.children.iter().position(|entry| entry.handle == child).ok_or(GONE)?;
            record.children.swap_remove(at);
            let of_child = |wait: Wait| wait == Wait::ChildHead(child) || wait == Wait::ChildBody(child);
            while let Some(at) = record.operations.iter().position(|operation| of_child(operation.wait)) {
                record.operations.swap_remove(at);
                worker.counters().operations_ended.add(1);
            }
            Ok(Status::OK)
        });
        match answer {
            Ok(status) => {
                self.with_worker(|worker| worker.container.request_cancel(child, Status::CANCELLED_PARENT));
                status
            }
            Err(status) => status,
        }
    }
}
