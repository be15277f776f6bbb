//! Header maps as the fields that cross the boundary. Must not know which fields are allowed; the container refuses.

use http::header::HeaderMap;
use http_container_abi::Field;

/// Heads of up to so many fields need no allocation.
const SHORT: usize = 16;
/// Heads of up to so many fields, as most answers have, need little room made ready.
const SHORTEST: usize = 4;

/// Calls `call` with the fields of `headers`, in their order.
pub(crate) fn with<R>(headers: &HeaderMap, call: impl FnOnce(&[Field<'_>]) -> R) -> R {
    match headers.len() {
        0 => call(&[]),
        count if count <= SHORTEST => call(on_stack(headers, &mut [Field::new(b"", b""); SHORTEST])),
        count if count <= SHORT => call(on_stack(headers, &mut [Field::new(b"", b""); SHORT])),
        _ => call(&all(headers).collect::<Vec<_>>()),
    }
}

fn all(headers: &HeaderMap) -> impl Iterator<Item = Field<'_>> {
    headers.iter().map(|(name, value)| Field::new(name.as_str().as_bytes(), value.as_bytes()))
}

/// Writes the fields to `places`, which are enough.
fn on_stack<'a, 'p>(headers: &'a HeaderMap, places: &'p mut [Field<'a>]) -> &'p [Field<'a>] {
    let mut count = 0;
    for (place, field) in places.iter_mut().zip(all(headers)) {
        *place = field;
        count += 1;
    }
    &places[..count]
}
