//! The targets as data, and the verdict on a measured value. It must not know how values are measured.
//!
//! A target states an upper limit. A miss is printed, never an exit code: timing is not a test.

use serde::Serialize;

use crate::contenders::{FLOOR, HC_C, HC_RUST, HC_VALIDATES, NGINX};

/// An upper limit for the CPU time per request of the reference server, as a ratio to another row.
#[derive(Clone, Copy, Debug)]
pub struct RatioTarget {
    /// The row that it is a ratio to.
    pub base: &'static str,
    /// The limit.
    pub limit: f64,
}

/// Keep-alive hello.
pub const HELLO: &[RatioTarget] =
    &[RatioTarget { base: FLOOR, limit: 1.05 }, RatioTarget { base: NGINX, limit: 1.00 }];
/// Keep-alive hello with live checks of the module.
pub const VALIDATES: &[RatioTarget] = &[RatioTarget { base: HC_C, limit: 1.5 }];
/// Keep-alive hello with access log and metrics.
pub const HELLO_LOG: &[RatioTarget] = &[RatioTarget { base: FLOOR, limit: 1.15 }];
/// Pipelined, 16 deep.
pub const PIPELINED: &[RatioTarget] = &[RatioTarget { base: FLOOR, limit: 1.20 }];
/// Connection per request: 1.3 times the capacity of nginx.
pub const PER_CONNECTION: &[RatioTarget] = &[RatioTarget { base: NGINX, limit: 1.0 / 1.3 }];
/// User instructions per hello.
pub const INSTRUCTIONS: f64 = 2000.0;
/// System calls per hello.
pub const SYSTEM_CALLS: f64 = 2.05;
/// User memory of an idle keep-alive connection, in bytes.
pub const IDLE_BYTES: f64 = 200.0;
/// User memory of a parked request, in bytes.
pub const PARKED_BYTES: f64 = 1536.0;
/// Lateness of a wake-up at 10,000 wake-ups a second, 99th percentile, in milliseconds.
pub const LATENESS_P99_MS: f64 = 20.0;
/// Threads beyond the workers.
pub const SERVICE_THREADS: usize = 2;
/// Throughput of two workers over that of one; the only lower limit.
pub const SCALING: f64 = 1.95;

/// Throughput of shared connections over that of a thread per connection: at least equal, but for the noise of slots.
pub const SHARED_THROUGHPUT: f64 = 0.98;
/// The same of the 99th percentile of latency; an upper limit.
pub const SHARED_P99: f64 = 1.02;
/// The others' 99th percentile with one partition that floods, over that without.
pub const FLOODED_P99: f64 = 2.0;
/// CPU time that a query through a lease adds to the driver's own, in microseconds.
pub const QUERY_ADDED_US: f64 = 1.5;
/// From a client's leaving to a free connection, in milliseconds.
pub const LEFT_FREE_MS: f64 = 20.0;

/// The rows that the targets of a plan apply to.
pub fn applies_to(row: &str) -> bool {
    row == HC_C || row == HC_RUST
}

/// The limits of a row, of those of a plan.
pub fn of_row(row: &str, plan: &'static [RatioTarget]) -> Option<&'static [RatioTarget]> {
    match row {
        HC_VALIDATES => Some(VALIDATES),
        row => applies_to(row).then_some(plan),
    }
}

/// What became of a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The row measured.
    pub row: String,
    /// What is limited, with its unit.
    pub what: String,
    /// The limit.
    pub limit: f64,
    /// The value measured.
    pub measured: f64,
    /// Whether the value keeps the limit.
    pub pass: bool,
}

impl Verdict {
    /// `measured` must not exceed `limit`.
    pub fn at_most(row: &str, what: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { row: row.to_owned(), what: what.into(), limit, measured, pass: measured <= limit }
    }

    /// `measured` must not fall below `limit`.
    pub fn at_least(row: &str, what: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { row: row.to_owned(), what: what.into(), limit, measured, pass: measured >= limit }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.pass { "pass" } else { "MISS" };
        let Self { row, what, limit, measured, .. } = self;
        write!(out, "{word}  {row}: {what}: {measured:.2}, target {limit:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_what_was_measured_against_what() {
        let pass = Verdict::at_most(HC_C, "x floor", 1.05, 1.05);
        assert_eq!(pass.to_string(), "pass  hc-server, C hello: x floor: 1.05, target 1.05");
        assert!(!Verdict::at_most(HC_C, "x floor", 1.06, 1.05).pass);
        assert!(Verdict::at_least(HC_C, "speed-up", 1.96, 1.95).pass);
        assert!(Verdict::at_least(HC_C, "speed-up", 1.9, 1.95).to_string().starts_with("MISS"));
    }
}
