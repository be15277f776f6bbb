//! The provider in a container, over the real boundary, with the threads of its pool: what a module sees of it. Must not know
//! sessions.

mod answers;
mod interrupts;
mod transactions;
mod waiting;

use std::future::Future;
use std::marker::PhantomData;

use http_container::sql::Database;
use http_container::testing::{Container, Exchange};
use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State};
use tempfile::TempDir;

/// What a module does with the database, by the path of the request.
trait Play: 'static {
    fn play(database: Database, path: String) -> impl Future<Output = Result<String, Error>>;
}

/// A module that does that.
struct Module<P> {
    database: Database,
    play: PhantomData<fn() -> P>,
}

impl<P: Play> App for Module<P> {
    type Config = NoConfig;
    type Worker = ();

    fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> {
        Ok(Self { database: setup.sql("db")?, play: PhantomData })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let path = request.uri().path().to_owned();
        Ok(Response::new(P::play(state.database.clone(), path).await?.into()))
    }
}

/// A container with a database in a file, with that many members at most and those further keys.
struct Stage {
    container: Container,
    folder: TempDir,
}

impl Stage {
    fn new<P: Play>(members: usize, options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let container = container::<P>(members, &format!(r#"{{"url":"{url}"{options}}}"#));
        Self { container, folder }
    }

    /// The same database, as another process has it.
    fn elsewhere(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("test.db")).unwrap()
    }

    /// Begins a request without a body.
    fn open(&mut self, path: &str) -> Exchange {
        let exchange = self.container.open(Request::get(path));
        self.container.end_body(exchange);
        exchange
    }
}

fn container<P: Play>(members: usize, config: &str) -> Container {
    let container =
        Container::new(2).with_provider_entry("db", members, hc_provider_sqlite::entry(), config).unwrap();
    container.add_app::<Module<P>>("{}").unwrap()
}
