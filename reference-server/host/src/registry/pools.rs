//! Who gets which member, and when: all resources and all who wait for them.
//!
//! Tasks wait in one queue for each resource that they want, and take their turn in all of them: one that is first in each
//! and finds all free gets all at once. So nothing is held while something else is waited for, and nobody is overtaken for
//! ever [resource.acquire.all-or-nothing] [resource.acquire.fair].
//!
//! State and decisions only: time is an argument, and what is decided is carried out by others. It must not know tasks.

use super::few::Few;
use super::pool::{Place, Pool, Returned, Stage};
use super::tickets::ByTicket;
use super::wishes::{Answer, Asker, Decision, Need, Needs, ResourceUsage, Wish};
use crate::settings::ResourceSettings;
use http_container_abi::Status;

/// For so long those who came later may overtake, ns.
const OVERTAKE_NS: u64 = 1_000_000;
/// So often each of them may be overtaken.
const OVERTAKE_TIMES: u32 = 4;
/// So far behind the first one is looked for one that is where the member is.
const OVERTAKE_DEPTH: usize = 8;

struct Waiter {
    asker: Asker,
    needs: Needs,
    since_ns: u64,
    overtaken: u32,
}

pub(crate) struct Pools {
    pools: Vec<Pool>,
    waiters: ByTicket<Waiter>,
    /// How many of them hold a lease.
    holders: u32,
    last_ticket: u64,
    out: Vec<Decision>,
    due_ns: u64,
}

impl Pools {
    /// No members are open.
    pub fn new(settings: Vec<ResourceSettings>, workers: u32) -> Pools {
        let pool = |(index, settings)| Pool::new(index as u32, settings, workers);
        Pools {
            pools: settings.into_iter().enumerate().map(pool).collect(),
            waiters: ByTicket::default(),
            holders: 0,
            last_ticket: 0,
            out: Vec::new(),
            due_ns: u64::MAX,
        }
    }

    /// Moves what has been decided and is to be carried out.
    pub fn take_decisions(&mut self, into: &mut Vec<Decision>) {
        if !self.out.is_empty() {
            into.append(&mut self.out);
        }
    }

    /// When [`Pools::tend`] is to be called, ns.
    pub fn due_ns(&self) -> u64 {
        self.due_ns
    }

    pub fn stage(&self, place: Place) -> Option<Stage> {
        self.pools[place.pool as usize].stage(place)
    }

    /// A task wants members: `lent` is given those that it gets at once.
    pub fn acquire(&mut self, wish: &Wish<'_>, mut lent: impl FnMut(Place)) -> Answer {
        let Wish { needs, asker, may_wait, now_ns } = *wish;
        self.catch_up(now_ns);
        // Mostly it is one, and free.
        if let [Need { pool, count: 1 }] = *needs
            && let Some(place) = self.pools[pool as usize].lend_at_once(asker, now_ns)
        {
            lent(place);
            return Answer::Granted;
        }
        for need in needs {
            let pool = &mut self.pools[need.pool as usize];
            if need.count > pool.settings.max {
                return Answer::Refused(Status::E_LIMIT, need.pool);
            }
            if pool.is_closing() {
                return Answer::Refused(Status::E_DRAINING, need.pool);
            }
            if pool.refuses(now_ns) {
                self.note_due(need.pool, now_ns);
                return Answer::Refused(Status::E_RESOURCE, need.pool);
            }
        }
        // Where members are free although tasks wait, the first of these waits for others, too: it does not keep them from
        // one that holds what it may wait for [resource.acquire.several].
        let is_turn = |need: &Need| {
            let pool = &self.pools[need.pool as usize];
            (pool.waiting == 0 || asker.holds) && pool.lendable(need.count, now_ns) >= need.count
        };
        if needs.iter().all(is_turn) {
            self.lend_all(needs, asker.worker, now_ns).each(lent);
            return Answer::Granted;
        }
        if !may_wait {
            let short = needs.iter().find(|need| !is_turn(need)).map_or(0, |need| need.pool);
            self.prepare(needs, asker.worker, now_ns);
            return Answer::Refused(Status::E_TIMEOUT, short);
        }
        let is_full = |need: &&Need| {
            let pool = &self.pools[need.pool as usize];
            pool.waiting >= pool.settings.max_waiting
        };
        if let Some(full) = needs.iter().find(is_full) {
            return Answer::Refused(Status::E_BUSY, full.pool);
        }
        Answer::Waiting(self.enqueue(needs, asker, now_ns))
    }

    /// A member may be opened for the next one who tries.
    fn prepare(&mut self, needs: &[Need], worker: u32, now_ns: u64) {
        for need in needs {
            let pool = &mut self.pools[need.pool as usize];
            pool.wanted += need.count;
            pool.provide(Some(worker), now_ns, &mut self.out);
            pool.wanted -= need.count;
            self.note_due(need.pool, now_ns);
        }
    }

