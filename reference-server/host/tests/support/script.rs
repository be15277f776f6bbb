//! A module whose tasks are scripts: steps between `|`, actions between `;`. Each action is a host call, and its answer is
//! logged; the last word of a step is what it returns (`done`, `yield`, `fail`, `status N`, `panic`).
//!
//! The script of a request stands in the field `script-NAME`, where NAME is the module's; that of a spawned task in its
//! argument. The world's scripts `create-NAME`, `worker_start-NAME` ... run in those callbacks. `name WORD` changes how the task
//! is called in the log from then on. What is done with leases is in `lease_script.rs`; members of resources, which are
//! scripts too, are in `member_script.rs`.

use super::member_script::Member;
use super::world::World;
use http_container_abi::constants::{event_kind, task_kind};
use http_container_abi::{
    ChildOptions, EntryInfo, Event, Field, HostRef, Module, ModuleEntry, Response, Start, Status,
    entry_sendable,
};
use std::sync::Arc;

pub struct Scripted {
    pub(super) host: HostRef,
    name: String,
    pub(super) world: Arc<World>,
}

#[derive(Default)]
pub struct Task {
    steps: Vec<String>,
    at: usize,
    /// How it is called in the log.
    pub(super) label: String,
    /// What it has in hand when it is a member of a resource.
    pub(super) member: Option<Member>,
}

const INFO: EntryInfo = EntryInfo {
    id: c"org.example.scripted",
    version: c"1",
    description: None,
    config_schema: None,
    flags: 0,
};
pub static SCRIPTED: ModuleEntry = entry_sendable::<Scripted>(INFO);
pub static BLOCKING: ModuleEntry = entry_sendable::<Scripted>(EntryInfo { flags: 4, ..INFO });
pub static MIGRATING: ModuleEntry = entry_sendable::<Scripted>(EntryInfo { flags: 2, ..INFO });

/// The configuration of a scripted module of that name in that world.
pub fn config(name: &str, world: usize) -> String {
    format!("{{\"{name}\":{world}}}")
}

fn kind_name(kind: u32) -> &'static str {
    match kind {
        event_kind::BODY => "BODY",
        event_kind::WRITE => "WRITE",
        event_kind::TIMER => "TIMER",
        event_kind::COMPLETION => "COMPLETION",
        event_kind::NOTICE => "NOTICE",
        event_kind::FD => "FD",
        event_kind::CHILD_HEAD => "CHILD_HEAD",
        event_kind::CHILD_BODY => "CHILD_BODY",
        event_kind::ACQUIRE => "ACQUIRE",
        event_kind::OFFLOAD => "OFFLOAD",
        event_kind::SQL => "SQL",
        event_kind::SQL_ROWS => "SQL_ROWS",
        event_kind::KV => "KV",
        event_kind::KV_MESSAGE => "KV_MESSAGE",
        event_kind::MEMBER => "MEMBER",
        event_kind::MEMBER_ROOM => "MEMBER_ROOM",
        _ => "?",
    }
}

fn show(events: &[Event]) -> String {
    let each = events.iter().map(|event| {
        let value = if event.kind == event_kind::TIMER { 0 } else { event.value };
        format!("{}#{} {} {value}", kind_name(event.kind), event.token, event.status.name())
    });
    each.collect::<Vec<_>>().join(", ")
}

impl Scripted {
    pub(super) fn task(&self, text: &str) -> Task {
        let steps = text.split('|').map(str::to_owned).collect();
        Task { steps, label: self.name.clone(), ..Task::default() }
    }

    fn deliver(&self, events: &[Event]) {
        let tokens =
            events.iter().filter(|event| event.kind == event_kind::COMPLETION).map(|event| event.token);
        self.world.delivered.lock().unwrap().extend(tokens);
    }

    fn step(&self, task: u64, state: &mut Task) -> Status {
        let Some(step) = state.steps.get(state.at).cloned() else {
            return if state.member.is_some() { self.serve(task, state) } else { Status::OK };
        };
        state.at += 1;
        let mut answer = Status::OK;
        for action in step.split(';').map(str::trim).filter(|action| !action.is_empty()) {
            let words: Vec<&str> = action.split_whitespace().collect();
            match words[..] {
                ["done"] => answer = Status::OK,
                ["yield"] => answer = Status::PENDING,
                ["fail"] => answer = Status::E_FAILED,
                ["lost"] => answer = Status::E_RESOURCE,
                ["status", number] => answer = Status(number.parse().unwrap()),
                ["panic"] => panic!("as the script says"),
                ["serve"] => answer = self.serve(task, state),
                ["name", label] => state.label = label.to_owned(),
                ["probe", name] => self.world.run_probe(name, &self.host, task),
                ["again"] => state.at -= 1,
                _ => {
                    let said = self.act(task, &words);
                    if !said.is_empty() {
                        state.note(&self.world, &format!("{action} = {said}"));
                    }
                }
            }
        }
        answer
    }

