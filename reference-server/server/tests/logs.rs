//! The logs on real files: whole lines from many threads, opening anew, and a disk that is full.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use hc_server::config::{AccessFormat, ErrorFormat, LogConfig, LogLevel, LogTarget};
use hc_server::log::{AccessRecord, DateCache, Logs, Remote};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn config(access: &Path, error: &Path) -> LogConfig {
    LogConfig {
        access: Some(AccessFormat::Common),
        access_target: LogTarget::File(access.to_owned()),
        error_target: LogTarget::File(error.to_owned()),
        error_format: ErrorFormat::Text,
        level: LogLevel::Info,
    }
}

fn record(target: &[u8]) -> AccessRecord<'_> {
    AccessRecord {
        remote: Remote::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        method: b"GET",
        target,
        version: 11,
        status: 200,
        body_bytes: 5,
        duration: Duration::ZERO,
        referer: None,
        user_agent: None,
        host: None,
        module: None,
        route: None,
        request: 1,
        outcome: "done",
    }
}

#[test]
fn lines_of_many_workers_stay_whole() {
    let folder = folder("whole_lines");
    let (access, error) = (folder.join("access.log"), folder.join("error.log"));
    let logs = Logs::open(&config(&access, &error)).unwrap();
    thread::scope(|scope| {
        for worker in 0..4 {
            let logs = logs.clone();
            scope.spawn(move || {
                let mut writer = logs.access.writer().expect("the log is on");
                let clock = DateCache::new(0);
                for number in 0..2000 {
                    let target = format!("/{worker}/{number}/{}", "x".repeat(number % 90));
                    writer.record(&record(target.as_bytes()), &clock);
                    if number % 64 == 0 {
                        writer.flush();
                    }
                    logs.error.write(LogLevel::Info, &[("worker", &worker)], "one of many");
                    logs.error.write(LogLevel::Debug, &[], "not wanted");
                }
            });
        }
    });
    let text = fs::read_to_string(&access).unwrap();
    for worker in 0..4 {
        let own = |line: &&str| line.contains(&format!("\"GET /{worker}/"));
        assert_eq!(text.lines().filter(own).count(), 2000, "worker {worker}");
    }
    let whole = |line: &str| line.starts_with("127.0.0.1 - - [") && line.ends_with(" HTTP/1.1\" 200 5");
    assert_eq!(text.lines().find(|line| !whole(line)), None);
    let text = fs::read_to_string(&error).unwrap();
    assert_eq!(text.lines().filter(|line| line.ends_with(" one of many")).count(), 8000);
    assert_eq!(text.lines().count(), 8000);
}

#[test]
fn reopening_goes_on_in_a_new_file() {
    let folder = folder("reopen");
    let (access, error) = (folder.join("access.log"), folder.join("error.log"));
    let logs = Logs::open(&config(&access, &error)).unwrap();
    let mut writer = logs.access.writer().unwrap();
    let clock = DateCache::new(0);
    writer.record(&record(b"/before"), &clock);
    writer.flush();
    logs.error.write(LogLevel::Warn, &[], "before");
    fs::rename(&access, folder.join("access.old")).unwrap();
    fs::rename(&error, folder.join("error.old")).unwrap();
    writer.record(&record(b"/moved"), &clock);
    writer.flush();
    logs.reopen().unwrap();
    writer.record(&record(b"/after"), &clock);
    writer.flush();
    logs.error.write(LogLevel::Warn, &[], "after");
    let targets = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        text.lines().map(|line| line.split(' ').nth(6).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(targets("access.old"), ["/before", "/moved"]);
    assert_eq!(targets("access.log"), ["/after"]);
    assert!(fs::read_to_string(folder.join("error.old")).unwrap().ends_with(" warn before\n"));
    assert!(fs::read_to_string(&error).unwrap().ends_with(" warn after\n"));
    assert_eq!(fs::read_to_string(&error).unwrap().lines().count(), 1);
}

#[test]
fn a_failed_reopening_keeps_the_old_file() {
    let folder = folder("reopen_fails");
    let below = folder.join("below");
    fs::create_dir(&below).unwrap();
    let logs = Logs::open(&config(&below.join("access.log"), &folder.join("error.log"))).unwrap();
    let moved = folder.join("moved");
    fs::rename(&below, &moved).unwrap();
    let error = logs.reopen().unwrap_err().to_string();
    assert!(error.contains("below/access.log`: No such file"), "{error}");
    assert!(error.ends_with("; make its folder first"), "{error}");
    let mut writer = logs.access.writer().unwrap();
    writer.record(&record(b"/kept"), &DateCache::new(0));
    drop(writer);
    assert!(fs::read_to_string(moved.join("access.log")).unwrap().contains("/kept"));
}

#[test]
fn a_full_disk_is_counted_and_told_once() {
    let folder = folder("full");
    let error = folder.join("error.log");
    let logs = Logs::open(&config(Path::new("/dev/full"), &error)).unwrap();
    let mut writer = logs.access.writer().unwrap();
    for _ in 0..3 {
        writer.record(&record(b"/lost"), &DateCache::new(0));
        writer.record(&record(b"/lost"), &DateCache::new(0));
        writer.flush();
    }
    assert_eq!(logs.access.lost_lines(), 6);
    let text = fs::read_to_string(&error).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains(" error error=\"No space left on device (os error 28)\" the access log cannot"),
        "{text}"
    );
}
