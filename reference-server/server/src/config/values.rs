//! Typed values out of TOML, each with its complaint. Knows types, units and ranges; not what keys mean.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::diagnostic::Problems;
use super::keys::Section;
use super::settings::UNLIMITED;
use super::suggest::nearest;

/// A table of the file while it is read.
pub(super) struct Reader<'a, 't> {
    problems: &'a Problems<'t>,
    section: Section,
    table: &'a DeTable<'t>,
    /// The header, for complaints about what is missing.
    pub(super) span: Range<usize>,
}

/// A value that is there.
#[derive(Clone)]
pub(super) struct Entry<'a, 't> {
    problems: &'a Problems<'t>,
    name: String,
    value: &'a DeValue<'t>,
    pub(super) span: Range<usize>,
}

impl<'a, 't> Reader<'a, 't> {
    /// Read `table`; complains at once about every key that the section does not know.
    pub(super) fn new(
        problems: &'a Problems<'t>,
        section: Section,
        table: &'a DeTable<'t>,
        span: Range<usize>,
    ) -> Self {
        for key in unknown_keys(section, table) {
            let name = key.get_ref().escape_debug();
            let problem = match section {
                Section::Top => format!("unknown key `{name}` at the top of the file"),
                _ => format!("unknown key `{name}` in {}", section.title()),
            };
            problems.at(key.span(), problem, section.advice(key.get_ref()));
        }
        Self { problems, section, table, span }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Entry<'a, 't>> {
        debug_assert!(self.section.keys().contains(&key), "{key} is no key of {}", self.section.title());
        self.table.get(key).map(|value| Entry {
            problems: self.problems,
            name: key.to_owned(),
            value: value.get_ref(),
            span: value.span(),
        })
    }

    /// The value of a key that has to be there.
    pub(super) fn require(&self, key: &'static str, help: &str) -> Option<Entry<'a, 't>> {
        let entry = self.get(key);
        if entry.is_none() && !self.is_mistyped(key) {
            let problem = format!("{} lacks `{key}`", self.section.title());
            self.problems.at(self.span.clone(), problem, help);
        }
        entry
    }

    /// Whether a key that was complained of was probably meant to be this one.
    pub(super) fn is_mistyped(&self, key: &str) -> bool {
        let meant = |unknown: &Spanned<DeString<'t>>| {
            nearest(unknown.get_ref(), self.section.keys().iter().copied()) == Some(key)
        };
        unknown_keys(self.section, self.table).any(meant)
    }

    /// A table inside this one, such as `[limits]`.
    pub(super) fn table(&self, key: &'static str, section: Section) -> Option<Self> {
        let entry = self.get(key)?;
        match entry.value {
            DeValue::Table(table) => Some(Self::new(self.problems, section, table, entry.span)),
            DeValue::Array(_) => {
                let help = format!("there is only one: write {}", section.title());
                self.problems.at(entry.span, format!("[[{key}]] is a list"), help);
                None
            }
            _ => {
                entry.wrong_type("a table");
                None
            }
        }
    }

    /// The tables inside a table, such as `[resource.NAME]`, in the order of the file: each with its name and where that is.
    pub(super) fn named_tables(
        &self,
        key: &'static str,
        section: Section,
    ) -> Vec<(&'a str, Range<usize>, Self)> {
        let Some(entry) = self.get(key) else { return Vec::new() };
        let help = format!("the name is in the header: write {}", section.title());
        let tables = match entry.value {
            DeValue::Table(tables) => tables,
            DeValue::Array(_) => {
                self.problems.at(entry.span, format!("[[{key}]] is a list"), help);
                return Vec::new();
            }
            _ => {
                entry.wrong_type("a table");
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        let mut has_bare = false;
        for (name, value) in tables {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let reader = Self::new(self.problems, section, table, value.span());
                    found.push((name.get_ref().as_ref(), name.span(), reader));
                }
                _ if std::mem::replace(&mut has_bare, true) => {}
                _ => self.problems.at(name.span(), format!("a {key} lacks its name"), &*help),
            }
        }
        found.sort_by_key(|(_, span, _)| span.start);
        found
    }

    /// The tables of a list, such as `[[route]]`.
    pub(super) fn tables(&self, key: &'static str, section: Section) -> Vec<Self> {
        let Some(entry) = self.get(key) else { return Vec::new() };
        match entry.value {
            DeValue::Array(tables) => {
                let element = |value: &'a Spanned<DeValue<'t>>| match value.get_ref() {
                    DeValue::Table(table) => Some(Self::new(self.problems, section, table, value.span())),
                    _ => {
                        entry.element(value).wrong_type("a table");
                        None
                    }
                };
                tables.iter().filter_map(element).collect()
            }
            DeValue::Table(_) => {
                let help = format!("there can be several: write {} with two brackets", section.title());
                self.problems.at(entry.span, format!("[{key}] is a single table"), help);
                Vec::new()
            }
            _ => {
                entry.wrong_type("a list of tables");
                Vec::new()
            }
        }
    }
}

impl<'a, 't> Entry<'a, 't> {
    /// Complain about this value.
    pub(super) fn complain(&self, problem: impl Into<String>, help: impl Into<String>) {
        self.problems.at(self.span.clone(), problem, help);
    }

    fn wrong_type(&self, expected: &str) {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let help = match (expected, self.value) {
            ("a string", DeValue::Integer(number)) => format!("put it in quotes: \"{number}\""),
            ("an integer", DeValue::String(text)) if text.trim().parse::<u64>().is_ok() => {
                format!("leave the quotes away: {}", text.trim())
            }
            ("a boolean", _) => "write true or false".to_owned(),
            _ => format!("write {expected}"),
        };
        self.complain(format!("`{}` is {found} where {expected} belongs", self.name), help);
    }

