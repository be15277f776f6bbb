//! A bad wire: it stands between a container and its clients, and changes what passes in one way. Must not know cases.
//!
//! `always STATUS [close]` answers by itself; `request WHAT` mends requests, as a lenient container would; what else there is changes
//! responses.

mod leniency;
mod response;

use crate::http::url::Url;
use response::Rewriter;
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Puts the wire before a container; where its clients find it.
///
/// # Errors
/// When there is no address for it.
pub fn put_before(url: &Url, fault: &str) -> io::Result<Url> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let front = Url { authority: listener.local_addr()?.to_string(), path: url.path.clone() };
    let (behind, words) = (url.clone(), words(fault));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (behind, words) = (behind.clone(), words.clone());
            thread::spawn(move || {
                // What ends a connection early is seen by the client.
                let _ = match words[0].as_str() {
                    "always" => answer_always(client, &words),
                    _ => relay(&client, &behind, &words),
                };
            });
        }
    });
    Ok(front)
}

fn words(fault: &str) -> Arc<Vec<String>> {
    let mut words: Vec<String> = fault.split(' ').map(str::to_owned).collect();
    words.resize(4.max(words.len()), String::new());
    Arc::new(words)
}

/// One server that understands nothing.
fn answer_always(mut client: TcpStream, words: &[String]) -> io::Result<()> {
    let is_last = words[2] == "close";
    let close = if is_last { "Connection: close\r\n" } else { "" };
    let answer = format!(
        "HTTP/1.1 {} Stub\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n{close}Content-Length: 0\r\n\r\n",
        words[1]
    );
    let mut received = Vec::new();
    let mut chunk = [0; 65_536];
    loop {
        let count = client.read(&mut chunk)?;
        received.extend_from_slice(&chunk[..count]);
        let mut answered = 0;
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            received.drain(..end + 4);
            answered += 1;
        }
        for _ in 0..answered.max(usize::from(count == 0)) {
            client.write_all(answer.as_bytes())?;
            if is_last {
                return client.shutdown(Shutdown::Write);
            }
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// What both directions of a connection know.
struct Connection {
    is_head: AtomicBool,
    is_broken: AtomicBool,
}

fn relay(client: &TcpStream, behind: &Url, words: &Arc<Vec<String>>) -> io::Result<()> {
    let server = behind.connect().map_err(io::Error::other)?;
    client.set_nodelay(true)?;
    let connection =
        Arc::new(Connection { is_head: AtomicBool::new(false), is_broken: AtomicBool::new(false) });
    let up = {
        let (client, server) = (client.try_clone()?, server.try_clone()?);
        let (connection, words) = (connection.clone(), words.clone());
        thread::spawn(move || send_up(&client, &server, &words, &connection))
    };
    send_down(&server, client, words, &connection);
    up.join().map_err(|_| io::Error::other("a direction panicked"))
}

/// Ends a socket by a reset when its last copy is closed, and wakes who reads from it.
fn break_off(socket: &TcpStream, connection: &Connection) {
    connection.is_broken.store(true, Ordering::Relaxed);
    let _ = set_socket_linger(socket, Some(Duration::ZERO));
    let _ = socket.shutdown(Shutdown::Read);
}

fn send_up(mut client: &TcpStream, mut server: &TcpStream, words: &[String], connection: &Connection) {
    let mut chunk = [0; 65_536];
    let mut start = Vec::new();
    let mut mender = leniency::Mender::new(words);
    let mut is_taken = true;
    loop {
        match client.read(&mut chunk) {
            Ok(0) => {
                if connection.is_broken.load(Ordering::Relaxed) {
                    return;
                }
                // It may have closed already.
                let _ = server.write_all(&mender.rest());
                let _ = server.shutdown(Shutdown::Write);
                return;
            }
            Ok(count) => {
                if start.len() < 5 {
                    start.extend_from_slice(&chunk[..count.min(5)]);
                    connection.is_head.store(start.starts_with(b"HEAD "), Ordering::Relaxed);
                }
                // What a container that has closed does not take is dropped.
                is_taken = is_taken && server.write_all(&mender.mend(&chunk[..count])).is_ok();
            }
            Err(_) => return break_off(server, connection),
        }
    }
}

fn send_down(mut server: &TcpStream, mut client: &TcpStream, words: &[String], connection: &Connection) {
    let mut chunk = [0; 65_536];
    let mut rewriter = Rewriter::new(words);
    loop {
        match server.read(&mut chunk) {
            Ok(0) => {
                if !connection.is_broken.load(Ordering::Relaxed) && !rewriter.keeps_open() {
                    let _ = client.write_all(&rewriter.rest());
                    let _ = client.shutdown(Shutdown::Write);
                }
                return;
            }
            Ok(count) => {
                let is_head = connection.is_head.load(Ordering::Relaxed);
                let sent = client.write_all(&rewriter.rewrite(&chunk[..count], is_head));
                if sent.is_err() {
                    return break_off(server, connection);
                }
                if rewriter.ends_now() {
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = server.shutdown(Shutdown::Both);
                    return;
                }
            }
            Err(_) => return break_off(client, connection),
        }
    }
}
