//! The control thread's loop: signals, the host's wishes, and the wait for the workers' ends.

use crate::config::LogLevel;
use crate::log::Logs;
use crate::run::RunError;
use crate::shard::Common;
use hc_host::Container;
use mio::net::UnixStream as MioUnixStream;
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const STOP: Token = Token(0);
const REOPEN: Token = Token(1);
const ATTEND: Token = Token(2);

/// A worker's thread.
pub struct WorkerThread {
    /// The thread, to be joined.
    pub thread: JoinHandle<()>,
    /// Set when it has nothing left to do but end, before the control thread is woken.
    pub leaving: Arc<AtomicBool>,
}

/// What a worker's thread holds: tells the control thread when it ends, also by a panic.
pub struct Leaving {
    /// As in [`WorkerThread`].
    pub leaving: Arc<AtomicBool>,
    /// Wakes the control thread.
    pub control: Arc<Waker>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.leaving.store(true, Ordering::SeqCst);
        let _ = self.control.wake();
    }
}

/// What the control thread waits on.
pub struct Control {
    poll: Poll,
    waker: Arc<Waker>,
    stop: MioUnixStream,
    reopen: MioUnixStream,
    stops: usize,
}

impl Control {
    /// Takes the signals over; to be called before there is another thread.
    pub fn new() -> io::Result<Control> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), ATTEND)?);
        let stop = signals(&poll, STOP, &[SIGTERM, SIGINT])?;
        let reopen = signals(&poll, REOPEN, &[SIGUSR1])?;
        Ok(Control { poll, waker, stop, reopen, stops: 0 })
    }

    /// Wakes this thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Attends until every worker has ended.
    pub fn attend(
        &mut self,
        container: &Arc<Container>,
        common: &Common,
        logs: &Logs,
        mut workers: Vec<WorkerThread>,
    ) -> Result<(), RunError> {
        let mut events = Events::with_capacity(8);
        let mut failed = false;
        while !workers.is_empty() {
            let again = container.maintain().map(|ns| Duration::from_nanos(ns.max(1_000_000)));
            match self.poll.poll(&mut events, again) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            self.hear_stop(container, common, logs);
            self.hear_reopen(logs);
            // `is_finished` would come too late: the wake is sent while the thread still runs.
            for worker in workers.extract_if(.., |worker| worker.leaving.load(Ordering::SeqCst)) {
                failed |= worker.thread.join().is_err() || !common.stopping.load(Ordering::SeqCst);
            }
            if failed && !common.stopping.swap(true, Ordering::SeqCst) {
                container.drain();
            }
        }
        if failed { Err("a worker failed; its last lines in the error log say why".into()) } else { Ok(()) }
    }

    /// The first wish to stop drains, the second ends.
    fn hear_stop(&mut self, container: &Container, common: &Common, logs: &Logs) {
        let heard = count(&mut self.stop);
        if heard == 0 {
            return;
        }
        self.stops += heard;
        if self.stops == heard {
            let text = "stopping: what is under way is answered, nothing new is accepted";
            logs.error.write(LogLevel::Info, &[], text);
            common.stopping.store(true, Ordering::SeqCst);
        }
        if self.stops > 1 {
            logs.error.write(LogLevel::Warn, &[], "stopping at once: what is under way is cancelled");
            common.ended.store(true, Ordering::SeqCst);
        }
        container.drain();
    }

    fn hear_reopen(&mut self, logs: &Logs) {
        if count(&mut self.reopen) > 0 {
            match logs.reopen() {
                Ok(()) => logs.error.write(LogLevel::Info, &[], "the logs were opened anew"),
                Err(error) => logs.error.write(LogLevel::Error, &[], &error.to_string()),
            }
        }
    }
}

/// A stream that gets a byte for each of those signals.
fn signals(poll: &Poll, token: Token, which: &[i32]) -> io::Result<MioUnixStream> {
    let (read, write) = UnixStream::pair()?;
    for &signal in which {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    read.set_nonblocking(true)?;
    let mut stream = MioUnixStream::from_std(read);
    poll.registry().register(&mut stream, token, Interest::READABLE)?;
    Ok(stream)
}

fn count(stream: &mut MioUnixStream) -> usize {
    let mut bytes = [0; 64];
    stream.read(&mut bytes).unwrap_or(0)
}
