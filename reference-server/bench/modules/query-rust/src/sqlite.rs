//! `rusqlite` in the module: since it blocks, each query is run on the container's pool of threads. Must not know leases.

use http_container::{Error, offload};
use rusqlite::Connection;

use crate::free::Free;
use crate::{BY_KEY, SCHEMA};

/// The connections of a worker.
pub(crate) struct Sqlite {
    free: Free<Connection>,
}

impl Sqlite {
    pub(crate) fn new(path: &str, connections: usize) -> Result<Self, Error> {
        let free = Free::new();
        for _ in 0..connections {
            let connection = Connection::open(path)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(SCHEMA)?;
            free.give(connection);
        }
        Ok(Self { free })
    }

    pub(crate) async fn value(&self, key: i64) -> Result<String, Error> {
        let connection = self.free.take().await;
        let (connection, value) = offload(move || {
            let value = query(&connection, key);
            (connection, value)
        })
        .await?;
        self.free.give(connection);
        Ok(value?)
    }
}

fn query(connection: &Connection, key: i64) -> Result<String, rusqlite::Error> {
    connection.prepare_cached(BY_KEY)?.query_row([key], |row| row.get(0))
}
