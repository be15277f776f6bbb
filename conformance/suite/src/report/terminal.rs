//! The report on a terminal: one line for what is not well, a bar while it goes on, the sum. Must not decide anything.

use super::Report;
use crate::case::Verdict;
use crate::runner::Ran;
use crate::target::Target;
use std::io::{self, IsTerminal, Write};

/// Most lines of details of one case.
const DETAILS: usize = 12;

/// A report in the making.
pub struct Terminal {
    is_quiet: bool,
    is_coloured: bool,
    has_bar: bool,
    all: usize,
    done: usize,
    bad: usize,
}

impl Terminal {
    /// For so many cases. Colours and the bar are for terminals, and not where `NO_COLOR` is set.
    #[must_use]
    pub fn new(is_quiet: bool, all: usize) -> Terminal {
        let is_coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let has_bar = !is_quiet && io::stderr().is_terminal();
        Terminal { is_quiet, is_coloured, has_bar, all, done: 0, bad: 0 }
    }

    fn painted(&self, verdict: Verdict) -> String {
        let colour = match verdict {
            Verdict::Pass => 32,
            Verdict::Warn => 33,
            Verdict::Skip => 36,
            Verdict::Fail => 31,
            Verdict::Crash => 35,
        };
        let name = format!("{:5}", verdict.name());
        if self.is_coloured { format!("\x1b[{colour}m{name}\x1b[0m") } else { name }
    }

    /// A case has ended.
    pub fn tell(&mut self, ran: &Ran, target: &Target) {
        self.done += 1;
        self.bad += usize::from(ran.outcome.verdict.is_bad());
        self.clear();
        if !self.is_quiet && ran.outcome.verdict != Verdict::Pass {
            self.print(ran, target);
        }
        self.bar();
    }

    fn print(&self, ran: &Ran, target: &Target) {
        let (case, outcome) = (&ran.case, &ran.outcome);
        let rule = if outcome.rule.is_empty() { String::new() } else { format!(" [{}]", outcome.rule) };
        println!("{} {}: {}{rule}", self.painted(outcome.verdict), case.name, outcome.message);
        if !outcome.verdict.is_bad() {
            return;
        }
        let most = if target.is_reproduction() { usize::MAX } else { DETAILS };
        outcome.details.iter().take(most).for_each(|line| println!("        {line}"));
        if outcome.details.len() > most {
            println!("        ... {} more lines in the reports", outcome.details.len() - most);
        }
        println!("        rules: {}", case.rules.join(", "));
        println!("        again: {}", target.repeat(case.name, outcome.seed));
    }

    fn clear(&self) {
        if self.has_bar {
            eprint!("\r\x1b[K");
        }
    }

    fn bar(&self) {
        if self.has_bar && self.done < self.all {
            let filled = self.done * 30 / self.all.max(1);
            let bar = format!("{}{}", "#".repeat(filled), ".".repeat(30 - filled));
            eprint!("[{bar}] {}/{}, {} bad", self.done, self.all, self.bad);
            let _ = io::stderr().flush();
        }
    }

    /// All have ended.
    pub fn sum(&self, report: &Report) {
        self.clear();
        if !self.is_quiet {
            for (group, passed, all) in report.shares(|ran| ran.case.group) {
                println!("{group}: {passed} of {all}");
            }
        }
        println!("{}: {}", report.target.shown(), report.sum());
    }
}
