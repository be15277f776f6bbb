//! Configuration files: every bad one with its exact complaint, good ones with what they mean.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hc_server::config::{
    AccessFormat, Config, ErrorFormat, GateConfig, HalfClose, HostPattern, Limits, Listen, LogConfig,
    LogLevel, LogTarget, PartitionConfig, PartitionKey, ProviderSource, ResourceConfig, ResourceKind,
    RouteConfig, StatusPeers, Timeouts, UNLIMITED,
};
use proptest::prelude::*;

/// Complaints name the file as it was named to `Config::parse`: here without its folder.
#[test]
fn every_bad_file_has_its_complaint() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad-configs");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let mut errors = Config::read(&file).expect_err(name);
        errors.file = file.file_name().unwrap().into();
        insta::assert_snapshot!(format!("bad-{name}"), errors.to_string());
    }
}

#[test]
fn a_file_that_is_not_there() {
    let errors = Config::read(Path::new("no/such/file.toml")).unwrap_err();
    insta::assert_snapshot!(errors.to_string(), @r"
    no/such/file.toml: cannot be read: No such file or directory (os error 2)
      help: name the configuration file that you mean, and let the server's user read it

    1 error
    ");
}

fn read(text: &str) -> Config {
    Config::parse(text, Path::new("etc/hc.toml")).unwrap_or_else(|errors| panic!("{errors}"))
}

const SMALLEST: &str =
    "[[module]]\nname = \"hello\"\npath = \"hello.so\"\n[[route]]\npath = \"/\"\nmodule = \"hello\"\n";

#[test]
fn the_smallest_file_has_the_defaults() {
    let config = read(SMALLEST);
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:8080".parse().unwrap())]);
    assert_eq!(config.workers, std::thread::available_parallelism().unwrap().get());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.timeouts, Timeouts::default());
    assert_eq!(config.log, LogConfig::default());
    assert_eq!(config.status, None);
    assert_eq!(config.modules[0].path, Path::new("etc/hello.so"));
    assert_eq!(config.modules[0].config_json, "{}");
    let route = &config.routes[0];
    assert_eq!((route.host.as_ref(), route.path.as_str(), &*route.modules), (None, "/", &[0][..]));
    assert_eq!((route.body_bytes, route.deadline), (UNLIMITED, Duration::from_secs(60)));
    assert_eq!((route.cancel_grace, route.half_close), (Duration::ZERO, HalfClose::Cancel));
    assert_eq!((&route.gates, config.resources.len()), (&GateConfig::default(), 0));
    assert_eq!(route.declared.unwrap().to_string(), "4:1");
}

/// Says every key.
const EVERYTHING: &str = r#"
listen = ["[::1]:0", "unix:hc.sock", "localhost:81"]
workers = 3
[limits]
request_line_bytes = 8000
head_bytes = "16 KiB"
field_count = 64
body_bytes = "1 GiB"
connections = 0x10
respond_bytes = 0
operations_per_task = 8
tasks_per_module = 9
pipelined_bytes = "0"
unread_body_bytes = 7
blocking_threads = 1
blocking_queue = 2
offload_threads = 3
offload_queue = 4
[timeouts]
header_ms = 1
body_ms = 2
idle_ms = 3
write_ms = 4
request_ms = 5_000
drain_ms = 0
background_ms = 6
linger_ms = 0
[log]
access = "json"
access_path = "stderr"
error_path = "/var/log/hc/error.log"
error_format = "json"
level = "trace"
[status]
path = "/counters"
listen = "127.0.0.1:9901"
peers = "any"
[[module]]
name = "auth"
path = "/opt/auth.so"
isolation = "shared"
config = { realm = "x", deep = { list = [-1, 2.5, true, 1979-05-27, 0xffff_ffff_ffff_ffff] } }
[[module]]
name = "app"
path = "../app.so"
[resource."main"]
kind = "postgres"
url = "postgres://me:hunter2@db.example/main?sslmode=require"
min = 1
max = 5
max_waiting = 0
acquire_timeout_ms = 2
idle_timeout_s = 3
max_lifetime_s = 4
member_timeout_ms = 5
test_on_acquire = false
[resource."cache"]
path = "lib/cache.so"
config = { password = "hunter2", deep = { secret = ["hunter2"] } }
[[route]]
host = "*.Example.org"
path = "/api/"
modules = ["auth", "app"]
body_bytes = 10
deadline_ms = 1
cancel_grace_ms = 2
half_close = "wait"
body = "complete"
partition = { key = "header:X-Tenant", concurrent = 2, max_waiting = 3, timeout_ms = 4 }
resources = ["cache", "main", "main"]
[[route]]
path = "/"
module = "app"
body = "complete"
"#;

