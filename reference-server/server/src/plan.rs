//! The configuration as the event loop uses it: times in nanoseconds, limits in the types of the crates that check them.

use crate::config::{Config, HalfClose, Limits, RouteTable, StatusConfig, StatusPeers};
use http_container_abi::constants::address_family;
use http_container_abi::raw::hc_address;
use std::time::Duration;

/// What a route says to the connection.
#[derive(Clone, Debug)]
pub struct RoutePlan {
    /// As in logs.
    pub label: String,
    /// The name of the module that answers.
    pub module: String,
    /// Most body bytes.
    pub body_bytes: u64,
    /// Time for the whole task, ns.
    pub deadline_ns: u64,
    /// Whether a peer that closed its half still waits for the answer.
    pub half_close_waits: bool,
}

/// Time limits, ns.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// Of [`crate::connection::Phase`]: head.
    pub head_ns: u64,
    /// Idle.
    pub idle_ns: u64,
    /// Body.
    pub body_ns: u64,
    /// Write.
    pub write_ns: u64,
    /// Linger.
    pub linger_ns: u64,
    /// From the wish to stop to the hard end.
    pub drain_ns: u64,
    /// For background tasks, from the end of the last connection.
    pub background_ns: u64,
}

/// Everything that a shard needs of the configuration.
#[derive(Debug)]
pub struct Plan {
    /// Routes by the index that [`RouteTable::resolve`] answers.
    pub routes: Vec<RoutePlan>,
    /// Chooses a route.
    pub table: RouteTable,
    /// Limits of the parser; the body limit is the route's.
    pub http: hc_http1::Limits,
    /// Named limits.
    pub limits: Limits,
    /// Time limits.
    pub times: TimeLimits,
    /// The counter endpoint.
    pub status: Option<StatusConfig>,
    /// How many ordinary listeners there are; the counters' own, if any, comes behind them.
    pub listeners: usize,
}

impl Plan {
    /// From a checked configuration.
    pub fn new(config: &Config) -> Plan {
        let limits = config.limits;
        let times = config.timeouts;
        Plan {
            routes: config
                .routes
                .iter()
                .map(|route| RoutePlan {
                    label: route.label(),
                    module: route
                        .modules
                        .first()
                        .map_or(String::new(), |&index| config.modules[index].name.clone()),
                    body_bytes: route.gates.whole_body_bytes.unwrap_or(route.body_bytes),
                    deadline_ns: nanoseconds(route.deadline),
                    half_close_waits: route.half_close == HalfClose::Wait,
                })
                .collect(),
            table: config.route_table(),
            http: hc_http1::Limits {
                request_line_bytes: limits.request_line_bytes as u32,
                head_bytes: limits.head_bytes as u32,
                field_count: limits.field_count as u32,
                // The last number stands for an unknown length (HC_LENGTH_UNKNOWN): no request may announce it.
                body_bytes: u64::MAX - 1,
                ..hc_http1::Limits::default()
            },
            limits,
            times: TimeLimits {
                head_ns: nanoseconds(times.header),
                idle_ns: nanoseconds(times.idle),
                body_ns: nanoseconds(times.body),
                write_ns: nanoseconds(times.write),
                linger_ns: nanoseconds(times.linger),
                drain_ns: nanoseconds(times.drain),
                background_ns: nanoseconds(times.background),
            },
            status: config.status.clone(),
            listeners: config.listen.len(),
        }
    }

    /// What the counter endpoint says to a request: it is for the counters, for nobody, or not its matter.
    pub fn status_claim(&self, path: &[u8], peer: &hc_address, listener: u16) -> StatusClaim {
        let Some(status) = &self.status else { return StatusClaim::None };
        let may_read = status.peers == StatusPeers::Any || is_here(peer);
        let is_path = status.path.as_bytes() == path && may_read;
        match status.listen {
            None if is_path => StatusClaim::Counters,
            None => StatusClaim::None,
            Some(_) if usize::from(listener) != self.listeners => StatusClaim::None,
            Some(_) if is_path => StatusClaim::Counters,
            Some(_) => StatusClaim::Nobody,
        }
    }
}

/// What the counter endpoint says to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusClaim {
    /// It is not its matter.
    None,
    /// The counters answer.
    Counters,
    /// It came to the counters' own listener, where nothing else answers.
    Nobody,
}

fn is_here(peer: &hc_address) -> bool {
    match peer.family {
        address_family::UNIX => true,
        address_family::IPV4 => peer.ip[0] == 127,
        address_family::IPV6 => {
            let six = std::net::Ipv6Addr::from(peer.ip);
            six.is_loopback() || six.to_ipv4_mapped().is_some_and(|four| four.is_loopback())
        }
        _ => false,
    }
}

/// 584 years fit.
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
