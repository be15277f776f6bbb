//! The client of a case: does what its acts say, in order. Must not know the probe.

use super::adapter::Running;
use super::scenario::{Act, Ending, Scenario};
use super::special;
use crate::http::exchange::{Exchange, Next};
use crate::http::message::Response;
use crate::http::url::Url;
use std::collections::BTreeMap;

/// Connections that are still open.
pub type Kept = Vec<Exchange>;

/// Does the acts. What comes back is to be kept until the record was seen, or dropped.
///
/// # Errors
/// The first that did not come about.
pub fn play(scenario: &Scenario, target: &str, running: &Running) -> Result<Kept, String> {
    let cuts = scenario.acts.iter().any(|act| matches!(act, Act::EachByte(_) | Act::EachResponseByte(_)));
    let mut client = Client {
        url: &running.url,
        target,
        exchange: Exchange::open(&running.url)?,
        method: "GET".into(),
        last: None,
        sent: Vec::new(),
        is_prepared_only: cuts,
        number: 1,
        others: BTreeMap::new(),
    };
    let usual = [Act::Send(b"GET {do} HTTP/1.1\r\nHost: {host}\r\n\r\n".to_vec()), Act::Receive(vec![200])];
    let sends = scenario.acts.iter().any(|act| matches!(act, Act::Send(_) | Act::SendSlowly(_)));
    let acts: Vec<&Act> = match (sends, scenario.acts.is_empty()) {
        (_, true) => usual.iter().collect(),
        (false, _) => usual[..1].iter().chain(&scenario.acts).collect(),
        (true, _) => scenario.acts.iter().collect(),
    };
    for act in acts {
        if *act == Act::Stop {
            running.terminate();
        } else {
            client.act(act).map_err(|why| format!("{why} at {}", shown(act)))?;
        }
    }
    let is_kept = scenario.acts.contains(&Act::Kept);
    let mut kept = Kept::new();
    if is_kept {
        kept.extend(client.others.into_values());
        kept.push(client.exchange);
    }
    Ok(kept)
}

/// Ends a connection; the container ends its half as well, in its time.
fn end(exchange: &mut Exchange, ending: Ending) -> Result<(), String> {
    match ending {
        Ending::Fin => {
            exchange.finish();
            if exchange.drains() { Ok(()) } else { Err("not closed".into()) }
        }
        Ending::Reset => exchange.reset(),
    }
}

fn shown(act: &Act) -> String {
    match act {
        Act::Send(bytes) | Act::SendSlowly(bytes) => {
            format!("sending {}", crate::http::escapes::shown(bytes))
        }
        other => format!("{other:?}"),
    }
}

struct Client<'a> {
    url: &'a Url,
    target: &'a str,
    exchange: Exchange,
    method: String,
    last: Option<Box<Response>>,
    /// The request on the first connection, as far as it was written.
    sent: Vec<u8>,
    /// The request on the first connection is not sent but cut in every place.
    is_prepared_only: bool,
    /// The number of the connection, and the others.
    number: usize,
    others: BTreeMap<usize, Exchange>,
}