#[test]
fn everything_about_the_server_can_be_said() {
    let config = read(EVERYTHING);
    let listen: Vec<String> = config.listen.iter().map(Listen::to_string).collect();
    assert_eq!(listen, ["[::1]:0", "unix:etc/hc.sock", "127.0.0.1:81"]);
    assert_eq!(config.workers, 3);
    let limits = Limits {
        request_line_bytes: 8000,
        head_bytes: 16_384,
        field_count: 64,
        body_bytes: 1 << 30,
        connections: 16,
        respond_bytes: 0,
        operations_per_task: 8,
        tasks_per_module: 9,
        pipelined_bytes: 0,
        unread_body_bytes: 7,
        blocking_threads: 1,
        blocking_queue: 2,
        offload_threads: 3,
        offload_queue: 4,
    };
    assert_eq!(config.limits, limits);
    let ms = Duration::from_millis;
    let timeouts = Timeouts {
        header: ms(1),
        body: ms(2),
        idle: ms(3),
        write: ms(4),
        request: ms(5000),
        drain: ms(0),
        background: ms(6),
        linger: ms(0),
    };
    assert_eq!(config.timeouts, timeouts);
    let log = LogConfig {
        access: Some(AccessFormat::Json),
        access_target: LogTarget::StandardError,
        error_target: LogTarget::File("/var/log/hc/error.log".into()),
        error_format: ErrorFormat::Json,
        level: LogLevel::Trace,
    };
    assert_eq!(config.log, log);
    let status = config.status.as_ref().unwrap();
    assert_eq!((status.path.as_str(), status.peers), ("/counters", StatusPeers::Any));
    assert_eq!(status.listen, Some(Listen::Tcp("127.0.0.1:9901".parse().unwrap())));
}

#[test]
fn everything_about_modules_and_routes_can_be_said() {
    let config = read(EVERYTHING);
    let ms = Duration::from_millis;
    assert_eq!(config.modules[0].path, Path::new("/opt/auth.so"));
    assert_eq!(
        config.modules[0].config_json,
        r#"{"deep":{"list":[-1,2.5,true,"1979-05-27",18446744073709551615]},"realm":"x"}"#
    );
    assert_eq!(config.modules[1].path, Path::new("etc/../app.so"));
    let route = &config.routes[0];
    assert_eq!(route.host, Some(HostPattern::Below("example.org".to_owned())));
    assert_eq!((route.label().as_str(), &*route.modules), ("*.example.org/api/", &[0, 1][..]));
    assert_eq!((route.body_bytes, route.deadline, route.cancel_grace), (10, ms(1), ms(2)));
    assert_eq!(route.half_close, HalfClose::Wait);
    assert_eq!(config.routes[1].body_bytes, 1 << 30);
    assert_eq!(config.routes[1].deadline, ms(5000));
}

