//! The kit's host: hc.provider/1. Checks what a provider answers to what it was asked. Must not know what to ask.

use super::host::KitHost;
use super::members::{Member, MemberAnswer, Request};
use super::permission::Allowed;
use super::resources::KvReply;
use super::sql_answers::Value;
use super::state::{Callback, State};
use super::task::Wait;
use http_container_abi::constants::{
    KV_ID, LIMIT_ID, POOL_ID, SQL_ID, event_kind, member_flag, sql_flag, task_kind,
};
use http_container_abi::{NamesView, Opaque, ProviderHost, RawMemberRequest, ResultView, SqlValues, Status};

/// Interfaces that can be offered.
const INTERFACES: [&str; 4] = [SQL_ID, KV_ID, POOL_ID, LIMIT_ID];

impl State {
    fn offer(&mut self, interface: &[u8]) -> Status {
        let call = "hc.provider/1 offer";
        self.look_alive(call);
        match self.here().map(|here| here.callback) {
            Some(Callback::Create) => {}
            Some(Callback::Step | Callback::Finish | Callback::WorkerStart | Callback::WorkerStop) => {
                return self.breach(call, "call.table", Status::E_STATE, "called outside of create");
            }
            _ => return self.breach(call, "call.table", Status::E_THREAD, "called outside of create"),
        }
        let interface = String::from_utf8_lossy(interface).into_owned();
        self.record.offers.push(interface.clone());
        if self.plan.is_offer_refused || !INTERFACES.contains(&interface.as_str()) {
            return self.refuse("provider.offer", Status::E_UNSUPPORTED, "it cannot be carried");
        }
        if self.offered.is_some() {
            return self.breach(call, "provider.offer.once", Status::E_STATE, "an interface was offered");
        }
        self.offered = Some(interface);
        Status::OK
    }

    /// The member of a task. `is_open`: it has to be ready.
    fn member(&mut self, call: &'static str, task: u64, is_open: bool) -> Result<&mut Member, Status> {
        self.permit(call, task, Allowed::Step)?;
        if self.task(task).kind != task_kind::MEMBER {
            return Err(self.breach(call, "provider.member.only", Status::E_STATE, "the task is no member"));
        }
        if is_open && !self.members.get(&task).is_some_and(|member| member.is_ready) {
            return Err(self.breach(call, "provider.ready", Status::E_STATE, "the member is not ready"));
        }
        Ok(self.members.entry(task).or_default())
    }

    fn member_ready(&mut self, task: u64) -> Status {
        let call = "hc.provider/1 ready";
        let is_pool = self.offered.as_deref() == Some(POOL_ID);
        let member = match self.member(call, task, false) {
            Ok(member) => member,
            Err(status) => return status,
        };
        if member.is_ready {
            return self.breach(call, "provider.ready", Status::E_STATE, "it is ready already");
        }
        if is_pool && !member.has_object {
            return self.breach(call, "provider.object", Status::E_STATE, "it has no object");
        }
        member.is_ready = true;
        Status::OK
    }

    fn next_request(&mut self, task: u64, token: u64) -> Result<RawMemberRequest, Status> {
        let call = "hc.provider/1 next";
        self.member(call, task, true)?;
        let found = self.task(task);
        if found.is_waiting(event_kind::MEMBER, |wait| matches!(wait, Wait::Member)) {
            return Err(self.refuse("waiting.ready.one", Status::E_BUSY, "a `next` waits"));
        }
        self.check_token(call, task, token)?;
        let late = self.plan.members.late;
        let is_late = late > 1 && self.choices.one_in(late) && token != 0;
        let member = self.members.entry(task).or_default();
        if !member.has_next() || is_late {
            return Err(if token == 0 {
                Status::PENDING
            } else {
                self.begin(call, task, token, Wait::Member)
            });
        }
        if member.under_way.is_some() {
            (member.is_to_interrupt, member.is_interrupted) = (false, true);
            return Ok(RawMemberRequest::INTERRUPT);
        }
        let Some(request) = member.queue.pop_front() else {
            member.is_told_to_close = true;
            return Ok(RawMemberRequest::CLOSE);
        };
        let storage = request.storage();
        let raw = storage.raw();
        member.under_way = Some((request, storage));
        member.answer = MemberAnswer::default();
        (member.kept, member.is_interrupted) = (0, false);
        Ok(raw)
    }

