//! The place of a run: its scratch folder, the compiled C programs, tools found on this machine.
//!
//! It must not know what is measured.

use std::env;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The server with a thread per connection; it is compiled when it is wanted, since it needs libpq.
const THREADS: &str = "threads.c";

/// Name and text of the C sources; they are part of this program, so it runs from any folder.
const SOURCES: [(&str, &str); 6] = [
    (THREADS, include_str!("../baseline/threads.c")),
    ("floor.c", include_str!("../floor/floor.c")),
    ("load.c", include_str!("../load/load.c")),
    ("histogram.h", include_str!("../load/histogram.h")),
    ("options.h", include_str!("../load/options.h")),
    ("sockets.h", include_str!("../load/sockets.h")),
];

/// A scratch folder that is removed with this value, and the programs compiled into it.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
    /// The compiled floor.
    pub floor: PathBuf,
    /// The compiled load generator.
    pub load: PathBuf,
}

impl Workshop {
    /// Makes the folder `results/run-PID` and compiles the floor and the load generator with `cc -O2`.
    pub fn open(results: &Path) -> io::Result<Self> {
        fs::create_dir_all(results)?;
        let results = results.canonicalize()?;
        remove_leftovers(&results)?;
        let folder = results.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        // From here on the folder is removed with the value, also when compiling fails.
        let workshop = Self { floor: folder.join("floor"), load: folder.join("load"), folder };
        for (name, text) in SOURCES {
            fs::write(workshop.path(name), text)?;
        }
        compile(&workshop.floor)?;
        compile(&workshop.load)?;
        Ok(workshop)
    }

    /// The server with a thread per connection, compiled; or what is missing for it.
    pub fn threads(&self) -> Result<PathBuf, String> {
        let missing = "libpq is not installed (apt-get install libpq-dev)";
        let output = Command::new("pg_config").arg("--includedir").output().map_err(|_| missing)?;
        let include = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !Path::new(&include).join("libpq-fe.h").is_file() {
            return Err(missing.to_owned());
        }
        let program = self.path(THREADS).with_extension("");
        compile_with(&program, &["-I", &include, "-pthread"], &["-lpq"])
            .map_err(|error| error.to_string())?;
        Ok(program)
    }

    /// A path inside the scratch folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes an empty folder inside the scratch folder.
    pub fn make_folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Nothing can be done about a folder that cannot be removed; the next run tries again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Folders of runs that were killed: their process is no more.
fn remove_leftovers(results: &Path) -> io::Result<()> {
    for entry in fs::read_dir(results)? {
        let entry = entry?;
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("run-")?.parse::<u32>().ok());
        if let Some(pid) = owner
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Compiles `PROGRAM.c` to `PROGRAM`.
fn compile(program: &Path) -> io::Result<()> {
    compile_with(program, &[], &[])
}

fn compile_with(program: &Path, options: &[&str], libraries: &[&str]) -> io::Result<()> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(&compiler)
        .args(["-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror"])
        .args(options)
        .arg("-o")
        .arg(program)
        .arg(program.with_extension("c"))
        .args(libraries)
        .output()
        .map_err(|error| {
            io::Error::other(format!("{}: {error}; install a C compiler", compiler.display()))
        })?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{} does not compile:\n{messages}", program.display())))
}

/// The build directory of the workspace around the current folder: `target` beside its `Cargo.lock`.
pub fn default_target() -> PathBuf {
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        return target.into();
    }
    let here = env::current_dir().unwrap_or_default();
    let root = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.unwrap_or(&here).join("target")
}

/// Looks a program up in `PATH` and in the folders for system programs; a name with a slash is a path.
pub fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Path::new(name).is_file().then(|| PathBuf::from(name));
    }
    let search = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&search)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The CPUs this process may run on.
pub fn allowed_cores() -> Vec<usize> {
    fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
            parse_core_list(list.trim())
        })
        .unwrap_or_else(|| vec![0])
}

/// Parses a kernel list of CPUs such as `0-3,8`.
pub fn parse_core_list(list: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?);
    }
    (!cores.is_empty()).then_some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_lists_are_numbers_and_ranges() {
        assert_eq!(parse_core_list("0-1"), Some(vec![0, 1]));
        assert_eq!(parse_core_list("3"), Some(vec![3]));
        assert_eq!(parse_core_list("0-2,8,10-11"), Some(vec![0, 1, 2, 8, 10, 11]));
        assert_eq!(parse_core_list(""), None);
        assert_eq!(parse_core_list("0-x"), None);
    }

    #[test]
    fn programs_are_found_by_name_or_path() {
        let shell = find_program("sh").expect("sh");
        assert_eq!(find_program(shell.to_str().expect("utf-8")), Some(shell));
        assert_eq!(find_program("no-such-program-here"), None);
        assert_eq!(find_program("./no/such/file"), None);
    }
}
