//! A real PostgreSQL server for one test: start, stop, start again on the same port, and questions about who is connected.
//! It must not know what is asked of it by those under test.

use crate::files::{copy_folder, write_private};
use crate::nest::Nest;
use crate::postgres_session::PostgresSession;
use crate::postgres_template::{Template, template};
use crate::programs::missing;
use crate::service::{End, Service};
use crate::{ports, sampler::Sampler, wait_for};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

/// The user for those under test, a superuser, and the name of its database.
pub const USER: &str = "hc";
/// Its password.
pub const PASSWORD: &str = "secret";
/// The superuser for assertions. It needs no password, and is not counted among the backends.
pub const WATCHER: &str = "watcher";

/// What a server is to be like, beyond what every one is.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresSettings<'a> {
    /// Lines of the configuration, such as `max_connections=8`.
    pub options: &'a [&'a str],
    /// Lines of `pg_hba.conf`, before those that let the two users in.
    pub access: &'a [&'a str],
    /// Files in the folder of the data, such as a certificate's key: name and content. Only the server can read them.
    pub files: &'a [(&'a str, &'a [u8])],
}

/// A server. It ends with this value, or with the process of the test.
pub struct Postgres {
    service: Option<Service>,
    template: &'static Template,
    options: Vec<String>,
    port: u16,
    // Behind the service, which ends first.
    nest: Nest,
}

/// What became of a start.
enum Started {
    Ready(Service),
    PortTaken,
}

impl Postgres {
    /// Starts a server, and waits until it accepts. `None` where PostgreSQL is not installed: the test is skipped, and why was
    /// printed; where `HC_REQUIRE_TOOLS=1` it has failed.
    #[track_caller]
    pub fn start(name: &str) -> Option<Postgres> {
        Postgres::start_with(name, &PostgresSettings::default())
    }

    /// As [`Postgres::start`], with settings.
    #[track_caller]
    pub fn start_with(name: &str, settings: &PostgresSettings<'_>) -> Option<Postgres> {
        let Some(template) = template() else {
            missing("PostgreSQL", "postgresql");
            return None;
        };
        let nest = Nest::new(&format!("postgres-{name}"));
        let data = nest.folder.join("data");
        copy_folder(&template.data, &data);
        let mut access: Vec<String> = settings.access.iter().map(|&line| line.into()).collect();
        access.push(format!("host all {WATCHER} 127.0.0.1/32 trust"));
        access.push("host all all 127.0.0.1/32 scram-sha-256".into());
        write_private(&data.join("pg_hba.conf"), (access.join("\n") + "\n").as_bytes(), template.account);
        for (file, content) in settings.files {
            write_private(&data.join(file), content, template.account);
        }
        let options = settings.options.iter().map(|&line| line.into()).collect();
        let mut server = Postgres { service: None, template, options, port: ports::free(), nest };
        while !server.try_start() {
            server.port = ports::free();
        }
        Some(server)
    }

    /// Starts it on its port; `false` when somebody else has that.
    fn try_start(&mut self) -> bool {
        match self.spawn() {
            Started::Ready(service) => self.service = Some(service),
            Started::PortTaken => return false,
        }
        // The file says `ready` a moment before the first connection is let in.
        wait_for("the server lets somebody in", || {
            PostgresSession::connect(self.address(), WATCHER, "postgres").ok()
        });
        true
    }

    fn spawn(&self) -> Started {
        let (data, log) = (self.nest.folder.join("data"), self.nest.folder.join("postgres.log"));
        let before = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut command = Command::new(&self.template.program);
        command.arg("-D").arg(&data).args(["-p", &self.port.to_string(), "-F"]);
        let fixed = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "shared_buffers=16MB",
            "dynamic_shared_memory_type=mmap",
            "full_page_writes=off",
            "synchronous_commit=off",
            "log_connections=on",
            "log_disconnections=on",
            "log_line_prefix=%m [%p] %q%u@%d ",
        ];
        for option in fixed.into_iter().chain(self.options.iter().map(String::as_str)) {
            command.args(["-c", option]);
        }
        let mut service = Service::start("PostgreSQL", command, &data, &log, self.template.account);
        let process = service.process().to_string();
        let ready = service.wait_until("PostgreSQL is ready", || {
            let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            (lines.first() == Some(&process.as_str()) && lines.get(7) == Some(&"ready")).then_some(())
        });
        match ready {
            Ok(()) => Started::Ready(service),
            Err(_) if log_since(&service, before).contains("Address already in use") => Started::PortTaken,
            Err(status) => service.fail(&format!("it ended with {status}")),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// How those under test find it.
    pub fn url(&self) -> String {
        self.url_at(self.address())
    }

    /// The same by another address: that of a proxy.
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("postgres://{USER}:{PASSWORD}@{address}/{USER}")
    }

    /// Ends it; nothing listens on its port then.
    pub fn stop(&mut self, end: End) {
        let service = self.service.take().expect("it runs");
        service.end(&self.nest, end, "INT");
    }

    /// Starts it again, on the same port and with the same data.
    pub fn start_again(&mut self) {
        assert!(self.service.is_none(), "it runs");
        wait_for("its port is free again", || self.try_start().then_some(()));
    }

    /// Ends it and starts it again.
    pub fn restart(&mut self, end: End) {
        self.stop(end);
        self.start_again();
    }

    /// What it logged so far: every connection, every end of one, every failure, and what `options` asked for.
    pub fn log(&self) -> String {
        let log = fs::read(self.nest.folder.join("postgres.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// A session for assertions in the database of those under test.
    pub fn session(&self) -> PostgresSession {
        let session = PostgresSession::connect(self.address(), WATCHER, USER);
        session.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// How many connections there are of those under test, of which `condition` holds: SQL over `pg_stat_activity`, such as
    /// `state = 'active'`, `query LIKE '%pg_sleep%'`, or `true`.
    pub fn backends(&self, condition: &str) -> u64 {
        self.session().number(&backends(condition))
    }

    /// Waits until there are so many of them.
    #[track_caller]
    pub fn wait_for_backends(&self, condition: &str, count: u64) {
        let mut session = self.session();
        let mut last = 0;
        let found = crate::wait_within(crate::PATIENCE, || {
            last = session.number(&backends(condition));
            (last == count).then_some(())
        });
        assert!(found.is_some(), "waited in vain for {count} backends where {condition}; there are {last}");
    }

    /// Counts them all the time, from now on.
    pub fn sample_backends(&self, condition: &str) -> Sampler {
        let (mut session, question) = (self.session(), backends(condition));
        Sampler::start(move || session.query(&question).ok()?.first()?.first()?.as_ref()?.parse().ok())
    }

    /// Has the server end the connections of those under test for which `condition` holds, as an operator does.
    pub fn terminate_backends(&self, condition: &str) -> u64 {
        let which = backends(condition).replacen("count(*)", "pid", 1);
        // Materialised, since else the server may ask its conditions in another order.
        let all = format!("WITH which AS MATERIALIZED ({which}) ");
        self.session().number(&(all + "SELECT count(*) FROM which WHERE pg_terminate_backend(pid)"))
    }
}

fn log_since(service: &Service, before: u64) -> String {
    let log = service.log();
    log.get(usize::try_from(before).unwrap()..).unwrap_or(&log).to_owned()
}

fn backends(condition: &str) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE backend_type = 'client backend' AND usename <> '{WATCHER}' AND ({condition})"
    )
}
