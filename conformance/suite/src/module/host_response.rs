//! The kit's host: request bodies and responses. Checks what HTTP permits, with the least limits that a container may have.

use super::permission::Allowed;
use super::plan::{Pieces, Room};
use super::record::{Answer, Phase};
use super::script::BodyEnd;
use super::state::{HEAD_BYTES, RESPOND_BYTES, State};
use super::task::Wait;
use http_container_abi::constants::event_kind;
use http_container_abi::{FieldsView, RawFields, Read, ResponseView, Status};

/// Names that a container refuses: framing is its own [response.fields.framing].
const FRAMING: [&str; 6] =
    ["transfer-encoding", "connection", "keep-alive", "upgrade", "te", "proxy-connection"];
/// Names that may not stand in trailers [response.trailers.forbidden].
const NO_TRAILERS: [&str; 14] = [
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expect",
    "host",
    "max-forwards",
    "pragma",
    "range",
    "set-cookie",
    "trailer",
];

fn is_token(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(is_part)
}

/// `HC_OK`, or why fields are refused.
fn check_fields(fields: FieldsView<'_>, is_trailer: bool) -> (Status, &'static str) {
    let mut size = 0;
    for (name, value) in fields {
        let is_named = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let is_control = |&byte: &u8| byte == 0x7f || byte < b' ' && byte != b'\t';
        size += name.len() + value.len();
        if !is_token(name) {
            return (Status::E_FIELD, "response.fields.name");
        }
        if value.iter().any(is_control) {
            return (Status::E_FIELD, "response.fields.value");
        }
        if is_named(&FRAMING) {
            return (Status::E_FIELD, "response.fields.framing");
        }
        if is_trailer && is_named(&NO_TRAILERS) {
            return (Status::E_FIELD, "response.trailers.forbidden");
        }
    }
    if size > HEAD_BYTES {
        return (Status::E_LIMIT, if is_trailer { "response.trailers.limit" } else { "response.head.limit" });
    }
    (Status::OK, "")
}

impl State {
    pub(super) fn body_read(&mut self, task: u64, token: u64) -> Read {
        if let Err(status) = self.permit_refusable("body_read", task) {
            return Read::none(status);
        }
        if let Err(status) = self.need_request("body_read", task) {
            return Read::none(status);
        }
        if self.task(task).is_waiting(event_kind::BODY, |wait| matches!(wait, Wait::Body)) {
            return Read::none(self.refuse("body.read.one", Status::E_BUSY, "a read is waiting"));
        }
        if let Err(status) = self.check_token("body_read", task, token) {
            return Read::none(status);
        }
        if self.task(task).feed.is_taken {
            return Read::none(self.refuse("dispatch.body.taken", Status::E_STATE, "a child has the body"));
        }
        let old = self.task(task).feed.shown.take();
        self.bury(old);
        let late = self.plan.late;
        let is_late = self.choices.one_in(late);
        let pieces = self.plan.pieces;
        let found = self.task(task);
        let is_alone = found.is_alone;
        let feed = &mut found.feed;
        let most = match feed.end {
            BodyEnd::Whole => feed.bytes.len(),
            BodyEnd::Cut => feed.bytes.len() / 2,
            BodyEnd::TooLong => feed.bytes.len() * 2 / 3,
        };
        let is_promised = std::mem::replace(&mut feed.is_promised, false);
        if is_late && !is_promised && !feed.is_over && !is_alone {
            let is_try = token == 0;
            return Read::none(if is_try {
                Status::PENDING
            } else {
                self.begin("body_read", task, token, Wait::Body)
            });
        }
        if feed.given == most || is_alone {
            let is_cut = is_alone && feed.given < feed.bytes.len();
            feed.is_over = true;
            return Read::none(match feed.end {
                _ if is_cut => Status::E_PEER,
                BodyEnd::Whole => Status::END,
                BodyEnd::Cut => Status::E_PEER,
                BodyEnd::TooLong => Status::E_LIMIT,
            });
        }
        let piece = match pieces {
            Pieces::Bytes => 1,
            Pieces::UpTo(most) => 1 + (feed.given * 7 + 13) % most,
        };
        let end = (feed.given + piece).min(most);
        let shown = feed.shown.insert(feed.bytes[feed.given..end].to_vec());
        feed.given = end;
        Read::chunk(shown)
    }

