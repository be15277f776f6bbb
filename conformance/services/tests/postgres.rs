//! The PostgreSQL server for tests: that it is one, that it can be stopped in every way and started again, and that what it is
//! asked is true.

use hc_services::{End, Postgres, PostgresSession, PostgresSettings, USER, WATCHER};
use std::net::TcpStream;

#[test]
fn it_answers() {
    let Some(postgres) = Postgres::start("answers") else { return };
    let mut session = postgres.session();
    assert_eq!(session.number("SELECT 1 + 1"), 2);
    assert_eq!(session.value("SELECT NULL"), None);
    assert_eq!(session.value("SELECT 'a' || chr(10) || 'ü'").unwrap(), "a\nü");
    let rows =
        session.run("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, NULL); TABLE t");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(rows, [[text("1"), text("x")], [text("2"), None]]);
    let refused = session.query("SELECT 1; SELECT * FROM nowhere").unwrap_err();
    assert_eq!(refused.code, "42P01", "{refused}");
    assert_eq!(session.number("SELECT 3"), 3);
    assert_eq!(session.number("SELECT pg_backend_pid()"), u64::from(session.process()));
    let url = format!("postgres://{USER}:secret@{}/{USER}", postgres.address());
    assert_eq!(postgres.url(), url);
}

/// Its own user has to know the password; only the watcher does not.
#[test]
fn the_user_needs_its_password() {
    let Some(postgres) = Postgres::start("password") else { return };
    let error = PostgresSession::connect(postgres.address(), USER, USER).err().unwrap();
    assert!(error.to_string().contains("a password is wanted"), "{error}");
    let error = PostgresSession::connect(postgres.address(), WATCHER, "nowhere").err().unwrap();
    assert!(error.to_string().contains("3D000"), "{error}");
}

#[test]
fn it_is_started_again_with_what_it_had() {
    let Some(mut postgres) = Postgres::start("again") else { return };
    let address = postgres.address();
    postgres.session().run("CREATE TABLE t AS SELECT 5 AS a");
    for end in [End::Orderly, End::Killed] {
        let mut open = postgres.session();
        postgres.stop(end);
        assert!(TcpStream::connect(address).is_err());
        assert!(open.query("SELECT 1").is_err());
        postgres.start_again();
        assert_eq!(postgres.address(), address);
        assert_eq!(postgres.session().number("SELECT a FROM t"), 5, "{end:?}");
    }
}

/// Counted are those of others than the watcher.
#[test]
fn backends_are_counted() {
    let access = ["host all other 127.0.0.1/32 trust"];
    let settings = PostgresSettings { access: &access, options: &["max_connections=20"], files: &[] };
    let Some(postgres) = Postgres::start_with("count", &settings) else { return };
    postgres.session().run("CREATE ROLE other LOGIN");
    assert_eq!(postgres.session().value("SHOW max_connections").unwrap(), "20");
    let sampler = postgres.sample_backends("true");
    assert_eq!(postgres.backends("true"), 0);
    let other = || PostgresSession::connect(postgres.address(), "other", USER).unwrap();
    let (idle, mut asleep) = (other(), other());
    let sleeping = std::thread::spawn(move || asleep.query("SELECT pg_sleep(1000)").unwrap_err());
    postgres.wait_for_backends("state = 'active' AND query LIKE '%pg_sleep%'", 1);
    assert_eq!(postgres.backends("true"), 2);
    hc_services::wait_for("the sampler saw both", || (sampler.most() == 2).then_some(()));
    assert!(sampler.samples() >= 1);
    assert_eq!(postgres.terminate_backends("state = 'active'"), 1);
    assert_eq!(sleeping.join().unwrap().code, "57P01");
    drop(idle);
    postgres.wait_for_backends("true", 0);
    assert!(postgres.log().contains("connection authorized: user=other"), "{}", postgres.log());
}

#[test]
fn files_are_the_servers_own() {
    let settings =
        PostgresSettings { files: &[("more.conf", b"work_mem = 5MB\n")], ..PostgresSettings::default() };
    let Some(postgres) = Postgres::start_with("files", &settings) else { return };
    let mut session = postgres.session();
    assert_eq!(session.value("SELECT pg_read_file('more.conf')").unwrap(), "work_mem = 5MB\n");
}