#[test]
fn everything_about_resources_can_be_said() {
    let config = read(EVERYTHING);
    let (main, cache) = (&config.resources[0], &config.resources[1]);
    let expect = ResourceConfig {
        name: "main".to_owned(),
        provider: ProviderSource::BuiltIn(ResourceKind::Postgres),
        config_json: r#"{"url":"postgres://me:hunter2@db.example/main?sslmode=require"}"#.to_owned(),
        min: 1,
        max: 5,
        max_waiting: 0,
        acquire_timeout: Duration::from_millis(2),
        idle_timeout: Duration::from_secs(3),
        max_lifetime: Duration::from_secs(4),
        member_timeout: Duration::from_millis(5),
        test_on_acquire: false,
        declared: main.declared,
    };
    assert_eq!(main, &expect);
    assert_eq!(cache.provider, ProviderSource::Library("etc/lib/cache.so".into()));
    assert_eq!(cache.config_json, r#"{"deep":{"secret":["hunter2"]},"password":"hunter2"}"#);
    assert_eq!((cache.min, cache.max, cache.max_waiting), (0, 4, 1024));
    assert_eq!(
        (cache.acquire_timeout, cache.member_timeout),
        (Duration::from_secs(5), Duration::from_secs(5))
    );
    assert_eq!(
        (cache.idle_timeout, cache.max_lifetime),
        (Duration::from_secs(300), Duration::from_secs(3600))
    );
    assert!(cache.test_on_acquire);
}

#[test]
fn everything_about_gates_can_be_said() {
    let config = read(EVERYTHING);
    let gates = |route: usize| config.routes[route].gates.clone();
    let partition = PartitionConfig {
        key: PartitionKey::Header("x-tenant".to_owned()),
        concurrent: 2,
        max_waiting: 3,
        timeout: Duration::from_millis(4),
    };
    let all = GateConfig { whole_body_bytes: Some(10), partition: Some(partition), resources: vec![1, 0, 0] };
    assert_eq!(gates(0), all);
    let some = GateConfig { whole_body_bytes: Some(1 << 30), ..GateConfig::default() };
    assert_eq!(gates(1), some);
    let single = read(&format!("{SMALLEST}resource = \"a\"\n[resource.a]\nkind = \"limit\"\n"));
    assert_eq!(single.routes[0].gates.resources, [0]);
    let smallest = read(&format!("{SMALLEST}body = \"complete\"\npartition.key = \"path:2\"\n"));
    let partition = PartitionConfig {
        key: PartitionKey::Path(2),
        concurrent: 1,
        max_waiting: 100,
        timeout: Duration::from_secs(5),
    };
    let gates =
        GateConfig { whole_body_bytes: Some(16 << 20), partition: Some(partition), resources: Vec::new() };
    assert_eq!(smallest.routes[0].gates, gates);
}

/// The rank of a resource is its place in the file, whatever its name and however its table is written.
#[test]
fn resources_keep_the_order_of_the_file() {
    let tables = concat!(
        "[resource.z]\nkind = \"limit\"\n[resource.m]\nkind = \"memory\"\n[resource.a]\nkind = \"limit\"\n",
        "[resource.n.config]\nx = 1\n[resource.n]\nkind = \"memory\"\n",
    );
    let names = |text: &str| -> Vec<String> {
        read(text).resources.into_iter().map(|resource| resource.name).collect()
    };
    assert_eq!(names(&format!("{tables}{SMALLEST}")), ["z", "m", "a", "n"]);
    assert_eq!(names(&format!("{SMALLEST}{tables}")), ["z", "m", "a", "n"]);
    let inline = "resource = { z = { kind = \"limit\" }, b = { kind = \"limit\" } }\n";
    assert_eq!(names(&format!("{inline}{SMALLEST}")), ["z", "b"]);
}

#[test]
fn databases_are_relative_to_the_folder_of_the_file() {
    for (url, expect) in [
        ("sqlite:notes.db", "sqlite:etc/notes.db"),
        ("sqlite:../a b.db?mode=ro", "sqlite:etc/../a b.db?mode=ro"),
        ("sqlite:/var/notes.db", "sqlite:/var/notes.db"),
        ("sqlite:///var/notes.db", "sqlite:///var/notes.db"),
        ("sqlite://notes.db", "sqlite:etc/notes.db"),
        ("sqlite::memory:", "sqlite::memory:"),
        ("sqlite::memory:?mode=rw", "sqlite::memory:?mode=rw"),
    ] {
        let config = read(&format!("{SMALLEST}[resource.db]\nkind = \"sqlite\"\nurl = \"{url}\"\n"));
        assert_eq!(config.resources[0].config_json, format!("{{\"url\":\"{expect}\"}}"), "{url}");
    }
    let text = format!("{SMALLEST}[resource.db]\nkind = \"sqlite\"\nurl = \"sqlite:x.db\"\n");
    let config = Config::parse(&text, Path::new("/50% \u{fc}?/hc.toml")).unwrap();
    assert_eq!(config.resources[0].config_json, r#"{"url":"sqlite:/50%25 %C3%BC%3F/x.db"}"#);
}

/// What may be a secret is in no complaint, not even in one about the same line [configuration.secret].
#[test]
fn complaints_tell_no_secrets() {
    for wrong in [
        "kind = \"postgres\"\nurl = \"mysql://me:hunter2@x/y\"",
        "kind = \"memory\"\nurl = \"redis://:hunter2@x\"",
        "kind = \"redis\"\nurl = [\"redis://:hunter2@x\"]",
        "path = \"x.so\"\nconfig = { password = \"hunter2\", ratio = nan }",
        "path = \"x.so\"\nconfig = \"hunter2\"",
        "path = \"x.so\"\nconfig = { url = \"a:hunter2@x\" }",
        "kind = \"redis\"\nurl = \"redis://:hunter2@x\nmax = 3",
    ] {
        let text = format!("{SMALLEST}[resource.db]\n{wrong}\n");
        let errors = Config::parse(&text, Path::new("hc.toml")).expect_err(wrong).to_string();
        assert!(!errors.contains("hunter2"), "{errors}");
    }
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_read() {
    let config = read(&format!("\u{feff}{}", SMALLEST.replace('\n', "\r\n")));
    assert_eq!(config.modules.len(), 1);
}

/// The example in the package says every key (`EVERYTHING` does too), most of them as comments `# key = value`; those of
/// the server's own tables are the defaults.
#[test]
fn the_example_file_says_every_key_and_the_defaults() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("hc-server.example.toml");
    let text = fs::read_to_string(&file).unwrap();
    Config::parse(&text, &file).unwrap_or_else(|errors| panic!("{errors}"));
    let uncommented: String =
        text.lines().map(|line| setting(line).unwrap_or(line).to_owned() + "\n").collect();
    let full = Config::parse(&uncommented, &file).unwrap_or_else(|errors| panic!("{errors}"));
    let smallest = read(SMALLEST);
    assert_eq!((&full.limits, &full.timeouts), (&smallest.limits, &smallest.timeouts));
    assert_eq!((&full.listen, &full.log), (&smallest.listen, &smallest.log));
    let said = |route: &RouteConfig| (route.deadline, route.cancel_grace, route.half_close);
    assert_eq!(said(&full.routes[1]), said(&smallest.routes[0]));
    let bare = read(&format!("{SMALLEST}[resource.db]\nkind = \"sqlite\"\nurl = \"sqlite:/x\"\n"));
    let said = |config: &Config| {
        let ResourceConfig { min, max, max_waiting, acquire_timeout, idle_timeout, .. } = config.resources[0];
        let ResourceConfig { max_lifetime, member_timeout, test_on_acquire, .. } = config.resources[0];
        (min, max, max_waiting, acquire_timeout, idle_timeout, max_lifetime, member_timeout, test_on_acquire)
    };
    assert_eq!(said(&full), said(&bare));
    let bare = read(&format!("{SMALLEST}partition.key = \"path:1\"\n"));
    assert_eq!(full.routes[1].gates.partition, bare.routes[0].gates.partition);
    let keys = EVERYTHING.lines().filter_map(|line| line.split(" = ").next().filter(|key| is_key(key)));
    for key in keys {
        assert!(
            uncommented.lines().any(|line| line.starts_with(&format!("{key} = "))),
            "`{key}` is not in the example"
        );
    }
}

/// The setting that a commented line of the example holds.
fn setting(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("# ")?;
    let key = bare.split(" = ").next().filter(|key| key.len() < bare.len() && is_key(key));
    (key.is_some() || bare.starts_with('[')).then_some(bare)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

proptest! {
    /// A file that was damaged anywhere is read or complained of, and each complaint points into it.
    #[test]
    fn a_damaged_file_is_never_too_much(
        at in any::<proptest::sample::Index>(),
        length in 0_usize..12,
        damage in "[\\[\\]{}=\"'#.,\n\t \u{fc}0-9a-z-]{0,6}",
    ) {
        let lines = EVERYTHING.len();
        let start = at.index(lines);
        let end = (start + length).min(lines);
        let text = format!("{}{damage}{}", &EVERYTHING[..start], &EVERYTHING[end..]);
        if let Err(errors) = Config::parse(&text, Path::new("damaged.toml")) {
            prop_assert!(!errors.errors.is_empty());
            for error in &errors.errors {
                if let Some(position) = error.position {
                    let line = text.split('\n').nth(position.line - 1).expect("the line is there");
                    prop_assert!(position.column <= line.chars().count() + 1, "{}", errors);
                }
            }
        }
    }
}
