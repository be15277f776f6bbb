//! What a test may look at: answers, log lines, counts. Must not know how they came about.

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderMap;
use http_container_abi::Status;

/// What the peer has been sent so far, and how the task ended.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// How the task ended: what `finish` was given. `None` while it lives.
    pub outcome: Option<Status>,
    /// The status code, once the head was sent. A task that ended without a response was answered by the container.
    pub status: Option<StatusCode>,
    /// The fields of the head, as the module gave them.
    pub headers: HeaderMap,
    /// The body so far.
    pub body: Bytes,
    /// The trailers.
    pub trailers: HeaderMap,
    /// The interim responses, in order.
    pub informs: Vec<StatusCode>,
    /// The length that the head announced.
    pub content_length: Option<u64>,
    /// The response ended, whole.
    pub is_whole: bool,
    /// The response was broken off.
    pub is_aborted: bool,
}

impl Answer {
    /// The status code.
    ///
    /// # Panics
    /// There is no response yet.
    #[must_use]
    #[track_caller]
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| panic!("there is no response: {self:?}"))
    }

    /// The body of a whole response, as text.
    ///
    /// # Panics
    /// The response is not whole, or no text.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        assert!(self.is_whole, "the response is not whole: {self:?}");
        String::from_utf8(self.body.to_vec()).expect("the body is text")
    }

    /// A field of the head, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A line of the container's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// The task that it belongs to, or 0.
    pub task: u64,
    /// From 1 (error) to 5 (trace).
    pub level: u32,
    /// The text.
    pub text: String,
}

/// What there is, and what was done, at the moment of the question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Live tasks, without members of resources.
    pub tasks: usize,
    /// Operations of those tasks that wait.
    pub operations: usize,
    /// Members of resources that providers make.
    pub members: usize,
    /// Registered descriptors.
    pub descriptors: usize,
    /// Leases that tasks hold.
    pub leases: usize,
    /// Children that no parent has closed.
    pub children: usize,
    /// Steps so far.
    pub steps: u64,
    /// Host calls so far.
    pub calls: u64,
}
