//! Free ports of loopback that stay free while a server is away for a while. Must not know who takes them.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// A port that nobody listens on. It is below those that the system gives to outgoing connections: else one of these could
/// take it while the server is down, or, when a client tries to reach the server that is down, even connect to itself.
pub fn free() -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let (first, count) = range();
    let start = std::process::id().wrapping_mul(2_654_435_761) >> 8;
    for _ in 0..count {
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        // A step that shares no factor with most counts, so that processes side by side do not meet for long.
        let port =
            first + u16::try_from((start.wrapping_add(turn.wrapping_mul(7919))) % u32::from(count)).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {count} from {first} on is free");
}

/// The first port, and how many there are.
fn range() -> (u16, u16) {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let lowest = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(32768);
    // Where outgoing connections may have nearly any port, there is nothing to be kept clear of.
    if lowest < 12_000 { (20_000, 40_000) } else { (10_000, lowest - 10_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_differ() {
        let (one, other) = (free(), free());
        assert_ne!(one, other);
        // For a moment a program that another test starts may still have the socket with which the port was tried.
        let bound = crate::wait_for("it is free", || TcpListener::bind((Ipv4Addr::LOCALHOST, one)).ok());
        assert_eq!(bound.local_addr().unwrap().port(), one);
    }
}
