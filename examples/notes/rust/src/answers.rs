//! Answers that need neither the database nor the counter: the page, refusals; and how JSON is sent. Must not know notes.

use http_container::{Body, Error, Method, Response, StatusCode};

const PAGE: &str = include_str!("../../page.html");

/// The page holds all that it needs, and talks to this server only.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page's own addresses are relative, so that it works under any path; which must then end in a slash.
pub(crate) fn page(base: &str, path: &str) -> Result<Response<Body>, Error> {
    if path == base {
        let to_slash = Response::builder().status(StatusCode::PERMANENT_REDIRECT);
        return Ok(to_slash.header("location", format!("{base}/")).body(Body::empty())?);
    }
    Ok(Response::builder()
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-cache")
        .header("content-security-policy", POLICY)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .body(PAGE.into())?)
}

pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Result<Response<Body>, Error> {
    let builder = Response::builder().status(status).header("content-type", "application/json");
    Ok(builder.body(serde_json::to_vec(value)?.into())?)
}

/// `{"error":"why"}`
pub(crate) fn refuse(status: StatusCode, why: &str) -> Result<Response<Body>, Error> {
    json(status, &serde_json::json!({ "error": why }))
}

/// OPTIONS, or a method that is not for this path.
pub(crate) fn not_here(method: &Method, allow: &'static str) -> Result<Response<Body>, Error> {
    if method == Method::OPTIONS {
        let builder = Response::builder().status(StatusCode::NO_CONTENT).header("allow", allow);
        return Ok(builder.body(Body::empty())?);
    }
    let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "this method is not for this path")?;
    response.headers_mut().insert("allow", allow.parse()?);
    Ok(response)
}
