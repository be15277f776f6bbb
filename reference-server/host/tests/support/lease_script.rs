//! Actions of scripts with leases and with work for other threads. Resources go by the names under which `resource` kept
//! them, leases by those that `acquire` gave.

use super::MS;
use super::script::{Scripted, keep};
use http_container_abi::constants::{NO_DEADLINE, kv_flag, kv_operation, sql_flag, sql_transaction};
use http_container_abi::{KvRequestView, SqlValue, Status};
use std::ffi::CString;

fn text(word: &str) -> CString {
    CString::new(word).unwrap()
}

/// A word as a value: `null`, `true`, a number, or a text.
pub fn value(word: &str) -> SqlValue<'_> {
    match (word, word.parse::<i64>()) {
        ("null", _) => SqlValue::Null,
        ("true", _) => SqlValue::Bool(true),
        (_, Ok(number)) => SqlValue::Int64(number),
        (text, _) => SqlValue::Text(text),
    }
}

fn shown(value: SqlValue<'_>) -> String {
    match value {
        SqlValue::Null => "null".to_owned(),
        SqlValue::Int64(number) => number.to_string(),
        SqlValue::Text(text) if text.len() > 20 => format!("{} bytes", text.len()),
        SqlValue::Text(text) => text.to_owned(),
        other => format!("{other:?}"),
    }
}

fn said(answer: Result<String, Status>) -> String {
    answer.unwrap_or_else(|status| status.name().to_owned())
}

impl Scripted {
    fn call_acquire(&self, task: u64, token: &str, resources: &str, ms: &str, names: &str) -> Status {
        let wanted: Vec<u32> = resources.split(',').map(|name| self.world.handle(name) as u32).collect();
        let mut leases = vec![0; wanted.len()];
        let timeout_ns = if ms == "none" { NO_DEADLINE } else { ms.parse::<u64>().unwrap() * MS };
        let status = self.host.acquire(task, token.parse().unwrap(), &wanted, timeout_ns, &mut leases);
        if !status.is_error() {
            names.split(',').zip(leases).for_each(|(name, lease)| self.world.keep(name, lease));
        }
        status
    }

    /// The answer in words; `None`: it is no such action.
    pub(super) fn act_on_lease(&self, task: u64, words: &[&str]) -> Option<String> {
        let (host, world) = (&self.host, &self.world);
        let status = match *words {
            ["resource", name, interface] => {
                keep(world, name, host.resource(&text(name), &text(interface)).map(u64::from))
            }
            ["acquire", token, resources, ms, names] => self.call_acquire(task, token, resources, ms, names),
            ["release", name, how] => {
                let ways = ["clean", "dirty", "broken"];
                let how = ways.iter().position(|way| *way == how).unwrap_or(77) as u32;
                host.release(task, world.handle(name), how)
            }
            ["release-of", other, name] => host.release(world.handle(other), world.handle(name), 0),
            ["interface", name] => return Some(self.interface(task, world.handle(name)).to_owned()),
            ["usage", name] => {
                let usage = host.limit_extension().unwrap().usage(world.handle(name) as u32);
                let show = |usage: http_container_abi::Usage| {
                    let (max, in_use, idle, waiting) = (usage.max, usage.in_use, usage.idle, usage.waiting);
                    format!("{in_use} + {idle} of {max}, {waiting} wait, {}", usage.available)
                };
                return Some(said(usage.map(show)));
            }
            ["why"] => {
                return Some(
                    host.refusal().map_or("none".to_owned(), |(rule, text)| format!("{rule}: {text}")),
                );
            }
            ["object", name, type_name] => {
                let object = host.pool().unwrap().object(task, world.handle(name), &text(type_name));
                return Some(said(object.map(|object| object.number().to_string())));
            }
            ["offload", token, work] => {
                let work = world.work(work);
                let answer = host.offload().unwrap().run(task, token.parse().unwrap(), work);
                answer.map_or_else(|(status, _)| status, |()| Status::PENDING)
            }
            _ => return self.act_on_database(task, words).or_else(|| self.act_on_store(task, words)),
        };
        Some(status.name().to_owned())
    }

