//! A finding: what breaks a rule of the repository, where, and what to do. Must not know the rules.

use std::fmt;

/// Something that breaks a rule of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, in a form that stays when lines move: a path, or `path: item`. Exceptions name it.
    pub place: String,
    /// The line, when there is one; counted from 1.
    pub line: Option<usize>,
    /// What is wrong, and what to do about it.
    pub what: String,
}

impl Finding {
    /// A finding about a whole file or item.
    #[must_use]
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding { place: place.into(), line: None, what: what.into() }
    }

    /// A finding at a line.
    #[must_use]
    pub fn at(place: impl Into<String>, line: usize, what: impl Into<String>) -> Finding {
        Finding { line: Some(line), ..Finding::new(place, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{} (line {line}): {}", self.place, self.what),
            None => write!(out, "{}: {}", self.place, self.what),
        }
    }
}
