//! The kit's host: hc.kv/1 for modules that use a store. Must not know how a store keeps values.

use super::host::KitHost;
use super::kv_store::KvRequest;
use super::permission::Allowed;
use super::resources::{KvReply, KvSide};
use super::state::State;
use super::task::Wait;
use http_container_abi::constants::{KV_ID, event_kind, kv_operation};
use http_container_abi::{Event, KvHost, KvRequestView, RawMessage, RawReply, Status, hc_bytes};

/// So many messages that nobody in the kit published come on a lease.
const FOREIGN_MESSAGES: usize = 3;
/// Most messages that wait for a lease; those beyond are lost.
const MESSAGES: usize = 64;

impl KvSide {
    /// The event of the operation has reached the module.
    pub(super) fn is_told(&mut self, status: Status) {
        self.is_answered = false;
        self.has_reply = status == Status::OK;
    }

    /// Whether a message is there, or may come from somebody else.
    pub(super) fn has_more(&self) -> bool {
        !self.messages.is_empty() || self.channels.is_empty() || self.foreign < FOREIGN_MESSAGES
    }
}

impl State {
    /// The view of an answer has ended.
    pub(super) fn bury_reply(&mut self, reply: Option<KvReply>) {
        self.bury(reply.map(|reply| reply.value));
    }

    /// The views of a message have ended.
    pub(super) fn bury_message(&mut self, message: Option<(Vec<u8>, Vec<u8>)>) {
        if let Some((channel, value)) = message {
            self.bury(Some(channel));
            self.bury(Some(value));
        }
    }

    fn kv_run(&mut self, (task, lease, token): (u64, u64, u64), view: &KvRequestView<'_>) -> Status {
        let call = "hc.kv/1 run";
        if let Err(status) = self.permit_refusable(call, task) {
            return status;
        }
        if token == 0 {
            return self.breach(call, "completion.token.zero", Status::E_TOKEN, "the token is 0");
        }
        let found = match self.lease(call, task, lease, KV_ID) {
            Ok(found) => found,
            Err(status) => return status,
        };
        let is_about_channels = matches!(view.operation, kv_operation::SUBSCRIBE | kv_operation::UNSUBSCRIBE);
        let is_refused = !found.kv.channels.is_empty() && !is_about_channels;
        let (is_lost, is_busy) = (found.is_lost, found.kv.request.is_some() || found.kv.is_answered);
        if is_lost {
            return self.refuse("lease.member.ended", Status::E_RESOURCE, "the member is gone");
        }
        if is_busy {
            return self.refuse("lease.operation.one", Status::E_BUSY, "an operation is under way");
        }
        if is_refused {
            return self.refuse("kv.subscribed", Status::E_STATE, "a channel is subscribed");
        }
        self.look_for_poison(call, view.key);
        self.look_for_poison(call, view.value);
        let status = self.begin(call, task, token, Wait::Kv(lease));
        if status != Status::PENDING {
            return status;
        }
        let found = self.leases.get_mut(&lease).expect("it was found");
        found.token = token;
        found.kv.request = Some(KvRequest::of(view));
        found.kv.has_reply = false;
        let reply = found.kv.reply.take();
        self.bury_reply(reply);
        status
    }

    /// An operation is done, and has its event.
    pub(super) fn stored(&mut self, task: u64, token: u64, lease: u64) {
        let failing = self.plan.members.failing;
        let failure = self.choices.one_in(failing).then(|| self.failure());
        let Some(found) = self.leases.get_mut(&lease) else { return };
        let Some(request) = found.kv.request.take() else { return };
        found.kv.is_answered = true;
        let resource = found.resource;
        let answer = match failure {
            Some(failure) => {
                found.is_lost = failure == Status::E_RESOURCE;
                Err(failure)
            }
            None => self.operate(lease, resource, &request),
        };
        let status = answer.as_ref().err().copied().unwrap_or(Status::OK);
        if let Some(found) = self.leases.get_mut(&lease) {
            found.kv.reply = answer.ok();
        }
        self.latch(task, Event { token, value: 0, status, kind: event_kind::KV });
    }

