//! Rows on their way from the thread that runs a statement to the member that hands them on. A bounded part of them waits in
//! memory, the rest in a file, so that a slow reader holds neither a thread nor memory. Must not know SQL.
//!
//! ```text
//! statement -> chunk -> [ memory: at most buffer_bytes ] -> member
//!                 \                                      /
//!                  `--> [ file: at most spill_bytes ] --'     while memory is full
//! ```
//! The order is that of the statement: what is in memory is older than what is in the file, and as long as something is in
//! the file, more goes there.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::chunk::Chunk;
use crate::failure::{Failure, Kind};
use crate::spill::{Part, Spill};

/// How long the thread waits for room in memory before it turns to the file: a reader that is about as fast as the database
/// then needs none. Once for each chunk.
const PATIENCE: Duration = Duration::from_millis(2);

/// How long it waits for room in one statement altogether.
pub(crate) const MOST_PATIENCE: Duration = Duration::from_millis(50);

/// How much may wait.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) buffer_bytes: usize,
    pub(crate) spill_bytes: u64,
    pub(crate) spill_directory: Option<PathBuf>,
}

/// What comes next.
pub(crate) enum Next {
    /// The names of the columns, before all rows.
    Columns(Vec<Box<str>>),
    /// Rows.
    Chunk(Chunk),
    /// Rows that are in the file: read the part, off the worker.
    Spilled(Part),
    /// That was all, or all that there will be.
    End,
}

pub(crate) struct RowQueue {
    limits: Limits,
    state: Mutex<State>,
    has_room: Condvar,
}

#[derive(Default)]
struct State {
    columns: Option<Vec<Box<str>>>,
    chunks: VecDeque<Chunk>,
    /// Bytes of those.
    buffered: usize,
    /// The sizes of the pieces that are in the file and were not read yet.
    spilled: VecDeque<usize>,
    read_offset: u64,
    write_offset: u64,
    /// The reader has a part of the file, and may not have read it yet.
    is_part_out: bool,
    file: Option<Spill>,
    is_discarded: bool,
    has_ended: bool,
    /// The writer waits for room: only then it is told, which is a system call.
    is_writer_waiting: bool,
    waker: Option<Waker>,
}

impl RowQueue {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default(), has_room: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader's side: what comes next. Reading on says that the part before was read.
    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Next> {
        let mut state = self.lock();
        state.is_part_out = false;
        if let Some(columns) = state.columns.take() {
            return Poll::Ready(Next::Columns(columns));
        }
        if let Some(chunk) = state.chunks.pop_front() {
            state.buffered -= chunk.bytes().len();
            self.tell_writer(&state);
            return Poll::Ready(Next::Chunk(chunk));
        }
        if let Some(part) = self.spilled_part(&mut state) {
            return Poll::Ready(Next::Spilled(part));
        }
        if state.has_ended {
            return Poll::Ready(Next::End);
        }
        let before = state.waker.replace(context.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// The reader's side: nobody wants what there is, nor what will come.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.is_discarded = true;
        state.buffered = 0;
        let waste = (std::mem::take(&mut state.chunks), std::mem::take(&mut state.spilled));
        self.tell_writer(&state);
        drop(state);
        drop(waste);
    }

    fn tell_writer(&self, state: &State) {
        if state.is_writer_waiting {
            self.has_room.notify_one();
        }
    }

    /// Whether there is a file, the end of which may take its time.
    pub(crate) fn has_file(&self) -> bool {
        self.lock().file.is_some()
    }

    /// As much of the file as may be in memory at once.
    fn spilled_part(&self, state: &mut State) -> Option<Part> {
        let file = state.file.clone()?;
        let (mut sizes, mut bytes) = (Vec::new(), 0);
        while let Some(size) = state.spilled.front().copied()
            && (sizes.is_empty() || bytes + size <= self.limits.buffer_bytes)
        {
            state.spilled.pop_front();
            bytes += size;
            sizes.push(size);
        }
        if sizes.is_empty() {
            return None;
        }
        let part = file.part(state.read_offset, sizes);
        state.read_offset += bytes as u64;
        state.is_part_out = true;
        Some(part)
    }

    /// The writer's side: the names of the columns, before all chunks.
    pub(crate) fn put_columns(&self, columns: Vec<Box<str>>) {
        self.lock().columns = Some(columns);
    }

    /// The writer's side: there will be no more.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
    }

