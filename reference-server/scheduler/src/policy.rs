//! When another core is worth involving: pure functions of a queue's length and its mean step time.
//!
//! It must not know queues, workers or clocks. All figures are estimates in nanoseconds; a step time
//! of 0 means "not known yet", and what is not known is never worth moving.

/// The thresholds of stealing and waking, all in nanoseconds.
///
/// The defaults are for a machine on which waking a sleeping core costs 23-29 us of CPU and handing
/// a cache line to a core that is awake costs 0.25 us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Queued work above which a sleeping worker is woken to help. Unit: ns of estimated work, the
    /// owner's own next item not counted.
    pub wake_backlog_ns: u64,
    /// Queued work above which a worker that is awake and idle takes an item. Unit: ns.
    pub steal_backlog_ns: u64,
    /// Mean step time below which an item never leaves its worker, however many wait: moving its
    /// answer back to the connection's worker would cost more than the step. Unit: ns.
    pub steal_step_ns: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { wake_backlog_ns: 30_000, steal_backlog_ns: 5_000, steal_step_ns: 1_500 }
    }
}

impl Policy {
    /// Whether a worker that is awake and has nothing to do should take one of `queued` items that
    /// take about `step_ns` each.
    ///
    /// # Example
    /// ```
    /// let policy = hc_scheduler::Policy::default();
    /// assert!(policy.steal_pays(1, 50_000));
    /// assert!(!policy.steal_pays(1_000, 300), "a tiny step costs less than its journey");
    /// ```
    #[must_use]
    pub fn steal_pays(&self, queued: usize, step_ns: u64) -> bool {
        self.step_is_heavy(step_ns) && work_ns(queued, step_ns) > self.steal_backlog_ns
    }

    /// Whether a sleeping worker should be woken because `queued` items that take about `step_ns`
    /// each wait on one worker. One item is left out: its owner is about to run it.
    #[must_use]
    pub fn wake_pays(&self, queued: usize, step_ns: u64) -> bool {
        let for_others = queued.saturating_sub(1);
        // The second half keeps a woken worker from finding nothing that it may take.
        work_ns(for_others, step_ns) > self.wake_backlog_ns && self.steal_pays(for_others, step_ns)
    }

    /// Whether items of this mean step time may be taken at all; a searcher spins only while some
    /// worker has such items.
    #[must_use]
    pub fn step_is_heavy(&self, step_ns: u64) -> bool {
        step_ns != 0 && step_ns >= self.steal_step_ns
    }
}

fn work_ns(count: usize, step_ns: u64) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(step_ns)
}

/// The mean step time of a queue of `queued` items at `queued_ns` each after `added` items at
/// `added_ns` each have joined it. A 0 on either side is "not known" and does not count.
pub(crate) fn blended_step_ns(queued: usize, queued_ns: u64, added: usize, added_ns: u64) -> u64 {
    if added_ns == 0 || added == 0 {
        return queued_ns;
    }
    if queued_ns == 0 || queued == 0 {
        return added_ns;
    }
    let total = work_ns(queued, queued_ns).saturating_add(work_ns(added, added_ns));
    let count = u64::try_from(queued.saturating_add(added)).unwrap_or(u64::MAX);
    (total / count).max(1)
}

/// Whether a new mean is far enough from the published one to be worth a write to a cache line that
/// every searching worker reads: more than an eighth, or a change from or to "not known".
pub(crate) fn differs_noticeably(published_ns: u64, mean_ns: u64) -> bool {
    published_ns.abs_diff(mean_ns) > published_ns / 8
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// (queued, step_ns, steal pays, wake pays) with the default thresholds.
    #[rustfmt::skip]
    const TABLE: &[(usize, u64, bool, bool)] = &[
        // Nothing queued, or nothing known about it.
        (0, 50_000, false, false),
        (0, 0, false, false),
        (1_000_000, 0, false, false),
        // Tiny steps stay at home, however many.
        (64, 300, false, false),
        (1_000_000, 300, false, false),
        (1_000_000, 1_499, false, false),
        // At the step threshold the backlog decides.
        (3, 1_500, false, false),
        (4, 1_500, true, false),
        (21, 1_500, true, false),
        (22, 1_500, true, true),
        // One item: an idle worker may take it, nobody is woken for it.
        (1, 5_000, false, false),
        (1, 5_001, true, false),
        (1, 50_000, true, false),
        (1, u64::MAX, true, false),
        // Two heavy items: the second is worth a wake from 30 us on, not at 30 us.
        (2, 20_000, true, false),
        (2, 30_000, true, false),
        (2, 30_001, true, true),
        (2, 50_000, true, true),
        (3, 16_000, true, true),
        // No overflow at the edges.
        (usize::MAX, u64::MAX, true, true),
        (usize::MAX, 1_500, true, true),
    ];

    #[test]
    fn the_table_of_when_it_pays() {
        let policy = Policy::default();
        for &(queued, step_ns, steal, wake) in TABLE {
            let got = (policy.steal_pays(queued, step_ns), policy.wake_pays(queued, step_ns));
            assert_eq!(got, (steal, wake), "{queued} items of {step_ns} ns");
        }
    }

    #[test]
    fn a_wake_never_finds_what_it_may_not_steal() {
        let strange = Policy { wake_backlog_ns: 0, steal_backlog_ns: 1_000_000, steal_step_ns: 0 };
        for queued in 0..200 {
            for step_ns in [0, 1, 999, 5_000, 10_000, 500_000, 2_000_000] {
                let wake = strange.wake_pays(queued, step_ns);
                assert!(!wake || strange.steal_pays(queued - 1, step_ns), "{queued} x {step_ns}");
            }
        }
    }

    /// (queued, queued_ns, added, added_ns, blended).
    #[rustfmt::skip]
    const BLENDS: &[(usize, u64, usize, u64, u64)] = &[
        (0, 0, 0, 0, 0),
        (0, 0, 4, 100, 100),
        (5, 0, 4, 100, 100),      // what was queued was not known: the new figure stands
        (0, 900, 4, 100, 100),    // an old figure for an empty queue is forgotten
        (4, 900, 4, 0, 900),      // not known: no change
        (4, 900, 0, 100, 900),
        (1, 100, 3, 500, 400),
        (1, 1, 1, 2, 1),
        (usize::MAX, u64::MAX, usize::MAX, u64::MAX, 1),
    ];

    #[test]
    fn the_table_of_blended_means() {
        for &(queued, queued_ns, added, added_ns, expect) in BLENDS {
            let got = blended_step_ns(queued, queued_ns, added, added_ns);
            assert_eq!(got, expect, "{queued} x {queued_ns} + {added} x {added_ns}");
        }
    }

    #[test]
    fn small_drift_is_not_published() {
        assert!(!differs_noticeably(800, 900));
        assert!(!differs_noticeably(800, 700));
        assert!(differs_noticeably(800, 901));
        assert!(differs_noticeably(0, 1), "from not known");
        assert!(!differs_noticeably(0, 0));
    }
}
