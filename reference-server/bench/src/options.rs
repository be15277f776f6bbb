//! The command line of `hc-bench`: text in, [`Options`] out. It must not know how anything is measured.

use std::path::PathBuf;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Without a subcommand: [`Command::Hello`], then [`Command::Parked`].
    Short,
    /// Keep-alive hello, access log off.
    Hello,
    /// Keep-alive hello, access log on.
    HelloLog,
    /// Pipelined hello.
    Pipelined,
    /// A connection per request.
    PerConnection,
    /// Requests that sleep.
    Parked,
    /// One worker against two.
    Scaling,
    /// User instructions per request.
    Instructions,
    /// System calls per request.
    Syscalls,
    /// Many requests that share few connections to a database.
    Resources,
    /// One partition that floods, and the others.
    Partition,
    /// What one operation on a resource adds to a request and to its driver.
    Query,
    /// Clients that leave in the middle of a query.
    Leaving,
    /// Any other server, by its command line.
    Peer,
}

/// Every setting of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What to measure.
    pub command: Command,
    /// Length of a slot, in seconds.
    pub seconds: f64,
    /// Rounds; each holds one slot of every row.
    pub rounds: usize,
    /// Connections of the load generator; `None`: 64, or 10,000 when parked, or 1,000 that share resources.
    pub connections: Option<usize>,
    /// Requests in a pipelined batch.
    pub pipeline: usize,
    /// Connections to the database that a server may have.
    pub members: usize,
    /// Leaving: how many clients leave.
    pub runs: usize,
    /// Time a parked request sleeps, in milliseconds.
    pub sleep_ms: u64,
    /// Parked: all requests at once instead of evenly over the sleep.
    pub burst: bool,
    /// CPU of the servers; `None`: the last one this process may use.
    pub server_core: Option<usize>,
    /// CPU of the load generator; `None`: the first one this process may use.
    pub load_core: Option<usize>,
    /// Where the server and the modules were built, and where results go.
    pub target: PathBuf,
    /// Order of the slots; `None`: from the clock.
    pub seed: Option<u64>,
    /// Peer: its name in the table.
    pub name: String,
    /// Peer: the path to ask for.
    pub path: String,
    /// Further request fields for every row, `name: value`.
    pub fields: Vec<String>,
    /// Peer: the port it listens on; `None`: `{port}` in the command line is replaced by a free one.
    pub port: Option<u16>,
    /// Peer: the command line to compare under (`hello`, `pipelined`, `per-connection`).
    pub row: Command,
    /// What stands behind `--`: the peer's command line.
    pub trailing: Vec<String>,
}

/// The text of `--help`.
pub const HELP: &str = "\
hc-bench: CPU time per request of the reference server, against a minimal epoll floor and nginx

usage: hc-bench [COMMAND] [OPTIONS] [-- COMMAND LINE OF A SERVER]

commands (none: hello, then parked)
  hello           keep-alive, access log off
  hello-log       keep-alive, access log on
  pipelined       batches of --pipeline requests
  per-connection  a connection per request
  parked          --connections requests asleep at once: memory, threads, lateness
  scaling         1 worker against 2, with a module that burns CPU (or a server behind `--`:
                  {workers} and {port} in its command line are replaced)
  resources       1,000 connections that share --members connections to PostgreSQL, against a thread per
                  connection, and uvicorn with asyncpg
  partition       one partition that floods, with and without the gate: what the others see of it
  query           what one operation on a resource costs, beside a hello and the driver inside the module
  leaving         a client leaves in the middle of a query: time until its connection is free
  instructions    user-space instructions per request (valgrind)
  syscalls        system calls per request (strace)
  peer            the server behind `--` ({port} is replaced), beside the floor and nginx

options
  --seconds S       length of a slot (2)
  --rounds N        rounds, one slot per row in each (7)
  --connections N   connections of the load generator (64; parked: 10000; resources: 1000)
  --pipeline N      requests in a pipelined batch (16)
  --members N       connections to the database, of each server (4)
  --runs N          leaving: clients that leave (100)
  --sleep-ms N      time a parked request sleeps (1000)
  --burst           parked: send all requests at once, not evenly over the sleep
  --server-core N   CPU of the servers (the last one allowed)
  --load-core N     CPU of the load generator (the first one allowed)
  --target DIR      build directory ($CARGO_TARGET_DIR, or target); results go to DIR/bench
  --seed N          order of the slots (from the clock; printed)
  --field 'N: V'    one more field in every request; may be repeated
  --row ROW         peer: hello, pipelined or per-connection (hello)
  --name NAME       peer: its name in the table
  --path PATH       peer: the path to ask for (/)
  --port N          peer: the port it listens on, when {port} is not in its command line
";

