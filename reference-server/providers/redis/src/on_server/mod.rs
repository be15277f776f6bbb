//! Sessions with a real server, in a task of the fake container: what the parts do together. Must not know members; the
//! container's own tests see to those.

mod channels;
mod keys;
mod reach;
mod tls;

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use http_container::provider::{KvRequest, Reply};
use http_container::testing::Container;
use http_container::{Error, Response, StatusCode};

use crate::failure::Failure;
use crate::session::{Listener, Nobody, Session};
use crate::settings::{Config, Settings};

/// What sessions are made from.
pub(crate) fn settings(config: serde_json::Value) -> Settings {
    let config: Config = serde_json::from_value(config).expect("a configuration");
    Settings::new(config).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn at(url: &str) -> Settings {
    settings(serde_json::json!({ "url": url }))
}

/// Runs `test` with a session to the server.
pub(crate) fn with_session<F: Future<Output = ()> + 'static>(
    url: &str,
    test: impl Fn(Session) -> F + Send + Sync + 'static,
) {
    let (settings, test) = (Arc::new(at(url)), Arc::new(test));
    in_task(move || {
        let (settings, test) = (Arc::clone(&settings), Arc::clone(&test));
        async move {
            test(Session::open(&settings).await.map_err(Error::new)?).await;
            Ok(())
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
    assert_eq!(status, StatusCode::OK, "{:?}", container.log());
}

/// Does an operation; the connection must not be lost.
pub(crate) async fn perform(session: &mut Session, request: KvRequest) -> Result<Reply, Failure> {
    session.perform(&request, &Nobody).await.unwrap_or_else(|loss| panic!("{request:?}: {loss}"))
}

/// Messages as they came.
#[derive(Default)]
pub(crate) struct Heard(RefCell<Vec<(Vec<u8>, Vec<u8>)>>);

impl Heard {
    pub(crate) fn take(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.0.take()
    }
}

impl Listener for Heard {
    fn message(&self, channel: &[u8], value: &[u8]) {
        self.0.borrow_mut().push((channel.to_vec(), value.to_vec()));
    }
}