    fn columns(&mut self, task: u64, names: NamesView<'_>) -> Status {
        let call = "hc.provider/1 columns";
        let names: Result<Vec<String>, _> =
            names.iter().map(|name| String::from_utf8(name.to_vec())).collect();
        let member = match self.member(call, task, true) {
            Ok(member) => member,
            Err(status) => return status,
        };
        let has_statement = matches!(
            &member.under_way,
            Some((Request::Statement(_, flags, _), _)) if flags & sql_flag::SCRIPT == 0
        );
        if !has_statement || member.answer.columns.is_some() {
            let text = "no statement waits for its columns";
            return self.breach(call, "provider.columns", Status::E_STATE, text);
        }
        let Ok(names) = names else {
            return self.breach(call, "provider.columns", Status::E_INVALID, "a name is not UTF-8");
        };
        member.answer.columns = Some(names);
        Status::OK
    }

    fn take_rows(&mut self, task: u64, token: u64, values: SqlValues<'_>) -> (Status, usize) {
        let call = "hc.provider/1 rows";
        if let Err(status) = self.member(call, task, true) {
            return (status, 0);
        }
        if self.task(task).is_waiting(event_kind::MEMBER_ROOM, |wait| matches!(wait, Wait::MemberRoom)) {
            return (self.refuse("waiting.ready.one", Status::E_BUSY, "a `rows` waits"), 0);
        }
        if let Err(status) = self.check_token(call, task, token) {
            return (status, 0);
        }
        let batch = self.plan.members.batch;
        let member = self.members.entry(task).or_default();
        let width = member.answer.columns.as_ref().map_or(0, Vec::len);
        if member.under_way.is_none() || width == 0 {
            let text = "no statement under way has columns";
            return (self.breach(call, "provider.rows", Status::E_STATE, text), 0);
        }
        if !values.len().is_multiple_of(width) {
            let text = "the values are no whole rows";
            return (self.breach(call, "provider.rows", Status::E_INVALID, text), 0);
        }
        let offered = values.len() / width;
        if member.is_interrupted {
            return (Status::DISCARDED, offered);
        }
        let room = if batch == 0 { usize::MAX } else { batch.saturating_sub(member.kept) };
        let taken = offered.min(room);
        if taken < offered && token != 0 {
            let status = self.begin(call, task, token, Wait::MemberRoom);
            if status != Status::PENDING {
                return (status, 0);
            }
        }
        let member = self.members.entry(task).or_default();
        member.kept += taken;
        member.answer.values.extend(values.iter().take(taken * width).map(Value::of));
        (if taken < offered { Status::PENDING } else { Status::OK }, taken)
    }

    fn message(&mut self, task: u64, channel: &[u8], value: &[u8]) -> Status {
        let call = "hc.provider/1 message";
        let is_store = self.offered.as_deref() == Some(KV_ID);
        match self.member(call, task, true) {
            Ok(_) if !is_store => {
                self.breach(call, "provider.message", Status::E_STATE, "the resource is no store")
            }
            Ok(member) => {
                member.messages.push((channel.to_vec(), value.to_vec()));
                Status::OK
            }
            Err(status) => status,
        }
    }

    fn request_done(&mut self, task: u64, result: &ResultView<'_>) -> Status {
        let call = "hc.provider/1 done";
        let member = match self.member(call, task, true) {
            Ok(member) => member,
            Err(status) => return status,
        };
        if result.status.0 > 0 {
            return self.breach(call, "provider.done", Status::E_INVALID, "a positive status");
        }
        let Some((request, storage)) = member.under_way.take() else {
            let text = "no request is under way";
            return self.breach(call, "provider.done.once", Status::E_STATE, text);
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut answer = std::mem::take(&mut member.answer);
        answer.status = result.status;
        answer.flags = result.flags;
        answer.affected = result.affected;
        (answer.code, answer.message) = (text(result.code), text(result.message));
        answer.reply = result.reply.map_or_else(KvReply::default, |reply| KvReply {
            found: reply.found,
            value: reply.value.to_vec(),
            number: reply.number,
            ttl_ms: reply.ttl_ms,
        });
        member.is_to_interrupt = false;
        member.take_note(&request, result.status);
        member.old.push_back(storage);
        if member.old.len() > 4 {
            member.old.pop_front();
        }
        let is_bound = member.is_in_transaction || !member.channels.is_empty();
        let is_dirty = result.flags & (member_flag::DIRTY | member_flag::BROKEN) != 0;
        member.answers.push(answer);
        if is_bound && !is_dirty {
            let text = "done without HC_MEMBER_DIRTY: a transaction is open, or a channel subscribed";
            self.record.violate("provider.flag.dirty.told", text.to_owned());
        }
        self.look_at_failure(&request, result);
        self.end_room(task);
        Status::OK
    }

    /// What a database refused has a code of five characters, or none, and words.
    fn look_at_failure(&mut self, request: &Request, result: &ResultView<'_>) {
        if result.status != Status::E_FAILED || !matches!(request, Request::Statement(..)) {
            return;
        }
        let is_part = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        let is_code = result.code.is_empty() || result.code.len() == 5 && result.code.iter().all(is_part);
        if !is_code || result.message.is_empty() {
            let code = result.code.escape_ascii();
            let text = format!(
                "a statement is refused with the code `{code}` and {} bytes of words",
                result.message.len()
            );
            self.record.violate("sql.failure.code", text);
        }
    }

    /// A `rows` that waits has its event, since its request is over.
    fn end_room(&mut self, task: u64) {
        let found = self.task(task);
        let place = found.waits.iter().position(|(_, wait)| matches!(wait, Wait::MemberRoom));
        if let Some(place) = place {
            let (token, _) = found.waits.remove(place);
            self.latch(task, http_container_abi::Event::ready(event_kind::MEMBER_ROOM, token));
        }
    }
}

impl ProviderHost for KitHost {
    fn provider_offer(&self, interface: &[u8]) -> Status {
        let call = || format!("hc.provider/1 offer({})", interface.escape_ascii());
        self.call(call, |state| state.offer(interface))
    }

