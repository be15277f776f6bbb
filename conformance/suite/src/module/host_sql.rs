//! The kit's host: hc.sql/1 for modules that use a database. Must not know what is answered to which statement.

use super::host::KitHost;
use super::permission::Allowed;
use super::resources::{Lease, SqlSide, SqlState, spoil};
use super::sql_answers::{SqlAnswer, Value, answer, transaction};
use super::state::State;
use super::task::Wait;
use http_container_abi::constants::{SQL_ID, event_kind};
use http_container_abi::{Event, RawNames, RawOutcome, RawRows, SqlHost, StatementView, Status, hc_bytes};

impl SqlSide {
    /// The event of the statement has reached the module.
    pub(super) fn is_told(&mut self, status: Status) {
        let has_rows = self.answer.as_ref().is_some_and(|answer| !answer.columns.is_empty());
        self.is_well = status == Status::OK;
        self.state = if self.is_well && has_rows { SqlState::Reading } else { SqlState::Free };
        self.has_outcome = self.state == SqlState::Free;
    }

    /// How the statement ended, when it has.
    fn end(&self) -> Status {
        self.answer.as_ref().map_or(Status::OK, |answer| match answer.status {
            Status::OK => answer.end,
            status => status,
        })
    }
}

impl State {
    /// Begins a statement or a transaction with that answer.
    fn ask(
        &mut self,
        call: &'static str,
        (task, lease, token): (u64, u64, u64),
        answer: impl FnOnce(&Lease, u64) -> (SqlAnswer, bool),
    ) -> Status {
        if let Err(status) = self.permit_refusable(call, task) {
            return status;
        }
        if token == 0 {
            return self.breach(call, "completion.token.zero", Status::E_TOKEN, "the token is 0");
        }
        let (is_lost, is_busy) = match self.lease(call, task, lease, SQL_ID) {
            Ok(found) => (found.is_lost, found.sql.state != SqlState::Free),
            Err(status) => return status,
        };
        if is_lost {
            return self.refuse("lease.member.ended", Status::E_RESOURCE, "the member is gone");
        }
        if is_busy {
            return self.refuse("sql.query.busy", Status::E_BUSY, "a statement is not over");
        }
        let status = self.begin(call, task, token, Wait::Sql(lease));
        if status != Status::PENDING {
            return status;
        }
        let (poison, seed) = (self.plan.poison, self.plan.seed);
        let found = self.leases.get_mut(&lease).expect("it was found");
        let (answer, is_open) = answer(found, seed);
        let sql = &mut found.sql;
        spoil(&mut sql.shown, poison);
        sql.names.copy_names(answer.columns.iter().map(String::as_bytes));
        sql.is_in_transaction = is_open;
        sql.answer = Some(answer);
        (sql.given, sql.state, sql.has_outcome, sql.is_well) = (0, SqlState::Running, false, false);
        found.token = token;
        status
    }

    /// A statement has its event.
    pub(super) fn answered(&mut self, task: u64, token: u64, lease: u64) {
        let failing = self.plan.members.failing;
        let failure = self.choices.one_in(failing).then(|| self.failure());
        let is_halfway = self.choices.one_in(2);
        let Some(found) = self.leases.get_mut(&lease) else { return };
        let Some(answer) = &mut found.sql.answer else { return };
        match failure {
            Some(failure) if is_halfway && !answer.columns.is_empty() && answer.status == Status::OK => {
                answer.rows.truncate(answer.rows.len() / 2);
                answer.end = failure;
            }
            Some(failure) => {
                *answer = SqlAnswer { status: failure, ..SqlAnswer::refused("57014") };
                found.is_lost = failure == Status::E_RESOURCE;
            }
            None => {}
        }
        let status = answer.status;
        self.latch(task, Event { token, value: 0, status, kind: event_kind::SQL });
    }

    pub(super) fn failure(&mut self) -> Status {
        use super::resources::FAILURES;
        FAILURES[self.choices.below(FAILURES.len())]
    }

