//! What the operator decided, as far as the host needs to know it.

/// Named limits. Bytes and counts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Outstanding operations of one task.
    pub operations_per_task: usize,
    /// Body of one `respond`, bytes.
    pub respond_bytes: u64,
    /// Names and values of a response head or of trailers, bytes.
    pub response_head_bytes: u64,
    /// Request body where the route sets no other, bytes; `u64::MAX` for none.
    pub body_bytes: u64,
    /// Live tasks that one module instance has spawned.
    pub tasks_per_module: u32,
    /// Child tasks of child tasks.
    pub dispatch_depth: u32,
    /// Descriptors that one instance has registered on one worker.
    pub descriptors_per_worker: usize,
    /// A step that takes longer is reported, ns.
    pub step_report_ns: u64,
    /// Least time between two fresh instances of one module, ns.
    pub replace_interval_ns: u64,
    /// How long the tasks of a failed instance may go on after a fresh one took its place, ns.
    pub retired_instance_ns: u64,
    /// Threads for the steps of modules that block (`HC_MODULE_BLOCKING`); they exist only when such a module is configured.
    pub blocking_threads: u32,
    /// Fresh tasks that may wait for such a thread; a request beyond is answered 503.
    pub blocking_queue: usize,
    /// Threads for work that modules hand over (`hc.offload/1`); they exist only once some was.
    pub offload_threads: u32,
    /// Pieces of such work that may wait for a thread; one beyond is answered `HC_E_BUSY`.
    pub offload_queue: usize,
    /// How long the end of the process waits for a step that blocks, ns.
    pub blocking_stop_ns: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            operations_per_task: 1024,
            respond_bytes: 16 << 20,
            response_head_bytes: 32 << 10,
            body_bytes: u64::MAX,
            tasks_per_module: 100_000,
            dispatch_depth: 8,
            descriptors_per_worker: 10_000,
            step_report_ns: 10_000_000,
            replace_interval_ns: 1_000_000_000,
            retired_instance_ns: 60_000_000_000,
            blocking_threads: 16,
            blocking_queue: 1024,
            offload_threads: 16,
            offload_queue: 1024,
            blocking_stop_ns: 5_000_000_000,
        }
    }
}

/// A route: which modules answer, and how long they may take.
#[derive(Clone, Debug)]
pub struct Route {
    /// As the operator would recognise it in a log: host and path prefix.
    pub name: String,
    /// Indices of modules: the first answers the peer, `hc.dispatch/1` reaches the next.
    pub modules: Vec<u32>,
    /// From the complete head to the end of the task, ns.
    pub deadline_ns: u64,
    /// Between the peer's leaving and the cancel, ns.
    pub cancel_grace_ns: u64,
    /// What has to be there before the first step of a request [gate.order].
    pub gates: Gates,
}

/// The start gates of a route, in the order in which they are passed. None is passed at once.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// Wait until the request body is whole; its longest length, bytes.
    pub whole_body_bytes: Option<u64>,
    /// Wait until few enough requests of the same partition are under way.
    pub partition: Option<PartitionGate>,
    /// Start with a lease on a member of each of these resources, by index.
    pub resources: Vec<u32>,
    /// How long the leases are waited for, where the resource's own time is not shorter, ns.
    pub resources_timeout_ns: u64,
}

impl Gates {
    /// Whether a request is started at once.
    pub fn is_open(&self) -> bool {
        self.whole_body_bytes.is_none() && self.partition.is_none() && self.resources.is_empty()
    }
}

/// How many requests of one partition may be under way.
#[derive(Clone, Debug)]
pub struct PartitionGate {
    /// What tells partitions apart.
    pub key: PartitionKey,
    /// Requests of one partition between their start and their end.
    pub concurrent: u32,
    /// Requests of one partition that may wait; one beyond is answered 503.
    pub max_waiting: u32,
    /// How long one may wait, ns; then 503.
    pub timeout_ns: u64,
}

/// What of a request names its partition. A request in which it is missing is of the partition of the empty name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PartitionKey {
    /// A segment of the path, counted from 1.
    Path(u32),
    /// A header field, by its lower-case name: its first value.
    Header(String),
    /// A parameter of the query: its first value, as it was sent.
    Query(String),
    /// A cookie.
    Cookie(String),
}

/// A resource as the operator configured it. Its rank is its place in [`Parts::resources`](crate::Parts::resources).
#[derive(Clone, Debug)]
pub struct ResourceSettings {
    /// The operator's name for it.
    pub name: String,
    /// Index of the module that provides its members, one of its own for each resource; `None` for permits (`hc.limit/1`),
    /// which nobody has to make.
    pub provider: Option<u32>,
    /// Members that are kept open.
    pub min: u32,
    /// Most members at once, of whatever state.
    pub max: u32,
    /// Tasks that may wait; for one beyond, `acquire` answers `HC_E_BUSY`.
    pub max_waiting: u32,
    /// Longest wait for a lease, ns.
    pub acquire_timeout_ns: u64,
    /// A member that was idle for so long is closed, down to `min`, ns.
    pub idle_timeout_ns: u64,
    /// A member that is so old is closed when it is given back, ns.
    pub max_lifetime_ns: u64,
    /// Longest time for opening, checking, resetting, interrupting and closing a member, each, ns.
    pub member_timeout_ns: u64,
    /// Whether a member that was idle for a second or longer is checked before it is lent.
    pub test_on_acquire: bool,
}

impl ResourceSettings {
    /// Permits are all there at any time: there is nothing to save, and nothing that ages [limit.permit].
    pub(crate) fn keep_all(&mut self) {
        self.min = self.max;
        (self.idle_timeout_ns, self.max_lifetime_ns, self.test_on_acquire) = (u64::MAX, u64::MAX, false);
    }
}

/// Chooses a route by authority and path; `None` when there is none.
pub type Router = Box<dyn Fn(&[u8], &[u8]) -> Option<u32> + Send + Sync>;
