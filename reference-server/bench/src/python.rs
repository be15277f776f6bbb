//! Python's contender: uvicorn and asyncpg in an environment of the bench's own, made once. It must not know what is measured.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::launch::words;
use crate::settings::Settings;
use crate::workshop::find_program;

/// Processes of uvicorn.
pub const PROCESSES: usize = 2;
const APPLICATION: &str = include_str!("../baseline/asyncpg_app.py");
const PACKAGES: [&str; 4] = ["uvicorn", "uvloop", "httptools", "asyncpg"];

/// The command line, or why there is none.
pub fn command(settings: &Settings, port: u16, url: &str, members: usize) -> Result<Vec<OsString>, String> {
    let environment = settings.results.join("python");
    let program = environment.join("bin").join("uvicorn");
    if !program.is_file() || !environment.join("ready").is_file() {
        make(&environment)?;
    }
    let folder = settings.workshop.make_folder("python").map_err(|error| error.to_string())?;
    fs::write(folder.join("asyncpg_app.py"), APPLICATION).map_err(|error| error.to_string())?;
    let name = url.rsplit_once("application_name=").map_or("python", |(_, name)| name);
    let mut command = words(&["env", &format!("BENCH_URL={url}"), &format!("BENCH_NAME={name}")]);
    command.push(format!("BENCH_MEMBERS={members}").into());
    command.push(program.into());
    command.extend(words(&["--app-dir", &folder.to_string_lossy(), "asyncpg_app:app", "--no-access-log"]));
    command.extend(words(&["--workers", &PROCESSES.to_string(), "--port", &port.to_string()]));
    command.extend(words(&["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]));
    Ok(command)
}

/// Makes the environment and installs the packages; it stays for later runs.
fn make(environment: &Path) -> Result<(), String> {
    let python = find_program("python3").ok_or("python3 is not installed")?;
    let environment_text = environment.to_string_lossy();
    step(Command::new(python).args(["-m", "venv", &environment_text]))?;
    let mut install = Command::new(environment.join("bin").join("python"));
    step(
        install.args(["-m", "pip", "install", "--quiet", "--timeout", "20", "--retries", "1"]).args(PACKAGES),
    )?;
    fs::write(environment.join("ready"), "").map_err(|error| error.to_string())
}

fn step(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("{} cannot be installed: {last}", PACKAGES.join(", ")))
}
