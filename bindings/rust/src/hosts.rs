//! The values of Host that a worker has met lately: a module answers for few hosts, so nearly every request brings a value
//! that was checked and copied before. Must not know which hosts are served.

use http::header::{HeaderValue, InvalidHeaderValue};

/// So many values are kept, each in the one place that its bytes choose.
const PLACES: usize = 16;
/// Longer values, in bytes, are not kept.
const KEPT_MAX: usize = 256;

/// One per worker.
#[derive(Default)]
pub(crate) struct Hosts {
    places: [Option<HeaderValue>; PLACES],
}

impl Hosts {
    /// The value with these bytes.
    ///
    /// # Errors
    /// There is a byte that no value may hold.
    pub(crate) fn value(&mut self, bytes: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
        let place = &mut self.places[place_of(bytes)];
        match place {
            Some(known) if known.as_bytes() == bytes => Ok(known.clone()),
            _ => {
                let value = HeaderValue::from_bytes(bytes)?;
                if bytes.len() <= KEPT_MAX {
                    *place = Some(value.clone());
                }
                Ok(value)
            }
        }
    }
}

fn place_of(bytes: &[u8]) -> usize {
    let ends = bytes.first().zip(bytes.last()).map_or(0, |(&first, &last)| usize::from(first ^ last));
    (bytes.len() ^ ends) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_the_one_asked_for_also_where_places_are_shared() {
        let mut hosts = Hosts::default();
        let long = "h".repeat(KEPT_MAX + 1);
        for host in
            ["a.example", "b.example", "a.example", "", "axexample", "a.example:80", &long, "a.example"]
        {
            assert_eq!(hosts.value(host.as_bytes()).unwrap(), host);
        }
        assert_eq!(place_of(b"a.example"), place_of(b"axexample"));
        assert!(hosts.places.iter().flatten().all(|kept| kept.len() <= KEPT_MAX));
    }

    #[test]
    fn bytes_that_are_no_value_are_refused_and_not_kept() {
        let mut hosts = Hosts::default();
        assert!(hosts.value(b"a\nb").is_err());
        assert!(hosts.places.iter().all(Option::is_none));
    }
}
