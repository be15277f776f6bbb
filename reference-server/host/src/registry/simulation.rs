//! Seeded runs of the registry's decisions: a world of tasks that want members, in which members are opened, fail, are lost
//! and reset, tasks give up, and time passes. After every event the world is held against what must always hold.

use super::pool::{Ask, Place, Returned, Stage};
use super::pools::Pools;
use super::wishes::{Answer, Asker, Decision, Need, Wish};
use crate::settings::ResourceSettings;
use http_container_abi::Status;
use std::collections::{HashMap, HashSet, VecDeque};

const MS: u64 = 1_000_000;

fn settings(max: u32) -> ResourceSettings {
    ResourceSettings {
        name: "pool".into(),
        provider: Some(0),
        min: 0,
        max,
        max_waiting: 1_000,
        acquire_timeout_ns: 1_000 * MS,
        idle_timeout_ns: 60_000 * MS,
        max_lifetime_ns: 600_000 * MS,
        member_timeout_ns: 5_000 * MS,
        test_on_acquire: true,
    }
}

/// A generator of numbers that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One task of the world.
#[derive(Default)]
struct Task {
    /// What it wants, one acquire after the other.
    plan: VecDeque<Vec<Need>>,
    waits: Option<u64>,
    holds: Vec<Place>,
}

struct World {
    pools: Pools,
    maxima: Vec<u32>,
    tasks: HashMap<u64, Task>,
    next_task: u64,
    now_ns: u64,
    /// What members were asked and have not done.
    asked: Vec<(Place, Option<Ask>)>,
    open: HashSet<Place>,
    lent: HashMap<Place, u64>,
    /// Tasks in the order in which their single waits began, by pool.
    order: Vec<VecDeque<u64>>,
    served: u64,
}

impl World {
    fn new(maxima: &[u32], workers: u32) -> World {
        World {
            pools: Pools::new(maxima.iter().map(|max| settings(*max)).collect(), workers),
            maxima: maxima.to_vec(),
            tasks: HashMap::new(),
            next_task: 0,
            now_ns: 1,
            asked: Vec::new(),
            open: HashSet::new(),
            lent: HashMap::new(),
            order: vec![VecDeque::new(); maxima.len()],
            served: 0,
        }
    }

    fn arrive(&mut self, plan: Vec<Vec<Need>>, worker: u32) {
        self.next_task += 1;
        let id = self.next_task;
        self.tasks.insert(id, Task { plan: plan.into(), ..Task::default() });
        self.go_on(id, worker);
    }

