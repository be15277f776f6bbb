//! Sessions on real databases, in files and in memory, without a container: what a statement answers, and what stands in its
//! way. Must not know members.

mod answers;
mod opening;
mod refusals;
mod sharing;
mod transactions;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http_container::provider::{SqlValue, TransactionKind};
use tempfile::TempDir;

use crate::chunk::Chunk;
use crate::config::{Config, Options};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::open::Database;
use crate::row_queue::{Limits, Next, RowQueue};
use crate::row_writer::RowWriter;
use crate::session::{Session, Stop};
use crate::write_gate::WriteGate;

/// A database with its gate, and the folder in which it is.
struct Place {
    database: Arc<Database>,
    gate: Arc<WriteGate>,
    folder: TempDir,
}

impl Place {
    /// A database in memory. The first session must outlive the others.
    fn memory() -> Self {
        Self::at(r#"{"url":"sqlite::memory:"}"#)
    }

    /// One in a file, `options` being keys of its configuration.
    fn file(options: &str) -> Self {
        Self::at(&format!(r#"{{"url":"sqlite:FOLDER/test.db"{options}}}"#))
    }

    fn at(json: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let database = Self::database(&folder, json);
        Self { database, gate: Arc::default(), folder }
    }

    fn database(folder: &TempDir, json: &str) -> Arc<Database> {
        let json = json.replace("FOLDER", folder.path().to_str().unwrap());
        let config: Config = serde_json::from_str(&json).unwrap();
        Arc::new(Database::new(Options::try_from(config).unwrap()))
    }

    /// The same file for another process: with a gate of its own, and keys of its own.
    fn elsewhere(&self, options: &str) -> Session {
        let json = format!(r#"{{"url":"sqlite:FOLDER/test.db"{options}}}"#);
        let database = Self::database(&self.folder, &json);
        Session::open(&database, &Arc::default(), &Interrupt::default()).unwrap()
    }

    fn session(&self) -> Session {
        Session::open(&self.database, &self.gate, &Interrupt::default()).unwrap()
    }
}

/// What a statement answered: names of columns, rows as text, and how many it says.
#[derive(Default, PartialEq, Debug)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<String>,
    affected: u64,
}

/// Runs a statement with values.
fn ask(session: &mut Session, text: &str, values: &[SqlValue<'_>]) -> Result<Answer, Stop> {
    let limits = Limits { buffer_bytes: 1 << 20, spill_bytes: 1 << 20, spill_directory: None };
    let queue = RowQueue::new(limits);
    let affected = session.query(text, values, false, RowWriter::new(Arc::clone(&queue)))?;
    let mut answer = Answer { affected, ..Answer::default() };
    let mut add = |chunk: &Chunk, columns: usize| {
        let values = chunk.values().unwrap();
        let row =
            |row: &[SqlValue<'_>]| row.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ");
        answer.rows.extend(values.chunks(columns).map(row));
    };
    let mut names = Vec::new();
    loop {
        match queue.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Next::Columns(columns)) => names = columns,
            Poll::Ready(Next::Chunk(chunk)) => add(&chunk, names.len()),
            Poll::Ready(Next::Spilled(_)) => panic!("it fits into memory"),
            Poll::Ready(Next::End) => break,
            Poll::Pending => panic!("the statement has ended, and the queue has not"),
        }
    }
    answer.columns = names.into_iter().map(String::from).collect();
    Ok(answer)
}

/// Runs a statement that succeeds; answers its rows.
fn rows(session: &mut Session, text: &str) -> Vec<String> {
    ask(session, text, &[]).unwrap().rows
}

/// Runs statements that succeed.
fn run(session: &mut Session, text: &str) {
    session.script(text).unwrap();
}

/// Why a statement fails.
fn failure(session: &mut Session, text: &str) -> Failure {
    failed(ask(session, text, &[]))
}

fn failed<T: std::fmt::Debug>(result: Result<T, Stop>) -> Failure {
    match result {
        Err(Stop::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn begin(session: &mut Session) {
    session.transact(TransactionKind::Begin).unwrap();
}

fn commit(session: &mut Session) {
    session.transact(TransactionKind::Commit).unwrap();
}
