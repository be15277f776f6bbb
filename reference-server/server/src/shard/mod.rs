//! A shard: a poll set, its connections and their timers, driven by one worker. One turn polls, runs what became runnable,
//! and sends what was answered, so that a turn costs one read and one write for each connection.

mod accept;
mod drive;
mod ends;
mod open;
mod receive;
mod status;
mod stop;
mod table;

use crate::connection::{Connection, Fate};
use crate::door::{self, Door, Place};
use crate::exchange::HttpExchange;
use crate::listener::Listener;
use crate::log::{AccessWriter, DateCache, ErrorLog};
use crate::plan::Plan;
use crate::tally::Tally;
use hc_host::wheel::Wheel;
use hc_host::{Signal, Worker as HostWorker};
use hc_http1::FieldTable;
use hc_scheduler::{Park, Worker as Queue};
use http_container_abi::raw::hc_address;
use mio::{Events, Poll, Token};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use table::Table;

/// What a shard reads at once, bytes.
const SCRATCH_BYTES: usize = 64 << 10;
/// How many exchanges a shard keeps for the next requests.
const SPARE_EXCHANGES: usize = 256;
/// A turn stops running tasks after that time, to look at the sockets again.
const SLICE_NS: u64 = 2_000_000;

/// The waker's token; those of listeners, descriptors and connections are below.
pub(crate) const WAKE: Token = Token(usize::MAX);
const KIND_SHIFT: u32 = 62;

/// What a token of the poll set names.
enum Named {
    Connection(Place),
    Listener(usize),
    Descriptor(u32),
    Waker,
}

fn connection_token(place: Place) -> Token {
    Token(place.index as usize | (place.generation as usize & 0x3fff_ffff) << 32)
}

fn listener_token(index: usize) -> Token {
    Token(index | 1 << KIND_SHIFT)
}

/// The token of a module's descriptor.
pub(crate) fn descriptor_token(key: u32) -> Token {
    Token(key as usize | 2 << KIND_SHIFT)
}

fn named(token: Token) -> Named {
    let low = token.0 as u32;
    match token.0 >> KIND_SHIFT {
        0 => Named::Connection(Place { index: low, generation: (token.0 >> 32) as u32 }),
        1 => Named::Listener(low as usize),
        2 => Named::Descriptor(low),
        _ => Named::Waker,
    }
}

/// What all shards share beside the host.
pub struct Common {
    /// The configuration.
    pub plan: Plan,
    /// Counters of all shards.
    pub tally: Vec<Tally>,
    /// Connections of the process.
    pub connections: std::sync::atomic::AtomicUsize,
    /// The wish to stop.
    pub stopping: Arc<AtomicBool>,
    /// The hard end has come.
    pub ended: AtomicBool,
    /// The error log.
    pub errors: ErrorLog,
}

/// One shard with its worker.
pub struct Shard {
    index: usize,
    common: Arc<Common>,
    poll: Poll,
    host: Rc<HostWorker>,
    queue: Queue<u64>,
    door: Arc<Door>,
    listeners: Vec<(Listener, hc_address)>,
    locals: Vec<hc_address>,
    accept_at_ns: Option<u64>,
    table: Table,
    wheel: Wheel<Place>,
    now_ns: u64,
    scratch: Box<[u8]>,
    fields: FieldTable,
    fresh: Vec<u64>,
    fresh_route: u32,
    noted: Vec<Place>,
    to_flush: Vec<Place>,
    gone: Vec<(Place, u64)>,
    newborn: Vec<Place>,
    spare: Vec<Arc<HttpExchange>>,
    access: Option<AccessWriter>,
    clock: DateCache,
    /// When the wall clock shows the next second, on the host's clock.
    next_second_ns: u64,
    next_request: u64,
    drain_until_ns: Option<u64>,
    quiet_until_ns: Option<u64>,
    members_until_ns: Option<u64>,
}

