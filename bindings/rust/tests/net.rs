//! Sockets over hc.fd: libraries with tokio's or hyper's IO traits, streams that change tasks, peers that leave.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;

use http_container::net::{HyperIo, TcpStream, UnixStream};
use http_container::testing::Container;
use http_container::{Body, Error, Request, Response, completion, spawn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A server on the loopback that handles so many connections, one after the other, and its address as a path.
fn server(
    connections: usize,
    serve: impl Fn(std::net::TcpStream) + Send + 'static,
) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("/{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for _ in 0..connections {
            serve(listener.accept().unwrap().0);
        }
    });
    (target, server)
}

fn echo(mut stream: std::net::TcpStream) {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return stream.shutdown(Shutdown::Write).unwrap(),
            size => stream.write_all(&buffer[..size]).unwrap(),
        }
    }
}

async fn connect(request: &Request<Body>) -> Result<TcpStream, Error> {
    Ok(TcpStream::connect(request.uri().path()[1..].parse()?).await?)
}

#[test]
fn a_stream_reads_writes_and_closes() {
    async fn handler(request: Request<Body>) -> Result<Response<String>, Error> {
        let mut stream = connect(&request).await?;
        let mut text = String::new();
        stream.write_all(b"over the loopback").await?;
        stream.shutdown().await?;
        stream.read_to_string(&mut text).await?;
        Ok(Response::new(text))
    }
    let (target, server) = server(3, echo);
    let mut container = Container::handler(handler);
    for _ in 0..3 {
        assert_eq!(container.get(&target).text(), "over the loopback");
        assert_eq!(container.counts().descriptors, 0);
    }
    server.join().unwrap();
}

#[test]
fn an_end_that_comes_with_the_last_bytes_is_seen() {
    async fn handler(request: Request<Body>) -> Result<Response<String>, Error> {
        let mut stream = connect(&request).await?;
        let (mut text, mut room) = (String::new(), [0; 64]);
        stream.write_all(b"?").await?;
        // All that comes has room, so nothing but the end can follow.
        loop {
            match stream.read(&mut room).await? {
                0 => return Ok(Response::new(text)),
                size => text.push_str(std::str::from_utf8(&room[..size])?),
            }
        }
    }
    let (target, server) = server(3, |mut stream| {
        stream.read_exact(&mut [0]).unwrap();
        // One segment for both, so that they are one edge.
        let socket = socket2::SockRef::from(&stream);
        socket.set_tcp_cork(true).unwrap();
        (&stream).write_all(b"the last words").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
    });
    let mut container = Container::handler(handler);
    for _ in 0..3 {
        assert_eq!(container.get(&target).text(), "the last words");
    }
    server.join().unwrap();
}

#[test]
fn both_directions_of_a_large_transfer_go_on_at_once() {
    const SIZE: usize = 8 << 20;
    async fn handler(request: Request<Body>) -> Result<Response<String>, Error> {
        let (mut read, mut write) = tokio::io::split(connect(&request).await?);
        let writing = async {
            let data = vec![7; 64 * 1024];
            for _ in 0..SIZE / data.len() {
                write.write_all(&data).await?;
            }
            write.shutdown().await
        };
        let reading = async {
            let (mut total, mut buffer) = (0, vec![0; 50_000]);
            loop {
                match read.read(&mut buffer).await? {
                    0 => return Ok::<_, std::io::Error>(total),
                    size => total += size,
                }
            }
        };
        let (written, total) = futures::join!(writing, reading);
        written?;
        Ok(Response::new(total?.to_string()))
    }
    let (target, server) = server(1, echo);
    assert_eq!(Container::handler(handler).get(&target).text(), SIZE.to_string());
    server.join().unwrap();
}

#[test]
fn a_refused_connection_is_an_error() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    async fn handler(request: Request<Body>) -> Result<Response<String>, Error> {
        let error = TcpStream::connect(request.uri().path()[1..].parse()?).await.unwrap_err();
        Ok(Response::new(format!("{:?}", error.kind())))
    }
    assert_eq!(Container::handler(handler).get(&format!("/{closed}")).text(), "ConnectionRefused");
}

#[test]
fn a_stream_may_change_tasks_while_it_waits() {
    async fn handler(_: Request<Body>) -> Result<Response<String>, Error> {
        let (near, mut far) = std::os::unix::net::UnixStream::pair()?;
        let mut near = UnixStream::from_std(near)?;
        let mut buffer = [0; 5];
        // This task waits first, and is told nothing; then another task waits for the same interest.
        assert!(futures::poll!(Box::pin(near.read_exact(&mut buffer))).is_pending());
        let (completer, is_waiting) = completion();
        let reader = spawn(async move {
            let mut buffer = [0; 5];
            let mut read = Box::pin(near.read_exact(&mut buffer));
            assert!(futures::poll!(&mut read).is_pending());
            completer.complete(()).unwrap();
            read.await.unwrap();
            String::from_utf8(buffer.to_vec()).unwrap()
        });
        is_waiting.await?;
        far.write_all(b"moved")?;
        Ok(Response::new(reader.await?))
    }
    let mut container = Container::handler(handler);
    assert_eq!(container.get("/").text(), "moved");
    assert_eq!(container.counts().descriptors, 0);
}

#[test]
fn a_cancelled_task_leaves_no_descriptor() {
    async fn handler(_: Request<Body>) -> Result<Response<()>, Error> {
        let (near, _far) = std::os::unix::net::UnixStream::pair()?;
        let mut near = UnixStream::from_std(near)?;
        near.read_exact(&mut [0; 5]).await?;
        Ok(Response::new(()))
    }
    let mut container = Container::handler(handler);
    let exchange = container.open(Request::get("/"));
    container.run_ready();
    assert_eq!((container.counts().descriptors, container.counts().operations), (1, 1));
    container.cancel(exchange, http_container::Status::CANCELLED_PEER);
    container.run_ready();
    assert_eq!((container.counts().descriptors, container.counts().operations), (0, 0));
}

#[test]
fn hyper_runs_without_a_runtime() {
    async fn handler(request: Request<Body>) -> Result<Response<Body>, Error> {
        let io = HyperIo::new(connect(&request).await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
        let driver = spawn(connection);
        let upstream = Request::get("/up").header("host", "upstream").body(request.into_body())?;
        let (head, body) = sender.send_request(upstream).await?.into_parts();
        drop(sender);
        drop(driver);
        Ok(Response::from_parts(head, Body::wrap(body)))
    }
    let (target, server) = server(1, |mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"GET /up HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 203 Fine\r\nx-up: 1\r\ncontent-length: 11\r\n\r\nfrom ").unwrap();
        stream.flush().unwrap();
        stream.write_all(b"afar..").unwrap();
    });
    let mut container = Container::handler(handler);
    let answer = container.get(&target);
    assert_eq!(
        (answer.status().as_u16(), answer.header("x-up"), answer.text()),
        (203, Some("1"), "from afar..".into())
    );
    server.join().unwrap();
}
