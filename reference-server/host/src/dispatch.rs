//! `hc.dispatch/1`: a task lets a child task answer, sees the response, and answers itself. Cancellation flows down.
//!
//! A parent knows its child by a handle of its own, which is no task's handle, so no other call takes it.

use crate::calls::{Allowed, GONE, InstanceHost, Refused};
use crate::child::{ChildBody, ChildExchange};
use crate::child_request;
use crate::container::Container;
use crate::ending::is_reserved;
use crate::exchange::{Exchange, Read as Next};
use crate::slots::{self, Slot};
use crate::task::{Record, Response, Wait};
use crate::worker::Worker;
use bytes::Bytes;
use http_container_abi::constants::{dispatch_flag, event_kind, task_kind};
use http_container_abi::{DispatchHost, DispatchOptionsView, Event, RawFields, Read, ResponseHead, Status};
use std::sync::Arc;

/// A child as its parent knows it.
#[derive(Clone)]
pub(crate) struct Child {
    /// The parent's name for it.
    pub handle: u64,
    /// The child's task.
    pub task: u64,
    pub exchange: Arc<ChildExchange>,
    /// The chunk that `read` lent out.
    chunk: Bytes,
    /// Tokens of the latest `open` and `read`, to find their events.
    tokens: [u64; 2],
    /// `read` said that the body is whole.
    whole: bool,
}

/// What a parent or a child did to the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Nudge {
    /// The child's response head is there, with that status code.
    Head { parent: u64, child: u64, status: u16 },
    /// More of the child's body is there, or its end.
    Body { parent: u64, child: u64 },
    /// The parent read: the child may write on.
    Room { child: u64 },
}

impl Worker {
    /// Tells what happened between parents and children in the step that just ended.
    #[inline]
    pub(crate) fn tell_nudges(&self) {
        if !self.nudges.borrow().is_empty() {
            self.tell_all_nudges();
        }
    }

    #[inline(never)]
    fn tell_all_nudges(&self) {
        for nudge in self.nudges.take() {
            match nudge {
                Nudge::Head { parent, child, status } => {
                    let (wait, status) = (Wait::ChildHead(child), u64::from(status));
                    self.container.fire_for(parent, wait, event_kind::CHILD_HEAD, Status::OK, status);
                }
                Nudge::Body { parent, child } => {
                    let wait = Wait::ChildBody(child);
                    self.container.fire_for(parent, wait, event_kind::CHILD_BODY, Status::OK, 0);
                }
                Nudge::Room { child } => self.container.signal(child, crate::Signal::Write),
            }
        }
    }

    /// Takes a child from its parent: what waits for it is withdrawn, and what happened is not told
    /// [dispatch.close.event].
    pub(crate) fn take_child(&self, record: &mut Record, handle: u64) -> Option<Child> {
        let at = record.children.iter().position(|entry| entry.handle == handle)?;
        let child = record.children.swap_remove(at);
        let before = record.outstanding();
        let is_of_child = |wait: Wait| wait == Wait::ChildHead(handle) || wait == Wait::ChildBody(handle);
        record.operations.retain(|operation| !is_of_child(operation.wait));
        record.events.retain(|event: &Event| {
            let is_childs = event.kind == event_kind::CHILD_HEAD || event.kind == event_kind::CHILD_BODY;
            !(is_childs && child.tokens.contains(&event.token))
        });
        self.counters().operations_ended.add((before - record.outstanding()) as u64);
        Some(child)
    }
}

impl Container {
    /// A child's task has ended: its parent hears it if it still waits for something.
    pub(crate) fn child_ended(&self, parent: u64, child: u64, outcome: Status) {
        let status = if is_reserved(outcome) { outcome } else { Status::E_FAILED };
        self.fire_for(parent, Wait::ChildHead(child), event_kind::CHILD_HEAD, status, 0);
        self.fire_for(parent, Wait::ChildBody(child), event_kind::CHILD_BODY, Status::OK, 0);
    }

    /// The parent has no more use for a child: it is cancelled, unless it has answered
    /// [dispatch.child.end-of-parent].
    pub(crate) fn let_child_go(&self, child: &Child) {
        let is_open = |record: &Record| record.response != Response::Complete;
        self.cancel_when(child.task, Status::CANCELLED_PARENT, is_open);
    }

    fn fire_for(&self, task: u64, wait: Wait, kind: u32, status: Status, value: u64) {
        let (index, generation) = slots::unpack(task);
        let Some(mut slot) = self.slots.lock(index) else { return };
        let record = &mut slot.contents;
        let fired = record.is_live(generation) && record.fire_wait(wait, kind, status, value);
        let queue = (fired && record.wants_queue()).then_some(record.worker).flatten();
        drop(slot);
        if let Some(worker) = queue {
            self.enqueue(worker, index);
        }
    }
}

