//! One connection: bytes go out in pieces, responses come back. Must not know what is permitted.

use super::message::{self, Response};
use super::url::Url;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long something that is to come may take.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// What is sent by itself is given this time to be read by itself. Nothing depends on it but how often the cut is seen.
const SEGMENT: Duration = Duration::from_millis(2);

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
}

impl Exchange {
    /// A fresh connection.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn open(url: &Url) -> Result<Exchange, String> {
        let stream = url.connect()?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        Ok(Exchange { stream, received: Vec::new(), has_ended: false })
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
        let _ = self.fill(Instant::now() + PATIENCE);
    }

    /// Closes the sending half.
    pub fn finish(&mut self) {
        // It may be closed from the other side already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next response; `method` is that of its request.
    pub fn next(&mut self, method: &str) -> Next {
        let until = Instant::now() + PATIENCE;
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
            Err(_) => self.has_ended = true,
        }
        true
    }
}