    fn enqueue(&mut self, needs: &[Need], asker: Asker, now_ns: u64) -> u64 {
        self.last_ticket += 1;
        self.holders += u32::from(asker.holds);
        let ticket = self.last_ticket;
        self.waiters.insert(
            ticket,
            Waiter { asker, needs: needs.iter().copied().collect(), since_ns: now_ns, overtaken: 0 },
        );
        for need in needs {
            let pool = &mut self.pools[need.pool as usize];
            pool.queue.push_back(ticket);
            pool.waiting += 1;
            pool.wanted += need.count;
            pool.provide(Some(asker.worker), now_ns, &mut self.out);
            if pool.queue.len() > 64 + 2 * pool.waiting as usize {
                pool.queue.retain(|ticket| self.waiters.contains_key(ticket));
            }
            self.note_due(need.pool, now_ns);
        }
        ticket
    }

    fn lend_all(&mut self, needs: &[Need], worker: u32, now_ns: u64) -> Few<Place> {
        let each = needs.iter().flat_map(|need| std::iter::repeat_n(need.pool, need.count as usize));
        each.filter_map(|pool| self.pools[pool as usize].lend(worker, now_ns)).collect()
    }

    fn leave(&mut self, ticket: u64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.holders -= u32::from(waiter.asker.holds);
        for need in waiter.needs.iter() {
            let pool = &mut self.pools[need.pool as usize];
            pool.waiting -= 1;
            pool.wanted -= need.count;
        }
        Some(waiter)
    }

    /// Who waited under that ticket does not any more; `false` when it was served or refused before.
    pub fn withdraw(&mut self, ticket: u64, now_ns: u64) -> bool {
        self.catch_up(now_ns);
        let Some(waiter) = self.leave(ticket) else { return false };
        waiter.needs.iter().for_each(|need| self.serve(need.pool, now_ns));
        true
    }

    /// A lease ended. Answers whether the member is still in the life in which it was lent.
    pub fn give_back(&mut self, place: Place, how: Returned, now_ns: u64) -> bool {
        self.catch_up(now_ns);
        let is_leased = self.stage(place) == Some(Stage::Leased);
        if is_leased {
            self.on(place.pool, now_ns, |pool, out| pool.returned(place, how, now_ns, out));
        }
        is_leased
    }

    /// A member is ready.
    pub fn opened(&mut self, place: Place, now_ns: u64) {
        self.catch_up(now_ns);
        self.on(place.pool, now_ns, |pool, out| pool.opened(place, now_ns, out));
    }

    /// A member did what it was asked for.
    pub fn settled(&mut self, place: Place, is_well: bool, is_dirty: bool, now_ns: u64) {
        self.catch_up(now_ns);
        self.on(place.pool, now_ns, |pool, out| pool.settled(place, is_well, is_dirty, now_ns, out));
    }

    /// A member's task has ended.
    pub fn ended(&mut self, place: Place, now_ns: u64) {
        self.catch_up(now_ns);
        let is_unreachable = self.pools[place.pool as usize].ended(place, now_ns);
        if is_unreachable {
            self.refuse_all(place.pool, Status::E_RESOURCE, now_ns);
        }
        self.on(place.pool, now_ns, |pool, out| {
            pool.provide(None, now_ns, out);
            if pool.kept_count < pool.settings.min {
                pool.tend(now_ns, out);
            }
        });
    }

    /// Nobody can be served: all who wait are told so.
    fn refuse_all(&mut self, index: u32, status: Status, now_ns: u64) {
        let queue = std::mem::take(&mut self.pools[index as usize].queue);
        let mut others = Vec::new();
        for ticket in queue {
            let Some(waiter) = self.leave(ticket) else { continue };
            others.extend(waiter.needs.iter().map(|need| need.pool).filter(|pool| *pool != index));
            let asker = waiter.asker;
            self.out.push(Decision::Refuse { ticket, asker, status, pool: index });
        }
        others.into_iter().for_each(|pool| self.serve(pool, now_ns));
    }

    /// The members of a pool are permits, of a provider's: all of them are kept [limit.permit].
    pub fn keep_all(&mut self, index: u32) {
        self.pools[index as usize].settings.keep_all();
    }

    /// The provider's instance was replaced.
    pub fn retire(&mut self, index: u32, now_ns: u64) {
        self.on(index, now_ns, |pool, out| {
            pool.retire(now_ns, out);
            pool.provide(None, now_ns, out);
        });
    }

    /// The container stops: nobody is served any more, and what nobody uses is closed. `why` it stops.
    pub fn close(&mut self, why: Status, now_ns: u64) {
        for index in 0..self.pools.len() as u32 {
            self.refuse_all(index, Status::E_DRAINING, now_ns);
            self.on(index, now_ns, |pool, out| pool.close(why, now_ns, out));
        }
    }

    /// What was due before now and was not looked at yet: nothing is lent that is to be closed.
    fn catch_up(&mut self, now_ns: u64) {
        if now_ns >= self.due_ns {
            self.tend(now_ns);
        }
    }

    /// What is due by now.
    pub fn tend(&mut self, now_ns: u64) {
        for index in 0..self.pools.len() as u32 {
            self.on(index, now_ns, |pool, out| pool.tend(now_ns, out));
        }
        self.due_ns = self.pools.iter().map(|pool| pool.due_ns(now_ns)).min().unwrap_or(u64::MAX);
    }

