//! Answers any request with its own body, chunk by chunk: the answer begins before the body is whole, and a chunk is read
//! only when the peer has taken the one before. So memory stays constant whatever the size.
#![forbid(unsafe_code)]

use http_container::{Body, HttpBody, Request, Response, module};

module! { id: "org.http-container.echo-stream", handler: echo }

async fn echo(request: Request<Body>) -> Response<Body> {
    let content_type = request.headers().get("content-type").cloned();
    let mut body = request.into_body();
    let length = body.size_hint().exact();
    let mut response = Response::new(Body::stream(|mut writer| async move {
        while let Some(chunk) = body.chunk().await? {
            writer.write(chunk).await?;
        }
        Ok(())
    }));
    let headers = response.headers_mut();
    headers
        .insert("content-type", content_type.unwrap_or_else(|| "application/octet-stream".parse().unwrap()));
    if let Some(length) = length {
        headers.insert("content-length", length.into());
    }
    response
}

#[cfg(test)]
mod tests;
