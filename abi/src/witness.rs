//! What a module may change behind a container's back, to be compared before and after a callback: the state of the thread,
//! the process's handlers of signals, the module's own entry, a descriptor. Must not know what a change means.

use std::mem::MaybeUninit;
use std::ptr;

use crate::module_table::ModuleTable;
use crate::raw::hc_module;
use crate::sums::sum;

/// The state of a thread that a callback has to leave as it found it, as far as it can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadState {
    /// Blocked signals 1 to 64, a bit each.
    signals: u64,
    /// How numbers are rounded, and which of their exceptions are traps.
    floating: u64,
}

impl ThreadState {
    /// That of the calling thread.
    #[must_use]
    pub fn now() -> ThreadState {
        ThreadState { signals: blocked_signals(), floating: floating_control() }
    }

    /// What differs from `before`, in words; `None` when nothing does.
    #[must_use]
    pub fn difference(&self, before: &ThreadState) -> Option<&'static str> {
        match (self.signals == before.signals, self.floating == before.floating) {
            (true, true) => None,
            (false, true) => Some("the signals that the thread blocks"),
            (true, false) => Some("how the thread rounds numbers, or traps their exceptions"),
            (false, false) => Some("the signals that the thread blocks, and how it rounds numbers"),
        }
    }

    /// Makes the calling thread's state this again.
    pub fn restore(&self) {
        let now = ThreadState::now();
        if now.signals != self.signals {
            block_signals(self.signals);
        }
        if now.floating != self.floating {
            set_floating_control(self.floating);
        }
    }
}

fn blocked_signals() -> u64 {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: with a NULL set the mask is only read, into a set of ours; `sigemptyset` makes it whole on any system.
    let set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), set.as_mut_ptr());
        set.assume_init()
    };
    bits_of(&set)
}

/// The first 64 signals, which on Linux are the first word of the set.
#[cfg(target_os = "linux")]
fn bits_of(set: &libc::sigset_t) -> u64 {
    const { assert!(size_of::<libc::sigset_t>() >= 8 && align_of::<libc::sigset_t>() >= 8) };
    // SAFETY: the set is initialised, and at least this large and aligned.
    unsafe { ptr::from_ref(set).cast::<u64>().read() }
}

#[cfg(not(target_os = "linux"))]
fn bits_of(set: &libc::sigset_t) -> u64 {
    // SAFETY: the set is initialised, and the numbers are those of signals; others answer -1.
    (1..=64).filter(|&signal| unsafe { libc::sigismember(set, signal) } == 1).fold(0, with_signal)
}

fn with_signal(mask: u64, signal: i32) -> u64 {
    mask | 1 << (signal - 1)
}

fn block_signals(mask: u64) {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is made empty before it is used; numbers that are of no signal are refused.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in (1..=64).filter(|signal| mask & with_signal(0, *signal) != 0) {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), ptr::null_mut());
    }
}

/// The bits of MXCSR that say how it computes; the others say what has happened.
#[cfg(target_arch = "x86_64")]
const CONTROL_BITS: u32 = 0xffc0;

#[cfg(target_arch = "x86_64")]
fn mxcsr() -> u32 {
    let mut word = 0_u32;
    // SAFETY: stores one register into a place of ours.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack, preserves_flags)) };
    word
}

#[cfg(target_arch = "x86_64")]
fn floating_control() -> u64 {
    u64::from(mxcsr() & CONTROL_BITS)
}

#[cfg(target_arch = "x86_64")]
fn set_floating_control(control: u64) {
    let word = (mxcsr() & !CONTROL_BITS) | (control as u32 & CONTROL_BITS);
    // SAFETY: the control bits are those that the thread had before.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack, preserves_flags)) };
}

#[cfg(target_arch = "aarch64")]
fn floating_control() -> u64 {
    let control: u64;
    // SAFETY: reads one register.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack, preserves_flags)) };
    control
}

#[cfg(target_arch = "aarch64")]
fn set_floating_control(control: u64) {
    // SAFETY: the value is what the thread had before.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack, preserves_flags)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn floating_control() -> u64 {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn set_floating_control(_: u64) {}

/// What the calling thread has used, and how often it has slept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ThreadUse {
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// How often it gave its CPU away by itself: it waited for something.
    pub waits: u64,
    /// How often its CPU was taken from it.
    pub preemptions: u64,
    /// How often it waited for a page of memory that was on a disk, which is nobody's doing.
    pub disk_reads: u64,
}

impl ThreadUse {
    /// Until now; `None` where the system does not tell of single threads.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn now() -> Option<ThreadUse> {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: a structure of ours, of which all zeros are valid.
        let usage = unsafe {
            if libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) != 0 {
                return None;
            }
            usage.assume_init()
        };
        let nanoseconds =
            |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
        let cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
        Some(ThreadUse {
            cpu_ns,
            waits: usage.ru_nvcsw as u64,
            preemptions: usage.ru_nivcsw as u64,
            disk_reads: usage.ru_majflt as u64,
        })
    }

    /// As on Linux, where it is known.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn now() -> Option<ThreadUse> {
        None
    }
}

/// The process's handlers of the signals 1 to 31.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignalHandlers([usize; 31]);