/// What a shard is made of.
pub struct Parts {
    /// Its index, that of its worker.
    pub index: usize,
    /// Shared by all.
    pub common: Arc<Common>,
    /// Its poll set; the waker is registered with [`WAKE`].
    pub poll: Poll,
    /// The worker's half of the host.
    pub host: Rc<HostWorker>,
    /// The worker's half of the scheduler.
    pub queue: Queue<u64>,
    /// Its door.
    pub door: Arc<Door>,
    /// Its listening sockets with their addresses.
    pub listeners: Vec<(Listener, hc_address)>,
    /// Its part of the access log.
    pub access: Option<AccessWriter>,
}

impl Shard {
    /// Makes it on its worker's thread and begins to listen.
    pub fn new(mut parts: Parts) -> std::io::Result<Shard> {
        parts.door.enter();
        for (index, (listener, _)) in parts.listeners.iter_mut().enumerate() {
            listener.register(parts.poll.registry(), listener_token(index))?;
        }
        let now_ns = parts.host.container().now_ns();
        Ok(Shard {
            index: parts.index,
            common: parts.common,
            poll: parts.poll,
            host: parts.host,
            queue: parts.queue,
            door: parts.door,
            locals: parts.listeners.iter().map(|(_, address)| *address).collect(),
            listeners: parts.listeners,
            accept_at_ns: None,
            table: Table::default(),
            wheel: Wheel::new(now_ns),
            now_ns,
            scratch: vec![0; SCRATCH_BYTES].into(),
            fields: FieldTable::new(),
            fresh: Vec::new(),
            fresh_route: 0,
            noted: Vec::new(),
            to_flush: Vec::new(),
            gone: Vec::new(),
            newborn: Vec::new(),
            spare: Vec::new(),
            access: parts.access,
            clock: DateCache::new(0),
            next_second_ns: 0,
            next_request: parts.index as u64,
            drain_until_ns: None,
            quiet_until_ns: None,
            members_until_ns: None,
        })
    }

