//! A request body on its way from a connection's bytes to the chunks that a module reads: a bounded part of it ahead of the
//! module, or all of it before the task is started. It must not know sockets, clocks or the host.

use crate::wire::{AHEAD_BYTES, Input, Progress, Wire};
use hc_host::{Gathered, Waiter};
use hc_http1::{Event, FieldTable, Limits, Outstanding, Received, Refusal};
use http_container_abi::{FieldStorage, Status};

/// What is collected becomes a chunk when it has so many bytes: many small ones would cost a multiple of the body.
const SEGMENT_BYTES: usize = 64 << 10;

/// A body that is collected before its task is started.
pub struct Gathering {
    /// Its longest length.
    limit: u64,
    /// Who waits for it.
    waiter: Waiter,
    /// The bytes that are no chunk yet.
    segment: Vec<u8>,
}

/// What some bytes of a body came to.
#[derive(Default)]
pub struct Filled {
    /// So many of them are settled.
    pub settled: usize,
    /// Who waited for body bytes, to be signalled.
    pub reader: Waiter,
    /// Who waited for the whole body, likewise.
    pub gatherer: Waiter,
    /// The trailers, when they were among the bytes.
    pub trailers: Option<FieldStorage>,
}

impl Wire {
    /// Collects the body, at most `limit` bytes; `known` is its announced length. See [`hc_host::Exchange::gather`].
    pub fn gather(&mut self, known: Option<u64>, limit: u64, waiter: Waiter) -> Gathered {
        let is_too_long = match self.input {
            Input::Failed(_) => return Gathered::Refused(self.fault.unwrap_or(400)),
            Input::Ended => self.chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>() > limit,
            Input::Open => known.is_some_and(|length| length > limit),
        };
        if is_too_long {
            self.end_gathering();
            return Gathered::Refused(413);
        }
        if self.input == Input::Ended {
            return Gathered::Whole;
        }
        let segment = self.gathering.take().map_or_else(Vec::new, |gathering| gathering.segment);
        self.gathering = Some(Gathering { limit, waiter, segment });
        Gathered::Pending
    }

    /// Collects no further; answers who waits, to be signalled when the body is whole or has failed.
    pub fn end_gathering(&mut self) -> Waiter {
        let Gathering { waiter, mut segment, .. } = self.gathering.take()?;
        segment.shrink_to_fit();
        self.push_chunk(segment.into());
        waiter
    }

    /// Whether the body goes on beside `more` bytes that are on their way.
    pub fn has_room_for_body(&self, more: usize) -> bool {
        self.gathering.is_some() || self.queued + more < AHEAD_BYTES
    }

    /// What is to be continued with the next bytes: what one read brought is one chunk, however many the peer made of it.
    fn take_segment(&mut self) -> Vec<u8> {
        self.gathering.as_mut().map_or_else(Vec::new, |gathering| std::mem::take(&mut gathering.segment))
    }

    fn put_segment(&mut self, mut segment: Vec<u8>) {
        match &mut self.gathering {
            Some(gathering) if segment.len() < SEGMENT_BYTES => gathering.segment = segment,
            Some(_) => {
                segment.shrink_to_fit();
                self.push_chunk(segment.into());
            }
            None => self.push_chunk(segment.into()),
        }
    }
}

/// Takes as much of `input` as there is room for. Bytes that nobody will read go to `drain`, which counts them and answers
/// whether it may go on.
pub fn fill(
    wire: &mut Wire,
    input: &[u8],
    eof: bool,
    limits: &Limits,
    fields: &mut FieldTable,
    mut drain: impl FnMut(usize) -> bool,
) -> Filled {
    let most = wire.gathering.as_ref().map_or(u64::MAX, |gathering| gathering.limit);
    let limits = Limits { body_bytes: limits.body_bytes.min(most), ..*limits };
    let mut filled = Filled::default();
    let mut segment = wire.take_segment();
    while wire.input == Input::Open && may_parse(wire, segment.len()) {
        let drops = drops(wire);
        let rest = &input[filled.settled..];
        match wire.http.receive(rest, eof, &limits, fields) {
            Ok(Received { consumed, event: Event::Data(range) }) => {
                filled.settled += consumed;
                if drops && !drain(range.len()) {
                    break;
                }
                if !drops {
                    segment.extend_from_slice(&rest[range]);
                }
            }
            Ok(Received { consumed, event: Event::End }) => {
                filled.trailers = trailers(rest, fields);
                filled.settled += consumed;
                wire.input = Input::Ended;
            }
            Ok(Received { consumed, .. }) => {
                filled.settled += consumed;
                break;
            }
            Err(refusal) => {
                fail(wire, refusal);
                filled.settled = input.len();
            }
        }
    }
    wire.put_segment(segment);
    if wire.input != Input::Open {
        filled.gatherer = wire.end_gathering();
    }
    let has_news = !wire.chunks.is_empty() || wire.input != Input::Open;
    wire.asked &= !has_news;
    filled.reader = if has_news { wire.wake_reader() } else { None };
    filled
}

