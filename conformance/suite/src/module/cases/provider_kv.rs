//! Cases about providers of hc.kv/1. Keys begin with `hc_kit`. Must not know a store.

use super::case;
use super::provider::each_bench;
use crate::case::{Case, Context, Outcome};
use crate::module::bench::{Bench, kv_request};
use crate::module::kv_store::KvRequest;
use crate::module::members::{MemberAnswer, Request};
use http_container_abi::Status;
use http_container_abi::constants::{KV_ID, kv_flag, kv_operation, member_request};
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    case("values-are-stored-and-removed", "resources", &["kv.get", "kv.set", "kv.delete"], values),
    case("conditions-hold", "resources", &["kv.condition"], conditions),
    case("numbers-are-added", "resources", &["kv.add"], numbers),
    case("values-live-for-their-time", "resources", &["kv.ttl", "kv.expire"], times),
    case("operations-are-atomic", "resources", &["kv.run.atomic"], atomic),
    case("messages-reach-subscribers", "resources", &["kv.publish", "kv.subscribe"], messages),
];

const KEY: &str = "hc_kit key";

fn each_store(
    context: &mut Context,
    most: u64,
    body: impl FnMut(&mut Bench, u64) -> Result<(), Outcome>,
) -> Outcome {
    each_bench(context, Some(KV_ID), most, &["kv."], body)
}

fn fail(rule: &'static str, text: String) -> Outcome {
    Outcome::fail(text).rule(rule)
}

/// Does an operation that has to go well.
fn run(
    bench: &mut Bench,
    member: u64,
    request: KvRequest,
    rule: &'static str,
) -> Result<MemberAnswer, Outcome> {
    let shown = format!("{request:?}");
    let answer = bench.ask(member, Request::Kv(request))?;
    if answer.status == Status::OK {
        return Ok(answer);
    }
    Err(fail(rule, format!("{shown} answers {:?} {}", answer.status, answer.message)))
}

fn set(bench: &mut Bench, member: u64, value: &str) -> Result<(), Outcome> {
    run(bench, member, kv_request(kv_operation::SET, KEY, value), "kv.set").map(|_| ())
}

fn expect_value(
    bench: &mut Bench,
    member: u64,
    value: Option<&str>,
    rule: &'static str,
) -> Result<(), Outcome> {
    let found = bench.value(member, KEY)?;
    if found.as_deref() == value {
        return Ok(());
    }
    let cut = |text: Option<&str>| text.map(|text| text.chars().take(40).collect::<String>());
    Err(fail(rule, format!("the value is {:?}, not {:?}", cut(found.as_deref()), cut(value))))
}

fn expect_found(answer: &MemberAnswer, found: u32, what: &str, rule: &'static str) -> Result<(), Outcome> {
    if answer.reply.found == found {
        return Ok(());
    }
    Err(fail(rule, format!("{what} answers found {}, not {found}", answer.reply.found)))
}

fn values(_: &Case, context: &mut Context) -> Outcome {
    each_store(context, 20, |bench, seed| {
        let members = [bench.open()?, bench.open()?];
        let [one, other] = members;
        bench.kv(one, kv_operation::DELETE, KEY, "")?;
        expect_value(bench, other, None, "kv.get")?;
        let long = "v".repeat(1 + (seed as usize * 7919) % 60_000);
        for value in ["", "a", "\u{e4}\0\r\n$", long.as_str()] {
            let answer = run(bench, one, kv_request(kv_operation::SET, KEY, value), "kv.set")?;
            expect_found(&answer, 1, "a set", "kv.set")?;
            expect_value(bench, other, Some(value), "kv.get")?;
        }
        let gone = bench.kv(other, kv_operation::DELETE, KEY, "")?;
        expect_found(&gone, 1, "a delete of what is there", "kv.delete")?;
        expect_value(bench, one, None, "kv.delete")?;
        let again = bench.kv(other, kv_operation::DELETE, KEY, "")?;
        expect_found(&again, 0, "a delete of what is not there", "kv.delete")
    })
}

