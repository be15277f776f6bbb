//! What the kit's host does to a module in one run, out of a seed. Pure data; must not know how it is done.

use super::choices::Choices;
use super::resources::Members;
use super::script::{BodyEnd, Script, scripts};
use crate::target::ModuleTarget;
use http_container_abi::Status;

/// How a request body comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pieces {
    /// A byte at a time.
    Bytes,
    /// At most so many bytes at a time.
    UpTo(usize),
}

/// How much room there is for a response body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Always enough.
    Enough,
    /// Up to so many bytes at a time, and none to begin with.
    Scarce(usize),
}

/// What goes wrong, once in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// The task of that script is cancelled when it has yielded for the n-th time; `is_latched`: once an event of its was
    /// there, so that it is unseen.
    Cancel {
        /// Which script.
        script: usize,
        /// Which yield, from 1.
        suspension: u32,
        /// Why.
        reason: Status,
        /// Whether an event is there already.
        is_latched: bool,
    },
    /// The n-th call that can be refused is, with that status.
    Refuse {
        /// Which call, from 1.
        call: u64,
        /// The answer.
        status: Status,
    },
    /// The peer leaves in the n-th call of the task of that script.
    PeerLeaves {
        /// Which script.
        script: usize,
        /// Which of the task's calls, from 1.
        call: u32,
        /// Whether the operator grants a time of grace, so that the task goes on.
        has_grace: bool,
    },
    /// The container begins to stop when so many steps were run.
    Drain {
        /// How many steps.
        step: u64,
    },
}

/// One run.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The seed of all choices in the run.
    pub seed: u64,
    /// How many workers there are.
    pub workers: u32,
    /// Whether callbacks run on threads of their own, in lock-step: a fixed one for each worker for a module that is bound to
    /// threads, a random one for each callback for others.
    pub has_threads: bool,
    /// The requests.
    pub scripts: Vec<Script>,
    /// How many requests live at once.
    pub at_once: usize,
    /// How bodies come.
    pub pieces: Pieces,
    /// How much room there is.
    pub room: Room,
    /// An event of a `[ready]` operation is spurious once in so many times; 0: never.
    pub spurious: usize,
    /// A read of a body has to wait although it could go on once in so many times; 0: never.
    pub late: usize,
    /// What goes wrong.
    pub disturbance: Disturbance,
    /// What ended views are overwritten with.
    pub poison: u8,
    /// Whether there are extensions.
    pub has_extensions: bool,
    /// A call of `complete` on a thread of the module's is held up once in so many times; 0: never.
    pub held_up: usize,
    /// What becomes of leases and of what is asked of them.
    pub members: Members,
    /// How far the clock goes with each look at it (ns).
    pub tick_ns: u64,
    /// Whether an interface that the module offers is refused.
    pub is_offer_refused: bool,
    /// Whether time passes as it does outside, and offloaded works run beside.
    pub is_real: bool,
    /// Whether what happens is written down.
    pub is_traced: bool,
}

impl Plan {
    /// The run of a seed with every sort of lateness, and nothing that goes wrong.
    #[must_use]
    pub fn of_seed(seed: u64, wanted: &ModuleTarget) -> Plan {
        let mut choices = Choices::new(seed, 1);
        let count = 1 + choices.below(6);
        let scripts = scripts(&mut choices, count, wanted);
        let pieces = match choices.below(4) {
            0 => Pieces::Bytes,
            1 => Pieces::UpTo(16),
            _ => Pieces::UpTo(4096),
        };
        let room = match choices.below(4) {
            0 => Room::Scarce(1),
            1 => Room::Scarce(700),
            _ => Room::Enough,
        };
        Plan {
            seed,
            workers: 1 + choices.below(3) as u32,
            has_threads: false,
            scripts,
            at_once: 1 + choices.below(4),
            pieces,
            room,
            spurious: [0, 4, 2][choices.below(3)],
            late: [0, 2, 5][choices.below(3)],
            disturbance: Disturbance::None,
            poison: 0xdd,
            has_extensions: true,
            held_up: 0,
            members: Members {
                late: [0, 2][choices.below(2)],
                batch: [0, 3][choices.below(2)],
                ..Members::CALM
            },
            tick_ns: 100,
            is_offer_refused: false,
            is_real: false,
            is_traced: false,
        }
        .bounded()
    }

    /// A run without adversity, with those requests.
    #[must_use]
    pub fn calm(seed: u64, scripts: Vec<Script>) -> Plan {
        Plan {
            seed,
            workers: 1,
            has_threads: false,
            scripts,
            at_once: 1,
            pieces: Pieces::UpTo(4096),
            room: Room::Enough,
            spurious: 0,
            late: 0,
            disturbance: Disturbance::None,
            poison: 0xdd,
            has_extensions: true,
            held_up: 0,
            members: Members::CALM,
            tick_ns: 100,
            is_offer_refused: false,
            is_real: false,
            is_traced: false,
        }
    }

    /// Bodies get so short that a run takes at most some thousands of steps.
    #[must_use]
    pub fn bounded(mut self) -> Plan {
        let most = match (self.pieces, self.room) {
            (Pieces::Bytes, _) => 300,
            (_, Room::Scarce(bytes)) => 200 * bytes,
            (Pieces::UpTo(piece), _) if piece < 100 => 5_000,
            _ => 70_000,
        };
        self.scripts.iter_mut().for_each(|script| script.body.truncate(most));
        self
    }

    /// With bodies that do not end well.
    #[must_use]
    pub fn with_broken_bodies(mut self) -> Plan {
        let mut choices = Choices::new(self.seed, 2);
        for script in self.scripts.iter_mut().filter(|script| !script.body.is_empty()) {
            script.end = [BodyEnd::Cut, BodyEnd::TooLong][choices.below(2)];
        }
        self
    }
}
