//! Drives a connection beside the work that uses it, in one task: no other task, no queue between threads. Must not know what
//! the work is.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use http_container::{debug, warn};
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Connection};

use crate::bells::Bells;
use crate::failure::Failure;
use crate::watched::Watched;

/// The half of a connection that reads and writes. Encryption is within [`Watched`], so the library sees none.
pub(crate) type Link = Connection<Watched, NoTlsStream>;

/// Which ended first.
pub(crate) enum Driven<T> {
    /// The work.
    Done(T),
    /// The connection, for this reason.
    Lost(Failure),
}

/// Polls `link` and `work` until one of them ends. The work is polled first: what it asks goes out in the same poll. When
/// the connection ends, the work still sees what came before that.
pub(crate) async fn drive<F: Future>(link: &mut Link, work: F) -> Driven<F::Output> {
    let (mut work, bells) = (pin!(work), Bells::new());
    poll_fn(|context| {
        let mut poll_work = |context: &mut Context<'_>| work.as_mut().poll(context).map(Driven::Done);
        let mut poll_link = |context: &mut Context<'_>| poll_link(link, context).map(Driven::Lost);
        let ended = ready!(bells.poll(context, [&mut poll_work, &mut poll_link]));
        Poll::Ready(match ended {
            Driven::Lost(failure) => match work.as_mut().poll(context) {
                Poll::Ready(output) => Driven::Done(output),
                Poll::Pending => Driven::Lost(failure),
            },
            done => done,
        })
    })
    .await
}

/// The work has ended and has dropped its half of the connection: takes leave of the server, as far as that goes at once.
pub(crate) async fn say_goodbye(mut link: Link) {
    poll_fn(|context| {
        let _ = poll_link(&mut link, context);
        Poll::Ready(())
    })
    .await;
}

fn poll_link(link: &mut Link, context: &mut Context<'_>) -> Poll<Failure> {
    loop {
        match link.poll_message(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => report(&notice),
            // A channel's notifications have nowhere to go: hc.sql/1 does not know them.
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(error))) => return Poll::Ready(error.into()),
            Poll::Ready(None) => return Poll::Ready(Failure::closed()),
        }
    }
}

fn report(notice: &DbError) {
    match notice.parsed_severity() {
        Some(Severity::Warning) => warn!("the server warns: {}", notice.message()),
        _ => debug!("the server says: {}", notice.message()),
    }
}
