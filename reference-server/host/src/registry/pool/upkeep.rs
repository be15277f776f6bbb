//! The upkeep of a pool: what time and the container's stopping do to its members.

use super::{Ask, Decision, Member, Pool, Stage};
use crate::settings::ResourceSettings;
use http_container_abi::Status;

impl Member {
    /// When it is to be looked at, ns; `can_be_spared`: it is not one of the least number.
    pub(super) fn due_ns(&self, settings: &ResourceSettings, can_be_spared: bool) -> u64 {
        match self.stage {
            Stage::Vacant | Stage::Leased => u64::MAX,
            Stage::Idle => {
                let unused_ns = self.since_ns.saturating_add(settings.idle_timeout_ns);
                let old_ns = self.opened_ns.saturating_add(settings.max_lifetime_ns);
                if can_be_spared { unused_ns.min(old_ns) } else { old_ns }
            }
            _ if self.is_killed => u64::MAX,
            _ => self.since_ns.saturating_add(settings.member_timeout_ns),
        }
    }
}

impl Pool {
    /// The instance of the provider was replaced: members of before are not lent again, and those that are being opened are
    /// given up [provider.drain].
    pub fn retire(&mut self, now_ns: u64, out: &mut Vec<Decision>) {
        self.members.iter_mut().for_each(|member| member.is_retired = true);
        self.close_idle(|_| true, now_ns, out);
        self.give_up_opening(Status::CANCELLED_FAULT, now_ns, out);
    }

    /// Nothing is kept open any more, once its lease has ended, nor opened; `why`: the reason for which the container stops.
    pub fn close(&mut self, why: Status, now_ns: u64, out: &mut Vec<Decision>) {
        self.is_closing = true;
        self.close_idle(|_| true, now_ns, out);
        self.give_up_opening(why, now_ns, out);
    }

    fn give_up_opening(&mut self, why: Status, now_ns: u64, out: &mut Vec<Decision>) {
        for member in 0..self.members.len() as u32 {
            if self.members[member as usize].stage == Stage::Opening {
                let place = self.place(member);
                self.enter(place, Stage::Closing, now_ns);
                out.push(Decision::GiveUp { place, why });
            }
        }
    }

    /// Whether it is being closed for good [resource.acquire.draining].
    pub fn is_closing(&self) -> bool {
        self.is_closing
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
        let mut spare = self.kept_count.saturating_sub(self.settings.min);
        for member in 0..self.members.len() as u32 {
            let entry = &self.members[member as usize];
            let is_unused = entry.stage == Stage::Idle && now_ns.saturating_sub(entry.since_ns) >= idle_ns;
            if is_unused && spare > 0 {
                spare -= 1;
                self.unlist(member);
                self.ask(self.place(member), Stage::Closing, Ask::Close, now_ns, out);
            }
        }
        if self.is_closing || !self.may_try(now_ns) {
            return;
        }
        let most = if self.down.is_some() { 1 } else { u32::MAX };
        let least = self.settings.min.saturating_sub(self.kept_count);
        let missing = if self.down.is_some() { self.missing(now_ns) } else { least };
        (0..missing.min(most)).for_each(|_| self.open(None, now_ns, out));
        self.provide(None, now_ns, out);
    }

    /// When [`Pool::tend`] has something to do, ns.
    pub fn due_ns(&self, now_ns: u64) -> u64 {
        let can_be_spared = self.kept_count > self.settings.min;
        let of_member = |member: &Member| member.due_ns(&self.settings, can_be_spared);
        let members_ns = self.members.iter().map(of_member).min().unwrap_or(u64::MAX);
        members_ns.min(if self.is_closing { u64::MAX } else { self.retry_ns(now_ns) })
    }

    /// As [`Pool::due_ns`], of what has changed since the last look.
    pub fn take_soonest_ns(&mut self, now_ns: u64) -> u64 {
        let soonest_ns = std::mem::replace(&mut self.soonest_ns, u64::MAX);
        if self.down.is_some() { self.due_ns(now_ns) } else { soonest_ns }
    }
}