    /// The first step of a task.
    pub(super) fn begin(&self, task: u64, state: Task) -> (Status, Option<Box<Task>>) {
        let mut state = Box::new(state);
        state.note(&self.world, "start");
        let status = self.step(task, &mut state);
        (status, Some(state))
    }

    fn task_named(&self, task: u64, name: &str) -> u64 {
        if name == "me" { task } else { self.world.handle(name) }
    }

    /// One host call; its answer in words.
    fn act(&self, task: u64, words: &[&str]) -> String {
        let (host, world) = (&self.host, &self.world);
        let number = |text: &str| text.parse::<u64>().unwrap();
        let status = match *words {
            ["respond", status, body] => host.respond(task, &response(status, body)),
            ["respond", status] => host.respond(task, &response(status, "")),
            ["respond-field", status, name, value] => {
                let fields = [Field::new(name.as_bytes(), value.as_bytes())];
                host.respond(task, &Response { fields: &fields, ..response(status, "") })
            }
            ["inform", status] => host.inform(task, number(status) as u32, &[]),
            ["start", status] => host.response_start(task, &response(status, "")),
            ["start", status, length] => {
                let content_length = Some(number(length));
                host.response_start(task, &Response { content_length, ..response(status, "") })
            }
            ["write", token, count] => {
                let data = vec![b'x'; number(count) as usize];
                let (status, accepted) = host.response_write(task, number(token), &data);
                return format!("{} {accepted}", status.name());
            }
            ["end"] => host.response_end(task, &[]),
            ["end", name] => host.response_end(task, &[Field::new(name.as_bytes(), b"1")]),
            ["abort"] => host.abort(task),
            ["read", token] => {
                let read = host.body_read(task, number(token), |chunk| chunk.escape_ascii().to_string());
                return read.unwrap_or_else(|status| status.name().to_owned());
            }
            ["trailers"] => {
                let count = host.body_trailers(task, |fields| fields.len().to_string());
                return count.unwrap_or_else(|status| status.name().to_owned());
            }
            ["timer", token, ms] => host.timer(task, number(token), number(ms) * 1_000_000),
            ["completion", token, name] => keep(world, name, host.completion(task, number(token))),
            ["completion-of", other, token, name] => {
                keep(world, name, host.completion(self.task_named(task, other), number(token)))
            }
            ["complete", token, name, value] => {
                world.complete(host, name, number(token), Status::OK, number(value))
            }
            ["cancel", token] => {
                let (status, event) = host.cancel(task, number(token));
                self.deliver(event.as_slice());
                status
            }
            ["notices", mask] => host.notices(task, number(mask) as u32),
            ["spawn", worker, script, name] => {
                let worker = match worker {
                    "any" => u32::MAX,
                    "self" => u32::MAX - 1,
                    other => number(other) as u32,
                };
                let text = world.script_named(script).unwrap();
                keep(world, name, host.spawn(worker, Box::new(text)).map_err(|(status, _)| status))
            }
            ["task-cancel", name] => host.task_cancel(self.task_named(task, name)),
            ["keep", name] => {
                world.keep(name, task);
                return String::new();
            }
            ["index"] => return host.worker_index().to_string(),
            ["refusal"] => return host.refusal().map_or("none".to_owned(), |(rule, _)| rule),
            _ => return self.act_extension(task, words),
        };
        status.name().to_owned()
    }

    fn act_extension(&self, task: u64, words: &[&str]) -> String {
        let (world, number) = (&self.world, |text: &str| text.parse::<u64>().unwrap());
        let (dispatch, fd) = (self.host.dispatch().unwrap(), self.host.fd());
        let handle = |name: &str| world.handle(name);
        let status = match *words {
            ["open", token, flags, name] => {
                let options = ChildOptions { flags: number(flags) as u32, ..ChildOptions::default() };
                let (status, child) = dispatch.open(task, number(token), &options);
                world.keep(name, child);
                status
            }
            ["open-as", method, path, token, flags, name] => {
                let scripts = [("b", "respond 200; done"), ("tells", "")];
                let request = super::request(method, path, &scripts, 77, u64::MAX);
                let flags = number(flags) as u32;
                let options = ChildOptions { flags, request: Some(&request), ..ChildOptions::default() };
                let (status, child) = dispatch.open(task, number(token), &options);
                world.keep(name, child);
                status
            }
            ["head", name] => {
                let head = dispatch.head(task, handle(name), |head| head.status.to_string());
                return head.unwrap_or_else(|status| status.name().to_owned());
            }
            ["child-read", name, token] => {
                let read = dispatch.read(task, handle(name), number(token), |chunk| chunk.len().to_string());
                return read.unwrap_or_else(|status| status.name().to_owned());
            }
            ["child-trailers", name] => {
                let count = dispatch.trailers(task, handle(name), |fields| fields.len().to_string());
                return count.unwrap_or_else(|status| status.name().to_owned());
            }
            ["close", name] => dispatch.close(task, handle(name)),
            ["fd-add", raw, name] => keep(world, name, fd.unwrap().add(world.handle(raw) as i32)),
            ["fd-wait", name, token, interest] => {
                fd.unwrap().wait(task, number(token), handle(name), number(interest) as u32)
            }
            ["fd-remove", name] => fd.unwrap().remove(handle(name)),
            ["has-fd"] => return fd.is_some().to_string(),
            _ => {
                let said = self.act_on_lease(task, words).or_else(|| self.act_as_member(task, words));
                return said.unwrap_or_else(|| panic!("no action {words:?}"));
            }
        };
        status.name().to_owned()
    }

