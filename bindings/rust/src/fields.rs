//! Header maps as the fields that cross the boundary. Must not know which fields are allowed; the container refuses.

use http::header::HeaderMap;
use http_container_abi::Field;

/// Heads of up to so many fields need no allocation.
const SHORT: usize = 16;

/// Calls `call` with the fields of `headers`, in their order.
pub(crate) fn with<R>(headers: &HeaderMap, call: impl FnOnce(&[Field<'_>]) -> R) -> R {
    let fields = headers.iter().map(|(name, value)| Field::new(name.as_str().as_bytes(), value.as_bytes()));
    if headers.len() > SHORT {
        return call(&fields.collect::<Vec<_>>());
    }
    let mut short = [Field::new(b"", b""); SHORT];
    let mut count = 0;
    for (place, field) in short.iter_mut().zip(fields) {
        *place = field;
        count += 1;
    }
    call(&short[..count])
}
