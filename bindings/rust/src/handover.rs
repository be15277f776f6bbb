//! What a worker keeps between its requests: the request on its way from the start of a task to the future that answers it,
//! and emptied header maps to use again. Must not know what is in a request.

use std::cell::RefCell;

use http::Request;
use http::header::HeaderMap;
use http_container_abi::Status;

use crate::body::Body;

/// So many emptied header maps are kept.
const SPARE_MAPS_MAX: usize = 64;
/// Maps with room for more fields than this are not kept.
const SPARE_FIELDS_MAX: usize = 64;

/// One per worker.
#[derive(Default)]
pub(crate) struct Handover {
    /// Set in `start`, and taken by the first poll in the same step, so that a request is moved once.
    request: RefCell<Option<Request<Body>>>,
    spare: RefCell<Vec<HeaderMap>>,
}

impl Handover {
    /// Puts a request with `body` in place, whose head `fill` writes.
    pub(crate) fn put(
        &self,
        body: Body,
        fill: impl FnOnce(&mut Request<Body>) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let mut place = self.request.borrow_mut();
        let request = place.insert(Request::new(body));
        if let Some(map) = self.spare.borrow_mut().pop() {
            *request.headers_mut() = map;
        }
        fill(request).inspect_err(|_| drop(place.take()))
    }

    /// The request that `put` has put here.
    ///
    /// # Panics
    /// There is none.
    pub(crate) fn take(&self) -> Request<Body> {
        self.request.borrow_mut().take().expect("a task that answers a request was started with one")
    }

    /// Takes a map that is of no more use, for a later request.
    pub(crate) fn keep(&self, mut map: HeaderMap) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE_MAPS_MAX && (1..=SPARE_FIELDS_MAX).contains(&map.capacity()) {
            map.clear();
            spare.push(map);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, HeaderValue};

    use super::*;

    fn map(fields: usize) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(fields);
        map.insert(HOST, HeaderValue::from_static("example.org"));
        map
    }

    #[test]
    fn a_kept_map_comes_back_empty_with_its_room() {
        let handover = Handover::default();
        handover.keep(map(12));
        let filled = handover.put(Body::empty(), |request| {
            assert!(request.headers().is_empty());
            assert!(request.headers().capacity() >= 12);
            Ok(())
        });
        assert_eq!(filled, Ok(()));
        assert!(handover.take().headers().is_empty());
    }

    #[test]
    fn large_maps_and_maps_without_room_are_not_kept() {
        let handover = Handover::default();
        handover.keep(HeaderMap::new());
        handover.keep(map(SPARE_FIELDS_MAX + 1));
        assert!(handover.spare.borrow().is_empty());
        (0..=SPARE_MAPS_MAX).for_each(|_| handover.keep(map(1)));
        assert_eq!(handover.spare.borrow().len(), SPARE_MAPS_MAX);
    }

    #[test]
    fn a_request_whose_head_was_refused_is_not_left() {
        let handover = Handover::default();
        assert_eq!(handover.put(Body::empty(), |_| Err(Status::E_FIELD)), Err(Status::E_FIELD));
        assert!(handover.request.borrow().is_none());
    }
}
