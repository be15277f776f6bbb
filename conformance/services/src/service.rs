//! One server as a child process: its output, its end. Must not know which server it is.

use crate::nest::{Nest, signal};
use crate::programs::Account;
use crate::{PATIENCE, wait_within};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, but without waiting for its clients.
    Orderly,
    /// At once: connections break, and what it had in hand is lost.
    Killed,
}

/// A running program with its output in a file.
pub struct Service {
    /// As people call it, for messages.
    what: &'static str,
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts a program in a folder, in a group of its own, under that account; what it prints is added to `log`.
    pub fn start(
        what: &'static str,
        mut command: Command,
        folder: &Path,
        log: &Path,
        account: Option<Account>,
    ) -> Service {
        let open = || {
            let file = fs::OpenOptions::new().create(true).append(true).open(log);
            Stdio::from(file.unwrap_or_else(|error| panic!("{}: {error}", log.display())))
        };
        command.current_dir(folder).process_group(0).stdin(Stdio::null()).stdout(open()).stderr(open());
        if let Some(account) = account {
            command.uid(account.user).gid(account.group);
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{what}: {command:?}: {error}"));
        Service { what, child, log: log.into() }
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `look` finds something, or the program ends: then the error is how.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, ExitStatus> {
        let found = wait_within(PATIENCE, || match look() {
            Some(found) => Some(Ok(found)),
            None => self.child.try_wait().unwrap().map(Err),
        });
        found.unwrap_or_else(|| self.fail(&format!("waited in vain: {what}")))
    }

    /// Ends it, and all that it started in the nest. `orderly` is the signal for an end in order.
    pub fn end(mut self, nest: &Nest, end: End, orderly: &str) {
        match end {
            End::Orderly => signal(orderly, &[self.process()]),
            // All at once: else the children of a killed server notice it, and clean up.
            End::Killed => nest.signal("KILL"),
        }
        if wait_within(PATIENCE, || self.child.try_wait().unwrap()).is_none() {
            nest.signal("KILL");
            self.fail("it did not end");
        }
        if !nest.wait_until_empty(Duration::from_secs(5)) {
            nest.signal("KILL");
            assert!(nest.wait_until_empty(PATIENCE), "{}: a child of it does not end", self.what);
        }
    }

    /// Fails the test with the end of what it printed.
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        panic!("{}: {why}; the end of its output:\n{tail}", self.what);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // PostgreSQL's way of leaving at once and giving its shared memory back; ends Redis as well.
            signal("QUIT", &[self.process()]);
            if wait_within(Duration::from_secs(5), || self.child.try_wait().unwrap()).is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}
