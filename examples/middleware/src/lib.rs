//! Middleware: the next module of the route answers, and this one decides whether it may, and says how long it took.
//! `{ "token": "secret" }`: requests need `authorization: Bearer secret`.
#![forbid(unsafe_code)]

use http_container::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http_container::{App, Body, Error, Request, Response, Setup, State, StatusCode, ctx, dispatch, module};

module! { id: "org.http-container.middleware", app: Guard }

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    token: String,
}

struct Guard {
    expected: String,
}

impl App for Guard {
    type Config = Config;
    type Worker = ();

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        if config.token.is_empty() {
            return Err(Error::new("the token is empty: every request would pass"));
        }
        Ok(Self { expected: format!("Bearer {}", config.token) })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, mut request: Request<Body>) -> Result<Response<Body>, Error> {
        let given = request.headers_mut().remove(AUTHORIZATION);
        if !given.is_some_and(|given| is_equal(given.as_bytes(), state.expected.as_bytes())) {
            let mut response = Response::new(Body::from("a token is needed\n"));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return Ok(response);
        }
        let started = ctx().now();
        let mut response = dispatch(Some(request)).await?;
        let milliseconds = (ctx().now() - started).as_secs_f64() * 1000.0;
        response.headers_mut().append("server-timing", format!("next;dur={milliseconds:.3}").parse()?);
        Ok(response)
    }
}

/// Compares in a time that does not tell where the difference is.
fn is_equal(given: &[u8], expected: &[u8]) -> bool {
    let difference = given.iter().zip(expected).fold(0, |difference, (a, b)| difference | (a ^ b));
    given.len() == expected.len() && difference == 0
}

#[cfg(test)]
mod tests;