    fn life(&self, callback: &str) -> Status {
        let Some(text) = self.world.script_named(&format!("{callback}-{}", self.name)) else {
            return Status::OK;
        };
        let mut state = self.task(&text);
        state.note(&self.world, callback);
        self.step(0, &mut state)
    }
}

impl Task {
    pub(super) fn note(&self, world: &World, line: &str) {
        world.note(&format!("{} {line}", self.label));
    }
}

fn response<'a>(status: &str, body: &'a str) -> Response<'a> {
    Response { status: status.parse().unwrap(), body: body.as_bytes(), ..Response::default() }
}

pub(super) fn keep(world: &World, name: &str, made: Result<u64, Status>) -> Status {
    match made {
        Ok(handle) => {
            world.keep(name, handle);
            Status::OK
        }
        Err(status) => status,
    }
}

impl Module for Scripted {
    type Worker = u32;
    type Task = Task;

    fn create(host: HostRef, config: &[u8]) -> Result<Self, Status> {
        let text = str::from_utf8(config).unwrap();
        let (name, world) = text[2..text.len() - 1].split_once("\":").unwrap();
        let world = World::numbered(world.parse().unwrap());
        world.set_host(name, host);
        let made = Scripted { host, name: name.to_owned(), world };
        made.life("create").ok().map(|()| made)
    }

    fn worker_start(&self, worker: u32) -> Result<u32, Status> {
        self.life("worker_start").ok().map(|()| worker)
    }

    fn worker_stop(&self, _: u32) {
        self.life("worker_stop");
    }

    fn start(&self, _: &u32, task: u64, start: Start<'_>) -> (Status, Option<Box<Task>>) {
        if start.kind == task_kind::MEMBER {
            return self.start_member(task, &start);
        }
        if let Some(request) = start.request.filter(|request| request.field("script-tells").is_some()) {
            let (method, path) = (request.method().escape_ascii(), request.path().escape_ascii());
            let limited = request.deadline_ns().is_some_and(|deadline_ns| deadline_ns < u64::MAX);
            self.task("").note(&self.world, &format!("sees {method} {path} {} {limited}", request.id()));
        }
        let text = match (start.request, start.arg) {
            (Some(request), _) => {
                let found = request.field(&format!("script-{}", self.name));
                String::from_utf8(found.unwrap_or(b"respond 200; done").to_vec()).unwrap()
            }
            (None, Some(arg)) => *arg.downcast::<String>().unwrap(),
            (None, None) => return (Status::E_INVALID, None),
        };
        // The leases of start gates have the names `g1`, `g2` ...
        for (index, lease) in start.leases.iter().enumerate() {
            self.world.keep(&format!("g{}", index + 1), *lease);
        }
        self.begin(task, self.task(&text))
    }

    fn resume(&self, _: &u32, task: u64, state: &mut Task, events: &[Event]) -> Status {
        self.deliver(events);
        state.note(&self.world, &format!("resume {}", show(events)));
        state.hear(events);
        self.step(task, state)
    }

    fn finish(&self, _: &u32, task: u64, state: Option<Box<Task>>, outcome: Status, unseen: &[Event]) {
        self.deliver(unseen);
        let seen = if unseen.is_empty() { String::new() } else { format!(" unseen {}", show(unseen)) };
        let mut state = state.unwrap_or_else(|| Box::new(self.task("")));
        state.note(&self.world, &format!("finish {}{seen}", outcome.name()));
        if let Some(text) = self.world.script_named(&format!("finish-{}", self.name)) {
            (state.steps, state.at, state.member) = (vec![text], 0, None);
            self.step(task, &mut state);
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.life("destroy");
    }
}
