//! A temporary folder, and the promise that it and whatever runs in it ends with the value, or with the process that made it,
//! even when that is killed. Must not know what runs there.

use crate::programs::folder_with;
use crate::wait_within;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Waits for the end of its input, that is of the process that holds the other end; then ends what has its working folder in
/// the folder, and removes that. PostgreSQL gets the time to give its shared memory back.
const GUARD: &str = r#"
trap '' INT TERM HUP QUIT
folder=$1
read -r _
inside() { find /proc/[0-9]*/cwd -maxdepth 0 -lname "$folder*" -printf '%h\n' 2> /dev/null | tr -dc '0-9\n'; }
all=$(inside)
[ -z "$all" ] || kill -s QUIT $all 2> /dev/null
round=0
while all=$(inside); [ -n "$all" ] && [ "$round" -lt 200 ]; do
  [ "$round" -lt 100 ] || kill -s KILL $all 2> /dev/null
  round=$((round + 1))
  sleep 0.05
done
rm -rf "$folder"
"#;

/// Where all such folders are made: in memory where there is a gibibyte to be had, since a file system on a disk can take a
/// hundred times as long to make and remove the thousand files of an empty database; else where temporary files are.
pub fn place() -> &'static Path {
    static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        let place = if free_kib(memory) >= 1 << 20 { memory.into() } else { std::env::temp_dir() };
        place.canonicalize().unwrap_or(place)
    });
    &PLACE
}

/// What is free there, or 0 when that is not known.
fn free_kib(place: &Path) -> u64 {
    let output = Command::new("df").args(["-k", "--output=avail"]).arg(place).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap_or(0)
}

/// The folder and its guard.
pub struct Nest {
    /// Anybody may pass through it.
    pub folder: PathBuf,
    guard: Child,
}

impl Nest {
    /// A fresh folder whose name says what it is for.
    pub fn new(name: &str) -> Nest {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = place().join(format!("hc-services-{}-{number}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        // In a group of its own: a Ctrl-C is for the test, whose end is then seen here.
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&folder).current_dir("/").process_group(0);
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Nest { folder, guard }
    }

    /// Sends a signal, by name, to all that runs in the folder.
    pub fn signal(&self, name: &str) {
        let numbers = inside(&self.folder);
        if !numbers.is_empty() {
            signal(name, &numbers);
        }
    }

    /// Waits until nothing runs in the folder; `false` when something still does after that time.
    pub fn wait_until_empty(&self, time: Duration) -> bool {
        wait_within(time, || inside(&self.folder).is_empty().then_some(())).is_some()
    }
}

impl Drop for Nest {
    fn drop(&mut self) {
        self.signal("QUIT");
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Sends a signal, by name, to processes; some may have ended already.
pub fn signal(name: &str, processes: &[u32]) {
    let program = folder_with(&["kill"]).expect("there is the program `kill`").join("kill");
    let numbers = processes.iter().map(u32::to_string);
    let mut command = Command::new(program);
    command.args(["-s", name]).args(numbers).stderr(Stdio::null());
    command.status().unwrap();
}

/// The processes whose working folder is in that folder.
fn inside(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("there is /proc").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_inside = |number: &u32| {
        fs::read_link(format!("/proc/{number}/cwd")).is_ok_and(|place| place.starts_with(folder))
    };
    numbers.filter(is_inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_in_it_ends_with_it() {
        let nest = Nest::new("test");
        let folder = nest.folder.clone();
        let mut sleeper = Command::new("sleep").arg("1000").current_dir(&folder).spawn().unwrap();
        assert_eq!(inside(&folder), [sleeper.id()]);
        let waiting = std::thread::spawn(move || sleeper.wait().unwrap());
        drop(nest);
        assert!(!waiting.join().unwrap().success());
        assert!(!folder.exists());
    }
}
