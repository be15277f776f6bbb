//! Ending a statement from another thread. Must not know what runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, InterruptHandle};

/// How many instructions of SQLite's machine run between two looks at the flag: some microseconds.
const INSTRUCTIONS: i32 = 1_000;

/// The means to end what runs on one connection. `sqlite3_interrupt` strikes only what runs at that moment, and would miss a
/// statement that is about to begin; so there is a flag, too, at which the statement looks again and again.
#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    is_asked: Arc<AtomicBool>,
    handle: Arc<Mutex<Option<InterruptHandle>>>,
}

impl Interrupt {
    /// Makes it strike on that connection from now on.
    pub(crate) fn attach(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let is_asked = Arc::clone(&self.is_asked);
        connection.progress_handler(INSTRUCTIONS, Some(move || is_asked.load(Ordering::Relaxed)))?;
        let handle = connection.get_interrupt_handle();
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }

    /// Asks that what runs, or is about to, end.
    pub(crate) fn ask(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        handle.iter().for_each(InterruptHandle::interrupt);
    }

    /// Whether it was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    /// Another request begins: what was asked does not concern it.
    pub(crate) fn forget(&self) {
        self.is_asked.store(false, Ordering::Relaxed);
    }
}
