//! Whether members can be had: what follows from tries that failed, and when the next one is due
//! [resource.unreachable] [resource.retry].

use super::{Member, Pool, Stage};

/// The first wait after a try that failed, ns; it doubles with each further one.
const RETRY_FIRST_NS: u64 = 100_000_000;
/// The longest of these waits, ns; up to a quarter is added to each.
const RETRY_LAST_NS: u64 = 4_000_000_000;

/// Members cannot be opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Down {
    tries: u32,
    retry_ns: u64,
    /// A task was refused for that since the last try began.
    is_wanted: bool,
    /// The next try was due, and nobody wanted it: whoever asked then waits for it.
    has_lapsed: bool,
}

impl Pool {
    /// A try to open a member has failed.
    pub(super) fn note_failed_try(&mut self, now_ns: u64) {
        let before = self.down;
        let tries = before.map_or(0, |down| down.tries);
        let wait_ns = RETRY_FIRST_NS.saturating_mul(1 << tries.min(16)).min(RETRY_LAST_NS);
        let retry_ns = now_ns.saturating_add(wait_ns + self.jitter(wait_ns / 4));
        let is_wanted = before.is_some_and(|down| down.is_wanted);
        self.down = Some(Down { tries: tries.saturating_add(1), retry_ns, is_wanted, has_lapsed: false });
    }

    /// A try begins: what was wanted before it is on its way.
    pub(super) fn note_try(&mut self) {
        if let Some(down) = &mut self.down {
            down.is_wanted = false;
        }
    }

    /// So that many containers do not all try at the same moment: below `bound`.
    fn jitter(&mut self, bound: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % bound.max(1)
    }

    /// Whether no member can be had [resource.unreachable].
    pub fn is_unreachable(&self, now_ns: u64) -> bool {
        let serves =
            |member: &Member| !matches!(member.stage, Stage::Vacant | Stage::Opening | Stage::Closing);
        self.down.is_some_and(|down| !down.has_lapsed && !self.lapses(now_ns))
            && !self.members.iter().any(serves)
    }

    /// Whether the next try is due and nobody wants it [resource.retry.lapse].
    fn lapses(&self, now_ns: u64) -> bool {
        self.may_try(now_ns) && self.missing(now_ns) == 0
    }

    /// A task asks: `true` when it is refused because no member can be had.
    pub fn refuses(&mut self, now_ns: u64) -> bool {
        if self.down.is_none() {
            return false;
        }
        let is_unreachable = self.is_unreachable(now_ns);
        let lapses = self.lapses(now_ns);
        if let Some(down) = &mut self.down {
            down.is_wanted |= is_unreachable;
            down.has_lapsed |= lapses;
        }
        is_unreachable
    }

    /// Whether a member may be opened now: not before the time of the next try, and one at a time until one came to be.
    pub(super) fn may_try(&self, now_ns: u64) -> bool {
        self.down.is_none_or(|down| now_ns >= down.retry_ns && self.coming == 0)
    }

    /// How many members the pool is to open by itself: for the least number, for those who wait, and for who was refused.
    pub(super) fn missing(&self, now_ns: u64) -> u32 {
        let kept = self.kept_count;
        let was_refused = self.down.is_some_and(|down| down.is_wanted);
        let least = self.settings.min.max(u32::from(was_refused)).saturating_sub(kept);
        let waited_for = self.wanted.saturating_sub(self.coming + self.lendable(self.wanted, now_ns));
        least.max(waited_for).min(self.vacant.len() as u32)
    }

    /// When the next try is due, if it is wanted, ns.
    pub(super) fn retry_ns(&self, now_ns: u64) -> u64 {
        match self.down {
            Some(down) if self.coming == 0 && self.missing(now_ns) > 0 => down.retry_ns,
            _ => u64::MAX,
        }
    }
}
