//! Fetches an upstream and streams its answer. hyper's client runs on the container's own event loop: no runtime, no thread.
//! Names are not looked up, so the upstream is an address: `{ "upstream": "http://127.0.0.1:9000/path" }`.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;

use http_container::http::header::{CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE};
use http_container::http::{HeaderName, Uri};
use http_container::net::{HyperIo, TcpStream};
use http_container::{
    App, Body, Error, HeaderMap, Request, Response, Setup, State, StatusCode, module, spawn, timeout,
};

module! { id: "org.http-container.fetch", app: Fetch }

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    upstream: String,
    #[serde(default = "ten_seconds")]
    timeout_ms: u64,
}

fn ten_seconds() -> u64 {
    10_000
}

struct Fetch {
    upstream: Uri,
    address: SocketAddr,
    patience: Duration,
}

impl App for Fetch {
    type Config = Config;
    type Worker = ();

    fn create(config: Config, _: &Setup) -> Result<Self, Error> {
        let upstream: Uri = config.upstream.parse()?;
        let authority = upstream.authority().map_or("", |authority| authority.as_str());
        let address = authority.parse().or_else(|_| format!("{authority}:80").parse()).map_err(|_| {
            Error::new(format!("upstream `{upstream}` is not http:// with an IP address and a port"))
        })?;
        Ok(Self { upstream, address, patience: Duration::from_millis(config.timeout_ms) })
    }

    fn worker(&self, _: u32) -> Result<(), Error> {
        Ok(())
    }

    async fn handle(state: State<Self>, _: Request<Body>) -> Result<Response<Body>, Error> {
        let patience = state.patience;
        match timeout(patience, fetch(state)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                Err(Error::http(StatusCode::BAD_GATEWAY, format!("the upstream failed: {error}")))
            }
            Err(elapsed) => {
                Err(Error::http(StatusCode::GATEWAY_TIMEOUT, format!("the upstream is slow: {elapsed}")))
            }
        }
    }
}

async fn fetch(state: State<Fetch>) -> Result<Response<Body>, Error> {
    let stream = TcpStream::connect(state.address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(HyperIo::new(stream)).await?;
    // The connection's own task: it ends when the response was read, or when nobody wants it any more.
    spawn(connection);
    let target = state.upstream.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::get(target).header(HOST, state.address.to_string()).body(String::new())?;
    let (mut head, body) = sender.send_request(request).await?.into_parts();
    remove_hop_by_hop(&mut head.headers);
    Ok(Response::from_parts(head, Body::wrap(body)))
}

/// Fields of the connection to the upstream, which end there (RFC 9110, section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let usual = [CONNECTION, TRANSFER_ENCODING, UPGRADE];
    let others = ["keep-alive", "te", "proxy-connection", "trailer"].map(HeaderName::from_static);
    for name in named.into_iter().chain(usual).chain(others) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
