//! The server as a child process: its configuration, its address, its logs, its end.

use crate::artefacts::{PROGRAM, folder};
use crate::counters::Counters;
use crate::peer::Peer;
use crate::wait_for;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The path of the counters in every configuration that [`Server::start`] makes.
pub const STATUS_PATH: &str = "/-status";

/// A running server. It ends with this value, and with the thread that started it.
pub struct Server {
    /// Its first TCP address.
    pub address: SocketAddr,
    /// All addresses, as the log shows them.
    pub addresses: Vec<String>,
    /// The folder of its configuration and logs.
    pub folder: PathBuf,
    child: Child,
}

/// A module and the path prefix that it answers, for [`serve`].
pub struct Mount<'a>(pub &'a str, pub PathBuf);

/// The configuration for some modules: each a name, and a route `/NAME` (the first: also `/`). `extra` is TOML put before.
pub fn configuration(workers: usize, extra: &str, mounts: &[Mount<'_>]) -> String {
    let mut text = format!(
        "listen = [\"127.0.0.1:0\"]\nworkers = {workers}\n[status]\npath = \"{STATUS_PATH}\"\n{extra}\n"
    );
    for (index, Mount(name, path)) in mounts.iter().enumerate() {
        text += &format!("[[module]]\nname = \"{name}\"\npath = \"{}\"\n", path.display());
        let prefix = if index == 0 { String::new() } else { name.to_string() };
        text += &format!("[[route]]\npath = \"/{prefix}\"\nmodule = \"{name}\"\n");
    }
    text
}

/// Starts a server for these modules.
pub fn serve(name: &str, workers: usize, extra: &str, mounts: &[Mount<'_>]) -> Server {
    Server::start(name, &configuration(workers, extra, mounts))
}

/// A fresh folder for one server.
pub fn fresh_folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = folder("runs").join(format!("{name}-{number}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The command that runs the program so that it dies with the thread that spawned it.
fn tied(wrap: &[&str]) -> Command {
    let mut words = vec!["setpriv", "--pdeathsig", "KILL"];
    words.extend_from_slice(wrap);
    words.push(PROGRAM);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

impl Server {
    /// Starts the program with that configuration and waits until it listens.
    pub fn start(name: &str, configuration: &str) -> Server {
        Server::start_in(&fresh_folder(name), configuration, &[])
    }

    /// As [`Server::start`], in a given folder; `wrap` is a command that runs the program.
    pub fn start_in(folder: &Path, configuration: &str, wrap: &[&str]) -> Server {
        let child = spawn(folder, configuration, wrap);
        let mut server = Server {
            address: ([127, 0, 0, 1], 0).into(),
            addresses: Vec::new(),
            folder: folder.into(),
            child,
        };
        let expected = listeners(configuration);
        wait_for("the server listens", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", server.log());
            }
            server.addresses = addresses(&server.log());
            (server.addresses.len() == expected).then_some(())
        });
        let tcp = server.addresses.iter().find_map(|address| address.parse().ok());
        server.address = tcp.unwrap_or(server.address);
        server
    }

    /// The error log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("error.log")).unwrap_or_default()).into_owned()
    }

    /// Lines of the error log that hold all these words.
    pub fn log_lines(&self, words: &[&str]) -> Vec<String> {
        let log = self.log();
        log.lines().filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
    }

    /// Waits for a line with all these words in the error log.
    pub fn wait_for_log(&self, words: &[&str]) -> String {
        wait_for(&format!("a log line with {words:?}"), || self.log_lines(words).pop())
    }

    /// A new connection.
    pub fn connect(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// The counters now.
    pub fn counters(&self) -> Counters {
        Counters::read(&mut self.connect())
    }

    /// Waits until the counters say what is wanted, and answers them.
    pub fn wait_for_counters(&self, what: &str, holds: impl Fn(&Counters) -> bool) -> Counters {
        let mut peer = self.connect();
        let mut last = None;
        let until = std::time::Instant::now() + crate::PATIENCE;
        while std::time::Instant::now() < until {
            let counters = Counters::read(&mut peer);
            if holds(&counters) {
                return counters;
            }
            last = Some(counters);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        panic!("waited in vain for counters: {what}\n{last:?}\n{}", self.log());
    }

    /// Waits until nothing is under way any more: no task, no operation, no connection but `kept` and the asking one.
    pub fn wait_until_idle(&self, kept: u64) -> Counters {
        self.wait_for_counters("nothing is under way", |counters| {
            counters.get("connections_open") == kept + 1
                && counters.get("tasks_live") == 0
                && counters.get("operations_live") == 0
                && counters.get("starts") == counters.get("finishes")
        })
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success(), "SIG{name} could not be sent");
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the server ends", || self.child.try_wait().unwrap())
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it in order, and sees that it went well.
    pub fn stop(self) {
        self.stop_and_read();
    }

    /// As [`Server::stop`]; answers the whole error log.
    pub fn stop_and_read(mut self) -> String {
        self.signal("TERM");
        let status = self.wait();
        assert!(status.success(), "{status}:\n{}", self.log());
        self.assert_healthy();
        self.log()
    }

    /// No line of the log tells of a fault of the container itself.
    pub fn assert_healthy(&self) {
        let log = self.log();
        for word in ["panicked", "container.fault", "event loop failed"] {
            assert!(!log.contains(word), "the container had a fault:\n{log}");
        }
    }

    /// A number from `/proc/PID/status`, such as `VmRSS` (KiB) or `Threads`.
    pub fn process(&self, key: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let value = line.unwrap_or_else(|| panic!("no {key} in {text}"));
        value.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's error log\n{}---", self.log());
        }
    }
}

/// Starts the program with a configuration, without waiting for anything.
pub fn spawn(folder: &Path, configuration: &str, wrap: &[&str]) -> Child {
    fs::write(folder.join("hc.toml"), configuration).unwrap();
    let open = |name: &str| {
        let file = fs::OpenOptions::new().create(true).append(true).open(folder.join(name));
        Stdio::from(file.unwrap())
    };
    let mut command = tied(wrap);
    command.args(["run", "hc.toml"]).current_dir(folder).stdin(Stdio::null());
    command.stdout(open("stdout.log")).stderr(open("error.log")).spawn().unwrap()
}

fn listeners(configuration: &str) -> usize {
    let line =
        configuration.lines().find(|line| line.starts_with("listen = ")).expect("it says where to listen");
    line.matches('"').count() / 2
}

/// The addresses in lines such as `listening on http://127.0.0.1:1/ with 2 workers`.
fn addresses(log: &str) -> Vec<String> {
    let told = log.lines().filter_map(|line| line.split("listening on ").nth(1));
    let words = told.filter_map(|rest| rest.split(" with ").next());
    words.map(|word| word.trim_start_matches("http://").trim_end_matches('/').to_owned()).collect()
}
