//! The life of a connection step by step: 100 Continue, early answers, closing, misuse.

mod drive;

use drive::{DATE, NO_FIELDS};
use hc_http1::state::{Act, RequestState, ResponseState};
use hc_http1::{
    CloseReason, Connection, Event, FieldTable, Length, Limits, Misuse, NextCycle, Outcome, Outstanding,
};

/// A connection that has received `input`, and the last event.
fn received(input: &[u8]) -> (Connection, Event) {
    let mut connection = Connection::new();
    let event = receive(&mut connection, input);
    (connection, event)
}

fn receive(connection: &mut Connection, input: &[u8]) -> Event {
    let mut fields = FieldTable::new();
    connection.receive(input, false, &Limits::default(), &mut fields).expect("the input is sound").event
}

fn text(out: &[u8]) -> &str {
    std::str::from_utf8(out).expect("ASCII")
}

type Fields = &'static [(&'static [u8], &'static [u8])];

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const EXPECTING: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn the_state_of_a_connection_is_small() {
    assert!(size_of::<Connection>() <= 96, "{}", size_of::<Connection>());
}

#[test]
fn continue_is_written_once_while_it_is_wanted() {
    let (mut connection, _) = received(EXPECTING);
    let mut out = Vec::new();
    assert!(connection.wants_continue());
    assert_eq!(connection.write_continue(&mut out), Ok(Outcome::Written));
    assert_eq!(text(&out), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(!connection.wants_continue());
    assert_eq!(connection.write_continue(&mut out), Ok(Outcome::Discarded));
    assert_eq!(receive(&mut connection, b"hello"), Event::Data(0..5));
    assert_eq!(receive(&mut connection, b""), Event::End);
    _ = connection.respond_whole(&mut out, 200, NO_FIELDS, b"", DATE).expect("legal");
    assert_eq!(connection.next_cycle(), NextCycle::Ready);
}

#[test]
fn content_that_came_by_itself_needs_no_continue() {
    let (mut connection, _) = received(EXPECTING);
    assert_eq!(receive(&mut connection, b"he"), Event::Data(0..2));
    assert!(!connection.wants_continue());
    let (connection, _) = received(&[EXPECTING, b"h"].concat());
    assert!(!connection.wants_continue());
}

#[test]
fn a_final_answer_instead_of_continue_closes() {
    let (mut connection, _) = received(EXPECTING);
    let mut out = Vec::new();
    _ = connection.respond_whole(&mut out, 403, NO_FIELDS, b"no", DATE).expect("legal");
    assert!(text(&out).contains("\r\nConnection: close\r\n"));
    assert_eq!(connection.next_cycle(), NextCycle::MustClose(CloseReason::ContinueUnsent));
}

#[test]
fn an_answer_before_the_content_waits_for_it() {
    let (mut connection, _) = received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    let mut out = Vec::new();
    _ = connection.respond_whole(&mut out, 200, NO_FIELDS, b"ok", DATE).expect("legal");
    assert!(!text(&out).contains("Connection"));
    assert_eq!(connection.outstanding(), Outstanding::Known(5));
    assert_eq!(connection.next_cycle(), NextCycle::NotYet);
    assert_eq!(receive(&mut connection, b"hel"), Event::Data(0..3));
    assert_eq!(connection.outstanding(), Outstanding::Known(2));
    assert_eq!(receive(&mut connection, b"lo"), Event::Data(0..2));
    assert_eq!(receive(&mut connection, b""), Event::End);
    assert_eq!(connection.outstanding(), Outstanding::Nothing);
    assert_eq!(connection.next_cycle(), NextCycle::Ready);
}

#[test]
fn chunked_content_is_outstanding_until_its_end() {
    let (mut connection, _) = received(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(connection.outstanding(), Outstanding::Unknown);
    assert_eq!(receive(&mut connection, b"0\r\n\r\n"), Event::End);
    assert_eq!(connection.outstanding(), Outstanding::Nothing);
}

#[test]
fn the_next_request_waits_for_the_response() {
    let (mut connection, _) = received(GET);
    assert_eq!(receive(&mut connection, GET), Event::Paused);
    assert_eq!(connection.next_cycle(), NextCycle::NotYet);
    let mut out = Vec::new();
    _ = connection.respond_whole(&mut out, 200, NO_FIELDS, b"", DATE).expect("legal");
    assert_eq!(receive(&mut connection, GET), Event::Paused);
    assert_eq!(connection.next_cycle(), NextCycle::Ready);
    assert!(matches!(receive(&mut connection, GET), Event::Head(_)));
}

#[test]
fn a_response_before_any_request_closes() {
    let mut connection = Connection::new();
    assert_eq!(receive(&mut connection, b"GET / HT"), Event::NeedMore);
    let mut out = Vec::new();
    _ = connection.respond_whole(&mut out, 408, NO_FIELDS, b"", DATE).expect("legal");
    assert!(text(&out).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    assert!(text(&out).contains("\r\nConnection: close\r\n"));
    assert_eq!(connection.next_cycle(), NextCycle::MustClose(CloseReason::Refused));
    assert_eq!(receive(&mut connection, GET), Event::Closed);
}

#[test]
fn the_refusal_of_a_head_request_has_no_content() {
    let answer_to = |input: &[u8]| {
        let mut connection = Connection::new();
        let refused = connection
            .receive(input, false, &Limits::default(), &mut FieldTable::new())
            .expect_err("refused");
        let mut out = Vec::new();
        _ = connection
            .respond_whole(&mut out, refused.status(), NO_FIELDS, b"why", DATE)
            .expect("a refusal is answered");
        text(&out).to_owned()
    };
    for (rest, status) in [
        ("/#x HTTP/1.1\r\n\r\n", 400),
        ("/ HTTP/1.1\r\n\r\n", 400),
        ("/ HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("/ HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n", 417),
        ("/ HTTP/3.0\r\n\r\n", 505),
    ] {
        for lead in ["", "\r\n"] {
            let head = answer_to(format!("{lead}HEAD {rest}").as_bytes());
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{rest}: {head}");
            assert!(
                head.contains("\r\nContent-Length: 3\r\n") && head.ends_with("\r\n\r\n"),
                "{rest}: {head}"
            );
            let other = answer_to(format!("{lead}HEADS {rest}").as_bytes());
            assert!(other.ends_with("\r\n\r\nwhy"), "{rest}: {other}");
        }
    }
}

#[test]
fn nothing_of_a_cycle_is_left_for_the_next() {
    let (mut connection, _) = received(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut out = Vec::new();
    _ = connection.respond_whole(&mut out, 200, NO_FIELDS, b"", DATE).expect("legal");
    assert_eq!(connection.next_cycle(), NextCycle::Ready);
    out.clear();
    // Who comes next is not known to ask with HEAD, nor to speak HTTP/1.1.
    let head = connection.response_head(&mut out, 503, NO_FIELDS, Length::Unknown, DATE);
    assert_eq!(head, Ok(Outcome::Written));
    assert_eq!(connection.response_data(&mut out, b"busy"), Ok(Outcome::Written));
    assert_eq!(connection.response_end(&mut out, NO_FIELDS), Ok(Outcome::Written));
    assert!(text(&out).ends_with("\r\nConnection: close\r\n\r\nbusy"));
    assert!(!text(&out).contains("chunked"));
}

#[test]
fn the_server_can_decide_to_close() {
    let (mut connection, _) = received(GET);
    connection.close_after_response();
    let mut out = Vec::new();
    _ = connection.respond_whole(&mut out, 200, NO_FIELDS, b"", DATE).expect("legal");
    assert!(text(&out).contains("\r\nConnection: close\r\n"));
    assert_eq!(connection.next_cycle(), NextCycle::MustClose(CloseReason::Decided));
}

#[test]
fn content_must_keep_to_its_length() {
    let (mut connection, _) = received(GET);
    let mut out = Vec::new();
    _ = connection.response_head(&mut out, 200, NO_FIELDS, Length::Known(5), DATE).expect("legal");
    let head = out.len();
    assert_eq!(connection.response_data(&mut out, b"abc"), Ok(Outcome::Written));
    assert_eq!(connection.response_data(&mut out, b"def"), Err(Misuse::BodyExceeds { remaining: 2 }));
    assert_eq!(&out[head..], b"abc");
    assert_eq!(connection.response_end(&mut out, NO_FIELDS), Err(Misuse::BodyUndershoots { missing: 2 }));
    assert_eq!(connection.response_state(), ResponseState::Failed);
    assert_eq!(connection.next_cycle(), NextCycle::MustClose(CloseReason::Aborted));
}

#[test]
fn a_misused_call_changes_nothing() {
    let fields: [(Fields, Misuse); 9] = [
        (&[(b"a", b"b"), (b"", b"c")], Misuse::FieldName),
        (&[(b"a b", b"c")], Misuse::FieldName),
        (&[(b"a:", b"c")], Misuse::FieldName),
        (&[(b"a", b"b\r\nc: d")], Misuse::FieldValue),
        (&[(b"a", b"b\0")], Misuse::FieldValue),
        (&[(b"a", b"0123456789\n")], Misuse::FieldValue),
        (&[(b"Content-Length", b"5")], Misuse::FieldReserved),
        (&[(b"transfer-encoding", b"chunked")], Misuse::FieldReserved),
        (&[(b"CONNECTION", b"close")], Misuse::FieldReserved),
    ];
    for (fields, misuse) in fields {
        let (mut connection, _) = received(GET);
        let mut out = b"before".to_vec();
        let whole = connection.respond_whole(&mut out, 200, fields.iter().copied(), b"x", DATE);
        assert_eq!(whole, Err(misuse));
        let head = connection.response_head(&mut out, 200, fields.iter().copied(), Length::Unknown, DATE);
        assert_eq!(head, Err(misuse));
        assert_eq!(connection.interim(&mut out, 103, fields.iter().copied()), Err(misuse));
        assert_eq!(out, b"before");
        assert_eq!(connection.response_state(), ResponseState::Idle);
        _ = connection.respond_whole(&mut out, 500, NO_FIELDS, b"", DATE).expect("still possible");
        assert_eq!(connection.next_cycle(), NextCycle::Ready);
    }
}

#[test]
fn a_status_must_fit_its_call() {
    let (mut connection, _) = received(GET);
    let mut out = Vec::new();
    for status in [0, 99, 100, 101, 199, 600, u16::MAX] {
        let whole = connection.respond_whole(&mut out, status, NO_FIELDS, b"", DATE);
        assert_eq!(whole, Err(Misuse::Status(status)));
    }
    for status in [0, 99, 100, 101, 200, 600] {
        assert_eq!(connection.interim(&mut out, status, NO_FIELDS), Err(Misuse::Status(status)));
    }
    assert!(out.is_empty());
}

#[test]
fn a_tunnel_cannot_be_granted() {
    let (mut connection, _) = received(b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n");
    let mut out = Vec::new();
    let whole = connection.respond_whole(&mut out, 200, NO_FIELDS, b"", DATE);
    assert_eq!(whole, Err(Misuse::Status(200)));
    _ = connection.respond_whole(&mut out, 501, NO_FIELDS, b"", DATE).expect("legal");
    assert_eq!(connection.next_cycle(), NextCycle::MustClose(CloseReason::ConnectRefused));
}

#[test]
fn bad_trailers_change_nothing() {
    let (mut connection, _) = received(GET);
    let mut out = Vec::new();
    _ = connection.response_head(&mut out, 200, NO_FIELDS, Length::Unknown, DATE).expect("legal");
    let head = out.len();
    for (name, value, misuse) in [
        (&b"content-length"[..], &b"5"[..], Misuse::FieldReserved),
        (b"Host", b"x", Misuse::FieldReserved),
        (b"a", b"b\n", Misuse::FieldValue),
        (b"", b"b", Misuse::FieldName),
    ] {
        assert_eq!(connection.response_end(&mut out, [(name, value)]), Err(misuse));
        assert_eq!(out.len(), head);
    }
    assert_eq!(connection.response_end(&mut out, [(&b"a"[..], &b"b"[..])]), Ok(Outcome::Written));
    assert_eq!(&out[head..], b"0\r\na: b\r\n\r\n");
}

#[test]
fn an_aborted_response_only_closes() {
    let (mut connection, _) = received(GET);
    let mut out = Vec::new();
    _ = connection.response_head(&mut out, 200, NO_FIELDS, Length::Unknown, DATE).expect("legal");
    connection.abort();
    assert_eq!(connection.next_cycle(), NextCycle::MustClose(CloseReason::Aborted));
    let data = connection.response_data(&mut out, b"x");
    let (request, response) = (RequestState::Failed, ResponseState::Failed);
    assert_eq!(data, Err(Misuse::State { act: Act::RespondData, request, response }));
    assert_eq!(receive(&mut connection, GET), Event::Closed);
}

#[test]
fn frames_go_around_content_that_stays_where_it_is() {
    let (mut connection, _) = received(GET);
    let mut out = Vec::new();
    _ = connection.response_head(&mut out, 200, NO_FIELDS, Length::Unknown, DATE).expect("legal");
    let head = out.len();
    let frame = connection.frame_data(&mut out, 0x1234).expect("legal");
    assert_eq!((&out[head..], frame.suffix), (&b"1234\r\n"[..], &b"\r\n"[..]));
    assert_eq!(connection.response_data(&mut out, b""), Ok(Outcome::Written));
    assert_eq!(out.len(), head + 6, "an empty chunk would end the content");
}
