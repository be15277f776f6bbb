//! What the kit's database answers: columns and rows made up from the text of a statement, the same for the same text and seed.
//! Lawful, and no more: it stores nothing. Must not know of leases or modules.

use super::choices::Choices;
use http_container_abi::constants::{sql_flag, sql_transaction};
use http_container_abi::{SqlValue, Status};

/// A value that is kept.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int64(i64),
    /// A number with a fraction.
    Float64(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// As it crosses the boundary.
    #[must_use]
    pub fn view(&self) -> SqlValue<'_> {
        match self {
            Value::Null => SqlValue::Null,
            Value::Bool(value) => SqlValue::Bool(*value),
            Value::Int64(value) => SqlValue::Int64(*value),
            Value::Float64(value) => SqlValue::Float64(*value),
            Value::Text(text) => SqlValue::Text(text),
            Value::Bytes(bytes) => SqlValue::Bytes(bytes),
        }
    }

    /// A copy.
    #[must_use]
    pub fn of(value: SqlValue<'_>) -> Value {
        match value {
            SqlValue::Null => Value::Null,
            SqlValue::Bool(value) => Value::Bool(value),
            SqlValue::Int64(value) => Value::Int64(value),
            SqlValue::Float64(value) => Value::Float64(value),
            SqlValue::Text(text) => Value::Text(text.to_owned()),
            SqlValue::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        }
    }
}

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub struct SqlAnswer {
    /// `HC_OK`, or how the statement fails before it has columns.
    pub status: Status,
    /// The names of the columns; none: it answers no rows.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Value>>,
    /// How it fails after all those rows; `HC_OK`: it does not.
    pub end: Status,
    /// Rows that were changed or answered.
    pub affected: u64,
    /// Of a failure.
    pub code: &'static str,
    /// Of a failure.
    pub message: &'static str,
}

impl SqlAnswer {
    /// The answer to what has no rows.
    #[must_use]
    pub fn done(affected: u64) -> SqlAnswer {
        SqlAnswer {
            status: Status::OK,
            columns: Vec::new(),
            rows: Vec::new(),
            end: Status::OK,
            affected,
            code: "",
            message: "",
        }
    }

    /// The answer to what the database refuses.
    #[must_use]
    pub fn refused(code: &'static str) -> SqlAnswer {
        SqlAnswer {
            status: Status::E_FAILED,
            code,
            message: "the kit's database refuses",
            ..SqlAnswer::done(0)
        }
    }
}

/// A number out of a text (FNV-1a).
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The place behind a keyword that stands for itself, in a text in lower case.
fn behind(text: &str, keyword: &str) -> Option<usize> {
    let is_edge = |at: Option<u8>| at.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    text.match_indices(keyword)
        .find(|(at, _)| {
            let before = at.checked_sub(1).map(|at| text.as_bytes()[at]);
            is_edge(before) && is_edge(text.as_bytes().get(at + keyword.len()).copied())
        })
        .map(|(at, _)| at + keyword.len())
}

/// Names of columns out of what stands behind SELECT or RETURNING: the last word of each part.
fn columns(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let is_select = lower.trim_start().starts_with("select") || lower.trim_start().starts_with("with");
    let Some(start) = behind(&lower, if is_select { "select" } else { "returning" }) else {
        return Vec::new();
    };
    let list = &lower[start..];
    let list = &list[..behind(list, "from").map_or(list.len(), |end| end - 4)];
    let (mut depth, mut parts) = (0_i32, vec![String::new()]);
    for character in list.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        match character {
            ',' if depth == 0 => parts.push(String::new()),
            _ => parts.last_mut().expect("there is one").push(character),
        }
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let name = |part: String| {
        let word = part.trim().rsplit(|character| !is_part(character)).next().unwrap_or_default().to_owned();
        if word.is_empty() { "column".to_owned() } else { word }
    };
    parts.into_iter().map(name).collect()
}

/// A value: of a column with such a name, or of any sort.
fn value(name: &str, is_plausible: bool, choices: &mut Choices) -> Value {
    const NUMBERS: [&str; 8] = ["id", "count", "latest", "number", "total", "version", "size", "sum"];
    let number = choices.below(100_000) as i64 + 1;
    let text = format!("{name} {number} \u{e4}\u{20ac}");
    match (is_plausible, choices.below(6)) {
        (true, _) if NUMBERS.iter().any(|known| name.ends_with(known)) => Value::Int64(number),
        (true, _) | (false, 0) => Value::Text(text),
        (false, 1) => Value::Null,
        (false, 2) => Value::Bool(number % 2 == 0),
        (false, 3) => Value::Float64(number as f64 / 8.0),
        (false, 4) => Value::Bytes(text.into_bytes()),
        (false, _) => Value::Int64([number, i64::MIN, -1][choices.below(3)]),
    }
}

/// The answer to a statement.
#[must_use]
pub fn answer(text: &str, flags: u32, seed: u64) -> SqlAnswer {
    let mut choices = Choices::new(seed ^ hash(text), 5);
    if flags & sql_flag::SCRIPT != 0 {
        return SqlAnswer::done(0);
    }
    let columns = columns(text);
    if columns.is_empty() {
        return SqlAnswer::done(1 + choices.below(2) as u64);
    }
    let is_select = text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
    let count = if is_select { [0, 1, 1, 2, 7, 40][choices.below(6)] } else { 1 };
    let is_plausible = !choices.one_in(4);
    let row = |choices: &mut Choices| {
        columns.iter().map(|name| value(name, is_plausible, choices)).collect::<Vec<_>>()
    };
    let rows: Vec<_> = (0..count).map(|_| row(&mut choices)).collect();
    SqlAnswer { affected: rows.len() as u64, columns, rows, ..SqlAnswer::done(0) }
}

/// The answer to the beginning or the end of a transaction, and whether one is open then.
#[must_use]
pub fn transaction(what: u32, is_open: bool) -> (SqlAnswer, bool) {
    let begins = matches!(what, sql_transaction::BEGIN | sql_transaction::BEGIN_READ);
    match (begins, is_open) {
        (true, true) => (SqlAnswer::refused("25001"), true),
        (false, false) => (SqlAnswer::refused("25P01"), false),
        _ => (SqlAnswer::done(0), begins),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_the_text() {
        assert_eq!(columns("SELECT id, text AS body, count(*) FROM notes"), ["id", "body", "column"]);
        assert_eq!(columns("UPDATE c SET n = n + 1 RETURNING latest"), ["latest"]);
        assert!(columns("INSERT INTO notes (selected) VALUES ($1)").is_empty());
        assert_eq!(columns("select $1"), ["1"]);
    }

    #[test]
    fn the_same_text_has_the_same_answer() {
        let text = "SELECT id, text FROM notes";
        assert_eq!(answer(text, 0, 3), answer(text, 0, 3));
        assert!((0..20).any(|seed| answer(text, 0, seed) != answer(text, 0, 3)));
        assert_eq!(transaction(sql_transaction::BEGIN, true).0.code, "25001");
        assert!(!transaction(sql_transaction::COMMIT, true).1);
    }
}
