//! What came out of a run, for people and for programs. Must not know how cases are run.

pub mod badge;
pub mod html;
pub mod json;
pub mod junit;
mod terminal;

pub use terminal::Terminal;

use crate::case::Verdict;
use crate::runner::Ran;
use crate::target::Target;
use std::time::Duration;

/// A run.
pub struct Report {
    /// What was tested.
    pub target: Target,
    /// How long it took.
    pub took: Duration,
    /// The cases.
    pub ran: Vec<Ran>,
}

impl Report {
    /// How many cases ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.ran.iter().filter(|ran| ran.outcome.verdict == verdict).count()
    }

    /// Whether nothing failed or crashed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.ran.iter().any(|ran| ran.outcome.verdict.is_bad())
    }

    /// How many passed and how many were judged, by section or by group, in order of first appearance.
    #[must_use]
    pub fn shares(&self, of: impl Fn(&Ran) -> &'static str) -> Vec<(&'static str, usize, usize)> {
        let mut shares: Vec<(&'static str, usize, usize)> = Vec::new();
        for ran in self.ran.iter().filter(|ran| ran.outcome.verdict != Verdict::Skip) {
            let name = of(ran);
            if name.is_empty() {
                continue;
            }
            let passed = usize::from(!ran.outcome.verdict.is_bad());
            match shares.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, well, all)) => (*well, *all) = (*well + passed, *all + 1),
                None => shares.push((name, passed, 1)),
            }
        }
        shares
    }

    /// The sum in one line.
    #[must_use]
    pub fn sum(&self) -> String {
        let counts: Vec<String> = Verdict::ALL
            .iter()
            .map(|&verdict| format!("{} {}", self.count(verdict), verdict.name()))
            .collect();
        format!("{}; {:.1} s", counts.join(", "), self.took.as_secs_f64())
    }
}

/// Text for XML and HTML: markup escaped, and what XML has no place for shown as it is written in Rust.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            character if character.is_control() => escaped.extend(character.escape_default()),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::case::{Case, Outcome};
    use crate::target::{Kind, ModuleTarget};

    pub(crate) fn report() -> Report {
        let case = |name, group| Case {
            name,
            section: "waiting",
            group,
            rules: &["task.finish.exactly-once"],
            subject: Kind::Module,
            run: |_, _| Outcome::pass(),
        };
        let ran =
            |name, group, outcome| Ran { case: case(name, group), outcome, took: Duration::from_millis(12) };
        let failed = Outcome { seed: Some(7), ..Outcome::fail("<it> \"broke\"\u{1}") };
        let target = ModuleTarget { path: "a.so".into(), config: "{}".into(), ..ModuleTarget::default() };
        Report {
            target: Target::Module(target),
            took: Duration::from_secs(1),
            ran: vec![
                ran("one", "valid", Outcome::pass()),
                ran("two", "invalid", failed.detail("a & b")),
                ran("three", "", Outcome::skip("not here")),
            ],
        }
    }

    #[test]
    fn counts_and_shares() {
        let report = report();
        assert_eq!(report.sum(), "1 pass, 0 warn, 1 skip, 1 fail, 0 crash; 1.0 s");
        assert_eq!(report.shares(|ran| ran.case.group), [("valid", 1, 1), ("invalid", 0, 1)]);
        assert_eq!(report.shares(|ran| ran.case.section), [("waiting", 1, 2)]);
        assert!(!report.is_well());
    }
}
