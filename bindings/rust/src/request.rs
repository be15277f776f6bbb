//! The request head as `http` crate types, from the view at the boundary. All bytes are copied once, into one buffer that
//! the target and the values share. Must not know what becomes of the request.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};
use http_container_abi::{RequestView, Status};

/// The head of a request with `body`. The URI is the target as sent (path and query); a request without a Host field gets
/// one from its authority.
pub(crate) fn build<B>(view: &RequestView<'_>, body: B) -> Result<Request<B>, Status> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(view.method()).map_err(|_| Status::E_INVALID)?;
    *request.version_mut() = version(view.version());
    let target = view.target();
    let fields = view.fields();
    let size = target.len() + fields.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut store = BytesMut::with_capacity(size);
    store.put_slice(target);
    fields.iter().for_each(|(_, value)| store.put_slice(value));
    let mut store = store.freeze();
    *request.uri_mut() = uri(&store.split_to(target.len()))?;
    let headers = request.headers_mut();
    headers.reserve(fields.len());
    for (name, value) in fields.iter() {
        append(headers, name, store.split_to(value.len()))?;
    }
    if !view.authority().is_empty() && !headers.contains_key(HOST) {
        append(headers, b"host", Bytes::copy_from_slice(view.authority()))?;
    }
    Ok(request)
}

fn append(headers: &mut HeaderMap, name: &[u8], value: Bytes) -> Result<(), Status> {
    let name = HeaderName::from_bytes(name).map_err(|_| Status::E_FIELD)?;
    let value = HeaderValue::from_maybe_shared(value).map_err(|_| Status::E_FIELD)?;
    headers.try_append(name, value).map_err(|_| Status::E_LIMIT)?;
    Ok(())
}

/// Fields from the other side as a map.
pub(crate) fn header_map<'a>(
    fields: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<HeaderMap, Status> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        append(&mut headers, name, Bytes::copy_from_slice(value))?;
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

/// The target as a URI. Bytes that a URI may not hold, and that a lenient container let through, are percent-encoded.
fn uri(target: &Bytes) -> Result<Uri, Status> {
    if let Ok(uri) = Uri::from_maybe_shared(target.clone()) {
        return Ok(uri);
    }
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
    encoded.parse().map_err(|_| Status::E_INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_are_no_uri_are_encoded() {
        let check = |target: &'static str, expect: &str| {
            assert_eq!(uri(&Bytes::from_static(target.as_bytes())).unwrap().to_string(), expect);
        };
        check("/a/b?c=d", "/a/b?c=d");
        check("*", "*");
        check("/a<b>", "/a%3Cb%3E");
        check("/%zz", "/%zz");
        check("http://example.org/x", "http://example.org/x");
    }
}
