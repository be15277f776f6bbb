//! The first module: `Hello, World!` for any request.
#![forbid(unsafe_code)]

use http_container::{Body, Error, Request, Response, module};

module! { id: "org.http-container.hello-rust", handler: hello }

async fn hello(_: Request<Body>) -> Result<Response<&'static str>, Error> {
    Ok(Response::builder().header("content-type", "text/plain").body("Hello, World!")?)
}

#[cfg(test)]
mod tests;
