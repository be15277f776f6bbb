//! A client's end of one connection: raw bytes out, responses or raw bytes in, and ways to leave.

use crate::PATIENCE;
use crate::message::{Response, Unread, parse};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// One connection to a server.
pub struct Peer {
    /// The socket.
    pub stream: TcpStream,
    received: Vec<u8>,
    ended: bool,
}

/// How a connection ended for the reader.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum End {
    /// In order.
    Fin,
    /// By a reset.
    Reset,
}

impl Peer {
    /// Connects; every read and write gives up after [`PATIENCE`].
    pub fn connect(address: SocketAddr) -> Peer {
        Peer::from_stream(TcpStream::connect(address).unwrap())
    }

    /// Connects with a receive buffer that small (the system rounds up), bytes.
    pub fn connect_narrow(address: SocketAddr, receive_bytes: usize) -> Peer {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(receive_bytes).unwrap();
        socket.connect(&address.into()).unwrap();
        Peer::from_stream(socket.into())
    }

    fn from_stream(stream: TcpStream) -> Peer {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Peer { stream, received: Vec::new(), ended: false }
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends bytes to a server that may have closed already.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a request without a body and reads its response.
    pub fn ask(&mut self, request: &str) -> Response {
        self.send(request);
        self.response(request.split(' ').next().unwrap_or_default())
    }

    /// Asks for a path with GET.
    pub fn get(&mut self, path: &str) -> Response {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
    }

    /// The next response; fails the test when there is none.
    pub fn response(&mut self, method: &str) -> Response {
        self.try_response(method).unwrap_or_else(|unread| {
            panic!("{method}: no response: {unread:?}\n{}", self.received.escape_ascii())
        })
    }

    /// The next response, or why there is none before the connection's end.
    pub fn try_response(&mut self, method: &str) -> Result<Response, Unread> {
        loop {
            match parse(&self.received, method, self.ended) {
                Ok((response, size)) => {
                    self.received.drain(..size);
                    return Ok(response);
                }
                Err(Unread::Incomplete(status)) if self.ended => return Err(Unread::Incomplete(status)),
                Err(Unread::Incomplete(_)) => {
                    self.more();
                }
                Err(wrong) => return Err(wrong),
            }
        }
    }

    /// Reads more; how the connection ended, if it did.
    fn more(&mut self) -> Option<End> {
        let mut buffer = [0; 64 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.ended = true;
                    return Some(End::Fin);
                }
                Ok(size) => {
                    self.received.extend_from_slice(&buffer[..size]);
                    return None;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    self.ended = true;
                    return Some(End::Reset);
                }
                Err(error) => panic!("reading: {error}; so far {}", self.received.escape_ascii()),
            }
        }
    }

    /// Reads to the connection's end: what was left, and how it ended.
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        let end = loop {
            if let Some(end) = self.more() {
                break end;
            }
        };
        (std::mem::take(&mut self.received), end)
    }

    /// Nothing more comes but the connection's end.
    pub fn expect_end(&mut self, what: &str) {
        let (rest, _) = self.rest();
        assert!(rest.is_empty(), "{what}: bytes behind the last response: {}", rest.escape_ascii());
    }

    /// Reads exactly so many bytes, raw.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            assert_eq!(self.more(), None, "the connection ended after {} bytes", self.received.len());
        }
        self.received.drain(..count).collect()
    }

    /// Ends the own half: FIN.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Leaves with a reset.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}
