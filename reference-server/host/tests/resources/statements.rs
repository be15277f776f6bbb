//! `hc.sql/1`: what is answered, how rows come, how a statement ends.

use crate::support::{Plan, Rig, same};
use http_container_abi::{SqlValue, Status};

/// A task that holds the one member and does that.
fn holding(script: &str) -> Rig {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.request("acquire 1 db none L; yield | release L clean; respond 200; done");
    rig.log();
    rig.request(&format!("acquire 1 db 0 L; {script}"));
    rig
}

/// What the task's lines were, without its start and end.
#[track_caller]
fn check(script: &str, expect: &str) {
    let mut rig = holding(&format!("{script} release L clean; respond 200; done"));
    let log = rig.log_of(&["a"]);
    let lines: Vec<&str> = log.lines().skip(2).filter(|line| !line.contains("release")).collect();
    let lines = &lines[..lines.len() - 2];
    same(&lines.join("\n"), expect);
    rig.end();
}

#[test]
fn a_statement_without_columns_is_over_with_its_event() {
    for answer in ["ok:3", "c:/ok:3"] {
        check(
            &format!("query 2 L {answer}; yield | columns L; rows 3 L; rows 3 L; outcome L;"),
            &format!(
                "a query 2 L {answer} = HC_PENDING
                 a resume SQL#2 HC_OK 0
                 a columns L = []
                 a rows 3 L = HC_END
                 a rows 3 L = HC_END
                 a outcome L = HC_OK 3 [] []"
            ),
        );
    }
}

