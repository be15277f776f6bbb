//! Starting and ending programs: pinned to CPUs, tied to the life of the bench, with their output kept.
//!
//! It must not know what the programs are.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::process_tree::ProcessTree;
use crate::workshop::find_program;

/// How the words of a command line begin, so that the program
/// - dies with the bench, even when that is killed (`setpriv --pdeathsig`),
/// - stays on the CPUs given (`taskset`),
/// - may open as many files as the hard limit allows.
///
/// All three replace themselves by the program, so its process id is that of the child. A tool that is
/// missing is left out.
pub fn wrapped(command: &[OsString], cores: &[usize]) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(setpriv) = find_program("setpriv") {
        words.extend([setpriv.into(), "--pdeathsig".into(), "KILL".into()]);
    }
    if let Some(taskset) = find_program("taskset")
        && !cores.is_empty()
    {
        let list: Vec<String> = cores.iter().map(ToString::to_string).collect();
        words.extend([taskset.into(), "-c".into(), list.join(",").into()]);
    }
    words.extend(["sh", "-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"].map(OsString::from));
    words.extend_from_slice(command);
    words
}

/// A [`Command`] of [`wrapped`] words.
pub fn wrapped_command(command: &[OsString], cores: &[usize]) -> Command {
    let words = wrapped(command, cores);
    let mut built = Command::new(&words[0]);
    built.args(&words[1..]);
    built
}

/// A server that runs; it and its descendants are killed with this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: PathBuf,
    ended: bool,
}

impl Running {
    /// Starts `command` on `cores`; what it prints goes to the file `output`.
    pub fn start(command: &[OsString], cores: &[usize], output: &Path) -> io::Result<Self> {
        let file = File::create(output)?;
        let child = wrapped_command(command, cores)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        Ok(Self { child, output: output.to_owned(), ended: false })
    }

    /// The process and its descendants.
    pub fn tree(&self) -> ProcessTree {
        ProcessTree::new(self.child.id())
    }

    /// Waits until something accepts connections on `port`. An error holds the end of the server's output.
    pub fn wait_for_port(&mut self, port: u16, patience: Duration) -> io::Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                return Err(io::Error::other(format!("ended with {status}\n{}", self.output_end())));
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(());
            }
            if start.elapsed() > patience {
                let text = self.output_end();
                return Err(io::Error::other(format!("does not listen on port {port}\n{text}")));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks the processes `pids` to end (SIGTERM) and waits for the child's end.
    pub fn end_gently(&mut self, pids: &[u32], patience: Duration) -> io::Result<ExitStatus> {
        signal("TERM", pids)?;
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(io::Error::other(format!("did not end within {} s of SIGTERM", patience.as_secs())))
    }

    fn output_end(&self) -> String {
        let text = fs::read(&self.output).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // The root is stopped first, so that it does not start new workers for those killed.
        let own = self.child.id();
        if let Ok(members) = self.tree().members()
            && members.len() > 1
        {
            let _ = signal("STOP", &[own]);
            let members = self.tree().members().unwrap_or(members);
            let workers: Vec<u32> = members.into_iter().filter(|pid| *pid != own).collect();
            let _ = signal("KILL", &workers);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal through the shell's `kill`: the standard library has none but SIGKILL.
fn signal(name: &str, pids: &[u32]) -> io::Result<()> {
    if pids.is_empty() {
        return Ok(());
    }
    Command::new("sh")
        .args(["-c", "kill -s \"$@\"", "sh", name])
        .args(pids.iter().map(ToString::to_string))
        .stderr(Stdio::null())
        .status()
        .map(|_| ())
}

/// Words of a command line.
pub fn words<S: AsRef<OsStr>>(parts: &[S]) -> Vec<OsString> {
    parts.iter().map(|part| part.as_ref().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapped_program_comes_last_and_unchanged() {
        let words = wrapped(&words(&["a b", "c"]), &[]);
        assert_eq!(words[words.len() - 2..], ["a b", "c"]);
        assert!(!words.iter().any(|word| word.to_string_lossy().ends_with("taskset")));
    }

    #[test]
    fn a_program_that_ends_is_reported_with_what_it_printed() {
        let output = std::env::temp_dir().join(format!("hc-bench-launch-{}", std::process::id()));
        let command = words(&["sh", "-c", "echo no such option; exit 3"]);
        let mut running = Running::start(&command, &[], &output).expect("start");
        let port = crate::workshop::free_port().expect("port");
        let error = running.wait_for_port(port, Duration::from_secs(30)).expect_err("must fail").to_string();
        fs::remove_file(&output).expect("remove");
        assert!(error.contains("no such option") && error.contains('3'), "{error}");
    }

    #[test]
    fn dropping_ends_the_descendants_too() {
        let output = std::env::temp_dir().join(format!("hc-bench-drop-{}", std::process::id()));
        let command = words(&["sh", "-c", "sleep 600 & sleep 600"]);
        let running = Running::start(&command, &[], &output).expect("start");
        let tree = running.tree();
        let mut members = Vec::new();
        while members.len() < 3 {
            members = tree.members().expect("members");
            thread::yield_now();
        }
        drop(running);
        fs::remove_file(&output).expect("remove");
        for pid in members {
            let gone = || match fs::read_to_string(format!("/proc/{pid}/stat")) {
                Ok(stat) => stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z")),
                Err(_) => true,
            };
            let start = Instant::now();
            while !gone() && start.elapsed() < Duration::from_secs(30) {
                thread::yield_now();
            }
            assert!(gone(), "{pid} lives on");
        }
    }
}
