//! The macro that makes a library a module. Must not hold logic: what it emits calls the adapter.

/// Exports the module of this library: its entry, and the note that tools read. Use it once per `cdylib`.
///
/// ```
/// use http_container::{Body, Request, Response};
///
/// http_container::module! { id: "org.example.hello", handler: hello }
///
/// async fn hello(_: Request<Body>) -> Response<&'static str> {
///     Response::new("Hello, World!")
/// }
/// ```
///
/// `handler:` names an async function from [`Request<Body>`](crate::Request) to anything that is
/// [`IntoResponse`](crate::IntoResponse). `app:` in its place names a type that is an [`App`](crate::App), for modules with
/// configuration or state. Between `id:` and that may stand, in this order, `version:`, `description:` and `schema:` (JSON
/// Schema of the configuration), each a string literal; version and description default to those of the package.
///
/// A handler that uses resources names them before itself: `sql: ["notes"], kv: ["cache"], limit: ["mailer"], handler: hello`,
/// each list in its place or not at all. They are looked up in `create`; [`Ctx::sql`](crate::Ctx::sql) and its like find
/// them.
#[macro_export]
macro_rules! module {
    (id: $id:expr, $(version: $version:expr,)? $(description: $description:expr,)? $(schema: $schema:expr,)?
        $(sql: [$($sql:expr),* $(,)?],)? $(kv: [$($kv:expr),* $(,)?],)? $(limit: [$($limit:expr),* $(,)?],)?
        handler: $handler:path $(,)?) => {
        /// The application over the handler.
        struct HandlerApp;

        impl $crate::App for HandlerApp {
            type Config = $crate::NoConfig;
            type Worker = ();

            fn create(_: $crate::NoConfig, setup: &$crate::Setup) -> ::core::result::Result<Self, $crate::Error> {
                $($(setup.sql($sql)?;)*)?
                $($(setup.kv($kv)?;)*)?
                $($(setup.limit($limit)?;)*)?
                let _ = setup;
                Ok(Self)
            }

            fn worker(&self, _: u32) -> ::core::result::Result<(), $crate::Error> {
                Ok(())
            }

            async fn handle(
                _: $crate::State<Self>,
                request: $crate::Request<$crate::Body>,
            ) -> ::core::result::Result<$crate::Response<$crate::Body>, $crate::Error> {
                $crate::IntoResponse::into_response($handler(request).await)
            }
        }

        $crate::module! { id: $id, $(version: $version,)? $(description: $description,)? $(schema: $schema,)?
            app: HandlerApp }
    };
    (id: $id:expr, $(version: $version:expr,)? $(description: $description:expr,)? $(schema: $schema:expr,)?
        app: $app:ty $(,)?) => {
        $crate::abi::hc_entry!(
            $crate::Adapter<$app>,
            id: $id,
            version: $crate::module!(@or env!("CARGO_PKG_VERSION"), $($version)?),
            description: $crate::module!(@or env!("CARGO_PKG_DESCRIPTION"), $($description)?)
            $(, config_schema: $schema)?
        );
    };
    (@or $default:expr, ) => { $default };
    (@or $default:expr, $given:expr) => { $given };
}