#[test]
fn the_event_comes_with_the_columns_and_rows_as_they_are_read() {
    let mut rig = holding(
        "outcome L; rows 3 L; columns L; query 2 L c:n,t/hold/r:1,null/hold/r:2,true/ok:2; yield
         | columns L; outcome L; rows 3 L; yield
         | rows 3 L; rows 3 L; yield | rows 3 L; outcome L; rows 3 L; outcome L; release L clean; respond 200; done",
    );
    let host = rig.world.host("db");
    rig.world.complete(&host, "hold-db1", 103, Status::OK, 0);
    rig.run();
    rig.world.complete(&host, "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a outcome L = HC_E_STATE
         a rows 3 L = HC_E_STATE
         a columns L = HC_E_STATE
         a query 2 L c:n,t/hold/r:1,null/hold/r:2,true/ok:2 = HC_PENDING
         a resume SQL#2 HC_OK 0
         a columns L = [n, t]
         a outcome L = HC_E_STATE
         a rows 3 L = HC_PENDING
         a resume SQL_ROWS#3 HC_OK 0
         a rows 3 L = 2 [1, null]
         a rows 3 L = HC_PENDING
         a resume SQL_ROWS#3 HC_OK 0
         a rows 3 L = 2 [2, Bool(true)]
         a outcome L = HC_E_STATE
         a rows 3 L = HC_END
         a outcome L = HC_OK 2 [] []
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn a_statement_that_is_refused_says_why() {
    check(
        "query 2 L fail:23505,twice; yield | rows 3 L; columns L; outcome L; query 2 L ok; yield | outcome L;",
        "a query 2 L fail:23505,twice = HC_PENDING
         a resume SQL#2 HC_E_FAILED 0
         a rows 3 L = HC_E_STATE
         a columns L = HC_E_STATE
         a outcome L = HC_E_FAILED 0 [23505] [twice]
         a query 2 L ok = HC_PENDING
         a resume SQL#2 HC_OK 0
         a outcome L = HC_OK 0 [] []",
    );
}

#[test]
fn the_outcome_of_the_last_statement_is_gone_while_the_next_one_runs() {
    check(
        "query 2 L fail:42601,no; yield | query 2 L c:n/ok; outcome L; columns L; yield | outcome L; rows 3 L; outcome L;",
        "a query 2 L fail:42601,no = HC_PENDING
         a resume SQL#2 HC_E_FAILED 0
         a query 2 L c:n/ok = HC_PENDING
         a outcome L = HC_E_STATE
         a columns L = HC_E_STATE
         a resume SQL#2 HC_OK 0
         a outcome L = HC_E_STATE
         a rows 3 L = HC_END
         a outcome L = HC_OK 0 [] []",
    );
}

#[test]
fn one_that_fails_on_the_way_gives_its_rows_and_then_the_failure_for_ever() {
    check(
        "query 2 L c:n/r:1/r:2/fail:57014,stopped; yield | rows 3 L; outcome L; rows 3 L; rows 3 L; outcome L; columns L;
         query 2 L ok; yield |",
        "a query 2 L c:n/r:1/r:2/fail:57014,stopped = HC_PENDING
         a resume SQL#2 HC_OK 0
         a rows 3 L = 2 [1, 2]
         a outcome L = HC_E_STATE
         a rows 3 L = HC_E_FAILED
         a rows 3 L = HC_E_FAILED
         a outcome L = HC_E_FAILED 0 [57014] [stopped]
         a columns L = [n]
         a query 2 L ok = HC_PENDING
         a resume SQL#2 HC_OK 0",
    );
}

#[test]
fn what_a_provider_may_not_say_is_told_as_a_failure() {
    let told = [(-1, "HC_E_FAILED"), (-16, "HC_E_RESOURCE"), (-8, "HC_E_CANCELLED"), (-9, "HC_E_LIMIT")];
    let others = [-5, -7, -10, -19, -101, -2_000].map(|number| (number, "HC_E_FAILED"));
    for (number, name) in told.into_iter().chain(others) {
        let mut rig = holding(&format!(
            "query 2 L status:{number}; yield | outcome L; release L clean; respond 200; done"
        ));
        let log = rig.log_of(&["a"]);
        assert!(
            log.contains(&format!("a resume SQL#2 {name} 0\na outcome L = {name} 0 [] []")),
            "{number}: {log}"
        );
        rig.end();
    }
}

#[test]
fn a_message_is_cut_and_the_rest_is_handed_on() {
    let long = "x".repeat(9_000);
    let mut rig = holding(&format!(
        "query 2 L fail:23505,{long}; yield | outcome L; release L clean; respond 200; done"
    ));
    assert!(rig.log_of(&["a"]).contains("a outcome L = HC_E_FAILED 0 [23505] [8192 bytes]"));
    rig.end();
}

#[test]
fn who_does_not_read_holds_the_member_back() {
    let mut rig = holding(
        "query 2 L c:n/n:20000,100/ok:20000; yield | completion 9 go; yield | rows 3 L; rows 3 L; again; yield",
    );
    let log = rig.log_of(&["db1"]);
    let accepted = |log: &str| -> Vec<u64> {
        let lines = log.lines().filter(|line| line.starts_with("db1 n:"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
    };
    let first = accepted(&log)[0];
    assert!(log.contains("HC_PENDING") && (100..10_000).contains(&first), "{log}");
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    let log = rig.log_of(&["a", "db1"]);
    let counts = accepted(&log);
    assert_eq!(first + counts.iter().sum::<u64>(), 20_000, "every row is taken once");
    assert!(counts.iter().all(|count| *count <= first), "no more than there is room for: {counts:?}");
    let read: u64 = log
        .lines()
        .filter_map(|line| line.strip_prefix("a rows 3 L = "))
        .filter_map(|line| line.split(' ').next().unwrap().parse::<u64>().ok())
        .sum();
    assert_eq!(read, 20_000, "and read once");
    assert_eq!(log.matches("db1 resume MEMBER_ROOM#102 HC_OK 0").count(), counts.len());
    assert!(log.contains("a rows 3 L = HC_END"));
    rig.end();
}

#[test]
fn one_row_has_room_however_large_it_is() {
    let mut rig = holding(
        "query 2 L c:n/n:3,1000000/ok; yield | rows 3 L; rows 3 L; yield | rows 3 L; rows 3 L; yield | rows 3 L; rows 3 L; release L clean; respond 200; done",
    );
    let log = rig.log_of(&["a", "db1"]);
    assert_eq!(log.matches("rows 3 L = 1 [1000000 bytes]").count(), 3, "{log}");
    rig.end();
}

#[test]
fn statements_and_their_values_are_checked_before_they_are_handed_on() {
    let mut rig = holding("probe check; release L clean; respond 200; done");
    rig.log();
    let world = std::sync::Arc::clone(&rig.world);
    let check = move |host: &http_container_abi::HostRef, task| {
        let (sql, lease) = (host.sql().unwrap(), world.handle("L"));
        let many = vec![SqlValue::Null; 1_001];
        assert_eq!(sql.query(task, lease, 2, 0, "a\0b", &[]), Status::E_INVALID);
        assert_eq!(sql.query(task, lease, 2, 1 << 9, "ok", &[]), Status::E_UNSUPPORTED);
        assert_eq!(
            sql.query(task, lease, 2, 2, "ok", &[SqlValue::Null]),
            Status::E_INVALID,
            "a script has no values"
        );
        assert_eq!(sql.query(task, lease, 2, 0, "ok", &many), Status::E_LIMIT);
        let large = "x".repeat((16 << 20) + 1);
        assert_eq!(sql.query(task, lease, 2, 0, &large, &[]), Status::E_LIMIT);
        assert_eq!(sql.transaction(task, lease, 2, 9), Status::E_INVALID);
        let exact = [
            SqlValue::Int64(i64::MIN),
            SqlValue::Float64(f64::from_bits(0x7ff8_0000_0000_0001)),
            SqlValue::Text("\u{0}z"),
            SqlValue::Bytes(b"\x00\xff"),
            SqlValue::Bool(false),
            SqlValue::Null,
        ];
        assert_eq!(sql.query(task, lease, 2, 1, "ok", &exact), Status::PENDING);
    };
    rig.world.probe("check", Box::new(check));
    rig.request("acquire 1 db 0 L; probe check; yield | release L clean; respond 200; done");
    let log = rig.log_of(&["db1"]);
    let expect = "statement ok Int64(-9223372036854775808) Float64(NaN) Text(\"\\0z\") Bytes([0, 255]) Bool(false) Null";
    assert!(log.contains(expect), "{log}");
    assert_eq!(log.matches("statement").count(), 1, "{log}");
    rig.end();
}

#[test]
fn a_script_has_no_columns() {
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script("member-db", "ready; next 1; yield | next 0; c 0 n; r 0 1; result ok; serve");
    rig.request("acquire 1 db none L; yield | script 2 L several; yield | columns L; rows 3 L; release L clean; respond 200; done");
    let log = rig.log_of(&["a", "db1"]);
    assert!(log.contains("db1 c 0 n = HC_E_STATE\ndb1 r 0 1 = HC_E_STATE 0\ndb1 result ok = HC_OK"), "{log}");
    assert!(log.contains("a columns L = []\na rows 3 L = HC_END"), "{log}");
    rig.end();
}

#[test]
fn a_transaction_that_the_provider_says_is_open_is_reset() {
    let mut rig =
        holding("transaction 2 L begin; yield | query 2 L dirty; yield | release L clean; respond 200; done");
    let log = rig.log_of(&["db1"]);
    assert!(log.contains("db1 < transaction 1\n") && log.ends_with("db1 < reset\ndb1 ok = HC_OK"), "{log}");
    rig.end();
    let mut rig = holding(
        "query 2 L dirty; yield | transaction 2 L commit; yield | release L clean; respond 200; done",
    );
    let log = rig.log_of(&["db1"]);
    assert!(log.contains("db1 < transaction 3\n") && !log.contains("reset"), "{log}");
    rig.end();
}

#[test]
fn a_lease_whose_rows_were_not_read_is_released_as_it_says() {
    let mut rig = holding("query 2 L c:n/r:1/ok; yield | release L clean; timer 3 1; yield");
    assert!(!rig.log_of(&["db1"]).contains("reset"), "the member has answered it whole");
    rig.request(
        "name next; acquire 1 db 0 M; outcome M; rows 3 M; columns M; release M clean; respond 200; done",
    );
    same(
        &rig.log_of(&["next"]),
        "next acquire 1 db 0 M = HC_OK
         next outcome M = HC_E_STATE
         next rows 3 M = HC_E_STATE
         next columns M = HC_E_STATE
         next release M clean = HC_OK
         next respond 200 = HC_OK
         next finish HC_OK",
    );
    rig.end();
}
