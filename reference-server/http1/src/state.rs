//! The state machine of one connection as a table: request side x response side x act.
//!
//! The table knows which acts are legal and where they lead. It knows no bytes, no framing and no limits:
//! those live in the acts' own files. Keep-alive is decided by `Connection::next_cycle`, which asks the table
//! last.

/// Where the peer is with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestState {
    /// No complete head has arrived in this cycle.
    Idle,
    /// The head has arrived, its content has not ended.
    Body,
    /// The request is complete; what follows belongs to the next cycle.
    Done,
    /// The peer ended the connection between two requests.
    Closed,
    /// The request was refused or given up: nothing more is read as HTTP.
    Failed,
}

/// Where the local caller is with its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseState {
    /// No final head was written; interim ones may have been.
    Idle,
    /// The head was written, the content has not ended.
    Body,
    /// The response is complete.
    Done,
    /// The response was broken off: only closing remains.
    Failed,
}

/// What can happen on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Act {
    /// A request head arrived, content follows.
    ReceiveHead,
    /// A request head arrived that is the whole request.
    ReceiveWhole,
    /// Request content arrived.
    ReceiveData,
    /// The request content ended.
    ReceiveEnd,
    /// The peer ended the connection between requests.
    PeerEnd,
    /// The peer broke a rule.
    Refuse,
    /// An interim (1xx) response is written.
    Interim,
    /// A response head is written, content may follow.
    RespondHead,
    /// A response head is written together with all of its content.
    RespondWhole,
    /// Response content is written.
    RespondData,
    /// The response is ended.
    RespondEnd,
    /// The local caller gives up.
    Abort,
    /// The next request may be read.
    NextCycle,
}

impl RequestState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Body, Self::Done, Self::Closed, Self::Failed];
}

impl ResponseState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Body, Self::Done, Self::Failed];
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 13] = [
        Self::ReceiveHead,
        Self::ReceiveWhole,
        Self::ReceiveData,
        Self::ReceiveEnd,
        Self::PeerEnd,
        Self::Refuse,
        Self::Interim,
        Self::RespondHead,
        Self::RespondWhole,
        Self::RespondData,
        Self::RespondEnd,
        Self::Abort,
        Self::NextCycle,
    ];
}

/// One row: in any of these pairs of states the act is legal; `None` as a target means "stays".
struct Row(
    Act,
    &'static [RequestState],
    &'static [ResponseState],
    Option<RequestState>,
    Option<ResponseState>,
);

use RequestState as Q;
use ResponseState as P;

const LIVE: &[P] = &[P::Idle, P::Body, P::Done];
const STARTED: &[Q] = &[Q::Body, Q::Done, Q::Failed];

/// The whole machine. What is not here is not legal.
const TABLE: &[Row] = &[
    Row(Act::ReceiveHead, &[Q::Idle], &[P::Idle], Some(Q::Body), None),
    Row(Act::ReceiveWhole, &[Q::Idle], &[P::Idle], Some(Q::Done), None),
    // Content may arrive before, while and after the response is written.
    Row(Act::ReceiveData, &[Q::Body], LIVE, None, None),
    Row(Act::ReceiveEnd, &[Q::Body], LIVE, Some(Q::Done), None),
    Row(Act::PeerEnd, &[Q::Idle], &[P::Idle], Some(Q::Closed), None),
    Row(Act::Refuse, &[Q::Idle, Q::Body], LIVE, Some(Q::Failed), None),
    Row(Act::Interim, &[Q::Body, Q::Done], &[P::Idle], None, None),
    // A response before any head (408, 503) gives the request up: its bytes could not be told from the next
    // one's.
    Row(Act::RespondHead, &[Q::Idle], &[P::Idle], Some(Q::Failed), Some(P::Body)),
    Row(Act::RespondHead, STARTED, &[P::Idle], None, Some(P::Body)),
    Row(Act::RespondWhole, &[Q::Idle], &[P::Idle], Some(Q::Failed), Some(P::Done)),
    Row(Act::RespondWhole, STARTED, &[P::Idle], None, Some(P::Done)),
    Row(Act::RespondData, STARTED, &[P::Body], None, None),
    Row(Act::RespondEnd, STARTED, &[P::Body], None, Some(P::Done)),
    Row(Act::Abort, &Q::ALL, &P::ALL, Some(Q::Failed), Some(P::Failed)),
    Row(Act::NextCycle, &[Q::Done], &[P::Done], Some(Q::Idle), Some(P::Idle)),
];

/// A pair of states.
pub type States = (RequestState, ResponseState);

/// The rows unfolded at compile time, so that a step is one load.
static STEPS: [[[Option<States>; P::ALL.len()]; Q::ALL.len()]; Act::ALL.len()] = unfold();

const fn unfold() -> [[[Option<States>; P::ALL.len()]; Q::ALL.len()]; Act::ALL.len()] {
    let mut steps = [[[None; P::ALL.len()]; Q::ALL.len()]; Act::ALL.len()];
    let mut row = 0;
    while row < TABLE.len() {
        let Row(act, requests, responses, to_request, to_response) = &TABLE[row];
        let mut q = 0;
        while q < requests.len() {
            let mut p = 0;
            while p < responses.len() {
                let request = match to_request {
                    Some(state) => *state,
                    None => requests[q],
                };
                let response = match to_response {
                    Some(state) => *state,
                    None => responses[p],
                };
                let cell = &mut steps[*act as usize][requests[q] as usize][responses[p] as usize];
                assert!(cell.is_none(), "two rows for one step");
                *cell = Some((request, response));
                p += 1;
            }
            q += 1;
        }
        row += 1;
    }
    steps
}

/// Where `act` leads from this pair of states; `None` when it is not legal there.
#[inline]
#[must_use]
pub fn step(act: Act, request: RequestState, response: ResponseState) -> Option<States> {
    STEPS[act as usize][request as usize][response as usize]
}
