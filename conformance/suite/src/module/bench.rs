//! A provider on the bench: members are opened, asked one thing after another, interrupted and closed, and what they answer is
//! looked at. Must not know what the right answer is.

use super::drive::{Driver, Turn};
use super::instance::Instance;
use super::kv_store::KvRequest;
use super::members::{Member, MemberAnswer, Request};
use super::plan::Plan;
use super::record::Record;
use super::state::State;
use crate::case::Outcome;
use crate::target::ModuleTarget;
use http_container_abi::constants::kv_operation;
use http_container_abi::{LoadedModule, Status};
use std::time::{Duration, Instant};

/// So long a member may take for one thing, in real time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// More than this on the host's clock is no wait that comes to something (ns).
const HOUR_NS: u64 = 3_600_000_000_000;

/// A provider with its members.
pub struct Bench {
    driver: Driver,
}

/// How waiting for an answer ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// With an answer.
    Answered(MemberAnswer),
    /// The task of the member ended instead.
    Ended(Status),
    /// Not in time.
    Late,
}

impl Bench {
    /// Makes an instance; a case that needs a provider is skipped for another module.
    ///
    /// # Errors
    /// Why the case is skipped.
    pub fn new(module: &LoadedModule, target: &ModuleTarget, plan: &Plan) -> Result<Bench, Outcome> {
        let made = Instance::create(module.table, plan, &target.config, false);
        let instance = made.map_err(|(_, status)| Outcome::skip(format!("create answers {status:?}")))?;
        let bench = Bench { driver: Driver::new(instance, plan) };
        if bench.interface().is_empty() {
            bench.end();
            return Err(Outcome::skip("it is no provider"));
        }
        Ok(bench)
    }

    /// The interface that the module offers; empty: none.
    #[must_use]
    pub fn interface(&self) -> String {
        self.state(|state| state.offered.clone().unwrap_or_default())
    }

    /// Looks at, or changes, what the host knows.
    pub fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.driver.shared().lock())
    }

    /// Goes on until something is so; `false` when it does not come to that in time.
    pub fn drive_until(&mut self, is_so: impl Fn(&State) -> bool) -> bool {
        let started = Instant::now();
        let latest = self.state(|state| state.now_ns) + HOUR_NS;
        loop {
            if is_so(&self.driver.shared().lock()) {
                return true;
            }
            let left = PATIENCE.saturating_sub(started.elapsed());
            let is_over = self.state(|state| state.now_ns > latest);
            if left.is_zero() || is_over || self.driver.turn(left, |_| true) == Turn::Stuck {
                return is_so(&self.driver.shared().lock());
            }
        }
    }

    /// Opens a member.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn open(&mut self) -> Result<u64, Outcome> {
        let member = self.state(|state| state.open_member(Vec::new(), false));
        let is_open = |state: &State| state.members.get(&member).is_none_or(|member| member.is_ready);
        let is_settled = self.drive_until(is_open);
        if is_settled && self.state(|state| state.members.contains_key(&member)) {
            return Ok(member);
        }
        let look = |member: &Member| member.reason.clone();
        let reason = self
            .state(|state| state.members.get(&member).or_else(|| state.past_members.get(&member)).map(look));
        Err(Outcome::fail(format!("no member can be opened: {}", reason.unwrap_or_default()))
            .rule("provider.done.once"))
    }

    /// Puts something to a member.
    pub fn put(&self, member: u64, request: Request) {
        self.state(|state| {
            if let Some(found) = state.members.get_mut(&member) {
                found.queue.push_back(request);
            }
        });
    }

    /// How many answers a member has given.
    #[must_use]
    pub fn answers(&self, member: u64) -> usize {
        self.state(|state| state.members.get(&member).map_or(0, |member| member.answers.len()))
    }

    /// Waits for the answer of that number.
    pub fn wait(&mut self, member: u64, number: usize) -> Asked {
        let is_over =
            |state: &State| state.members.get(&member).is_none_or(|found| found.answers.len() > number);
        let is_settled = self.drive_until(is_over);
        self.state(|state| match state.members.get(&member) {
            Some(found) => found.answers.get(number).cloned().map_or(Asked::Late, Asked::Answered),
            None if is_settled => {
                let past = state.past_members.get(&member);
                let answer = past.and_then(|past| past.answers.get(number).cloned());
                answer.map_or(Asked::Ended(Status::OK), Asked::Answered)
            }
            None => Asked::Late,
        })
    }

    /// Asks a member, and waits for what it answers.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn ask(&mut self, member: u64, request: Request) -> Result<MemberAnswer, Outcome> {
        let number = self.answers(member);
        let shown = format!("{request:?}");
        self.put(member, request);
        match self.wait(member, number) {
            Asked::Answered(answer) => Ok(answer),
            Asked::Ended(_) => {
                Err(Outcome::fail(format!("the task of the member ended when it was asked {shown}"))
                    .rule("provider.done.once"))
            }
            Asked::Late => {
                Err(Outcome::fail(format!("a member does not answer {shown}")).rule("provider.done.once"))
            }
        }
    }

    /// Asks a store.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn kv(
        &mut self,
        member: u64,
        operation: u32,
        key: &str,
        value: &str,
    ) -> Result<MemberAnswer, Outcome> {
        self.ask(member, Request::Kv(kv_request(operation, key, value)))
    }

    /// The value of a key, or none.
    ///
    /// # Errors
    /// When the store does not answer, or not well.
    pub fn value(&mut self, member: u64, key: &str) -> Result<Option<String>, Outcome> {
        let answer = self.kv(member, kv_operation::GET, key, "")?;
        if answer.status != Status::OK {
            return Err(
                Outcome::fail(format!("a get answers {:?} {}", answer.status, answer.message)).rule("kv.get")
            );
        }
        let value = String::from_utf8_lossy(&answer.reply.value).into_owned();
        Ok((answer.reply.found == 1).then_some(value))
    }

    /// Lets time pass, on the host's clock and outside.
    pub fn pass(&mut self, time: Duration) {
        let until = self.state(|state| state.now_ns + time.as_nanos() as u64);
        let started = Instant::now();
        while started.elapsed() < time {
            if self.driver.turn(time.saturating_sub(started.elapsed()), |_| true) == Turn::Stuck {
                std::thread::sleep(time.saturating_sub(started.elapsed()));
            }
        }
        self.state(|state| state.now_ns = state.now_ns.max(until));
    }

    /// Closes all, and ends the instance; what was found out.
    pub fn end(mut self) -> Record {
        self.driver.drain();
        let shared = self.driver.end();
        let record = shared.lock().conclude();
        *shared.poll() = None;
        record
    }
}

/// An operation without flags.
#[must_use]
pub fn kv_request(operation: u32, key: &str, value: &str) -> KvRequest {
    KvRequest {
        operation,
        key: key.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
        ..KvRequest::default()
    }
}
