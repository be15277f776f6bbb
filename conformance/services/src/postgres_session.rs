//! A session with PostgreSQL for assertions: simple queries, answers as text, over the protocol 3.0 (chapter "Frontend/Backend
//! Protocol" of its manual). It knows no password, no TLS and no types, and shares no code with anybody's driver.

use crate::PATIENCE;
use std::fmt;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};

/// A row: each column as text, `None` for NULL.
pub type Row = Vec<Option<String>>;

/// A statement failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// SQLSTATE, or empty when the connection was lost.
    pub code: String,
    /// The server's words.
    pub message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.code, self.message)
    }
}

impl std::error::Error for Refused {}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused { code: String::new(), message: error.to_string() }
    }
}

/// One session. Reads and writes give up after [`PATIENCE`].
pub struct PostgresSession {
    stream: TcpStream,
    process: u32,
}

impl PostgresSession {
    /// Begins a session as a user who needs no password.
    pub fn connect(address: SocketAddr, user: &str, database: &str) -> Result<PostgresSession> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut session = PostgresSession { stream, process: 0 };
        let mut startup = 196_608_u32.to_be_bytes().to_vec();
        for text in ["user", user, "database", database, "application_name", "hc-services", ""] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
        session.stream.write_all(&framed(&startup))?;
        session.answer().map_err(|refused| Error::new(ErrorKind::ConnectionRefused, refused))?;
        Ok(session)
    }

    /// The number of its backend.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Runs statements, separated by semicolons; the rows of all of them.
    pub fn query(&mut self, text: &str) -> std::result::Result<Vec<Row>, Refused> {
        let mut message = text.as_bytes().to_vec();
        message.push(0);
        self.stream.write_all(&[&b"Q"[..], &framed(&message)].concat())?;
        self.answer()
    }

    /// Runs statements that must succeed.
    #[track_caller]
    pub fn run(&mut self, text: &str) -> Vec<Row> {
        self.query(text).unwrap_or_else(|refused| panic!("{text}: {refused}"))
    }

    /// The one value that a query answers.
    #[track_caller]
    pub fn value(&mut self, text: &str) -> Option<String> {
        let mut rows = self.run(text);
        assert!(rows.len() == 1 && rows[0].len() == 1, "{text}: not one value: {rows:?}");
        rows.remove(0).remove(0)
    }

    /// The one number that a query answers.
    #[track_caller]
    pub fn number(&mut self, text: &str) -> u64 {
        let value = self.value(text).unwrap_or_else(|| panic!("{text}: NULL"));
        value.parse().unwrap_or_else(|_| panic!("{text}: not a number: {value}"))
    }

    /// Reads messages up to the one that says that the server is ready for the next query.
    fn answer(&mut self) -> std::result::Result<Vec<Row>, Refused> {
        let (mut rows, mut failure) = (Vec::new(), None);
        loop {
            let (kind, body) = match self.message() {
                Ok(message) => message,
                // A refusal of the session itself is followed by its end.
                Err(error) => return Err(failure.unwrap_or_else(|| Refused::from(error))),
            };
            match kind {
                b'D' => rows.push(row(&body).ok_or_else(|| malformed("a row"))?),
                b'E' => failure = Some(refused(&body)),
                b'K' => self.process = number(&body).ok_or_else(|| malformed("a key"))?,
                b'R' if number(&body) != Some(0) => return Err(malformed("a password is wanted").into()),
                b'Z' => return failure.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    fn message(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let size =
            number(&head[1..]).and_then(|size| size.checked_sub(4)).ok_or_else(|| malformed("a length"))?;
        let mut body = vec![0; size as usize];
        self.stream.read_exact(&mut body)?;
        Ok((head[0], body))
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("PostgreSQL: {what}"))
}

/// A message behind its length.
fn framed(body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 4).expect("a short message");
    [&size.to_be_bytes()[..], body].concat()
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// The columns of a `DataRow`.
fn row(body: &[u8]) -> Option<Row> {
    let count = u16::from_be_bytes(*body.first_chunk()?);
    let mut rest = &body[2..];
    let mut columns = Vec::new();
    for _ in 0..count {
        let size = number(rest)?;
        rest = &rest[4..];
        // A length of -1 is NULL.
        if size == u32::MAX {
            columns.push(None);
            continue;
        }
        let (value, behind) = rest.split_at_checked(size as usize)?;
        columns.push(Some(String::from_utf8_lossy(value).into_owned()));
        rest = behind;
    }
    Some(columns)
}

/// The fields of an `ErrorResponse` that matter: each is a letter and a text with a NUL behind it.
fn refused(body: &[u8]) -> Refused {
    let mut refused = Refused { code: String::new(), message: String::new() };
    for field in body.split(|&byte| byte == 0).filter(|field| !field.is_empty()) {
        let text = String::from_utf8_lossy(&field[1..]).into_owned();
        match field[0] {
            b'C' => refused.code = text,
            b'M' => refused.message = text,
            _ => {}
        }
    }
    refused
}