    fn operate(&mut self, lease: u64, resource: usize, request: &KvRequest) -> Result<KvReply, Status> {
        let channels = &mut self.leases.get_mut(&lease).expect("it asks").kv.channels;
        let place = channels.iter().position(|channel| *channel == request.key);
        match request.operation {
            kv_operation::SUBSCRIBE => {
                if place.is_none() {
                    channels.push(request.key.clone());
                }
                Ok(KvReply::default())
            }
            kv_operation::UNSUBSCRIBE => {
                place.map(|place| channels.remove(place));
                Ok(KvReply { found: u32::from(place.is_some()), ..KvReply::default() })
            }
            kv_operation::PUBLISH => {
                let mut number = 0;
                for lease in self.leases.values_mut().filter(|lease| lease.resource == resource) {
                    if lease.kv.channels.contains(&request.key) {
                        number += 1;
                        if lease.kv.messages.len() < MESSAGES {
                            lease.kv.messages.push_back((request.key.clone(), request.value.clone()));
                        }
                    }
                }
                Ok(KvReply { number, ..KvReply::default() })
            }
            _ => {
                let now_ns = self.now_ns;
                self.stores.entry(resource).or_default().run(now_ns, request)
            }
        }
    }

    fn kv_message(&mut self, task: u64, lease: u64, token: u64) -> Result<RawMessage, Status> {
        let call = "hc.kv/1 message";
        self.permit_refusable(call, task)?;
        self.lease(call, task, lease, KV_ID)?;
        if self.task(task).is_waiting_for(event_kind::KV_MESSAGE, lease) {
            return Err(self.refuse("kv.message", Status::E_BUSY, "a `message` waits"));
        }
        self.check_token(call, task, token)?;
        let found = self.leases.get_mut(&lease).expect("it was found");
        let shown = found.kv.shown.take();
        let next = found.kv.messages.pop_front();
        let (is_lost, is_subscribed) = (found.is_lost, !found.kv.channels.is_empty());
        self.bury_message(shown);
        if let Some(message) = next {
            let found = self.leases.get_mut(&lease).expect("it was found");
            let (channel, value) = found.kv.shown.insert(message);
            return Ok(RawMessage { channel: hc_bytes::of(channel), value: hc_bytes::of(value) });
        }
        match (is_lost, is_subscribed) {
            (true, _) => Err(Status::E_RESOURCE),
            (false, false) => Err(self.refuse("kv.message", Status::E_STATE, "no channel is subscribed")),
            (false, true) if token == 0 => Err(Status::PENDING),
            (false, true) => Err(self.begin(call, task, token, Wait::KvMessage(lease))),
        }
    }

    /// A `message` that waits has its event: for a message that is there, or one that somebody else publishes now.
    pub(super) fn heard(&mut self, task: u64, token: u64, lease: u64) {
        if let Some(found) = self.leases.get_mut(&lease)
            && found.kv.messages.is_empty()
            && !found.kv.channels.is_empty()
        {
            found.kv.foreign += 1;
            let channel = found.kv.channels[0].clone();
            found.kv.messages.push_back((channel, format!("message {}", found.kv.foreign).into_bytes()));
        }
        self.latch(task, Event::ready(event_kind::KV_MESSAGE, token));
    }
}

impl KvHost for KitHost {
    fn kv_run(&self, task: u64, lease: u64, token: u64, request: &KvRequestView<'_>) -> Status {
        let call = || {
            format!(
                "hc.kv/1 run({}, {token}, {}, {})",
                task & 0xffff,
                request.operation,
                request.key.escape_ascii()
            )
        };
        self.call(call, |state| state.kv_run((task, lease, token), request))
    }

    fn kv_reply(&self, task: u64, lease: u64) -> Result<RawReply, Status> {
        let call = || format!("hc.kv/1 reply({})", task & 0xffff);
        self.call(call, |state| {
            state.permit("hc.kv/1 reply", task, Allowed::Step)?;
            let kv = &state.lease("hc.kv/1 reply", task, lease, KV_ID)?.kv;
            match kv.reply.as_ref().filter(|_| kv.has_reply) {
                Some(reply) => Ok(reply.raw()),
                None => Err(state.refuse("kv.reply", Status::E_STATE, "no operation went well")),
            }
        })
    }

    fn kv_message(&self, task: u64, lease: u64, token: u64) -> Result<RawMessage, Status> {
        let call = || format!("hc.kv/1 message({}, {token})", task & 0xffff);
        self.call(call, |state| state.kv_message(task, lease, token))
    }
}
