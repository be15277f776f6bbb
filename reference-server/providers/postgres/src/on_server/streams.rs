//! Answers that are larger than memory, and statements that are ended before their time.

use std::sync::Arc;

use hc_services::{Postgres, PostgresSession};
use http_container::{Error, sleep, spawn, timeout};
use std::time::Duration;

use super::{in_task, run, settings, value, with_session};
use crate::drive::{Driven, drive};
use crate::open::{Opened, cancel, open};

/// Lines that no memory holds.
const ENDLESS: &str = "SELECT repeat('x', 1000), generate_series(1, 1000000000)";

/// Whether the server waits until somebody reads what it writes.
fn waits_for_a_reader(watcher: &mut PostgresSession) -> bool {
    watcher
        .number("SELECT count(*) FROM pg_stat_activity WHERE usename = 'hc' AND wait_event = 'ClientWrite'")
        == 1
}

#[test]
fn whoever_does_not_read_stops_the_server() {
    let Some(server) = Postgres::start("back-pressure") else { return };
    let (settings, server) = (Arc::new(settings(&server.url())), Arc::new(server));
    in_task(move || {
        let (settings, server) = (Arc::clone(&settings), Arc::clone(&server));
        async move {
            let Opened { session, mut link, place } = open(&settings).await?;
            let work = async {
                let mut answer = session.run(ENDLESS, std::iter::empty(), false).await.unwrap();
                let (mut rows, mut watcher) = (0, server.session());
                for _ in 0..3 {
                    while rows < 1000 {
                        assert!(answer.fetch().await.unwrap());
                        rows += answer.values(&mut String::new()).unwrap().len() / 2;
                    }
                    rows = 0;
                    // The connection goes on being driven, and takes no more than there is room for.
                    while !waits_for_a_reader(&mut watcher) {
                        sleep(Duration::from_millis(1)).await;
                    }
                }
                let token = session.cancel_token();
                cancel(&settings, place, &token).await.unwrap();
                let failure = loop {
                    match answer.fetch().await {
                        Ok(has_more) => assert!(has_more, "it came to an end"),
                        Err(failure) => break failure,
                    }
                };
                assert!(failure.is_cancelled(), "{failure:?}");
                assert_eq!(value(&session, "SELECT 1", &[]).await.unwrap(), "Int64(1)");
            };
            match drive(&mut link, work).await {
                Driven::Done(()) => Ok(()),
                Driven::Lost(failure) => Err(Error::new(failure.explanation())),
            }
        }
    });
}

#[test]
fn an_answer_that_nobody_wants_is_passed_over() {
    let Some(server) = Postgres::start("unwanted") else { return };
    with_session(&server, |session| async move {
        let text = "SELECT n FROM generate_series(1, 100000) n";
        let mut answer = session.run(text, std::iter::empty(), false).await.unwrap();
        assert!(answer.fetch().await.unwrap());
        drop(answer);
        assert_eq!(value(&session, "SELECT 1", &[]).await.unwrap(), "Int64(1)");
        assert_eq!(run(&session, text).await, 100_000);
    });
}

#[test]
fn a_slow_statement_is_ended_at_the_server() {
    let Some(server) = Postgres::start("cancel") else { return };
    let (settings, server) = (Arc::new(settings(&server.url())), Arc::new(server));
    let watched = Arc::clone(&server);
    in_task(move || {
        let (settings, server) = (Arc::clone(&settings), Arc::clone(&watched));
        async move {
            let Opened { session, mut link, place } = open(&settings).await?;
            let token = session.cancel_token();
            let (other, at) = (Arc::clone(&settings), place.clone());
            let ending = spawn(async move {
                let mut watcher = server.session();
                let sleeping =
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'hc' AND wait_event = 'PgSleep'";
                while watcher.number(sleeping) == 0 {
                    sleep(Duration::from_millis(1)).await;
                }
                cancel(&other, &at, &token).await.unwrap();
            });
            let work = async {
                let failure = value(&session, "SELECT pg_sleep(10000)", &[]).await.unwrap_err();
                assert!(failure.is_cancelled(), "{failure:?}");
            };
            let Driven::Done(()) = drive(&mut link, work).await else {
                return Err(Error::new("it was lost"));
            };
            Ok(timeout(Duration::from_secs(20), ending).await??)
        }
    });
    server.wait_for_backends("wait_event = 'PgSleep'", 0);
}
