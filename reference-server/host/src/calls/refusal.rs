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
    static LAST: RefCell<Option<Refused>> = const { RefCell::new(None) };
}

/// Keeps a refusal for this thread and gives its status back.
#[cold]
pub(crate) fn refuse(refused: Refused) -> Status {
    let status = refused.status;
    LAST.with(|last| *last.borrow_mut() = Some(refused));
    status
}

/// Visits rule and text of this thread's latest refusal.
pub(crate) fn with_last<R>(visit: impl FnOnce(&'static str, &str) -> R) -> Option<R> {
    LAST.with(|last| last.borrow().as_ref().map(|refused| visit(refused.rule, &refused.text)))
}
