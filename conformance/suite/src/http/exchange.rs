//! One connection: bytes go out in pieces, responses come back. Must not know what is permitted.

use super::message::{self, Response};
use super::url::Url;
use crate::patience;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// What is sent by itself is given this time to be read by itself. Nothing depends on it but how often the cut is seen.
const SEGMENT: Duration = Duration::from_millis(2);

/// How long a response may be still before it counts as over, where its end is looked for by its bytes.
const BETWEEN: Duration = Duration::from_millis(300);

/// What the next thing on a connection was.
#[derive(Debug)]
pub enum Next {
    /// A final response.
    Response(Box<Response>),
    /// The end, with nothing before it.
    End,
    /// Nothing in time.
    Silence,
    /// Bytes that are no response.
    Garbage(String),
}

/// A connection.
pub struct Exchange {
    stream: TcpStream,
    received: Vec<u8>,
    has_ended: bool,
    was_reset: bool,
}

impl Exchange {
    /// A fresh connection.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn open(url: &Url) -> Result<Exchange, String> {
        let stream = url.connect()?;
        stream.set_write_timeout(Some(patience::answer())).map_err(|error| error.to_string())?;
        Ok(Exchange { stream, received: Vec::new(), has_ended: false, was_reset: false })
    }

    /// Sends; whether the peer took it. A peer that answered and left takes nothing, which is no failure by itself.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends each byte by itself.
    pub fn send_slowly(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.send(std::slice::from_ref(byte)))
    }

    /// Lets what was sent be read by itself, or until something came back.
    pub fn pause(&mut self) {
        let _ = self.fill(Instant::now() + SEGMENT);
    }

    /// Waits until something was received.
    pub fn wait(&mut self) {
        let _ = self.fill(Instant::now() + patience::answer());
    }

    /// Closes the sending half.
    pub fn finish(&mut self) {
        // It may be closed from the other side already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next response; `method` is that of its request.
    pub fn next(&mut self, method: &str) -> Next {
        let until = Instant::now() + patience::answer();
        loop {
            match message::parse(&self.received, method, self.has_ended) {
                Ok(Some((response, length))) => {
                    self.received.drain(..length);
                    return Next::Response(Box::new(response));
                }
                Ok(None) => {}
                Err(why) => return Next::Garbage(why),
            }
            if self.has_ended {
                return if self.received.is_empty() {
                    Next::End
                } else {
                    Next::Garbage(format!("half a response: {}", super::escapes::shown(&self.received)))
                };
            }
            if !self.fill(until) {
                return Next::Silence;
            }
        }
    }

    /// The status of the next response as soon as its head is there; it stays where it is.
    ///
    /// # Errors
    /// When none comes.
    pub fn next_head(&mut self) -> Result<u16, String> {
        let until = Instant::now() + patience::answer();
        loop {
            if let Some(head) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                let line = String::from_utf8_lossy(&self.received[..head]).into_owned();
                return line
                    .get(9..12)
                    .and_then(|status| status.parse().ok())
                    .ok_or(format!("no status line: {line}"));
            }
            if self.has_ended || !self.fill(until) {
                return Err(format!("no head: {}", super::escapes::shown(&self.received)));
            }
        }
    }

    /// Takes an interim response as soon as it is there; its status.
    ///
    /// # Errors
    /// When something else comes.
    pub fn take_interim(&mut self) -> Result<u16, String> {
        let status = self.next_head()?;
        if status / 100 != 1 {
            return Err(format!("answered {status}"));
        }
        let end = self.received.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_default();
        self.received.drain(..end + 4);
        Ok(status)
    }

    /// Receives that many bytes and no more; `false` when there are fewer.
    pub fn receive_bytes(&mut self, count: usize) -> bool {
        let mut byte = [0];
        if self.stream.set_read_timeout(Some(BETWEEN)).is_err() {
            return false;
        }
        (0..count).all(|_| matches!(self.stream.read(&mut byte), Ok(1)))
    }

    /// Takes and drops what comes until the end; `false` when that does not come.
    pub fn drains(&mut self) -> bool {
        let until = Instant::now() + patience::answer();
        while !self.has_ended {
            self.received.clear();
            if !self.fill(until) {
                return false;
            }
        }
        true
    }

    /// Breaks the connection, so that the peer gets a reset.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reset(&mut self) -> Result<(), String> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))
            .map_err(|error| error.to_string())?;
        let fresh = TcpStream::connect(self.stream.peer_addr().map_err(|error| error.to_string())?);
        // The old one is closed by being replaced.
        self.stream = fresh.map_err(|error| error.to_string())?;
        self.has_ended = true;
        Ok(())
    }

    /// Whether the peer has ended its half.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether it ended by a reset.
    #[must_use]
    pub fn was_reset(&self) -> bool {
        self.was_reset
    }

    /// Reads once; `false` when the time is over.
    fn fill(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
            return false;
        }
        let mut chunk = [0; 65_536];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.has_ended = true,
            Ok(count) => self.received.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return false;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => (self.has_ended, self.was_reset) = (true, true),
        }
        true
    }
}
