//! A container in the process of a unit test: no socket, no server, a clock of its own. It drives a module over the real
//! boundary, through the same tables as any container, and watches the rules.
//!
//! ```
//! use http_container::testing::Container;
//! use http_container::{Body, Error, Request, Response};
//!
//! async fn shout(request: Request<Body>) -> Result<Response<String>, Error> {
//!     let body = request.into_body().collect(1024).await?;
//!     Ok(Response::new(String::from_utf8_lossy(&body).to_uppercase()))
//! }
//!
//! let mut container = Container::handler(shout);
//! let exchange = container.open(Request::post("/"));
//! container.feed(exchange, "hel");
//! container.run_ready();
//! container.feed(exchange, "lo");
//! container.end_body(exchange);
//! container.run();
//! assert_eq!(container.answer(exchange).text(), "HELLO");
//! container.close();
//! ```

mod answer;
mod calls;
mod children;
mod container;
mod descriptors;
mod function;
mod host;
mod lease;
mod members;
mod offload_calls;
mod provider_calls;
mod resource_calls;
mod resources;
mod responses;
mod run;
mod scripted;
mod state;
mod store;
mod task;
mod with_resources;

pub use answer::{Answer, Counts, LogLine};
pub use container::{Container, Exchange, Refused};
pub use scripted::{FakeDatabase, SqlAnswer};
pub use store::FakeStore;