fn child_of(record: &mut Record, child: u64) -> Result<&mut Child, Refused> {
    record.children.iter_mut().find(|entry| entry.handle == child).ok_or(GONE)
}

/// A child that is to be made.
struct Plan {
    handle: u64,
    module: u32,
    route: u32,
    link: u32,
    depth: u32,
    rank_above: Option<u32>,
    request_id: u64,
    deadline_ns: Option<u64>,
    allowed_ns: u64,
    exchange: Arc<ChildExchange>,
}

const NO_REQUEST: Refused =
    Refused::new(Status::E_STATE, "dispatch.open.parent", "the task has no request for a child to answer");
const NOBODY: Refused =
    Refused::new(Status::E_RESOURCE, "dispatch.open.none", "there is no module to answer the child");
const NO_HEAD: Refused =
    Refused::new(Status::E_STATE, "dispatch.head.after-event", "the child's head is not there");

fn takes_body(options: &DispatchOptionsView<'_>) -> bool {
    options.flags & dispatch_flag::BODY != 0
}

/// Flags and body, as far as they can be judged by themselves.
fn check_options(options: &DispatchOptionsView<'_>) -> Result<(), Refused> {
    if options.flags & !(dispatch_flag::ROUTE | dispatch_flag::BODY) != 0 {
        return Err(Refused::new(Status::E_UNSUPPORTED, "dispatch.open.flags", "a flag is not known"));
    }
    if takes_body(options) && !options.body.is_empty() {
        let text = "the child cannot both take the body over and be given one";
        return Err(Refused::new(Status::E_INVALID, "dispatch.open.flags", text));
    }
    Ok(())
}

impl InstanceHost {
    /// Everything that can refuse a child, and what it will be.
    fn plan_child(
        &self,
        worker: &Worker,
        slot: &mut Slot<Record>,
        task: u64,
        token: u64,
        options: &DispatchOptionsView<'_>,
    ) -> Result<Plan, Refused> {
        let container = &worker.container;
        let record = &slot.contents;
        let parents = Arc::clone(record.exchange.as_ref().ok_or(NO_REQUEST)?);
        let begun = record.body_begun || record.body_taken || record.body_ended;
        if takes_body(options) && (begun || record.waits_for(Wait::Body)) {
            let text = "the request body was given away, was read from, or is being waited for";
            return Err(Refused::new(Status::E_STATE, "dispatch.body.once", text));
        }
        check_options(options)?;
        let request = child_request::make(parents.request(), options)?;
        let (route, link) = match options.flags & dispatch_flag::ROUTE {
            0 => (record.route, record.link + 1),
            _ => (container.route(request.authority(), request.path()).ok_or(NOBODY)?, 0),
        };
        let module = *container.route_at(route).modules.get(link as usize).ok_or(NOBODY)?;
        Self::needs_token(token)?;
        self.may_begin(worker, record, token)?;
        let depth = record.depth + 1;
        if depth > container.limits.dispatch_depth {
            let text = format!("{depth} dispatches lie above each other; the limit is {}", depth - 1);
            return Err(Refused::owned(Status::E_LIMIT, "dispatch.open.depth", text));
        }
        let limit = container.limits.respond_bytes;
        if options.body.len() as u64 > limit {
            let text = format!("the child's body has {} bytes; the limit is {limit}", options.body.len());
            return Err(Refused::owned(Status::E_LIMIT, "dispatch.body.limit", text));
        }
        let number = slot.next_number().ok_or(NO_SLOT)?;
        let handle = slots::pack(slots::unpack(task).0, number);
        let record = &slot.contents;
        let body = match takes_body(options) {
            true => ChildBody::Parents { exchange: parents, is_over: false },
            false => {
                ChildBody::Given((!options.body.is_empty()).then(|| Bytes::copy_from_slice(options.body)))
            }
        };
        let deadline_ns = request.head().deadline_ns();
        let container = Arc::downgrade(container);
        Ok(Plan {
            handle,
            module,
            route,
            link,
            depth,
            rank_above: record.rank(),
            request_id: record.request_id,
            deadline_ns,
            allowed_ns: record.allowed_ns,
            exchange: Arc::new(ChildExchange::new(request, body, container, (task, handle))),
        })
    }

    fn make_child(&self, worker: &Worker, task: u64, plan: &Plan) -> Result<u64, Refused> {
        let made = worker.make(Some(worker.index), |record| {
            record.kind = task_kind::CHILD;
            record.module = plan.module;
            record.route = plan.route;
            record.link = plan.link;
            record.depth = plan.depth;
            record.rank_above = plan.rank_above;
            record.request_id = plan.request_id;
            record.deadline_ns = plan.deadline_ns;
            record.allowed_ns = plan.allowed_ns;
            record.exchange = Some(Arc::clone(&plan.exchange) as Arc<dyn Exchange>);
            record.parent = Some((task, plan.handle));
        });
        made.ok_or(NO_SLOT)
    }
}

