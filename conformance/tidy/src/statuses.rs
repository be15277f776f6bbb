//! The statuses, which stand in three places: the header, the specification's table and the Rust table. All must say the same.

use crate::Finding;
use crate::call_table::cells;
use crate::repository::Text;
use regex::Regex;
use std::sync::LazyLock;

static ENUMERATOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s+(HC_[A-Z_]+) = (-?\d+)\b").expect("a good pattern"));

/// A status in one of the places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: String,
    /// Its text, where the place has one.
    pub text: Option<String>,
}

/// The enumerators of `status.h`.
#[must_use]
pub fn of_header(header: &Text) -> Vec<Row> {
    let row = |line: &str| {
        let parts = ENUMERATOR.captures(line)?;
        Some(Row { number: parts[2].parse().ok()?, name: parts[1].to_owned(), text: None })
    };
    header.text.lines().filter_map(row).collect()
}

/// The rows of the specification's table: number, name, text.
#[must_use]
pub fn of_chapter(chapter: &Text) -> Vec<Row> {
    let row = |line: &str| match &cells(line)[..] {
        [number, name, text] => {
            Some(Row { number: number.parse().ok()?, name: name.clone(), text: Some(text.clone()) })
        }
        _ => None,
    };
    chapter.text.lines().filter_map(row).collect()
}

/// The rows of the Rust table.
#[must_use]
pub fn of_rust() -> Vec<Row> {
    let row = |row: &http_container_abi::StatusRow| Row {
        number: row.status.0,
        name: row.name.to_owned(),
        text: Some(row.text.to_owned()),
    };
    http_container_abi::Status::TABLE.iter().map(row).collect()
}

/// Where `other` differs from `first`: numbers, names, order, and texts where both have them.
#[must_use]
pub fn differences(first: &[Row], other: &[Row], place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in first {
        let Some(same) = other.iter().find(|same| same.name == row.name) else {
            findings.push(Finding::new(format!("{place}: {}", row.name), "is not there"));
            continue;
        };
        if same.number != row.number {
            let what = format!("is {} here, and {} elsewhere", same.number, row.number);
            findings.push(Finding::new(format!("{place}: {}", row.name), what));
        }
        if let (Some(here), Some(there)) = (&same.text, &row.text)
            && here != there
        {
            let what = format!("{} is \"{here}\" here, and \"{there}\" elsewhere", row.name);
            findings.push(Finding::new(format!("{place}: texts"), what));
        }
    }
    let strange = other.iter().filter(|row| first.iter().all(|same| same.name != row.name));
    findings.extend(strange.map(|row| Finding::new(format!("{place}: {}", row.name), "is here only")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_read() {
        let header = of_header(&Text::new(
            "a.h",
            "enum {\n  HC_OK = 0, /* done */\n  HC_E_GONE = -2\n};\n#define HC_DONE HC_OK\n",
        ));
        let chapter = of_chapter(&Text::new(
            "a.md",
            "| number | name | text |\n| ---: | --- | --- |\n| 0 | `HC_OK` | done |\n| -2 | `HC_E_GONE` | gone |\n",
        ));
        assert_eq!((header.len(), chapter.len()), (2, 2));
        assert_eq!(differences(&header, &chapter, "a.md"), []);
        assert!(of_rust().len() > 20);
    }

    #[test]
    fn every_difference_is_found() {
        let row = |number, name: &str, text: &str| Row { number, name: name.into(), text: Some(text.into()) };
        let first = [row(0, "HC_OK", "done")];
        for other in [
            vec![row(1, "HC_OK", "done")],
            vec![row(0, "HC_OK", "well")],
            vec![],
            vec![row(0, "HC_OK", "done"), row(1, "HC_NEW", "x")],
        ] {
            assert_eq!(differences(&first, &other, "b").len(), 1, "{other:?}");
        }
    }
}
