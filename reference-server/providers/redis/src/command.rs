//! Operations as Redis' commands: which are sent for one, and what their replies mean. Must not know connections.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_container::provider::{Condition, KvRequest, Lifetime, Reply};
use redis_protocol::resp2::encode::extend_encode_borrowed;
use redis_protocol::resp2::types::{BorrowedFrame, BytesFrame};

use crate::failure::Failure;
use crate::scripts::{ADD_WITH_TTL, DELETE_IF_EQUAL, SET_IF_EQUAL};

/// A longer time to live is for ever to any clock, and the server refuses it.
const TTL_MAX: Duration = Duration::from_millis(1 << 53);

/// Commands that are sent in one go.
#[derive(Default)]
pub(crate) struct Commands {
    bytes: BytesMut,
    count: usize,
}

impl Commands {
    /// One command.
    pub(crate) fn one(words: &[&[u8]]) -> Self {
        let mut this = Self::default();
        this.push(words);
        this
    }

    /// Commands that happen at one moment \[kv.run.atomic\].
    fn together(all: &[&[&[u8]]]) -> Self {
        let mut this = Self::one(&[b"MULTI"]);
        all.iter().for_each(|words| this.push(words));
        this.push(&[b"EXEC"]);
        this
    }

    pub(crate) fn push(&mut self, words: &[&[u8]]) {
        let words: Vec<_> = words.iter().map(|word| BorrowedFrame::BulkString(word)).collect();
        extend_encode_borrowed(&mut self.bytes, &BorrowedFrame::Array(&words), false)
            .expect("the buffer is as long as the encoding");
        self.count += 1;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many replies come.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// What the replies to an operation say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    /// A value or nothing, then what is left of its time.
    Value,
    /// `OK` or nothing.
    Stored,
    /// A number: 0 is no.
    Found,
    /// As before; a second reply says nothing.
    FoundFirst,
    /// A number, as such or as text.
    Number,
}

/// The commands for an operation. `None`: it is about channels, whose replies come in another way.
pub(crate) fn commands(request: &KvRequest) -> Option<(Commands, Meaning)> {
    Some(match request {
        KvRequest::Get { key } => (Commands::together(&[&[b"GET", key], &[b"PTTL", key]]), Meaning::Value),
        KvRequest::Set { key, value, condition, lifetime } => set(key, value, condition, *lifetime),
        KvRequest::Add { key, number, ttl: None } => {
            (Commands::one(&[b"INCRBY", key, number.to_string().as_bytes()]), Meaning::Number)
        }
        KvRequest::Add { key, number, ttl: Some(ttl) } => {
            let (number, ttl) = (number.to_string(), milliseconds(*ttl));
            let words: [&[u8]; 2] = [number.as_bytes(), ttl.as_bytes()];
            (script(ADD_WITH_TTL, key, &words), Meaning::Number)
        }
        KvRequest::Delete { key, expected: None } => (Commands::one(&[b"DEL", key]), Meaning::Found),
        KvRequest::Delete { key, expected: Some(expected) } => {
            (script(DELETE_IF_EQUAL, key, &[expected]), Meaning::Found)
        }
        KvRequest::Expire { key, ttl: Some(ttl) } => {
            (Commands::one(&[b"PEXPIRE", key, milliseconds(*ttl).as_bytes()]), Meaning::Found)
        }
        // PERSIST says whether there was a time to live, not whether there is a value.
        KvRequest::Expire { key, ttl: None } => {
            (Commands::together(&[&[b"EXISTS", key], &[b"PERSIST", key]]), Meaning::FoundFirst)
        }
        KvRequest::Publish { channel, value } => {
            (Commands::one(&[b"PUBLISH", channel, value]), Meaning::Number)
        }
        KvRequest::Subscribe { .. } | KvRequest::Unsubscribe { .. } => return None,
    })
}

fn script(text: &str, key: &[u8], values: &[&[u8]]) -> Commands {
    Commands::one(&[&[b"EVAL", text.as_bytes(), b"1", key], values].concat())
}

fn set(key: &Bytes, value: &Bytes, condition: &Condition, lifetime: Lifetime) -> (Commands, Meaning) {
    let ttl = match lifetime {
        Lifetime::For(ttl) => milliseconds(ttl),
        Lifetime::Forever | Lifetime::Keep => String::new(),
    };
    if let Condition::IfEqual(expected) = condition {
        let lifetime = if lifetime == Lifetime::Keep { "KEEPTTL" } else { ttl.as_str() };
        return (script(SET_IF_EQUAL, key, &[expected, value, lifetime.as_bytes()]), Meaning::Found);
    }
    let mut words: Vec<&[u8]> = vec![b"SET", key, value];
    match condition {
        Condition::IfAbsent => words.push(b"NX"),
        Condition::IfPresent => words.push(b"XX"),
        Condition::Always | Condition::IfEqual(_) => {}
    }
    match lifetime {
        Lifetime::For(_) => words.extend([b"PX", ttl.as_bytes()]),
        Lifetime::Keep => words.push(b"KEEPTTL"),
        Lifetime::Forever => {}
    }
    (Commands::one(&words), Meaning::Stored)
}

fn milliseconds(ttl: Duration) -> String {
    ttl.min(TTL_MAX).as_millis().max(1).to_string()
}

/// What the replies say.
pub(crate) fn reply(meaning: Meaning, mut frames: Vec<BytesFrame>) -> Result<Reply, Failure> {
    refuse_errors(&frames)?;
    // What was done together is answered together, behind a word for each.
    if let Some(BytesFrame::Array(together)) = frames.pop_if(|last| matches!(last, BytesFrame::Array(_))) {
        refuse_errors(&together)?;
        frames = together;
    }
    let mut frames = frames.into_iter();
    let mut next = || frames.next().ok_or_else(Failure::out_of_step);
    match (meaning, next()?) {
        (Meaning::Value, BytesFrame::BulkString(value)) => match next()? {
            BytesFrame::Integer(-1) => Ok(Reply::value(value, None)),
            BytesFrame::Integer(left @ 0..) => {
                // Less than a millisecond is not for ever.
                Ok(Reply::value(value, Some(Duration::from_millis(left.unsigned_abs().max(1)))))
            }
            // It ended between the two commands.
            BytesFrame::Integer(_) => Ok(Reply::found(false)),
            _ => Err(Failure::out_of_step()),
        },
        (Meaning::Value, BytesFrame::Null) => next().map(|_| Reply::found(false)),
        (Meaning::Stored, BytesFrame::SimpleString(_)) => Ok(Reply::found(true)),
        (Meaning::Stored, BytesFrame::Null) => Ok(Reply::found(false)),
        (Meaning::Found, BytesFrame::Integer(number)) => Ok(Reply::found(number != 0)),
        (Meaning::FoundFirst, BytesFrame::Integer(number)) => next().map(|_| Reply::found(number != 0)),
        (Meaning::Number, BytesFrame::Integer(number)) => Ok(Reply::number(number)),
        (Meaning::Number, BytesFrame::BulkString(text)) => str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse().ok())
            .map(Reply::number)
            .ok_or_else(Failure::out_of_step),
        _ => Err(Failure::out_of_step()),
    }
}

