//! Members of resources in the fake container: opened when they are wanted, handed one request after another, made clean,
//! closed. Must not call a module; a member is a task like any other.

use std::collections::VecDeque;

use http_container_abi::constants::{kv_operation, member_flag, member_request, task_kind};
use http_container_abi::{KvRequestView, MemberRequestStorage, Opaque, RawMemberRequest, ResultView, Status};

use super::lease::Phase;
use super::state::State;
use super::task::{Task, Wait};

/// Where a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Opening,
    Idle,
    /// With the lease of that handle.
    Leased(u64),
    /// Given back, and not done with what it was asked last. True: it has been asked to reset.
    Cleaning(bool),
    Closing,
}

/// A member of a resource; its task is its key.
pub(super) struct Member {
    pub(super) resource: u32,
    pub(super) place: Place,
    /// It says so itself.
    is_dirty: bool,
    /// Its last lease ended so.
    was_left_dirty: bool,
    is_broken: bool,
    /// What is to be asked next.
    asked: VecDeque<Asked>,
    under_way: Option<Asked>,
    is_interrupted: bool,
    pub(super) object: Option<(Vec<u8>, Opaque)>,
    pub(super) reason: Option<String>,
}

/// A request, and what its answer means.
struct Asked {
    request: MemberRequestStorage,
    kind: u32,
    /// The operation of a request to a store, and its key.
    operation: u32,
    key: Vec<u8>,
}

impl Member {
    fn new(resource: u32) -> Self {
        Self {
            resource,
            place: Place::Opening,
            is_dirty: false,
            was_left_dirty: false,
            is_broken: false,
            asked: VecDeque::new(),
            under_way: None,
            is_interrupted: false,
            object: None,
            reason: None,
        }
    }

    /// Whether it has nothing to do, so that nobody waits for it.
    pub(super) fn is_at_rest(&self) -> bool {
        !matches!(self.place, Place::Opening | Place::Closing)
            && self.asked.is_empty()
            && self.under_way.is_none()
    }

    pub(super) fn is_asked_for_rows(&self) -> bool {
        self.under_way.as_ref().is_some_and(|asked| asked.kind == member_request::STATEMENT)
    }
}

impl State {
    pub(super) fn open_member(&mut self, resource: u32) {
        let Some(module) = self.resources.all[resource as usize].provider else { return };
        let (handle, worker) = (self.handle(), self.take_turn());
        self.resources.members.insert(handle, Member::new(resource));
        self.add(handle, Task::new(module, worker, task_kind::MEMBER));
    }

    pub(super) fn member(&mut self, task: u64) -> Result<&mut Member, Status> {
        self.resources.members.get_mut(&task).ok_or(Status::E_STATE)
    }

    pub(super) fn member_ready(&mut self, task: u64) -> Status {
        let Ok(member) = self.member(task) else { return Status::E_STATE };
        if member.place != Place::Opening {
            return Status::E_STATE;
        }
        member.place = Place::Idle;
        let resource = member.resource;
        self.resources.all[resource as usize].reason = None;
        self.grant();
        Status::OK
    }

    /// Asks the member of a lease; its answer becomes the lease's.
    pub(super) fn ask(&mut self, lease: u64, request: MemberRequestStorage, kv: Option<&KvRequestView<'_>>) {
        let Some(holding) = self.resources.held.get_mut(&lease) else { return };
        holding.begin();
        let Some(task) = holding.member else { return };
        self.ask_member(task, request, kv);
    }

    fn ask_member(&mut self, task: u64, request: MemberRequestStorage, kv: Option<&KvRequestView<'_>>) {
        let Ok(member) = self.member(task) else { return };
        let kind = request.kind();
        let (operation, key) = kv.map_or((0, Vec::new()), |kv| (kv.operation, kv.key.to_vec()));
        member.asked.push_back(Asked { request, kind, operation, key });
        self.fire_where(task, Wait::Member, Status::OK, 0);
    }

    /// What the member is to do next; PENDING when there is nothing.
    pub(super) fn next_request(&mut self, task: u64) -> Result<RawMemberRequest, Status> {
        let member = self.member(task)?;
        if std::mem::take(&mut member.is_interrupted) && member.under_way.is_some() {
            return Ok(RawMemberRequest::INTERRUPT);
        }
        if member.place == Place::Closing {
            return Ok(RawMemberRequest::CLOSE);
        }
        if member.place == Place::Opening || member.under_way.is_some() {
            return Err(Status::PENDING);
        }
        let asked = member.asked.pop_front().ok_or(Status::PENDING)?;
        let raw = asked.request.raw();
        member.under_way = Some(asked);
        Ok(raw)
    }

    /// The lease for which the member does what is under way; `None` when nobody wants it any more.
    pub(super) fn holder(&self, task: u64) -> Option<u64> {
        let Place::Leased(lease) = self.resources.members.get(&task)?.place else { return None };
        self.resources.held.get(&lease).filter(|holding| !holding.is_poisoned).map(|_| lease)
    }

