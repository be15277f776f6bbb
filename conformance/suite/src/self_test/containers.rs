//! The half about containers: each fault of a bad container, and the cases that must fail for it. A bad container is a good one behind
//! the adapter `conformance/bad/container` or behind a bad wire. Must not know how cases find a fault.

use super::{Kill, failed};
use crate::case::Case;
use crate::child;
use crate::registry;
use crate::runner::Ran;
use crate::server::adapter;
use crate::server::scenario::scenarios;
use crate::target::{Kind, ServerTarget, Target};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

/// The faults, so that the program needs no files where it runs.
const FILES: [(&str, &str); 3] = [
    ("host.txt", include_str!("containers/host.txt")),
    ("wire.txt", include_str!("containers/wire.txt")),
    (MEMBERS, include_str!("containers/members.txt")),
];
/// Its faults are held against the cases with the kit's provider, and no others are against these.
const MEMBERS: &str = "members.txt";
/// Most time of one case.
const LIMIT: Duration = Duration::from_secs(60);

/// Where a container goes wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum How {
    /// Towards its module: what the bad host does.
    Host(String),
    /// Towards its clients: what the bad wire does.
    Wire(String),
    /// In its log.
    Log(String),
    /// It does not heed that setting of the operator.
    Setting(String),
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub how: How,
    /// It is about members: held only against cases with the kit's provider, against which the others are not held.
    pub is_about_members: bool,
    /// It is held only against cases whose names begin so.
    pub scope: &'static str,
    /// It shows in nearly every case, of which only the expected ones are run.
    pub is_everywhere: bool,
    /// The cases that must fail.
    pub expected: &'static [&'static str],
    /// Those that may, as it comes: they are not run. `*` at the end stands for any.
    pub sometimes: &'static [&'static str],
}

/// All of them.
///
/// # Panics
/// When a file has a mistake; a test sees to it that none has.
#[must_use]
pub fn faults() -> &'static [Fault] {
    static ALL: OnceLock<Vec<Fault>> = OnceLock::new();
    ALL.get_or_init(|| {
        FILES
            .iter()
            .flat_map(|(file, text)| {
                let mut faults = parse(text).unwrap_or_else(|why| panic!("{file}: {why}"));
                faults.iter_mut().for_each(|fault| fault.is_about_members = *file == MEMBERS);
                faults
            })
            .collect()
    })
}

fn parse(text: &'static str) -> Result<Vec<Fault>, String> {
    text.split("\n## ").skip(1).map(|part| one(part).map_err(|why| format!("{part}: {why}"))).collect()
}

fn one(part: &'static str) -> Result<Fault, String> {
    let mut lines = part.lines();
    let name = lines.next().unwrap_or_default().trim();
    let mut how = None;
    let mut expected = Vec::new();
    let mut sometimes = Vec::new();
    let (mut scope, mut is_everywhere) = ("", false);
    for line in lines.filter(|line| !line.is_empty()) {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("host", words) => how = Some(How::Host(words.to_owned())),
            ("wire", words) => how = Some(How::Wire(words.to_owned())),
            ("log", words) => how = Some(How::Log(words.to_owned())),
            ("ignores", name) => how = Some(How::Setting(name.to_owned())),
            ("fails", cases) => expected.extend(cases.split(' ')),
            ("sometimes", cases) => sometimes.extend(cases.split(' ')),
            ("of", beginning) => scope = beginning,
            ("everywhere", "") => is_everywhere = true,
            (word, _) => return Err(format!("no such line: {word}")),
        }
    }
    let how = how.ok_or("what is it?")?;
    Ok(Fault {
        name,
        how,
        is_about_members: false,
        scope,
        is_everywhere,
        expected: expected.leak(),
        sometimes: sometimes.leak(),
    })
}

/// What the proof runs with.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The adapter of the bad container.
    pub adapter: PathBuf,
    /// The adapter of the good one that it is made of.
    pub good: PathBuf,
    /// The folder with the probe modules.
    pub probes: PathBuf,
    /// The library of the bad host.
    pub host: PathBuf,
    /// The program of the reference server, for its adapter.
    pub server: PathBuf,
}