    fn sql_rows(&mut self, task: u64, lease: u64, token: u64) -> Result<RawRows, Status> {
        let call = "hc.sql/1 rows";
        self.permit_refusable(call, task)?;
        let sql = &self.lease(call, task, lease, SQL_ID)?.sql;
        let (state, is_well, has_outcome, end) = (sql.state, sql.is_well, sql.has_outcome, sql.end());
        if self.task(task).is_waiting_for(event_kind::SQL_ROWS, lease) {
            return Err(self.refuse("waiting.ready.one", Status::E_BUSY, "a `rows` waits"));
        }
        self.check_token(call, task, token)?;
        if state == SqlState::Free && has_outcome && is_well {
            return Err(if end == Status::OK { Status::END } else { end });
        }
        if state != SqlState::Reading {
            return Err(self.refuse("sql.rows", Status::E_STATE, "there is no statement with rows"));
        }
        let (members, poison) = (self.plan.members, self.plan.poison);
        let (is_late, batch) = (self.choices.one_in(members.late), members.batch);
        let room = 1 + self.choices.below(batch.max(1));
        let found = self.leases.get_mut(&lease).expect("it was found");
        let is_promised = std::mem::replace(&mut found.sql.is_promised, false);
        if is_late && !is_promised {
            if token == 0 {
                return Err(Status::PENDING);
            }
            return Err(self.begin(call, task, token, Wait::SqlRows(lease)));
        }
        let sql = &mut found.sql;
        let answer = sql.answer.as_ref().expect("it is being read");
        spoil(&mut sql.shown, poison);
        if sql.given == answer.rows.len() {
            (sql.state, sql.has_outcome) = (SqlState::Free, true);
            found.is_lost |= end == Status::E_RESOURCE;
            return Err(if end == Status::OK { Status::END } else { end });
        }
        let until = if batch == 0 { answer.rows.len() } else { answer.rows.len().min(sql.given + room) };
        sql.shown.begin(answer.columns.len());
        answer.rows[sql.given..until]
            .iter()
            .flatten()
            .map(Value::view)
            .for_each(|value| sql.shown.push_value(value));
        sql.given = until;
        Ok(sql.shown.raw())
    }

    fn sql_outcome(&mut self, task: u64, lease: u64) -> Result<RawOutcome, Status> {
        let call = "hc.sql/1 outcome";
        self.permit(call, task, Allowed::Step)?;
        let sql = &self.lease(call, task, lease, SQL_ID)?.sql;
        let Some(answer) = sql.answer.as_ref().filter(|_| sql.has_outcome) else {
            return Err(self.refuse("sql.outcome", Status::E_STATE, "no statement is over"));
        };
        Ok(RawOutcome {
            status: sql.end(),
            affected: answer.affected,
            code: hc_bytes::of(answer.code.as_bytes()),
            message: hc_bytes::of(answer.message.as_bytes()),
        })
    }
}

impl SqlHost for KitHost {
    fn sql_query(&self, task: u64, lease: u64, token: u64, statement: &StatementView<'_>) -> Status {
        let call = || format!("hc.sql/1 query({}, {token}, {:?})", task & 0xffff, statement.text);
        self.call(call, |state| {
            let answer = |lease: &Lease, seed| {
                (answer(statement.text, statement.flags, seed), lease.sql.is_in_transaction)
            };
            state.ask("hc.sql/1 query", (task, lease, token), answer)
        })
    }

    fn sql_columns(&self, task: u64, lease: u64) -> Result<RawNames, Status> {
        let call = || format!("hc.sql/1 columns({})", task & 0xffff);
        self.call(call, |state| {
            state.permit("hc.sql/1 columns", task, Allowed::Step)?;
            let sql = &state.lease("hc.sql/1 columns", task, lease, SQL_ID)?.sql;
            if sql.is_well && sql.state != SqlState::Running {
                return Ok(sql.names.raw());
            }
            Err(state.refuse("sql.columns", Status::E_STATE, "there is no statement that went well"))
        })
    }

    fn sql_rows(&self, task: u64, lease: u64, token: u64) -> Result<RawRows, Status> {
        let call = || format!("hc.sql/1 rows({}, {token})", task & 0xffff);
        self.call(call, |state| state.sql_rows(task, lease, token))
    }

    fn sql_outcome(&self, task: u64, lease: u64) -> Result<RawOutcome, Status> {
        let call = || format!("hc.sql/1 outcome({})", task & 0xffff);
        self.call(call, |state| state.sql_outcome(task, lease))
    }

    fn sql_transaction(&self, task: u64, lease: u64, token: u64, what: u32) -> Status {
        let call = || format!("hc.sql/1 transaction({}, {token}, {what})", task & 0xffff);
        self.call(call, |state| {
            let answer = |lease: &Lease, _| transaction(what, lease.sql.is_in_transaction);
            state.ask("hc.sql/1 transaction", (task, lease, token), answer)
        })
    }
}
