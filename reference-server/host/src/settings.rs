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
}

/// Chooses a route by authority and path; `None` when there is none.
pub type Router = Box<dyn Fn(&[u8], &[u8]) -> Option<u32> + Send + Sync>;