    /// The task's next acquire, or its end.
    fn go_on(&mut self, id: u64, worker: u32) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let Some(needs) = task.plan.pop_front() else { return self.finish(id, Returned::Clean) };
        let asker = Asker { id, number: 0, worker, holds: !task.holds.is_empty() };
        let mut places = Vec::new();
        let wish = Wish { needs: &needs, asker, may_wait: true, now_ns: self.now_ns };
        match self.pools.acquire(&wish, |place| places.push(place)) {
            Answer::Granted => self.take(id, &places),
            Answer::Waiting(ticket) => {
                task.waits = Some(ticket);
                if let [need] = needs[..] {
                    self.order[need.pool as usize].push_back(id);
                }
            }
            Answer::Refused(status, _) => {
                assert_eq!(status, Status::E_RESOURCE, "nothing else is refused here");
                self.finish(id, Returned::Clean);
            }
        }
        self.hear();
    }

    fn take(&mut self, id: u64, places: &[Place]) {
        for place in places {
            assert_eq!(self.pools.stage(*place), Some(Stage::Leased));
            assert!(self.lent.insert(*place, id).is_none(), "{place:?} was lent twice");
        }
        if let Some(task) = self.tasks.get_mut(&id) {
            task.waits = None;
            task.holds.extend_from_slice(places);
        }
        self.served += 1;
    }

    fn finish(&mut self, id: u64, how: Returned) {
        let Some(task) = self.tasks.remove(&id) else { return };
        self.order.iter_mut().for_each(|queue| queue.retain(|waiting| *waiting != id));
        if let Some(ticket) = task.waits {
            assert!(self.pools.withdraw(ticket, self.now_ns), "it waited");
        }
        for place in task.holds {
            self.lent.remove(&place);
            self.pools.give_back(place, how, self.now_ns);
        }
        self.hear();
    }

    /// Carries decisions out, as far as they are instant.
    fn hear(&mut self) {
        let mut decisions = Vec::new();
        self.pools.take_decisions(&mut decisions);
        for decision in decisions {
            match decision {
                Decision::Grant { asker, places, .. } => {
                    self.check_order(asker);
                    self.take(asker.id, &places);
                }
                Decision::Refuse { asker, status, .. } => {
                    assert_eq!(status, Status::E_RESOURCE);
                    if let Some(task) = self.tasks.get_mut(&asker.id) {
                        task.waits = None;
                    }
                    self.finish(asker.id, Returned::Clean);
                }
                Decision::Open { place, .. } => {
                    assert!(self.open.insert(place), "{place:?} is open");
                    self.asked.push((place, None));
                }
                Decision::Ask { place, ask } => self.asked.push((place, Some(ask))),
                Decision::Kill { place, .. } | Decision::GiveUp { place, .. } => {
                    self.open.remove(&place);
                    self.asked.retain(|(asked, _)| *asked != place);
                    self.pools.ended(place, self.now_ns);
                }
            }
        }
        for (pool, max) in self.maxima.iter().enumerate() {
            let count = self.open.iter().filter(|place| place.pool as usize == pool).count();
            assert!(count <= *max as usize, "{count} members of {max} [resource.acquire.cap]");
        }
    }

    /// Who is served is among the first of those that wait for one member, as far as overtaking is allowed
    /// [resource.acquire.fair]; one that holds a lease may pass those who wait for it [resource.acquire.several].
    fn check_order(&mut self, asker: Asker) {
        for queue in &mut self.order {
            if let Some(at) = queue.iter().position(|waiting| *waiting == asker.id) {
                assert!(at < 8 || asker.holds, "task {} overtook {at} others", asker.id);
                queue.remove(at);
            }
        }
    }

    /// One member does what it was asked.
    fn step(&mut self, dice: &mut Dice, fails: u64) {
        if self.asked.is_empty() {
            return;
        }
        let (place, ask) = self.asked.swap_remove(dice.roll(self.asked.len() as u64) as usize);
        let is_well = dice.roll(100) >= fails;
        match ask {
            None if is_well => self.pools.opened(place, self.now_ns),
            None | Some(Ask::Close) => {
                self.open.remove(&place);
                self.pools.ended(place, self.now_ns);
            }
            Some(_) => self.pools.settled(place, is_well, false, self.now_ns),
        }
        self.hear();
    }

    fn pass(&mut self, ns: u64) {
        self.now_ns += ns;
        if self.pools.due_ns() <= self.now_ns {
            self.pools.tend(self.now_ns);
            self.hear();
        }
    }

    /// The instance behind a pool is replaced.
    fn retire(&mut self, pool: u32) {
        self.pools.retire(pool, self.now_ns);
        self.hear();
    }
}

fn one(pool: u32) -> Need {
    Need { pool, count: 1 }
}

