//! What happened, in numbers: one writer each (a worker), readable from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of one worker.
        #[derive(Default, Debug)]
        #[repr(align(128))]
        pub struct Counters { $($(#[$doc])* pub $name: Counter),* }

        /// A sum of counters at one moment.
        #[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Totals { $($(#[$doc])* pub $name: u64),* }

        impl Totals {
            /// Adds a worker's counters.
            pub fn add(&mut self, counters: &Counters) { $(self.$name += counters.$name.get();)* }
            /// Name and value of each, for reports.
            pub fn named(&self) -> Vec<(&'static str, u64)> { vec![$((stringify!($name), self.$name)),*] }
        }
    };
}

/// A number that one thread adds to and any thread reads.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning worker may call it (a plain load and store, no locked instruction).
    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

counters! {
    /// Tasks that were made here.
    tasks_made,
    /// Tasks that ended here, whether or not they were started.
    tasks_ended,
    /// Calls of `start`.
    starts,
    /// Calls of `resume`.
    resumes,
    /// Ends of started tasks; equal to `starts` when nothing is under way.
    finishes,
    /// Operations that were begun and had to wait.
    operations_begun,
    /// Operations that ended: delivered, withdrawn or unseen.
    operations_ended,
    /// Tasks that ended by cancellation.
    cancelled,
    /// Tasks that failed.
    failed,
    /// Tasks that yielded with nothing outstanding.
    lost,
    /// Calls that were refused by a rule.
    refused_calls,
    /// Steps that overstayed the report limit.
    slow_steps,
    /// Leases that were granted.
    leases_granted,
    /// Leases that ended: released, or taken back.
    leases_ended,
    /// Leases that a task forgot to release.
    leases_forgotten,
    /// Requests that a start gate refused.
    gate_refusals,
}

impl Totals {
    /// Live tasks.
    pub fn live_tasks(&self) -> u64 {
        self.tasks_made.saturating_sub(self.tasks_ended)
    }

    /// Leases that are held.
    pub fn live_leases(&self) -> u64 {
        self.leases_granted.saturating_sub(self.leases_ended)
    }

    /// Operations under way.
    pub fn live_operations(&self) -> u64 {
        self.operations_begun.saturating_sub(self.operations_ended)
    }
}
