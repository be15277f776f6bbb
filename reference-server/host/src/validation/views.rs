//! Views that a module is lent, as copies of its own: whether it wrote to them, and whether it still uses them when they have
//! ended. Must not know what is in them.

use crate::container::lock;
use bytes::Bytes;
use http_container_abi::RequestStorage;
use http_container_abi::sums::{fill, sum};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Bytes of views that have ended which are kept from being used anew.
const KEPT_BYTES: usize = 1 << 20;

/// What fills views that have ended. No text in UTF-8 has such a byte, and no part of four bytes, wherever it begins, is
/// one of the other mark.
type Mark = [u8; 8];
const HEAD: Mark = [0xfe, 0xf9, 0xfd, 0xf8, 0xfc, 0xfa, 0xff, 0xfb];
const CHUNK: Mark = [0xf8, 0xfd, 0xfa, 0xff, 0xf9, 0xfc, 0xfb, 0xfe];

/// What a task is lent, with sums by which a change shows.
#[derive(Default)]
pub(crate) struct Views {
    head: Option<(Arc<RequestStorage>, u64)>,
    chunk: Option<(Vec<u8>, u64)>,
}

impl Views {
    /// The copy of the head.
    pub fn head(&self) -> Option<Arc<RequestStorage>> {
        self.head.as_ref().map(|(head, _)| Arc::clone(head))
    }

    /// A copy of a chunk of the body, in place of the last one.
    pub fn lend(&mut self, chunk: &Bytes) -> &[u8] {
        let copy = chunk.to_vec();
        let whole = sum(std::iter::once(&copy[..]));
        &self.chunk.insert((copy, whole)).0
    }
}

enum View {
    Chunk(Vec<u8>),
    Head(RequestStorage),
}

impl View {
    fn bytes(&self) -> usize {
        match self {
            View::Chunk(chunk) => chunk.capacity(),
            View::Head(head) => head.heap_bytes(),
        }
    }
}

/// Views that have ended: filled with marks, and kept for a while, so that whoever reads one reads marks.
#[derive(Default)]
pub(super) struct Ended {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    views: VecDeque<View>,
    bytes: usize,
    /// One that was kept long enough, for the next head.
    spare: Option<RequestStorage>,
}

impl Ended {
    /// A task's own copy of its request head.
    pub fn lend_head(&self, head: &RequestStorage) -> Views {
        let mut copy = lock(&self.kept).spare.take().unwrap_or_default();
        copy.copy_from(head);
        let sum = copy.content_sum();
        Views { head: Some((Arc::new(copy), sum)), chunk: None }
    }

    /// Ends the chunk that was lent last. Answers whether the module wrote to it.
    pub fn end_chunk(&self, views: &mut Views) -> bool {
        let Some((mut chunk, whole)) = views.chunk.take() else { return false };
        let was_changed = sum(std::iter::once(&chunk[..])) != whole;
        fill(&mut chunk, CHUNK);
        self.keep(View::Chunk(chunk));
        was_changed
    }

    /// Ends the head. Answers whether the module wrote to it.
    pub fn end_head(&self, views: &mut Views) -> bool {
        let Some((head, sum)) = views.head.take() else { return false };
        let was_changed = head.content_sum() != sum;
        if let Some(mut head) = Arc::into_inner(head) {
            head.overwrite(HEAD);
            self.keep(View::Head(head));
        }
        was_changed
    }

    fn keep(&self, view: View) {
        let mut kept = lock(&self.kept);
        kept.bytes += view.bytes();
        kept.views.push_back(view);
        while kept.bytes > KEPT_BYTES
            && let Some(oldest) = kept.views.pop_front()
        {
            kept.bytes -= oldest.bytes();
            if let View::Head(head) = oldest {
                kept.spare = Some(head);
            }
        }
    }

    /// The rule that is broken by whoever hands over these bytes, if they are those of a view that has ended. Text may be
    /// short: half a mark is enough in it.
    pub fn rule_of(&self, bytes: &[u8], is_text: bool) -> Option<&'static str> {
        let holds = |mark| if is_text { holds_half(bytes, mark) } else { holds_whole(bytes, mark) };
        if holds(CHUNK) {
            Some("body.read.life")
        } else if holds(HEAD) {
            Some("request.life")
        } else {
            None
        }
    }
}

/// Whether half a mark fills a part of a text.
fn holds_half(text: &[u8], mark: Mark) -> bool {
    const HALF: usize = size_of::<Mark>() / 2;
    let mark = u64::from_ne_bytes(mark);
    let is_half = |part: &[u8; HALF]| {
        part.iter().all(|byte| *byte >= 0xf8)
            && (0..u64::BITS).step_by(8).any(|turn| mark.rotate_left(turn).to_ne_bytes().starts_with(part))
    };
    text.array_windows::<HALF>().any(is_half)
}

/// Bytes up to this number are looked at one by one.
const SMALL_BYTES: usize = 4096;

/// Whether a mark fills a part of the bytes: 8 of them, in many bytes 15, so that words can be looked at.
fn holds_whole(bytes: &[u8], mark: Mark) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let mark = u64::from_ne_bytes(mark);
    // A view is cut anywhere, so the mark may begin at any of its bytes. Nearly all bytes of the web are below 128.
    let is_mark = |word: u64| {
        word & HIGH_BITS == HIGH_BITS && (0..u64::BITS).step_by(8).any(|turn| word == mark.rotate_left(turn))
    };
    if bytes.len() <= SMALL_BYTES {
        return bytes.array_windows::<8>().any(|window| is_mark(u64::from_ne_bytes(*window)));
    }
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().any(|word| is_mark(u64::from_ne_bytes(*word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_has_ended_is_known_by_any_part_of_it() {
        let ended = Ended::default();
        let mut views = Views::default();
        let place = views.lend(&Bytes::from(vec![b'x'; 100])).as_ptr();
        assert!(!ended.end_chunk(&mut views), "nobody wrote to it");
        let kept = lock(&ended.kept);
        let Some(View::Chunk(chunk)) = kept.views.front() else { panic!("it is kept") };
        assert_eq!(chunk.as_ptr(), place, "at its address");
        for start in 0..8 {
            assert_eq!(
                ended.rule_of(&chunk[start..start + 8], false),
                Some("body.read.life"),
                "from {start}"
            );
            assert_eq!(ended.rule_of(&chunk[start..start + 4], true), Some("body.read.life"), "from {start}");
        }
        for is_text in [false, true] {
            assert_eq!(ended.rule_of(&[b'x'; 100], is_text), None);
            assert_eq!(ended.rule_of(&[0xff; 100], is_text), None);
        }
        for start in 5000..5008 {
            let mut large = vec![b'x'; 10_000];
            large[start..start + 15].copy_from_slice(&chunk[3..18]);
            assert_eq!(ended.rule_of(&large, false), Some("body.read.life"), "at {start}");
        }
    }

    #[test]
    fn a_write_to_a_chunk_shows() {
        let ended = Ended::default();
        let mut views = Views::default();
        views.lend(&Bytes::from_static(b"abc"));
        views.chunk.as_mut().unwrap().0[1] = b'B';
        assert!(ended.end_chunk(&mut views));
        assert!(!ended.end_chunk(&mut views), "it has ended");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let ended = Ended::default();
        let mut views = Views::default();
        for _ in 0..100 {
            views.lend(&Bytes::from(vec![0; 100_000]));
            ended.end_chunk(&mut views);
        }
        let kept = lock(&ended.kept);
        assert!(kept.bytes <= KEPT_BYTES && kept.views.len() == 10, "{} views", kept.views.len());
    }
}
