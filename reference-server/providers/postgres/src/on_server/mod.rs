//! Sessions with a real server, in a task of the fake container: what the parts do together. Must not know members; the
//! container's own tests see to those.

mod loss;
mod sessions;
mod statements;
mod streams;
mod tls;
mod values;

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use hc_services::Postgres;
use http_container::provider::SqlValue;
use http_container::testing::Container;
use http_container::{Error, Response};

use crate::drive::{Driven, drive};
use crate::failure::Failure;
use crate::open::{Opened, open};
use crate::session::Session;
use crate::settings::{Config, Settings};

/// What sessions to that server are made from.
pub(crate) fn settings(url: &str) -> Settings {
    Settings::new(config(url)).expect("a good url")
}

fn config(url: &str) -> Config {
    serde_json::from_value(serde_json::json!({ "url": url })).expect("a configuration")
}

/// Runs `test` with a session to the server; it must not lose the connection.
pub(crate) fn with_session<F: Future<Output = ()> + 'static>(
    server: &Postgres,
    test: impl Fn(Rc<Session>) -> F + Send + Sync + 'static,
) {
    let settings = Arc::new(settings(&server.url()));
    let test = Arc::new(test);
    in_task(move || {
        let (settings, test) = (Arc::clone(&settings), Arc::clone(&test));
        async move {
            let Opened { session, mut link, .. } = open(&settings).await?;
            match drive(&mut link, test(Rc::new(session))).await {
                Driven::Done(()) => Ok(()),
                Driven::Lost(failure) => Err(Error::new(failure.explanation())),
            }
        }
    });
}

/// Runs `test` in a task.
pub(crate) fn in_task<F: Future<Output = Result<(), Error>> + 'static>(
    test: impl Fn() -> F + Send + Sync + 'static,
) {
    let mut container = Container::handler(move |_| {
        let done = test();
        async move { done.await.map(|()| Response::new(())) }
    });
    let status = container.get("/").status();
    assert_eq!(status, http_container::StatusCode::OK, "{:?}", container.log());
}

/// All rows of a statement, each value as Rust shows it.
pub(crate) async fn rows(
    session: &Session,
    text: &str,
    values: &[SqlValue<'_>],
) -> Result<Vec<Vec<String>>, Failure> {
    let mut answer = session.run(text, values.iter().copied(), false).await?;
    let (mut all, mut written) = (Vec::new(), String::new());
    let columns = answer.columns().len();
    while answer.fetch().await? {
        let shown: Vec<_> = answer.values(&mut written)?.iter().map(|value| format!("{value:?}")).collect();
        all.extend(shown.chunks(columns).map(<[String]>::to_vec));
    }
    Ok(all)
}

/// The one value of a statement, as Rust shows it.
pub(crate) async fn value(session: &Session, text: &str, values: &[SqlValue<'_>]) -> Result<String, Failure> {
    let mut rows = rows(session, text, values).await?;
    assert!(rows.len() == 1 && rows[0].len() == 1, "{text}: {rows:?}");
    Ok(rows.remove(0).remove(0))
}

/// Runs a statement that must succeed, and answers how many rows it changed or found.
pub(crate) async fn run(session: &Session, text: &str) -> u64 {
    let mut answer = session.run(text, std::iter::empty(), false).await.expect(text);
    while answer.fetch().await.expect(text) {}
    answer.affected()
}
