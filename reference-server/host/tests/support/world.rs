//! What scripts, exchanges and tests of one container share: a log of what happened, and the handles that scripts leave.
//! Modules find their world by the number in their configuration.

use http_container_abi::{HostRef, OffloadWork, Status};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

static WORLDS: Mutex<Vec<Arc<World>>> = Mutex::new(Vec::new());

/// A host call made with whatever the world knows.
pub type Probe = Box<dyn Fn(&HostRef, u64) + Send + Sync>;

/// Makes pieces of work for `offload`.
pub type Works = Box<dyn Fn() -> OffloadWork + Send + Sync>;

#[derive(Default)]
pub struct World {
    log: Mutex<Vec<String>>,
    handles: Mutex<HashMap<String, u64>>,
    scripts: Mutex<HashMap<String, String>>,
    hosts: Mutex<HashMap<String, HostRef>>,
    probes: Mutex<HashMap<String, Arc<Probe>>>,
    works: Mutex<HashMap<String, Works>>,
    counts: Mutex<HashMap<String, u64>>,
    /// Completions of which `complete` said OK, and of which the event came: by token.
    pub promised: Mutex<Vec<u64>>,
    pub delivered: Mutex<Vec<u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub fn new() -> (Arc<World>, usize) {
        let world = Arc::new(World::default());
        let mut all = lock(&WORLDS);
        all.push(Arc::clone(&world));
        (world, all.len() - 1)
    }

    pub fn numbered(number: usize) -> Arc<World> {
        Arc::clone(&lock(&WORLDS)[number])
    }

    pub fn note(&self, line: &str) {
        lock(&self.log).push(line.to_owned());
    }

    /// What happened since the last look.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.log))
    }

    pub fn keep(&self, name: &str, handle: u64) {
        lock(&self.handles).insert(name.to_owned(), handle);
    }

    pub fn handle(&self, name: &str) -> u64 {
        lock(&self.handles).get(name).copied().unwrap_or(0)
    }

    pub fn script(&self, name: &str, text: &str) {
        lock(&self.scripts).insert(name.to_owned(), text.to_owned());
    }

    pub fn script_named(&self, name: &str) -> Option<String> {
        lock(&self.scripts).get(name).cloned()
    }

    pub fn set_host(&self, name: &str, host: HostRef) {
        lock(&self.hosts).insert(name.to_owned(), host);
    }

    pub fn host(&self, name: &str) -> HostRef {
        lock(&self.hosts)[name]
    }

    /// Has `probe` called wherever a script or callback says `probe NAME`.
    pub fn probe(&self, name: &str, probe: Probe) {
        lock(&self.probes).insert(name.to_owned(), Arc::new(probe));
    }

    pub fn run_probe(&self, name: &str, host: &HostRef, task: u64) {
        let probe = lock(&self.probes).get(name).cloned();
        if let Some(probe) = probe {
            probe(host, task);
        }
    }

    /// Has `make` called for each piece of work that a script offloads by that name.
    pub fn set_work(&self, name: &str, make: Works) {
        lock(&self.works).insert(name.to_owned(), make);
    }

    pub fn work(&self, name: &str) -> OffloadWork {
        lock(&self.works)[name]()
    }

    /// Counts on: 1 the first time that a name is counted.
    pub fn count(&self, name: &str) -> u64 {
        let mut counts = lock(&self.counts);
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Completes the completion that was kept under that name.
    pub fn complete(&self, host: &HostRef, name: &str, token: u64, status: Status, value: u64) -> Status {
        let answer = host.complete(self.handle(name), status, value);
        if answer == Status::OK {
            lock(&self.promised).push(token);
        }
        answer
    }
}
