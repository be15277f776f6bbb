//! What a callback leaves behind it: the state of its thread, the module's entry, the handlers of signals, the views that it
//! was lent, and whether it slept. Must not call a module.

use super::{Breach, Validation};
use crate::container::Container;
use crate::instance::Instance;
use crate::report::Level;
use crate::task::Record;
use crate::worker::{Stationed, Worker};
use http_container_abi::witness::{EntryImage, SignalHandlers, ThreadState, ThreadUse};
use http_container_abi::{ModuleTable, RequestStorage};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A step that gave its CPU away by itself and waited longer than this is told, ns.
const WAIT_NS: u64 = 1_000_000;

/// What is so of a worker's thread when no module runs on it.
pub(crate) struct Thread {
    state: ThreadState,
    /// When the turn began, or the last step that waited ended.
    used: Cell<Option<ThreadUse>>,
}

impl Thread {
    /// That of the calling thread.
    pub fn of_this() -> Thread {
        Thread { state: ThreadState::now(), used: Cell::new(ThreadUse::now()) }
    }

    /// The thread may have slept, and has begun a turn of its work.
    pub fn begin_turn(&self) {
        self.used.set(ThreadUse::now());
    }

    /// How long, of the time that a step took, the thread waited by itself, ns; 0 when it did not, or when that is not known.
    fn waited_ns(&self, took_ns: u64) -> u64 {
        if took_ns < WAIT_NS {
            return 0;
        }
        let now = ThreadUse::now();
        match (self.used.replace(now), now) {
            // A thread that the machine kept from running, or that waited for a disk, may not have waited by itself.
            (Some(before), Some(now))
                if now.waits > before.waits
                    && now.preemptions == before.preemptions
                    && now.disk_reads == before.disk_reads =>
            {
                // Of earlier steps in the turn is some of the CPU time: so this is rather less than it was.
                took_ns.saturating_sub(now.cpu_ns - before.cpu_ns)
            }
            _ => 0,
        }
    }
}

/// What was so before a callback in the life of an instance: these may do more, and are looked at more closely.
struct LifeWatch {
    thread: ThreadState,
    handlers: SignalHandlers,
    folder: Option<PathBuf>,
}

impl LifeWatch {
    fn begin() -> LifeWatch {
        LifeWatch {
            thread: ThreadState::now(),
            handlers: SignalHandlers::now(),
            folder: std::env::current_dir().ok(),
        }
    }
}

impl Container {
    /// Runs a callback in the life of an instance, and looks at what it leaves behind.
    pub(crate) fn watch_life<R>(
        &self,
        instance: &Instance,
        callback: &'static str,
        call: impl FnOnce() -> R,
    ) -> R {
        if self.validation.is_none() {
            return call();
        }
        let before = LifeWatch::begin();
        let answer = call();
        let tell = |rule, text: &str| {
            let text = format!("{callback}: {text}");
            let breach = Breach { task: 0, request: 0, rule, status: None, text: &text };
            self.tell_breach(Level::Warn, instance.module, &breach);
        };
        if let Some(what) = ThreadState::now().difference(&before.thread) {
            before.thread.restore();
            tell("thread.module.thread-state", &format!("it changed {what}"));
        }
        let now = SignalHandlers::now();
        let signals: Vec<String> = now.changed(&before.handlers).map(|signal| signal.to_string()).collect();
        if !signals.is_empty() {
            let text = format!("it changed the handlers of signals: {}", signals.join(", "));
            tell("thread.module.signals", &text);
        }
        if std::env::current_dir().ok() != before.folder {
            tell("thread.module.thread-state", "it changed the working directory");
        }
        if is_news(instance, |image| *image != EntryImage::of(&instance.table)) {
            tell("module.entry.constant", "the entry, or a text of it, is not what it was");
        }
        answer
    }

    /// The entry of a module, to be compared later.
    pub(crate) fn image_of(&self, table: &ModuleTable) -> Option<EntryImage> {
        self.validation.is_some().then(|| EntryImage::of(table))
    }
}

