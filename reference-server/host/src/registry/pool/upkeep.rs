//! The upkeep of a pool: what time and the container's stopping do to its members.

use super::{Ask, Decision, Member, Pool, Stage};

impl Pool {
    /// The instance of the provider was replaced: members of before are not lent again.
    pub fn retire(&mut self, now_ns: u64, out: &mut Vec<Decision>) {
        self.members.iter_mut().for_each(|member| member.is_retired = true);
        self.close_idle(|_| true, now_ns, out);
    }

    /// Nothing is kept open any more that nobody waits for.
    pub fn close(&mut self, now_ns: u64, out: &mut Vec<Decision>) {
        self.is_closing = true;
        if self.wanted == 0 {
            self.close_idle(|_| true, now_ns, out);
        }
    }

    fn close_idle(&mut self, is_meant: impl Fn(&Member) -> bool, now_ns: u64, out: &mut Vec<Decision>) {
        for member in 0..self.members.len() as u32 {
            let entry = &self.members[member as usize];
            if entry.stage == Stage::Idle && is_meant(entry) {
                self.unlist(member);
                self.ask(self.place(member), Stage::Closing, Ask::Close, now_ns, out);
            }
        }
    }

    /// What is due by now: members that took too long, were idle for too long or are too old; the next try; the least number.
    pub fn tend(&mut self, now_ns: u64, out: &mut Vec<Decision>) {
        let limit_ns = self.settings.member_timeout_ns;
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            let is_bound = Self::is_coming(member.stage) || member.stage == Stage::Closing;
            if is_bound && !member.is_killed && now_ns.saturating_sub(member.since_ns) >= limit_ns {
                member.is_killed = true;
                let stage = member.stage;
                out.push(Decision::Kill { place: self.place(index as u32), stage });
            }
        }
        let (idle_ns, lifetime_ns) = (self.settings.idle_timeout_ns, self.settings.max_lifetime_ns);
        self.close_idle(|member| now_ns.saturating_sub(member.opened_ns) >= lifetime_ns, now_ns, out);
        let mut spare = self.open_count().saturating_sub(self.settings.min);
        for member in 0..self.members.len() as u32 {
            let entry = &self.members[member as usize];
            let is_unused = entry.stage == Stage::Idle && now_ns.saturating_sub(entry.since_ns) >= idle_ns;
            if is_unused && spare > 0 {
                spare -= 1;
                self.unlist(member);
                self.ask(self.place(member), Stage::Closing, Ask::Close, now_ns, out);
            }
        }
        let is_due = self.down.is_none_or(|down| now_ns >= down.retry_ns && self.coming == 0);
        if self.is_closing || !is_due {
            return;
        }
        let in_demand = self.down.is_some() && self.is_in_demand() && self.open_count() == 0;
        let least = self.settings.min.max(u32::from(in_demand));
        let missing = least.saturating_sub(self.open_count());
        let most = if self.down.is_some() { 1 } else { u32::MAX };
        (0..missing.min(most)).for_each(|_| self.open(None, now_ns, out));
        self.provide(None, now_ns, out);
    }

    /// Whether tasks wait, or one was refused since the last try [resource.retry].
    fn is_in_demand(&self) -> bool {
        self.waiting > 0 || self.is_asked
    }

    /// When [`Pool::tend`] has something to do, ns.
    pub fn due_ns(&self) -> u64 {
        let settings = &self.settings;
        let can_shrink = self.open_count() > settings.min;
        let of_member = |member: &Member| match member.stage {
            Stage::Vacant | Stage::Leased => u64::MAX,
            Stage::Idle => {
                let unused_ns = match can_shrink {
                    true => member.since_ns.saturating_add(settings.idle_timeout_ns),
                    false => u64::MAX,
                };
                unused_ns.min(member.opened_ns.saturating_add(settings.max_lifetime_ns))
            }
            _ if member.is_killed => u64::MAX,
            _ => member.since_ns.saturating_add(settings.member_timeout_ns),
        };
        let retry_ns = match self.down {
            Some(down) if settings.min > 0 || self.is_in_demand() => down.retry_ns,
            _ => u64::MAX,
        };
        let members_ns = self.members.iter().map(of_member).min().unwrap_or(u64::MAX);
        members_ns.min(if self.is_closing { u64::MAX } else { retry_ns })
    }
}
