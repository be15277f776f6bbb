//! The state table, whole: every act in every pair of states, and what must hold whatever the table says.

use hc_http1::state::{Act, RequestState, ResponseState, step};
use std::fmt::Write as _;

#[test]
fn every_step_is_as_recorded() {
    let mut table = String::new();
    for act in Act::ALL {
        writeln!(table, "{act:?}").expect("a string");
        for request in RequestState::ALL {
            for response in ResponseState::ALL {
                let to = match step(act, request, response) {
                    None => "-".to_owned(),
                    Some(to) if to == (request, response) => "stays".to_owned(),
                    Some((request, response)) => format!("{request:?} x {response:?}"),
                };
                let from = format!("{request:?} x {response:?}");
                writeln!(table, "  {from:<16} {to}").expect("a string");
            }
        }
    }
    insta::assert_snapshot!(table);
}

/// All pairs of states that can be reached from the start.
fn reachable() -> Vec<(RequestState, ResponseState)> {
    let mut reached = vec![(RequestState::Idle, ResponseState::Idle)];
    let mut next = 0;
    while let Some(&(request, response)) = reached.get(next) {
        for to in Act::ALL.into_iter().filter_map(|act| step(act, request, response)) {
            if !reached.contains(&to) {
                reached.push(to);
            }
        }
        next += 1;
    }
    reached
}

#[test]
fn nothing_is_read_after_the_end() {
    for response in ResponseState::ALL {
        for request in [RequestState::Closed, RequestState::Failed, RequestState::Done] {
            for act in [Act::ReceiveHead, Act::ReceiveWhole, Act::ReceiveData, Act::ReceiveEnd] {
                assert_eq!(step(act, request, response), None);
            }
        }
    }
}

#[test]
fn a_response_has_one_head_and_one_end() {
    for (request, response) in reachable() {
        if response != ResponseState::Idle {
            assert_eq!(step(Act::RespondHead, request, response), None);
            assert_eq!(step(Act::RespondWhole, request, response), None);
            assert_eq!(step(Act::Interim, request, response), None);
        }
        if response != ResponseState::Body {
            assert_eq!(step(Act::RespondData, request, response), None);
            assert_eq!(step(Act::RespondEnd, request, response), None);
        }
    }
}

#[test]
fn a_cycle_begins_only_when_both_sides_are_done() {
    for request in RequestState::ALL {
        for response in ResponseState::ALL {
            let both_done = (request, response) == (RequestState::Done, ResponseState::Done);
            assert_eq!(step(Act::NextCycle, request, response).is_some(), both_done);
        }
    }
}

#[test]
fn a_failed_side_stays_failed() {
    for (request, response) in reachable() {
        for (to_request, to_response) in Act::ALL.into_iter().filter_map(|act| step(act, request, response)) {
            assert!(request != RequestState::Failed || to_request == RequestState::Failed);
            assert!(response != ResponseState::Failed || to_response == ResponseState::Failed);
        }
    }
}
