//! A store of keys and values, as hc.kv/1 describes it, for modules that want one. Must not know of leases or modules.

use super::resources::KvReply;
use http_container_abi::constants::{kv_flag, kv_operation};
use http_container_abi::{KvRequestView, Status};
use std::collections::HashMap;

/// An operation, as it was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KvRequest {
    /// One of `enum hc_kv_operation`.
    pub operation: u32,
    /// Bits of `enum hc_kv_flag`.
    pub flags: u32,
    /// The key, or the channel.
    pub key: Vec<u8>,
    /// What is set or published.
    pub value: Vec<u8>,
    /// The value that there has to be.
    pub expected: Vec<u8>,
    /// What is added.
    pub number: i64,
    /// The time to live (ms); 0: for ever.
    pub ttl_ms: u64,
}

impl KvRequest {
    /// A copy of what a module asked for.
    #[must_use]
    pub fn of(view: &KvRequestView<'_>) -> KvRequest {
        KvRequest {
            operation: view.operation,
            flags: view.flags,
            key: view.key.to_vec(),
            value: view.value.to_vec(),
            expected: view.expected.to_vec(),
            number: view.number,
            ttl_ms: view.ttl_ms,
        }
    }
}

#[derive(Clone, Debug)]
struct Stored {
    value: Vec<u8>,
    /// When it ends (ns).
    until: Option<u64>,
}

/// A store.
#[derive(Clone, Debug, Default)]
pub struct Store {
    values: HashMap<Vec<u8>, Stored>,
}

/// A number in decimal, as `kv.add` wants it.
fn decimal(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

impl Store {
    /// Does an operation on values, at that time (ns); messages are not a store's.
    ///
    /// # Errors
    /// `HC_E_FAILED`.
    pub fn run(&mut self, now: u64, request: &KvRequest) -> Result<KvReply, Status> {
        let key = &request.key;
        if self.values.get(key).is_some_and(|stored| stored.until.is_some_and(|until| until <= now)) {
            self.values.remove(key);
        }
        let until =
            (request.ttl_ms > 0).then(|| now.saturating_add(request.ttl_ms.saturating_mul(1_000_000)));
        let old = self.values.get(key).cloned();
        let has_condition =
            match request.flags & (kv_flag::IF_ABSENT | kv_flag::IF_PRESENT | kv_flag::IF_EQUAL) {
                kv_flag::IF_ABSENT => old.is_none(),
                kv_flag::IF_PRESENT => old.is_some(),
                kv_flag::IF_EQUAL => old.as_ref().is_some_and(|old| old.value == request.expected),
                _ => true,
            };
        let found = |is_found: bool| Ok(KvReply { found: u32::from(is_found), ..KvReply::default() });
        match (request.operation, old) {
            (kv_operation::GET, None) => found(false),
            (kv_operation::GET, Some(old)) => {
                let left = old.until.map_or(0, |until| (until - now).div_ceil(1_000_000));
                Ok(KvReply { found: 1, value: old.value, number: 0, ttl_ms: left })
            }
            (kv_operation::SET, old) => {
                let kept = old.and_then(|old| old.until);
                let until = if request.flags & kv_flag::KEEP_TTL != 0 { kept } else { until };
                if has_condition {
                    self.values.insert(key.clone(), Stored { value: request.value.clone(), until });
                }
                found(has_condition)
            }
            (kv_operation::DELETE, old) => {
                let is_there = old.is_some() && has_condition;
                if is_there {
                    self.values.remove(key);
                }
                found(is_there)
            }
            (kv_operation::EXPIRE, None) => found(false),
            (kv_operation::EXPIRE, Some(old)) => {
                self.values.insert(key.clone(), Stored { until, ..old });
                found(true)
            }
            (kv_operation::ADD, old) => {
                let before = old.as_ref().map_or(Some(0), |old| decimal(&old.value));
                let sum =
                    before.and_then(|before| before.checked_add(request.number)).ok_or(Status::E_FAILED)?;
                let until = old.map_or(until, |old| old.until);
                self.values.insert(key.clone(), Stored { value: sum.to_string().into_bytes(), until });
                Ok(KvReply { number: sum, ..KvReply::default() })
            }
            _ => Err(Status::E_FAILED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(operation: u32, value: &str) -> KvRequest {
        KvRequest { operation, key: b"k".to_vec(), value: value.into(), ..KvRequest::default() }
    }

    #[test]
    fn values_counters_conditions_and_times() {
        let mut store = Store::default();
        let mut run = |now, request: KvRequest| store.run(now, &request);
        assert_eq!(run(0, request(kv_operation::GET, "")).unwrap().found, 0);
        let absent = KvRequest { flags: kv_flag::IF_ABSENT, ..request(kv_operation::SET, "7") };
        assert_eq!(run(0, absent.clone()).unwrap().found, 1);
        assert_eq!(run(0, absent).unwrap().found, 0);
        let add = |number| KvRequest { number, ..request(kv_operation::ADD, "") };
        assert_eq!(run(0, add(-9)).unwrap().number, -2);
        assert_eq!(run(0, add(i64::MIN)), Err(Status::E_FAILED));
        let expire = KvRequest { ttl_ms: 2, ..request(kv_operation::EXPIRE, "") };
        assert_eq!(run(0, expire).unwrap().found, 1);
        let got = run(1, request(kv_operation::GET, "")).unwrap();
        assert_eq!((got.value.as_slice(), got.ttl_ms), (&b"-2"[..], 2));
        assert_eq!(run(2_000_000, request(kv_operation::DELETE, "")).unwrap().found, 0);
        run(0, request(kv_operation::SET, "+7")).unwrap();
        assert_eq!(run(0, add(1)), Err(Status::E_FAILED));
    }
}
