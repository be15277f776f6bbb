//! Exceptions from checks, each by name and with its reason. An exception that excepts nothing any more is itself a finding, so the
//! list can only shrink or be argued about. Must not know the checks.

use crate::Finding;

/// One exception: `check | place | reason`, a line each; `#` begins a comment line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The name of the check.
    pub check: String,
    /// The place of the findings, as the check writes it.
    pub place: String,
    /// Why it may be so.
    pub reason: String,
}

/// Reads a list.
///
/// # Errors
/// The first line that has not the three parts.
pub fn parse(text: &str) -> Result<Vec<Exception>, String> {
    let is_entry = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    text.lines().filter(is_entry).map(entry).collect()
}

fn entry(line: &str) -> Result<Exception, String> {
    let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
    match parts[..] {
        [check, place, reason] if ![check, place, reason].contains(&"") => {
            Ok(Exception { check: check.into(), place: place.into(), reason: reason.into() })
        }
        _ => Err(format!("an exception is `check | place | reason`, this is: {line}")),
    }
}

/// What remains of a check's findings: those without an exception, and the exceptions that except nothing.
#[must_use]
pub fn remaining(check: &str, findings: Vec<Finding>, exceptions: &[Exception]) -> Vec<Finding> {
    let own: Vec<&Exception> = exceptions.iter().filter(|exception| exception.check == check).collect();
    let stale = own
        .iter()
        .filter(|exception| findings.iter().all(|finding| finding.place != exception.place))
        .map(|exception| Finding::new(&exception.place, "this exception is needed no more: delete its line"))
        .collect::<Vec<_>>();
    let unexcused = findings.into_iter().filter(|finding| own.iter().all(|own| own.place != finding.place));
    unexcused.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_excuses_its_place_only_and_must_be_needed() {
        let list = parse("# why\nlength | a.rs | a table\nlength | gone.rs | was one\n").unwrap();
        let findings = vec![Finding::new("a.rs", "long"), Finding::at("b.rs", 7, "long")];
        let left = remaining("length", findings.clone(), &list);
        assert_eq!(
            left.iter().map(|finding| finding.place.as_str()).collect::<Vec<_>>(),
            ["b.rs", "gone.rs"]
        );
        assert_eq!(remaining("other", findings.clone(), &list), findings);
    }

    #[test]
    fn an_exception_needs_a_reason() {
        assert!(parse("length | a.rs").is_err());
        assert!(parse("length | a.rs | ").is_err());
    }
}