/// The first error says why; others follow from it.
fn refuse_errors(frames: &[BytesFrame]) -> Result<(), Failure> {
    let error = frames.iter().find_map(|frame| match frame {
        BytesFrame::Error(text) => Some(Failure::refused(text)),
        _ => None,
    });
    error.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(request: &KvRequest) -> String {
        let (commands, _) = commands(request).expect("commands");
        String::from_utf8_lossy(commands.bytes()).replace("\r\n", " ")
    }

    fn set(condition: Condition, lifetime: Lifetime) -> KvRequest {
        KvRequest::Set { key: "k".into(), value: "v".into(), condition, lifetime }
    }

    #[test]
    fn words_are_counted_not_separated() {
        let key = Bytes::from_static(b"a b\0");
        assert_eq!(sent(&KvRequest::Delete { key, expected: None }), "*2 $3 DEL $4 a b\0 ");
        let keep = set(Condition::IfAbsent, Lifetime::Keep);
        assert_eq!(sent(&keep), "*5 $3 SET $1 k $1 v $2 NX $7 KEEPTTL ");
        let second = set(Condition::Always, Lifetime::For(Duration::from_secs(1)));
        assert_eq!(sent(&second), "*5 $3 SET $1 k $1 v $2 PX $4 1000 ");
        let get = KvRequest::Get { key: "k".into() };
        assert_eq!(sent(&get), "*1 $5 MULTI *2 $3 GET $1 k *2 $4 PTTL $1 k *1 $4 EXEC ");
        assert_eq!(commands(&get).map(|(commands, _)| commands.count()), Some(4));
    }

    #[test]
    fn every_lifetime_is_one_that_the_server_takes() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), "1");
        assert_eq!(milliseconds(Duration::MAX), "9007199254740992");
    }

    #[test]
    fn replies_are_read_by_what_was_asked() {
        let bulk = |text: &'static str| BytesFrame::BulkString(text.into());
        let of = |meaning, frames: &[BytesFrame]| reply(meaning, frames.to_vec());
        let value = |left| of(Meaning::Value, &[bulk("v"), BytesFrame::Integer(left)]).unwrap();
        assert_eq!(value(-1), Reply::value("v".into(), None));
        assert_eq!(value(0), Reply::value("v".into(), Some(Duration::from_millis(1))));
        assert_eq!(value(7), Reply::value("v".into(), Some(Duration::from_millis(7))));
        assert_eq!(value(-2), Reply::found(false));
        assert_eq!(of(Meaning::Value, &[BytesFrame::Null, BytesFrame::Integer(9)]), Ok(Reply::found(false)));
        assert_eq!(of(Meaning::Number, &[bulk("-9223372036854775808")]), Ok(Reply::number(i64::MIN)));
        for frames in [&[][..], &[BytesFrame::Null], &[bulk("x")], &[BytesFrame::Array(vec![])]] {
            assert_eq!(of(Meaning::Number, frames), Err(Failure::out_of_step()), "{frames:?}");
        }
        let queued = || BytesFrame::SimpleString("QUEUED".into());
        let together = BytesFrame::Array(vec![bulk("v"), BytesFrame::Integer(-1)]);
        let value = of(Meaning::Value, &[queued(), queued(), queued(), together]);
        assert_eq!(value, Ok(Reply::value("v".into(), None)));
        let error = || BytesFrame::Error("ERR no".into());
        let together = BytesFrame::Array(vec![error(), BytesFrame::Integer(-1)]);
        for frames in [&[queued(), together][..], &[error(), BytesFrame::Error("EXECABORT".into())]] {
            assert_eq!(of(Meaning::Value, frames), Err(Failure::refused("ERR no")));
        }
    }
}
