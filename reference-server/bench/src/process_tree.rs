//! What the kernel says of a process and its descendants: CPU time, memory, threads (Linux `/proc`).
//!
//! It must not know what the processes do.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

/// `/proc/PID/task/TID/schedstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedstat {
    /// Time spent on a CPU, in nanoseconds.
    pub run_ns: u64,
    /// Time spent runnable but waiting for a CPU, in nanoseconds.
    pub wait_ns: u64,
}

/// The scheduler's figures of every thread, by process id and thread id.
pub type ThreadTimes = BTreeMap<(u32, u32), Schedstat>;

/// Memory of a process tree (`/proc/PID/smaps_rollup`), in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident set.
    pub rss_bytes: u64,
    /// Proportional set: pages shared by n processes count 1/n to each.
    pub pss_bytes: u64,
}

/// A process and all its descendants.
#[derive(Clone, Copy, Debug)]
pub struct ProcessTree {
    root: u32,
}

impl ProcessTree {
    /// The tree under the process `root`.
    pub fn new(root: u32) -> Self {
        Self { root }
    }

    /// The process ids of the tree as it is now, the root first.
    pub fn members(&self) -> io::Result<Vec<u32>> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // A process may end between the listing and the reading.
            if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat"))
                && let Some(parent) = parse_parent(&stat)
            {
                parents.push((pid, parent));
            }
        }
        Ok(descendants(self.root, &parents))
    }

    /// The times of every living thread of the tree.
    ///
    /// A thread that ends takes its times with it, so take both readings while the servers live.
    pub fn thread_times(&self) -> io::Result<ThreadTimes> {
        let mut times = ThreadTimes::new();
        self.each_member(|pid| {
            for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
                let path = entry?.path();
                let thread =
                    path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                let (Some(thread), Ok(text)) = (thread, fs::read_to_string(path.join("schedstat"))) else {
                    continue;
                };
                let stat = parse_schedstat(&text).ok_or_else(|| {
                    io::Error::other("schedstat is not readable: the kernel lacks CONFIG_SCHED_INFO")
                })?;
                times.insert((pid, thread), stat);
            }
            Ok(())
        })?;
        Ok(times)
    }

    /// As [`Self::thread_times`], but waits (bounded) until the tree has gone idle, so that work caused by a
    /// slot is counted in that slot.
    pub fn settled_times(&self) -> io::Result<ThreadTimes> {
        const TRIES: usize = 50;
        let mut times = self.thread_times()?;
        for _ in 0..TRIES {
            thread::sleep(Duration::from_millis(4));
            let again = self.thread_times()?;
            if again == times {
                break;
            }
            times = again;
        }
        Ok(times)
    }

    /// Number of threads of the tree.
    pub fn threads(&self) -> io::Result<usize> {
        let mut threads = 0;
        self.each_member(|pid| {
            threads += fs::read_dir(format!("/proc/{pid}/task"))?.count();
            Ok(())
        })?;
        Ok(threads)
    }

    /// Memory of the tree.
    pub fn memory(&self) -> io::Result<Memory> {
        let mut sum = Memory::default();
        self.each_member(|pid| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let one = parse_memory(&text)
                .ok_or_else(|| io::Error::other("smaps_rollup has no Rss and Pss line in kB"))?;
            sum.rss_bytes += one.rss_bytes;
            sum.pss_bytes += one.pss_bytes;
            Ok(())
        })?;
        Ok(sum)
    }

    /// Reads every member. A descendant that ends meanwhile counts for nothing; the root must live.
    fn each_member(&self, mut read: impl FnMut(u32) -> io::Result<()>) -> io::Result<()> {
        for pid in self.members()? {
            match read(pid) {
                Err(error) if pid != self.root && (has_ended(&error) || !is_alive(pid)) => {}
                result => result?,
            }
        }
        Ok(())
    }
}

/// Whether an error says that the process was ending. It gives its memory back (ESRCH) before its state tells so.
fn has_ended(error: &io::Error) -> bool {
    const ESRCH: i32 = 3;
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}

/// Whether a process exists and is more than an entry that waits for its parent.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(!stat.rsplit_once(')')?.1.trim_start().starts_with(['Z', 'X'])))
        .unwrap_or(false)
}

/// CPU time in nanoseconds that all threads used between two readings.
pub fn run_ns_between(before: &ThreadTimes, after: &ThreadTimes) -> u64 {
    between(before, after).iter().map(|times| times.run_ns).sum()
}

