//! Opening a connection: the places of the URL in order, until one lets us in. Must not know what the connection is for.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hc_connect::Place;
use http_container::{Error, Status, timeout};
use tokio::io::AsyncReadExt;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{CancelToken, NoTls};

use crate::drive::{Driven, Link, drive};
use crate::failure::Failure;
use crate::script;
use crate::session::Session;
use crate::settings::Settings;
use crate::watch::Heard;
use crate::watched::Watched;

/// A connection that was let in.
pub(crate) struct Opened<'a> {
    pub(crate) session: Session,
    pub(crate) link: Link,
    /// Where it was.
    pub(crate) place: &'a Place,
}

/// Opens a connection. The error tells of each place why it was not that one.
pub(crate) async fn open(settings: &Settings) -> Result<Opened<'_>, Error> {
    let mut reasons = Vec::new();
    for place in &settings.places {
        match within(settings.connect_timeout, open_at(settings, place)).await {
            Ok(opened) => return Ok(opened),
            Err(reason) => reasons.push(format!("PostgreSQL at {place} cannot be used: {reason}")),
        }
    }
    Err(Error::with_status(Status::E_RESOURCE, reasons.join("; ")))
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    match limit {
        None => work.await,
        Some(limit) => match timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(format!("it did not answer within {} s", limit.as_secs())),
        },
    }
}

async fn open_at<'a>(settings: &Settings, place: &'a Place) -> Result<Opened<'a>, String> {
    let stream = settings.encryption.connect(place).await.map_err(|error| error.to_string())?;
    let heard = Rc::new(Heard::default());
    let stream = Watched::new(stream, Rc::clone(&heard));
    let (client, mut link) = settings
        .login
        .connect_raw(stream, NoTls)
        .await
        .map_err(|error| Failure::from(error).explanation())?;
    if settings.wanted != TargetSessionAttrs::Any {
        let asked = script::first_column(&client, "SHOW transaction_read_only");
        let answer = match drive(&mut link, asked).await {
            Driven::Done(answer) => answer,
            Driven::Lost(failure) => Err(failure),
        };
        let is_read_only = answer.map_err(|failure| failure.explanation())? == ["on"];
        match (is_read_only, settings.wanted == TargetSessionAttrs::ReadOnly) {
            (true, false) => return Err("it is read-only".to_owned()),
            (false, true) => return Err("it is not read-only".to_owned()),
            _ => {}
        }
    }
    let session = Session::new(client, heard, settings.statements_kept);
    Ok(Opened { session, link, place })
}

/// Asks the server at `place` to end what the connection of the token does. Waits until the server has seen it, so that
/// what is asked next is not ended in its place.
pub(crate) async fn cancel(settings: &Settings, place: &Place, token: &CancelToken) -> io::Result<()> {
    let mut stream = settings.encryption.connect(place).await?;
    token.cancel_query_raw(&mut stream, NoTls).await.map_err(io::Error::other)?;
    // The server answers by closing. Some close so hard that it is an error.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    Ok(())
}