/// Parses the arguments after the program's name. `Ok(None)`: help was asked for.
pub fn parse(arguments: &[String], default_target: PathBuf) -> Result<Option<Options>, String> {
    let mut options = Options {
        command: Command::Short,
        seconds: 2.0,
        rounds: 7,
        connections: None,
        pipeline: 16,
        members: 4,
        runs: 100,
        sleep_ms: 1000,
        burst: false,
        server_core: None,
        load_core: None,
        target: default_target,
        seed: None,
        name: "peer".to_owned(),
        path: "/".to_owned(),
        fields: Vec::new(),
        port: None,
        row: Command::Hello,
        trailing: Vec::new(),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--help" | "-h" | "help" => return Ok(None),
            "--burst" => options.burst = true,
            "--" => {
                options.trailing = rest.cloned().collect();
                break;
            }
            name if name.starts_with("--") => {
                let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
                set(&mut options, name, value)?;
            }
            name if options.command == Command::Short => options.command = command(name)?,
            extra => return Err(format!("`{extra}` is one command too many")),
        }
    }
    check(&options)?;
    Ok(Some(options))
}

fn command(name: &str) -> Result<Command, String> {
    Ok(match name {
        "hello" => Command::Hello,
        "hello-log" => Command::HelloLog,
        "pipelined" => Command::Pipelined,
        "per-connection" => Command::PerConnection,
        "parked" => Command::Parked,
        "scaling" => Command::Scaling,
        "resources" => Command::Resources,
        "partition" => Command::Partition,
        "query" => Command::Query,
        "leaving" => Command::Leaving,
        "instructions" => Command::Instructions,
        "syscalls" => Command::Syscalls,
        "peer" => Command::Peer,
        _ => return Err(format!("`{name}` is not a command (hc-bench --help lists them)")),
    })
}

fn set(options: &mut Options, name: &str, value: &str) -> Result<(), String> {
    match name {
        "--seconds" => options.seconds = number(name, value)?,
        "--rounds" => options.rounds = number(name, value)?,
        "--connections" => options.connections = Some(number(name, value)?),
        "--pipeline" => options.pipeline = number(name, value)?,
        "--members" => options.members = number(name, value)?,
        "--runs" => options.runs = number(name, value)?,
        "--sleep-ms" => options.sleep_ms = number(name, value)?,
        "--server-core" => options.server_core = Some(number(name, value)?),
        "--load-core" => options.load_core = Some(number(name, value)?),
        "--seed" => options.seed = Some(number(name, value)?),
        "--port" => options.port = Some(number(name, value)?),
        "--target" => options.target = PathBuf::from(value),
        "--row" => options.row = command(value)?,
        "--name" => value.clone_into(&mut options.name),
        "--path" => value.clone_into(&mut options.path),
        "--field" => options.fields.push(value.to_owned()),
        _ => return Err(format!("`{name}` is not an option (hc-bench --help lists them)")),
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}: `{value}` is not a number that fits"))
}

fn check(options: &Options) -> Result<(), String> {
    let positive = options.seconds > 0.0 && options.seconds.is_finite();
    let counts = [options.rounds, options.pipeline, options.members, options.runs];
    if !positive || counts.contains(&0) || options.connections == Some(0) {
        let text = "--seconds, --rounds, --pipeline, --members, --runs and --connections must be above zero";
        return Err(text.to_owned());
    }
    if options.command == Command::Peer {
        if options.trailing.is_empty() {
            return Err("peer: the server's command line belongs behind `--`".to_owned());
        }
        if options.port.is_none() && !options.trailing.iter().any(|part| part.contains("{port}")) {
            return Err("peer: give --port, or write {port} in the command line".to_owned());
        }
        if !matches!(options.row, Command::Hello | Command::Pipelined | Command::PerConnection) {
            return Err("peer: --row is hello, pipelined or per-connection".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Options>, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&arguments, PathBuf::from("target"))
    }

    #[test]
    fn no_command_is_the_short_run_with_the_method_s_defaults() {
        let options = parsed("").expect("valid").expect("not help");
        assert_eq!((options.command, options.rounds, options.connections), (Command::Short, 7, None));
        assert!((options.seconds - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn options_may_stand_before_and_behind_the_command() {
        let options = parsed("--rounds 9 parked --connections 500 --burst --target out").expect("valid");
        let options = options.expect("not help");
        assert_eq!((options.command, options.rounds, options.burst), (Command::Parked, 9, true));
        assert_eq!((options.connections, options.target), (Some(500), PathBuf::from("out")));
    }

    #[test]
    fn a_peer_is_what_stands_behind_the_dashes() {
        let options = parsed("peer --name x --row pipelined -- server --listen 127.0.0.1:{port} --help");
        let options = options.expect("valid").expect("not help");
        assert_eq!(options.trailing, ["server", "--listen", "127.0.0.1:{port}", "--help"]);
        assert_eq!(options.row, Command::Pipelined);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let cases = [
            ("fast", "`fast` is not a command"),
            ("hello parked", "one command too many"),
            ("--speed 3", "`--speed` is not an option"),
            ("--rounds", "--rounds needs a value"),
            ("--rounds x", "`x` is not a number"),
            ("--seconds 0", "above zero"),
            ("--seconds inf", "above zero"),
            ("--port 70000", "not a number that fits"),
            ("peer", "behind `--`"),
            ("peer -- server", "{port}"),
            ("peer --row parked -- server {port}", "--row is"),
        ];
        for (line, expected) in cases {
            let message = parsed(line).expect_err(line);
            assert!(message.contains(expected), "{line}: {message}");
        }
        assert_eq!(parsed("hello --help"), Ok(None));
    }
}
