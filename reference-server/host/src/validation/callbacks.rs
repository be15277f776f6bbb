//! What a callback leaves behind it: the state of its thread, the module's entry, the handlers of signals, the views that it
//! was lent, and whether it slept. Must not call a module.

use super::views::Views;
use super::{Breach, Validation};
use crate::container::Container;
use crate::instance::Instance;
use crate::report::Level;
use crate::task::Record;
use crate::worker::{Stationed, Worker};
use http_container_abi::witness::{EntryImage, SignalHandlers, ThreadState, ThreadUse};
use http_container_abi::{ModuleTable, RequestStorage};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A step that gave its CPU away by itself and waited longer than this is told, ns.
const WAIT_NS: u64 = 1_000_000;

/// What was so before a callback.
pub(crate) struct Watch {
    thread: ThreadState,
    began: Instant,
    used: Option<ThreadUse>,
}

impl Watch {
    fn begin() -> Watch {
        Watch { thread: ThreadState::now(), began: Instant::now(), used: ThreadUse::now() }
    }

    /// How long the thread waited for something by itself, ns; 0 when it did not, or when that cannot be told.
    fn waited_ns(&self) -> u64 {
        let took_ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        match (self.used, ThreadUse::now()) {
            (Some(before), Some(now)) if now.waits > before.waits && now.disk_reads == before.disk_reads => {
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
    /// A step or `finish` begins.
    #[inline]
    pub(crate) fn watch(&self) -> Option<Watch> {
        self.container.validation.as_ref().map(|_| Watch::begin())
    }

    /// A step has ended, or `finish`: tells what it should not have left behind.
    #[inline]
    pub(crate) fn look(&self, watch: Option<Watch>, index: u32, stationed: &Stationed) {
        if let Some(watch) = watch {
            self.look_closely(&watch, index, stationed);
        }
    }

    #[cold]
    fn look_closely(&self, watch: &Watch, index: u32, stationed: &Stationed) {
        // Longer ones are told of in any case.
        let longest_ns = self.container.limits.step_report_ns;
        let waited_ns = if self.is_of_pool() { 0 } else { watch.waited_ns() };
        let slept = (WAIT_NS..longest_ns).contains(&waited_ns);
        let changed = ThreadState::now().difference(&watch.thread);
        let instance = &stationed.instance;
        let is_other = is_news(instance, |image| !image.has_same_structure(&instance.table));
        if !slept && changed.is_none() && !is_other {
            return;
        }
        watch.thread.restore();
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
        self.container.validation.as_ref()?;
        let views = Box::new(Views::of_head(record.exchange.as_ref()?.request()));
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