    pub(super) fn body_trailers(&mut self, task: u64) -> Result<RawFields, Status> {
        self.permit("body_trailers", task, Allowed::Step)?;
        self.need_request("body_trailers", task)?;
        let feed = &self.task(task).feed;
        if feed.is_over && feed.end == BodyEnd::Whole {
            return Ok(feed.trailers.raw());
        }
        Err(self.refuse("body.trailers.after-end", Status::E_STATE, "the body has not ended"))
    }

    /// Whether the response is in the right state for a call.
    fn need_phase(
        &mut self,
        call: &'static str,
        task: u64,
        needed: &[Phase],
        rule: &'static str,
    ) -> Result<(), Status> {
        self.need_request(call, task)?;
        let found = self.task(task);
        let phase = found.answer.phase;
        if needed.contains(&phase) {
            return Ok(());
        }
        Err(match phase {
            Phase::Aborted if found.is_alone => {
                self.refuse("cancel.peer.calls", Status::E_PEER, "the peer is gone")
            }
            Phase::Aborted => {
                self.refuse("response.aborted.calls", Status::E_STATE, "the response was broken off")
            }
            Phase::None => self.breach(call, rule, Status::E_STATE, "the response has not begun"),
            Phase::Open => self.breach(call, rule, Status::E_STATE, "the response has begun"),
            Phase::Complete => self.breach(call, rule, Status::E_STATE, "the response is complete"),
        })
    }

