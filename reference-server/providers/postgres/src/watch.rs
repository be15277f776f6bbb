//! Listens to what the server sends, for what the client library keeps to itself: whether a transaction is open, and which
//! commands were done. Must not know what is asked of the server, and changes nothing.
//!
//! Every message is one byte of type and four of length, with the length counting itself. Of all messages only two are
//! looked into: `ReadyForQuery` says how the transaction stands, `CommandComplete` which command was done. So a script that
//! begins a transaction, or a `SET` inside a function's text, is known for what it did, not for how it was written.

use std::cell::{Cell, RefCell};

use crate::trace::Trace;

const COMMAND_COMPLETE: u8 = b'C';
const READY_FOR_QUERY: u8 = b'Z';
const HEADER_BYTES: usize = 5;
/// More of a message is not looked at; command tags are shorter.
const KEPT_BYTES: usize = 64;

/// How a connection's transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Transaction {
    /// None is open.
    #[default]
    None,
    /// One is open.
    Open,
    /// One is open, and can only be rolled back.
    Failed,
}

/// What was heard.
#[derive(Default, Debug)]
pub(crate) struct Heard {
    transaction: Cell<Transaction>,
    /// A command was done that outlives its transaction: settings, listening, cursors, temporary tables.
    has_changed_session: Cell<bool>,
    /// `PREPARE` was done.
    has_prepared: Cell<bool>,
    /// All prepared statements were dropped, those of the client library too.
    has_dropped_statements: Cell<bool>,
    /// A `SET` that is done now ends with its transaction.
    is_setting_local: Cell<bool>,
    last_command: RefCell<String>,
}

impl Heard {
    pub(crate) fn transaction(&self) -> Transaction {
        self.transaction.get()
    }

    pub(crate) fn has_changed_session(&self) -> bool {
        self.has_changed_session.get()
    }

    pub(crate) fn has_prepared(&self) -> bool {
        self.has_prepared.get()
    }

    pub(crate) fn has_dropped_statements(&self) -> bool {
        self.has_dropped_statements.get()
    }

    /// What is known of a statement that is about to run, and that no command tag tells.
    pub(crate) fn expect(&self, trace: Trace) {
        self.is_setting_local.set(trace == Trace::LocalSetting);
        if trace == Trace::Session {
            self.has_changed_session.set(true);
        }
    }

    /// The tag of the last command, as `INSERT 0 1`.
    pub(crate) fn last_command(&self) -> String {
        self.last_command.borrow().clone()
    }

    /// The session is as a fresh one.
    pub(crate) fn forget(&self) {
        self.has_changed_session.set(false);
        self.has_prepared.set(false);
    }

    fn hear_command(&self, tag: &str) {
        match tag {
            "SET" => {
                self.has_changed_session.set(self.has_changed_session.get() || !self.is_setting_local.get());
            }
            "LISTEN" | "LOAD" => self.has_changed_session.set(true),
            "PREPARE" => {
                self.has_changed_session.set(true);
                self.has_prepared.set(true);
            }
            "DEALLOCATE ALL" | "DISCARD ALL" => self.has_dropped_statements.set(true),
            // A temporary table is a `CREATE TABLE` like any other.
            _ if tag.starts_with("CREATE ") || tag.starts_with("DECLARE ") => {
                self.has_changed_session.set(true);
            }
            _ => {}
        }
        let mut last = self.last_command.borrow_mut();
        last.clear();
        last.push_str(tag);
    }
}

/// Cuts the bytes of one connection into messages.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    body_left: usize,
    kept: Vec<u8>,
}

impl Watch {
    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], heard: &Heard) {
        while !bytes.is_empty() {
            // Mostly a message lies here whole.
            if self.header_bytes == 0
                && let Some((kind, body, rest)) = whole(bytes)
            {
                if matches!(kind, COMMAND_COMPLETE | READY_FOR_QUERY) {
                    hear(kind, &body[..body.len().min(KEPT_BYTES)], heard);
                }
                bytes = rest;
                continue;
            }
            if self.header_bytes < HEADER_BYTES {
                let taken = bytes.len().min(HEADER_BYTES - self.header_bytes);
                self.header[self.header_bytes..][..taken].copy_from_slice(&bytes[..taken]);
                self.header_bytes += taken;
                bytes = &bytes[taken..];
                if self.header_bytes < HEADER_BYTES {
                    return;
                }
                let [_, length @ ..] = self.header;
                self.body_left = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
                self.kept.clear();
            }
            let body = &bytes[..bytes.len().min(self.body_left)];
            if matches!(self.header[0], COMMAND_COMPLETE | READY_FOR_QUERY) {
                let room = KEPT_BYTES - self.kept.len();
                self.kept.extend_from_slice(&body[..body.len().min(room)]);
            }
            self.body_left -= body.len();
            bytes = &bytes[body.len()..];
            if self.body_left == 0 {
                self.header_bytes = 0;
                hear(self.header[0], &self.kept, heard);
            }
        }
    }
}

