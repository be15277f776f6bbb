//! Cases about transactions, resets and interrupts of providers of hc.sql/1. Must not know a database.

use super::case;
use super::provider_sql::{count, each_database, fail, fresh, query, shown, well};
use crate::case::{Case, Context, Outcome};
use crate::module::bench::{Asked, Bench};
use crate::module::members::{MemberAnswer, Request};
use http_container_abi::Status;
use http_container_abi::constants::{member_request, sql_transaction};
use std::time::Duration;

pub const CASES: &[Case] = &[
    case("transactions-are-not-nested", "resources", &["sql.transaction.nested"], nested),
    case("reading-transactions-do-not-write", "resources", &["sql.transaction.read"], reading),
    case("commits-are-committed", "resources", &["sql.transaction.commit"], commits),
    case("resets-roll-back", "resources", &["sql.transaction.open", "provider.reset"], resets),
    case(
        "interrupts-end-what-is-under-way",
        "cancel",
        &["sql.interrupt", "provider.interrupt.end", "provider.interrupt.late"],
        interrupts,
    ),
];

/// A statement that never ends by itself.
const ENDLESS: &str =
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) AS n FROM t";
/// So long the endless statement runs before it is interrupted.
const START: Duration = Duration::from_millis(20);

fn turn(bench: &mut Bench, member: u64, what: u32) -> Result<MemberAnswer, Outcome> {
    bench.ask(member, Request::Transaction(what))
}

fn insert(bench: &mut Bench, member: u64, id: i64) -> Result<MemberAnswer, Outcome> {
    query(bench, member, &format!("INSERT INTO hc_kit (id, note) VALUES ({id}, 'new')"), &[])
}

fn nested(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, seed| {
        let begin = [sql_transaction::BEGIN, sql_transaction::BEGIN_READ][seed as usize % 2];
        let end = [sql_transaction::COMMIT, sql_transaction::ROLLBACK][seed as usize / 2 % 2];
        let member = bench.open()?;
        let (well, within, without) = (Status::OK, Status::E_FAILED, Status::E_FAILED);
        for (what, status, code) in [
            (end, without, "25P01"),
            (begin, well, ""),
            (sql_transaction::BEGIN, within, "25001"),
            (end, well, ""),
            (sql_transaction::COMMIT, without, "25P01"),
            (sql_transaction::ROLLBACK, without, "25P01"),
            (begin, well, ""),
            (sql_transaction::ROLLBACK, well, ""),
        ] {
            let answer = turn(bench, member, what)?;
            if answer.status != status || answer.code != code {
                let text = format!("transaction {what} answers {}, not {status:?} {code}", shown(&answer));
                return Err(fail("sql.transaction.nested", text));
            }
        }
        Ok(())
    })
}

fn reading(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, _| {
        let rule = "sql.transaction.read";
        let member = bench.open()?;
        fresh(bench, member)?;
        turn(bench, member, sql_transaction::BEGIN_READ)?;
        well(bench, member, ("SELECT note FROM hc_kit WHERE id = 1", &[]), rule)?;
        let answer = insert(bench, member, 9)?;
        if answer.status != Status::E_FAILED {
            return Err(fail(rule, format!("a statement that writes answers {} in it", shown(&answer))));
        }
        turn(bench, member, sql_transaction::ROLLBACK)?;
        let after = insert(bench, member, 9)?;
        if after.status != Status::OK {
            return Err(fail(rule, format!("after it, a statement that writes answers {}", shown(&after))));
        }
        Ok(())
    })
}

/// What is committed is there; what came to nothing is not, and leaves no transaction.
fn commits(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, seed| {
        let rule = "sql.transaction.commit";
        let member = bench.open()?;
        fresh(bench, member)?;
        turn(bench, member, sql_transaction::BEGIN)?;
        insert(bench, member, 10)?;
        let has_failure = seed % 2 == 0;
        if has_failure {
            insert(bench, member, 1)?;
        }
        let commit = turn(bench, member, sql_transaction::COMMIT)?;
        let is_there = count(bench, member, 10)? == 1;
        let is_right = match commit.status {
            Status::OK => is_there,
            Status::E_FAILED => has_failure && !is_there,
            _ => false,
        };
        if !is_right {
            let text = format!("a commit answers {}, and its row is there: {is_there}", shown(&commit));
            return Err(fail(rule, text));
        }
        let after = turn(bench, member, sql_transaction::ROLLBACK)?;
        if after.status != Status::E_FAILED {
            return Err(fail(rule, format!("after a commit, a rollback answers {}", shown(&after))));
        }
        turn(bench, member, sql_transaction::BEGIN)?;
        insert(bench, member, 11)?;
        turn(bench, member, sql_transaction::ROLLBACK)?;
        if count(bench, member, 11)? != 0 {
            return Err(fail(rule, "a transaction was not rolled back".to_owned()));
        }
        Ok(())
    })
}

fn resets(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, seed| {
        let rule = "provider.reset";
        let member = bench.open()?;
        fresh(bench, member)?;
        well(bench, member, ("CREATE TEMPORARY TABLE hc_kit_temporary (id BIGINT)", &[]), rule)?;
        let is_by_text = seed % 2 == 0;
        if is_by_text {
            well(bench, member, ("BEGIN", &[]), rule)?;
        } else {
            turn(bench, member, sql_transaction::BEGIN)?;
        }
        insert(bench, member, 12)?;
        if seed % 3 == 0 {
            insert(bench, member, 1)?;
        }
        let reset = bench.ask(member, Request::Plain(member_request::RESET))?;
        if reset.status != Status::OK || reset.is_dirty() {
            // It is thrown away then, and nobody can tell.
            return Ok(());
        }
        if count(bench, member, 12)? != 0 {
            let text = "a row of a transaction that was open at the reset is there".to_owned();
            return Err(fail("sql.transaction.open", text));
        }
        let left = query(bench, member, "SELECT id FROM hc_kit_temporary", &[])?;
        if left.status == Status::OK {
            return Err(fail(rule, "a temporary table outlives the reset".to_owned()));
        }
        let begin = turn(bench, member, sql_transaction::BEGIN)?;
        if begin.status != Status::OK {
            return Err(fail(rule, format!("after the reset, a begin answers {}", shown(&begin))));
        }
        turn(bench, member, sql_transaction::ROLLBACK)?;
        Ok(())
    })
}

fn interrupts(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 5, &["provider.done.once"], |bench, _| {
        let mut member = bench.open()?;
        for round in 0..3 {
            let number = bench.answers(member);
            bench.put(member, Request::sql(ENDLESS, &[]));
            if round > 0 {
                bench.pass(START);
            }
            bench.state(|state| state.interrupt(member));
            match bench.wait(member, number) {
                Asked::Answered(answer) if answer.status == Status::OK => {
                    let text = format!("a statement without an end answers {}", shown(&answer));
                    return Err(fail("sql.interrupt", text));
                }
                Asked::Answered(answer) if answer.is_broken() => member = bench.open()?,
                Asked::Answered(_) => {}
                Asked::Ended(_) => member = bench.open()?,
                Asked::Late => {
                    let text = "a statement goes on although it was interrupted".to_owned();
                    return Err(fail("provider.interrupt.end", text));
                }
            }
            for _ in 0..3 {
                let next = query(bench, member, "SELECT 1 AS n", &[])?;
                if next.status != Status::OK {
                    let text = format!("the statement after an interrupt answers {}", shown(&next));
                    return Err(fail("provider.interrupt.late", text));
                }
            }
        }
        Ok(())
    })
}
