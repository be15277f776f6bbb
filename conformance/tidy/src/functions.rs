//! How long functions are, in Rust, C and shell scripts. It trusts that sources are formatted: a function ends with a brace in the column
//! in which its first line begins. Blank lines and comments do not count. Must not know languages beyond that.

use crate::Finding;
use crate::repository::Text;
use regex::Regex;
use std::sync::LazyLock;

/// Most lines of a function.
pub const FUNCTION_LINES: usize = 70;

static RUST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(\s*)(?:pub(?:\([^)]*\))? |const |async |unsafe |extern "C" )*fn (\w+)"#)
        .expect("a good pattern")
});
static C: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^()[A-Za-z][\w\s*()]*?\b(\w+)\(.*[{,]$").expect("a good pattern"));
static SHELL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^()(\w+)\(\) \{$").expect("a good pattern"));

/// Functions that are too long.
#[must_use]
pub fn check(text: &Text) -> Vec<Finding> {
    let is_shell = text.path.ends_with(".sh") || text.text.starts_with("#!/bin/");
    let pattern: &Regex = match text.path.rsplit('.').next() {
        Some("rs") => &RUST,
        Some("c" | "h" | "cpp") => &C,
        _ if is_shell => &SHELL,
        _ => return vec![],
    };
    let lines: Vec<&str> = text.text.lines().collect();
    let long = |(index, line): (usize, &&str)| {
        let begin = pattern.captures(line)?;
        let count = length(&lines[index..], &begin[1])?;
        let what = format!("{count} lines, at most {FUNCTION_LINES}: name its parts");
        (count > FUNCTION_LINES)
            .then(|| Finding::at(format!("{}: {}", text.path, &begin[2]), index + 1, what))
    };
    lines.iter().enumerate().filter_map(long).collect()
}

/// Lines of code from the first to the closing brace in the column of the first; `None` for a declaration.
fn length(lines: &[&str], indent: &str) -> Option<usize> {
    let end = format!("{indent}}}");
    let is_end = |line: &&str| {
        line.strip_prefix(end.as_str()).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let is_code = |line: &&&str| {
        let line = line.trim_start();
        !(line.is_empty()
            || line.starts_with("//")
            || line.starts_with("/*")
            || line.starts_with("* ")
            || line.starts_with('#'))
    };
    if lines[0].ends_with('}') || lines[0].ends_with(';') {
        return None;
    }
    let last = lines.iter().skip(1).position(is_end)? + 1;
    Some(lines[1..last].iter().filter(is_code).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(path: &str, head: &str, body: usize, end: &str) -> usize {
        check(&Text::new(path, &format!("{head}\n{}{end}\n", "  a();\n\n  // why\n".repeat(body)))).len()
    }

    #[test]
    fn a_long_function_is_found_in_every_language() {
        for (path, head, end) in [
            ("a.rs", "pub(crate) async fn long() {", "}"),
            ("a.rs", "    fn long(", "    }"),
            ("a.c", "static hc_status start(void *instance, hc_task task) {", "}"),
            ("a.h", "static inline int long(void) {", "}"),
            ("a.sh", "long() {", "}"),
        ] {
            assert_eq!(function(path, head, 71, end), 1, "{head}");
            assert_eq!(function(path, head, 70, end), 0, "{head}");
        }
    }

    #[test]
    fn a_declaration_is_none() {
        let text = format!("    fn a();\n{}}}\n", "    fn b();\n".repeat(80));
        assert_eq!(check(&Text::new("a.rs", &text)), []);
    }
}