/// The message at the beginning, when all of it is there: its kind, its body, and what comes behind it.
fn whole(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([kind, length @ ..], rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let size = (u32::from_be_bytes(*length) as usize).saturating_sub(length.len());
    let (body, rest) = rest.split_at_checked(size)?;
    Some((*kind, body, rest))
}

/// A message came; of those that say nothing here the body may be missing.
fn hear(kind: u8, body: &[u8], heard: &Heard) {
    match (kind, body) {
        (READY_FOR_QUERY, [status]) => heard.transaction.set(match status {
            b'T' => Transaction::Open,
            b'E' => Transaction::Failed,
            _ => Transaction::None,
        }),
        (COMMAND_COMPLETE, tag) => {
            heard.hear_command(&String::from_utf8_lossy(tag.strip_suffix(b"\0").unwrap_or(tag)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 4).to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    fn hear(chunks: &[&[u8]]) -> Heard {
        let (heard, mut watch) = (Heard::default(), Watch::default());
        chunks.iter().for_each(|chunk| watch.feed(chunk, &heard));
        heard
    }

    #[test]
    fn the_last_state_counts() {
        let stream = [
            message(b'2', b""),
            message(b'D', &[9; 300]),
            message(COMMAND_COMPLETE, b"BEGIN\0"),
            message(READY_FOR_QUERY, b"T"),
        ]
        .concat();
        let heard = hear(&[&stream]);
        assert_eq!(heard.transaction(), Transaction::Open);
        assert_eq!(heard.last_command(), "BEGIN");
        assert!(!heard.has_changed_session());
        let failed = [stream, message(READY_FOR_QUERY, b"E")].concat();
        assert_eq!(hear(&[&failed]).transaction(), Transaction::Failed);
    }

    #[test]
    fn a_setting_of_the_transaction_outlives_nothing() {
        let set = message(COMMAND_COMPLETE, b"SET\0");
        let (heard, mut watch) = (Heard::default(), Watch::default());
        heard.expect(Trace::LocalSetting);
        watch.feed(&set, &heard);
        assert!(!heard.has_changed_session());
        heard.expect(Trace::None);
        watch.feed(&set, &heard);
        heard.expect(Trace::LocalSetting);
        watch.feed(&set, &heard);
        assert!(heard.has_changed_session());
    }

    #[test]
    fn commands_that_outlive_a_transaction_are_noted() {
        let after = |tag: &str| hear(&[&message(COMMAND_COMPLETE, format!("{tag}\0").as_bytes())]);
        for tag in ["SET", "LISTEN", "DECLARE CURSOR", "CREATE TABLE", "PREPARE"] {
            assert!(after(tag).has_changed_session(), "{tag}");
        }
        for tag in ["SELECT 1", "INSERT 0 1", "COMMIT", "PREPARE TRANSACTION", "SET CONSTRAINTS"] {
            assert!(!after(tag).has_changed_session(), "{tag}");
        }
        assert!(after("PREPARE").has_prepared());
        assert!(
            after("DISCARD ALL").has_dropped_statements() && !after("DEALLOCATE").has_dropped_statements()
        );
        let heard = after("PREPARE");
        heard.forget();
        assert!(!heard.has_changed_session() && !heard.has_prepared());
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            bodies in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..100)), 0..8),
            cuts in prop::collection::vec(1_usize..40, 1..40),
        ) {
            let mut stream = Vec::new();
            for (is_command, body) in &bodies {
                stream.extend(message(if *is_command { COMMAND_COMPLETE } else { b'D' }, body));
            }
            stream.extend(message(READY_FOR_QUERY, b"T"));
            let whole = hear(&[&stream]);
            let (mut chunks, mut rest) = (Vec::new(), stream.as_slice());
            for cut in cuts.iter().cycle() {
                let (chunk, next) = rest.split_at((*cut).min(rest.len()));
                chunks.push(chunk);
                rest = next;
                if rest.is_empty() {
                    break;
                }
            }
            let parts = hear(&chunks);
            prop_assert_eq!(parts.last_command(), whole.last_command());
            prop_assert_eq!(parts.transaction(), Transaction::Open);
        }
    }
}
