//! One query per request, in two ways: through a lease on `db`, or by the same driver inside the module, on the same event loop
//! and the same pool of threads. What differs between the two is what leases cost.
//!
//! `{ "by": "lease" }`; `{ "by": "postgres", "url": URL, "connections": N }`; `{ "by": "sqlite", "url": PATH, "connections": N }`.
//! Must not know who measures.
#![forbid(unsafe_code)]

mod free;
mod leased;
mod postgres;
mod sqlite;

use std::cell::Cell;

use http_container::sql::Database;
use http_container::{App, Body, Error, Request, Response, Setup, State, module};

use postgres::Postgres;
use sqlite::Sqlite;

module! { id: "org.http-container.bench.query-rust", app: Queries }

/// Rows of the table.
const ROWS: i64 = 1000;
/// Where there is no table yet: as in `modules/query.c`.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS bench (id BIGINT PRIMARY KEY, value TEXT NOT NULL); \
    INSERT INTO bench (id, value) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
    SELECT i, 'value-' || (100000 + i) FROM n WHERE true ON CONFLICT DO NOTHING";
const BY_KEY: &str = "SELECT value FROM bench WHERE id = $1";

#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, tag = "by", rename_all = "lowercase")]
enum Config {
    Lease,
    Postgres { url: String, connections: usize },
    Sqlite { url: String, connections: usize },
}

struct Queries {
    config: Config,
    db: Option<Database>,
}

/// What a worker asks.
enum Way {
    Lease(leased::Leased),
    Postgres(Box<Postgres>),
    Sqlite(Sqlite),
}

struct Worker {
    way: Way,
    last_key: Cell<i64>,
}

impl Worker {
    /// Each of the rows in its turn.
    fn next_key(&self) -> i64 {
        self.last_key.set(self.last_key.get() % ROWS + 1);
        self.last_key.get()
    }
}

impl App for Queries {
    type Config = Config;
    type Worker = Worker;

    fn create(config: Config, setup: &Setup) -> Result<Self, Error> {
        let db = if matches!(config, Config::Lease) { Some(setup.sql("db")?) } else { None };
        Ok(Self { config, db })
    }

    fn worker(&self, _: u32) -> Result<Worker, Error> {
        let way = match (&self.config, &self.db) {
            (Config::Postgres { url, connections }, _) => {
                Way::Postgres(Box::new(Postgres::new(url, *connections)?))
            }
            (Config::Sqlite { url, connections }, _) => Way::Sqlite(Sqlite::new(url, *connections)?),
            (Config::Lease, Some(db)) => Way::Lease(leased::Leased::new(db.clone())),
            (Config::Lease, None) => return Err(Error::new("there is no database")),
        };
        Ok(Worker { way, last_key: Cell::new(0) })
    }

    async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        let worker = state.worker();
        let key = worker.next_key();
        let value = match &worker.way {
            Way::Lease(leased) => leased.value(key).await?,
            Way::Postgres(postgres) => postgres.value(key).await?,
            Way::Sqlite(sqlite) => sqlite.value(key).await?,
        };
        Ok(Response::builder().header("content-type", "text/plain").body(value.into())?)
    }
}

#[cfg(test)]
mod tests {
    use super::Queries;
    use http_container::testing::Container;

    #[test]
    fn the_driver_answers_row_after_row() {
        let config = r#"{ "by": "sqlite", "url": ":memory:", "connections": 2 }"#;
        let mut container = Container::app::<Queries>(config).unwrap();
        for key in (1..=1000).chain(1..3) {
            assert_eq!(container.get("/").text(), format!("value-{}", 100_000 + key));
        }
    }
}