    fn provider_ready(&self, task: u64) -> Status {
        self.call(|| format!("hc.provider/1 ready({})", task & 0xffff), |state| state.member_ready(task))
    }

    fn provider_explain(&self, task: u64, reason: &[u8]) -> Status {
        let call = || format!("hc.provider/1 explain({}): {}", task & 0xffff, reason.escape_ascii());
        self.call(call, |state| match state.member("hc.provider/1 explain", task, false) {
            Ok(member) => {
                member.reason = String::from_utf8_lossy(reason).into_owned();
                Status::OK
            }
            Err(status) => status,
        })
    }

    fn provider_object(&self, task: u64, type_name: &[u8], object: Opaque) -> Status {
        let call = || format!("hc.provider/1 object({}, {})", task & 0xffff, type_name.escape_ascii());
        self.call(call, |state| {
            let name = "hc.provider/1 object";
            let is_pool = state.offered.as_deref() == Some(POOL_ID);
            match state.member(name, task, false) {
                Ok(member) if !is_pool || member.is_ready => {
                    let text = "the member is ready, or its resource lends no objects";
                    state.breach(name, "provider.object", Status::E_STATE, text)
                }
                Ok(_) if object == Opaque::NULL => {
                    state.breach(name, "provider.object", Status::E_INVALID, "the object is NULL")
                }
                Ok(member) => {
                    member.has_object = true;
                    Status::OK
                }
                Err(status) => status,
            }
        })
    }

    fn provider_next(&self, task: u64, token: u64) -> Result<RawMemberRequest, Status> {
        let mut state = self.shared.lock();
        let answer = state.next_request(task, token);
        state.record.trace(|| {
            let asked = state_of(answer.as_ref());
            format!("   hc.provider/1 next({}, {token}) -> {asked}", task & 0xffff)
        });
        answer
    }

    fn provider_columns(&self, task: u64, names: NamesView<'_>) -> Status {
        let call = || format!("hc.provider/1 columns({}, {names:?})", task & 0xffff);
        self.call(call, |state| state.columns(task, names))
    }

    fn provider_rows(&self, task: u64, token: u64, values: SqlValues<'_>) -> (Status, usize) {
        let call = || format!("hc.provider/1 rows({}, {token}, {} values)", task & 0xffff, values.len());
        self.call(call, |state| state.take_rows(task, token, values))
    }

    fn provider_message(&self, task: u64, channel: &[u8], value: &[u8]) -> Status {
        let call = || format!("hc.provider/1 message({}, {})", task & 0xffff, channel.escape_ascii());
        self.call(call, |state| state.message(task, channel, value))
    }

    fn provider_done(&self, task: u64, result: &ResultView<'_>) -> Status {
        let call = || {
            let words = result.message.escape_ascii();
            format!(
                "hc.provider/1 done({}, {:?}, flags {}) {words}",
                task & 0xffff,
                result.status,
                result.flags
            )
        };
        self.call(call, |state| state.request_done(task, result))
    }
}

fn state_of(answer: Result<&RawMemberRequest, &Status>) -> String {
    match answer {
        Ok(_) => "HC_OK".to_owned(),
        Err(status) => format!("{status:?}"),
    }
}
