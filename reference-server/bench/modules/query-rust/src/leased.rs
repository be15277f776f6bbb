//! Through a lease: what modules do. Must not know the kind of the database.

use std::cell::Cell;

use http_container::sql::Database;
use http_container::{Error, params};

use crate::{BY_KEY, SCHEMA};

/// The operator's database.
pub(crate) struct Leased {
    db: Database,
    has_table: Cell<bool>,
}

impl Leased {
    pub(crate) fn new(db: Database) -> Self {
        Self { db, has_table: Cell::new(false) }
    }

    pub(crate) async fn value(&self, key: i64) -> Result<String, Error> {
        let mut db = self.db.acquire().await?;
        if !self.has_table.get() {
            db.script(SCHEMA).await?;
            self.has_table.set(true);
        }
        let row = db.query_one(BY_KEY, params![key]).await?;
        Ok(row.get::<&str>(0)?.to_owned())
    }
}
