//! The table of the chapter on calls and states, held against what every host call answered in one place. Must not know how the
//! answers came.

const CHAPTER: &str = include_str!("../../../../spec/text/20-calls-and-states.md");

/// What the core's table says of each call in that column: the name and the cell.
#[must_use]
pub fn column(name: &str) -> Vec<(String, String)> {
    let rows: Vec<Vec<&str>> = CHAPTER
        .split("### ")
        .find(|part| part.starts_with("Core"))
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let Some(at) = rows.first().and_then(|head| head.iter().position(|cell| *cell == name)) else {
        return Vec::new();
    };
    rows.iter().skip(2).map(|row| (row[0].trim_matches('`').to_owned(), row[at].to_owned())).collect()
}

/// Compares: `answers` are the lines `PLACE: CALL = ANSWER` of one place, the others are left alone.
///
/// # Errors
/// The first call that answered something else.
pub fn check(place: &str, column_name: &str, lines: &[&str]) -> Result<(), String> {
    let mut table = column(column_name);
    if matches!(column_name, "none" | "open" | "complete" | "aborted") {
        // These columns hold for a step: what is not allowed there is not allowed in any of them.
        let in_step = column("step").into_iter().filter(|(_, cell)| cell != "ok");
        table.splice(0..0, in_step);
    }
    let prefix = format!("{place}: ");
    let mut compared = 0;
    for line in lines.iter().filter_map(|line| line.strip_prefix(&prefix)) {
        let Some((call, answer)) = line.split_once(" = ") else { continue };
        let Some((_, cell)) = table.iter().find(|(known, _)| known == call) else { continue };
        compared += 1;
        let is_right = match (cell.as_str(), call) {
            // `worker_index` answers a number, told as such; in `spawn` the worker is one that there is not.
            (_, "worker_index") => true,
            ("ok", "body_trailers") => answer != "THREAD",
            ("ok", "spawn") => matches!(answer, "INVALID" | "DRAINING"),
            ("ok", _) => !matches!(answer, "THREAD" | "STATE"),
            (_, "lease_interface") => answer == "NULL",
            (cell, _) => answer == cell,
        };
        if !is_right {
            return Err(format!("{call} answers {answer} in {place}; the table says {cell}"));
        }
    }
    if compared < 5 { Err(format!("only {compared} calls were made in {place}")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_compared() {
        assert_eq!(column("finish").len(), 26);
        assert!(column("foreign thread").contains(&("timer".into(), "THREAD".into())));
        let lines = [
            "x: timer = THREAD",
            "x: respond = THREAD",
            "x: cancel = THREAD",
            "x: inform = THREAD",
            "x: abort = THREAD",
        ];
        assert_eq!(check("x", "create", &lines), Ok(()));
        assert!(check("x", "step", &lines).is_err());
        assert!(check("x", "create", &lines[..2]).is_err());
    }
}
