//! Members of resources as scripts. The world's script `member-NAME` says what a member's first steps are, where NAME is the
//! provider's module; without one it is `ready; serve`, and after the last step it serves. `NAME1`, `NAME2` ... are the members
//! in the log, in the order of their starts.
//!
//! To serve is to take requests and to do what they say: the text of a statement is a list of orders between `/`. For the
//! other requests the list is the world's script `transaction`, `kv`, `reset` or `check`, else `ok`.
//!
//! | order | |
//! | --- | --- |
//! | `c:a,b` | the columns |
//! | `r:1,x` | a row |
//! | `n:COUNT,BYTES` | so many rows of one text each |
//! | `m:CHANNEL,VALUE` | a message |
//! | `hold` | waits for the completion `hold-NAME1`, or an interrupt |
//! | `ok`, `ok:AFFECTED`, `found:N,VALUE,NUMBER,TTL` | done, with that |
//! | `dirty`, `broken` | as `ok`, with that flag |
//! | `fail:CODE,MESSAGE`, `status:NUMBER` | done, with that |
//! | `end` | the task ends |
//!
//! An interrupt takes the place of what is left of the list.

use super::lease_script::value;
use super::script::{Scripted, Task};
use super::world::World;
use http_container_abi::constants::{event_kind, member_flag};
use http_container_abi::{
    Event, MemberRequest, Opaque, ProviderRef, ReplyView, ResultView, SqlValue, Start, Status,
};
use std::collections::VecDeque;
use std::ffi::CString;

/// What a member has in hand.
#[derive(Default)]
pub struct Member {
    is_listening: bool,
    is_full: bool,
    is_held: bool,
    is_closed: bool,
    /// What is left to do for the request under way.
    orders: Option<VecDeque<String>>,
}

const NEXT: u64 = 101;
const ROOM: u64 = 102;
const HOLD: u64 = 103;

const DONE: ResultView<'static> =
    ResultView { status: Status::OK, flags: 0, affected: 0, code: b"", message: b"", reply: None };

/// What a request comes to.
enum Asked {
    Orders(String, String),
    Interrupt,
    Close,
}

impl Asked {
    fn of(request: &MemberRequest<'_>, world: &World) -> Asked {
        let script = |name: &str| world.script_named(name).unwrap_or_else(|| "ok".to_owned());
        match request {
            MemberRequest::Statement(statement) => {
                let values: Vec<_> = statement.values.iter().map(|value| format!(" {value:?}")).collect();
                let told = format!("statement {}{}", statement.text, values.concat());
                Asked::Orders(told, statement.text.to_owned())
            }
            MemberRequest::Transaction(what) => {
                Asked::Orders(format!("transaction {what}"), script("transaction"))
            }
            MemberRequest::Kv(kv) => {
                let (key, value, expected) =
                    (kv.key.escape_ascii(), kv.value.escape_ascii(), kv.expected.escape_ascii());
                let (operation, flags) = (kv.operation, kv.flags);
                let told = format!(
                    "kv {operation} {flags} {key} [{value}] [{expected}] {} {}",
                    kv.number, kv.ttl_ms
                );
                Asked::Orders(told, script("kv"))
            }
            MemberRequest::Reset => Asked::Orders("reset".to_owned(), script("reset")),
            MemberRequest::Check => Asked::Orders("check".to_owned(), script("check")),
            MemberRequest::Interrupt => Asked::Interrupt,
            MemberRequest::Close => Asked::Close,
            MemberRequest::Unknown(kind) => panic!("a request of kind {kind}"),
        }
    }
}

impl Task {
    /// What of its waits is over.
    pub(super) fn hear(&mut self, events: &[Event]) {
        let Some(member) = &mut self.member else { return };
        for event in events {
            match (event.kind, event.token) {
                (event_kind::MEMBER, NEXT) => member.is_listening = false,
                (event_kind::MEMBER_ROOM, ROOM) => member.is_full = false,
                (event_kind::COMPLETION, HOLD) => member.is_held = false,
                _ => {}
            }
        }
    }
}

impl Scripted {
    fn provider(&self) -> ProviderRef {
        self.host.provider().unwrap()
    }

    pub(super) fn start_member(&self, task: u64, start: &Start<'_>) -> (Status, Option<Box<Task>>) {
        assert!(start.request.is_none() && start.arg.is_none() && start.leases.is_empty());
        let name = self.task("").label;
        let text =
            self.world.script_named(&format!("member-{name}")).unwrap_or_else(|| "ready; serve".to_owned());
        let label = format!("{name}{}", self.world.count(&name));
        self.world.keep(&label, task);
        let mut state = self.task(&text);
        (state.label, state.member) = (label, Some(Member::default()));
        self.begin(task, state)
    }

    /// Goes on as far as it can.
    pub(super) fn serve(&self, task: u64, state: &mut Task) -> Status {
        let mut member = state.member.take().unwrap_or_default();
        let status = loop {
            if let Some(status) = self.listen(task, state, &mut member) {
                break status;
            }
            if member.is_closed {
                break Status::OK;
            }
            match self.work(task, state, &mut member) {
                Some(Status::PENDING) if !member.is_listening => {}
                Some(status) => break status,
                None if member.is_listening => break Status::PENDING,
                None => {}
            }
        };
        state.member = Some(member);
        status
    }

