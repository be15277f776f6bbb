//! Properties of the response side: whatever it writes parses back, under every request and every status.

mod drive;

use drive::response_reader::{ReadResponse, read_response};
use drive::{DATE, NO_FIELDS};
use hc_http1::{Connection, FieldTable, Length, Limits, NextCycle, Outcome};
use proptest::prelude::*;
use std::fmt::Write as _;

/// A request that a response answers.
#[derive(Clone, Copy, Debug)]
struct Asked {
    method: &'static str,
    is_1_0: bool,
    /// The value of Connection, if any.
    connection: &'static str,
}

impl Asked {
    fn connection(self) -> Connection {
        let Self { method, is_1_0, connection } = self;
        let version = if is_1_0 { "1.0" } else { "1.1" };
        let head = format!("{method} / HTTP/{version}\r\nHost: x\r\nConnection: {connection}\r\n\r\n");
        let mut state = Connection::new();
        state
            .receive(head.as_bytes(), false, &Limits::default(), &mut FieldTable::new())
            .expect("the request is sound");
        state
    }

    /// Whether the client lets the connection persist.
    fn persists(self) -> bool {
        self.connection != "close" && (!self.is_1_0 || self.connection == "keep-alive")
    }

    fn may_have_content(self, status: u16) -> bool {
        self.method != "HEAD" && !matches!(status, 204 | 205 | 304)
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        proptest::sample::select(vec!["GET", "HEAD", "POST", "OPTIONS"]),
        any::<bool>(),
        proptest::sample::select(vec!["close", "keep-alive", "other"]),
    )
        .prop_map(|(method, is_1_0, connection)| Asked { method, is_1_0, connection })
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "[a-zA-Z!#$%&'*+.^_`|~-]{1,12}".prop_filter("reserved", |name| {
        !["te", "upgrade", "connection", "keep-alive", "date", "host", "trailer", "expect"]
            .contains(&name.to_ascii_lowercase().as_str())
    });
    proptest::collection::vec((name, "([!-~é][ \t!-~é]{0,20}[!-~])?"), 0..5)
}