impl Worker {
    /// A step has ended, or `finish` (which may take any time): tells what it should not have left behind.
    #[inline]
    pub(crate) fn look_behind(&self, took_ns: u64, index: u32, stationed: &Stationed) {
        if let Some(thread) = &self.thread {
            self.look_closely(thread, took_ns, index, stationed);
        }
    }

    fn look_closely(&self, thread: &Thread, took_ns: u64, index: u32, stationed: &Stationed) {
        // Longer ones are told of in any case.
        let longest_ns = self.container.limits.step_report_ns;
        let waited_ns = if self.is_of_pool() { 0 } else { thread.waited_ns(took_ns) };
        let slept = (WAIT_NS..longest_ns).contains(&waited_ns);
        let changed = ThreadState::now().difference(&thread.state);
        let instance = &stationed.instance;
        let is_other = is_news(instance, |image| !image.has_same_structure(&instance.table));
        if !slept && changed.is_none() && !is_other {
            return;
        }
        thread.state.restore();
        let Some(slot) = self.container.slots.lock(index) else { return };
        let record = &slot.contents;
        if slept {
            let text = format!("a step gave its CPU away and waited {} us", waited_ns / 1000);
            self.tell_breach(index, record, "task.step.short", &text);
        }
        if let Some(what) = changed {
            let text = format!("a callback changed {what}");
            self.tell_breach(index, record, "thread.module.thread-state", &text);
        }
        if is_other {
            let text = "the entry of the module is not what it was";
            self.tell_breach(index, record, "module.entry.constant", text);
        }
    }

    /// A task that is lent a request head gets a copy of its own.
    pub(crate) fn lend_head(&self, record: &mut Record) -> Option<Arc<RequestStorage>> {
        let validation = self.container.validation.as_ref()?;
        let head = record.exchange.as_ref()?.request();
        let views = Box::new(validation.ended.lend_head(head));
        record.views.insert(views).head()
    }

    /// The next read of the body ends the last chunk, whatever it answers [body.read.life].
    #[inline]
    pub(crate) fn end_last_chunk(&self, index: u32, record: &mut Record) {
        if let Some(validation) = &self.container.validation {
            self.end_chunk(validation, index, record);
        }
    }

    /// The record's chunk, as the module is given it.
    #[inline]
    pub(crate) fn lend_chunk<'a>(&self, record: &'a mut Record) -> &'a [u8] {
        match &self.container.validation {
            None => &record.chunk,
            Some(_) => lend_copy(record),
        }
    }

    /// The chunk that a task was lent has ended.
    fn end_chunk(&self, validation: &Validation, index: u32, record: &mut Record) {
        if record.views.as_mut().is_some_and(|views| validation.ended.end_chunk(views)) {
            self.tell_breach(
                index,
                record,
                "isolation.module.memory",
                "the module wrote to a chunk of the body",
            );
        }
    }

    /// All that a task was lent has ended.
    #[inline]
    pub(crate) fn end_views(&self, index: u32, record: &mut Record) {
        if let Some(validation) = &self.container.validation
            && record.views.is_some()
        {
            self.end_chunk(validation, index, record);
            if record.views.as_mut().is_some_and(|views| validation.ended.end_head(views)) {
                self.tell_breach(
                    index,
                    record,
                    "isolation.module.memory",
                    "the module wrote to the request head",
                );
            }
            record.views = None;
        }
    }
}

fn lend_copy(record: &mut Record) -> &[u8] {
    match &mut record.views {
        Some(views) => views.lend(&record.chunk),
        None => &record.chunk,
    }
}

/// Whether the entry is another, for the first time.
fn is_news(instance: &Instance, is_other: impl FnOnce(&EntryImage) -> bool) -> bool {
    instance.image.as_ref().is_some_and(is_other) && !instance.other_entry.swap(true, Ordering::Relaxed)
}
