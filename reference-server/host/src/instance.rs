//! Modules and their instances: made once, replaced when one has failed, destroyed when the last task has finished.
//!
//! An instance is created and destroyed on the control thread; workers start and stop it where they are. Which of that
//! may happen is decided under the lock of [`Instance::life`]: after it says `Over`, no task of the instance starts on
//! any worker, and none is spawned. It must not call a module.

use crate::calls::InstanceHost;
use http_container_abi::constants::module_flag;
use http_container_abi::witness::EntryImage;
use http_container_abi::{HostTable, ModuleTable, Opaque, Status};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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

    /// Whether its steps may block, so that they run on the pool.
    pub(crate) fn is_blocking(&self) -> bool {
        self.table.flags() & module_flag::BLOCKING != 0
    }
}

/// How far an instance is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// `create` runs: what it spawns is held back.
    Creating,
    /// Its tasks run.
    Live,
    /// `create` refused.
    Refused,
    /// No task can start any more: workers stop it.
    Over,
    /// `destroy` was called.
    Destroyed,
}

/// What is decided under one lock.
pub(crate) struct Life {
    pub stage: Stage,
    /// Tasks that were spawned while `create` ran: the worker they are meant for, and their handles.
    pub held: Vec<(Option<u32>, u64)>,
    /// Live tasks that it spawned.
    pub spawned: u32,
    /// Live members of the resource that it provides, and work that it has handed over to other threads.
    pub attached: u32,
    /// Workers that may still start a request in it, or run one: those that have not said otherwise since it retired.
    pub unquiet: u32,
    /// Workers on which it runs.
    pub stationed: u32,
}

/// One instance of a module.
pub(crate) struct Instance {
    /// Its index in the container.
    pub index: u32,
    /// The index of its module.
    pub module: u32,
    pub table: ModuleTable,
    /// The entry as it was, of a container that validates.
    pub image: Option<EntryImage>,
    /// Another entry than that was found and told of.
    pub other_entry: AtomicBool,
    pub state: OnceLock<Opaque>,
    pub host: OnceLock<Arc<HostTable<InstanceHost>>>,
    /// It panicked: a fresh instance is to take its place.
    pub failed: AtomicBool,
    /// A fresh instance has taken its place: no new request goes to it.
    pub retired: AtomicBool,
    /// When it retired, ns.
    pub retired_ns: AtomicU64,
    /// The time that its tasks had after it retired has passed.
    pub expired: AtomicBool,
    /// As `life` says, for a look without the lock.
    pub over: AtomicBool,
    /// Workers on which `worker_start` failed.
    pub unusable: Box<[AtomicBool]>,
    life: Mutex<Life>,
}

impl Instance {
    pub fn new(index: u32, module: u32, table: ModuleTable, workers: usize) -> Self {
        Instance {
            index,
            module,
            table,
            image: None,
            other_entry: false.into(),
            state: OnceLock::new(),
            host: OnceLock::new(),
            failed: false.into(),
            retired: false.into(),
            retired_ns: 0.into(),
            expired: false.into(),
            over: false.into(),
            unusable: (0..workers).map(|_| AtomicBool::new(false)).collect(),
            life: Mutex::new(Life {
                stage: Stage::Creating,
                held: Vec::new(),
                spawned: 0,
                attached: 0,
                unquiet: workers as u32,
                stationed: 0,
            }),
        }
    }

    pub fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self) -> Opaque {
        self.state.get().copied().unwrap_or_default()
    }

    /// A worker begins to run it; `false` when it is too late for that.
    pub fn enter_worker(&self) -> bool {
        let mut life = self.life();
        let may = life.stage == Stage::Live;
        life.stationed += u32::from(may);
        may
    }

    /// It ended on a worker. Answers whether it can be destroyed now.
    pub fn leave_worker(&self) -> bool {
        let mut life = self.life();
        life.stationed -= 1;
        life.stage == Stage::Over && life.stationed == 0
    }

    /// Live tasks that it spawned.
    pub fn spawned(&self) -> u32 {
        self.life().spawned
    }

    /// A spawned task has ended, or was dropped. Answers whether the instance is over with that.
    pub fn spawned_ended(&self) -> bool {
        let mut life = self.life();
        life.spawned -= 1;
        self.end_if_idle(&mut life)
    }

    /// A member was made, or work handed over.
    pub fn attached(&self) {
        self.life().attached += 1;
    }

    /// That has ended. Answers whether the instance is over with it.
    pub fn detached(&self) -> bool {
        let mut life = self.life();
        life.attached -= 1;
        self.end_if_idle(&mut life)
    }

    /// A worker will start no request in it any more, and has none of its tasks. Answers whether it is over with that.
    pub fn quiet_on_worker(&self) -> bool {
        let mut life = self.life();
        life.unquiet -= 1;
        self.end_if_idle(&mut life)
    }

    fn end_if_idle(&self, life: &mut Life) -> bool {
        let is_over = self.retired.load(Ordering::SeqCst)
            && life.stage == Stage::Live
            && life.unquiet == 0
            && life.spawned == 0
            && life.attached == 0;
        if is_over {
            life.stage = Stage::Over;
            self.over.store(true, Ordering::SeqCst);
        }
        is_over
    }

    /// Whether `destroy` is due; from now on it counts as done.
    pub fn take_destroy(&self, by_force: bool) -> bool {
        let mut life = self.life();
        let may = match life.stage {
            Stage::Over => life.stationed == 0 || by_force,
            Stage::Live => by_force,
            Stage::Creating | Stage::Refused | Stage::Destroyed => false,
        };
        if may {
            life.stage = Stage::Destroyed;
            self.over.store(true, Ordering::SeqCst);
        }
        may
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
