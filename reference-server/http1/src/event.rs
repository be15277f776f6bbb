//! What the request side of a connection reports, and what follows a cycle. Plain data.

use crate::head::Head;
use std::ops::Range;

/// What `receive` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes of the input that are settled; pass what is behind them next time. Spans and ranges of the event
    /// point into these bytes.
    pub consumed: usize,
    /// What they mean.
    pub event: Event,
}

/// An event of the request side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing can be said before more bytes arrive. Keep what was not consumed and append to it.
    NeedMore,
    /// A request begins. Without content (`Head::has_body`) this is also its end.
    Head(Head),
    /// Content, as a range of the input; never empty.
    Data(Range<usize>),
    /// The content ended. The trailer fields, if any, are in the field table.
    End,
    /// The request is complete: what follows waits until `next_cycle`. Nothing was consumed.
    Paused,
    /// The peer closed between requests, or nothing more is read here after a refusal. All input was
    /// consumed.
    Closed,
}

/// What follows a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCycle {
    /// The connection was reset; the next request may be received.
    Ready,
    /// Close the connection after what was written is sent.
    MustClose(CloseReason),
    /// The response or the request is not complete; see `Connection::outstanding`.
    NotYet,
}

/// Why a connection is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The request asked for it, or is HTTP/1.0 without keep-alive.
    Requested,
    /// The server asked for it by `close_after_response`.
    Decided,
    /// The request was refused, or answered before it was complete.
    Refused,
    /// The response's end is marked by the connection's end.
    Delimits,
    /// A final response went out while the peer waited for 100 Continue: whether content follows is unknown.
    ContinueUnsent,
    /// CONNECT was not granted; the bytes that follow may belong to the tunnel that the peer hoped for.
    ConnectRefused,
    /// The response was broken off.
    Aborted,
    /// The peer closed.
    PeerClosed,
}

/// How much request content has not been received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outstanding {
    /// None.
    Nothing,
    /// So many bytes.
    Known(u64),
    /// It is chunked and has not ended.
    Unknown,
}