    /// The writer's side: one more chunk. `patience` is what is left of [`MOST_PATIENCE`].
    pub(crate) fn put(&self, chunk: Chunk, patience: &mut Duration, wakes: bool) -> Result<(), Failure> {
        let mut state = self.lock();
        if state.spilled.is_empty() && state.buffered >= self.limits.buffer_bytes {
            let begin = Instant::now();
            let is_full =
                |state: &mut State| state.buffered >= self.limits.buffer_bytes && !state.is_discarded;
            let most = PATIENCE.min(*patience);
            state.is_writer_waiting = true;
            state = self
                .has_room
                .wait_timeout_while(state, most, is_full)
                .map_or_else(|error| error.into_inner().0, |(state, _)| state);
            state.is_writer_waiting = false;
            *patience = patience.saturating_sub(begin.elapsed());
        }
        if state.is_discarded {
            return Ok(());
        }
        if state.spilled.is_empty() && state.buffered < self.limits.buffer_bytes {
            state.buffered += chunk.bytes().len();
            state.chunks.push_back(chunk);
        } else {
            state = self.spill(state, &chunk)?;
        }
        let waker = if wakes { state.waker.take() } else { None };
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Writes a chunk to the file, without the lock: the reader must not wait for a disk.
    fn spill<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        chunk: &Chunk,
    ) -> Result<MutexGuard<'a, State>, Failure> {
        let size = chunk.bytes().len();
        if state.spilled.is_empty() && !state.is_part_out {
            // All of it was read: its place is free again.
            (state.read_offset, state.write_offset) = (0, 0);
        }
        let offset = state.write_offset;
        let file = state.file.clone();
        drop(state);
        if offset + size as u64 > self.limits.spill_bytes {
            return Err(too_long(self.limits.spill_bytes));
        }
        let file = match file {
            Some(file) => file,
            None => Spill::new(self.limits.spill_directory.as_deref()).map_err(|error| unwritten(&error))?,
        };
        file.write(offset, chunk.bytes()).map_err(|error| unwritten(&error))?;
        let mut state = self.lock();
        state.file = Some(file);
        state.write_offset = offset + size as u64;
        if !state.is_discarded {
            state.spilled.push_back(size);
        }
        Ok(state)
    }
}

fn too_long(most: u64) -> Failure {
    let message = format!(
        "the answer is longer than what may wait for its reader ({most} bytes, `spill_bytes`): read faster, or ask for less"
    );
    Failure { kind: Kind::TooLong, code: "54000", message }
}