    fn interface(&self, task: u64, lease: u64) -> &'static str {
        let Some(found) = self.host.lease_interface(task, lease) else { return "none" };
        let host = &self.host;
        match () {
            () if host.sql().unwrap().is(found) => "sql",
            () if host.kv().unwrap().is(found) => "kv",
            () if host.pool().unwrap().is(found) => "pool",
            () if host.limit_extension().unwrap().is(found) => "limit",
            () => "?",
        }
    }

    fn act_on_database(&self, task: u64, words: &[&str]) -> Option<String> {
        let (sql, world) = (self.host.sql().unwrap(), &self.world);
        let lease = words.get(2).map_or(0, |name| world.handle(name));
        let number = |text: &str| text.parse::<u64>().unwrap();
        let status = match *words {
            ["query", token, _, statement, ref values @ ..] => {
                let values: Vec<_> = values.iter().map(|word| value(word)).collect();
                sql.query(task, lease, number(token), 0, statement, &values)
            }
            ["script", token, _, statement] => {
                sql.query(task, lease, number(token), sql_flag::SCRIPT, statement, &[])
            }
            ["columns", name] => {
                let names = sql.columns(task, world.handle(name), |names| {
                    let names: Vec<_> = names.iter().map(|name| name.escape_ascii().to_string()).collect();
                    format!("[{}]", names.join(", "))
                });
                return Some(said(names));
            }
            ["rows", token, _] => {
                let rows = sql.rows(task, lease, number(token), |values| {
                    let count = values.len();
                    let few: Vec<_> = values.iter().take(4).map(shown).collect();
                    format!("{count} [{}]", few.join(", "))
                });
                return Some(said(rows));
            }
            ["outcome", name] => {
                let outcome = sql.outcome(task, world.handle(name), |outcome| {
                    let (code, message) = (outcome.code.escape_ascii(), outcome.message.escape_ascii());
                    let message = message.to_string();
                    let message =
                        if message.len() > 80 { format!("{} bytes", message.len()) } else { message };
                    format!("{} {} [{code}] [{message}]", outcome.status.name(), outcome.affected)
                });
                return Some(said(outcome));
            }
            ["transaction", token, _, what] => {
                let what = match what {
                    "begin" => sql_transaction::BEGIN,
                    "commit" => sql_transaction::COMMIT,
                    "rollback" => sql_transaction::ROLLBACK,
                    _ => 99,
                };
                sql.transaction(task, lease, number(token), what)
            }
            _ => return None,
        };
        Some(status.name().to_owned())
    }

    fn act_on_store(&self, task: u64, words: &[&str]) -> Option<String> {
        let (kv, world) = (self.host.kv().unwrap(), &self.world);
        match *words {
            ["kv", token, name, operation, key, ref rest @ ..] => {
                let request = kv_request(operation, key, rest);
                let status = kv.run(task, world.handle(name), token.parse().unwrap(), &request);
                Some(status.name().to_owned())
            }
            ["reply", name] => {
                let reply = kv.reply(task, world.handle(name), |reply| {
                    let value = reply.value.escape_ascii();
                    format!("{} [{value}] {} {}", reply.found, reply.number, reply.ttl_ms)
                });
                Some(said(reply))
            }
            ["message", token, name] => {
                let message =
                    kv.message(task, world.handle(name), token.parse().unwrap(), |channel, value| {
                        format!("{}: {}", channel.escape_ascii(), value.escape_ascii())
                    });
                Some(said(message))
            }
            _ => None,
        }
    }
}

/// All members of the request are set, whether the operation uses them or not, where no value is named.
fn kv_request<'a>(operation: &str, key: &'a str, rest: &[&'a str]) -> KvRequestView<'a> {
    let (operation, flags) = match operation {
        "get" => (kv_operation::GET, 0),
        "get-if" => (kv_operation::GET, kv_flag::IF_EQUAL),
        "set" => (kv_operation::SET, 0),
        "set-if" => (kv_operation::SET, kv_flag::IF_EQUAL),
        "set-both" => (kv_operation::SET, kv_flag::IF_EQUAL | kv_flag::IF_ABSENT),
        "set-keep" => (kv_operation::SET, kv_flag::KEEP_TTL),
        "set-what" => (kv_operation::SET, 1 << 30),
        "add" => (kv_operation::ADD, 0),
        "publish" => (kv_operation::PUBLISH, 0),
        "subscribe" => (kv_operation::SUBSCRIBE, 0),
        "unsubscribe" => (kv_operation::UNSUBSCRIBE, 0),
        _ => (99, 0),
    };
    let value = rest.first().copied().unwrap_or("value").as_bytes();
    KvRequestView {
        operation,
        flags,
        key: key.as_bytes(),
        value,
        expected: b"expected",
        number: 7,
        ttl_ms: 9,
    }
}
