//! Every case of the HTTP/1.1 engine's own corpus, over a socket: what the module was told, which responses came, whether the
//! connection was kept. Behind each case comes one more request, the sentinel: it is answered exactly when the connection is
//! in order, so that bytes behind a refusal are never read as a request.

use crate::artefacts::probe;
use crate::cases::{Case, read, unescape};
use crate::message::{Response, Unread};
use crate::peer::Peer;
use crate::server::{Mount, Server, serve};

const SENTINEL: &[u8] = b"GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n";

/// One request, as the corpus says that it must be understood.
#[derive(Default, Debug)]
struct Understood {
    method: String,
    target: Vec<u8>,
    /// Words of the `head` line behind the target: `authority=x`, `path=/`, `query=`.
    words: Vec<String>,
    body: Vec<u8>,
    fields: Vec<Vec<u8>>,
    whole: bool,
}

/// What a case expects of the server.
#[derive(Debug, Default)]
struct Expected {
    requests: Vec<Understood>,
    refusal: Option<(u16, String)>,
    closes: bool,
    waits: bool,
}

fn expected(case: &Case) -> Expected {
    let mut expected = Expected::default();
    for line in &case.expected {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let last = expected.requests.last_mut();
        match word {
            "head" => {
                let mut words = rest.split(' ').map(str::to_owned);
                let method = String::from_utf8(unescape(&words.next().unwrap())).unwrap();
                let target = unescape(&words.next().unwrap());
                let words: Vec<String> = words.collect();
                let has_body = words.iter().any(|word| word.starts_with("length=") || word == "chunked");
                let whole = !has_body;
                expected.requests.push(Understood { method, target, words, whole, ..Understood::default() });
            }
            "data" => last.unwrap().body = unescape(rest),
            "end" => last.unwrap().whole = true,
            "field" => last.unwrap().fields.push(unescape(rest)),
            "close" | "closed" => expected.closes = true,
            "waits" => expected.waits = true,
            status => expected.refusal = Some((status.parse().unwrap(), rest.to_owned())),
        }
    }
    expected
}

/// Lines of the mirror's answer that begin with the tag, without it.
fn lines<'a>(mirrored: &'a [u8], tag: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let head = mirrored.split(|&byte| byte == b'\n').take_while(|line| !line.starts_with(b"B "));
    head.filter_map(move |line| line.strip_prefix(tag.as_bytes()))
}

fn assert_understood(name: &str, request: &Understood, response: &Response) {
    assert_eq!(response.status, 200, "{name}: {request:?} was answered with {response:?}");
    if request.method == "HEAD" {
        assert!(response.body.is_empty(), "{name}: HEAD was answered with content");
        assert!(
            response.field("content-length").is_some(),
            "{name}: HEAD without the length of GET's content"
        );
        return;
    }
    let body = &response.body;
    let one = |tag| lines(body, tag).next().unwrap_or_default();
    assert_eq!((one("M "), one("T ")), (request.method.as_bytes(), &request.target[..]), "{name}");
    for (word, tag) in [("authority=", "A "), ("path=", "P "), ("query=", "Q ")] {
        if let Some(told) = request.words.iter().find_map(|known| known.strip_prefix(word)) {
            // OPTIONS without a path, and a target without one, mean "*" and "/" to a module.
            let given = one(tag);
            let may_differ = told.is_empty() && tag == "P ";
            assert!(given == unescape(told) || may_differ, "{name}: {tag}{}", given.escape_ascii());
        }
    }
    let framing = |line: &&[u8]| {
        let names = ["host:", "content-length:", "transfer-encoding:", "connection:"];
        !names.iter().any(|known| line.starts_with(known.as_bytes()))
    };
    let fields: Vec<&[u8]> = lines(body, "F ").filter(framing).chain(lines(body, "R ")).collect();
    assert_eq!(fields, request.fields.iter().map(Vec::as_slice).collect::<Vec<_>>(), "{name}: fields");
    let at = body.windows(3).position(|bytes| bytes == b"\nB ").unwrap() + 3;
    assert_eq!(&body[at..body.len() - 1], &request.body[..], "{name}: body");
}

/// How the bytes are sent.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    Bytes,
    At(usize),
}

fn send(peer: &mut Peer, bytes: &[u8], cut: Cut) {
    match cut {
        Cut::Whole => _ = peer.try_send(bytes),
        Cut::Bytes => _ = bytes.iter().all(|&byte| peer.try_send([byte])),
        Cut::At(at) => _ = peer.try_send(&bytes[..at]) && peer.try_send(&bytes[at..]),
    }
}

