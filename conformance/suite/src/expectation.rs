//! What is expected of one target, with reasons: a file of lines `skip CASE reason` or `fail CASE reason`. An expected failure
//! is none of the run's; an unexpected pass is one. Must not know how cases are run.

use crate::case::{Outcome, Verdict};
use std::collections::BTreeMap;

/// Expectations by the name of the case.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    by_case: BTreeMap<String, Expectation>,
}

/// What is expected of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// `true`: it is not run; `false`: it is run and has to fail or crash.
    pub is_skipped: bool,
    /// Why.
    pub reason: String,
}

impl Expectations {
    /// Reads the lines of a file; empty lines and those that begin with `#` do not count.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn parse(text: &str) -> Result<Expectations, String> {
        let mut by_case = BTreeMap::new();
        let counted = |line: &&str| !line.is_empty() && !line.starts_with('#');
        for line in text.lines().map(str::trim).filter(counted) {
            let parts: Vec<&str> = line.splitn(3, char::is_whitespace).collect();
            let (is_skipped, case, reason) = match parts[..] {
                ["skip", case, reason] => (true, case, reason),
                ["fail", case, reason] => (false, case, reason),
                _ => return Err(format!("not `skip CASE reason` or `fail CASE reason`: {line}")),
            };
            by_case.insert(case.to_owned(), Expectation { is_skipped, reason: reason.trim().to_owned() });
        }
        Ok(Expectations { by_case })
    }

    /// What is expected of a case.
    #[must_use]
    pub fn of(&self, case: &str) -> Option<&Expectation> {
        self.by_case.get(case)
    }

    /// The names that are in the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_case.keys().map(String::as_str)
    }

    /// The outcome in the light of what was expected.
    #[must_use]
    pub fn judge(&self, case: &str, outcome: Outcome) -> Outcome {
        match self.of(case) {
            Some(Expectation { is_skipped: false, reason }) if outcome.verdict.is_bad() => Outcome {
                message: format!("expected to fail ({reason}): {}", outcome.message),
                verdict: Verdict::Skip,
                ..outcome
            },
            Some(Expectation { is_skipped: false, reason }) if outcome.verdict == Verdict::Pass => {
                Outcome::fail(format!("it passes, and was expected to fail: {reason}"))
            }
            _ => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_outcomes_judged() {
        let read = Expectations::parse("# why\n\nskip a no trailers\nfail b it cannot yet\n").unwrap();
        assert!(read.of("a").unwrap().is_skipped);
        assert_eq!(read.judge("b", Outcome::fail("x")).verdict, Verdict::Skip);
        assert_eq!(read.judge("b", Outcome::crash("x")).verdict, Verdict::Skip);
        assert_eq!(read.judge("b", Outcome::pass()).verdict, Verdict::Fail);
        assert_eq!(read.judge("c", Outcome::fail("x")).verdict, Verdict::Fail);
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        for bad in ["skip a", "fail", "pass a b"] {
            assert!(Expectations::parse(bad).is_err(), "{bad}");
        }
    }
}
