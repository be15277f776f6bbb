//! Holds the record that a probe gave out against what a case expects. Must not know how it came.
//!
//! An expected line may have `*` for anything, and `A|B` for either in its answer. `? LINE` may be there or not. A step without an
//! expected answer may have answered anything that is no fault.

/// The first difference, or nothing.
///
/// # Errors
/// The line that was not expected, or the one that is missing.
pub fn compare(expected: &[String], seen: &[&str]) -> Result<(), String> {
    let mut seen = seen.iter().peekable();
    for wanted in expected {
        if let Some(optional) = wanted.strip_prefix("? ") {
            if seen.peek().is_some_and(|line| fits(optional, line)) {
                seen.next();
            }
            continue;
        }
        match seen.next() {
            Some(line) if fits(wanted, line) => {}
            Some(line) => return Err(format!("`{line}` instead of `{wanted}`")),
            None => return Err(format!("`{wanted}` is missing")),
        }
    }
    match seen.next() {
        Some(line) => Err(format!("`{line}` is one line too many")),
        None => Ok(()),
    }
}

/// Whether a line is what was wanted.
#[must_use]
pub fn fits(wanted: &str, line: &str) -> bool {
    let (head, answers) =
        wanted.split_once(" = ").map_or((wanted, None), |(head, answers)| (head, Some(answers)));
    match answers {
        Some(answers) => {
            let Some((said, answer)) = line.split_once(" = ") else { return false };
            glob(head, said.trim_end()) && answers.split('|').any(|one| glob(one, answer.trim_end()))
        }
        None => head.split('|').any(|one| glob(one, line)),
    }
}

fn glob(wanted: &str, text: &str) -> bool {
    let mut parts = wanted.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut is_open = false;
    for part in parts {
        is_open = true;
        match rest.find(part) {
            Some(at) if !part.is_empty() => rest = &rest[at + part.len()..],
            Some(_) => rest = "",
            None => return false,
        }
    }
    rest.is_empty() || (is_open && wanted.ends_with('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared() {
        let expected = ["a 1 = OK|PENDING", "? maybe", "event * 7", "finish OK"].map(str::to_owned);
        assert_eq!(compare(&expected, &["a 1 = PENDING", "event TIMER 7", "finish OK"]), Ok(()));
        assert_eq!(compare(&expected, &["a 1 = OK", "maybe", "event TIMER 7", "finish OK"]), Ok(()));
        assert!(compare(&expected, &["a 1 = GONE", "event TIMER 7", "finish OK"]).is_err());
        assert!(compare(&expected, &["a 1 = OK", "event TIMER 7"]).is_err());
        assert!(compare(&expected, &["a 1 = OK", "event TIMER 7", "finish OK", "x"]).is_err());
        assert!(fits("a*", "abc") && !fits("a*c", "abd") && fits("a*c", "abc"));
    }
}