fn check(server: &Server, case: &Case, cut: Cut) {
    let name = format!("{} ({cut:?})", case.name);
    let expected = expected(case);
    let mut peer = server.connect();
    let eof = case.setup.iter().any(|line| line == "eof");
    let mut input = case.input.clone();
    if !eof && !expected.waits {
        input.extend_from_slice(SENTINEL);
    }
    send(&mut peer, &input, cut);
    if eof || expected.waits {
        peer.finish();
    }
    for request in expected.requests.iter().filter(|request| request.whole) {
        if request.method == "CONNECT" {
            let response = peer.response("CONNECT");
            assert!(matches!(response.status, 400..=599) && response.says_close(), "{name}: {response:?}");
            continue;
        }
        let response = peer.response(&request.method);
        assert_understood(&name, request, &response);
    }
    let has_part = expected.requests.last().is_some_and(|request| !request.whole);
    match &expected.refusal {
        Some((status, rule)) => {
            let response = peer.response("GET");
            assert_eq!(response.status, *status, "{name}: {response:?}");
            assert!(response.says_close(), "{name}: a refusal without `Connection: close`");
            assert!(has_part || response.text().contains(&format!("({rule}, ")), "{name}: {response:?}");
        }
        None if expected.waits || has_part => match peer.try_response("GET") {
            Ok(response) => assert!(matches!(response.status, 400 | 408), "{name}: {response:?}"),
            Err(Unread::Incomplete(None)) => {}
            Err(unread) => panic!("{name}: {unread:?}"),
        },
        None if expected.closes || eof => {}
        None => {
            let response = peer.get("/after-the-sentinel-is-answered");
            assert!(lines(&response.body, "T ").any(|target| target == b"/sentinel"), "{name}: {response:?}");
            let response = peer.response("GET");
            let target = lines(&response.body, "T ").next();
            assert_eq!(target, Some(&b"/after-the-sentinel-is-answered"[..]), "{name}");
            peer.finish();
        }
    }
    peer.expect_end(&name);
}

fn mirror(name: &str) -> Server {
    // A peer that closed its half still gets its answers.
    let configuration =
        crate::server::configuration(1, "[timeouts]\nlinger_ms = 500", &[Mount("mirror", probe("mirror"))]);
    Server::start(name, &(configuration + "half_close = \"wait\"\n"))
}

/// Cases that this server's limits allow; those with limits of their own are in `requests/limits.txt`.
fn corpus(text: &str, at_least: usize) -> Vec<Case> {
    let mut cases = read(text);
    cases.retain(|case| !case.setup.iter().any(|line| line.starts_with("limit ")));
    assert!(cases.len() >= at_least, "only {} cases were found", cases.len());
    cases
}

macro_rules! corpus {
    ($($name:ident $file:literal $at_least:literal,)*) => { $(
        #[test]
        fn $name() {
            let server = mirror(stringify!($name));
            for case in corpus(include_str!(concat!("../../../http1/tests/cases/", $file)), $at_least) {
                check(&server, &case, Cut::Whole);
                check(&server, &case, Cut::Bytes);
                for at in [1, case.input.len() / 2, case.input.len().saturating_sub(1)] {
                    check(&server, &case, Cut::At(at.min(case.input.len())));
                }
            }
            server.wait_until_idle(0);
            server.stop();
        }
    )* };
}

corpus! {
    corpus_of_lines "lines.txt" 40,
    corpus_of_targets "targets.txt" 60,
    corpus_of_fields "fields.txt" 30,
    corpus_of_framing "framing.txt" 40,
    corpus_of_chunks "chunks.txt" 50,
    corpus_of_persistence "persistence.txt" 14,
}

/// Every valid case of the corpus in one stream of bytes on one connection: as many responses, in their order.
#[test]
fn corpus_in_one_pipeline() {
    let server = mirror("pipeline");
    let files = [
        include_str!("../../../http1/tests/cases/targets.txt"),
        include_str!("../../../http1/tests/cases/fields.txt"),
        include_str!("../../../http1/tests/cases/chunks.txt"),
        include_str!("../../../http1/tests/cases/framing.txt"),
    ];
    let mut cases: Vec<(Case, Expected)> = Vec::new();
    for case in files.iter().flat_map(|text| corpus(text, 1)) {
        let expected = expected(&case);
        let kept = expected.refusal.is_none() && !expected.closes && !expected.waits && case.setup.is_empty();
        if kept && expected.requests.iter().all(|request| request.whole) {
            cases.push((case, expected));
        }
    }
    assert!(cases.len() > 60, "only {} cases can be joined", cases.len());
    let stream: Vec<u8> = cases.iter().flat_map(|(case, _)| case.input.iter().copied()).collect();
    for cut in [Cut::Whole, Cut::Bytes, Cut::At(stream.len() / 3)] {
        let mut peer = server.connect();
        send(&mut peer, &stream, cut);
        peer.finish();
        for (case, expected) in &cases {
            for request in &expected.requests {
                let response = peer.response(&request.method);
                assert_understood(&case.name, request, &response);
            }
        }
        peer.expect_end("the pipeline");
    }
    server.stop();
}

/// `serve` is used by other areas; here it shows that two workers understand the same.
#[test]
fn two_workers_understand_the_same() {
    let server = serve("two-workers", 2, "", &[Mount("mirror", probe("mirror"))]);
    for _ in 0..32 {
        let response = server.connect().get("/a?b");
        assert_eq!(lines(&response.body, "Q ").next(), Some(&b"b"[..]));
    }
    server.stop();
}
