//! Sends a request of the corpus and holds what comes back against what is permitted. Must not know how bytes travel.

use super::corpus::{Check, Piece, Request};
use super::escapes::shown;
use super::exchange::{Exchange, Next};
use super::expected::{Expected, Fate};
use super::message::Response;
use super::url::Url;

/// By what a server is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// What the RFCs permit: any server.
    Rfc,
    /// What the specification permits: a container.
    Container,
}

/// How the bytes are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// As the corpus says.
    Written,
    /// Each byte by itself.
    Bytes,
}

/// Longest request that is also sent byte by byte.
const SLOW_BYTES: usize = 1_000;

impl Manner {
    /// The manners for a request: what is cut differently is understood alike [connection.split.same]. Other servers than containers
    /// may close while more comes, and lose their own answer by that; it would say nothing about the bytes.
    pub fn for_request(request: &Request, measure: Measure) -> impl Iterator<Item = Manner> {
        let length: usize = request
            .pieces
            .iter()
            .map(|piece| if let Piece::Bytes(bytes) = piece { bytes.len() } else { 0 })
            .sum();
        let is_slow_too = length <= SLOW_BYTES && measure == Measure::Container;
        [Manner::Written, Manner::Bytes]
            .into_iter()
            .filter(move |manner| *manner == Manner::Written || is_slow_too)
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Manner::Written => "sent in pieces as written",
            Manner::Bytes => "sent byte by byte",
        }
    }
}

/// Why a request failed.
#[derive(Debug)]
pub struct Report {
    /// The reason.
    pub why: String,
    /// What was seen, a line for each.
    pub seen: Vec<String>,
}

struct Run<'a> {
    request: &'a Request,
    url: &'a Url,
    measure: Measure,
    exchange: Exchange,
    statuses: Vec<u16>,
    last: Option<Box<Response>>,
    seen: Vec<String>,
}

/// Sends the request once.
///
/// # Errors
/// What was not permitted.
pub fn judge(request: &Request, url: &Url, measure: Measure, manner: Manner) -> Result<(), Report> {
    let exchange = Exchange::open(url).map_err(|why| Report { why, seen: Vec::new() })?;
    let mut run = Run { request, url, measure, exchange, statuses: Vec::new(), last: None, seen: Vec::new() };
    run.send(manner);
    run.receive().map_err(|why| Report { why, seen: std::mem::take(&mut run.seen) })
}