impl Client<'_> {
    fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Send(bytes) => {
                let bytes = self.filled_in(bytes);
                if self.number == 1 {
                    self.sent.extend_from_slice(&bytes);
                }
                if !self.is_prepared_only || self.number > 1 {
                    self.exchange.send(&bytes);
                }
            }
            Act::SendSlowly(bytes) => {
                let bytes = self.filled_in(bytes);
                self.exchange.send_slowly(&bytes);
            }
            Act::Method(method) => self.method.clone_from(method),
            Act::Receive(statuses) => return self.receive(statuses),
            Act::ReceiveHead(status) => {
                let seen = self.exchange.next_head()?;
                return if seen == *status { Ok(()) } else { Err(format!("answered {seen}")) };
            }
            Act::Closed => return self.closed(),
            Act::Aborted => return self.aborted(),
            Act::Fin => self.exchange.finish(),
            Act::Reset => self.exchange.reset()?,
            Act::Stop | Act::Kept => {}
            Act::Connection(number) => {
                let other = match self.others.remove(number) {
                    Some(other) => other,
                    None => Exchange::open(self.url)?,
                };
                let before = std::mem::replace(&mut self.exchange, other);
                self.others.insert(self.number, before);
                self.number = *number;
            }
            Act::InterimComes(status) => {
                let seen = self.exchange.take_interim()?;
                return if seen == *status { Ok(()) } else { Err(format!("{seen} came")) };
            }
            Act::ClosedOr(statuses) => {
                return match self.exchange.next(&self.method) {
                    Next::End => Ok(()),
                    Next::Response(response) if statuses.contains(&response.status) => self.closed(),
                    other => Err(format!("{other:?}")),
                };
            }
            Act::CorpusMakesNoTask => return special::corpus_makes_no_task(self.url),
            Act::Replaced => return special::replaced(self.url),
            Act::EachByte(ending) => return self.each_byte(*ending),
            Act::EachResponseByte(ending) => return self.each_response_byte(*ending),
            Act::Sentinel => {
                let sentinel =
                    format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.url.authority);
                self.exchange.send(sentinel.as_bytes());
                self.method = "GET".into();
                self.receive(&[200])?;
                return self.closed();
            }
            other => return self.hold(other),
        }
        Ok(())
    }

    fn each_byte(&mut self, ending: Ending) -> Result<(), String> {
        for count in 0..=self.sent.len() {
            let mut exchange = Exchange::open(self.url)?;
            exchange.send(&self.sent[..count]);
            end(&mut exchange, ending).map_err(|why| format!("{why} after {count} bytes of the request"))?;
        }
        Ok(())
    }

    fn each_response_byte(&mut self, ending: Ending) -> Result<(), String> {
        for count in 1.. {
            let mut exchange = Exchange::open(self.url)?;
            exchange.send(&self.sent);
            let is_longer = exchange.receive_bytes(count);
            end(&mut exchange, ending).map_err(|why| format!("{why} after {count} bytes of the response"))?;
            if !is_longer {
                break;
            }
        }
        Ok(())
    }

    fn receive(&mut self, statuses: &[u16]) -> Result<(), String> {
        match self.exchange.next(&self.method) {
            Next::Response(response) => {
                let fault = response.faults.first().cloned();
                let seen = response.status;
                self.last = Some(response);
                match fault {
                    Some(fault) => Err(format!("answered {seen} with a fault: {fault}")),
                    None if statuses.contains(&seen) => Ok(()),
                    None => Err(format!("answered {seen}")),
                }
            }
            Next::End => Err("closed without an answer".into()),
            Next::Silence => Err("no answer".into()),
            Next::Garbage(why) => Err(why),
        }
    }

    fn closed(&mut self) -> Result<(), String> {
        match self.exchange.next(&self.method) {
            Next::End => Ok(()),
            Next::Response(response) => Err(format!("answered {}", response.status)),
            Next::Silence => Err("not closed".into()),
            Next::Garbage(why) => Err(why),
        }
    }

    /// The connection ends while a response is not whole. One that is framed by the end has to be reset.
    fn aborted(&mut self) -> Result<(), String> {
        match self.exchange.next(&self.method) {
            Next::End => Ok(()),
            Next::Garbage(_) if self.exchange.has_ended() => Ok(()),
            Next::Response(response) if response.is_framed_by_end && self.exchange.was_reset() => Ok(()),
            Next::Response(response) => Err(format!("a response that looks whole: {}", response.status)),
            Next::Silence => Err("not closed".into()),
            Next::Garbage(why) => Err(why),
        }
    }

    fn hold(&self, act: &Act) -> Result<(), String> {
        let last = self.last.as_ref().ok_or("no response yet")?;
        let values = |name: &str| last.values(name).map(str::to_owned).collect::<Vec<_>>();
        let (holds, seen) = match act {
            Act::Content(wanted) => {
                (last.content == wanted.as_bytes(), crate::http::escapes::shown(&last.content))
            }
            Act::Size(size) => (last.content.len() == *size, last.content.len().to_string()),
            Act::Has(name, value) => {
                let seen = values(name);
                (
                    if value.is_empty() {
                        !seen.is_empty()
                    } else {
                        seen.join(" / ").eq_ignore_ascii_case(value)
                    },
                    seen.join(" / "),
                )
            }
            Act::Lacks(name) => (values(name).is_empty(), values(name).join(" / ")),
            Act::Interim(wanted) => {
                let seen = last.interim.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
                (seen == *wanted, seen)
            }
            Act::Trailers(wanted) => {
                let seen = last
                    .trailers
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .join(" ");
                (seen == *wanted, seen)
            }
            _ => (true, String::new()),
        };
        if holds { Ok(()) } else { Err(format!("it has `{seen}`")) }
    }

    fn filled_in(&self, bytes: &[u8]) -> Vec<u8> {
        let text: Vec<&[u8]> = vec![bytes];
        let with = |parts: Vec<u8>, name: &[u8], value: &str| replace(&parts, name, value.as_bytes());
        let script = self.target.split_once('?').map_or("", |(_, query)| query);
        with(
            with(with(text.concat(), b"{do}", self.target), b"{host}", &self.url.authority),
            b"{script}",
            script,
        )
    }
}

fn replace(bytes: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        if let Some(behind) = rest.strip_prefix(name) {
            filled.extend_from_slice(value);
            rest = behind;
        } else {
            filled.push(*first);
            rest = &rest[1..];
        }
    }
    filled
}