impl SignalHandlers {
    /// Those of now.
    #[must_use]
    pub fn now() -> SignalHandlers {
        let mut handlers = [0; 31];
        for (signal, handler) in (1..).zip(&mut handlers) {
            let mut action = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: with a NULL action the handler is only read, into a structure of ours of which all zeros are valid.
            unsafe {
                if libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0 {
                    *handler = action.assume_init().sa_sigaction;
                }
            }
        }
        SignalHandlers(handlers)
    }

    /// The signals whose handlers differ from `before`.
    pub fn changed<'a>(&'a self, before: &'a SignalHandlers) -> impl Iterator<Item = i32> + 'a {
        let both = self.0.iter().zip(&before.0);
        (1..).zip(both).filter(|(_, (now, before))| now != before).map(|(signal, _)| signal)
    }
}

/// What an open descriptor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DescriptorState {
    /// Whether reads and writes of it never wait.
    pub is_non_blocking: bool,
    /// Device and number of the file behind it.
    pub file: (libc::dev_t, libc::ino_t),
}

impl DescriptorState {
    /// That of a descriptor; `None` when the number is that of no open one.
    #[must_use]
    pub fn of(descriptor: i32) -> Option<DescriptorState> {
        // SAFETY: F_GETFL takes no further argument.
        let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
        let mut status = MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: a structure of ours, of which all zeros are valid.
        if flags < 0 || unsafe { libc::fstat(descriptor, status.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: filled in.
        let status = unsafe { status.assume_init() };
        Some(DescriptorState {
            is_non_blocking: flags & libc::O_NONBLOCK != 0,
            file: (status.st_dev, status.st_ino),
        })
    }
}

const ENTRY_WORDS: usize = size_of::<hc_module>() / 8;
const _: () = assert!(size_of::<hc_module>().is_multiple_of(8) && align_of::<hc_module>() == 8);

/// A module's entry as it was read, and a sum of its texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryImage {
    words: [u64; ENTRY_WORDS],
    texts: u64,
}

impl EntryImage {
    /// Of the entry as it is now.
    #[must_use]
    pub fn of(table: &ModuleTable) -> EntryImage {
        let info = table.info();
        let texts = [Some(info.id), Some(info.version), info.description, info.config_schema];
        EntryImage {
            words: entry_words(table),
            texts: sum(texts.iter().flatten().map(|text| text.as_bytes())),
        }
    }

    /// Whether the structure itself is as it was; its texts are not looked at.
    #[inline]
    #[must_use]
    pub fn has_same_structure(&self, table: &ModuleTable) -> bool {
        entry_words(table) == self.words
    }
}

fn entry_words(table: &ModuleTable) -> [u64; ENTRY_WORDS] {
    let entry: *const u64 = ptr::from_ref(table.raw()).cast();
    // SAFETY: the entry has that many words, and no padding (layout.rs). It is read as what may have changed.
    std::array::from_fn(|word| unsafe { entry.add(word).read_volatile() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_blocked_signal_shows_and_is_restored() {
        let before = ThreadState::now();
        block_signals(before.signals | 1 << (libc::SIGUSR2 - 1));
        let changed = ThreadState::now();
        assert_eq!(changed.difference(&before), Some("the signals that the thread blocks"));
        before.restore();
        assert_eq!(ThreadState::now(), before);
        assert_eq!(before.difference(&before), None);
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn another_rounding_shows_and_is_restored() {
        #[cfg(target_arch = "x86_64")]
        const TOWARDS_ZERO: u64 = 3 << 13;
        #[cfg(target_arch = "aarch64")]
        const TOWARDS_ZERO: u64 = 3 << 22;
        let before = ThreadState::now();
        set_floating_control(before.floating | TOWARDS_ZERO);
        let changed = ThreadState::now();
        before.restore();
        assert!(changed.difference(&before).is_some_and(|text| text.contains("rounds")));
        assert_eq!(ThreadState::now(), before);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_sleep_is_a_wait_and_takes_no_cpu() {
        let before = ThreadUse::now().expect("Linux tells");
        std::thread::sleep(std::time::Duration::from_millis(20));
        let after = ThreadUse::now().expect("Linux tells");
        assert!(after.waits > before.waits);
        assert!(after.cpu_ns >= before.cpu_ns);
    }

    #[test]
    fn handlers_that_nobody_changed_are_the_same() {
        let before = SignalHandlers::now();
        let mut other = before.clone();
        other.0[9] ^= 1;
        assert_eq!(SignalHandlers::now().changed(&before).count(), 0);
        assert_eq!(other.changed(&before).collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn descriptors_tell_their_mode_and_file() {
        let (one, other) = UnixStream::pair().unwrap();
        one.set_nonblocking(true).unwrap();
        let (first, second) =
            (DescriptorState::of(one.as_raw_fd()).unwrap(), DescriptorState::of(other.as_raw_fd()).unwrap());
        assert!(first.is_non_blocking && !second.is_non_blocking);
        assert_ne!(first.file, second.file);
        let file = File::open("/dev/null").unwrap();
        let number = file.as_raw_fd();
        assert!(DescriptorState::of(number).is_some());
        assert_eq!(DescriptorState::of(-1), None);
    }
}
