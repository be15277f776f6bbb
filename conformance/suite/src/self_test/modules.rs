//! The half about modules: each fault of the bad module, and the cases about modules that must fail for it. Must not know how cases
//! find a fault.

use super::faults::{FAULTS, Fault, How};
use super::{Kill, echo, failed};
use crate::case::Case;
use crate::registry;
use crate::runner;
use crate::scratch::Scratch;
use crate::target::{Kind, ModuleTarget, Target};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Runs every case for every fault, and for the good module.
///
/// # Errors
/// When the module cannot be read, or this program cannot run itself.
pub fn run(bad: &Path, program: &Path, at_once: usize, mut tell: impl FnMut(&Kill)) -> io::Result<Vec<Kill>> {
    let scratch = Scratch::new()?;
    let peer = echo::start()?;
    let cases: Vec<Case> = registry::all().into_iter().filter(|case| case.subject == Kind::Module).collect();
    let mut kills = Vec::new();
    let good = Fault { name: "none", how: How::Configuration, expected: &[] };
    for fault in std::iter::once(&good).chain(FAULTS) {
        let target = Target::Module(fault.target(bad, &scratch, &peer)?);
        let ran = runner::run_as(program, &cases, &target, at_once, Duration::from_secs(60), |_| {});
        let kill = Kill { fault: fault.name, expected: fault.expected, failed: failed(ran) };
        tell(&kill);
        kills.push(kill);
    }
    Ok(kills)
}

/// Cases about modules that no fault of the bad module makes fail.
#[must_use]
pub fn unproven() -> Vec<&'static str> {
    let proven: BTreeSet<&str> = FAULTS.iter().flat_map(|fault| fault.expected).copied().collect();
    let of_modules = registry::all().into_iter().filter(|case| case.subject == Kind::Module);
    of_modules.map(|case| case.name).filter(|name| !proven.contains(name)).collect()
}

impl Fault {
    /// The bad module with this fault.
    fn target(&self, bad: &Path, scratch: &Scratch, peer: &str) -> io::Result<ModuleTarget> {
        let plain = ModuleTarget {
            path: bad.to_owned(),
            config: "{}".into(),
            first_seed: 1,
            last_seed: 6,
            ..ModuleTarget::default()
        };
        Ok(match self.how {
            How::Configuration if self.name.starts_with("link:") => ModuleTarget {
                config: format!("{{\"fault\":\"{}\",\"peer\":\"{peer}\"}}", self.name),
                peer: peer.to_owned(),
                ..plain
            },
            How::Configuration => {
                ModuleTarget { config: format!("{{\"fault\":\"{}\"}}", self.name), ..plain }
            }
            How::Environment => {
                ModuleTarget { environment: vec![("HC_BAD_FAULT".into(), self.name.into())], ..plain }
            }
            How::Bytes(from, to) => {
                let path = scratch.file(&format!("{}.so", self.name));
                fs::write(&path, replaced(&fs::read(bad)?, from, to)?)?;
                ModuleTarget { path, ..plain }
            }
        })
    }
}

/// A file's bytes with every occurrence of `from` replaced by `to`, which is as long.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> io::Result<Vec<u8>> {
    let mut copy = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    if places.is_empty() || from.len() != to.len() {
        return Err(io::Error::other(format!("there is no `{}` to replace", from.escape_ascii())));
    }
    for at in places {
        copy[at..at + to.len()].copy_from_slice(to);
    }
    Ok(copy)
}