    fn on(&mut self, index: u32, now_ns: u64, act: impl FnOnce(&mut Pool, &mut Vec<Decision>)) {
        let pool = &mut self.pools[index as usize];
        act(pool, &mut self.out);
        if pool.waiting > 0 {
            self.serve(index, now_ns);
        } else {
            self.note_due(index, now_ns);
        }
    }

    /// Something changed in a pool: the time by which it is to be looked at again.
    fn note_due(&mut self, index: u32, now_ns: u64) {
        self.due_ns = self.due_ns.min(self.pools[index as usize].take_soonest_ns(now_ns));
    }

    /// Serves those who wait, as far as there are members.
    fn serve(&mut self, index: u32, now_ns: u64) {
        let mut pools = vec![];
        let mut next = Some(index);
        while let Some(index) = next.take().or_else(|| pools.pop()) {
            while let Some(ticket) = self.next_ticket(index, now_ns) {
                let Some(waiter) = self.leave(ticket) else { break };
                let places = self.lend_all(&waiter.needs, waiter.asker.worker, now_ns);
                // Those behind it in other queues may be first now.
                pools.extend(waiter.needs.iter().map(|need| need.pool).filter(|pool| *pool != index));
                self.out.push(Decision::Grant { ticket, asker: waiter.asker, places });
            }
            self.pools[index as usize].provide(None, now_ns, &mut self.out);
            self.note_due(index, now_ns);
        }
    }

    /// Who is to be served next in that pool, if that can be now.
    fn next_ticket(&mut self, index: u32, now_ns: u64) -> Option<u64> {
        let head = self.head(index)?;
        if self.pools[index as usize].lendable(1, now_ns) == 0 {
            return None;
        }
        let waiter = &self.waiters[&head];
        let is_first = waiter.needs.iter().all(|need| need.pool == index || self.is_head(need.pool, head));
        if is_first && self.can_be_served(waiter, now_ns) {
            return self.nearer(index, head, now_ns).or(Some(head));
        }
        self.first_holder(index, now_ns)
    }

    fn can_be_served(&self, waiter: &Waiter, now_ns: u64) -> bool {
        waiter.needs.iter().all(|need| {
            let pool = &self.pools[need.pool as usize];
            pool.lendable(need.count, now_ns) >= need.count
        })
    }

    /// The first one in that queue who holds a lease and can be served, where the head of the queue cannot.
    fn first_holder(&self, index: u32, now_ns: u64) -> Option<u64> {
        let is_meant = |ticket: &&u64| {
            let waiter = self.waiters.get(ticket);
            waiter.is_some_and(|waiter| waiter.asker.holds && self.can_be_served(waiter, now_ns))
        };
        if self.holders == 0 {
            return None;
        }
        self.pools[index as usize].queue.iter().find(is_meant).copied()
    }

    /// The first who still waits.
    fn head(&mut self, index: u32) -> Option<u64> {
        let queue = &mut self.pools[index as usize].queue;
        while let Some(first) = queue.front() {
            if self.waiters.contains_key(first) {
                return Some(*first);
            }
            queue.pop_front();
        }
        None
    }

    fn is_head(&self, index: u32, ticket: u64) -> bool {
        let queue = &self.pools[index as usize].queue;
        queue.iter().find(|ticket| self.waiters.contains_key(ticket)) == Some(&ticket)
    }

    /// One a little further behind that is where a free member is, while the first one is not, and has not waited for long;
    /// none when somebody before it was overtaken too often.
    fn nearer(&mut self, index: u32, head: u64, now_ns: u64) -> Option<u64> {
        let pool = &self.pools[index as usize];
        let is_single = |waiter: &Waiter| waiter.needs.len() == 1 && waiter.needs[0].count == 1;
        let first = &self.waiters[&head];
        if !is_single(first) || now_ns.saturating_sub(first.since_ns) >= OVERTAKE_NS {
            return None;
        }
        for (at, ticket) in pool.queue.iter().take(OVERTAKE_DEPTH).enumerate() {
            let Some(waiter) = self.waiters.get(ticket) else { continue };
            if is_single(waiter) && pool.has_local(waiter.asker.worker, now_ns) {
                let (chosen, before) = (*ticket, pool.queue.range(..at));
                before.for_each(|ticket| {
                    self.waiters.entry(*ticket).and_modify(|waiter| waiter.overtaken += 1);
                });
                return Some(chosen);
            }
            if waiter.overtaken >= OVERTAKE_TIMES {
                return None;
            }
        }
        None
    }

    /// How many members a pool has, of whatever stage.
    pub fn open_count(&self, index: u32) -> u32 {
        self.pools[index as usize].open_count()
    }

    /// How a pool is used now.
    pub fn usage(&self, index: u32, now_ns: u64) -> ResourceUsage {
        let pool = &self.pools[index as usize];
        ResourceUsage {
            max: pool.settings.max,
            in_use: pool.in_use(),
            idle: pool.idle_count(),
            waiting: pool.waiting,
            is_available: !pool.is_unreachable(now_ns),
        }
    }
}
