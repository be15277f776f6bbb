//! An adapter: an executable that starts a container as the kit wants it. Must not know what is tested.
//!
//! It answers `name`, `version`, `capabilities` (words, which are also the names of the settings that it takes), and runs
//! `start CONFIG.json`: it prints `ready` when the container listens, and ends when that has ended, on SIGTERM. What it writes to
//! its standard error is the container's log. The file has one member in each line.

use crate::http::url::Url;
use crate::patience;
use crate::scratch::Scratch;
use crate::self_test::wire;
use crate::target::ServerTarget;
use rustix::process::{Pid, Signal, kill_process};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How a container is to be started.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The module's library.
    pub module: PathBuf,
    /// Its configuration: names and texts.
    pub config: Vec<(String, String)>,
    /// Settings by the names of capabilities; numbers, or texts.
    pub settings: Vec<(String, String)>,
    /// The kit's provider.
    pub provider: PathBuf,
    /// Its configuration for each resource that it makes.
    pub provided: Vec<(String, Vec<(String, String)>)>,
}

/// A container that runs.
pub struct Running {
    child: Child,
    /// Where it is.
    pub url: Url,
    log: PathBuf,
    /// It was told to stop: a second signal may mean that it is to hurry.
    is_stopping: Cell<bool>,
    _scratch: Scratch,
}

/// What the adapter said of itself to a question.
///
/// # Errors
/// When it cannot be run, or fails.
pub fn ask(adapter: &Path, question: &str) -> Result<String, String> {
    let output = Command::new(adapter)
        .arg(question)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", adapter.display()))?;
    if !output.status.success() {
        return Err(format!(
            "{} {question} failed: {}",
            adapter.display(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What the container can do beside the core.
///
/// # Errors
/// As of [`ask`].
pub fn capabilities(adapter: &Path) -> Result<BTreeSet<String>, String> {
    Ok(ask(adapter, "capabilities")?.split_whitespace().map(str::to_owned).collect())
}

/// Starts a container.
///
/// # Errors
/// Why it does not serve: what it wrote.
pub fn start(target: &ServerTarget, wanted: &Wanted) -> Result<Running, String> {
    let adapter = &target.adapter;
    let scratch = Scratch::new().map_err(|error| error.to_string())?;
    let address = free_address().map_err(|error| error.to_string())?;
    let (config, log) = (scratch.file("config.json"), scratch.file("log"));
    fs::write(&config, json(wanted, &address)).map_err(|error| error.to_string())?;
    let log_file = File::create(&log).map_err(|error| error.to_string())?;
    let mut child = Command::new(adapter)
        .arg("start")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file)
        .spawn()
        .map_err(|error| format!("{}: {error}", adapter.display()))?;
    let output = child.stdout.take().ok_or("no output of the adapter")?;
    let (sender, ready) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody waits any more after the first one.
            let _ = sender.send(line);
        }
    });
    let mut url = Url { authority: address, path: "/".into() };
    if let Some(fault) = &target.wire {
        url = wire::put_before(&url, fault).map_err(|error| error.to_string())?;
    }
    let mut running = Running { child, url, log, is_stopping: Cell::new(false), _scratch: scratch };
    let until = Instant::now() + patience::process();
    loop {
        match ready.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) if line.trim() == "ready" => return Ok(running),
            Ok(_) => {}
            Err(_) => {
                running.kill();
                return Err(running.log());
            }
        }
    }
}

impl Running {
    /// Begins to stop it.
    pub fn terminate(&self) {
        if self.is_stopping.replace(true) {
            return;
        }
        // It may have ended by itself.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<ExitStatus, String> {
        self.terminate();
        let until = Instant::now() + patience::process();
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.kill();
        Err("the container does not end".into())
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn kill(&mut self) {
        self.terminate();
        let until = Instant::now() + patience::parting();
        while Instant::now() < until && !matches!(self.child.try_wait(), Ok(Some(_))) {
            thread::sleep(Duration::from_millis(2));
        }
        // The process group of the case is killed at its end, with what an adapter left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.kill();
        }
    }
}

/// An address of loopback that is free: outside of the ports that the system gives to clients, and beginning at another place
/// for each process, since the processes of several cases look for one at the same time.
fn free_address() -> std::io::Result<String> {
    const FIRST: u32 = 11_000;
    const COUNT: u32 = 20_000;
    let begin = std::process::id().wrapping_mul(13);
    for at in 0..COUNT {
        let port = FIRST + begin.wrapping_add(at) % COUNT;
        if let Ok(listener) = TcpListener::bind(format!("127.0.0.1:{port}")) {
            return Ok(listener.local_addr()?.to_string());
        }
    }
    Err(std::io::Error::other("no free port"))
}

fn json(wanted: &Wanted, address: &str) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let object = |members: &[(String, String)]| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect();
        format!("{{{}}}", members.join(", "))
    };
    let mut members = vec![
        format!("\"listen\": {}", text(address)),
        format!("\"module\": {}", text(&wanted.module.display().to_string())),
        format!("\"config\": {}", object(&wanted.config)),
    ];
    if !wanted.provided.is_empty() {
        members.push(format!("\"provider\": {}", text(&wanted.provider.display().to_string())));
    }
    for (name, config) in &wanted.provided {
        members.push(format!("{}: {}", text(&format!("provider_config_{name}")), object(config)));
    }
    for (name, value) in &wanted.settings {
        let value = if value.parse::<u64>().is_ok() { value.clone() } else { text(value) };
        members.push(format!("{}: {value}", text(name)));
    }
    format!("{{\n  {}\n}}\n", members.join(",\n  "))
}
