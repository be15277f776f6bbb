//! Ends: of a cycle, of a connection's halves, of the connection; and the time limits that bring them about.

use super::Shard;
use crate::connection::{Connection, Ending, Fate, Leftover, Phase};
use crate::door::Place;
use crate::log::{AccessRecord, Remote};
use crate::wire::{self, Input, Progress, Wire};
use hc_host::Signal;
use hc_http1::{Connection as Http, Refusal};
use http_container_abi::constants::address_family;
use http_container_abi::raw::hc_address;
use http_container_abi::{RequestView, Status};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Shard {
    /// A response has ended, one way or another: counts and logs it.
    pub(super) fn finish_cycle(&mut self, connection: &mut Connection, wire: &Wire) {
        let tally = &self.common.tally[self.index];
        match wire.progress {
            Progress::Complete => tally.responses.add(1),
            _ => tally.aborted.add(1),
        };
        connection.progress(self.now_ns);
        if self.access.is_some()
            && let Some(exchange) = connection.exchange.clone()
        {
            let outcome = match (wire.progress, wire.ended) {
                (Progress::Complete, None | Some(Status::OK)) => "done",
                (_, Some(Status::CANCELLED_PEER)) => "peer",
                (_, Some(Status::CANCELLED_DEADLINE)) => "deadline",
                (_, Some(Status::CANCELLED_DRAIN)) => "drain",
                (Progress::Complete, Some(_)) => "failed",
                _ if wire.peer_gone => "peer",
                _ => "aborted",
            };
            self.log(connection, Some(exchange.request.head()), (wire.status, wire.body_bytes), outcome);
        }
        // What is there already of the next request counts from here.
        connection.head_ns = self.now_ns;
    }

    /// Logs bytes that were no request.
    pub(super) fn log_refusal(&mut self, connection: &Connection, wire: &Wire, refusal: &Refusal) {
        self.log(connection, None, (wire.status, wire.body_bytes), refusal.name());
    }

    fn log(
        &mut self,
        connection: &Connection,
        head: Option<RequestView<'_>>,
        sent: (u16, u64),
        outcome: &str,
    ) {
        let Some(access) = &mut self.access else { return };
        let plan = self.common.plan.routes.get(connection.route as usize).filter(|_| connection.task != 0);
        let record = AccessRecord {
            remote: remote(&connection.peer),
            method: head.map_or(b"", |head| head.method()),
            target: head.map_or(b"", |head| head.target()),
            version: head.map_or(11, |head| head.version()),
            status: sent.0,
            body_bytes: sent.1,
            duration: Duration::from_nanos(self.host.now_ns().saturating_sub(connection.head_ns)),
            referer: head.and_then(|head| head.field("referer")),
            user_agent: head.and_then(|head| head.field("user-agent")),
            host: head.map(|head| head.authority()).filter(|host| !host.is_empty()),
            module: plan.map(|plan| plan.module.as_str()),
            route: plan.map(|plan| plan.label.as_str()),
            request: head.map_or(0, |head| head.id()),
            outcome,
        };
        access.record(&record, &self.clock);
    }

    /// All is sent and no request follows: ends the own half, and lets the peer read it before the connection goes.
    pub(super) fn end_half(&mut self, connection: &mut Connection) -> Fate {
        if connection.broken {
            connection.stream.reset_on_close();
            return Fate::Close;
        }
        let is_clean = !connection.must_linger && connection.input.is_empty() && !connection.readable;
        if connection.eof || is_clean || self.common.plan.times.linger_ns == 0 {
            return Fate::Close;
        }
        connection.stream.finish();
        connection.readable = true;
        connection.ending = Ending::Lingering;
        connection.input = Leftover::default();
        self.linger(connection)
    }

    /// Reads and drops what the peer still sends, so that no reset destroys the answer on its way.
    pub(super) fn linger(&mut self, connection: &mut Connection) -> Fate {
        let mut budget = 64;
        while connection.readable && budget > 0 {
            budget -= 1;
            match connection.stream.read(&mut self.scratch) {
                Ok(0) => return Fate::Close,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => connection.readable = false,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Fate::Close,
            }
        }
        Fate::Keep
    }

    /// The peer is gone for good: the exchange is told, and whoever waits on it.
    pub(super) fn lose(&mut self, connection: &mut Connection) {
        connection.sent = 0;
        connection.outbox.clear();
        let Some(exchange) = connection.exchange.clone() else { return };
        let mut wire = exchange.wire();
        wire.peer_gone = true;
        if wire.input == Input::Open {
            wire.input = Input::Failed(Status::E_PEER);
        }
        let (gatherer, reader, writer) = (wire.end_gathering(), wire.reader.take(), wire.writer.take());
        drop(wire);
        let container = self.host.container();
        container.signal(connection.task, Signal::PeerGone);
        gatherer.into_iter().for_each(|task| container.signal(task, Signal::Gathered));
        reader.into_iter().for_each(|task| container.signal(task, Signal::Body));
        writer.into_iter().for_each(|task| container.signal(task, Signal::Write));
    }

    /// The connection is closed; an exchange that is under way lives on with its task.
    pub(super) fn close(&mut self, place: Place, mut connection: Connection) {
        self.lose(&mut connection);
        if let Some(exchange) = connection.exchange.clone() {
            let wire = exchange.wire();
            self.finish_cycle(&mut connection, &wire);
        }
        if let Some(key) = connection.timer.take() {
            self.wheel.cancel(key);
        }
        if let Some(exchange) = connection.exchange.take() {
            self.keep_exchange(exchange);
        }
        self.common.tally[self.index].closed.add(1);
        self.table.release(place);
        let was_last = self.common.connections.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && self.common.stopping.load(Ordering::SeqCst) {
            self.door.wake_all();
        }
    }

    /// What the connection waits for, and the timer that goes with it.
    pub(super) fn arm(&mut self, place: Place, connection: &mut Connection) {
        let phase = phase_of(connection);
        connection.enter(phase, self.now_ns);
        let times = &self.common.plan.times;
        let limit_ns = match phase {
            // While the server stops, no connection is kept for a request that may never come, and one that is coming
            // has a short time.
            Phase::Idle if self.drain_until_ns.is_some() => 0,
            Phase::Head if self.drain_until_ns.is_some() => times.head_ns.min(times.linger_ns),
            Phase::Head => times.head_ns,
            Phase::Idle => times.idle_ns,
            Phase::Body => times.body_ns,
            Phase::Write => times.write_ns,
            Phase::Linger => times.linger_ns,
            Phase::Task => return,
        };
        // A slow trickle of head bytes is no progress: the head's clock runs from its first byte.
        let since_ns = if phase == Phase::Head { connection.head_ns } else { connection.since_ns };
        let due_ns = since_ns.saturating_add(limit_ns);
        if connection.timer.is_none() || connection.timer_ns > due_ns {
            if let Some(key) = connection.timer.take() {
                self.wheel.cancel(key);
            }
            connection.timer = Some(self.wheel.insert(due_ns, place));
            connection.timer_ns = due_ns;
        }
    }

    /// Ends connections whose time limits have passed; those that moved on are armed anew.
    pub(super) fn run_timers(&mut self) {
        self.resume_accepting();
        let mut due = Vec::new();
        self.wheel.advance(self.now_ns, |place| due.push(place));
        for place in due {
            let Some(mut connection) = self.table.take(place) else { continue };
            connection.timer = None;
            self.arm(place, &mut connection);
            let is_over = connection.timer.is_some() && connection.timer_ns <= self.now_ns;
            match if is_over { self.time_out(&mut connection) } else { Fate::Keep } {
                Fate::Keep => {
                    if is_over {
                        self.arm(place, &mut connection);
                    }
                    self.table.put(place, connection);
                }
                Fate::Close => self.close(place, *connection),
            }
        }
    }

    fn time_out(&mut self, connection: &mut Connection) -> Fate {
        self.common.tally[self.index].timeouts.add(1);
        if let Some(key) = connection.timer.take() {
            self.wheel.cancel(key);
        }
        match connection.phase {
            Phase::Head if !connection.input.is_empty() => self.answer_timeout(connection),
            Phase::Body => self.body_timeout(connection),
            Phase::Write => {
                connection.stream.reset_on_close();
                Fate::Close
            }
            _ => Fate::Close,
        }
    }

    /// 408 to a peer that began a head and did not end it (RFC 9110 section 15.5.9).
    fn answer_timeout(&mut self, connection: &mut Connection) -> Fate {
        let mut wire =
            Wire { http: connection.http.take().map_or_else(Http::new, |http| *http), ..Wire::default() };
        wire.http.close_after_response();
        wire::answer_with(&mut wire, 408, "408 Request Timeout\n");
        connection.must_linger = true;
        connection.outbox.append(&mut wire.out);
        connection.ending = Ending::Flush;
        self.flush(connection)
    }

    fn body_timeout(&mut self, connection: &mut Connection) -> Fate {
        let Some(exchange) = connection.exchange.clone() else { return Fate::Close };
        let mut wire = exchange.wire();
        if wire.progress == Progress::Complete {
            drop(wire);
            return Fate::Close;
        }
        wire.input = Input::Failed(Status::E_PEER);
        wire.fault = Some(408);
        wire.http.close_after_response();
        let (gatherer, reader) = (wire.end_gathering(), wire.reader.take());
        drop(wire);
        let container = self.host.container();
        gatherer.into_iter().for_each(|task| container.signal(task, Signal::Gathered));
        reader.into_iter().for_each(|task| container.signal(task, Signal::Body));
        Fate::Keep
    }
}

fn phase_of(connection: &Connection) -> Phase {
    match connection.ending {
        Ending::Lingering => return Phase::Linger,
        _ if connection.unsent() > 0 => return Phase::Write,
        _ => {}
    }
    let Some(exchange) = &connection.exchange else {
        // A connection that has brought nothing yet owes its first head; one that is kept may idle.
        let owes_head = !connection.input.is_empty() || connection.phase == Phase::Head;
        return if owes_head { Phase::Head } else { Phase::Idle };
    };
    if !connection.has_body {
        return Phase::Task;
    }
    let wire = exchange.wire();
    let drains = wire.progress == Progress::Complete && wire.ended.is_some();
    let is_wanted = wire.asked || wire.gathering.is_some();
    if wire.input == Input::Open && (is_wanted || drains) { Phase::Body } else { Phase::Task }
}

fn remote(peer: &hc_address) -> Remote {
    match peer.family {
        address_family::IPV4 => {
            let [a, b, c, d, ..] = peer.ip;
            Remote::Ip(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        address_family::IPV6 => Remote::Ip(IpAddr::V6(Ipv6Addr::from(peer.ip))),
        _ => Remote::Unix,
    }
}