    /// Takes what is asked, until nothing is; `Some`: the task ends with that.
    fn listen(&self, task: u64, state: &Task, member: &mut Member) -> Option<Status> {
        while !member.is_listening && !member.is_closed {
            let asked = self.provider().next(task, NEXT, |request| Asked::of(&request, &self.world));
            match asked {
                Ok(Asked::Orders(told, orders)) => {
                    state.note(&self.world, &format!("< {told}"));
                    assert!(member.orders.is_none(), "{}: two requests at once", state.label);
                    member.orders = Some(orders.split('/').map(str::to_owned).collect());
                }
                Ok(Asked::Interrupt) => {
                    state.note(&self.world, "< interrupt");
                    if std::mem::take(&mut member.is_held) {
                        self.host.cancel(task, HOLD);
                    }
                    let left = self.world.script_named("interrupt").unwrap_or_else(|| "status:-8".to_owned());
                    member.orders = Some(VecDeque::from([left]));
                }
                Ok(Asked::Close) => {
                    state.note(&self.world, "< close");
                    member.is_closed = true;
                }
                Err(Status::PENDING) => member.is_listening = true,
                Err(status) => return Some(status),
            }
        }
        None
    }

    /// Does what is ordered, until it has to wait (`PENDING`), all is done (`None`), or the task ends with that.
    fn work(&self, task: u64, state: &Task, member: &mut Member) -> Option<Status> {
        while !member.is_full && !member.is_held {
            let Some(orders) = &mut member.orders else { return None };
            let order = orders.pop_front().unwrap_or_else(|| "ok".to_owned());
            let (word, rest) = order.split_once(':').unwrap_or((&order, ""));
            match word {
                "n" => member.is_full = !self.give_many(task, state, orders, rest),
                "hold" => {
                    let hold = self.host.completion(task, HOLD).unwrap();
                    self.world.keep(&format!("hold-{}", state.label), hold);
                    member.is_held = true;
                }
                "end" => return Some(Status::E_RESOURCE),
                "c" | "r" | "m" => {
                    let words: Vec<&str> = rest.split(',').collect();
                    let action = [&[word, "0"][..], &words].concat();
                    let answer = self.act_as_member(task, &action).unwrap();
                    state.note(&self.world, &format!("{order} = {answer}"));
                }
                _ => {
                    member.orders = None;
                    let status = self.end_request(task, word, rest);
                    state.note(&self.world, &format!("{order} = {}", status.name()));
                }
            }
        }
        Some(Status::PENDING)
    }

    /// Rows until all are taken (`true`) or it has to wait.
    fn give_many(&self, task: u64, state: &Task, orders: &mut VecDeque<String>, rest: &str) -> bool {
        let (count, bytes) = rest.split_once(',').unwrap_or((rest, "1"));
        let (count, text) = (count.parse::<usize>().unwrap(), "x".repeat(bytes.parse().unwrap()));
        let values = vec![SqlValue::Text(&text); count];
        let (status, accepted) = self.provider().rows(task, ROOM, &values);
        state.note(&self.world, &format!("n:{count},{bytes} = {} {accepted}", status.name()));
        if status == Status::PENDING {
            orders.push_front(format!("n:{},{bytes}", count - accepted));
        }
        status != Status::PENDING
    }

    fn end_request(&self, task: u64, word: &str, rest: &str) -> Status {
        let (first, second) = rest.split_once(',').unwrap_or((rest, ""));
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        let result = match word {
            "ok" => ResultView { affected: number(rest) as u64, ..DONE },
            "dirty" => ResultView { flags: member_flag::DIRTY, ..DONE },
            "broken" => ResultView { flags: member_flag::BROKEN, ..DONE },
            "status" => ResultView { status: Status(number(rest) as i32), ..DONE },
            "fail" => ResultView {
                status: Status::E_FAILED,
                code: first.as_bytes(),
                message: second.as_bytes(),
                ..DONE
            },
            "found" => {
                let words: Vec<&str> = rest.split(',').chain(["", "", ""]).collect();
                let reply = ReplyView {
                    found: number(words[0]) as u32,
                    value: words[1].as_bytes(),
                    number: number(words[2]),
                    ttl_ms: number(words[3]) as u64,
                };
                ResultView { reply: Some(reply), ..DONE }
            }
            _ => panic!("no order {word}"),
        };
        self.provider().done(task, &result)
    }

    /// One call of `hc.provider/1`; its answer in words.
    pub(super) fn act_as_member(&self, task: u64, words: &[&str]) -> Option<String> {
        let provider = self.provider();
        let text = |word: &str| CString::new(word).unwrap();
        let status = match *words {
            ["offer", interface] => provider.offer(&text(interface)),
            ["ready"] => provider.ready(task),
            ["explain", ref reason @ ..] => provider.explain(task, &reason.join(" ")),
            ["be", type_name, number] => {
                provider.object(task, &text(type_name), Opaque::of_number(number.parse().unwrap()))
            }
            ["next", token] => {
                let asked = provider.next(task, token.parse().unwrap(), |request| format!("{request:?}"));
                return Some(asked.unwrap_or_else(|status| status.name().to_owned()));
            }
            ["c", _, ref names @ ..] => {
                let names: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
                provider.columns(task, &names)
            }
            ["r", token, ref values @ ..] => {
                let values: Vec<_> =
                    values.iter().filter(|word| !word.is_empty()).map(|word| value(word)).collect();
                let (status, accepted) = provider.rows(task, token.parse().unwrap(), &values);
                return Some(format!("{} {accepted}", status.name()));
            }
            ["m", _, "lost"] => provider.message(task, b"", b"ignored"),
            ["m", _, channel, value] => provider.message(task, channel.as_bytes(), value.as_bytes()),
            ["result", word] => self.end_request(task, word, ""),
            _ => return None,
        };
        Some(status.name().to_owned())
    }
}
