//! What an operation waits for happens: its event, and what goes with it. Must not know when.

use super::host::is_reserved;
use super::plan::Room;
use super::state::{Shared, State};
use super::task::Wait;
use http_container_abi::constants::event_kind;
use http_container_abi::{Event, Status, Work};
use std::thread;

/// So often there is little room for a response; then there is more.
const ROOMS: u32 = 200;

/// Whether it may happen now.
pub fn may_happen(state: &State, wait: &Wait) -> bool {
    match wait {
        Wait::Timer(at) => *at <= state.now_ns,
        Wait::Completion(_) => false,
        Wait::KvMessage(lease) => state.leases.get(lease).is_none_or(|lease| lease.kv.has_more()),
        _ => true,
    }
}

/// The operation of a task at that place has its event.
pub fn happen(shared: &Shared, task: u64, place: usize) {
    let mut state = shared.lock();
    let (spurious, room) = (state.plan.spurious, state.plan.room);
    let is_spurious = state.choices.one_in(spurious);
    let now_ns = state.now_ns;
    let found = state.task(task);
    let (token, wait) = found.waits.remove(place);
    match wait {
        Wait::Body => {
            found.feed.is_promised = !is_spurious;
            state.latch(task, Event::ready(event_kind::BODY, token));
        }
        Wait::Write => {
            if let (Room::Scarce(bytes), false) = (room, is_spurious) {
                // A long response is not to take for ever.
                found.rooms += 1;
                found.room = Some(if found.rooms > ROOMS { 1000 * bytes } else { bytes });
            }
            state.latch(task, Event::ready(event_kind::WRITE, token));
        }
        Wait::Timer(_) => state.latch(task, Event::timer(token, now_ns)),
        Wait::Completion(_) => unreachable!("only `complete` makes it happen"),
        Wait::Offload(work) => {
            drop(state);
            run(shared, task, token, work);
        }
        Wait::Acquire(is_bounded) => state.acquired(task, token, is_bounded),
        Wait::Sql(lease) => state.answered(task, token, lease),
        Wait::SqlRows(lease) => {
            let late = state.plan.members.late;
            let is_spurious = late > 1 && state.choices.one_in(late);
            state.leases.entry(lease).and_modify(|lease| lease.sql.is_promised = !is_spurious);
            state.latch(task, Event::ready(event_kind::SQL_ROWS, token));
        }
        Wait::Kv(lease) => state.stored(task, token, lease),
        Wait::KvMessage(lease) => state.heard(task, token, lease),
    }
}

/// Runs a work on a thread that runs no callback [offload.thread].
fn run(shared: &Shared, task: u64, token: u64, mut work: Work) {
    let ((status, value), work) = thread::scope(|scope| {
        let run = scope.spawn(move || (work.run(), work));
        run.join().expect("a work that panics ends the process")
    });
    let mut state = shared.lock();
    let status = if is_reserved(status) || status.is_cancelled() { Status::E_FAILED } else { status };
    state.task(task).done_works.push((token, work));
    state.latch(task, Event { token, value, status, kind: event_kind::OFFLOAD });
}
