//! What an operation waits for happens: its event, and what goes with it. Must not know when.

use super::members::Member;
use super::plan::Room;
use super::state::{Shared, State};
use super::task::Wait;
use http_container_abi::constants::event_kind;
use http_container_abi::{Event, Status, Work};
use std::sync::Arc;
use std::thread;

/// So often there is little room for a response; then there is more.
const ROOMS: u32 = 200;

/// Whether it may happen now.
pub fn may_happen(state: &State, task: u64, wait: &Wait) -> bool {
    match wait {
        Wait::Timer(at) => *at <= state.now_ns,
        Wait::Completion(_) | Wait::Beside(_) => false,
        Wait::Fd(handle, interest) => state.descriptors.has_edge(*handle, *interest),
        Wait::KvMessage(lease) => state.leases.get(lease).is_none_or(|lease| lease.kv.has_more()),
        Wait::Member => state.members.get(&task).is_some_and(Member::has_next),
        _ => true,
    }
}

/// The operation of a task at that place has its event.
pub fn happen(shared: &Arc<Shared>, task: u64, place: usize) {
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
        Wait::Completion(_) | Wait::Beside(_) => unreachable!("it comes from outside"),
        Wait::Offload(work) if state.plan.is_real => run_beside(shared, &mut state, task, token, work),
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
        Wait::Fd(handle, interest) => {
            state.descriptors.set_edge(handle, interest, false);
            let event = Event { token, value: u64::from(interest), status: Status::OK, kind: event_kind::FD };
            state.latch(task, event);
        }
        Wait::ChildHead(child) => state.child_answered(task, token, child),
        Wait::ChildBody(child) => state.child_goes_on(task, token, child, is_spurious),
        Wait::Member => state.latch(task, Event::ready(event_kind::MEMBER, token)),
        Wait::MemberRoom => {
            state.members.entry(task).and_modify(|member| member.kept = 0);
            state.latch(task, Event::ready(event_kind::MEMBER_ROOM, token));
        }
    }
}

/// Runs a work on a thread that runs no callback [offload.thread].
fn run(shared: &Shared, task: u64, token: u64, mut work: Work) {
    let ((status, value), work) = thread::scope(|scope| {
        let run = scope.spawn(move || (work.run(), work));
        run.join().expect("a work that panics ends the process")
    });
    finish_work(&mut shared.lock(), task, token, (status, value), work);
}

/// Runs a work beside, so that the task goes on meanwhile. When it was withdrawn, it is dropped once it is over.
fn run_beside(shared: &Arc<Shared>, state: &mut State, task: u64, token: u64, mut work: Work) {
    let number = state.handle();
    state.task(task).waits.push((token, Wait::Beside(number)));
    state.works_beside += 1;
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let answer = work.run();
        let mut state = shared.lock();
        let is_it = |(_, wait): &(u64, Wait)| matches!(wait, Wait::Beside(of) if *of == number);
        let place = state.tasks.get(&task).and_then(|found| found.waits.iter().position(is_it));
        match place {
            Some(place) => {
                state.task(task).waits.remove(place);
                finish_work(&mut state, task, token, answer, work);
            }
            None => {
                drop(state);
                drop(work);
                state = shared.lock();
            }
        }
        state.works_beside -= 1;
        drop(state);
        shared.wake();
    });
}

fn finish_work(state: &mut State, task: u64, token: u64, (status, value): (Status, u64), work: Work) {
    let status = if status.is_unlisted() || status.is_cancelled() { Status::E_FAILED } else { status };
    state.task(task).done_works.push((token, work));
    state.latch(task, Event { token, value, status, kind: event_kind::OFFLOAD });
}
