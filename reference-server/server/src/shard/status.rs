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
        let mut body = String::from("{\"server\":{");
        push_members(&mut body, &Tally::sums(&self.common.tally));
        body.push_str("},\"host\":{");
        push_members(&mut body, &totals.named());
        let _ = writeln!(
            body,
            ",\"tasks_live\":{},\"operations_live\":{}}}}}",
            totals.live_tasks(),
            totals.live_operations()
        );
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

fn push_members(body: &mut String, members: &[(&'static str, u64)]) {
    for (index, (name, value)) in members.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(body, "{comma}\"{name}\":{value}");
    }
}
