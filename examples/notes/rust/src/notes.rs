//! Notes in the database. Must not know HTTP.

use std::time::SystemTime;

use http_container::sql::{Row, Sql, SqlError};
use http_container::{Error, State, Status, params};

use crate::Site;

/// It is the same for SQLite and PostgreSQL: neither's way to number rows is known to the other, so a row counts.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL, created TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS notes_counter (name TEXT PRIMARY KEY, latest BIGINT NOT NULL);
    INSERT INTO notes_counter (name, latest) VALUES ('notes', 0) ON CONFLICT DO NOTHING";

/// What is searched needs no escaping so, as a pattern of LIKE would.
const LIST: &str = "
    SELECT id, text, created FROM notes
    WHERE $1 = '' OR replace(lower(text), lower($1), '') <> lower(text)
    ORDER BY id DESC LIMIT 200";

#[derive(serde::Serialize)]
pub(crate) struct Note {
    pub(crate) id: i64,
    text: String,
    created: String,
}

impl Note {
    fn of(row: &Row) -> Result<Self, SqlError> {
        Ok(Self { id: row.get(0)?, text: row.get(1)?, created: row.get(2)? })
    }
}

/// A connection, and the tables in it. Two workers may make them at the same moment, which PostgreSQL refuses to one of them:
/// hence the second try.
async fn open(site: &State<Site>) -> Result<Sql, Error> {
    let mut sql = site.db.acquire().await?;
    if !site.worker().get() {
        match sql.script(SCHEMA).await {
            Err(error) if error.status() == Status::E_FAILED => sql.script(SCHEMA).await?,
            made => made?,
        }
        site.worker().set(true);
    }
    Ok(sql)
}

/// The newest notes first; of those that hold the words, unless these are empty.
pub(crate) async fn list(site: &State<Site>, words: &str) -> Result<Vec<Note>, Error> {
    let mut sql = open(site).await?;
    let mut rows = sql.query(LIST, params![words]).await?;
    let mut notes = Vec::new();
    while let Some(row) = rows.next().await? {
        notes.push(Note::of(&row)?);
    }
    Ok(notes)
}

pub(crate) async fn find(site: &State<Site>, id: i64) -> Result<Option<Note>, Error> {
    let mut sql = open(site).await?;
    let row = sql.query_optional("SELECT id, text, created FROM notes WHERE id = $1", params![id]).await?;
    Ok(row.as_ref().map(Note::of).transpose()?)
}

/// The counter's row is locked from its update to the commit, so no two notes get the same number, and a number that was given
/// out is never used again.
pub(crate) async fn add(site: &State<Site>, text: String) -> Result<Note, Error> {
    const COUNT: &str = "UPDATE notes_counter SET latest = latest + 1 WHERE name = 'notes' RETURNING latest";
    const INSERT: &str = "INSERT INTO notes (id, text, created) VALUES ($1, $2, $3)";
    let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut sql = open(site).await?;
    let mut transaction = sql.transaction().await?;
    let id = transaction.query_one(COUNT, &[]).await?.get(0)?;
    transaction.execute(INSERT, params![id, text, created]).await?;
    transaction.commit().await?;
    Ok(Note { id, text, created })
}

/// Whether there was one.
pub(crate) async fn delete(site: &State<Site>, id: i64) -> Result<bool, Error> {
    let mut sql = open(site).await?;
    Ok(sql.execute("DELETE FROM notes WHERE id = $1", params![id]).await? > 0)
}
