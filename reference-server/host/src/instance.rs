//! Modules and their instances: made once, replaced when one has failed, destroyed when its last task has finished.
//!
//! An instance's life is driven from the control thread (`create`, `destroy`); workers start and stop it where they are.

use crate::calls::InstanceHost;
use http_container_abi::{HostTable, ModuleTable, Opaque, Status};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A module as configured: its code, its configuration, and the index of the instance that serves now.
pub struct Module {
    /// The operator's name for it.
    pub name: String,
    /// The loaded code.
    pub table: ModuleTable,
    /// The configuration, a JSON object.
    pub config: String,
    pub(crate) current: AtomicU32,
    pub(crate) replaced_ns: AtomicU64,
}

impl Module {
    /// A module that has no instance yet.
    pub fn new(name: String, table: ModuleTable, config: String) -> Self {
        Module { name, table, config, current: AtomicU32::new(u32::MAX), replaced_ns: AtomicU64::new(0) }
    }
}

/// One instance of a module.
pub struct Instance {
    /// Its index in the container.
    pub index: u32,
    /// The index of its module.
    pub module: u32,
    pub(crate) table: ModuleTable,
    pub(crate) state: OnceLock<Opaque>,
    pub(crate) host: OnceLock<Arc<HostTable<InstanceHost>>>,
    /// It panicked: no new request goes to it once a fresh instance serves.
    pub(crate) failed: AtomicBool,
    /// No new task goes to it: it ends when its last task has finished.
    pub(crate) retired: AtomicBool,
    /// Live tasks that it spawned.
    pub(crate) spawned: AtomicU32,
    /// Workers on which it runs.
    pub(crate) workers: AtomicU32,
    pub(crate) destroyed: AtomicBool,
}

impl Instance {
    pub(crate) fn state(&self) -> Opaque {
        self.state.get().copied().unwrap_or_default()
    }

    /// Whether `destroy` may be called: retired, stopped everywhere, no spawned task left.
    pub(crate) fn is_idle(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
            && self.workers.load(Ordering::SeqCst) == 0
            && self.spawned.load(Ordering::SeqCst) == 0
    }
}

/// A module refused to become an instance.
#[derive(Debug)]
pub struct CreateError {
    /// The module's configured name.
    pub module: String,
    /// What `create` answered.
    pub status: Status,
}

impl fmt::Display for CreateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "module \"{}\" refused to start: create answered {} ({}); see its lines in the log above",
            self.module,
            self.status.name(),
            self.status.text()
        )
    }
}

impl std::error::Error for CreateError {}
