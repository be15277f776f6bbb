//! What the local caller did wrong. The peer is never to blame for a `Misuse`, and it never sees one as such.

use crate::state::{Act, RequestState, ResponseState};
use std::fmt;

/// A call that the connection's state or HTTP does not allow. Nothing was written, and unless a variant says
/// otherwise the state is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The act is not legal in this pair of states.
    State {
        /// What was attempted.
        act: Act,
        /// State of the request side.
        request: RequestState,
        /// State of the response side.
        response: ResponseState,
    },
    /// A final status is 200 to 599 (300 to 599 for CONNECT), an interim one 102 to 199 (100 is
    /// `write_continue`, 101 is not spoken).
    Status(u16),
    /// A field name is empty or not a token (RFC 9110 section 5.1).
    FieldName,
    /// A field value has a control byte (RFC 9110 section 5.5).
    FieldValue,
    /// The field is the connection's own: framing and connection management are not the caller's.
    FieldReserved,
    /// More content than announced. Nothing of it was written; the response can still be completed.
    BodyExceeds {
        /// Bytes still owed when the call was made.
        remaining: u64,
    },
    /// The response ended before the announced length. The state is now failed: close the connection at once,
    /// so that the peer sees a truncated message.
    BodyUndershoots {
        /// Bytes announced and never given.
        missing: u64,
    },
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { act, request, response } => {
                write!(
                    f,
                    "caller: {act:?} is not allowed while the request is {request:?} and the response is {response:?}"
                )
            }
            Self::Status(status) => write!(f, "caller: status {status} cannot be sent by this call"),
            Self::FieldName => write!(f, "caller: a field name is not a token (RFC 9110 section 5.1)"),
            Self::FieldValue => write!(f, "caller: a field value has a control byte (RFC 9110 section 5.5)"),
            Self::FieldReserved => {
                write!(f, "caller: a field is reserved to the connection (RFC 9112 sections 6, 9)")
            }
            Self::BodyExceeds { remaining } => {
                write!(
                    f,
                    "caller: more content than announced, only {remaining} bytes remain (RFC 9110 section 8.6)"
                )
            }
            Self::BodyUndershoots { missing } => {
                write!(
                    f,
                    "caller: the response ended {missing} bytes before its announced length (RFC 9110 section 8.6)"
                )
            }
        }
    }
}

impl std::error::Error for Misuse {}