/// Whether there is room for more of the body; its end takes none, and no further byte announces it.
fn may_parse(wire: &Wire, more: usize) -> bool {
    wire.has_room_for_body(more) || wire.http.outstanding() == Outstanding::Known(0)
}

/// Whether nobody will read the body: it is dropped, up to a limit, to keep the connection.
fn drops(wire: &Wire) -> bool {
    wire.progress == Progress::Complete && wire.ended.is_some()
}

fn trailers(bytes: &[u8], fields: &FieldTable) -> Option<FieldStorage> {
    if fields.is_empty() {
        return None;
    }
    let mut trailers = FieldStorage::new();
    fields.iter(bytes).for_each(|(name, value)| {
        trailers.push(&name.to_ascii_lowercase(), value);
    });
    trailers.seal();
    Some(trailers)
}

/// The peer broke the rules inside the body, or cut it off.
fn fail(wire: &mut Wire, refusal: Refusal) {
    let status = refusal.status();
    wire.input = Input::Failed(if status == 413 { Status::E_LIMIT } else { Status::E_PEER });
    wire.fault = Some(status);
}

#[cfg(test)]
mod tests {
    use super::*;
    use hc_http1::Connection as Http;
    use proptest::prelude::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: x\r\n";
    const TASK: Waiter = Some(7);

    /// A wire whose request's head says that, and what a connection would know beside it.
    struct Body {
        wire: Wire,
        known: Option<u64>,
        fields: FieldTable,
        trailers: Option<FieldStorage>,
        /// Who was to be signalled, in that order: `g` for the whole body, `r` for more of it.
        signals: String,
        /// Received and not settled.
        input: Vec<u8>,
    }

    impl Body {
        fn new(framing: &str) -> Body {
            let (mut http, mut fields) = (Http::new(), FieldTable::new());
            let head = format!("{HEAD}{framing}\r\n\r\n");
            let received = http.receive(head.as_bytes(), false, &Limits::default(), &mut fields).unwrap();
            let Event::Head(head) = received.event else { panic!("no head: {received:?}") };
            let mut wire = Wire::default();
            wire.begin(http, Input::Open);
            let (trailers, signals, input) = (None, String::new(), Vec::new());
            Body { wire, known: head.content_length, fields, trailers, signals, input }
        }

        fn gather(&mut self, limit: u64) -> Gathered {
            self.wire.gather(self.known, limit, TASK)
        }

        fn receive(&mut self, bytes: &[u8]) {
            self.receive_with(bytes, false);
        }

        fn receive_with(&mut self, bytes: &[u8], eof: bool) {
            self.input.extend_from_slice(bytes);
            let limits = Limits { body_bytes: u64::MAX, ..Limits::default() };
            let filled = fill(&mut self.wire, &self.input, eof, &limits, &mut self.fields, |_| true);
            self.input.drain(..filled.settled);
            filled.gatherer.into_iter().for_each(|_| self.signals.push('g'));
            filled.reader.into_iter().for_each(|_| self.signals.push('r'));
            self.trailers = filled.trailers.or(self.trailers.take());
        }

        /// Bytes that are kept, and what keeping them costs at most.
        fn kept_bytes(&self) -> usize {
            let segment = self.wire.gathering.as_ref().map_or(0, |gathering| gathering.segment.capacity());
            self.wire.queued + segment
        }

        fn content(&mut self) -> Vec<u8> {
            std::iter::from_fn(|| self.wire.pop_chunk()).flatten().collect()
        }
    }

    #[test]
    fn a_known_length_is_collected_whole() {
        let mut body = Body::new("Content-Length: 200000");
        assert_eq!(body.gather(200_000), Gathered::Pending);
        for _ in 0..19 {
            body.receive(&[b'x'; 10_000]);
            assert_eq!((body.gather(200_000), &*body.signals), (Gathered::Pending, ""));
        }
        let next = b"GET /next HTTP/1.1\r\n";
        body.receive(&[&[b'x'; 10_000][..], next].concat());
        assert_eq!((&*body.signals, body.wire.input), ("g", Input::Ended));
        assert_eq!(body.gather(200_000), Gathered::Whole);
        assert_eq!(body.content(), [b'x'; 200_000]);
        assert_eq!(body.input, next, "what follows is not touched");
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let mut body = Body::new("Content-Length: 11");
        assert_eq!(body.gather(10), Gathered::Refused(413), "before a byte of it came");
        assert!(body.wire.gathering.is_none());
        let mut body = Body::new("Transfer-Encoding: chunked");
        assert_eq!(body.gather(10), Gathered::Pending);
        body.receive(b"6\r\nabcdef\r\n");
        assert_eq!((body.gather(10), &*body.signals), (Gathered::Pending, ""));
        body.receive(b"5\r\n");
        assert_eq!((body.gather(10), &*body.signals), (Gathered::Refused(413), "g"));
        let mut body = Body::new("Transfer-Encoding: chunked");
        body.receive(b"3\r\nabc\r\n0\r\n\r\n");
        assert_eq!(body.gather(2), Gathered::Refused(413), "though all of it had come before");
        assert_eq!(body.gather(3), Gathered::Whole);
    }

