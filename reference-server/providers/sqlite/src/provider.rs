//! The provider: what the operator configured, and the life of each member. Must not know SQLite.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use http_container::provider::{Member, Outcome, Provider, Race, Request, Statement, TransactionKind};
use http_container::{Error, Setup};

use crate::config::{Config, Options};
use crate::connection::{Connection, Fault};
use crate::failure::{Failure, Kind};
use crate::open::Database;
use crate::row_queue::Limits;
use crate::session::Stop;
use crate::write_gate::WriteGate;

/// The provider of one resource: one database, and the turns to write to it.
pub struct Sqlite {
    pub(crate) database: Arc<Database>,
    pub(crate) gate: Arc<WriteGate>,
    pub(crate) limits: Limits,
    /// Keeps a database in memory alive while it has no members.
    _keeper: Option<Mutex<rusqlite::Connection>>,
}

impl Provider for Sqlite {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = Config;

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        let options = Options::try_from(config).map_err(Error::new)?;
        let limits = Limits {
            buffer_bytes: options.buffer_bytes,
            spill_bytes: options.spill_bytes,
            spill_directory: options.spill_directory.clone(),
        };
        let database = Database::new(options);
        let keeper = database.is_in_memory().then(|| database.connect()).transpose();
        let keeper = keeper.map_err(|failure| Error::new(failure.message))?.map(Mutex::new);
        Ok(Self { database: Arc::new(database), gate: Arc::default(), limits, _keeper: keeper })
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        let connection = match Connection::open(self).await {
            Ok(connection) => connection,
            Err(Fault::Failed(failure)) => return Err(Error::new(failure.message)),
            Err(Fault::Lost(error)) => return Err(error),
        };
        member.ready()?;
        loop {
            let request = member.next().await;
            connection.interrupt().forget();
            let mut work = pin!(answer(&connection, &member, request));
            let outcome = loop {
                match member.race(work.as_mut()).await {
                    Race::Done(outcome) => break outcome?,
                    Race::Interrupt => connection.interrupt().ask(),
                    Race::Close => {
                        connection.interrupt().ask();
                        return Ok(());
                    }
                }
            };
            match outcome {
                Some(outcome) => member.done(outcome.dirty_if(connection.is_dirty())),
                None => break,
            }
        }
        connection.close().await;
        Ok(())
    }
}

/// Does what is asked. `None`: the member is to be closed.
async fn answer(
    connection: &Connection,
    member: &Member,
    request: Request,
) -> Result<Option<Outcome>, Error> {
    let done = match request {
        Request::Statement(statement) => {
            run(connection, member, statement).await.map(|rows| Outcome::ok().affected(rows))
        }
        Request::Transaction(what) => transact(connection, what).await.map(|()| Outcome::ok()),
        Request::Reset if !connection.is_dirty() => Ok(Outcome::ok()),
        Request::Reset => connection.run(|session| Ok(session.reset()?)).await.map(|()| Outcome::ok()),
        Request::Check => connection.run(|session| Ok(session.check()?)).await.map(|()| Outcome::ok()),
        Request::Kv(_) => Ok(Outcome::unsupported()),
        Request::Interrupt | Request::Close => return Ok(None),
    };
    match done {
        Ok(outcome) => Ok(Some(outcome)),
        Err(Fault::Failed(failure)) => Ok(Some(refusal(failure))),
        Err(Fault::Lost(error)) => Err(error),
    }
}

async fn run(connection: &Connection, member: &Member, statement: Statement) -> Result<u64, Fault> {
    let statement = Arc::new(statement);
    if statement.is_script() {
        return connection.run(move |session| session.script(statement.text())).await;
    }
    let work = move |session: &mut crate::session::Session, rows| {
        let values: Vec<_> = statement.values().collect();
        session.query(statement.text(), &values, statement.is_once(), rows)
    };
    connection.run_with_rows(member, work).await
}

async fn transact(connection: &Connection, what: TransactionKind) -> Result<(), Fault> {
    let result = connection.run(move |session| session.transact(what)).await;
    match result {
        // Whatever was in the way of a commit: there is no transaction after it. \[sql.transaction.commit\]
        Err(Fault::Failed(failure)) if what == TransactionKind::Commit && connection.is_dirty() => {
            connection.interrupt().forget();
            connection.run(|session| session.roll_back().map_err(Stop::from)).await?;
            Err(failure.into())
        }
        result => result,
    }
}

fn refusal(failure: Failure) -> Outcome {
    let outcome = match failure.kind {
        Kind::Interrupted => Outcome::interrupted(),
        Kind::TooLong => Outcome::limit(failure.message),
        Kind::Broken => Outcome::failed(failure.message).broken(),
        Kind::Refused | Kind::Busy => Outcome::failed(failure.message),
    };
    outcome.code(failure.code)
}
