//! A database for tests: it answers what a closure says, and remembers what it was asked. Must not understand SQL.

use std::collections::VecDeque;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_container_abi::{RowsStorage, SqlValue};

use super::function::{Place, shelve, take};
use crate::app::Setup;
use crate::error::Error;
use crate::provider::{Member, Outcome, Provider, Race, Request, Statement, TransactionKind};
use crate::sql::ToValue;
use crate::timer::sleep;

/// What a [`FakeDatabase`] answers to a statement.
///
/// ```
/// use http_container::testing::SqlAnswer;
///
/// let two = SqlAnswer::rows(&["id", "name"]).row(&[&1, &"Ada"]).row(&[&2, &"Grace"]);
/// let refused = SqlAnswer::failed("23505", "there is one of that name");
/// # drop((two, refused));
/// ```
pub struct SqlAnswer {
    columns: Vec<String>,
    rows: RowsStorage,
    outcome: Outcome,
    delay: Option<Duration>,
    is_lost: bool,
}

impl SqlAnswer {
    fn new(outcome: Outcome) -> Self {
        Self { columns: Vec::new(), rows: RowsStorage::new(), outcome, delay: None, is_lost: false }
    }

    /// Rows with these columns; none yet.
    #[must_use]
    pub fn rows(columns: &[&str]) -> Self {
        let mut this = Self::new(Outcome::ok());
        this.columns = columns.iter().map(|name| (*name).to_owned()).collect();
        this.rows.begin(columns.len());
        this
    }

    /// One more row.
    ///
    /// # Panics
    /// It has not one value for each column.
    #[must_use]
    #[track_caller]
    pub fn row(mut self, values: &[&dyn ToValue]) -> Self {
        assert_eq!(values.len(), self.columns.len(), "one value for each column");
        values.iter().for_each(|value| self.rows.push_value(value.to_value()));
        let count = self.rows.row_count() as u64;
        self.outcome = self.outcome.affected(count);
        self
    }

    /// No rows; so many were inserted, changed or deleted.
    #[must_use]
    pub fn affected(rows: u64) -> Self {
        Self::new(Outcome::ok().affected(rows))
    }

    /// The database refuses the statement, with an SQLSTATE, or `""`.
    #[must_use]
    pub fn failed(code: &str, message: &str) -> Self {
        Self::new(Outcome::failed(message).code(code))
    }

    /// The connection is lost in the middle of the statement.
    #[must_use]
    pub fn lost(message: &str) -> Self {
        Self { is_lost: true, ..Self::new(Outcome::lost(message)) }
    }

    /// The answer takes so long, on the container's clock. An interrupt ends it at once.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }
}

type Answers = Box<dyn FnMut(&Statement) -> SqlAnswer + Send>;

/// A database that answers what a closure says. Clones are the same database: keep one to ask it what it was asked.
///
/// ```
/// use http_container::testing::{Container, FakeDatabase, SqlAnswer};
/// use http_container::{App, Body, Error, NoConfig, Request, Response, Setup, State, params, sql::Database};
/// # struct Names { database: Database }
/// # impl App for Names {
/// #     type Config = NoConfig;
/// #     type Worker = ();
/// #     fn create(_: NoConfig, setup: &Setup) -> Result<Self, Error> { Ok(Self { database: setup.sql("names")? }) }
/// #     fn worker(&self, _: u32) -> Result<(), Error> { Ok(()) }
/// #     async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
/// #         let mut sql = state.database.acquire().await?;
/// #         let row = sql.query_one("SELECT name FROM names WHERE id = $1", params![7]).await?;
/// #         Ok(Response::new(row.get::<String>("name")?.into()))
/// #     }
/// # }
/// let database = FakeDatabase::new(|statement| match statement.text() {
///     "SELECT name FROM names WHERE id = $1" => SqlAnswer::rows(&["name"]).row(&[&"Ada"]),
///     other => SqlAnswer::failed("42601", other),
/// });
/// let mut container = Container::new(1).with_database("names", 1, &database).add_app::<Names>("{}").unwrap();
/// assert_eq!(container.get("/").text(), "Ada");
/// assert_eq!(database.asked(), ["SELECT name FROM names WHERE id = $1 [Int64(7)]"]);
/// ```
#[derive(Clone)]
pub struct FakeDatabase {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    answers: Option<Answers>,
    asked: Vec<String>,
    unreachable: Option<String>,
}

impl FakeDatabase {
    /// A database whose statements `answer` answers.
    #[must_use]
    pub fn new(answer: impl FnMut(&Statement) -> SqlAnswer + Send + 'static) -> Self {
        let answers: Option<Answers> = Some(Box::new(answer));
        Self { inner: Arc::new(Mutex::new(Inner { answers, asked: Vec::new(), unreachable: None })) }
    }