    #[test]
    fn what_is_cut_off_or_broken_is_refused() {
        let mut body = Body::new("Content-Length: 5");
        body.gather(10);
        body.receive_with(b"ab", true);
        assert_eq!((body.gather(10), &*body.signals), (Gathered::Refused(400), "g"));
        let mut body = Body::new("Transfer-Encoding: chunked");
        body.gather(10);
        body.receive(b"1\r\nab\r\n");
        assert_eq!((body.gather(10), &*body.signals), (Gathered::Refused(400), "g"));
    }

    /// A peer that sends byte by byte, chunk by chunk, makes no more memory wait than its body is long and one segment.
    #[test]
    fn small_pieces_cost_no_more_than_large_ones() {
        let mut body = Body::new("Transfer-Encoding: chunked");
        body.gather(1 << 20);
        for at in 1..=100_000_usize {
            body.receive(b"1\r\nx\r\n");
            assert!(body.kept_bytes() <= at + at / SEGMENT_BYTES * 64 + 2 * SEGMENT_BYTES, "{at}");
        }
        body.receive(b"0\r\nx-sum: 1\r\n\r\n");
        assert_eq!((body.gather(1 << 20), &*body.signals), (Gathered::Whole, "g"));
        assert!(body.trailers.is_some());
        assert!(body.wire.chunks.len() <= 2, "{}", body.wire.chunks.len());
        assert_eq!(body.content().len(), 100_000);
    }

    #[test]
    fn without_a_gate_only_a_part_is_read_ahead() {
        let mut body = Body::new("Content-Length: 1000000");
        body.wire.reader = TASK;
        let piece = [b'x'; 10_000];
        (0..20).for_each(|_| body.receive(&piece));
        assert_eq!(body.signals, "r");
        assert!((AHEAD_BYTES..AHEAD_BYTES + 11_000).contains(&body.wire.queued), "{}", body.wire.queued);
        assert_eq!(body.gather(1_000_000), Gathered::Pending);
        body.receive(b"");
        assert_eq!(body.content().len() + body.wire.take_segment().len(), 200_000);
    }

    /// Whoever gives up waiting leaves what is there to be read, or to be dropped.
    #[test]
    fn collecting_may_be_given_up() {
        let mut body = Body::new("Content-Length: 100");
        body.gather(100);
        body.receive(b"abc");
        assert!(body.wire.has_unread());
        assert_eq!(body.wire.end_gathering(), TASK);
        body.receive(b"def");
        assert_eq!(body.signals, "");
        assert_eq!(body.wire.drop_unread(), 6);
        assert!(!body.wire.has_unread());
    }

    proptest! {
        /// However the input is cut, the body is the same, and the waiter is signalled once.
        #[test]
        fn cuts_change_nothing(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..1000), 1..60),
            cuts in prop::collection::vec(1_usize..2000, 1..100),
            is_chunked in any::<bool>(),
        ) {
            let content = pieces.concat();
            let framed: Vec<u8> = if is_chunked {
                let chunk = |piece: &Vec<u8>| {
                    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
                };
                pieces.iter().flat_map(chunk).chain(*b"0\r\n\r\n").collect()
            } else {
                content.clone()
            };
            let length = content.len() as u64;
            let mut body = if is_chunked {
                Body::new("Transfer-Encoding: chunked")
            } else {
                Body::new(&format!("Content-Length: {length}"))
            };
            prop_assert_eq!(body.gather(length), Gathered::Pending);
            let mut rest = &framed[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, next) = rest.split_at((*cut).min(rest.len()));
                prop_assert_eq!(body.gather(length), Gathered::Pending);
                body.receive(piece);
                rest = next;
            }
            // The end of a known length takes no byte of its own.
            body.receive(b"");
            prop_assert_eq!(&*body.signals, "g");
            prop_assert_eq!(body.gather(length), Gathered::Whole);
            prop_assert_eq!(body.content(), content);
        }
    }
}