impl Run<'_> {
    fn send(&mut self, manner: Manner) {
        let mut waiting = Vec::new();
        let pieces = self.request.pieces.iter().chain([&Piece::Cut]);
        for piece in pieces {
            if let Piece::Bytes(bytes) = piece {
                waiting.extend(filled_in(bytes, self.url));
                continue;
            }
            self.seen.push(format!("> {}", shown(&waiting)));
            match manner {
                Manner::Written => self.exchange.send(&waiting),
                Manner::Bytes => self.exchange.send_slowly(&waiting),
            };
            waiting.clear();
            if *piece == Piece::Await { self.exchange.wait() } else { self.exchange.pause() }
        }
        if self.request.has_fin {
            self.exchange.finish();
        }
    }

    fn method(&self) -> &str {
        self.request.methods.get(self.statuses.len()).map_or("GET", String::as_str)
    }

    /// The alternatives that what was seen is a beginning of.
    fn possible(&self) -> Vec<&Expected> {
        let expected = self.request.expected(self.measure);
        expected.iter().filter(|one| one.begins_with(&self.statuses, &self.request.methods)).collect()
    }

    fn receive(&mut self) -> Result<(), String> {
        loop {
            let possible = self.possible();
            if possible.is_empty() {
                return Err(format!("answered {}", self.shown_statuses()));
            }
            let count = self.statuses.len();
            let whole: Vec<Fate> =
                possible.iter().filter(|one| one.statuses.len() == count).map(|one| one.fate).collect();
            let more = possible.iter().any(|one| one.statuses.len() > count);
            let told_close = self.last.as_ref().is_some_and(|last| last.tells_close());
            if !more && !told_close && !self.request.has_fin && !whole.contains(&Fate::Close) {
                return self.live_on(&whole);
            }
            let method = self.method().to_owned();
            match self.exchange.next(&method) {
                Next::Response(response) => self.note(response)?,
                Next::End => return self.ended(&whole),
                Next::Silence if whole.is_empty() => return Err(self.with_statuses("no answer")),
                Next::Silence if whole.iter().all(|fate| *fate == Fate::Close) || told_close => {
                    return Err(self.with_statuses("the connection is not closed"));
                }
                Next::Silence => return self.live_on(&whole),
                Next::Garbage(why) => return Err(self.with_statuses(&why)),
            }
        }
    }

    fn note(&mut self, response: Box<Response>) -> Result<(), String> {
        let fields: Vec<String> =
            response.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        self.seen.push(format!(
            "< {} [{}] {} bytes",
            response.status,
            fields.join(", "),
            response.content.len()
        ));
        if let Some(fault) = response.faults.first() {
            return Err(format!("{} with a fault: {fault}", response.status));
        }
        if self.last.as_ref().is_some_and(|last| last.connection_says("close")) {
            return Err("a response behind one that said close (RFC 9112 9.6)".into());
        }
        self.statuses.push(response.status);
        self.last = Some(response);
        Ok(())
    }

    /// The connection ended by itself.
    fn ended(&self, whole: &[Fate]) -> Result<(), String> {
        if whole.is_empty() {
            return Err(self.with_statuses("the connection is closed"));
        }
        let told = self.last.as_ref().is_none_or(|last| last.tells_close()) || self.request.has_fin;
        if !told && whole.iter().all(|fate| *fate == Fate::Keep) {
            return Err(self.with_statuses("closed without connection: close"));
        }
        if !told && self.measure == Measure::Container {
            return Err(
                self.with_statuses("closed without connection: close [connection.persist.close-told]")
            );
        }
        self.check()
    }

    /// Nothing says that the connection ends: a sentinel tells what became of it.
    fn live_on(&mut self, whole: &[Fate]) -> Result<(), String> {
        let sentinel = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.url.path, self.url.authority
        );
        let was_sent = self.exchange.send(sentinel.as_bytes());
        self.seen.push("> the sentinel".into());
        match self.exchange.next("GET") {
            Next::Response(response) if response.status / 100 == 2 => {
                self.seen.push(format!("< {}", response.status));
            }
            Next::Response(response) => {
                return Err(format!(
                    "the request that followed, which is in order, was answered {}",
                    response.status
                ));
            }
            Next::End if !was_sent || whole.contains(&Fate::Any) => return self.check(),
            Next::End => return Err(self.with_statuses("closed without connection: close")),
            Next::Silence => return Err("the request that followed was not answered".into()),
            Next::Garbage(why) => return Err(why),
        }
        match self.exchange.next("GET") {
            Next::End => self.check(),
            Next::Response(response) => Err(format!("one response too many: {}", response.status)),
            Next::Silence => Err("not closed after the request that said connection: close".into()),
            Next::Garbage(why) => Err(why),
        }
    }

    fn check(&self) -> Result<(), String> {
        let Some(last) = &self.last else { return Ok(()) };
        for check in &self.request.checks {
            let holds = match check {
                Check::Header(name) => last.values(name).next().is_some(),
                Check::NoHeader(name) => last.values(name).next().is_none(),
                Check::Sound => match last.remarks.first() {
                    Some(remark) => return Err(format!("{} with a fault: {remark}", last.status)),
                    None => true,
                },
                Check::Allow => last.status != 405 || last.values("allow").next().is_some(),
                Check::Empty => last.content.is_empty(),
                Check::Interim(status) => last.interim.contains(status),
                Check::NoInterim => last.interim.is_empty(),
            };
            if !holds {
                return Err(self.with_statuses(&format!("does not hold: {check:?}")));
            }
        }
        Ok(())
    }

    fn shown_statuses(&self) -> String {
        self.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
    }

    fn with_statuses(&self, what: &str) -> String {
        if self.statuses.is_empty() {
            what.to_owned()
        } else {
            format!("{what} after {}", self.shown_statuses())
        }
    }
}

/// With the path and the host of the URL.
#[must_use]
pub fn filled_in(bytes: &[u8], url: &Url) -> Vec<u8> {
    let mut filled = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        if let Some(behind) = rest.strip_prefix(b"{path}") {
            filled.extend_from_slice(url.path.as_bytes());
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix(b"{host}") {
            filled.extend_from_slice(url.authority.as_bytes());
            rest = behind;
        } else {
            filled.push(*first);
            rest = &rest[1..];
        }
    }
    filled
}