    /// Runs until the server has stopped and all is answered, or the hard end has come.
    pub fn run(mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let timeout = self.prepare_to_sleep();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => events.clear(),
                other => other?,
            }
            self.queue.unparked();
            self.tick();
            for event in &events {
                self.hear(event);
            }
            self.work();
            if self.may_leave() {
                break;
            }
        }
        self.leave();
        Ok(())
    }

    /// How long the poll may sleep.
    fn prepare_to_sleep(&mut self) -> Option<Duration> {
        let is_idle = self.fresh.is_empty() && self.to_flush.is_empty() && self.newborn.is_empty();
        let (host, door) = (&self.host, &self.door);
        // The wish to stop is looked at after the announcement, like everything that this worker is woken for.
        let park = self
            .queue
            .prepare_park(|| is_idle && !host.has_work() && !door.has_notes() && !self.has_to_stop());
        if park != Park::Sleep {
            return Some(Duration::ZERO);
        }
        let stops = self.stop_times();
        let timers = [self.host.next_timer_ns(), self.wheel.next_ns(), self.accept_at_ns];
        let soonest_ns = timers.into_iter().chain(stops).flatten().min()?;
        let now_ns = self.host.now_ns();
        // The poll counts in whole milliseconds: round up, so that it does not wake just before the time.
        let wait_ms = soonest_ns.saturating_sub(now_ns).div_ceil(1_000_000);
        Some(Duration::from_millis(wait_ms))
    }

    /// Reads the clocks once for the turn.
    fn tick(&mut self) {
        self.now_ns = self.host.container().now_ns();
        // What is opened in this turn counts from now, not from before the sleep.
        self.host.note_time(self.now_ns);
        if self.now_ns >= self.next_second_ns {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.clock.set(since.as_secs());
            door::set_date(*self.clock.http_date());
            self.next_second_ns = self.now_ns + 1_000_000_000 - u64::from(since.subsec_nanos());
        }
    }

    fn hear(&mut self, event: &mio::event::Event) {
        match named(event.token()) {
            Named::Waker => {}
            Named::Listener(index) => self.accept(index),
            Named::Descriptor(key) => {
                // Errors and hang-ups count as readiness of both directions.
                let ended = event.is_error() || event.is_read_closed() || event.is_write_closed();
                let (readable, writable) = (event.is_readable() || ended, event.is_writable() || ended);
                self.host.descriptor_ready(key, readable, writable, event.is_read_closed());
            }
            // Reset: nobody will get an answer. Reading would tell only behind a body that no module reads.
            Named::Connection(place) if event.is_error() => {
                if let Some(connection) = self.table.take(place) {
                    self.close(place, *connection);
                }
            }
            Named::Connection(place) => self.drive_with(place, |connection| {
                connection.readable |= event.is_readable() || event.is_read_closed();
                connection.writable |= event.is_writable() || event.is_write_closed();
                connection.eof_ahead |= event.is_read_closed();
            }),
        }
    }

    /// Everything of a turn that follows the poll.
    fn work(&mut self) {
        let until_ns = self.now_ns + SLICE_NS;
        // Once more: the time of the reads before it is not the first step's.
        let mut now_ns = self.host.container().now_ns();
        loop {
            self.pass_on_fresh();
            self.host.turn(now_ns);
            let mut ran = 0;
            while self.host.now_ns() < until_ns
                && let Some(task) = self.queue.pop()
            {
                self.host.start(task);
                ran += 1;
                if ran % 16 == 0 {
                    self.queue.offer(self.host.mean_step_ns(self.fresh_route));
                }
            }
            ran += self.host.run(256);
            self.host.take_fresh(&mut self.fresh);
            self.door.take(&mut self.noted);
            let mut noted = std::mem::take(&mut self.noted);
            let quiet = ran == 0 && noted.is_empty() && self.fresh.is_empty();
            noted.drain(..).for_each(|place| self.drive_with(place, |_| ()));
            self.noted = noted;
            if (quiet && self.help()) || self.host.now_ns() >= until_ns {
                break;
            }
            now_ns = self.host.now_ns();
        }
        self.flush_all();
        self.tell_gone();
        self.run_timers();
        self.check_stop();
        self.watch_newborn();
        if let Some(access) = &mut self.access {
            access.flush();
        }
    }

    /// Nothing is left here: looks whether another worker has more than it can do. `true` when there is nothing.
    fn help(&mut self) -> bool {
        match self.queue.search() {
            Some(task) => {
                self.host.turn(self.host.container().now_ns());
                self.host.start(task);
                false
            }
            None => true,
        }
    }

    fn pass_on_fresh(&mut self) {
        if !self.fresh.is_empty() {
            let step_ns = self.host.mean_step_ns(self.fresh_route);
            self.queue.push_batch(self.fresh.drain(..), step_ns);
        }
    }

    /// Takes a connection out, changes it, drives it, and puts it back if it goes on.
    fn drive_with(&mut self, place: Place, change: impl FnOnce(&mut Connection)) {
        let Some(mut connection) = self.table.take(place) else { return };
        change(&mut connection);
        match self.drive(place, &mut connection) {
            Fate::Keep => {
                self.arm(place, &mut connection);
                self.table.put(place, connection);
            }
            Fate::Close => self.close(place, *connection),
        }
    }

    fn flush_all(&mut self) {
        let mut places = std::mem::take(&mut self.to_flush);
        for place in places.drain(..) {
            let Some(mut connection) = self.table.take(place) else { continue };
            connection.to_flush = false;
            match self.flush(&mut connection) {
                Fate::Keep => {
                    self.arm(place, &mut connection);
                    self.table.put(place, connection);
                }
                Fate::Close => self.close(place, *connection),
            }
        }
        self.to_flush = places;
    }

    /// Tells tasks whose peers have closed their half, now that each has had its first step.
    fn tell_gone(&mut self) {
        for (place, task) in std::mem::take(&mut self.gone) {
            let Some(mut connection) = self.table.take(place) else { continue };
            if connection.task == task && connection.exchange.is_some() && !connection.told_gone {
                connection.told_gone = true;
                self.host.container().signal(task, Signal::PeerGone);
            }
            self.table.put(place, connection);
        }
    }
}