    /// What respond and response_start have in common.
    fn head(&mut self, call: &'static str, task: u64, response: &ResponseView<'_>) -> Result<(), Status> {
        self.permit_refusable(call, task)?;
        self.need_phase(call, task, &[Phase::None], "response.head.once")?;
        if !(200..=599).contains(&response.status) {
            let text = "a status outside 200 to 599";
            return Err(self.breach(call, "response.status", Status::E_INVALID, text));
        }
        for (name, value) in response.fields {
            self.look_for_poison(call, name);
            self.look_for_poison(call, value);
        }
        match check_fields(response.fields, false) {
            (Status::OK, _) => {}
            (status, rule) => return Err(self.refuse(rule, status, "a field is refused")),
        }
        let length =
            if call == "respond" { Some(response.body.len() as u64) } else { response.content_length };
        let told: Vec<&[u8]> = response
            .fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length"))
            .map(|(_, value)| value)
            .collect();
        let is_free = response.body.is_empty() && (self.task(task).is_head || response.status == 304);
        let is_digits = |value: &[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let agrees = |value: &[u8]| length.is_some_and(|length| value == length.to_string().as_bytes());
        if told.len() > 1 || told.iter().any(|value| !is_digits(value) || !is_free && !agrees(value)) {
            let text = "the field content-length does not agree with the length";
            return Err(self.refuse("response.content-length", Status::E_FIELD, text));
        }
        Ok(())
    }

    fn store(&mut self, task: u64, response: &ResponseView<'_>, phase: Phase) {
        let fields = response.fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        self.task(task).answer = Answer {
            phase,
            status: response.status,
            fields,
            body: response.body.to_vec(),
            length: response.content_length,
        };
    }

    pub(super) fn respond(&mut self, task: u64, response: &ResponseView<'_>) -> Status {
        if let Err(status) = self.head("respond", task, response) {
            return status;
        }
        if response.body.len() > RESPOND_BYTES {
            return self.refuse("response.respond.limit", Status::E_LIMIT, "the body is too long");
        }
        self.look_for_poison("respond", response.body);
        self.store(task, response, Phase::Complete);
        let found = self.task(task);
        let is_thrown_away = !found.is_head && found.has_no_body() && !response.body.is_empty();
        if is_thrown_away { Status::DISCARDED } else { Status::OK }
    }

    pub(super) fn inform(&mut self, task: u64, status: u32, fields: FieldsView<'_>) -> Status {
        if let Err(status) = self.permit_refusable("inform", task) {
            return status;
        }
        if let Err(status) = self.need_phase("inform", task, &[Phase::None], "response.head.once") {
            return status;
        }
        if !(102..=199).contains(&status) {
            let text = "a status outside 102 to 199";
            return self.breach("inform", "response.inform.status", Status::E_INVALID, text);
        }
        match check_fields(fields, false) {
            (Status::OK, _) if self.task(task).is_old => Status::DISCARDED,
            (Status::OK, _) => Status::OK,
            (status, rule) => self.refuse(rule, status, "a field is refused"),
        }
    }

    pub(super) fn response_start(&mut self, task: u64, response: &ResponseView<'_>) -> Status {
        if let Err(status) = self.head("response_start", task, response) {
            return status;
        }
        if !response.body.is_empty() {
            let text = "the body is not empty";
            return self.breach("response_start", "response.start.body", Status::E_INVALID, text);
        }
        self.store(task, response, Phase::Open);
        if self.plan.room != Room::Enough {
            self.task(task).room = Some(0);
        }
        Status::OK
    }

    pub(super) fn response_write(&mut self, task: u64, token: u64, data: &[u8]) -> (Status, usize) {
        if let Err(status) = self.permit_refusable("response_write", task) {
            return (status, 0);
        }
        if let Err(status) = self.need_phase("response_write", task, &[Phase::Open], "response.write.open") {
            return (status, 0);
        }
        if self.is_writing(task) {
            return (self.refuse("response.write.one", Status::E_BUSY, "a write is waiting"), 0);
        }
        if let Err(status) = self.check_token("response_write", task, token) {
            return (status, 0);
        }
        self.look_for_poison("response_write", data);
        let found = self.task(task);
        let written = (found.answer.body.len() + data.len()) as u64;
        if found.has_no_body() {
            return (Status::DISCARDED, data.len());
        }
        if found.answer.length.is_some_and(|length| written > length) {
            let text = "more than content_length";
            return (self.breach("response_write", "response.write.length", Status::E_INVALID, text), 0);
        }
        let room = found.room.unwrap_or(usize::MAX);
        let accepted = room.min(data.len());
        if accepted < data.len() && token != 0 {
            let status = self.begin("response_write", task, token, Wait::Write);
            if status != Status::PENDING {
                return (status, 0);
            }
        }
        let found = self.task(task);
        found.answer.body.extend_from_slice(&data[..accepted]);
        found.room = found.room.map(|room| room - accepted);
        (if accepted < data.len() { Status::PENDING } else { Status::OK }, accepted)
    }

    fn is_writing(&mut self, task: u64) -> bool {
        self.task(task).is_waiting(event_kind::WRITE, |wait| matches!(wait, Wait::Write))
    }

    pub(super) fn response_end(&mut self, task: u64, trailers: FieldsView<'_>) -> Status {
        if let Err(status) = self.permit_refusable("response_end", task) {
            return status;
        }
        if let Err(status) = self.need_phase("response_end", task, &[Phase::Open], "response.write.open") {
            return status;
        }
        match check_fields(trailers, true) {
            (Status::OK, _) => {}
            (status, rule) => return self.refuse(rule, status, "a trailer is refused"),
        }
        if self.is_writing(task) {
            return self.refuse("response.end.waiting", Status::E_BUSY, "a write is waiting");
        }
        let found = self.task(task);
        let written = found.answer.body.len() as u64;
        if !found.has_no_body() && found.answer.length.is_some_and(|length| written < length) {
            found.answer.phase = Phase::Aborted;
            let text = "less than content_length was written";
            return self.breach("response_end", "response.end.length", Status::E_STATE, text);
        }
        found.answer.phase = Phase::Complete;
        let has_place = !found.is_old && !found.has_no_body() && found.answer.length.is_none();
        if trailers.is_empty() || has_place { Status::OK } else { Status::DISCARDED }
    }

    pub(super) fn abort(&mut self, task: u64) -> Status {
        if let Err(status) = self.permit("abort", task, Allowed::Step) {
            return status;
        }
        if let Err(status) =
            self.need_phase("abort", task, &[Phase::None, Phase::Open], "response.abort.ended")
        {
            return status;
        }
        self.task(task).answer.phase = Phase::Aborted;
        Status::OK
    }
}
