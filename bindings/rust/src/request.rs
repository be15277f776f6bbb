//! The request head as `http` crate types, from the view at the boundary. All bytes are copied once, into one buffer that
//! the target and the values share. Must not know what becomes of the request.

use bytes::{Bytes, BytesMut};
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use http::{Method, Request, Uri, Version};
use http_container_abi::{FieldsView, RequestView, Status};

use crate::hosts::Hosts;
use crate::names::well_known;

/// Heads of up to so many bytes share the task's own buffer, which stays with the task.
const STORE_MAX: usize = 2048;

/// Writes the head of `request`, whose header map is empty; bytes go to `store`, which is empty too, and is left so. The URI
/// is the target as sent (path and query); a request without a Host field gets one from its authority.
pub(crate) fn fill<B>(
    request: &mut Request<B>,
    view: &RequestView<'_>,
    store: &mut BytesMut,
    hosts: &mut Hosts,
) -> Result<(), Status> {
    // A new request is `GET / HTTP/1.1`; what is not so is written over it.
    if view.method() != b"GET" {
        *request.method_mut() = Method::from_bytes(view.method()).map_err(|_| Status::E_INVALID)?;
    }
    *request.version_mut() = version(view.version());
    let target = Some(view.target()).filter(|target| target != b"/");
    let fields = view.fields();
    let mut bytes = gather(target.unwrap_or_default(), fields, store);
    if let Some(target) = target {
        *request.uri_mut() = uri(bytes.split_to(target.len()), target)?;
    }
    let headers = request.headers_mut();
    headers.try_reserve(fields.len()).map_err(|_| Status::E_LIMIT)?;
    let mut has_host = false;
    for (name, value) in fields.iter() {
        let checked = if is_host(name) {
            has_host = true;
            hosts.value(value)
        } else {
            HeaderValue::from_maybe_shared(bytes.split_to(value.len()))
        };
        append(headers, field_name(name)?, checked)?;
    }
    if !has_host && !view.authority().is_empty() {
        append(headers, HOST, hosts.value(view.authority()))?;
    }
    Ok(())
}

fn is_host(name: &[u8]) -> bool {
    name == b"host"
}

/// The target and the values other than those of Host, one after another, in one buffer.
fn gather(target: &[u8], fields: FieldsView<'_>, store: &mut BytesMut) -> Bytes {
    let values = fields.iter().filter_map(|(name, value)| (!is_host(name)).then_some(value));
    let size = target.len() + values.clone().map(<[u8]>::len).sum::<usize>();
    if size == 0 {
        return Bytes::new();
    }
    let mut large = BytesMut::new();
    let store = if size > STORE_MAX { &mut large } else { store };
    store.reserve(size);
    store.extend_from_slice(target);
    values.for_each(|value| store.extend_from_slice(value));
    store.split().freeze()
}

#[inline]
fn field_name(name: &[u8]) -> Result<HeaderName, Status> {
    match well_known(name) {
        Some(name) => Ok(name),
        None => HeaderName::from_bytes(name).map_err(|_| Status::E_FIELD),
    }
}

#[inline]
fn append(
    headers: &mut HeaderMap,
    name: HeaderName,
    value: Result<HeaderValue, InvalidHeaderValue>,
) -> Result<(), Status> {
    headers.try_append(name, value.map_err(|_| Status::E_FIELD)?).map_err(|_| Status::E_LIMIT)?;
    Ok(())
}

/// Fields from the other side as a map.
pub(crate) fn header_map<'a>(
    fields: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<HeaderMap, Status> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        append(&mut headers, field_name(name)?, HeaderValue::from_bytes(value))?;
    }
    Ok(headers)
}

fn version(number: u32) -> Version {
    match number {
        10 => Version::HTTP_10,
        20 => Version::HTTP_2,
        30 => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}

/// The target, which `shared` holds, as a URI. Bytes that a URI may not hold, and that a lenient container let through, are percent-encoded.
fn uri(shared: Bytes, target: &[u8]) -> Result<Uri, Status> {
    match Uri::from_maybe_shared(shared) {
        Ok(uri) => Ok(uri),
        Err(_) => encoded(target),
    }
}

#[cold]
fn encoded(target: &[u8]) -> Result<Uri, Status> {
    let mut encoded = String::with_capacity(target.len() + 16);
    for &byte in target {
        if byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    if let Ok(uri) = encoded.parse() {
        return Ok(uri);
    }
    // An authority of RFC 3986 that `http` has no form for, such as one with encoded bytes: the rest of the target is what is
    // left to tell. The authority itself is a fact of the request besides.
    let (_, rest) = encoded.split_once("://").ok_or(Status::E_INVALID)?;
    let rest = &rest[rest.find(['/', '?']).unwrap_or(rest.len())..];
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{slash}{rest}").parse().map_err(|_| Status::E_INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_are_no_uri_are_encoded() {
        let check = |target: &'static str, expect: &str| {
            assert_eq!(
                uri(Bytes::from_static(target.as_bytes()), target.as_bytes()).unwrap().to_string(),
                expect
            );
        };
        check("/a/b?c=d", "/a/b?c=d");
        check("*", "*");
        check("/a<b>", "/a%3Cb%3E");
        check("/%zz", "/%zz");
        check("http://example.org/x", "http://example.org/x");
        check("http://%65xample.org/x?y=/z", "/x?y=/z");
        check("http://a%2Db?y", "/?y");
        check("http://a%2Db", "/");
    }
}
