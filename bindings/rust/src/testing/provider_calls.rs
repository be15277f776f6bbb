//! hc.provider/1 in the fake container: members are driven over the real boundary. Must not know what users ask for.

use http_container_abi::constants::{KV_ID, LIMIT_ID, POOL_ID, SQL_ID};
use http_container_abi::{NamesView, Opaque, ProviderHost, RawMemberRequest, ResultView, SqlValues, Status};

use super::host::FakeHost;
use super::task::Wait;

impl ProviderHost for FakeHost {
    fn provider_offer(&self, interface: &[u8]) -> Status {
        let mut state = self.enter();
        let Some(offered) =
            [SQL_ID, KV_ID, POOL_ID, LIMIT_ID].into_iter().find(|id| id.as_bytes() == interface)
        else {
            return Status::E_UNSUPPORTED;
        };
        match &mut state.offer {
            Some(offer) if offer.is_none() => {
                *offer = Some(offered.to_owned());
                Status::OK
            }
            _ => Status::E_STATE,
        }
    }

    fn provider_ready(&self, task: u64) -> Status {
        self.enter_task(task, false).map_or_else(|status| status, |mut state| state.member_ready(task))
    }

    fn provider_explain(&self, task: u64, reason: &[u8]) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let Ok(member) = state.member(task) else { return Status::E_STATE };
        member.reason = Some(String::from_utf8_lossy(reason).into_owned());
        Status::OK
    }

    fn provider_object(&self, task: u64, type_name: &[u8], object: Opaque) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        let Ok(member) = state.member(task) else { return Status::E_STATE };
        member.object = Some((type_name.to_vec(), object));
        Status::OK
    }

    fn provider_next(&self, task: u64, token: u64) -> Result<RawMemberRequest, Status> {
        let mut state = self.enter_task(task, false)?;
        if state.live(task)?.is_waiting_for(|wait| *wait == Wait::Member).is_some() {
            return Err(Status::E_BUSY);
        }
        match state.next_request(task) {
            Err(Status::PENDING) => Err(state.wait(task, token, Wait::Member)),
            answer => answer,
        }
    }

    fn provider_columns(&self, task: u64, names: NamesView<'_>) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        if !state.member(task).is_ok_and(|member| member.is_asked_for_rows()) {
            return Status::E_STATE;
        }
        let Some(lease) = state.holder(task) else { return Status::OK };
        let Some(holding) = state.resources.held.get_mut(&lease) else { return Status::OK };
        let status = holding.set_columns(names);
        let user = holding.task;
        if status == Status::OK {
            state.fire_where(user, Wait::Sql(lease), Status::OK, 0);
        }
        status
    }

    fn provider_rows(&self, task: u64, token: u64, values: SqlValues<'_>) -> (Status, usize) {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return (status, 0),
        };
        if !state.member(task).is_ok_and(|member| member.is_asked_for_rows()) {
            return (Status::E_STATE, 0);
        }
        if state
            .live(task)
            .is_ok_and(|found| found.is_waiting_for(|wait| *wait == Wait::MemberRoom).is_some())
        {
            return (Status::E_BUSY, 0);
        }
        let Some(lease) = state.holder(task) else { return (Status::DISCARDED, values.len()) };
        let Some(holding) = state.resources.held.get_mut(&lease) else {
            return (Status::DISCARDED, values.len());
        };
        let (taken, offered) = match holding.take_rows(values) {
            Ok(counts) => counts,
            Err(status) => return (status, 0),
        };
        let user = holding.task;
        if taken > 0 {
            state.fire_where(user, Wait::SqlRows(lease), Status::OK, 0);
        }
        match taken == offered {
            true => (Status::OK, taken),
            false => (state.wait(task, token, Wait::MemberRoom), taken),
        }
    }

    fn provider_message(&self, task: u64, channel: &[u8], value: &[u8]) -> Status {
        let mut state = match self.enter_task(task, false) {
            Ok(state) => state,
            Err(status) => return status,
        };
        if state.member(task).is_err() {
            return Status::E_STATE;
        }
        let Some(lease) = state.holder(task) else { return Status::DISCARDED };
        let Some(holding) = state.resources.held.get_mut(&lease) else { return Status::DISCARDED };
        let (status, user) = (holding.put_message(channel, value), holding.task);
        state.fire_where(user, Wait::KvMessage(lease), Status::OK, 0);
        status
    }

    fn provider_done(&self, task: u64, result: &ResultView<'_>) -> Status {
        self.enter_task(task, false).map_or_else(|status| status, |mut state| state.member_done(task, result))
    }
}
