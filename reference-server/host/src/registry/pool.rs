//! The members of one resource: which there are, what each of them is doing, which of them may be lent.
//!
//! Plain state and its transitions. It must not know who waits, and carries nothing out.

mod reach;
mod upkeep;

use self::reach::Down;
use super::wishes::{Asker, Decision};
use crate::settings::ResourceSettings;
use std::collections::VecDeque;

/// A member that was idle for so long is checked before it is lent, where the operator wants that, ns.
const STALE_NS: u64 = 1_000_000_000;

/// A member in one of its lives: where it is in its pool, and which life it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) struct Place {
    pub pool: u32,
    pub member: u32,
    /// Grows each time that the member is opened, so that what comes late from an earlier life is known.
    pub life: u32,
}

/// What a member is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Stage {
    /// It is not there.
    #[default]
    Vacant,
    /// Its task was made, and has not said that it is ready.
    Opening,
    /// Open and free.
    Idle,
    /// A task holds it.
    Leased,
    /// It was idle for long and is asked whether it still works.
    Checking,
    /// What its last holder began is being broken off.
    Interrupting,
    /// It is made like a fresh one.
    Resetting,
    /// It was asked to end.
    Closing,
}

/// What a member is asked to do for the pool itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ask {
    Check,
    Interrupt,
    Reset,
    Close,
}

/// How a member comes back from its holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Returned {
    Clean,
    Dirty,
    Broken,
    /// With a request under way that nobody waits for any more.
    UnderWay,
}

#[derive(Clone, Copy, Default)]
struct Member {
    stage: Stage,
    life: u32,
    /// The worker on which its task is.
    worker: u32,
    /// Since when it is in its stage, ns.
    since_ns: u64,
    opened_ns: u64,
    /// Its time in this stage has passed, and its task was cancelled for that.
    is_killed: bool,
    /// Its provider's instance was replaced: it is not lent again.
    is_retired: bool,
}

pub(super) struct Pool {
    index: u32,
    pub settings: ResourceSettings,
    members: Vec<Member>,
    vacant: Vec<u32>,
    /// By worker; the one that was given back last is at the end.
    idle: Vec<Vec<u32>>,
    idle_count: u32,
    /// Members that will be free without anybody's doing: opening, checked, interrupted, reset.
    coming: u32,
    /// Members that are there and were not told to end.
    pub kept_count: u32,
    down: Option<Down>,
    /// The soonest time at which a member is to be looked at that has changed since the last look, ns.
    soonest_ns: u64,
    /// Tickets of those who wait, in order; some may have left.
    pub queue: VecDeque<u64>,
    /// Those of them who did not leave.
    pub waiting: u32,
    /// How many members they want.
    pub wanted: u32,
    next_worker: u32,
    /// Nothing is kept open any more.
    is_closing: bool,
    seed: u64,
}

impl Pool {
    pub fn new(index: u32, settings: ResourceSettings, workers: u32) -> Pool {
        let max = settings.max;
        Pool {
            index,
            settings,
            members: vec![Member::default(); max as usize],
            vacant: (0..max).rev().collect(),
            idle: vec![Vec::new(); workers.max(1) as usize],
            idle_count: 0,
            coming: 0,
            down: None,
            soonest_ns: u64::MAX,
            kept_count: 0,
            queue: VecDeque::new(),
            waiting: 0,
            wanted: 0,
            next_worker: index,
            is_closing: false,
            seed: 0x9e37_79b9_7f4a_7c15 ^ u64::from(index + 1),
        }
    }

    /// Members that there are, of whatever stage.
    pub fn open_count(&self) -> u32 {
        self.members.len() as u32 - self.vacant.len() as u32
    }

    pub fn idle_count(&self) -> u32 {
        self.idle_count
    }

    /// Members that there are and that are not free.
    pub fn in_use(&self) -> u32 {
        self.open_count() - self.idle_count
    }

    fn stage_mut(&mut self, place: Place) -> Option<&mut Member> {
        self.members.get_mut(place.member as usize).filter(|member| member.life == place.life)
    }

    /// The stage of a member in that life.
    pub fn stage(&self, place: Place) -> Option<Stage> {
        let member = self.members.get(place.member as usize)?;
        (member.life == place.life).then_some(member.stage)
    }

    fn place(&self, member: u32) -> Place {
        Place { pool: self.index, member, life: self.members[member as usize].life }
    }

