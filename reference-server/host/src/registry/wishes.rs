//! What is wished of the registry, and what it decides: plain values that pass between those who ask, those who decide and
//! those who carry out.

use super::few::Few;
use super::pool::{Ask, Place, Stage};
use http_container_abi::Status;

/// How many members of which pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Need {
    pub pool: u32,
    pub count: u32,
}

/// What one `acquire` needs: each pool once, in the order of their first places.
pub(crate) type Needs = Few<Need>;

/// As many resources as one `acquire` may name [resource.acquire.count], and a route's gate may.
pub const NEEDS: usize = 16;

impl Needs {
    /// The needs of who wants one member of each of these pools, the same one more than once perhaps.
    pub fn of(pools: &[u32]) -> Needs {
        if let [pool] = pools {
            return Few::One([Need { pool: *pool, count: 1 }]);
        }
        let mut needs: Vec<Need> = Vec::with_capacity(pools.len());
        for pool in pools {
            match needs.iter_mut().find(|need| need.pool == *pool) {
                Some(need) => need.count += 1,
                None => needs.push(Need { pool: *pool, count: 1 }),
            }
        }
        Few::Several(needs)
    }
}

/// Who asks: what it is to the caller, and the worker on which it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asker {
    pub id: u64,
    pub number: u64,
    pub worker: u32,
    /// It holds a lease already, so that others may wait for what it has.
    pub holds: bool,
}

/// What an `acquire` asks for.
pub(crate) struct Wish<'a> {
    pub needs: &'a [Need],
    pub asker: Asker,
    /// It waits for its turn; else it gets them at once or `HC_E_TIMEOUT`.
    pub may_wait: bool,
    pub now_ns: u64,
}

/// What is to be done now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// These members are the asker's, in the order of what it needs.
    Grant { ticket: u64, asker: Asker, places: Few<Place> },
    /// It gets nothing.
    Refuse { ticket: u64, asker: Asker, status: Status, pool: u32 },
    /// Make the member's task on that worker.
    Open { place: Place, worker: u32 },
    /// Ask the member for that.
    Ask { place: Place, ask: Ask },
    /// The member took too long in that stage: cancel its task.
    Kill { place: Place, stage: Stage },
    /// Nobody needs the member that is being opened any more, for that reason: cancel its task.
    GiveUp { place: Place, why: Status },
}

/// The answer to a wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// They are in the list that was given, in the order of what is needed.
    Granted,
    /// It waits under that ticket.
    Waiting(u64),
    /// The status, and the pool for which.
    Refused(Status, u32),
}

/// How a resource is used at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResourceUsage {
    /// Members there can be.
    pub max: u32,
    /// Members that there are and that are not free.
    pub in_use: u32,
    /// Members that are free.
    pub idle: u32,
    /// Tasks and requests that wait.
    pub waiting: u32,
    /// Whether it can be reached, as far as is known.
    pub is_available: bool,
}