    fn element(&self, value: &'a Spanned<DeValue<'t>>) -> Self {
        Self { problems: self.problems, name: self.name.clone(), value: value.get_ref(), span: value.span() }
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    /// Whether it is a number without a fraction.
    pub(super) fn is_integer(&self) -> bool {
        matches!(self.value, DeValue::Integer(_))
    }

    /// The elements, when it is a list; else the value itself as the only one.
    pub(super) fn one_or_more(&self) -> Vec<Self> {
        match self.value {
            DeValue::Array(array) => self.elements(array),
            _ => vec![self.clone()],
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type("a list");
            return None;
        };
        Some(self.elements(array))
    }

    fn elements(&self, array: &'a DeArray<'t>) -> Vec<Self> {
        array.iter().map(|value| self.element(value)).collect()
    }

    /// No complaint shows the value.
    pub(super) fn hide(&self) {
        self.problems.hide(self.span.clone());
    }

    /// A string that is not empty.
    pub(super) fn string(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) if text.is_empty() => {
                self.complain(format!("`{}` is empty", self.name), "write a value, or leave the key out");
                None
            }
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong_type("a string");
                None
            }
        }
    }

    /// Any table, as it is: the configuration of a module, with its secrets.
    pub(super) fn secret_table(&self) -> Option<&'a DeTable<'t>> {
        let DeValue::Table(table) = self.value else {
            self.hide();
            self.wrong_type("a table");
            return None;
        };
        Some(table)
    }

    /// An integer of that range.
    pub(super) fn integer(&self, range: &RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(integer) = self.value else {
            self.wrong_type("an integer");
            return None;
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i128::MAX);
        match u64::try_from(number).ok().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.out_of_range(range);
                None
            }
        }
    }

    fn out_of_range(&self, range: &RangeInclusive<u64>) {
        let problem = format!("`{}` is out of range", self.name);
        self.complain(problem, format!("write a number from {} to {}", range.start(), range.end()));
    }

    /// A number of bytes of that range: an integer, or a string such as `"64 KiB"`.
    pub(super) fn bytes(&self, range: &RangeInclusive<u64>) -> Option<u64> {
        let DeValue::String(text) = self.value else { return self.integer(range) };
        match parse_bytes(text) {
            Some(bytes) if range.contains(&bytes) => Some(bytes),
            Some(_) => {
                self.out_of_range(range);
                None
            }
            None => {
                let problem = format!("`{}` is not a number of bytes", text.escape_debug());
                self.complain(
                    problem,
                    "write an integer, or a string with a unit: \"64 KiB\", \"10 MiB\", \"1 GiB\"",
                );
                None
            }
        }
    }

    /// A number of bytes, or `"unlimited"`.
    pub(super) fn bytes_or_unlimited(&self, range: &RangeInclusive<u64>) -> Option<u64> {
        match self.value {
            DeValue::String(text) if text == "unlimited" => Some(UNLIMITED),
            DeValue::String(text) if nearest(text, ["unlimited"]).is_some() => {
                self.complain(
                    format!("`{}` is not a number of bytes", text.escape_debug()),
                    "did you mean `unlimited`?",
                );
                None
            }
            _ => self.bytes(range),
        }
    }

    /// A duration of that range, in milliseconds.
    pub(super) fn milliseconds(&self, range: &RangeInclusive<u64>) -> Option<Duration> {
        self.time(range, "milliseconds", 1).map(Duration::from_millis)
    }

    /// A duration of that range, in seconds.
    pub(super) fn seconds(&self, range: &RangeInclusive<u64>) -> Option<Duration> {
        self.time(range, "seconds", 1000).map(Duration::from_secs)
    }

    /// A number of units of so many milliseconds.
    fn time(&self, range: &RangeInclusive<u64>, unit: &str, unit_ms: u64) -> Option<u64> {
        let DeValue::String(text) = self.value else { return self.integer(range) };
        let problem = format!("`{}` is a string where a number of {unit} belongs", self.name);
        let help = match parse_milliseconds(text, unit_ms) {
            Some(milliseconds) => format!("write {}", milliseconds / unit_ms),
            None => "write an integer".to_owned(),
        };
        self.complain(problem, help);
        None
    }

    /// True or false.
    pub(super) fn boolean(&self) -> Option<bool> {
        let DeValue::Boolean(boolean) = *self.value else {
            self.wrong_type("a boolean");
            return None;
        };
        Some(boolean)
    }

    /// One of the words.
    pub(super) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.string()?;
        if let Some(&(_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(value);
        }
        let known = words.iter().map(|(word, _)| *word);
        let all = known.clone().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let help = match nearest(text, known) {
            Some(meant) => format!("did you mean `{meant}`? it is one of {all}"),
            None => format!("write one of {all}"),
        };
        self.complain(format!("`{}` cannot be `{}`", self.name, text.escape_debug()), help);
        None
    }
}

fn unknown_keys<'a, 't>(
    section: Section,
    table: &'a DeTable<'t>,
) -> impl Iterator<Item = &'a Spanned<DeString<'t>>> {
    table.keys().filter(move |key| !section.keys().contains(&key.get_ref().as_ref()))
}

/// `64 KiB` and its like; a bare number is bytes.
fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1_u64 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// What somebody means who writes `"5s"`; a bare number counts units of so many milliseconds.
fn parse_milliseconds(text: &str, unit_ms: u64) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" => unit_ms,
        "ms" => 1,
        "s" | "sec" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}
