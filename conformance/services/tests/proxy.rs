//! The proxy that breaks connections, between clients and a server that says everything again.

use hc_services::{Proxy, wait_for};
use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A server that says everything again. Its threads end with the process.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut &stream, &mut writer);
                let _ = writer.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(hc_services::PATIENCE)).unwrap();
    stream
}

/// Says a word and hears it again.
fn exchange(stream: &mut TcpStream, word: &str) -> Result<(), Error> {
    stream.write_all(word.as_bytes())?;
    hear(stream, word)
}

fn hear(stream: &mut TcpStream, word: &str) -> Result<(), Error> {
    let mut heard = vec![0; word.len()];
    stream.read_exact(&mut heard)?;
    assert_eq!(heard, word.as_bytes());
    Ok(())
}

#[test]
fn it_passes_everything_on() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    exchange(&mut stream, "hello").unwrap();
    exchange(&mut stream, &"long".repeat(10_000)).unwrap();
    assert_eq!((proxy.open(), proxy.accepted()), (1, 1));
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "the end goes round as well");
    wait_for("it forgets the connection", || (proxy.open() == 0).then_some(()));
}

#[test]
fn it_cuts() {
    let proxy = Proxy::before(echo());
    let mut streams = [connect(&proxy), connect(&proxy)];
    for stream in &mut streams {
        exchange(stream, "hello").unwrap();
    }
    assert_eq!(proxy.cut(), 2);
    for stream in &mut streams {
        assert!(exchange(stream, "hello").is_err());
    }
    exchange(&mut connect(&proxy), "again").unwrap();
}

#[test]
fn it_refuses_and_admits() {
    let mut proxy = Proxy::before(echo());
    let mut open = connect(&proxy);
    exchange(&mut open, "hello").unwrap();
    for _ in 0..2 {
        proxy.refuse();
        let error = TcpStream::connect(proxy.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        exchange(&mut open, "still here").unwrap();
        proxy.admit();
        exchange(&mut connect(&proxy), "again").unwrap();
    }
}

#[test]
fn it_holds_and_passes() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    exchange(&mut stream, "hello").unwrap();
    proxy.hold();
    stream.write_all(b"are you there?").unwrap();
    let mut late = connect(&proxy);
    late.write_all(b"and you?").unwrap();
    wait_for("it took both", || (proxy.open() == 2).then_some(()));
    for stream in [&mut stream, &mut late] {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        stream.set_read_timeout(Some(hc_services::PATIENCE)).unwrap();
    }
    proxy.pass();
    hear(&mut stream, "are you there?").unwrap();
    hear(&mut late, "and you?").unwrap();
    // What is held can be cut, too.
    proxy.hold();
    stream.write_all(b"hello").unwrap();
    assert_eq!(proxy.cut(), 2);
    assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0);
}

#[test]
fn it_delays() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    proxy.delay(Duration::from_millis(30));
    let start = Instant::now();
    exchange(&mut stream, "hello").unwrap();
    assert!(start.elapsed() >= Duration::from_millis(60), "once there, once back");
    proxy.delay(Duration::ZERO);
    exchange(&mut stream, "hello").unwrap();
}
