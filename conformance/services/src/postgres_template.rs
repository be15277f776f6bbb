//! A folder of PostgreSQL's data as every server of this process begins with it, made once. Must not know who starts from it.

use crate::files::{make_private_folder, write_private};
use crate::nest::Nest;
use crate::postgres::{PASSWORD, USER, WATCHER};
use crate::programs::{Account, account, folder_with};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What PostgreSQL keeps of [`PASSWORD`] (RFC 5803): made with 16 rounds of hashing instead of 4096, which take a driver that
/// was built without optimisation a tenth of a second for each connection.
const VERIFIER: &str = "SCRAM-SHA-256$16:aGMtc2VydmljZXMtc2FsdA==\
    $XBlLiX8TZnevYQwd2VKoY9b8nhGVJEek3hacLfjtKYY=:2bsJ5GcJshz9hamQvFO8vrtZd7QTAjmXj9jQBILsKaM=";

/// The programs, the account they run under, and the data to copy.
pub struct Template {
    /// The program `postgres`.
    pub program: PathBuf,
    /// `None`: the test's own.
    pub account: Option<Account>,
    /// The folder to copy.
    pub data: PathBuf,
    // Removes the folder when the process ends.
    _nest: Nest,
}

/// The template, or `None` where PostgreSQL is not installed.
pub fn template() -> Option<&'static Template> {
    static TEMPLATE: OnceLock<Option<Template>> = OnceLock::new();
    TEMPLATE.get_or_init(make).as_ref()
}

fn make() -> Option<Template> {
    let programs = folder_with(&["initdb", "postgres"])?;
    let account = account();
    let nest = Nest::new("postgres-template");
    let home = nest.folder.join("home");
    make_private_folder(&home, account);
    let (data, password) = (home.join("data"), home.join("password"));
    write_private(&password, PASSWORD.as_bytes(), account);
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&password);
    initdb.args(["--username", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]);
    initdb.args(["--no-sync", "--wal-segsize=1"]);
    run(initdb.current_dir(&nest.folder), account, "");
    // Each line is a statement here.
    let roles = format!(
        "ALTER ROLE {USER} PASSWORD '{VERIFIER}'\nCREATE ROLE {WATCHER} SUPERUSER LOGIN\nCREATE DATABASE {USER}\n"
    );
    let mut single = Command::new(programs.join("postgres"));
    single.args(["--single", "-F", "-D"]).arg(&data).arg("postgres");
    run(single.current_dir(&nest.folder), account, &roles);
    Some(Template { program: programs.join("postgres"), account, data, _nest: nest })
}

/// Runs a program to its end with that input; fails the test with all it printed.
fn run(command: &mut Command, account: Option<Account>, input: &str) {
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    // In single-user mode a statement that fails is only told.
    assert!(output.status.success() && !told.contains("ERROR:"), "{command:?}: {}\n{told}", output.status);
}
