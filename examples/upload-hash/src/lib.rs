//! Answers with the SHA-256 of the request's body, in hexadecimal. Chunks are hashed as they come and kept nowhere.
#![forbid(unsafe_code)]

use http_container::{Body, Error, Request, Response, module, yield_now};
use sha2::{Digest, Sha256};

module! { id: "org.http-container.upload-hash", handler: hash }

/// After so many bytes other tasks get their turn.
const FAIR_SHARE_BYTES: usize = 256 * 1024;

async fn hash(request: Request<Body>) -> Result<Response<String>, Error> {
    let mut body = request.into_body();
    let mut hash = Sha256::new();
    let mut since_yield = 0;
    while let Some(chunk) = body.chunk().await? {
        hash.update(&chunk);
        since_yield += chunk.len();
        if since_yield >= FAIR_SHARE_BYTES {
            since_yield = 0;
            yield_now().await;
        }
    }
    let digits = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(Response::builder().header("content-type", "text/plain").body(digits)?)
}

#[cfg(test)]
mod tests;
