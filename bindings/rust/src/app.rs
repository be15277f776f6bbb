//! What an author writes: an application with its configuration, its state and its handler. Must not know how a task is
//! driven.

use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use http_container_abi::constants::{KV_ID, LIMIT_ID, POOL_ID, SQL_ID};
use http_container_abi::{HostRef, Status};
use serde::de::DeserializeOwned;

use crate::background::Spawner;
use crate::body::{Body, IntoBody};
use crate::error::Error;
use crate::instance::Instance;
use crate::kv::Store;
use crate::limit::Permits;
use crate::log::Logger;
use crate::named::{Found, Handle, Named};
use crate::pool::Pool;
use crate::resource::Resource;
use crate::sql::Database;

/// An application: one value per module instance, made from the operator's configuration, shared by all workers.
///
/// ```
/// use http_container::{App, Body, Error, Request, Response, Setup, State};
///
/// #[derive(serde::Deserialize)]
/// struct Config { greeting: String }
/// struct Greeter { greeting: String }
///
/// impl App for Greeter {
///     type Config = Config;
///     type Worker = ();
///
///     fn create(config: Config, _: &Setup) -> Result<Self, Error> {
///         Ok(Self { greeting: config.greeting })
///     }
///
///     fn worker(&self, _: u32) -> Result<(), Error> {
///         Ok(())
///     }
///
///     async fn handle(state: State<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
///         Ok(Response::new(format!("{}, {}!", state.greeting, request.uri().path()).into()))
///     }
/// }
///
/// let mut host = http_container::testing::Container::app::<Greeter>(r#"{ "greeting": "Hi" }"#).unwrap();
/// assert_eq!(host.get("/you").text(), "Hi, /you!");
/// ```
pub trait App: Send + Sync + Sized + 'static {
    /// What the operator may configure; [`NoConfig`](crate::NoConfig) for nothing.
    type Config: DeserializeOwned;
    /// State of each worker, which needs no lock: caches, connections. `()` for none.
    type Worker: 'static;

    /// Makes the application. An error refuses the instance, and is logged.
    ///
    /// # Errors
    /// Why the application cannot serve with this configuration.
    fn create(config: Self::Config, setup: &Setup) -> Result<Self, Error>;

    /// Makes the state of one worker, before its first request.
    ///
    /// # Errors
    /// Why this worker cannot serve.
    fn worker(&self, index: u32) -> Result<Self::Worker, Error>;

    /// Answers one request. The future is dropped when the request is cancelled, at its last `await`.
    fn handle(
        state: State<Self>,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + 'static;
}

/// The application, and the state of the worker that handles the request. Dereferences to the application.
pub struct State<A: App> {
    app: Arc<A>,
    worker: Rc<A::Worker>,
}

impl<A: App> State<A> {
    pub(crate) fn new(app: Arc<A>, worker: Rc<A::Worker>) -> Self {
        Self { app, worker }
    }

    /// The application, to be kept or sent elsewhere.
    #[must_use]
    pub fn app(&self) -> &Arc<A> {
        &self.app
    }

    /// The state of this worker.
    #[must_use]
    pub fn worker(&self) -> &Rc<A::Worker> {
        &self.worker
    }
}

impl<A: App> Clone for State<A> {
    fn clone(&self) -> Self {
        Self { app: Arc::clone(&self.app), worker: Rc::clone(&self.worker) }
    }
}

impl<A: App> Deref for State<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.app
    }
}

/// What a module may ask the container for while its application is created.
pub struct Setup {
    instance: Arc<Instance>,
    found: Found,
}

impl Setup {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self { instance, found: Found::default() }
    }

    pub(crate) fn host(&self) -> HostRef {
        self.instance.host
    }

    /// How many workers there are.
    #[must_use]
    pub fn worker_count(&self) -> u32 {
        self.host().worker_count()
    }

    /// What spawns background tasks from anywhere.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        Spawner::new(Arc::clone(&self.instance))
    }

    /// What writes to the container's log from anywhere.
    #[must_use]
    pub fn logger(&self) -> Logger {
        Logger::new(Arc::clone(&self.instance.gate))
    }

    /// A shared resource by the operator's name for it; it must offer `interface`, as `"hc.sql/1"`.
    ///
    /// # Errors
    /// There is none of that name, or it does not offer the interface.
    pub fn resource(&self, name: &str, interface: &str) -> Result<Resource, Error> {
        Ok(Named::find(&self.instance, name, interface)?.resource())
    }

    /// A database by the operator's name for it; [`Ctx::sql`](crate::Ctx::sql) knows it from now on.
    ///
    /// # Errors
    /// There is none of that name, or the container does not offer hc.sql/1.
    pub fn sql(&self, name: &str) -> Result<Database, Error> {
        let extension = offered(self.instance.sql, SQL_ID)?;
        let database = Database::new(Named::find(&self.instance, name, SQL_ID)?, extension);
        self.found.add(Handle::Database(database.clone()));
        Ok(database)
    }

    /// A store by the operator's name for it; [`Ctx::kv`](crate::Ctx::kv) knows it from now on.
    ///
    /// # Errors
    /// There is none of that name, or the container does not offer hc.kv/1.
    pub fn kv(&self, name: &str) -> Result<Store, Error> {
        let extension = offered(self.instance.kv, KV_ID)?;
        let store = Store::new(Named::find(&self.instance, name, KV_ID)?, extension);
        self.found.add(Handle::Store(store.clone()));
        Ok(store)
    }

    /// Permits by the operator's name for them; [`Ctx::permit`](crate::Ctx::permit) knows them from now on.
    ///
    /// # Errors
    /// There are none of that name.
    pub fn limit(&self, name: &str) -> Result<Permits, Error> {
        let permits = Permits::new(Named::find(&self.instance, name, LIMIT_ID)?);
        self.found.add(Handle::Permits(permits.clone()));
        Ok(permits)
    }

    /// A pool of objects by the operator's name for it; [`Ctx::pooled`](crate::Ctx::pooled) knows it from now on.
    /// `type_name` is the name by which provider and user agree on what the objects are.
    ///
    /// # Errors
    /// There is none of that name, or the container does not offer hc.pool/1.
    pub fn pool(&self, name: &str, type_name: &str) -> Result<Pool, Error> {
        let extension = offered(self.instance.pool, POOL_ID)?;
        let pool = Pool::new(Named::find(&self.instance, name, POOL_ID)?, type_name, extension)?;
        self.found.add(Handle::Pool(pool.clone()));
        Ok(pool)
    }

    /// The resources that were looked up, once `create` is done.
    pub(crate) fn finish(self) {
        // Each instance is created once.
        let _ = self.instance.handles.set(self.found.into_all());
    }
}

fn offered<T>(extension: Option<T>, id: &str) -> Result<T, Error> {
    extension.ok_or_else(|| {
        Error::with_status(Status::E_UNSUPPORTED, format!("the container does not offer {id}"))
    })
}

/// What a handler may answer: a response with any body, or a `Result` with one.
pub trait IntoResponse {
    /// The response, or why there is none.
    ///
    /// # Errors
    /// The handler's own.
    fn into_response(self) -> Result<Response<Body>, Error>;
}

impl<B: IntoBody> IntoResponse for Response<B> {
    fn into_response(self) -> Result<Response<Body>, Error> {
        Ok(self.map(IntoBody::into_body))
    }
}

impl<R: IntoResponse, E: Into<Error>> IntoResponse for Result<R, E> {
    fn into_response(self) -> Result<Response<Body>, Error> {
        self.map_err(Into::into)?.into_response()
    }
}