/// What each thread used between two readings, the busiest first. A new thread counts from zero.
pub fn between(before: &ThreadTimes, after: &ThreadTimes) -> Vec<Schedstat> {
    let mut used: Vec<Schedstat> = after
        .iter()
        .map(|(thread, now)| {
            let then = before.get(thread).copied().unwrap_or_default();
            Schedstat {
                run_ns: now.run_ns.saturating_sub(then.run_ns),
                wait_ns: now.wait_ns.saturating_sub(then.wait_ns),
            }
        })
        .collect();
    used.sort_by_key(|times| std::cmp::Reverse(times.run_ns));
    used
}

/// Parses `schedstat`: run time, wait time, time slices.
pub fn parse_schedstat(text: &str) -> Option<Schedstat> {
    let mut numbers = text.split_ascii_whitespace().map(|number| number.parse::<u64>());
    let (run, wait, slices) = (numbers.next()?, numbers.next()?, numbers.next()?);
    slices.ok()?;
    Some(Schedstat { run_ns: run.ok()?, wait_ns: wait.ok()? })
}

/// The parent in `/proc/PID/stat`. The name in brackets may itself hold brackets and spaces.
pub fn parse_parent(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The `Rss` and `Pss` lines of `smaps_rollup`.
pub fn parse_memory(text: &str) -> Option<Memory> {
    let line_bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    };
    Some(Memory { rss_bytes: line_bytes("Rss:")?, pss_bytes: line_bytes("Pss:")? })
}

fn descendants(root: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut members = vec![root];
    let mut next = 0;
    while next < members.len() {
        let parent = members[next];
        members.extend(parents.iter().filter(|pair| pair.1 == parent).map(|pair| pair.0));
        next += 1;
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_is_run_wait_slices() {
        let parsed = parse_schedstat("997966137 4129205 95\n");
        assert_eq!(parsed, Some(Schedstat { run_ns: 997_966_137, wait_ns: 4_129_205 }));
        for bad in ["", "12 13", "12 x 3", "-1 2 3", "1 2 many"] {
            assert_eq!(parse_schedstat(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parse_parent("42 (nginx) S 7 42 42 0"), Some(7));
        assert_eq!(parse_parent("42 (a) b (c) d) R 31 1 1"), Some(31));
        assert_eq!(parse_parent("42 nginx S 7"), None);
    }

    #[test]
    fn memory_is_rss_and_pss_not_their_parts() {
        let text = "55d0-7ffc ---p 00000000 00:00 0  [rollup]\n\
                    Rss:                1824 kB\nPss:                 311 kB\nPss_Anon:  96 kB\n";
        let parsed = parse_memory(text);
        assert_eq!(parsed, Some(Memory { rss_bytes: 1824 * 1024, pss_bytes: 311 * 1024 }));
        assert_eq!(parse_memory("Rss: 1 kB\nPss_Anon: 2 kB\n"), None);
    }

    #[test]
    fn descendants_are_found_in_any_order() {
        let parents = [(5, 4), (2, 1), (4, 2), (9, 8), (3, 1)];
        assert_eq!(descendants(2, &parents), [2, 4, 5]);
    }

    #[test]
    fn differences_count_new_threads_and_rank_the_busiest_first() {
        let stat = |run_ns, wait_ns| Schedstat { run_ns, wait_ns };
        let before = ThreadTimes::from([((1, 1), stat(100, 10)), ((1, 2), stat(50, 0))]);
        let after =
            ThreadTimes::from([((1, 1), stat(130, 15)), ((1, 2), stat(50, 0)), ((1, 3), stat(70, 1))]);
        assert_eq!(between(&before, &after), [stat(70, 1), stat(30, 5), stat(0, 0)]);
        assert_eq!(run_ns_between(&before, &after), 100);
    }

    #[test]
    fn a_descendant_that_is_ending_counts_for_nothing() {
        let tree = ProcessTree::new(std::process::id());
        for code in [2, 3] {
            let mut read = 0;
            let outcome = tree.each_member(|pid| {
                read += 1;
                if pid == tree.root { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
            });
            outcome.expect("the descendants are passed over");
            assert!(read >= 1);
            assert!(
                tree.each_member(|_| Err(io::Error::from_raw_os_error(code))).is_err(),
                "the root must live"
            );
        }
    }

    #[test]
    fn this_process_can_be_read() {
        let tree = ProcessTree::new(std::process::id());
        assert!(tree.members().expect("members").contains(&std::process::id()));
        assert!(tree.threads().expect("threads") >= 1);
        let memory = tree.memory().expect("memory");
        assert!(memory.rss_bytes > 0 && memory.pss_bytes <= memory.rss_bytes);
        assert!(!tree.thread_times().expect("times").is_empty());
    }
}
