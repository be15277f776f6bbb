//! The life of a member: its connection, and the requests of the container, one after the other. Must not know commands.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use http_container::provider::{Member, Outcome, Race, Request};
use http_container::{Error, Status};

use crate::failure::Failure;
use crate::link::Loss;
use crate::session::{Listener, Session};
use crate::settings::Settings;

impl Listener for Member {
    fn message(&self, channel: &[u8], value: &[u8]) {
        // Whether it is lost the container knows, and tells.
        Member::message(self, channel, value);
    }
}

/// Connects, and does what is asked until the member is to be closed or the connection is lost.
pub(crate) async fn live(settings: &Settings, member: &Member) -> Result<(), Error> {
    let place = &settings.place;
    let refused =
        |reason| Error::with_status(Status::E_RESOURCE, format!("Redis at {place} cannot be used: {reason}"));
    let mut session = Session::open(settings).await.map_err(refused)?;
    member.ready()?;
    let lost = |loss| {
        Error::with_status(Status::E_RESOURCE, format!("the connection to Redis at {place} is lost: {loss}"))
    };
    loop {
        let request = next(&mut session, member).await.map_err(lost)?;
        if request == Request::Close {
            session.close().await;
            return Ok(());
        }
        match answer(&mut session, member, &request).await {
            Ok(Some(outcome)) => member.done(outcome.dirty_if(session.is_listening())),
            Ok(None) => return Ok(()),
            Err(loss) => {
                member.done(Outcome::lost(loss.to_string()));
                return Err(lost(loss));
            }
        }
    }
}

/// Waits for the next request, takes messages in meanwhile, and notices when the connection is lost.
async fn next(session: &mut Session, member: &Member) -> Result<Request, Loss> {
    let (mut request, mut listening) = (pin!(member.next()), pin!(session.listen(member)));
    std::future::poll_fn(|context| {
        if let Poll::Ready(loss) = listening.as_mut().poll(context) {
            return Poll::Ready(Err(loss));
        }
        request.as_mut().poll(context).map(Ok)
    })
    .await
}

/// Does one request. `None`: the member is to be closed.
async fn answer(session: &mut Session, member: &Member, request: &Request) -> Result<Option<Outcome>, Loss> {
    let mut work = pin!(perform(session, member, request));
    loop {
        match member.race(work.as_mut()).await {
            Race::Done(outcome) => return outcome.map(Some),
            Race::Close => return Ok(None),
            // What was sent cannot be taken back, and is done soon.
            Race::Interrupt => {}
        }
    }
}

async fn perform(session: &mut Session, member: &Member, request: &Request) -> Result<Outcome, Loss> {
    let failed = Failure::into_outcome;
    Ok(match request {
        Request::Kv(request) => session.perform(request, member).await?.map_or_else(failed, Outcome::reply),
        Request::Reset => session.reset().await?.map_or_else(failed, |()| Outcome::ok()),
        Request::Check => session.check().await?.map_or_else(failed, |()| Outcome::ok()),
        Request::Statement(_) | Request::Transaction(_) => Outcome::unsupported(),
        Request::Interrupt | Request::Close => Outcome::ok(),
    })
}
