//! What a connection remembers from one lease to the next: nothing, when the lease was dirty; and values and rows on the way.

use crate::site::{Resource, perform, site};
use hc_services::Postgres;

/// Settings, temporary tables, locks and prepared statements of one lease that was dirty are not seen by the next.
#[test]
fn a_dirty_session_is_forgotten() {
    let Some(postgres) = Postgres::start("dirty") else { return };
    let server = site("dirty", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let process = "acquire db | query SELECT pg_backend_pid() | release clean";
    let first = perform(&server, process);
    let dirt = [
        "query SET search_path = pg_catalog",
        "query CREATE TEMP TABLE mine (a int)",
        "query SELECT pg_advisory_lock(7)",
        "many PREPARE mine AS SELECT 1; SET ROLE watcher",
    ];
    perform(&server, &format!("acquire db | {} | release dirty", dirt.join(" | ")));
    let told = perform(
        &server,
        "acquire db | query SHOW search_path | query SELECT to_regclass('mine') | \
         query SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' | \
         query SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine' | \
         query SELECT current_user | release clean",
    );
    let rows: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("row ")).collect();
    assert_eq!(rows, ["\"$user\", public", "null", "0", "0", "hc"], "{told}");
    assert_eq!(perform(&server, process), first, "it is the same connection");
    server.stop();
}

/// A statement that the database refuses says why, and the lease is as good as before.
#[test]
fn a_statement_is_refused() {
    let Some(postgres) = Postgres::start("refuses") else { return };
    let server = site("refuses", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let told = perform(
        &server,
        "acquire db | ?query SELEKT | ?query SELECT * FROM nowhere | ?query SELECT 1/0 | \
         values i1 | ?query SELECT 1 | query SELECT 1 | release clean",
    );
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[1..4],
        ["42601 query HC_E_FAILED", "42P01 query HC_E_FAILED", "22012 query HC_E_FAILED"]
    );
    assert!(lines[5].ends_with("query HC_E_FAILED"), "a value too many: {told}");
    assert_eq!(lines[6..], ["row 1", "affected 1 query HC_OK", "release HC_OK"]);
    server.stop();
}

/// Values of every type go to the database and come back.
#[test]
fn values_go_there_and_back() {
    let Some(postgres) = Postgres::start("values") else { return };
    let server = site("values", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let told = perform(
        &server,
        "acquire db | values i9223372036854775807 f1.5 tword bbytes n yes | \
         query SELECT $1::int8, $2::float8, $3::text, $4::bytea, $5::text, $6::bool, concat($3::text, '!') | \
         query SELECT 1.50::numeric, '2024-02-29'::date, '{1,2}'::int[], 'NaN'::float8 | release clean",
    );
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[2], "row 9223372036854775807,1.5,word,bytes,null,true,word!", "{told}");
    assert_eq!(lines[4], "row 1.50,2024-02-29,{1,2},nan", "{told}");
    server.stop();
}

/// A statement is kept prepared, and is prepared anew when what it was made for has changed.
#[test]
fn a_prepared_statement_outlives_its_table() {
    let Some(postgres) = Postgres::start("prepared") else { return };
    postgres.session().run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let server = site("prepared", 2, &[Resource::postgres(&postgres.url(), "max = 1")], "");
    let read = "acquire db | query SELECT * FROM t | release clean";
    for _ in 0..3 {
        assert!(perform(&server, read).contains("row 1\n"));
    }
    postgres.session().run("ALTER TABLE t ADD COLUMN b text DEFAULT 'x'");
    assert!(perform(&server, read).contains("row 1,x\n"));
    postgres.session().run("DROP TABLE t; CREATE TABLE t (a text); INSERT INTO t VALUES ('y')");
    assert!(perform(&server, read).contains("row y\n"));
    server.stop();
}
