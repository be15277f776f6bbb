//! Complaints about the configuration file: where, the line itself with a caret, what is wrong, and what to do.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Position;

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is; `None`: it concerns the file as a whole.
    pub position: Option<Position>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: String,
    excerpt: Option<Excerpt>,
}

/// The line that a complaint is about, and the columns to point at, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    line: String,
    columns: Range<usize>,
}

/// Everything that is wrong with a configuration file, in the file's order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file as the operator named it.
    pub file: PathBuf,
    /// The complaints.
    pub errors: Vec<ConfigError>,
}

/// Collects complaints about one text, by byte spans in it.
pub(super) struct Problems<'t> {
    text: &'t str,
    errors: RefCell<Vec<(Option<Range<usize>>, ConfigError)>>,
    secrets: RefCell<Vec<Range<usize>>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, errors: RefCell::default(), secrets: RefCell::default() }
    }

    /// Complain about a span of the text.
    pub(super) fn at(&self, span: Range<usize>, problem: impl Into<String>, help: impl Into<String>) {
        self.errors.borrow_mut().push((Some(span), ConfigError::whole(problem, help)));
    }

    /// Complain about the file as a whole.
    pub(super) fn whole(&self, problem: impl Into<String>, help: impl Into<String>) {
        self.errors.borrow_mut().push((None, ConfigError::whole(problem, help)));
    }

    /// No complaint shows this span of the text, whoever makes it, before or after [configuration.secret].
    pub(super) fn hide(&self, span: Range<usize>) {
        self.secrets.borrow_mut().push(span);
    }

    /// Where a span begins.
    pub(super) fn position(&self, span: &Range<usize>) -> Position {
        locate(self.text, span.clone(), &[]).0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// All complaints in the order of the text; those about the whole come last.
    pub(super) fn into_errors(self, file: &Path) -> ConfigErrors {
        let secrets = self.secrets.into_inner();
        let show = |(span, error): (Option<Range<usize>>, ConfigError)| match span {
            None => error,
            Some(span) => {
                let (position, excerpt) = locate(self.text, span, &secrets);
                ConfigError { position: Some(position), excerpt: Some(excerpt), ..error }
            }
        };
        let mut errors: Vec<_> = self.errors.into_inner().into_iter().map(show).collect();
        errors.sort_by_key(|error| (error.position.is_none(), error.position));
        ConfigErrors { file: file.to_owned(), errors }
    }
}

impl ConfigError {
    /// A complaint with no place in the text.
    pub(super) fn whole(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { position: None, problem: problem.into(), help: help.into(), excerpt: None }
    }
}

/// Where a span begins, and the part of it that lies in its first line.
fn locate(text: &str, span: Range<usize>, secrets: &[Range<usize>]) -> (Position, Excerpt) {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.min(text.len())).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[line_start..line_end].trim_end_matches('\r');
    let first = text[line_start..start].chars().count();
    let width = text[start..end.min(line_start + line.len()).max(start)].chars().count();
    let number = text[..start].matches('\n').count() + 1;
    let credentials = credentials(line);
    let is_secret = |at: usize| {
        credentials.contains(&at) || secrets.iter().any(|secret| secret.contains(&(line_start + at)))
    };
    let shown = |(at, character): (usize, char)| match character {
        '"' | '\'' | '\t' => character,
        _ if is_secret(at) => '*',
        _ if character.is_control() => '\u{fffd}',
        _ => character,
    };
    let excerpt =
        Excerpt { line: line.char_indices().map(shown).collect(), columns: first..first + width.max(1) };
    (Position { line: number, column: first + 1 }, excerpt)
}

/// The user and the password in a URL of that line: in a text that is no TOML nothing is known of its values.
fn credentials(line: &str) -> Range<usize> {
    let start = line.find("://").map_or(line.len(), |at| at + 3);
    let length = line[start..].rfind('@').unwrap_or(0);
    start..start + length
}

impl ConfigErrors {
    /// The only complaint: the file as a whole.
    pub(super) fn whole(file: &Path, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: file.to_owned(), errors: vec![ConfigError::whole(problem, help)] }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            write!(formatter, "{}:", self.file.display())?;
            if let Some(position) = error.position {
                write!(formatter, "{position}:")?;
            }
            writeln!(formatter, " {}", error.problem)?;
            if let (Some(excerpt), Some(position)) = (&error.excerpt, error.position) {
                excerpt.show(position.line, formatter)?;
            }
            writeln!(formatter, "  help: {}", error.help)?;
            writeln!(formatter)?;
        }
        match self.errors.len() {
            1 => formatter.write_str("1 error"),
            count => write!(formatter, "{count} errors"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl Excerpt {
    fn show(&self, number: usize, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = number.to_string().len();
        writeln!(formatter, " {number} | {}", self.line)?;
        write!(formatter, " {:gutter$} | ", "")?;
        for character in self.line.chars().chain(std::iter::repeat(' ')).take(self.columns.start) {
            write!(formatter, "{}", if character == '\t' { '\t' } else { ' ' })?;
        }
        writeln!(formatter, "{}", "^".repeat(self.columns.len()))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}
