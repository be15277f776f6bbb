//! Answers any request with its own body, chunk by chunk: the answer begins before the body is whole, and a chunk is read
//! only when the peer has taken the one before. So memory stays constant whatever the size.
#![forbid(unsafe_code)]

use http_container::{Body, BodyError, HttpBody, Request, Response, module};

module! { id: "org.http-container.echo-stream", handler: echo }

async fn echo(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let content_type = request.headers().get("content-type").cloned();
    let mut body = request.into_body();
    let length = body.size_hint().exact();
    // The first chunk before the answer: a peer that waits for 100 (Continue) is told to go on, and a body that is broken
    // from its start gets an error instead of half an answer.
    let mut next = body.chunk().await?;
    let mut response = Response::new(Body::stream(|mut writer| async move {
        while let Some(chunk) = next {
            writer.write(chunk).await?;
            next = body.chunk().await?;
        }
        Ok(())
    }));
    let headers = response.headers_mut();
    headers
        .insert("content-type", content_type.unwrap_or_else(|| "application/octet-stream".parse().unwrap()));
    if let Some(length) = length {
        headers.insert("content-length", length.into());
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
