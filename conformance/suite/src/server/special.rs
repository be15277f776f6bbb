//! Acts of the client that look at more than one connection. Must not know any container.

use crate::http::corpus::{Piece, Request, requests};
use crate::http::exchange::{Exchange, Next};
use crate::http::judge::{Measure, filled_in};
use crate::http::url::Url;
use crate::patience;
use std::thread;
use std::time::{Duration, Instant};

/// A request of its own: status and content.
///
/// # Errors
/// What came instead of a response.
pub fn ask(url: &Url, path: &str) -> Result<(u16, String), String> {
    let mut exchange = Exchange::open(url)?;
    exchange.send(
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.authority).as_bytes(),
    );
    match exchange.next("GET") {
        Next::Response(response) => {
            Ok((response.status, String::from_utf8_lossy(&response.content).into_owned()))
        }
        other => Err(format!("{path}: {other:?}")),
    }
}

/// How many tasks were started so far, that of this question among them.
fn starts(url: &Url) -> Result<u64, String> {
    let (_, text) = ask(url, "/count")?;
    let count: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("/count: {error}"))?;
    count["starts"].as_u64().ok_or(format!("/count: {text}"))
}

/// Sends every request of the corpus whose head a container refuses; none may reach the module.
///
/// # Errors
/// The first that does.
pub fn corpus_makes_no_task(url: &Url) -> Result<(), String> {
    let is_refused = |request: &&Request| {
        let expected = request.expected(Measure::Container);
        request.rules.contains(&"connection.refusal.status")
            && !expected
                .iter()
                .any(|one| one.begins_with(&[200], &request.methods) && !one.statuses.is_empty())
    };
    for request in requests().iter().filter(is_refused) {
        let before = starts(url)?;
        let mut exchange = Exchange::open(url)?;
        for piece in &request.pieces {
            if let Piece::Bytes(bytes) = piece {
                exchange.send(&filled_in(bytes, url));
            }
        }
        exchange.next("GET");
        let made = starts(url)?.saturating_sub(before + 1);
        if made > 0 {
            return Err(format!("{} made a task", request.name));
        }
    }
    Ok(())
}

/// Waits until a fresh instance answers: one whose record knows nothing of the case.
///
/// # Errors
/// When none does in time.
pub fn replaced(url: &Url) -> Result<(), String> {
    let until = Instant::now() + patience::container();
    while Instant::now() < until {
        if ask(url, "/now/case")?.1.is_empty() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err("no fresh instance".into())
}
