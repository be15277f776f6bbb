//! The counter endpoint: what the server and the host counted, as JSON.

use super::Shard;
use crate::exchange::HttpExchange;
use crate::tally::Tally;
use crate::wire::Progress;
use std::fmt::Write;

impl Shard {
    /// Answers with all counters.
    pub(super) fn answer_status(&self, exchange: &HttpExchange) {
        let totals = self.host.container().totals();
        let mut host = totals.named();
        host.push(("tasks_live", totals.live_tasks()));
        host.push(("operations_live", totals.live_operations()));
        host.push(("leases_live", totals.live_leases()));
        let mut body = String::from("{");
        push_object(&mut body, "server", &Tally::sums(&self.common.tally));
        push_object(&mut body, "host", &host);
        let resources = self.host.container().resource_usage();
        if !resources.is_empty() {
            body.push_str(",\"resources\":{");
            for (name, usage) in &resources {
                let numbers = [
                    ("max", u64::from(usage.max)),
                    ("in_use", u64::from(usage.in_use)),
                    ("idle", u64::from(usage.idle)),
                    ("waiting", u64::from(usage.waiting)),
                    ("available", u64::from(usage.is_available)),
                ];
                push_object(&mut body, name, &numbers);
            }
            body.push('}');
        }
        if let Some(breaches) = self.host.container().breaches() {
            push_breaches(&mut body, &breaches.list());
        }
        body.push_str("}\n");
        let mut wire = exchange.wire();
        let fields: [(&[u8], &[u8]); 2] =
            [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")];
        let wire = &mut *wire;
        let date = crate::door::date();
        let written = wire.http.respond_whole(&mut wire.out, 200, fields, body.as_bytes(), &date);
        wire.status = 200;
        wire.progress = if written.is_ok() { Progress::Complete } else { Progress::Aborted };
        wire.body_bytes = body.len() as u64;
    }
}

/// Adds the rules that modules broke: an object for each module, with a number for each rule.
fn push_breaches(body: &mut String, list: &[(String, &'static str, u64)]) {
    body.push_str(",\"breaches\":{");
    for of_module in list.chunk_by(|one, other| one.0 == other.0) {
        let numbers: Vec<_> = of_module.iter().map(|(_, rule, count)| (*rule, *count)).collect();
        push_object(body, &of_module[0].0, &numbers);
    }
    body.push('}');
}

/// Adds a member: an object of numbers. The names need no escapes: they are the server's, or checked as names of resources.
fn push_object(body: &mut String, name: &str, members: &[(&'static str, u64)]) {
    let comma = if body.ends_with('{') { "" } else { "," };
    let _ = write!(body, "{comma}\"{name}\":{{");
    for (index, (name, value)) in members.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(body, "{comma}\"{name}\":{value}");
    }
    body.push('}');
}
