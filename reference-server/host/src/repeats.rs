//! Warnings that would come by the thousand while a database is away: the first of its sort is written at once, and then, once
//! a second, how many more there were [gate.refused.told] [error.log.level]. It must not know what went wrong.

use crate::container::{Container, lock};
use crate::report::{Level, Report};
use crate::worker::{self, Due};
use http_container_abi::Status;
use std::sync::Mutex;

/// For so long after a line others of its sort are counted only, ns.
const APART_NS: u64 = 1_000_000_000;

/// What makes lines be of one sort.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sort {
    pub rule: &'static str,
    pub status: Status,
    pub module: u32,
    pub route: u32,
}

struct Seen {
    sort: Sort,
    /// When a line of it was written, ns, and how many were not since.
    told_ns: u64,
    left_out: u64,
}

/// What was written of each sort. There are no more sorts than routes, statuses and rules together.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<Vec<Seen>>);

/// What becomes of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Written,
    Counted,
    /// The first that is only counted: by that time, ns, the number is to be written.
    CountedUntil(u64),
}

impl Repeats {
    fn weigh(&self, sort: Sort, now_ns: u64) -> Fate {
        let mut all = lock(&self.0);
        let Some(seen) = all.iter_mut().find(|seen| seen.sort == sort) else {
            all.push(Seen { sort, told_ns: now_ns, left_out: 0 });
            return Fate::Written;
        };
        let until_ns = seen.told_ns.saturating_add(APART_NS);
        if seen.left_out == 0 && now_ns >= until_ns {
            seen.told_ns = now_ns;
            return Fate::Written;
        }
        seen.left_out += 1;
        if seen.left_out == 1 { Fate::CountedUntil(until_ns) } else { Fate::Counted }
    }

    /// The sorts of which lines were left out for long enough, with their numbers.
    fn take_due(&self, now_ns: u64) -> Vec<(Sort, u64)> {
        let mut all = lock(&self.0);
        let is_due = |seen: &&mut Seen| seen.left_out > 0 && now_ns >= seen.told_ns.saturating_add(APART_NS);
        let take = |seen: &mut Seen| {
            seen.told_ns = now_ns;
            (seen.sort, std::mem::take(&mut seen.left_out))
        };
        all.iter_mut().filter(is_due).map(take).collect()
    }
}

impl Container {
    /// Tells a warning that may come often. `text` is made for a line that is written.
    pub(crate) fn tell_often(&self, sort: Sort, task: u64, request: u64, text: impl FnOnce() -> String) {
        if !self.reporter.wants(Level::Warn) {
            return;
        }
        match self.repeats.weigh(sort, self.rough_now_ns()) {
            Fate::Written => self.tell_of(sort, task, request, &text()),
            Fate::Counted => {}
            Fate::CountedUntil(due_ns) => {
                let here = worker::with_current(self, |worker| {
                    worker.wheel.borrow_mut().insert(due_ns, Due::Repeats);
                });
                if here.is_none() {
                    self.arm_on(0, due_ns, Due::Repeats);
                }
            }
        }
    }

    fn tell_of(&self, sort: Sort, task: u64, request: u64, text: &str) {
        self.reporter.report(&Report {
            level: Level::Warn,
            module: self.module_name(sort.module),
            task,
            request,
            rule: sort.rule,
            status: Some(sort.status),
            text,
        });
    }

    /// Writes how many lines were left out.
    pub(crate) fn tell_repeats(&self, now_ns: u64) {
        for (sort, count) in self.repeats.take_due(now_ns) {
            let text =
                format!("{count} more of route {} since the last line", self.route_at(sort.route).name);
            self.tell_of(sort, 0, 0, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_written_and_then_a_number_each_second() {
        let repeats = Repeats::default();
        let sort = |route| Sort { rule: "gate.refused.told", status: Status::E_BUSY, module: 0, route };
        let second = APART_NS;
        assert_eq!(repeats.weigh(sort(0), 5), Fate::Written);
        assert_eq!(repeats.weigh(sort(1), 6), Fate::Written, "another sort");
        assert_eq!(repeats.weigh(sort(0), 6), Fate::CountedUntil(5 + second));
        assert_eq!(repeats.weigh(sort(0), 7), Fate::Counted);
        assert_eq!(repeats.take_due(4 + second), []);
        assert_eq!(repeats.weigh(sort(0), 5 + second), Fate::Counted, "the number is due, not a line");
        assert_eq!(repeats.take_due(6 + second), [(sort(0), 3)]);
        assert_eq!(repeats.take_due(7 + second), []);
        assert_eq!(repeats.weigh(sort(0), 8 + second), Fate::CountedUntil(6 + 2 * second));
        assert_eq!(repeats.take_due(6 + 2 * second), [(sort(0), 1)]);
        assert_eq!(repeats.weigh(sort(0), 6 + 3 * second), Fate::Written, "after a second without any");
    }
}
