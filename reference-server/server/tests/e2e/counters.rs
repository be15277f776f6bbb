//! The server's counters, read over the status path.

use crate::peer::Peer;
use crate::server::STATUS_PATH;
use std::collections::BTreeMap;

/// All counters of the server and of its host at one moment, by name.
#[derive(Debug, Clone)]
pub struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// Asks for them on a kept connection.
    pub fn read(peer: &mut Peer) -> Counters {
        let answer = peer.ask(&format!("GET {STATUS_PATH} HTTP/1.1\r\nHost: status\r\n\r\n"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let members = ["server", "host"].iter().flat_map(|part| json[part].as_object().unwrap().iter());
        Counters(members.map(|(name, value)| (name.clone(), value.as_u64().unwrap())).collect())
    }

    /// One of them.
    pub fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no counter {name} in {self:?}"))
    }
}