const NO_SLOT: Refused =
    Refused::new(Status::E_LIMIT, "dispatch.open.several", "no slot for a further task is left");

impl DispatchHost for InstanceHost {
    fn dispatch_open(&self, task: u64, token: u64, options: &DispatchOptionsView<'_>) -> (Status, u64) {
        let planned = self.on_task(task, Allowed::Step, |worker, _, slot| {
            self.plan_child(worker, slot, task, token, options)
        });
        let plan = match planned {
            Ok(plan) => plan,
            Err(status) => return (status, 0),
        };
        // Made with no lock of the parent held.
        let child = match self.on_worker(Allowed::Step, |worker| self.make_child(worker, task, &plan)) {
            Ok(child) => child,
            Err(status) => return (status, 0),
        };
        let handle = plan.handle;
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            self.wait(worker, slot, token, Wait::ChildHead(handle))?;
            slot.contents.body_taken |= takes_body(options);
            slot.contents.children.push(Child {
                handle,
                task: child,
                exchange: plan.exchange,
                chunk: Bytes::new(),
                tokens: [token, token],
                whole: false,
            });
            worker.bound.borrow_mut().push_back(child);
            Ok(handle)
        });
        match answer {
            Ok(handle) => (Status::PENDING, handle),
            Err(status) => {
                self.with_worker(|worker| worker.container.drop_fresh(child, Status::E_FAILED));
                (status, 0)
            }
        }
    }

    fn dispatch_head(&self, task: u64, child: u64) -> Result<ResponseHead, Status> {
        self.on_task(task, Allowed::Step, |_, _, slot| {
            let head = child_of(&mut slot.contents, child)?.exchange.head().ok_or(NO_HEAD)?;
            Ok(ResponseHead {
                status: u32::from(head.status),
                fields: head.fields.raw(),
                content_length: head.length,
            })
        })
    }

    fn dispatch_read(&self, task: u64, child: u64, token: u64) -> Read {
        let answer = self.on_task(task, Allowed::Step, |worker, _, slot| {
            let entry = child_of(&mut slot.contents, child)?;
            entry.exchange.head().ok_or(NO_HEAD)?;
            if slot.contents.waits_for(Wait::ChildBody(child)) {
                let text = "a read of the child is waiting already";
                return Err(Refused::new(Status::E_BUSY, "dispatch.read.one", text));
            }
            self.check_token(&slot.contents, token)?;
            let entry = child_of(&mut slot.contents, child)?;
            match entry.exchange.take() {
                Next::Chunk(chunk) => {
                    entry.chunk = chunk;
                    return Ok(Read::chunk(&entry.chunk));
                }
                Next::End => {
                    entry.whole = true;
                    return Ok(Read::none(Status::END));
                }
                Next::Failed(status) => return Ok(Read::none(status)),
                Next::Pending if token == 0 => return Ok(Read::none(Status::PENDING)),
                Next::Pending => entry.tokens[1] = token,
            }
            self.may_begin(worker, &slot.contents, token)?;
            self.wait(worker, slot, token, Wait::ChildBody(child))?;
            // The child may have gone on meanwhile, on a worker of its own.
            let entry = child_of(&mut slot.contents, child)?;
            if entry.exchange.has_news() {
                let (kind, wait) = (event_kind::CHILD_BODY, Wait::ChildBody(child));
                slot.contents.fire_wait(wait, kind, Status::OK, 0);
            }
            Ok(Read::none(Status::PENDING))
        });
        answer.unwrap_or_else(Read::none)
    }

    fn dispatch_trailers(&self, task: u64, child: u64) -> Result<RawFields, Status> {
        self.on_task(task, Allowed::Step, |_, _, slot| {
            let entry = child_of(&mut slot.contents, child)?;
            if !entry.whole {
                return Err(Refused::new(
                    Status::E_STATE,
                    "dispatch.trailers.after-end",
                    "the child's trailers are known only after read said HC_END",
                ));
            }
            Ok(entry.exchange.response_trailers())
        })
    }

    fn dispatch_close(&self, task: u64, child: u64) -> Status {
        let answer = self.on_task(task, Allowed::StepOrFinish, |worker, _, slot| {
            worker.take_child(&mut slot.contents, child).ok_or(GONE)
        });
        match answer {
            Ok(child) => {
                self.with_worker(|worker| worker.container.let_child_go(&child));
                Status::OK
            }
            Err(status) => status,
        }
    }
}
