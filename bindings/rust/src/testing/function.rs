//! A handler that is a value, as an application: closures of a test have no name that a module's table could hold, so they
//! wait on a shelf until `create` takes them. Must not know the fake container.

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

/// Puts a handler on the shelf; answers the configuration with which its application finds it.
pub(super) fn shelve<H: Send + 'static>(handler: H) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut shelf = SHELF.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.get_or_insert_default().insert(number, Box::new(handler));
    format!(r#"{{"handler":{number}}}"#)
}

/// The number of a shelved handler.
#[derive(Deserialize)]
pub(super) struct Place {
    handler: u64,
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
        let mut shelf = SHELF.lock().unwrap_or_else(PoisonError::into_inner);
        let found = shelf.as_mut().and_then(|shelf| shelf.remove(&place.handler));
        let handler =
            found.and_then(|handler| handler.downcast().ok()).ok_or_else(|| Error::new("no such handler"))?;
        Ok(Self { handler: *handler, future: PhantomData })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        (state.handler)(request).await.into_response()
    }
}