fn conditions(_: &Case, context: &mut Context) -> Outcome {
    each_store(context, 20, |bench, _| {
        let rule = "kv.condition";
        let member = bench.open()?;
        let equal = |expected: &str, operation| KvRequest {
            flags: kv_flag::IF_EQUAL,
            expected: expected.as_bytes().to_vec(),
            ..kv_request(operation, KEY, "new")
        };
        let with = |flags| KvRequest { flags, ..kv_request(kv_operation::SET, KEY, "new") };
        let set_equal = |expected| equal(expected, kv_operation::SET);
        let delete_equal = |expected| equal(expected, kv_operation::DELETE);
        for (before, request, found, after) in [
            (None, with(kv_flag::IF_PRESENT), 0, None),
            (None, with(kv_flag::IF_ABSENT), 1, Some("new")),
            (Some("old"), with(kv_flag::IF_ABSENT), 0, Some("old")),
            (Some("old"), with(kv_flag::IF_PRESENT), 1, Some("new")),
            (None, set_equal(""), 0, None),
            (Some("old"), set_equal("ol"), 0, Some("old")),
            (Some("old"), set_equal("old"), 1, Some("new")),
            (Some(""), set_equal(""), 1, Some("new")),
            (None, delete_equal(""), 0, None),
            (Some("old"), delete_equal("OLD"), 0, Some("old")),
            (Some("old"), delete_equal("old"), 1, None),
        ] {
            bench.kv(member, kv_operation::DELETE, KEY, "")?;
            if let Some(before) = before {
                set(bench, member, before)?;
            }
            let shown = format!("with {before:?} there, {request:?}");
            let answer = run(bench, member, request, rule)?;
            expect_found(&answer, found, &shown, rule)?;
            expect_value(bench, member, after, rule)?;
        }
        Ok(())
    })
}

fn numbers(_: &Case, context: &mut Context) -> Outcome {
    each_store(context, 20, |bench, _| {
        let rule = "kv.add";
        let member = bench.open()?;
        let add = |number| KvRequest { number, ..kv_request(kv_operation::ADD, KEY, "") };
        bench.kv(member, kv_operation::DELETE, KEY, "")?;
        for (number, sum) in [(5, 5), (-7, -2), (i64::MAX, i64::MAX - 2), (2, i64::MAX), (-1, i64::MAX - 1)] {
            let answer = run(bench, member, add(number), rule)?;
            if answer.reply.number != sum {
                return Err(fail(rule, format!("{number} more make {}, not {sum}", answer.reply.number)));
            }
            expect_value(bench, member, Some(&sum.to_string()), rule)?;
        }
        for value in
            ["", "two", "+7", "007", " 7", "7 ", "-0", "1.5", "9223372036854775808", "9223372036854775807"]
        {
            set(bench, member, value)?;
            let answer = bench.ask(member, Request::Kv(add(1)))?;
            if answer.status != Status::E_FAILED {
                let text =
                    format!("1 more than `{value}` answers {:?} {}", answer.status, answer.reply.number);
                return Err(fail(rule, text));
            }
            expect_value(bench, member, Some(value), rule)?;
        }
        Ok(())
    })
}

/// A time that is over soon.
const SOON: u64 = 25;
/// A time that is not over in a case.
const LONG: u64 = 600_000;

fn time(bench: &mut Bench, member: u64) -> Result<u64, Outcome> {
    Ok(bench.kv(member, kv_operation::GET, KEY, "")?.reply.ttl_ms)
}

fn times(_: &Case, context: &mut Context) -> Outcome {
    each_store(context, 10, |bench, _| {
        let member = bench.open()?;
        let with = |operation, ttl_ms, flags| KvRequest { ttl_ms, flags, ..kv_request(operation, KEY, "7") };
        bench.kv(member, kv_operation::DELETE, KEY, "")?;
        let absent = run(bench, member, with(kv_operation::EXPIRE, LONG, 0), "kv.expire")?;
        expect_found(&absent, 0, "an expire of what is not there", "kv.expire")?;
        let (set, add, expire) = (kv_operation::SET, kv_operation::ADD, kv_operation::EXPIRE);
        for (request, is_long, rule) in [
            (with(set, LONG, 0), true, "kv.get"),
            (with(set, 0, kv_flag::KEEP_TTL), true, "kv.set"),
            (with(add, 5, 0), true, "kv.add"),
            (with(set, 0, 0), false, "kv.set"),
            (with(expire, LONG, 0), true, "kv.expire"),
            (with(expire, 0, 0), false, "kv.expire"),
            (with(set, LONG, kv_flag::KEEP_TTL), false, "kv.set"),
        ] {
            let shown = format!("{request:?}");
            run(bench, member, request, rule)?;
            let left = time(bench, member)?;
            let is_right = if is_long { left > LONG / 2 && left <= LONG } else { left == 0 };
            if !is_right {
                return Err(fail(rule, format!("after {shown}, {left} ms are left")));
            }
        }
        let fresh = kv_operation::DELETE;
        for (before, last) in [(fresh, set), (set, expire), (fresh, add)] {
            bench.kv(member, before, KEY, "7")?;
            run(bench, member, with(last, SOON, 0), "kv.ttl")?;
            let started = Instant::now();
            while bench.value(member, KEY)?.is_some() {
                if started.elapsed() > Duration::from_secs(3) {
                    let text = format!("a value is there long after its {SOON} ms, set by operation {last}");
                    return Err(fail("kv.ttl", text));
                }
                bench.pass(Duration::from_millis(3));
            }
            let gone = bench.kv(member, kv_operation::DELETE, KEY, "")?;
            expect_found(&gone, 0, "a delete of what had its time", "kv.ttl")?;
        }
        Ok(())
    })
}

