//! What the kit's host asks of a member when nothing in particular is tested: requests out of a seed, whose answers depend on
//! nothing but themselves. Must not know who answers.

use super::choices::Choices;
use super::kv_store::KvRequest;
use super::members::Request;
use super::sql_answers::Value;
use http_container_abi::constants::{KV_ID, SQL_ID, kv_flag, kv_operation, member_request, sql_transaction};

/// The requests of one member; `place` is that of the member among all of a run.
#[must_use]
pub fn requests(seed: u64, place: usize, interface: &str) -> Vec<Request> {
    let mut choices = Choices::new(seed, 7 + place as u64);
    let mut all = Vec::new();
    for number in 0..1 + choices.below(4) {
        match interface {
            SQL_ID => statements(&mut choices, &mut all),
            KV_ID => operations(&mut choices, &format!("kit {seed} {place} {number}"), &mut all),
            _ => {}
        }
        if choices.one_in(4) {
            all.push(Request::Plain([member_request::CHECK, member_request::RESET][choices.below(2)]));
        }
    }
    all
}

fn statements(choices: &mut Choices, all: &mut Vec<Request>) {
    let select = |choices: &mut Choices| {
        let values = [Value::Text("kit".to_owned()), Value::Text(format!("{}", choices.below(100)))];
        Request::sql(SELECT, &values)
    };
    match choices.below(4) {
        0 => all.push(Request::sql(SERIES, &[])),
        1 => all.push(Request::sql("SELEC 1", &[])),
        2 => {
            all.push(Request::Transaction(sql_transaction::BEGIN));
            all.push(select(choices));
            let end = [sql_transaction::COMMIT, sql_transaction::ROLLBACK][choices.below(2)];
            all.push(Request::Transaction(end));
        }
        _ => all.push(select(choices)),
    }
}

/// A statement with two texts.
pub const SELECT: &str = "SELECT $2 || '-' || $1 || '-' || $2 AS a, '$2' AS \"$3\" /* $4 */ -- $5";
/// A statement with fifty rows.
pub const SERIES: &str =
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 50) SELECT n FROM t";

fn operations(choices: &mut Choices, key: &str, all: &mut Vec<Request>) {
    let operation = |operation, value: &str, flags, number| {
        Request::Kv(KvRequest {
            operation,
            flags,
            key: key.as_bytes().to_vec(),
            value: value.as_bytes().to_vec(),
            number,
            ..KvRequest::default()
        })
    };
    all.push(operation(kv_operation::DELETE, "", 0, 0));
    let value = ["", "7", "a value", "-3"][choices.below(4)];
    let flags = [0, kv_flag::IF_ABSENT, kv_flag::IF_PRESENT, kv_flag::KEEP_TTL][choices.below(4)];
    all.push(operation(kv_operation::SET, value, flags, 0));
    all.push(operation(kv_operation::ADD, "", 0, choices.below(50) as i64 - 25));
    all.push(operation(kv_operation::GET, "", 0, 0));
    all.push(operation(kv_operation::DELETE, "", 0, 0));
    if choices.one_in(3) {
        all.push(operation(kv_operation::SUBSCRIBE, "", 0, 0));
        all.push(operation(kv_operation::UNSUBSCRIBE, "", 0, 0));
    }
}