/// A world in which everything happens, and then a time in which everybody can be served.
fn run(seed: u64, maxima: &[u32], fails: u64) -> u64 {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut world = World::new(maxima, 3);
    let pools = maxima.len() as u64;
    for _ in 0..2_000 {
        match dice.roll(10) {
            0..=2 => {
                let first = dice.roll(pools) as u32;
                let second = dice.roll(pools) as u32;
                let plan = match dice.roll(4) {
                    // Two at once, or two in the order of their rank, or one.
                    0 if first != second => vec![vec![one(first), one(second)]],
                    1 if first < second => vec![vec![one(first)], vec![one(second)]],
                    _ => vec![vec![one(first)]],
                };
                world.arrive(plan, dice.roll(3) as u32);
            }
            3..=5 => world.step(&mut dice, fails),
            6 | 7 => {
                let ids: Vec<u64> =
                    sorted(&world).into_iter().filter(|id| world.tasks[id].waits.is_none()).collect();
                if let Some(id) = ids.get(dice.roll(ids.len().max(1) as u64) as usize) {
                    match dice.roll(8) {
                        0 => world.finish(*id, Returned::Dirty),
                        1 => world.finish(*id, Returned::Broken),
                        2 => world.finish(*id, Returned::UnderWay),
                        _ => world.go_on(*id, dice.roll(3) as u32),
                    }
                }
            }
            8 if dice.roll(4) == 0 => {
                let ids = sorted(&world);
                if let Some(id) = ids.get(dice.roll(ids.len().max(1) as u64) as usize) {
                    world.finish(*id, Returned::Clean);
                }
            }
            8 if dice.roll(16) == 0 => world.retire(dice.roll(pools) as u32),
            _ => world.pass(dice.roll(400 * MS)),
        }
    }
    // Now members do what they are asked, and holders go on: nobody may be left waiting.
    for _ in 0..20_000 {
        world.step(&mut dice, 0);
        let ready: Vec<u64> =
            sorted(&world).into_iter().filter(|id| world.tasks[id].waits.is_none()).collect();
        ready.into_iter().for_each(|id| world.go_on(id, 0));
        if world.tasks.is_empty() {
            break;
        }
        world.pass(50 * MS);
    }
    let left: Vec<u64> = sorted(&world);
    assert!(left.is_empty(), "seed {seed}: tasks {left:?} wait for ever");
    world.served
}

fn sorted(world: &World) -> Vec<u64> {
    let mut ids: Vec<u64> = world.tasks.keys().copied().collect();
    ids.sort_unstable();
    ids
}

#[test]
fn whatever_happens_the_cap_holds_and_everybody_is_served() {
    let served: u64 = (1..=60).map(|seed| run(seed, &[4, 2, 3], 5)).sum();
    assert!(served > 10_000, "{served}");
}

#[test]
fn members_that_often_fail_starve_nobody() {
    (100..=130).for_each(|seed| {
        run(seed, &[1, 1], 60);
    });
}

#[test]
fn eight_tasks_that_each_want_two_of_eight_members_all_get_them() {
    for seed in 1..=50 {
        let mut dice = Dice(seed);
        let mut world = World::new(&[8], 2);
        for _ in 0..8 {
            world.arrive(vec![vec![Need { pool: 0, count: 2 }]; 1], dice.roll(2) as u32);
        }
        for _ in 0..200 {
            world.step(&mut dice, 0);
            let ready: Vec<u64> =
                sorted(&world).into_iter().filter(|id| world.tasks[id].waits.is_none()).collect();
            ready.into_iter().for_each(|id| world.go_on(id, 0));
        }
        assert!(world.tasks.is_empty(), "seed {seed}");
    }
}

#[test]
fn one_who_holds_a_lease_is_not_kept_waiting_by_one_who_waits_for_that_lease() {
    let mut world = World::new(&[1, 1], 1);
    let mut dice = Dice(7);
    world.arrive(vec![vec![one(0)], vec![one(1)]], 0);
    world.step(&mut dice, 0);
    // Task 2 waits for both, and is first in the queue of the second.
    world.arrive(vec![vec![one(0), one(1)]], 0);
    world.step(&mut dice, 0);
    assert!(world.tasks[&2].waits.is_some());
    world.go_on(1, 0);
    assert_eq!(world.tasks[&1].holds.len(), 2, "the free member is not kept for task 2");
    world.finish(1, Returned::Clean);
    assert_eq!(world.tasks[&2].holds.len(), 2);
}

#[test]
fn what_cannot_be_reached_is_refused_at_once_and_comes_back_by_itself() {
    let mut world = World::new(&[2], 1);
    let mut dice = Dice(3);
    world.arrive(vec![vec![one(0)]], 0);
    world.step(&mut dice, 101);
    assert!(world.tasks.is_empty(), "it was refused with the failure");
    world.arrive(vec![vec![one(0)]], 0);
    assert!(world.tasks.is_empty(), "and so are others, at once");
    assert!(world.pools.due_ns() <= world.now_ns + 5_000 * MS);
    world.pass(200 * MS);
    assert_eq!(world.asked.len(), 1, "one try, with nobody waiting");
    world.step(&mut dice, 0);
    world.arrive(vec![vec![one(0)]], 0);
    assert_eq!(world.tasks[&3].holds.len(), 1);
}
