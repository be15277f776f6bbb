//! Properties of the request side: the way the input is cut changes nothing, and no input makes it panic.

mod drive;

use drive::Driver;
use hc_http1::Limits;
use proptest::prelude::*;

/// Limits so small that generated input reaches them.
const NARROW: Limits = Limits {
    empty_lines: 1,
    method_bytes: 8,
    request_line_bytes: 40,
    head_bytes: 120,
    field_count: 4,
    body_bytes: 20,
    chunk_line_bytes: 12,
    chunk_extension_bytes: 16,
    trailer_bytes: 24,
};

/// A piece of a request; sound ones come more often than broken ones.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let sound: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\n",
        b"POST /upload?a=b HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"GET http://example.com?x HTTP/1.1\r\n",
        b"HEAD /x HTTP/1.0\r\n",
        b"Host: x\r\n",
        b"Host: x\r\n\r\n",
        b"Content-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Connection: keep-alive\r\n",
        b"Expect: 100-continue\r\n",
        b"A:  b \r\n",
        b"5\r\nhello\r\n",
        b"a;b=\"c\\\"\"\r\n0123456789\r\n",
        b"0\r\n\r\n",
        b"0\r\nX-Sum: 1\r\n\r\n",
        b"\r\n",
    ];
    let broken: &[&[u8]] = &[
        b"\n",
        b"\r",
        b" ",
        b"\0",
        b"\t",
        b":",
        b";",
        b" folded\r\n",
        b"Content-Length: 6\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"\x16\x03\x01",
        b"ffffffffffffffffff\r\n",
        b"Host : y\r\n",
        b"/",
        b"HTTP/1.1",
        b"\x7f",
        b"\xff",
        b"Connection: close\r\n",
    ];
    prop_oneof![
        8 => proptest::sample::select(sound).prop_map(<[u8]>::to_vec),
        1 => proptest::sample::select(broken).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(fragment(), 0..14).prop_map(|fragments| fragments.concat())
}

/// The pieces of `bytes` between the places `cuts`.
fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same_events(
        bytes in stream(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        eof: bool,
        narrow: bool,
    ) {
        let limits = if narrow { NARROW } else { Limits::default() };
        let whole = Driver::log_of(limits, [&bytes[..]], eof);
        prop_assert_eq!(&Driver::log_of(limits, cut(&bytes, &cuts), eof), &whole);
        prop_assert_eq!(&Driver::log_of(limits, bytes.chunks(1), eof), &whole);
    }

    #[test]
    fn a_good_request_with_one_changed_byte_is_read_in_one_way_only(
        place: prop::sample::Index,
        byte: u8,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut bytes = b"POST /a?b HTTP/1.1\r\nHost: example.com:80\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n\
            5;x=y\r\nhello\r\n0\r\nT: u\r\n\r\nGET /next HTTP/1.1\r\nHost: y\r\n\r\n".to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let whole = Driver::log_of(Limits::default(), [&bytes[..]], false);
        prop_assert_eq!(&Driver::log_of(Limits::default(), cut(&bytes, &cuts), false), &whole);
        prop_assert_eq!(&Driver::log_of(Limits::default(), bytes.chunks(1), false), &whole);
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), eof: bool) {
        let whole = Driver::log_of(Limits::default(), [&bytes[..]], eof);
        prop_assert_eq!(Driver::log_of(Limits::default(), bytes.chunks(1), eof), whole);
    }
}

/// A long head that arrives in single bytes gives the same events as one that arrives whole.
#[test]
fn a_long_head_in_single_bytes_is_read() {
    let mut bytes = b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec();
    for index in 0..90 {
        bytes.extend_from_slice(format!("Field-{index}: {}\r\n", "v".repeat(300)).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    let log = Driver::log_of(Limits::default(), bytes.chunks(1), false);
    assert_eq!(log.len(), 91);
    assert_eq!(log, Driver::log_of(Limits::default(), [&bytes[..]], false));
}
