//! A session with Redis for assertions: commands and replies of its protocol RESP2, one after the other. It shares no code with
//! anybody's driver.

use crate::PATIENCE;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A simple string, such as `OK`.
    Text(String),
    /// An error.
    Error(String),
    /// An integer.
    Number(i64),
    /// A value; `None`: there is none.
    Bytes(Option<Vec<u8>>),
    /// An array; `None`: there is none.
    List(Option<Vec<Reply>>),
}

impl Reply {
    /// A value.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Reply {
        Reply::Bytes(Some(bytes.as_ref().into()))
    }
}

/// One session. Reads and writes give up after [`PATIENCE`].
pub struct RedisSession {
    reader: BufReader<TcpStream>,
}

impl RedisSession {
    /// Begins a session.
    pub fn connect(address: SocketAddr) -> Result<RedisSession> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(RedisSession { reader: BufReader::new(stream) })
    }

    /// Sends a command and reads its reply.
    pub fn command<Word: AsRef<[u8]>>(&mut self, words: &[Word]) -> Result<Reply> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words.iter().map(AsRef::as_ref) {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.reader.get_mut().write_all(&request)?;
        self.reply()
    }

    /// As [`RedisSession::command`], but nothing may go wrong.
    #[track_caller]
    pub fn run<Word: AsRef<[u8]>>(&mut self, words: &[Word]) -> Reply {
        let shown: Vec<String> = words.iter().map(|word| word.as_ref().escape_ascii().to_string()).collect();
        match self.command(words) {
            Ok(Reply::Error(text)) => panic!("{shown:?}: {text}"),
            Ok(reply) => reply,
            Err(error) => panic!("{shown:?}: {error}"),
        }
    }

    /// The next reply, such as a message of a channel.
    pub fn reply(&mut self) -> Result<Reply> {
        let line = self.line()?;
        let rest = line.get(1..).unwrap_or_default().to_owned();
        let size = || rest.parse::<i64>().map_err(|_| malformed(&line));
        match line.bytes().next() {
            Some(b'+') => Ok(Reply::Text(rest)),
            Some(b'-') => Ok(Reply::Error(rest)),
            Some(b':') => size().map(Reply::Number),
            Some(b'$') => Ok(Reply::Bytes(match usize::try_from(size()?) {
                Ok(size) => Some(self.value(size)?),
                Err(_) => None,
            })),
            Some(b'*') => Ok(Reply::List(match usize::try_from(size()?) {
                Ok(count) => Some((0..count).map(|_| self.reply()).collect::<Result<_>>()?),
                Err(_) => None,
            })),
            _ => Err(malformed(&line)),
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(Error::new(ErrorKind::UnexpectedEof, "Redis: the connection ended")),
        }
    }

    fn value(&mut self, size: usize) -> Result<Vec<u8>> {
        let mut value = vec![0; size + 2];
        self.reader.read_exact(&mut value)?;
        value.truncate(size);
        Ok(value)
    }
}

fn malformed(line: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("Redis: no reply: {line:?}"))
}
