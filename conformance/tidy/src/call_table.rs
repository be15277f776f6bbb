//! The table of calls and states in the specification, against the tags in the headers: they must say the same.

use crate::Finding;
use crate::repository::Text;
use crate::tags::{PLACES, RESPONSES, Tag};

/// Rows in which table and tags differ, in either direction.
#[must_use]
pub fn check(chapter: &Text, tags: &[Tag]) -> Vec<Finding> {
    let rows = rows(chapter);
    let mut findings = Vec::new();
    for tag in tags {
        match rows.iter().find(|(_, cells)| cells[0] == tag.call) {
            None => findings.push(Finding::new(
                format!("{}: {}", chapter.path, tag.call),
                "the header has this call, the table has not",
            )),
            Some((line, cells)) if *cells != tag.row() => {
                let what =
                    format!("the table says {}, the header's tag {}", cells.join(" "), tag.row().join(" "));
                findings.push(Finding::at(format!("{}: {}", chapter.path, tag.call), *line, what));
            }
            Some(_) => {}
        }
    }
    for (line, cells) in &rows {
        if tags.iter().all(|tag| tag.call != cells[0]) {
            findings.push(Finding::at(
                format!("{}: {}", chapter.path, cells[0]),
                *line,
                "no header has a call of this name",
            ));
        }
    }
    findings
}

/// The rows of every table with the right columns, without the backticks around names.
fn rows(chapter: &Text) -> Vec<(usize, Vec<String>)> {
    let mut columns = vec!["call", "thread", "class"];
    columns.extend(PLACES);
    columns.extend(RESPONSES);
    let mut is_table = false;
    let mut rows = Vec::new();
    for (number, line) in chapter.lines() {
        let cells = cells(line);
        is_table = cells == columns || (is_table && cells.len() == columns.len());
        let is_row = is_table && cells != columns && !cells[0].starts_with('-');
        if is_row {
            rows.push((number, cells));
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

    const HEAD: &str = "| call | thread | class | create | destroy | worker_start | worker_stop | step | finish | foreign thread | none | open | complete | aborted |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
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
    fn every_difference_is_found() {
        let differs = |text: String| check(&Text::new("a.md", &text), &tags()).len();
        assert_eq!(differs(format!("{HEAD}{}", ROW.replacen("ok", "STATE", 1))), 1);
        assert_eq!(differs(format!("{HEAD}{}", ROW.replacen("any", "task", 1))), 1);
        assert_eq!(differs(HEAD.to_owned()), 1);
        assert_eq!(differs(format!("{HEAD}{ROW}{}", ROW.replacen("stop", "start", 1))), 1);
        assert_eq!(differs(ROW.to_owned()), 1);
    }
}
