//! Live checks of modules, for a container that was made with [`Parts::validates`](crate::Parts::validates): what the checks
//! of calls cannot see, because it happens between them. Each breach is told with the id of its rule, and counted.
//!
//! It must not change what a module is answered.

mod breaches;
mod callbacks;
mod views;

pub(crate) use breaches::Breach;
pub use breaches::Breaches;
pub(crate) use callbacks::Thread;
pub(crate) use views::Views;

use crate::calls::InstanceHost;
use crate::report::{Level, Report};
use crate::slots;
use crate::task::Record;
use crate::{container::Container, worker::Worker};
use http_container_abi::witness::DescriptorState;
use http_container_abi::{FieldsView, Status};
use std::fmt::Write;
use views::Ended;

/// What a container that validates remembers of all its modules.
#[derive(Default)]
pub(crate) struct Validation {
    ended: Ended,
    breaches: Breaches,
}

impl Container {
    /// Which rules its modules broke, how often: of a container that validates.
    pub fn breaches(&self) -> Option<&Breaches> {
        self.validation.as_ref().map(|validation| &validation.breaches)
    }

    /// A module broke a rule before it did anything: its file is wrong. It is told and counted.
    pub fn note_breach(&self, module: u32, rule: &'static str, text: &str) {
        let breach = Breach { task: 0, request: 0, rule, status: None, text };
        self.tell_breach(Level::Warn, module, &breach);
    }

    /// A module broke a rule: it is told, and counted where that is wanted. What is broken at every request is told ever
    /// more seldom.
    #[cold]
    pub(crate) fn tell_breach(&self, level: Level, module: u32, breach: &Breach<'_>) {
        let times =
            self.breaches().map_or(1, |breaches| breaches.note(self.module_name(module), breach.rule));
        if !Breaches::is_worth_telling(times) || !self.reporter.wants(level) {
            return;
        }
        let mut text = breach.text.to_owned();
        if times > 1 {
            let _ = write!(text, " (so far {times} times)");
        }
        self.reporter.report(&Report {
            level,
            module: self.module_name(module),
            task: breach.task,
            request: breach.request,
            rule: breach.rule,
            status: breach.status,
            text: &text,
        });
    }
}

impl InstanceHost {
    /// As [`Container::tell_breach`], from a call of this instance.
    #[cold]
    pub(crate) fn tell_breach(&self, task: u64, rule: &'static str, text: &str) {
        if let Some(container) = self.container() {
            let request = self.request_of(&container, task);
            let breach = Breach { task, request, rule, status: None, text };
            container.tell_breach(Level::Warn, self.module, &breach);
        }
    }

    /// Looks at bytes that a module hands over: are they those of a view that has ended?
    #[inline]
    pub(crate) fn look_at_bytes(&self, task: u64, call: &str, bytes: &[u8]) {
        if self.validates {
            self.look_for_ended(task, call, |ended| ended.rule_of(bytes, false));
        }
    }

    /// As [`InstanceHost::look_at_bytes`], for the names and values of fields.
    #[inline]
    pub(crate) fn look_at_fields(&self, task: u64, call: &str, fields: FieldsView<'_>) {
        if self.validates {
            let mut parts = fields.iter().flat_map(|(name, value)| [name, value]);
            self.look_for_ended(task, call, |ended| parts.find_map(|part| ended.rule_of(part, true)));
        }
    }

    /// As [`InstanceHost::look_at_bytes`], for a line of the log.
    #[inline]
    pub(crate) fn look_at_text(&self, task: u64, call: &str, text: &[u8]) {
        if self.validates {
            self.look_for_ended(task, call, |ended| ended.rule_of(text, true));
        }
    }

    fn look_for_ended(&self, task: u64, call: &str, look: impl FnOnce(&Ended) -> Option<&'static str>) {
        if let Some(container) = self.container()
            && let Some(validation) = &container.validation
            && let Some(rule) = look(&validation.ended)
        {
            self.tell_breach(task, rule, &format!("{call}: bytes of a view that has ended are handed over"));
        }
    }

    /// Looks at the status that a module gives to `complete`.
    #[inline]
    pub(crate) fn look_at_status(&self, status: Status) {
        if self.validates && status.is_unlisted() {
            let text = format!("complete: {} is kept for versions to come", status.0);
            self.tell_breach(0, "error.number.module", &text);
        }
    }

    /// Looks at a descriptor that is to be registered; answers what it is, for a later look.
    pub(crate) fn look_at_descriptor(&self, descriptor: i32) -> Option<DescriptorState> {
        let state = self.validates.then(|| DescriptorState::of(descriptor)).flatten()?;
        if !state.is_non_blocking {
            let text = format!("add: descriptor {descriptor} is not in non-blocking mode");
            self.tell_breach(0, "fd.add.non-blocking", &text);
        }
        Some(state)
    }

    /// Looks at a descriptor that was registered as `known`.
    pub(crate) fn look_again(&self, call: &str, descriptor: i32, known: Option<DescriptorState>) {
        let Some(known) = known else { return };
        match DescriptorState::of(descriptor) {
            Some(now) if now.file == known.file => {
                if known.is_non_blocking && !now.is_non_blocking {
                    let text =
                        format!("{call}: descriptor {descriptor} is not in non-blocking mode any more");
                    self.tell_breach(0, "fd.add.non-blocking", &text);
                }
            }
            _ => {
                let text = format!("{call}: descriptor {descriptor} was closed while it was registered");
                self.tell_breach(0, "fd.remove.before-close", &text);
            }
        }
    }
}

impl Worker {
    /// The status of a step, before anything follows from it.
    #[inline]
    pub(crate) fn look_at_step_status(&self, index: u32, record: &Record, status: Status) {
        if self.container.validation.is_some() && status.is_unlisted() {
            let text = format!("a step answered {}, which is kept for versions to come", status.0);
            self.tell_breach(index, record, "error.number.module", &text);
        }
    }

    /// As [`Container::tell_breach`], about a task whose lock is held.
    #[cold]
    pub(crate) fn tell_breach(&self, index: u32, record: &Record, rule: &'static str, text: &str) {
        self.tell_breach_at(Level::Warn, index, record, rule, None, text);
    }

    /// As [`Worker::tell_breach`], with what came of it.
    #[cold]
    pub(crate) fn tell_breach_at(
        &self,
        level: Level,
        index: u32,
        record: &Record,
        rule: &'static str,
        status: Option<Status>,
        text: &str,
    ) {
        let task = slots::pack(index, record.generation);
        let breach = Breach { task, request: record.request_id, rule, status, text };
        self.container.tell_breach(level, record.module, &breach);
    }
}
