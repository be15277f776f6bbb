//! Who is let in, what is told of a server that cannot be reached, and how its loss is noticed.

use hc_services::{End, Proxy, Redis, Reply as Plain};
use http_container::Error;

use super::{Heard, at, in_task, settings, with_session};
use crate::session::Session;
use crate::settings::Settings;

/// Why no session can be opened.
fn refusal(make: impl Fn() -> Settings + Send + Sync + 'static) -> String {
    let (send, receive) = std::sync::mpsc::channel();
    in_task(move || {
        let (settings, send) = (make(), send.clone());
        async move {
            let reason = Session::open(&settings).await.err().ok_or_else(|| Error::new("it was opened"))?;
            Ok(send.send(reason)?)
        }
    });
    receive.recv().unwrap()
}

#[test]
fn passwords_and_databases() {
    for server in Redis::start_each("password", &["--requirepass", "secret"]) {
        let address = server.address();
        with_session(&format!("redis://:secret@{address}/3"), |mut session| async move {
            session.check().await.unwrap().unwrap();
        });
        with_session(&format!("redis://default:secret@{address}"), |_| async {});
        for (user, text) in [("", "NOAUTH"), (":wrong@", "WRONGPASS"), ("nobody:secret@", "WRONGPASS")] {
            let url = format!("redis://{user}{address}");
            let reason = refusal(move || at(&url));
            assert!(reason.starts_with(text) && !reason.contains("secret"), "{reason}");
        }
        let reason = refusal(move || at(&format!("redis://:secret@{address}/99")));
        assert!(reason.contains("DB index is out of range"), "{reason}");
    }
}

#[test]
fn a_connection_has_a_name_and_a_database() {
    for server in Redis::start_each("name", &[]) {
        let server = std::sync::Arc::new(server);
        in_task(move || {
            let server = std::sync::Arc::clone(&server);
            async move {
                let named = |database, name| {
                    settings(
                        serde_json::json!({ "url": format!("{}{database}", server.url()), "client_name": name }),
                    )
                };
                let _first = Session::open(&named("", None)).await.map_err(Error::new)?;
                let _second = Session::open(&named("/3", Some("shop"))).await.map_err(Error::new)?;
                let Plain::Bytes(Some(list)) = server.session().run(&["CLIENT", "LIST"]) else {
                    return Err(Error::new("no list"));
                };
                let list = String::from_utf8_lossy(&list).into_owned();
                let has = |name: &str, database: &str| {
                    list.lines().any(|line| line.contains(name) && line.contains(database))
                };
                assert!(has(" name=http-container ", " db=0 ") && has(" name=shop ", " db=3 "), "{list}");
                Ok(())
            }
        });
    }
}

#[test]
fn it_is_told_why_a_server_cannot_be_reached() {
    for mut server in Redis::start_each("refused", &[]) {
        let url = server.url();
        server.stop(End::Orderly);
        let reason = refusal(move || at(&url));
        assert!(reason.contains("Connection refused"), "{reason}");
    }
    let reason = refusal(|| at("unix:///nowhere/redis.sock"));
    assert!(reason.contains("No such file"), "{reason}");
}

#[test]
fn a_loss_is_noticed_while_nothing_is_asked() {
    for server in Redis::start_each("loss", &[]) {
        let proxy = Proxy::before(server.address());
        let url = Redis::url_at(proxy.address());
        let proxy = std::sync::Arc::new(proxy);
        in_task(move || {
            let (settings, proxy) = (at(&url), std::sync::Arc::clone(&proxy));
            async move {
                let mut session = Session::open(&settings).await.map_err(Error::new)?;
                assert_eq!(proxy.cut(), 1);
                let loss = session.listen(&Heard::default()).await;
                assert_eq!(loss.to_string(), "the server has closed it");
                assert!(session.check().await.is_err());
                Ok(())
            }
        });
    }
}

#[test]
fn another_protocol_is_no_redis() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let reason = refusal(move || at(&format!("redis://{address}")));
    assert!(reason.starts_with("the server does not speak Redis' protocol"), "{reason}");
    server.join().unwrap();
}
