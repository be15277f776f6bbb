//! What is done with a lease: `hc.sql/1`, `hc.kv/1`, `hc.pool/1`, `hc.limit/1`. Requests go to the desk of the member, and
//! answers are looked up there.

use super::{Allowed, InstanceHost, Refused};
use crate::registry::{Sort, Wake};
use crate::slots;
use crate::task::LeaseWait;
use crate::worker::Worker;
use http_container_abi::constants::{
    KV_ID, LIMIT_ID, POOL_ID, SQL_ID, event_kind, kv_flag, kv_operation, sql_flag,
};
use http_container_abi::{
    KvHost, KvRequestView, LimitHost, MemberRequestStorage, Opaque, PoolHost, RawMessage, RawNames,
    RawOutcome, RawReply, RawRows, SqlHost, StatementView, Status, Usage,
};

/// Text and values of a statement together, bytes [sql.query.values].
const STATEMENT_BYTES: usize = 16 << 20;
/// A value of a store, bytes [kv.value.size].
const VALUE_BYTES: usize = 1 << 20;

const UNHEARD: Refused =
    Refused::new(Status::E_BUSY, "sql.query.busy", "the event of the last statement was not delivered yet");

impl InstanceHost {
    /// Hands a request in at the desk of a lease.
    #[expect(
        clippy::too_many_arguments,
        reason = "a call's own arguments, and what sorts of requests differ in"
    )]
    fn begin_on_lease(
        &self,
        task: u64,
        lease: u64,
        token: u64,
        interface: &str,
        kind: u32,
        check: impl FnOnce(bool) -> Result<(), Refused>,
        sort: Sort,
        fill: impl FnOnce(&mut MemberRequestStorage),
    ) -> Status {
        let answer = self.on_lease(task, lease, interface, Allowed::Step, |worker, slot, seats| {
            seats.check_poison()?;
            check(seats.answer.is_subscribed())?;
            seats.check_free()?;
            if kind == event_kind::SQL && slot.contents.has_latched(slots::unpack(lease).1, kind) {
                return Err(UNHEARD);
            }
            Self::needs_token(token)?;
            self.may_begin(worker, &slot.contents, token)?;
            seats.check_member()?;
            let number = self.wait_for_lease(worker, slot, token, lease, LeaseWait::Answer)?;
            note(worker, seats.hand_in(fill, sort, kind, number));
            Ok(Status::PENDING)
        });
        answer.unwrap_or_else(|status| status)
    }

    /// A `[ready]` call: what is there, or a wait for it, by the operation that `wait` hears of.
    fn more_of_lease<T>(
        &self,
        task: u64,
        lease: u64,
        token: u64,
        interface: &str,
        take: impl Fn(&mut crate::registry::Seats) -> Result<Result<Option<T>, Status>, Refused>,
        wait: impl FnOnce(&mut crate::registry::Seats, u64),
    ) -> Result<T, Status> {
        let answer = self.on_lease(task, lease, interface, Allowed::Step, |worker, slot, seats| {
            seats.check_poison()?;
            seats.answer.check_waits(interface == SQL_ID)?;
            self.check_token(&slot.contents, token)?;
            match take(seats)? {
                Ok(Some(found)) => {
                    note(worker, seats.call_for_rows());
                    Ok(Ok(found))
                }
                Err(status) => Ok(Err(status)),
                Ok(None) if token == 0 => Ok(Err(Status::PENDING)),
                Ok(None) => {
                    self.may_begin(worker, &slot.contents, token)?;
                    let number = self.wait_for_lease(worker, slot, token, lease, LeaseWait::More)?;
                    wait(seats, number);
                    Ok(Err(Status::PENDING))
                }
            }
        });
        answer.unwrap_or_else(Err)
    }
}

/// Somebody is to be woken when no lock is held.
pub(super) fn note(worker: &Worker, wake: impl IntoIterator<Item = Wake>) {
    worker.todo.borrow_mut().wakes.extend(wake);
}

impl SqlHost for InstanceHost {
    fn sql_query(&self, task: u64, lease: u64, token: u64, statement: &StatementView<'_>) -> Status {
        let bytes =
            statement.values.iter().map(|value| value.byte_count()).sum::<usize>() + statement.text.len();
        let check = |_| match bytes > STATEMENT_BYTES {
            true => {
                Err(Refused::new(Status::E_LIMIT, "sql.query.values", "the statement has more than 16 MiB"))
            }
            false => Ok(()),
        };
        let is_script = statement.flags & sql_flag::SCRIPT != 0;
        let sort = if is_script { Sort::Script } else { Sort::Statement };
        let fill = |storage: &mut MemberRequestStorage| storage.set_statement(statement);
        self.begin_on_lease(task, lease, token, SQL_ID, event_kind::SQL, check, sort, fill)
    }

    fn sql_columns(&self, task: u64, lease: u64) -> Result<RawNames, Status> {
        self.on_lease(task, lease, SQL_ID, Allowed::Step, |_, _, seats| {
            seats.check_poison()?;
            seats.answer.columns()
        })
    }

