//! A real Redis or Valkey server for one test: start, stop, start again on the same port (empty then). It must not know what is
//! asked of it by those under test.

use crate::nest::Nest;
use crate::programs::{folder_with, missing};
use crate::redis_session::{RedisSession, Reply};
use crate::service::{End, Service};
use crate::{ports, wait_for};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

/// The programs that will do, by the names of the packages and of themselves.
const KINDS: [(&str, &str); 2] = [("Redis", "redis-server"), ("Valkey", "valkey-server")];

/// A server. It ends with this value, or with the process of the test.
pub struct Redis {
    /// `Redis` or `Valkey`.
    pub kind: &'static str,
    service: Option<Service>,
    program: PathBuf,
    options: Vec<String>,
    port: u16,
    // Behind the service, which ends first.
    nest: Nest,
}

impl Redis {
    /// Starts a server, and waits until it answers. `None` where neither Redis nor Valkey is installed: the test is skipped,
    /// and why was printed; where `HC_REQUIRE_TOOLS=1` it has failed.
    #[track_caller]
    pub fn start(name: &str) -> Option<Redis> {
        Redis::start_with(name, &[])
    }

    /// As [`Redis::start`], with words for the command line, such as `--maxmemory 1mb`.
    #[track_caller]
    pub fn start_with(name: &str, options: &[&str]) -> Option<Redis> {
        let found = Redis::installed().into_iter().next();
        if found.is_none() {
            missing("Redis or Valkey", "redis-server");
        }
        found.map(|(kind, program)| Redis::start_kind(name, options, kind, program))
    }

    /// A server of each kind that is installed; none: as [`Redis::start`].
    #[track_caller]
    pub fn start_each(name: &str, options: &[&str]) -> Vec<Redis> {
        let found = Redis::installed();
        if found.is_empty() {
            missing("Redis or Valkey", "redis-server");
        }
        found.into_iter().map(|(kind, program)| Redis::start_kind(name, options, kind, program)).collect()
    }

    fn installed() -> Vec<(&'static str, PathBuf)> {
        let place =
            |(kind, program): (&'static str, &str)| Some((kind, folder_with(&[program])?.join(program)));
        KINDS.into_iter().filter_map(place).collect()
    }

    fn start_kind(name: &str, options: &[&str], kind: &'static str, program: PathBuf) -> Redis {
        let nest = Nest::new(&format!("redis-{name}"));
        let options = options.iter().map(|&word| word.into()).collect();
        let mut server = Redis { kind, service: None, program, options, port: ports::free(), nest };
        while !server.try_start() {
            server.port = ports::free();
        }
        server
    }

    /// Starts it on its port; `false` when somebody else has that.
    fn try_start(&mut self) -> bool {
        let log = self.nest.folder.join("redis.log");
        let mut command = Command::new(&self.program);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"]);
        command.args(["--save", "", "--appendonly", "no", "--databases", "16"]).args(&self.options);
        let mut service = Service::start(self.kind, command, &self.nest.folder, &log, None);
        let (process, address) = (service.process(), self.address());
        match service.wait_until("it answers", || is_served_by(address, process).then_some(())) {
            Ok(()) => self.service = Some(service),
            Err(_) if service.log().contains("Address already in use") => return false,
            Err(status) => service.fail(&format!("it ended with {status}")),
        }
        true
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// How those under test find it.
    pub fn url(&self) -> String {
        Redis::url_at(self.address())
    }

    /// The same by another address: that of a proxy.
    pub fn url_at(address: SocketAddr) -> String {
        format!("redis://{address}")
    }

    /// Ends it; nothing listens on its port then.
    pub fn stop(&mut self, end: End) {
        let service = self.service.take().expect("it runs");
        service.end(&self.nest, end, "TERM");
    }

    /// Starts it again, on the same port, with nothing in it.
    pub fn start_again(&mut self) {
        assert!(self.service.is_none(), "it runs");
        wait_for("its port is free again", || self.try_start().then_some(()));
    }

    /// Ends it and starts it again.
    pub fn restart(&mut self, end: End) {
        self.stop(end);
        self.start_again();
    }

    /// A session for assertions; begin with AUTH where `options` ask for a password.
    pub fn session(&self) -> RedisSession {
        let session = RedisSession::connect(self.address());
        session.unwrap_or_else(|error| panic!("{}: {error}", self.kind))
    }

    /// How many connections there are of those under test.
    pub fn clients(&self) -> usize {
        match self.session().run(&["CLIENT", "LIST"]) {
            // One is the asking one.
            Reply::Bytes(Some(list)) => list.iter().filter(|&&byte| byte == b'\n').count() - 1,
            other => panic!("CLIENT LIST: {other:?}"),
        }
    }
}

/// Whether what listens there is that process; a server that wants a password is taken at its word.
fn is_served_by(address: SocketAddr, process: u32) -> bool {
    let reply = RedisSession::connect(address).and_then(|mut session| session.command(&["INFO", "server"]));
    match reply {
        Ok(Reply::Bytes(Some(text))) => {
            String::from_utf8_lossy(&text).lines().any(|line| line == format!("process_id:{process}"))
        }
        Ok(Reply::Error(text)) => text.starts_with("NOAUTH"),
        _ => false,
    }
}
