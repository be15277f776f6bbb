//! The drivers alone: the same queries in a bare loop, without server, lease or module. What a query costs here is not the
//! server's doing.
//!
//! It runs as a process of its own (`hc-bench driver ...`), so that it is pinned and counted as a server is. It must not know what
//! it is compared with.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

use crate::database::BY_KEY;
use crate::launch::{words, wrapped_command};
use crate::process_tree::{ProcessTree, run_ns_between};

/// The word behind the program's name that makes it this loop: `driver postgres URL CONNECTIONS SECONDS`, or
/// `driver sqlite PATH 1 SECONDS`.
pub const WORD: &str = "driver";
const ROWS: i64 = 1000;
/// Queries between two looks at the clock.
const BATCH: u64 = 64;

/// What the loop counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriverReport {
    /// Queries answered.
    pub queries: u64,
    /// CPU time of each, in microseconds.
    pub cpu_us: f64,
    /// Length of the run, in seconds.
    pub seconds: f64,
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `tokio-postgres` on one thread.
    Postgres,
    /// `rusqlite` on one thread.
    Sqlite,
}

/// Runs the loop in a process on those CPUs. `place`: a URL or a path.
pub fn run_apart(
    kind: Kind,
    place: &str,
    connections: usize,
    seconds: f64,
    cores: &[usize],
) -> io::Result<DriverReport> {
    let kind = if kind == Kind::Postgres { "postgres" } else { "sqlite" };
    let mut command = words(&[std::env::current_exe()?.as_os_str()]);
    command.extend(words(&[WORD, kind, place, &connections.to_string(), &seconds.to_string()]));
    let output = wrapped_command(&command, cores).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("driver: {}", text.trim())));
    }
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

/// The process's side of [`run_apart`]: the words behind [`WORD`]; prints a line of JSON.
pub fn print_here(arguments: &[String]) -> io::Result<()> {
    println!("{}", serde_json::to_string(&run_here(arguments)?)?);
    Ok(())
}

/// Runs the loop in this process.
pub fn run_here(arguments: &[String]) -> io::Result<DriverReport> {
    match arguments {
        [kind, place, connections, seconds] => {
            let connections = connections.parse::<usize>().map_err(io::Error::other)?;
            let time = Duration::from_secs_f64(seconds.parse::<f64>().map_err(io::Error::other)?);
            match kind.as_str() {
                "postgres" => postgres(place, connections, time),
                _ => sqlite(Path::new(place), time),
            }
        }
        _ => Err(io::Error::other("usage: driver postgres|sqlite PLACE CONNECTIONS SECONDS")),
    }
}

/// What this process has used since a moment.
struct Meter {
    tree: ProcessTree,
    before: crate::process_tree::ThreadTimes,
    start: Instant,
}

impl Meter {
    fn start() -> io::Result<Self> {
        let tree = ProcessTree::new(std::process::id());
        // The scheduler's figure of a thread that runs is as old as its last tick or switch.
        std::thread::sleep(Duration::from_millis(1));
        Ok(Self { tree, before: tree.thread_times()?, start: Instant::now() })
    }

    fn stop(&self, queries: u64) -> io::Result<DriverReport> {
        let seconds = self.start.elapsed().as_secs_f64();
        std::thread::sleep(Duration::from_millis(1));
        let run_ns = run_ns_between(&self.before, &self.tree.thread_times()?);
        Ok(DriverReport { queries, cpu_us: run_ns as f64 / 1000.0 / queries.max(1) as f64, seconds })
    }
}

/// Each connection has one query under way at a time, as one that is leased has.
fn postgres(url: &str, connections: usize, time: Duration) -> io::Result<DriverReport> {
    let config: Config = url.parse().map_err(io::Error::other)?;
    let address = address(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let local = LocalSet::new();
    let queries = Rc::new(Cell::new(0));
    local.block_on(&runtime, async {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(io::Error::other)?;
            tokio::task::spawn_local(connection);
            let statement = client.prepare(BY_KEY).await.map_err(io::Error::other)?;
            clients.push((client, statement));
        }
        let meter = Meter::start()?;
        let mut loops = Vec::new();
        for (client, statement) in clients {
            let queries = Rc::clone(&queries);
            let start = meter.start;
            loops.push(tokio::task::spawn_local(async move {
                while start.elapsed() < time {
                    for _ in 0..BATCH {
                        let key = (queries.get() % ROWS as u64) as i64 + 1;
                        let rows = client.query(&statement, &[&key]).await.map_err(io::Error::other)?;
                        let value: &str = rows[0].try_get(0).map_err(io::Error::other)?;
                        std::hint::black_box(value);
                        queries.set(queries.get() + 1);
                    }
                }
                Ok::<(), io::Error>(())
            }));
        }
        for one in loops {
            one.await.map_err(io::Error::other)??;
        }
        meter.stop(queries.get())
    })
}

fn address(config: &Config) -> io::Result<SocketAddr> {
    match (config.get_hosts(), config.get_ports()) {
        ([Host::Tcp(host)], [port]) => {
            Ok((host.parse::<std::net::IpAddr>().map_err(io::Error::other)?, *port).into())
        }
        _ => Err(io::Error::other("the url must name one address and one port")),
    }
}

fn sqlite(path: &Path, time: Duration) -> io::Result<DriverReport> {
    let connection = Connection::open(path).map_err(io::Error::other)?;
    let meter = Meter::start()?;
    let mut queries = 0;
    while meter.start.elapsed() < time {
        for _ in 0..BATCH {
            let mut statement = connection
                .prepare_cached("SELECT value FROM bench WHERE id = ?1")
                .map_err(io::Error::other)?;
            let key = queries as i64 % ROWS + 1;
            let value: String = statement.query_row([key], |row| row.get(0)).map_err(io::Error::other)?;
            std::hint::black_box(value);
            queries += 1;
        }
    }
    meter.stop(queries)
}
