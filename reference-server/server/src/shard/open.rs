//! Opening a request: its head goes into an exchange, its route is chosen, its task is made.

use super::Shard;
use crate::config::UNLIMITED;
use crate::connection::{Connection, Ending};
use crate::door::Place;
use crate::exchange::HttpExchange;
use crate::plan::StatusClaim;
use crate::wire::{self, Input};
use hc_host::{Exchange as _, Opening};
use hc_http1::{Connection as Http, FieldTable, Head, Refusal, RequestBody, Span, TargetForm, Version};
use http_container_abi::{RequestFacts, RequestSpans, Status};
use std::sync::Arc;

impl Shard {
    /// A head is complete: `bytes` are exactly its bytes.
    pub(super) fn open(
        &mut self,
        place: Place,
        connection: &mut Connection,
        http: Http,
        bytes: &[u8],
        head: &Head,
        fields: &FieldTable,
    ) {
        self.common.tally[self.index].requests.add(1);
        let mut exchange = self.spare_exchange();
        let Some(inner) = Arc::get_mut(&mut exchange) else { return };
        inner.place = place;
        inner.drain_bytes = self.common.plan.limits.unread_body_bytes;
        connection.drain_bytes = inner.drain_bytes;
        let input = if head.has_body() { Input::Open } else { Input::Ended };
        connection.has_body = head.has_body();
        inner.begin(http, input);
        let route = self.choose(connection, bytes, head);
        let deadline_ns = self.fill(inner, connection, bytes, head, fields, route.as_ref().ok().copied());
        match route {
            Ok(route) => self.hand_over(connection, exchange, route, deadline_ns),
            Err(status) => self.answer_here(connection, exchange, status),
        }
    }

    /// The route, or the status with which the container answers itself (200 stands for the counters).
    fn choose(&self, connection: &Connection, bytes: &[u8], head: &Head) -> Result<u32, u16> {
        if head.form == TargetForm::Authority {
            return Err(501);
        }
        let path = head.path.of(bytes);
        match self.common.plan.status_claim(path, &connection.peer, connection.listener) {
            StatusClaim::None => {}
            StatusClaim::Counters => return Err(200),
            StatusClaim::Nobody => return Err(404),
        }
        let authority = head.authority.map_or(&b""[..], |span| span.of(bytes));
        let route = self.common.plan.table.resolve(authority, path).ok_or(404u16)? as u32;
        let limit = self.common.plan.routes[route as usize].body_bytes;
        if limit != UNLIMITED && head.content_length.is_some_and(|length| length > limit) {
            return Err(413);
        }
        Ok(route)
    }

    fn fill(
        &mut self,
        exchange: &mut HttpExchange,
        connection: &Connection,
        bytes: &[u8],
        head: &Head,
        fields: &FieldTable,
        route: Option<u32>,
    ) -> u64 {
        // Numbers of different shards never meet: each counts in steps of the number of shards.
        self.next_request += self.common.tally.len() as u64;
        let deadline_ns = route.map_or(self.now_ns, |route| {
            self.now_ns.saturating_add(self.common.plan.routes[route as usize].deadline_ns)
        });
        let buffer = exchange.request.buffer();
        hc_http1::copy_head_lowercased(bytes, bytes.len(), fields, buffer);
        let pair = |span: Span| (span.start, span.end);
        let find_upgrade = || {
            fields.as_slice().iter().find(|field| {
                bytes[field.name.start as usize..field.name.end as usize].eq_ignore_ascii_case(b"upgrade")
            })
        };
        let upgrade = head.upgrade.then(find_upgrade).flatten();
        exchange.request.seal(
            &RequestSpans {
                method: pair(head.method),
                target: pair(head.target),
                scheme: "http",
                authority: head.authority.map_or((0, 0), pair),
                path: pair(head.path),
                query: head.query.map(pair),
                protocol: upgrade.map_or((0, 0), |field| pair(field.value)),
            },
            fields.as_slice().iter().map(|field| (pair(field.name), pair(field.value))),
            RequestFacts {
                id: self.next_request,
                version: if head.version == Version::Http10 { 10 } else { 11 },
                content_length: match head.body {
                    RequestBody::Empty => Some(0),
                    RequestBody::Known(length) => Some(length),
                    RequestBody::Chunked => None,
                },
                deadline_ns: Some(deadline_ns),
                peer: connection.peer,
                local: self.locals[usize::from(connection.listener)],
                tls: None,
            },
        );
        deadline_ns
    }

    fn hand_over(
        &mut self,
        connection: &mut Connection,
        exchange: Arc<HttpExchange>,
        route: u32,
        deadline_ns: u64,
    ) {
        let opening = Opening {
            exchange: Arc::clone(&exchange) as Arc<dyn hc_host::Exchange>,
            route,
            request_id: self.next_request,
            deadline_ns,
        };
        match self.host.open(opening) {
            Some(task) => {
                connection.exchange = Some(exchange);
                connection.task = task;
                connection.route = route;
                // One that waits at a gate comes by `take_fresh` when it has passed.
                if self.host.pass_gates(task, route) {
                    self.fresh_route = route;
                    self.fresh.push(task);
                }
            }
            None => self.answer_here(connection, exchange, 503),
        }
    }

    /// Answers without a module: the exchange has no task, so it has ended when it is answered.
    fn answer_here(&mut self, connection: &mut Connection, exchange: Arc<HttpExchange>, status: u16) {
        if status == 200 {
            self.answer_status(&exchange);
        } else {
            if status == 413 {
                exchange.wire().http.close_after_response();
            }
            exchange.refuse(status);
        }
        exchange.ended(Status::OK);
        connection.exchange = Some(exchange);
        connection.task = 0;
        connection.route = 0;
    }

    /// The peer's bytes are no request: says so, and ends.
    pub(super) fn refuse_head(&mut self, connection: &mut Connection, http: Http, refusal: Refusal) {
        self.common.tally[self.index].refused.add(1);
        let mut exchange = self.spare_exchange();
        if let Some(inner) = Arc::get_mut(&mut exchange) {
            inner.begin(http, Input::Failed(Status::E_PEER));
        }
        {
            let mut wire = exchange.wire();
            wire::answer_refusal(&mut wire, &refusal);
            connection.outbox.drain(..connection.sent);
            connection.sent = 0;
            connection.outbox.append(&mut wire.out);
            self.log_refusal(connection, &wire, &refusal);
        }
        connection.must_linger = true;
        connection.ending = Ending::Flush;
        self.keep_exchange(exchange);
    }

    fn spare_exchange(&mut self) -> Arc<HttpExchange> {
        self.spare.pop().unwrap_or_else(|| Arc::new(HttpExchange::new(Arc::clone(&self.door))))
    }

    /// Keeps an exchange that nobody else holds, for the next request.
    pub(super) fn keep_exchange(&mut self, mut exchange: Arc<HttpExchange>) {
        if self.spare.len() < super::SPARE_EXCHANGES
            && let Some(inner) = Arc::get_mut(&mut exchange)
        {
            inner.wire().drop_unread();
            self.spare.push(exchange);
        }
    }
}
