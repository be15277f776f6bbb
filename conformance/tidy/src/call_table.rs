//! The table of calls and states in the specification, against the tags in the headers: they must say the same.

use crate::Finding;
use crate::repository::Text;
use crate::tags::{PLACES, RESPONSES, Tag};

/// Rows in which table and tags differ, in either direction.
#[must_use]
pub fn check(chapter: &Text, tags: &[Tag]) -> Vec<Finding> {
    let rows = rows(chapter);
    let mut findings = Vec::new();
    let place = |table: &str, call: &str| format!("{}: {table} {call}", chapter.path);
    for tag in tags {
        match rows.iter().find(|row| row.is_of(tag)) {
            None => findings.push(Finding::new(
                place(&tag.table, &tag.call),
                "the header has this call, the table has not",
            )),
            Some(row) if row.cells != tag.row() => {
                let (said, tagged) = (row.cells.join(" "), tag.row().join(" "));
                let what = format!("the table says {said}, the header's tag {tagged}");
                findings.push(Finding::at(place(&tag.table, &tag.call), row.line, what));
            }
            Some(_) => {}
        }
    }
    let unknown = rows.iter().filter(|row| !tags.iter().any(|tag| row.is_of(tag)));
    findings.extend(unknown.map(|row| {
        Finding::at(place(&row.table, &row.cells[0]), row.line, "no header has a call of this name")
    }));
    findings
}

/// A row of a table: vtables of different extensions may have calls of one name.
struct Row {
    /// The heading over its table, without backticks.
    table: String,
    line: usize,
    cells: Vec<String>,
}

impl Row {
    fn is_of(&self, tag: &Tag) -> bool {
        self.table == tag.table && self.cells[0] == tag.call
    }
}

/// The rows of every table with the right columns, without the backticks around names.
fn rows(chapter: &Text) -> Vec<Row> {
    let mut columns = vec!["call", "thread", "class"];
    columns.extend(PLACES);
    columns.extend(RESPONSES);
    let mut is_table = false;
    let mut table = String::new();
    let mut rows = Vec::new();
    for (line, text) in chapter.lines() {
        if let Some(heading) = text.strip_prefix("### ") {
            table = heading.trim().trim_matches('`').to_owned();
        }
        let cells = cells(text);
        is_table = cells == columns || (is_table && cells.len() == columns.len());
        let is_row = is_table && cells != columns && !cells[0].starts_with('-');
        if is_row {
            rows.push(Row { table: table.clone(), line, cells });
        }
    }
    rows
}

/// The cells of a line of a table; none when it is no such line.
#[must_use]
pub fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map_or(vec![], |inner| {
        inner.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::of_header;

    const HEAD: &str = "### Core\n\n| call | thread | class | create | destroy | worker_start | worker_stop | step | finish | foreign thread | none | open | complete | aborted |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    const ROW: &str = "| `stop` | any | now | ok | ok | ok | ok | ok | ok | ok | ok | ok | ok | ok |\n";

    fn tags() -> Vec<Tag> {
        let header = "/* [thread=any class=now in=any response=any] */\n  hc_status(HC_CALL *stop)(const hc_host *H);\n";
        of_header(&Text::new("a.h", header)).0
    }

    #[test]
    fn the_same_is_well() {
        assert_eq!(check(&Text::new("a.md", &format!("{HEAD}{ROW}")), &tags()), []);
    }

    #[test]
    fn a_name_may_be_in_several_tables() {
        let header = "#define HC_THING_ID \"hc.thing/1\"\n/* [thread=task class=now in=step response=any] */\n  hc_status(HC_CALL *stop)(const hc_host *H);\n";
        let mut both = tags();
        both.extend(of_header(&Text::new("thing.h", header)).0);
        let row = "| `stop` | task | now | THREAD | THREAD | STATE | STATE | ok | STATE | THREAD | ok | ok | ok | ok |\n";
        let second = HEAD.replace("Core", "`hc.thing/1`");
        let well = format!("{HEAD}{ROW}\n{second}{row}");
        assert_eq!(check(&Text::new("a.md", &well), &both), []);
        let swapped = format!("{HEAD}{row}\n{second}{ROW}");
        assert_eq!(check(&Text::new("a.md", &swapped), &both).len(), 2);
        assert_eq!(check(&Text::new("a.md", &format!("{HEAD}{ROW}{row}")), &both).len(), 1);
    }

    #[test]
    fn every_difference_is_found() {
        let differs = |text: String| check(&Text::new("a.md", &text), &tags()).len();
        assert_eq!(differs(format!("{HEAD}{}", ROW.replacen("ok", "STATE", 1))), 1);
        assert_eq!(differs(format!("{HEAD}{}", ROW.replacen("any", "task", 1))), 1);
        assert_eq!(differs(HEAD.to_owned()), 1);
        assert_eq!(differs(format!("{HEAD}{ROW}{}", ROW.replacen("stop", "start", 1))), 1);
        assert_eq!(differs(ROW.to_owned()), 1);
    }
}