    /// What is under way is over.
    pub(super) fn member_done(&mut self, task: u64, result: &ResultView<'_>) -> Status {
        let Ok(member) = self.member(task) else { return Status::E_STATE };
        let Some(asked) = member.under_way.take() else { return Status::E_STATE };
        member.is_dirty = result.flags & member_flag::DIRTY != 0;
        member.is_broken |= result.flags & member_flag::BROKEN != 0 || result.status == Status::E_RESOURCE;
        member.is_interrupted = false;
        match member.place {
            Place::Leased(lease) => self.answer(lease, &asked, result),
            Place::Cleaning(true) if result.status != Status::OK => {
                member.is_broken = true;
                self.clean(task);
            }
            Place::Cleaning(_) => self.clean(task),
            Place::Opening | Place::Idle | Place::Closing => {}
        }
        Status::OK
    }

    fn answer(&mut self, lease: u64, asked: &Asked, result: &ResultView<'_>) {
        let Some(holding) = self.resources.held.get_mut(&lease) else { return };
        match asked.operation {
            kv_operation::SUBSCRIBE if result.status == Status::OK => {
                holding.channels.insert(asked.key.clone());
            }
            kv_operation::UNSUBSCRIBE if result.status == Status::OK => {
                holding.channels.remove(&asked.key);
            }
            _ => {}
        }
        let task = holding.task;
        match holding.end(result) {
            Some(status) => {
                holding.told(asked.kind == member_request::STATEMENT);
                let wait = if asked.kind == member_request::KV { Wait::Kv(lease) } else { Wait::Sql(lease) };
                self.fire_where(task, wait, status, 0);
            }
            None => self.fire_where(task, Wait::SqlRows(lease), Status::OK, 0),
        }
    }

    /// The operation under way on a lease was withdrawn \[lease.poison\].
    pub(super) fn poison(&mut self, lease: u64) {
        let Some(holding) = self.resources.held.get_mut(&lease) else { return };
        holding.is_poisoned = true;
        holding.phase = Phase::Over;
        if let Some(member) = holding.member {
            self.interrupt(member);
        }
    }

    /// Nobody wants what the member does, or was to do.
    fn interrupt(&mut self, task: u64) {
        let Ok(member) = self.member(task) else { return };
        member.asked.clear();
        member.is_interrupted = member.under_way.is_some();
        self.fire_where(task, Wait::Member, Status::OK, 0);
        self.fire_where(task, Wait::MemberRoom, Status::OK, 0);
    }

    /// Whether somebody uses the object that the member is, so that its task may not be finished \[pool.object.life\].
    pub(super) fn is_lent(&self, task: u64) -> bool {
        self.resources
            .members
            .get(&task)
            .is_some_and(|member| member.object.is_some() && matches!(member.place, Place::Leased(_)))
    }

    /// A lease on the member ended.
    pub(super) fn return_member(&mut self, task: u64, is_dirty: bool, is_broken: bool) {
        if self.live(task).is_ok_and(|found| found.ending.is_some()) {
            self.close_member(task);
            self.enqueue(task);
            return;
        }
        let Ok(member) = self.member(task) else { return };
        member.was_left_dirty = is_dirty;
        member.is_broken |= is_broken;
        member.place = Place::Cleaning(false);
        self.interrupt(task);
        if self.member(task).is_ok_and(|member| member.under_way.is_none()) {
            self.clean(task);
        }
    }

    /// A member that nobody holds has nothing under way: it is thrown away, reset, or free.
    fn clean(&mut self, task: u64) {
        let Ok(member) = self.member(task) else { return };
        if member.is_broken {
            self.close_member(task);
        } else if member.is_dirty || member.was_left_dirty {
            member.is_dirty = false;
            member.was_left_dirty = false;
            member.place = Place::Cleaning(true);
            self.ask_member(task, MemberRequestStorage::plain(member_request::RESET), None);
        } else {
            member.place = Place::Idle;
            self.grant();
        }
    }

    pub(super) fn close_member(&mut self, task: u64) {
        if let Ok(member) = self.member(task) {
            member.place = Place::Closing;
            member.asked.clear();
            self.fire_where(task, Wait::Member, Status::OK, 0);
        }
    }

    /// The task of a member has ended.
    pub(super) fn lose_member(&mut self, task: u64) {
        let Some(member) = self.resources.members.remove(&task) else { return };
        let resource = member.resource;
        match member.place {
            Place::Leased(lease) => self.lose_lease(lease),
            Place::Opening => {
                let reason = member.reason.unwrap_or_else(|| "it says nothing".to_owned());
                self.resources.all[resource as usize].reason = Some(reason);
                self.refuse_claims(resource);
            }
            Place::Idle | Place::Cleaning(_) | Place::Closing => {}
        }
        self.grant();
    }

    /// The member of a lease has ended \[lease.member.ended\].
    fn lose_lease(&mut self, lease: u64) {
        let Some(holding) = self.resources.held.get_mut(&lease) else { return };
        holding.member = None;
        let (task, was_waiting) = (holding.task, holding.phase == Phase::Waiting);
        if was_waiting {
            holding.phase = Phase::Over;
        }
        for wait in [Wait::Sql(lease), Wait::Kv(lease)] {
            self.fire_where(task, wait, Status::E_RESOURCE, 0);
        }
        for wait in [Wait::SqlRows(lease), Wait::KvMessage(lease)] {
            self.fire_where(task, wait, Status::OK, 0);
        }
    }
}
