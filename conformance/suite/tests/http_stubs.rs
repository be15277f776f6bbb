//! Two servers that understand nothing: one always answers 200, one always 400. The kit must not be content with either, and a
//! request of the corpus must be read as it stands. Must not know the kit's program.
#![forbid(unsafe_code)]

use hc_conformance::case::Verdict;
use hc_conformance::http::corpus::{Class, requests};
use hc_conformance::http::judge::Measure;
use hc_conformance::http::{self, url::Url};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

const OK: &str = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok";
const BAD: &str = "HTTP/1.1 400 Bad Request\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Answers everything that looks like the end of a head, and whatever came before the end of the stream.
fn answer(mut stream: TcpStream, answer: &str) {
    let is_last = answer.contains("Connection: close");
    let mut received = Vec::new();
    let mut chunk = [0; 65_536];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..count]);
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            received.drain(..end + 4);
            if stream.write_all(answer.as_bytes()).is_err() || is_last {
                return;
            }
        }
    }
    let _ = stream.write_all(answer.as_bytes());
}

fn stub(text: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream, text));
        }
    });
    url
}

/// How many of a hundred pass, of the valid ones and of the others.
fn shares(url: &Url, measure: Measure) -> (usize, usize) {
    let share = |is_valid: bool| {
        let chosen: Vec<_> =
            requests().iter().filter(|request| (request.class == Class::Valid) == is_valid).collect();
        let passed = thread::scope(|scope| {
            let running: Vec<_> = chosen
                .chunks(1)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .filter(|request| http::run(request, url, measure).verdict == Verdict::Pass)
                            .count()
                    })
                })
                .collect();
            running.into_iter().map(|one| one.join().unwrap()).sum::<usize>()
        });
        passed * 100 / chosen.len()
    };
    (share(true), share(false))
}

#[test]
fn a_server_that_always_answers_200_scores_badly() {
    let (valid, other) = shares(&stub(OK), Measure::Rfc);
    assert!(other < 35, "{other} % of what is malformed passes");
    assert!(valid < 90, "{valid} % of what is valid passes");
}

#[test]
fn a_server_that_always_answers_400_scores_badly() {
    let (valid, _) = shares(&stub(BAD), Measure::Rfc);
    assert!(valid < 10, "{valid} % of what is valid passes");
}

#[test]
fn the_corpus_is_large_and_its_names_are_unique() {
    let names: BTreeSet<&str> = requests().iter().map(|request| request.name.as_str()).collect();
    assert_eq!(names.len(), requests().len(), "a name twice");
    assert!(names.len() >= 150, "{} requests", names.len());
    assert!(
        names
            .iter()
            .all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
    );
    for class in [Class::Valid, Class::Invalid, Class::Smuggling] {
        assert!(requests().iter().filter(|request| request.class == class).count() >= 50, "{}", class.name());
    }
}