    fn is_coming(stage: Stage) -> bool {
        matches!(stage, Stage::Opening | Stage::Checking | Stage::Interrupting | Stage::Resetting)
    }

    fn enter(&mut self, place: Place, stage: Stage, now_ns: u64) {
        let member = &mut self.members[place.member as usize];
        let before = std::mem::replace(&mut member.stage, stage);
        member.since_ns = now_ns;
        member.is_killed = false;
        self.soonest_ns = self.soonest_ns.min(member.due_ns(&self.settings, true));
        self.coming -= u32::from(Self::is_coming(before));
        self.coming += u32::from(Self::is_coming(stage));
        let is_kept = |stage| !matches!(stage, Stage::Vacant | Stage::Closing);
        self.kept_count -= u32::from(is_kept(before));
        self.kept_count += u32::from(is_kept(stage));
    }

    /// How many idle members may be lent at once, counted up to `enough`.
    pub fn lendable(&self, enough: u32, now_ns: u64) -> u32 {
        if !self.settings.test_on_acquire {
            return self.idle_count.min(enough);
        }
        let mut count = 0;
        for stack in &self.idle {
            for member in stack.iter().rev() {
                if count >= enough || self.is_stale(*member, now_ns) {
                    break;
                }
                count += 1;
            }
        }
        count
    }

    fn is_stale(&self, member: u32, now_ns: u64) -> bool {
        let since_ns = self.members[member as usize].since_ns;
        self.settings.test_on_acquire && now_ns.saturating_sub(since_ns) >= STALE_NS
    }

    /// Where the idle members of a worker are listed; threads that are no workers of the server share those of some.
    fn stack_of(&self, worker: u32) -> usize {
        let (worker, workers) = (worker as usize, self.idle.len());
        // A division takes as long as the rest of a look.
        if worker < workers { worker } else { worker % workers }
    }

    /// Whether a member that may be lent is on that worker.
    pub fn has_local(&self, worker: u32, now_ns: u64) -> bool {
        let stack = &self.idle[self.stack_of(worker)];
        stack.last().is_some_and(|member| !self.is_stale(*member, now_ns))
    }

    /// Lends a member, if it can be one that is on that worker.
    pub fn lend(&mut self, worker: u32, now_ns: u64) -> Option<Place> {
        let near = self.stack_of(worker);
        let can_lend =
            |stack: &usize| self.idle[*stack].last().is_some_and(|member| !self.is_stale(*member, now_ns));
        let stack = (near..self.idle.len()).chain(0..near).find(can_lend)?;
        let member = self.idle[stack].pop()?;
        self.idle_count -= 1;
        let place = self.place(member);
        self.enter(place, Stage::Leased, now_ns);
        Some(place)
    }

    /// As [`Pool::lend`], for who asks now: none where that would be out of turn, or is to be refused.
    pub fn lend_at_once(&mut self, asker: Asker, now_ns: u64) -> Option<Place> {
        let is_turn = self.waiting == 0 || asker.holds;
        if is_turn && !self.is_closing && self.down.is_none() {
            self.lend(asker.worker, now_ns)
        } else {
            None
        }
    }

    fn unlist(&mut self, member: u32) {
        let stack = self.stack_of(self.members[member as usize].worker);
        if let Some(at) = self.idle[stack].iter().position(|idle| *idle == member) {
            self.idle[stack].remove(at);
            self.idle_count -= 1;
        }
    }

    fn list(&mut self, place: Place, now_ns: u64) {
        self.enter(place, Stage::Idle, now_ns);
        let stack = self.stack_of(self.members[place.member as usize].worker);
        self.idle[stack].push(place.member);
        self.idle_count += 1;
    }

    /// Makes a member that is as a fresh one free, or lets it end when its time is over.
    fn free(&mut self, place: Place, now_ns: u64, out: &mut Vec<Decision>) {
        let member = self.members[place.member as usize];
        let is_old = now_ns.saturating_sub(member.opened_ns) >= self.settings.max_lifetime_ns;
        if is_old || member.is_retired || self.is_closing {
            self.ask(place, Stage::Closing, Ask::Close, now_ns, out);
        } else {
            self.list(place, now_ns);
        }
    }