impl Bench {
    /// Builds what the proof needs with the scripts of the repository that this is run in: the bad module, and the rest. The reference
    /// server is the one that HC_SERVER names, or lies beside this program.
    ///
    /// # Errors
    /// What could not be found or built.
    pub fn build(program: &Path) -> Result<(PathBuf, Bench), String> {
        let here = std::env::current_dir().map_err(|error| error.to_string())?;
        let is_root = |folder: &&Path| folder.join("conformance/bad/build.sh").exists();
        let root = here
            .ancestors()
            .find(is_root)
            .ok_or("this is not the repository, and I build from its sources")?;
        let server = std::env::var_os("HC_SERVER").map_or(program.with_file_name("hc-server"), PathBuf::from);
        if !server.exists() {
            return Err(format!("{} is missing: cargo build -p hc-server", server.display()));
        }
        let (modules, probes) = (root.join("target/modules"), root.join("target/probes"));
        for (script, out) in
            [("conformance/bad/build.sh", &modules), ("conformance/probes/build.sh", &probes)]
        {
            let built = Command::new(root.join(script)).arg(out).stdout(Stdio::null()).status();
            if !built.is_ok_and(|status| status.success()) {
                return Err(format!("{script} failed"));
            }
        }
        let bench = Bench::of(root, &modules, &probes, &server);
        Ok((modules.join("bad.so"), bench))
    }

    /// One whose parts were built already.
    #[must_use]
    pub fn of(root: &Path, modules: &Path, probes: &Path, server: &Path) -> Bench {
        Bench {
            adapter: root.join("conformance/bad/container"),
            good: root.join("conformance/adapters/reference"),
            probes: probes.to_owned(),
            host: modules.join("bad_host.so"),
            server: server.to_owned(),
        }
    }

    fn target(&self, how: &How, capabilities: &BTreeSet<String>) -> ServerTarget {
        let path = |path: &Path| path.display().to_string();
        let mut environment = vec![
            ("HC_GOOD_ADAPTER".to_owned(), path(&self.good)),
            ("HC_BAD_HOST_LIBRARY".to_owned(), path(&self.host)),
            ("HC_SERVER".to_owned(), path(&self.server)),
        ];
        let mut wire = None;
        match how {
            How::Host(words) => environment.push(("HC_BAD_HOST".to_owned(), words.clone())),
            How::Wire(words) => wire = Some(words.clone()),
            How::Log(word) => environment.push(("HC_BAD_LOG".to_owned(), word.clone())),
            How::Setting(name) => environment.push(("HC_BAD_SETTING".to_owned(), name.clone())),
        }
        ServerTarget {
            adapter: self.adapter.clone(),
            probes: self.probes.clone(),
            environment,
            wire,
            capabilities: Some(capabilities.clone()),
            is_in_a_hurry: false,
        }
    }
}

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Every fault against every case.
    Everything,
    /// Each case with the first fault that has to make it fail, each fault with its first case, and with one that must not fail; of the
    /// containers without a fault every sixteenth case.
    Sample,
}

/// What is to be run for one fault: indices of cases.
fn chosen(faults: &[&Fault], number: usize, cases: &[Case], extent: Extent) -> Vec<usize> {
    let fault = faults[number];
    let is_expected = |at: &usize| fault.expected.contains(&cases[*at].name);
    let is_other = |at: &usize| {
        let name = cases[*at].name;
        let may_fail = fault.sometimes.iter().any(|one| match one.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *one,
        });
        let is_of_members = scenarios().iter().any(|one| one.name == name && !one.provided.is_empty());
        // Where nothing is wrong, no case may fail.
        let is_meant = fault.expected.is_empty() || is_of_members == fault.is_about_members;
        let is_run = is_meant && !fault.is_everywhere && name.starts_with(fault.scope) && !may_fail;
        is_run && !is_expected(at)
    };
    if extent == Extent::Everything {
        return (0..cases.len()).filter(|at| is_expected(at) || is_other(at)).collect();
    }
    if fault.expected.is_empty() {
        return (number..cases.len()).step_by(16).collect();
    }
    let is_first = |at: &usize| {
        fault.expected.first() == Some(&cases[*at].name)
            || faults.iter().position(|one| one.expected.contains(&cases[*at].name)) == Some(number)
    };
    let mut chosen: Vec<usize> = (0..cases.len()).filter(is_first).collect();
    // Another one for each fault, always the same.
    let others: Vec<usize> = (0..cases.len()).filter(is_other).collect();
    chosen.extend(others.get((number * 37) % others.len().max(1)));
    chosen
}

