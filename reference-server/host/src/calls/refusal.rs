//! Why a call was refused: the rule and a sentence, kept per thread for `refusal`.

use http_container_abi::Status;
use std::borrow::Cow;
use std::cell::RefCell;

/// One refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub status: Status,
    pub rule: &'static str,
    pub text: Cow<'static, str>,
    /// Logged and counted; not so for what correct modules do, such as naming a handle that has just ended.
    pub is_violation: bool,
}

impl Refused {
    pub const fn new(status: Status, rule: &'static str, text: &'static str) -> Self {
        Refused { status, rule, text: Cow::Borrowed(text), is_violation: true }
    }

    pub const fn quiet(status: Status, rule: &'static str, text: &'static str) -> Self {
        Refused { status, rule, text: Cow::Borrowed(text), is_violation: false }
    }

    pub fn owned(status: Status, rule: &'static str, text: String) -> Self {
        Refused { status, rule, text: Cow::Owned(text), is_violation: true }
    }
}

thread_local! {
    /// The latest refusal on this thread, and the address of the host (H) that refused.
    static LATEST: RefCell<Option<(usize, Refused)>> = const { RefCell::new(None) };
}

/// Keeps a refusal of `host` for this thread.
pub(super) fn keep(host: usize, refused: Refused) {
    LATEST.with(|latest| *latest.borrow_mut() = Some((host, refused)));
}

/// Forgets this thread's refusal.
#[inline]
pub(crate) fn forget_refusal() {
    LATEST.with(|latest| {
        if latest.borrow().is_some() {
            *latest.borrow_mut() = None;
        }
    });
}

/// Visits rule and text of this thread's latest refusal, if it was `host` that refused.
pub(super) fn with_latest<R>(host: usize, visit: impl FnOnce(&'static str, &str) -> R) -> Option<R> {
    LATEST.with(|latest| {
        let latest = latest.borrow();
        let (_, refused) = latest.as_ref().filter(|(owner, _)| *owner == host)?;
        Some(visit(refused.rule, &refused.text))
    })
}