/// Several members at once: no addition is lost, and one alone finds a key absent.
fn atomic(_: &Case, context: &mut Context) -> Outcome {
    each_store(context, 20, |bench, _| {
        const ROUNDS: usize = 8;
        let rule = "kv.run.atomic";
        let members = [bench.open()?, bench.open()?, bench.open()?];
        bench.kv(members[0], kv_operation::DELETE, KEY, "")?;
        bench.kv(members[0], kv_operation::DELETE, "hc_kit first", "")?;
        let before = members.map(|member| bench.answers(member));
        for member in members {
            for _ in 0..ROUNDS {
                bench.put(
                    member,
                    Request::Kv(KvRequest { number: 1, ..kv_request(kv_operation::ADD, KEY, "") }),
                );
                let first = kv_request(kv_operation::SET, "hc_kit first", "x");
                bench.put(member, Request::Kv(KvRequest { flags: kv_flag::IF_ABSENT, ..first }));
            }
        }
        let mut first = 0;
        for (member, before) in members.into_iter().zip(before) {
            bench.wait(member, before + 2 * ROUNDS - 1);
            first += bench.state(|state| {
                let answers = state.members.get(&member).map_or(&[][..], |found| &found.answers[before..]);
                // Every second one is of a set.
                answers.iter().skip(1).step_by(2).filter(|answer| answer.reply.found == 1).count()
            });
        }
        let sum = (members.len() * ROUNDS).to_string();
        expect_value(bench, members[0], Some(&sum), rule)?;
        if first != 1 {
            return Err(fail(rule, format!("{first} members were the first to set a key")));
        }
        Ok(())
    })
}

fn heard(bench: &mut Bench, member: u64, count: usize) -> Vec<(String, String)> {
    let has_all = |state: &crate::module::state::State| {
        state.members.get(&member).is_none_or(|found| found.messages.len() >= count)
    };
    bench.drive_until(has_all);
    bench.state(|state| {
        let of = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let found = state.members.get(&member).map_or(&[][..], |found| &found.messages);
        found.iter().map(|(channel, value)| (of(channel), of(value))).collect()
    })
}

fn messages(_: &Case, context: &mut Context) -> Outcome {
    each_store(context, 20, |bench, _| {
        let rule = "kv.subscribe";
        let [one, two, writer] = [bench.open()?, bench.open()?, bench.open()?];
        for (member, channel) in [(one, "hc_kit a"), (one, "hc_kit a"), (one, "hc_kit b"), (two, "hc_kit a")]
        {
            run(bench, member, kv_request(kv_operation::SUBSCRIBE, channel, ""), rule)?;
        }
        let mut expected = Vec::new();
        for number in 0..6 {
            let (channel, most) = [("hc_kit a", 2), ("hc_kit b", 1)][number % 2];
            let value = format!("message {number}");
            let answer =
                run(bench, writer, kv_request(kv_operation::PUBLISH, channel, &value), "kv.publish")?;
            if answer.reply.number != most {
                let text = format!(
                    "{most} have subscribed to {channel}, and a publish answers {}",
                    answer.reply.number
                );
                return Err(fail("kv.publish", text));
            }
            expected.push((channel.to_owned(), value));
        }
        let found = heard(bench, one, 6);
        if found != expected {
            return Err(fail(rule, format!("{expected:?} were published, and {found:?} came")));
        }
        let of_a: Vec<_> = expected.into_iter().filter(|(channel, _)| channel.ends_with('a')).collect();
        let found = heard(bench, two, 3);
        if found != of_a {
            return Err(fail(rule, format!("{of_a:?} were published, and {found:?} came")));
        }
        let left = run(bench, one, kv_request(kv_operation::UNSUBSCRIBE, "hc_kit b", ""), rule)?;
        expect_found(&left, 1, "an unsubscribe", rule)?;
        let none = run(bench, writer, kv_request(kv_operation::PUBLISH, "hc_kit b", "x"), "kv.publish")?;
        let reset = bench.ask(one, Request::Plain(member_request::RESET))?;
        let rest = run(bench, writer, kv_request(kv_operation::PUBLISH, "hc_kit a", "x"), "kv.publish")?;
        let is_fresh = reset.status != Status::OK || rest.reply.number == 1;
        if none.reply.number != 0 || !is_fresh || reset.status == Status::OK && reset.is_dirty() {
            let text = format!(
                "{} and {} get messages after an unsubscribe and a reset",
                none.reply.number, rest.reply.number
            );
            return Err(fail(rule, text));
        }
        Ok(())
    })
}
