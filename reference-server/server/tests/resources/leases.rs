//! Leases that modules treat badly: forgotten, given back with an open transaction, in doubt, broken.

use crate::site::{Resource, begin, perform, site, wait_until_free};
use hc_services::Postgres;

const ONE: &str = "acquire db | query SELECT 1 | release";

fn table(postgres: &Postgres) {
    postgres.session().run("CREATE TABLE t (a int PRIMARY KEY)");
}

fn count(postgres: &Postgres) -> u64 {
    postgres.session().number("SELECT count(*) FROM t")
}

/// A module that forgets its lease gets its answer, the operator is told, and the next one has the connection: with no trace of
/// the transaction that was open.
#[test]
fn a_module_forgets_its_lease() {
    let Some(postgres) = Postgres::start("forgets") else { return };
    table(&postgres);
    let server = site("forgets", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    for number in 0..10 {
        perform(&server, &format!("acquire db | begin | query INSERT INTO t VALUES ({number})"));
        perform(&server, ONE);
    }
    server.wait_for_log(&["warn", "script", "db", "lease"]);
    assert_eq!(server.counters().get("leases_forgotten"), 10);
    let log = postgres.log();
    assert_eq!(log.matches("connection authorized: user=hc ").count(), 1, "it is reset, not replaced: {log}");
    postgres.wait_for_backends("state = 'idle'", 1);
    assert_eq!(count(&postgres), 0);
    wait_until_free(&server, "db");
    server.stop();
}

/// A task that fails with a lease in its hands.
#[test]
fn a_task_fails_with_a_lease() {
    let Some(postgres) = Postgres::start("fails") else { return };
    table(&postgres);
    let server = site("fails", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    for _ in 0..10 {
        let commands = "acquire db | begin | query INSERT INTO t VALUES (1) | query SELECT * FROM nowhere";
        assert_eq!(begin(&server, commands).response("GET").status, 500);
        perform(&server, ONE);
    }
    assert_eq!(count(&postgres), 0);
    wait_until_free(&server, "db");
    server.stop();
}

/// A transaction that is open when a lease is given back is rolled back, even when the module says that all is clean, and
/// however it was begun [sql.transaction.open].
#[test]
fn a_transaction_is_left_open() {
    let Some(postgres) = Postgres::start("open") else { return };
    table(&postgres);
    let server = site("open", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    for begun in ["begin", "query BEGIN", "many BEGIN; SELECT 1"] {
        for how in ["clean", "dirty"] {
            perform(
                &server,
                &format!("acquire db | {begun} | query INSERT INTO t VALUES (1) | release {how}"),
            );
            let told = perform(&server, "acquire db | query SELECT count(*) FROM t | release");
            assert!(told.contains("row 0\n"), "{begun}, {how}: {told}");
        }
        // One that failed is open as well.
        perform(&server, &format!("acquire db | {begun} | ?query SELECT * FROM nowhere | release clean"));
        perform(&server, ONE);
    }
    postgres.wait_for_backends("state LIKE 'idle in transaction%'", 0);
    assert_eq!(count(&postgres), 0);
    server.stop();
}

/// What a transaction commits stays, and what it rolls back does not.
#[test]
fn transactions_end_as_they_are_told() {
    let Some(postgres) = Postgres::start("transactions") else { return };
    table(&postgres);
    let server = site("transactions", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let ended = |end: &str, number: u32| {
        format!("acquire db | begin | query INSERT INTO t VALUES ({number}) | {end} | release clean")
    };
    perform(&server, &ended("rollback", 1));
    assert_eq!(count(&postgres), 0);
    perform(&server, &ended("commit", 2));
    assert_eq!(count(&postgres), 1);
    // A commit of what has failed is a rollback, and says so [sql.transaction.commit].
    let told = perform(
        &server,
        "acquire db | begin | query INSERT INTO t VALUES (3) | ?query INSERT INTO t VALUES (2) | ?commit | release",
    );
    assert!(told.contains("23505 query HC_E_FAILED\n") && told.contains("commit HC_E_FAILED\n"), "{told}");
    let told =
        perform(&server, "acquire db | begin read | ?query INSERT INTO t VALUES (4) | rollback | release");
    assert!(told.contains("25006 query HC_E_FAILED\n"), "{told}");
    let told = perform(&server, "acquire db | ?commit | begin | ?begin | rollback | release");
    let statuses: Vec<&str> = told.lines().filter_map(|line| line.split(' ').next_back()).collect();
    assert_eq!(statuses, ["HC_OK", "HC_E_FAILED", "HC_OK", "HC_E_FAILED", "HC_OK", "HC_OK"], "{told}");
    assert_eq!(count(&postgres), 1);
    server.stop();
}

/// A lease that is given back as broken costs the connection; the next one gets another.
#[test]
fn a_lease_is_given_back_as_broken() {
    let Some(postgres) = Postgres::start("breaks") else { return };
    let server = site("breaks", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let process = || perform(&server, "acquire db | query SELECT pg_backend_pid() | release clean");
    let first = process();
    assert_eq!(process(), first);
    perform(&server, "acquire db | query SELECT 1 | release broken");
    assert_ne!(process(), first);
    postgres.wait_for_backends("true", 1);
    server.stop();
}