    fn sql_rows(&self, task: u64, lease: u64, token: u64) -> Result<RawRows, Status> {
        let take = |seats: &mut crate::registry::Seats| seats.answer.rows();
        self.more_of_lease(task, lease, token, SQL_ID, take, |seats, number| seats.answer.await_rows(number))
    }

    fn sql_outcome(&self, task: u64, lease: u64) -> Result<RawOutcome, Status> {
        self.on_lease(task, lease, SQL_ID, Allowed::Step, |_, _, seats| {
            seats.check_poison()?;
            seats.answer.outcome()
        })
    }

    fn sql_transaction(&self, task: u64, lease: u64, token: u64, what: u32) -> Status {
        let fill = |storage: &mut MemberRequestStorage| storage.set_transaction(what);
        let sort = Sort::Transaction;
        self.begin_on_lease(task, lease, token, SQL_ID, event_kind::SQL, |_| Ok(()), sort, fill)
    }
}

/// The flags that an operation of a store has [kv.run].
fn flags_of(operation: u32) -> u32 {
    match operation {
        kv_operation::SET => kv_flag::IF_ABSENT | kv_flag::IF_PRESENT | kv_flag::IF_EQUAL | kv_flag::KEEP_TTL,
        kv_operation::DELETE => kv_flag::IF_EQUAL,
        _ => 0,
    }
}

/// A request with nothing in it that its operation does not use.
fn used<'a>(request: &KvRequestView<'a>) -> KvRequestView<'a> {
    use kv_operation::{ADD, EXPIRE, PUBLISH, SET};
    let operation = request.operation;
    let has_value = matches!(operation, SET | PUBLISH);
    let has_ttl = matches!(operation, SET | ADD | EXPIRE) && request.flags & kv_flag::KEEP_TTL == 0;
    KvRequestView {
        value: if has_value { request.value } else { b"" },
        expected: if request.flags & kv_flag::IF_EQUAL != 0 { request.expected } else { b"" },
        number: if operation == ADD { request.number } else { 0 },
        ttl_ms: if has_ttl { request.ttl_ms } else { 0 },
        ..*request
    }
}

impl KvHost for InstanceHost {
    fn kv_run(&self, task: u64, lease: u64, token: u64, request: &KvRequestView<'_>) -> Status {
        let request = used(request);
        let sort = match request.operation {
            kv_operation::SUBSCRIBE => Sort::Subscribe(request.key.into()),
            kv_operation::UNSUBSCRIBE => Sort::Unsubscribe(request.key.into()),
            _ => Sort::Store,
        };
        let is_store = sort == Sort::Store;
        let check = |is_subscribed: bool| {
            if is_subscribed && is_store {
                let text = "a channel is subscribed on the lease: it can only subscribe and unsubscribe";
                return Err(Refused::new(Status::E_STATE, "kv.subscribed", text));
            }
            if request.flags & !flags_of(request.operation) != 0 {
                let text = "the operation has no such flag";
                return Err(Refused::new(Status::E_INVALID, "kv.run", text));
            }
            if request.value.len().max(request.expected.len()) > VALUE_BYTES {
                return Err(Refused::new(Status::E_LIMIT, "kv.value.size", "the value has more than 1 MiB"));
            }
            Ok(())
        };
        let fill = |storage: &mut MemberRequestStorage| storage.set_kv(&request);
        self.begin_on_lease(task, lease, token, KV_ID, event_kind::KV, check, sort, fill)
    }

    fn kv_reply(&self, task: u64, lease: u64) -> Result<RawReply, Status> {
        self.on_lease(task, lease, KV_ID, Allowed::Step, |_, _, seats| {
            seats.check_poison()?;
            seats.answer.reply()
        })
    }

    fn kv_message(&self, task: u64, lease: u64, token: u64) -> Result<RawMessage, Status> {
        let take = |seats: &mut crate::registry::Seats| seats.answer.message();
        self.more_of_lease(task, lease, token, KV_ID, take, |seats, number| {
            seats.answer.await_message(number);
        })
    }
}

impl PoolHost for InstanceHost {
    fn pool_object(&self, task: u64, lease: u64, type_name: &[u8]) -> Result<Opaque, Status> {
        let allowed = Allowed::StepOrFinish;
        self.on_lease(task, lease, POOL_ID, allowed, |_, _, seats| seats.object(type_name))
    }
}

impl LimitHost for InstanceHost {
    fn limit_usage(&self, resource: u32) -> Result<Usage, Status> {
        let pool = self.pool_of(resource).map_err(|refused| self.refuse(0, refused))?;
        let container = self.container().ok_or(Status::E_RESOURCE)?;
        let usage = container.registry.usage(pool, container.rough_now_ns());
        Ok(Usage {
            max: usage.max,
            in_use: usage.in_use,
            idle: usage.idle,
            waiting: usage.waiting,
            available: usage.is_available,
        })
    }
}

/// Named here so that the id stands beside what it offers.
pub(super) const OFFERED: [&str; 4] = [SQL_ID, KV_ID, POOL_ID, LIMIT_ID];
