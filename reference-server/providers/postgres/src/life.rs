//! The life of a member: its connection, and the requests of the container, one after the other. Must not know SQL.

use std::pin::pin;
use std::time::Duration;

use hc_connect::Place;
use http_container::provider::{Member, Outcome, Race, Request, Statement, Taken};
use http_container::{Error, Status, timeout};

use crate::drive::{Driven, drive, say_goodbye};
use crate::failure::{Failure, FailureKind};
use crate::open::{Opened, cancel, open};
use crate::session::Session;
use crate::settings::Settings;

/// So long a request for cancellation may take.
const CANCEL_TIME: Duration = Duration::from_secs(5);
/// When a statement goes on so long after it was cancelled, it is cancelled again.
const CANCEL_AGAIN: Duration = Duration::from_millis(50);

/// Connects, and does what is asked until the member is to be closed or the connection is lost.
pub(crate) async fn live(settings: &Settings, member: &Member) -> Result<(), Error> {
    let Opened { session, mut link, place } = open(settings).await?;
    member.ready()?;
    // The session goes with the work, so that the connection knows that nothing more comes.
    let work = async move { Service { settings, member, session: &session, place }.serve().await };
    match drive(&mut link, work).await {
        Driven::Done(outcome) => {
            say_goodbye(link).await;
            outcome
        }
        Driven::Lost(failure) => Err(lost(place, &failure)),
    }
}

fn lost(place: &Place, failure: &Failure) -> Error {
    let reason = format!("the connection to PostgreSQL at {place} is lost: {}", failure.explanation());
    Error::with_status(Status::E_RESOURCE, reason)
}

struct Service<'a> {
    settings: &'a Settings,
    member: &'a Member,
    session: &'a Session,
    place: &'a Place,
}

impl Service<'_> {
    async fn serve(&self) -> Result<(), Error> {
        loop {
            let request = self.member.next().await;
            if request == Request::Close || !self.answer(request).await? {
                return Ok(());
            }
        }
    }

    /// Does one request. False: the member is to be closed.
    async fn answer(&self, request: Request) -> Result<bool, Error> {
        if matches!(request, Request::Kv(_)) {
            self.member.done(Outcome::unsupported());
            return Ok(true);
        }
        let mut is_interrupted = false;
        let mut work = pin!(self.perform(request));
        let outcome = loop {
            let race = self.member.race(work.as_mut());
            let raced = match is_interrupted {
                false => race.await,
                // The server forgets what comes between two messages, and a statement may catch it.
                true => timeout(CANCEL_AGAIN, race).await.unwrap_or(Race::Interrupt),
            };
            match raced {
                Race::Done(outcome) => break outcome?,
                Race::Close => return Ok(false),
                Race::Interrupt => {
                    is_interrupted = true;
                    // What cannot be interrupted ends with its connection.
                    if let Err(error) = self.interrupt().await {
                        self.member.done(Outcome::lost(error.message()));
                        return Err(error);
                    }
                }
            }
        };
        let loss = outcome.as_ref().err().filter(|failure| failure.kind == FailureKind::Lost);
        let loss = loss.map(|failure| lost(self.place, failure));
        let outcome = match outcome {
            Ok(rows) => Outcome::ok().affected(rows),
            Err(failure) if is_interrupted && failure.is_cancelled() => Outcome::interrupted(),
            Err(failure) => failure.into_outcome(),
        };
        let outcome = if self.session.is_spent() { outcome.broken() } else { outcome };
        self.member.done(outcome.dirty_if(self.session.is_dirty()));
        loss.map_or(Ok(true), Err)
    }

    /// Has the server end the statement under way. Its answer is still to come.
    async fn interrupt(&self) -> Result<(), Error> {
        let token = self.session.cancel_token();
        let asked = timeout(CANCEL_TIME, cancel(self.settings, self.place, &token)).await;
        let reason = match asked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        let text = format!("PostgreSQL at {} could not be asked to end a statement: {reason}", self.place);
        Err(Error::with_status(Status::E_RESOURCE, text))
    }

    /// The outer error is the container's refusal, the inner one the server's.
    async fn perform(&self, request: Request) -> Result<Result<u64, Failure>, Error> {
        Ok(match request {
            Request::Statement(statement) if statement.is_script() => {
                self.session.run_script(statement.text()).await
            }
            Request::Statement(statement) => return self.query(&statement).await,
            Request::Transaction(kind) => self.session.transaction(kind).await.map(|()| 0),
            Request::Reset => self.session.reset().await.map(|()| 0),
            Request::Check => self.session.check().await.map(|()| 0),
            // What it does not serve was answered before.
            Request::Kv(_) | Request::Interrupt | Request::Close => Ok(0),
        })
    }

    async fn query(&self, statement: &Statement) -> Result<Result<u64, Failure>, Error> {
        let run = self.session.run(statement.text(), statement.values(), statement.is_once());
        let mut answer = match run.await {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut is_wanted = !answer.columns().is_empty();
        if is_wanted {
            self.member.columns(answer.columns())?;
        }
        let mut written = String::new();
        loop {
            match answer.fetch().await {
                Ok(true) if !is_wanted => {}
                Ok(true) => match answer.values(&mut written) {
                    Ok(values) => is_wanted = self.member.rows(&values).await? == Taken::All,
                    Err(failure) => return Ok(Err(failure)),
                },
                Ok(false) => return Ok(Ok(answer.affected())),
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }
}
