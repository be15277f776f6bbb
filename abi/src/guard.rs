//! The one guard around every body that is called across the boundary: a panic becomes a message and a stated value.
//! Must not know who called, or what the value means.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`. If it panics, hands the panic's message to `sink` and answers `closed`, the fail-closed value of the
/// callback. Nothing unwinds out of this function, even if `sink` or the payload's own destructor panics.
pub fn guard<T>(closed: T, sink: impl FnOnce(&str), body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            report(payload, sink);
            closed
        }
    }
}

#[cold]
fn report(payload: Box<dyn Any + Send>, sink: impl FnOnce(&str)) {
    swallow(|| sink(message(&*payload)));
    swallow(|| drop(payload));
}

/// Runs `last`, and throws away what it panics with. A payload whose destructor panics for ever is leaked.
fn swallow(last: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(last))
        && let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        std::mem::forget(again);
    }
}

/// The text of a panic payload: what `panic!` was given, or that it was no text.
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic whose payload is no text"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the payload's destructor");
        }
    }

    #[test]
    fn a_value_passes_through() {
        assert_eq!(guard(0, |_| unreachable!(), || 7), 7);
    }

    #[test]
    fn the_message_reaches_the_sink() {
        for (body, expect) in [
            ((|| panic!("a literal")) as fn() -> i32, "a literal"),
            (|| panic!("a {} text", "formatted"), "a formatted text"),
            (|| std::panic::panic_any(17_u8), "a panic whose payload is no text"),
        ] {
            let mut seen = String::new();
            assert_eq!(guard(-19, |text| seen = text.to_owned(), body), -19);
            assert_eq!(seen, expect);
        }
    }

    #[test]
    fn panics_after_the_panic_stay_inside() {
        assert_eq!(guard(-1, |_| panic!("in the sink"), || panic!("first")), -1);
        assert_eq!(guard(-1, |_| {}, || std::panic::panic_any(Bomb)), -1);
        assert_eq!(guard(-1, |_| std::panic::panic_any(Bomb), || std::panic::panic_any(Bomb)), -1);
    }
}