    fn ask(&mut self, place: Place, stage: Stage, ask: Ask, now_ns: u64, out: &mut Vec<Decision>) {
        self.enter(place, stage, now_ns);
        out.push(Decision::Ask { place, ask });
    }

    /// Opens a member near `worker`, or in turn.
    fn open(&mut self, worker: Option<u32>, now_ns: u64, out: &mut Vec<Decision>) {
        let Some(member) = self.vacant.pop() else { return };
        self.note_try();
        let workers = self.idle.len() as u32;
        let worker = worker.unwrap_or_else(|| {
            self.next_worker = self.next_worker.wrapping_add(1);
            self.next_worker
        }) % workers;
        let entry = &mut self.members[member as usize];
        entry.life = entry.life.wrapping_add(1);
        (entry.worker, entry.is_retired) = (worker, false);
        let place = self.place(member);
        self.enter(place, Stage::Opening, now_ns);
        out.push(Decision::Open { place, worker });
    }

    /// Sees to it that as many members are under way as those who wait want, as far as there can be
    /// [resource.member.open].
    pub fn provide(&mut self, worker: Option<u32>, now_ns: u64, out: &mut Vec<Decision>) {
        let mut missing = self.wanted.saturating_sub(self.coming + self.lendable(self.wanted, now_ns));
        while missing > 0
            && let Some(member) = self.stale(now_ns)
        {
            self.unlist(member);
            self.ask(self.place(member), Stage::Checking, Ask::Check, now_ns, out);
            missing -= 1;
        }
        if self.down.is_some() {
            missing = u32::from(missing > 0 && self.may_try(now_ns));
        }
        for _ in 0..missing.min(self.vacant.len() as u32) {
            self.open(worker, now_ns, out);
        }
    }

    fn stale(&self, now_ns: u64) -> Option<u32> {
        let oldest =
            |stack: &Vec<u32>| stack.first().copied().filter(|member| self.is_stale(*member, now_ns));
        self.idle.iter().find_map(oldest)
    }

    /// A member said that it is ready.
    pub fn opened(&mut self, place: Place, now_ns: u64, out: &mut Vec<Decision>) {
        if self.stage(place) != Some(Stage::Opening) {
            return;
        }
        self.down = None;
        self.members[place.member as usize].opened_ns = now_ns;
        self.free(place, now_ns, out);
        // With one more, others may be idle for too long.
        self.soonest_ns = self.soonest_ns.min(self.due_ns(now_ns));
    }

    /// A member did what it was asked for by the pool, or by a holder who has left: how it is now.
    pub fn settled(
        &mut self,
        place: Place,
        is_well: bool,
        is_dirty: bool,
        now_ns: u64,
        out: &mut Vec<Decision>,
    ) {
        match self.stage(place) {
            Some(Stage::Interrupting) if is_well => {
                self.ask(place, Stage::Resetting, Ask::Reset, now_ns, out);
            }
            Some(Stage::Checking | Stage::Resetting) if is_well && !is_dirty => self.free(place, now_ns, out),
            Some(Stage::Interrupting | Stage::Checking | Stage::Resetting) => {
                self.ask(place, Stage::Closing, Ask::Close, now_ns, out);
            }
            _ => {}
        }
    }

    /// The lease on a member ended.
    pub fn returned(&mut self, place: Place, how: Returned, now_ns: u64, out: &mut Vec<Decision>) {
        match how {
            Returned::Clean => self.free(place, now_ns, out),
            Returned::Dirty => self.ask(place, Stage::Resetting, Ask::Reset, now_ns, out),
            Returned::Broken => self.ask(place, Stage::Closing, Ask::Close, now_ns, out),
            Returned::UnderWay => self.ask(place, Stage::Interrupting, Ask::Interrupt, now_ns, out),
        }
    }

    /// A member's task has ended. Answers whether nobody who waits can be served now.
    pub fn ended(&mut self, place: Place, now_ns: u64) -> bool {
        let Some(stage) = self.stage(place).filter(|stage| *stage != Stage::Vacant) else { return false };
        if stage == Stage::Idle {
            self.unlist(place.member);
        }
        self.enter(place, Stage::Vacant, now_ns);
        if let Some(member) = self.stage_mut(place) {
            member.life = member.life.wrapping_add(1);
        }
        self.vacant.push(place.member);
        if stage == Stage::Opening {
            self.note_failed_try(now_ns);
        }
        self.is_unreachable(now_ns)
    }
}