fn borrowed(fields: &[(String, String)]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

fn owned(fields: &[(String, String)]) -> Vec<(String, Vec<u8>)> {
    fields.iter().map(|(name, value)| (name.clone(), value.as_bytes().to_vec())).collect()
}

/// What every response owes, whoever asked.
fn check(asked: Asked, status: u16, fields: &[(String, String)], read: &ReadResponse, next: NextCycle) {
    assert_eq!(read.status, status);
    assert_eq!(read.reason, hc_http1::reason(status));
    assert_eq!(read.fields[..fields.len()], owned(fields));
    assert_eq!(read.values("date").collect::<Vec<_>>(), [DATE]);
    assert_eq!(read.persists, next == NextCycle::Ready, "{asked:?} {next:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_response_reads_back(
        asked in asked(), status in 200u16..600, fields in fields(), body in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut connection = asked.connection();
        let mut out = Vec::new();
        let outcome = connection.respond_whole(&mut out, status, borrowed(&fields), &body, DATE).unwrap();
        let mut rest = &out[..];
        let read = read_response(&mut rest, asked.method, asked.is_1_0);
        prop_assert!(rest.is_empty());
        let next = connection.next_cycle();
        check(asked, status, &fields, &read, next);
        prop_assert_eq!(read.persists, asked.persists());
        let has_content = asked.may_have_content(status);
        prop_assert_eq!(outcome == Outcome::Written, has_content);
        prop_assert_eq!(read.body, if has_content { body } else { Vec::new() });
    }

    #[test]
    fn a_response_in_pieces_reads_back(
        asked in asked(), status in 200u16..600, fields in fields(), trailers in fields(), is_known: bool,
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
    ) {
        let mut connection = asked.connection();
        let mut out = Vec::new();
        let body = pieces.concat();
        let length = if is_known { Length::Known(body.len() as u64) } else { Length::Unknown };
        let head = connection.response_head(&mut out, status, borrowed(&fields), length, DATE).unwrap();
        for piece in &pieces {
            prop_assert_eq!(connection.response_data(&mut out, piece).unwrap(), head);
        }
        let end = connection.response_end(&mut out, borrowed(&trailers)).unwrap();
        let mut rest = &out[..];
        let read = read_response(&mut rest, asked.method, asked.is_1_0);
        prop_assert!(rest.is_empty());
        let next = connection.next_cycle();
        check(asked, status, &fields, &read, next);
        let has_content = asked.may_have_content(status);
        let chunked = has_content && !is_known && !asked.is_1_0;
        prop_assert_eq!(head == Outcome::Written, has_content);
        prop_assert_eq!(read.body, if has_content { body } else { Vec::new() });
        prop_assert_eq!(read.trailers, if chunked { owned(&trailers) } else { Vec::new() });
        prop_assert_eq!(end == Outcome::Written, chunked || trailers.is_empty());
        let until_close = has_content && !is_known && asked.is_1_0;
        prop_assert_eq!(read.persists, asked.persists() && !until_close);
    }

    #[test]
    fn interim_responses_precede_the_final_one(asked in asked(), status in 102u16..200, fields in fields()) {
        let mut connection = asked.connection();
        let mut out = Vec::new();
        let interim = connection.interim(&mut out, status, borrowed(&fields)).unwrap();
        prop_assert_eq!(interim == Outcome::Written, !asked.is_1_0);
        _ = connection.respond_whole(&mut out, 200, NO_FIELDS, b"ok", DATE).unwrap();
        let mut rest = &out[..];
        if !asked.is_1_0 {
            let read = read_response(&mut rest, asked.method, false);
            prop_assert_eq!((read.status, read.fields), (status, owned(&fields)));
        }
        prop_assert_eq!(read_response(&mut rest, asked.method, asked.is_1_0).status, 200);
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn names_and_values_that_are_not_refused_are_harmless(
        name in proptest::collection::vec(any::<u8>(), 0..6), value in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let asked = Asked { method: "GET", is_1_0: false, connection: "other" };
        let mut out = Vec::new();
        if asked.connection().respond_whole(&mut out, 200, [(&name[..], &value[..])], b"ok", DATE).is_ok() {
            let mut rest = &out[..];
            let read = read_response(&mut rest, "GET", false);
            prop_assert!(rest.is_empty());
            prop_assert_eq!(read.fields.len(), 3);
            prop_assert_eq!(read.fields[0].0.as_bytes(), &name[..]);
        } else {
            prop_assert!(out.is_empty());
        }
    }
}

/// The framing of every kind of response, as bytes.
#[test]
fn framing_is_as_recorded() {
    let mut log = String::new();
    for (method, is_1_0, connection) in [
        ("GET", false, "other"),
        ("GET", false, "close"),
        ("HEAD", false, "other"),
        ("GET", true, "other"),
        ("GET", true, "keep-alive"),
        ("HEAD", true, "keep-alive"),
    ] {
        let asked = Asked { method, is_1_0, connection };
        for status in [200, 204, 205, 304, 299] {
            for length in [Length::Known(2), Length::Known(0), Length::Unknown] {
                let mut connection = asked.connection();
                let mut out = Vec::new();
                let head =
                    connection.response_head(&mut out, status, NO_FIELDS, length, DATE).expect("legal");
                if length != Length::Known(0) {
                    _ = connection.response_data(&mut out, b"ab").expect("legal");
                }
                let end = connection.response_end(&mut out, [(&b"t"[..], &b"u"[..])]).expect("legal");
                let bytes =
                    out.escape_ascii().to_string().replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\\r\\n", "");
                let next = connection.next_cycle();
                writeln!(
                    log,
                    "{asked:?} {status} {length:?}\n  {bytes}\n  head {head:?}, end {end:?}, {next:?}"
                )
                .expect("a string");
            }
        }
    }
    insta::assert_snapshot!(log);
}

#[test]
fn a_date_of_the_caller_is_kept() {
    let asked = Asked { method: "GET", is_1_0: false, connection: "other" };
    let mut out = Vec::new();
    let date: (&[u8], &[u8]) = (b"DATE", b"Mon, 07 Nov 1994 08:49:37 GMT");
    _ = asked.connection().respond_whole(&mut out, 200, [date], b"", DATE).expect("legal");
    let read = read_response(&mut &out[..], "GET", false);
    assert_eq!(read.values("date").collect::<Vec<_>>(), [date.1]);
}