    /// A database that expects these statements, in this order, and gives these answers.
    #[must_use]
    pub fn script<'a>(steps: impl IntoIterator<Item = (&'a str, SqlAnswer)>) -> Self {
        let mut steps: VecDeque<(String, SqlAnswer)> =
            steps.into_iter().map(|(text, answer)| (text.to_owned(), answer)).collect();
        Self::new(move |statement| match steps.pop_front() {
            Some((text, answer)) if text == statement.text() => answer,
            Some((text, _)) => SqlAnswer::failed("", &format!("the script expects `{text}`")),
            None => SqlAnswer::failed("", "the script expects no more statements"),
        })
    }

    /// What it was asked so far: statements, with their values in brackets when they have any, and `BEGIN`, `BEGIN READ`,
    /// `COMMIT`, `ROLLBACK`, `(reset)`, `(interrupt)`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    /// From now on no connection can be opened, for this reason; `None`: it can again.
    pub fn set_unreachable(&self, reason: Option<&str>) {
        self.lock().unreachable = reason.map(str::to_owned);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: impl Into<String>) {
        self.lock().asked.push(what.into());
    }

    /// The closure is called outside the lock, since it may ask what was asked.
    fn answer(&self, statement: &Statement) -> SqlAnswer {
        let values: Vec<SqlValue<'_>> = statement.values().collect();
        self.note(match values.is_empty() {
            true => statement.text().to_owned(),
            false => format!("{} {values:?}", statement.text()),
        });
        let Some(mut answers) = self.lock().answers.take() else {
            return SqlAnswer::failed("", "a statement was run inside the answer to another one");
        };
        let answer = answers(statement);
        self.lock().answers = Some(answers);
        answer
    }

    /// The configuration with which its provider finds it.
    pub(super) fn place(&self) -> String {
        shelve(self.clone())
    }
}

impl fmt::Debug for FakeDatabase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FakeDatabase({:?})", self.asked())
    }
}

/// The provider of its connections.
pub(super) struct Scripted(FakeDatabase);

impl Provider for Scripted {
    const INTERFACE: &'static str = "hc.sql/1";
    type Config = Place;

    fn create(place: Place, _: &Setup) -> Result<Self, Error> {
        Ok(Self(take(&place)?))
    }

    async fn member(self: Arc<Self>, member: Member) -> Result<(), Error> {
        let unreachable = self.0.lock().unreachable.clone();
        if let Some(reason) = unreachable {
            return Err(Error::new(reason));
        }
        member.ready()?;
        let mut is_dirty = false;
        loop {
            match member.next().await {
                Request::Statement(statement) => {
                    let answer = self.0.answer(&statement);
                    if answer.is_lost {
                        return Err(Error::new("the connection was lost"));
                    }
                    let mut work = pin!(give(answer, &member));
                    let outcome = match member.race(work.as_mut()).await {
                        Race::Done(outcome) => outcome?,
                        Race::Interrupt => {
                            self.0.note("(interrupt)");
                            Outcome::interrupted()
                        }
                        Race::Close => return Ok(()),
                    };
                    member.done(outcome.dirty_if(is_dirty));
                }
                Request::Transaction(kind) => {
                    self.0.note(match kind {
                        TransactionKind::Begin => "BEGIN",
                        TransactionKind::BeginRead => "BEGIN READ",
                        TransactionKind::Commit => "COMMIT",
                        TransactionKind::Rollback => "ROLLBACK",
                    });
                    let begins = matches!(kind, TransactionKind::Begin | TransactionKind::BeginRead);
                    let outcome = match (begins, is_dirty) {
                        (true, true) => Outcome::failed("a transaction is open").code("25001"),
                        (false, false) => Outcome::failed("no transaction is open").code("25P01"),
                        _ => Outcome::ok(),
                    };
                    is_dirty = begins;
                    member.done(outcome.dirty_if(is_dirty));
                }
                Request::Reset => {
                    self.0.note("(reset)");
                    is_dirty = false;
                    member.done(Outcome::ok());
                }
                Request::Close => return Ok(()),
                Request::Interrupt => {}
                Request::Check => member.done(Outcome::ok()),
                Request::Kv(_) => member.done(Outcome::unsupported()),
            }
        }
    }
}

async fn give(answer: SqlAnswer, member: &Member) -> Result<Outcome, Error> {
    if let Some(delay) = answer.delay {
        sleep(delay).await;
    }
    if !answer.columns.is_empty() {
        let names: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
        member.columns(&names)?;
        let values: Vec<SqlValue<'_>> = answer.rows.values().iter().collect();
        member.rows(&values).await?;
    }
    Ok(answer.outcome)
}