/// What comes of a bench with each fault whose name has one of the filters in it, or with all, and of containers in which nothing
/// is wrong but that the bad host or the bad wire is there.
///
/// # Errors
/// When the adapter does not answer.
pub fn run(
    bench: &Bench,
    program: &Path,
    at_once: usize,
    extent: Extent,
    filters: &[String],
    mut tell: impl FnMut(&Kill),
) -> Result<Vec<Kill>, String> {
    let capabilities = adapter::capabilities(&bench.good)?;
    let cases: Vec<Case> = registry::all().into_iter().filter(|case| case.subject == Kind::Server).collect();
    let good =
        [("none-of-the-host", How::Host("none".into())), ("none-of-the-wire", How::Wire("none".into()))].map(
            |(name, how)| Fault {
                name,
                how,
                is_about_members: false,
                scope: "",
                is_everywhere: false,
                expected: &[],
                sometimes: &[],
            },
        );
    let is_chosen = |fault: &&Fault| {
        filters.is_empty() || filters.iter().any(|filter| fault.name.contains(filter.as_str()))
    };
    let faults: Vec<&Fault> = good.iter().chain(faults()).filter(is_chosen).collect();
    let mut kills: Vec<Kill> =
        faults.iter().map(|fault| Kill { fault: fault.name, expected: &[], failed: Vec::new() }).collect();
    let mut left = vec![0; faults.len()];
    let mut jobs = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let chosen = chosen(&faults, number, &cases, extent);
        let is_expected = |case: &Case| fault.expected.contains(&case.name);
        let expected = chosen.iter().map(|at| cases[*at]).filter(|case| is_expected(case));
        kills[number].expected = expected.map(|case| case.name).collect::<Vec<_>>().leak();
        left[number] = chosen.len();
        jobs.extend(chosen.into_iter().map(|at| (number, cases[at], is_expected(&cases[at]))));
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..at_once.max(1) {
            let (sender, next, jobs, faults, capabilities) =
                (sender.clone(), &next, &jobs, &faults, &capabilities);
            scope.spawn(move || {
                while let Some((number, case, is_expected)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let target = bench.target(&faults[*number].how, capabilities);
                    let ran = run_until_expected(case, *is_expected, &target, program);
                    if sender.send((*number, ran)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (number, ran) in receiver {
            kills[number].failed.extend(failed(vec![ran]));
            left[number] -= 1;
            if left[number] == 0 {
                tell(&kills[number]);
            }
        }
    });
    Ok(kills)
}

/// Runs a case; what a busy machine may have done to it counts only when it comes a third time.
fn run_until_expected(case: &Case, is_expected: bool, target: &ServerTarget, program: &Path) -> Ran {
    const TIMES: u32 = 3;
    let mut time = 1;
    loop {
        // Who waits for a failure need not wait for long, at first.
        let target = ServerTarget { is_in_a_hurry: is_expected && time == 1, ..target.clone() };
        let (outcome, took) = child::run(case, &Target::Server(target), program, LIMIT);
        if outcome.verdict.is_bad() == is_expected || time == TIMES {
            return Ran { case: *case, outcome, took };
        }
        time += 1;
    }
}

/// Cases about containers that no fault makes fail.
#[must_use]
pub fn unproven() -> Vec<&'static str> {
    let proven: BTreeSet<&str> = faults().iter().flat_map(|fault| fault.expected).copied().collect();
    let of_containers = registry::all().into_iter().filter(|case| case.subject == Kind::Server);
    of_containers.map(|case| case.name).filter(|name| !proven.contains(name)).collect()
}
