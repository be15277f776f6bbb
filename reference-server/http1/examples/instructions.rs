//! Counts nothing by itself: it repeats one scenario, so that a profiler can. The README says how.
//!
//! usage: `instructions SCENARIO REPEATS`; it must not print within the loop nor allocate after the first
//! round.
#![forbid(unsafe_code)]

use hc_http1::{Connection, Date, Event, FieldTable, Limits, NextCycle, Received, copy_head_lowercased};
use std::hint::black_box;
use std::mem::MaybeUninit;

const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const BROWSER: &[u8] = b"GET /articles/2024/a-longer-path?from=feed&page=2 HTTP/1.1\r\nHost: www.example.com\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nDNT: 1\r\nConnection: keep-alive\r\n\
Referer: https://www.example.com/articles/\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\
Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n\
Priority: u=0, i\r\n\r\n";
const UPLOAD: &[u8] = b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
400\r\n";
const DATE: &Date = b"Sun, 06 Nov 1994 08:49:37 GMT";
const FIELDS: [(&[u8], &[u8]); 1] = [(b"content-type", b"text/plain")];

/// What one connection needs beside its state.
struct Bench {
    connection: Connection,
    limits: Limits,
    fields: FieldTable,
    out: Vec<u8>,
    copy: Vec<u8>,
}

impl Bench {
    /// Receives one whole request and returns how many events it took.
    fn receive(&mut self, mut input: &[u8]) -> usize {
        let mut events = 0;
        loop {
            let received = self.connection.receive(input, false, &self.limits, &mut self.fields);
            let Received { consumed, event } = received.expect("the scenario's request is sound");
            events += 1;
            input = &input[consumed..];
            match event {
                Event::Head(head) if !black_box(head).has_body() => return events,
                Event::End => return events,
                Event::NeedMore => panic!("the scenario's request is whole"),
                event => _ = black_box(event),
            }
        }
    }

    fn respond(&mut self) {
        self.out.clear();
        let outcome =
            self.connection.respond_whole(&mut self.out, 200, black_box(FIELDS), b"Hello, World!", DATE);
        _ = black_box(outcome.expect("the response is sound"));
    }

    fn parse(&mut self, input: &[u8]) {
        self.connection = Connection::new();
        black_box(self.receive(black_box(input)));
    }

    fn parse_and_copy(&mut self, input: &[u8]) {
        self.parse(input);
        self.copy.clear();
        copy_head_lowercased(input, input.len(), &self.fields, &mut self.copy);
    }

    /// The floor: what `httparse` alone takes.
    fn httparse(&mut self, input: &[u8]) {
        let mut room = [const { MaybeUninit::uninit() }; 128];
        let mut request = httparse::Request::new(&mut []);
        let status = request.parse_with_uninit_headers(black_box(input), &mut room);
        assert!(status.is_ok_and(|status| status.is_complete()));
        black_box(request.headers.len());
    }

    fn cycle(&mut self, input: &[u8]) {
        self.receive(black_box(input));
        self.respond();
        assert_eq!(self.connection.next_cycle(), NextCycle::Ready);
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let scenario = arguments.next().expect("usage: instructions SCENARIO REPEATS");
    let repeats: usize = arguments.next().and_then(|text| text.parse().ok()).expect("REPEATS is a number");
    let mut upload = UPLOAD.to_vec();
    upload.resize(UPLOAD.len() + 1024, b'x');
    upload.extend_from_slice(b"\r\n0\r\n\r\n");
    let mut bench = Bench {
        connection: Connection::new(),
        limits: Limits::default(),
        fields: FieldTable::new(),
        out: Vec::with_capacity(1024),
        copy: Vec::with_capacity(4096),
    };
    for _ in 0..repeats {
        match scenario.as_str() {
            "parse-small" => bench.parse(SMALL),
            "parse-browser" => bench.parse(BROWSER),
            "httparse-small" => bench.httparse(SMALL),
            "httparse-browser" => bench.httparse(BROWSER),
            "respond" => {
                bench.connection = Connection::new();
                bench.respond();
            }
            "copy-small" => bench.parse_and_copy(SMALL),
            "copy-browser" => bench.parse_and_copy(BROWSER),
            "cycle-small" => bench.cycle(SMALL),
            "cycle-upload" => bench.cycle(&upload),
            other => panic!("no scenario {other}"),
        }
    }
}
