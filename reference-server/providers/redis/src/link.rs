//! One connection: commands out, replies and messages in. Must not know what they mean.
//!
//! It speaks the older of Redis' two protocols, RESP2, which every version of Redis and Valkey speaks and which has all that
//! hc.kv/1 needs. In it a message of a channel is told from a reply by its first word.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hc_connect::Stream;
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::types::BytesFrame;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use crate::command::Commands;

/// Bytes that one read takes at most.
const READ_BYTES: usize = 16 * 1024;

/// A connection.
pub(crate) struct Link {
    stream: Stream,
    /// What came and was not understood yet.
    input: BytesMut,
    buffer: Box<[u8]>,
}

/// Something that came.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Incoming {
    /// An answer to a command, in order.
    Reply(BytesFrame),
    /// A message of a channel.
    Message { channel: Bytes, value: Bytes },
    /// The answer to a command about channels: how many the connection listens to.
    Listening(i64),
}

/// The connection is lost.
#[derive(Debug)]
pub(crate) enum Loss {
    /// The server closed it.
    Closed,
    /// The operating system says so.
    Io(io::Error),
    /// What came is not Redis' protocol.
    Protocol(String),
}

impl fmt::Display for Loss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => out.write_str("the server has closed it"),
            Self::Io(error) => write!(out, "{error}"),
            Self::Protocol(what) => write!(out, "the server does not speak Redis' protocol: {what}"),
        }
    }
}

impl From<io::Error> for Loss {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Link {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, input: BytesMut::new(), buffer: vec![0; READ_BYTES].into() }
    }

    /// Sends commands.
    pub(crate) async fn send(&mut self, commands: &Commands) -> Result<(), Loss> {
        self.stream.write_all(commands.bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    /// Waits for the next thing that comes. Nothing is lost when this is not waited for to its end.
    pub(crate) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Loss>> {
        loop {
            match decode_bytes_mut(&mut self.input) {
                Ok(Some((frame, ..))) => return Poll::Ready(Ok(Incoming::of(frame))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(Loss::Protocol(error.to_string()))),
            }
            let mut buffer = ReadBuf::new(&mut self.buffer);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(Loss::Closed));
            }
            self.input.extend_from_slice(buffer.filled());
        }
    }

    /// Takes leave, as far as that goes at once.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }
}

impl Incoming {
    fn of(frame: BytesFrame) -> Self {
        match frame {
            BytesFrame::Array(words) => {
                Self::of_channel(&words).unwrap_or(Self::Reply(BytesFrame::Array(words)))
            }
            frame => Self::Reply(frame),
        }
    }

    fn of_channel(words: &[BytesFrame]) -> Option<Self> {
        match words {
            [
                BytesFrame::BulkString(kind),
                BytesFrame::BulkString(channel),
                BytesFrame::BulkString(value),
            ] if kind == "message" => Some(Self::Message { channel: channel.clone(), value: value.clone() }),
            [BytesFrame::BulkString(kind), _, BytesFrame::Integer(count)]
                if kind == "subscribe" || kind == "unsubscribe" =>
            {
                Some(Self::Listening(*count))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(chunks: &[&[u8]]) -> Vec<Incoming> {
        let (mut input, mut all) = (BytesMut::new(), Vec::new());
        for chunk in chunks {
            input.extend_from_slice(chunk);
            while let Some((frame, ..)) = decode_bytes_mut(&mut input).unwrap() {
                all.push(Incoming::of(frame));
            }
        }
        assert!(input.is_empty());
        all
    }

    #[test]
    fn messages_are_told_from_replies() {
        let stream =
            b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n\
            *3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n+OK\r\n*0\r\n";
        let expected = [
            Incoming::Listening(1),
            Incoming::Message { channel: "c".into(), value: "\r\n".into() },
            Incoming::Listening(0),
            Incoming::Reply(BytesFrame::SimpleString("OK".into())),
            Incoming::Reply(BytesFrame::Array(vec![])),
        ];
        assert_eq!(read(&[stream]), expected);
        assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected);
    }

    proptest! {
        #[test]
        fn what_is_no_protocol_is_refused_and_not_more(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_bytes_mut(&mut BytesMut::from(bytes.as_slice())).map(|frame| {
                frame.map(|(frame, ..)| Incoming::of(frame))
            });
        }
    }
}
