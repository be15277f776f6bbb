//! The gate under the model checker: what a caller that got in has done is seen by who waited.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::Gate;

/// Two threads inject while a third closes and counts; `wait` is what the third does in between.
fn check(wait: fn(&Gate)) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let gate = Arc::new(Gate::new());
        let queued = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let injectors: Vec<_> = (0..2)
            .map(|index| {
                let (gate, queued) = (Arc::clone(&gate), Arc::clone(&queued));
                thread::spawn(move || {
                    let pass = gate.enter();
                    if pass.is_some() {
                        queued[index].store(1, Ordering::Relaxed);
                    }
                    usize::from(pass.is_some())
                })
            })
            .collect();
        gate.close();
        wait(&gate);
        let drained: usize = queued.iter().map(|slot| slot.load(Ordering::Relaxed)).sum();
        let accepted: usize = injectors.into_iter().map(|injector| injector.join().unwrap()).sum();
        assert_eq!(accepted, drained, "an accepted item was left behind");
        assert!(gate.enter().is_none(), "closed stays closed");
    });
}

#[test]
fn what_was_accepted_is_drained() {
    check(Gate::wait_until_empty);
}

#[test]
#[should_panic(expected = "an accepted item was left behind")]
fn broken_a_drain_that_does_not_wait_is_caught() {
    check(|_| ());
}
