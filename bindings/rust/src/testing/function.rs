//! A handler that is a value, as an application: closures and fakes of a test have no name that a module's table could hold,
//! so they wait on a shelf until `create` takes them. Must not know the fake container.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{Request, Response};
use serde::Deserialize;

use crate::app::{App, IntoResponse, Setup, State};
use crate::body::Body;
use crate::error::Error;

static SHELF: Mutex<Option<HashMap<u64, Box<dyn Any + Send>>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Puts a value on the shelf; answers the configuration with which its module finds it.
pub(super) fn shelve<T: Send + 'static>(value: T) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut shelf = SHELF.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.get_or_insert_default().insert(number, Box::new(value));
    format!(r#"{{"place":{number}}}"#)
}

/// Takes a value from the shelf, once.
pub(super) fn take<T: 'static>(place: &Place) -> Result<T, Error> {
    let mut shelf = SHELF.lock().unwrap_or_else(PoisonError::into_inner);
    let found = shelf.as_mut().and_then(|shelf| shelf.remove(&place.place));
    let value = found.and_then(|value| value.downcast().ok());
    value.map(|value| *value).ok_or_else(|| Error::new("nothing of that kind is on the shelf"))
}

/// The number of a shelved value.
#[derive(Deserialize)]
pub(super) struct Place {
    place: u64,
}

/// The application over a handler.
pub(super) struct Function<H, F> {
    handler: H,
    future: PhantomData<fn() -> F>,
}

impl<H, F> App for Function<H, F>
where
    H: Fn(Request<Body>) -> F + Send + Sync + 'static,
    F: Future + 'static,
    F::Output: IntoResponse,
{
    type Config = Place;
    type Worker = ();

    fn create(place: Place, _: &Setup) -> Result<Self, Error> {
        Ok(Self { handler: take(&place)?, future: PhantomData })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        (state.handler)(request).await.into_response()
    }
}
