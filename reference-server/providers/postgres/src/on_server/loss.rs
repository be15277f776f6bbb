//! Servers that cannot be reached, or go away.

use std::sync::Arc;

use hc_services::{End, PASSWORD, Postgres, Proxy};
use http_container::{Error, Status};

use super::{in_task, run, settings, value, with_session};
use crate::drive::{Driven, drive};
use crate::failure::{Failure, FailureKind};
use crate::open::{Opened, open};

/// Why no connection could be opened.
fn refusal(url: String) -> String {
    let (send, receive) = std::sync::mpsc::channel();
    in_task(move || {
        let (settings, send) = (settings(&url), send.clone());
        async move {
            let error = open(&settings).await.err().ok_or_else(|| Error::new("it was opened"))?;
            assert_eq!(error.status(), Status::E_RESOURCE);
            send.send(error.to_string())?;
            Ok(())
        }
    });
    receive.recv().unwrap()
}

#[test]
fn it_is_told_why_a_connection_cannot_be_opened() {
    let Some(mut server) = Postgres::start("refused") else { return };
    let (url, address) = (server.url(), server.address());
    for (wrong, reason) in [
        (url.replace(PASSWORD, "wrong"), "password authentication failed for user \"hc\" (28P01)"),
        (url.replace(&format!(":{PASSWORD}"), ""), "password missing"),
        (format!("{url}x"), "database \"hcx\" does not exist (3D000)"),
        (format!("{url}?target_session_attrs=read-only"), "it is not read-only"),
        (format!("{url}?sslmode=require"), "the server does not offer TLS, which `sslmode` requires"),
    ] {
        let text = refusal(wrong);
        assert!(text.starts_with(&format!("PostgreSQL at {address} cannot be used: ")), "{text}");
        assert!(text.contains(reason) && !text.contains(PASSWORD), "{text}");
    }
    server.stop(End::Orderly);
    let text = refusal(url);
    assert!(text.contains("Connection refused"), "{text}");
    let text = refusal("postgres://hc@nowhere.invalid/hc".into());
    assert!(
        text.starts_with("PostgreSQL at nowhere.invalid:5432 cannot be used: failed to lookup"),
        "{text}"
    );
    let text = refusal("postgres://hc@%2Fnowhere/hc".into());
    assert!(text.starts_with("PostgreSQL at /nowhere/.s.PGSQL.5432 cannot be used: No such file"), "{text}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let Some(server) = Postgres::start("mute") else { return };
    let proxy = Proxy::before(server.address());
    proxy.hold();
    let text = refusal(format!("{}?connect_timeout=1", server.url_at(proxy.address())));
    assert!(text.contains("it did not answer within 1 s"), "{text}");
}

#[test]
fn the_first_place_that_answers_is_taken() {
    let Some(server) = Postgres::start("places") else { return };
    let nobody = Proxy::before(server.address()).address();
    let places = format!("@{nobody},{}/", server.address());
    let url = server.url().replace(&format!("@{}/", server.address()), &places);
    in_task(move || {
        let settings = settings(&url);
        async move {
            let opened = open(&settings).await?;
            assert_eq!(opened.place, &settings.places[1]);
            Ok(())
        }
    });
}

/// What a connection ends with when `end` does something to it while nothing is asked.
fn loss(server: Postgres, url: &str, end: impl Fn(&Postgres) + Send + Sync + 'static) -> Failure {
    let (settings, server, end) = (Arc::new(settings(url)), Arc::new(server), Arc::new(end));
    let (send, receive) = std::sync::mpsc::channel();
    in_task(move || {
        let (settings, server, end, send) =
            (Arc::clone(&settings), Arc::clone(&server), Arc::clone(&end), send.clone());
        async move {
            let Opened { session, mut link, .. } = open(&settings).await?;
            let work = async {
                value(&session, "SELECT 1", &[]).await.unwrap();
                end(&server);
                std::future::pending::<()>().await;
            };
            match drive(&mut link, work).await {
                Driven::Done(()) => Err(Error::new("it was not lost")),
                Driven::Lost(failure) => Ok(send.send(failure)?),
            }
        }
    });
    receive.recv().unwrap()
}

#[test]
fn a_loss_is_noticed_while_nothing_is_asked() {
    let Some(server) = Postgres::start("loss") else { return };
    let url = server.url();
    let failure = loss(server, &url, |server| assert_eq!(server.terminate_backends("true"), 1));
    assert_eq!(failure.explanation(), "terminating connection due to administrator command (57P01)");
    assert_eq!(failure.kind, FailureKind::Lost);
    let Some(server) = Postgres::start("cut") else { return };
    let proxy = Proxy::before(server.address());
    let url = server.url_at(proxy.address());
    let failure = loss(server, &url, move |_| assert_eq!(proxy.cut(), 1));
    assert_eq!(failure.explanation(), "connection closed");
}

#[test]
fn a_loss_ends_the_statement_under_way() {
    let Some(server) = Postgres::start("under-way") else { return };
    in_task({
        let settings = Arc::new(settings(&server.url()));
        move || {
            let settings = Arc::clone(&settings);
            async move {
                let Opened { session, mut link, .. } = open(&settings).await?;
                let suicide = value(&session, "SELECT pg_terminate_backend(pg_backend_pid())", &[]);
                match drive(&mut link, suicide).await {
                    Driven::Done(Err(failure)) => {
                        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Lost, "57P01"));
                        Ok(())
                    }
                    _ => Err(Error::new("it was answered")),
                }
            }
        }
    });
    with_session(&server, |session| async move {
        run(&session, "SELECT 1").await;
    });
}