fn unwritten(error: &std::io::Error) -> Failure {
    let message = format!("rows that wait for their reader could not be written to a file: {error}");
    Failure { kind: Kind::TooLong, code: "53100", message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row_writer::RowWriter;
    use http_container::provider::SqlValue;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;
    use std::thread::{self, Thread};

    fn queue(buffer_bytes: usize, spill_bytes: u64) -> Arc<RowQueue> {
        RowQueue::new(Limits { buffer_bytes, spill_bytes, spill_directory: None })
    }

    fn write(writer: &mut RowWriter, numbers: std::ops::Range<i64>) -> Result<(), Failure> {
        for number in numbers {
            writer.row().push(SqlValue::Int64(number));
            writer.end_row()?;
        }
        Ok(())
    }

    /// What is there, in order: numbers, and where each chunk came from.
    #[derive(Default, PartialEq, Debug)]
    struct Seen {
        columns: Vec<Box<str>>,
        numbers: Vec<i64>,
        spilled: usize,
        has_ended: bool,
    }

    impl Seen {
        fn chunk(&mut self, chunk: &Chunk) {
            for value in chunk.values().unwrap() {
                let SqlValue::Int64(number) = value else { panic!("{value:?}") };
                self.numbers.push(number);
            }
        }

        /// Takes what can be had at once.
        fn take(&mut self, queue: &RowQueue, context: &mut Context<'_>) {
            while let Poll::Ready(next) = queue.poll_next(context) {
                match next {
                    Next::Columns(columns) => self.columns = columns,
                    Next::Chunk(chunk) => self.chunk(&chunk),
                    Next::Spilled(part) => {
                        for piece in part.read().unwrap() {
                            self.spilled += 1;
                            self.chunk(&Chunk::from_bytes(piece));
                        }
                    }
                    Next::End => {
                        self.has_ended = true;
                        return;
                    }
                }
            }
        }
    }

    fn take_all(queue: &RowQueue) -> Seen {
        let mut seen = Seen::default();
        seen.take(queue, &mut Context::from_waker(Waker::noop()));
        seen
    }

    #[test]
    fn a_short_answer_stays_in_memory() {
        let queue = queue(1000, 1000);
        let mut writer = RowWriter::new(Arc::clone(&queue));
        writer.columns(vec!["n".into()]);
        write(&mut writer, 0..3).unwrap();
        writer.finish().unwrap();
        let expect = Seen { columns: vec!["n".into()], numbers: vec![0, 1, 2], spilled: 0, has_ended: true };
        assert_eq!(take_all(&queue), expect);
        assert!(!queue.has_file());
    }

    #[test]
    fn what_nobody_reads_goes_to_a_file_in_order_and_its_place_is_used_again() {
        // A chunk is full at 2048 numbers of 9 bytes: those of one round fit into the file.
        let queue = queue(1, 4 * 2048 * 9);
        let mut writer = RowWriter::new(Arc::clone(&queue));
        let mut seen = Seen::default();
        for round in 0..5 {
            let begin = round * 4 * 2048;
            write(&mut writer, begin..begin + 4 * 2048).unwrap();
            seen.take(&queue, &mut Context::from_waker(Waker::noop()));
        }
        writer.finish().unwrap();
        seen.take(&queue, &mut Context::from_waker(Waker::noop()));
        assert_eq!(seen.numbers, (0..5 * 4 * 2048).collect::<Vec<_>>());
        assert!(seen.spilled > 0 && seen.has_ended && queue.has_file());
    }

    #[test]
    fn an_answer_that_is_too_long_for_its_reader_fails() {
        let queue = queue(1, 100);
        let mut writer = RowWriter::new(Arc::clone(&queue));
        let failure = write(&mut writer, 0..1 << 20).unwrap_err();
        assert_eq!((failure.kind, failure.code), (Kind::TooLong, "54000"));
        drop(writer);
        let numbers = take_all(&queue).numbers;
        assert!(!numbers.is_empty(), "what was before is there");
        assert_eq!(numbers, (0..numbers.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn what_nobody_wants_is_not_kept() {
        let queue = queue(1, 100);
        let mut writer = RowWriter::new(Arc::clone(&queue));
        queue.discard();
        write(&mut writer, 0..100_000).unwrap();
        writer.finish().unwrap();
        assert_eq!(take_all(&queue), Seen { has_ended: true, ..Seen::default() });
        assert!(!queue.has_file());
    }

    struct Unpark(Thread, AtomicBool);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.1.store(true, Ordering::Release);
            self.0.unpark();
        }
    }

    #[test]
    fn a_reader_beside_the_writer_gets_everything_once() {
        for buffer_bytes in [1, 100_000] {
            let queue = queue(buffer_bytes, 1 << 30);
            let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(false)));
            let waker = Waker::from(Arc::clone(&unpark));
            let mut seen = Seen::default();
            thread::scope(|scope| {
                let mut writer = RowWriter::new(Arc::clone(&queue));
                let done = waker.clone();
                scope.spawn(move || {
                    write(&mut writer, 0..200_000).unwrap();
                    writer.finish().unwrap();
                    // As the end of a job wakes the member.
                    done.wake();
                });
                while !seen.has_ended {
                    seen.take(&queue, &mut Context::from_waker(&waker));
                    while !seen.has_ended && !unpark.1.swap(false, Ordering::Acquire) {
                        thread::park();
                    }
                }
            });
            assert_eq!(seen.numbers, (0..200_000).collect::<Vec<_>>());
        }
    }
}
