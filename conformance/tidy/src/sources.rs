//! How a source file begins, how long it is, and where `unsafe` may stand. Must not know what the files do.

use crate::Finding;
use crate::repository::Text;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// Most lines of a source file.
pub const FILE_LINES: usize = 400;
/// Most lines of a source file of an example.
pub const EXAMPLE_LINES: usize = 150;

static UNSAFE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bunsafe\b").expect("a good pattern"));

/// Rust files that do not open with `//!`: what the file is, and what it must not know.
#[must_use]
pub fn opening(text: &Text) -> Vec<Finding> {
    let opens = text.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 12);
    if opens {
        vec![]
    } else {
        vec![Finding::new(&text.path, "does not open with `//!`: say what it is, and what it must not know")]
    }
}

/// Files that are too long; an example's are shorter than others, but for containers, which are whole programs.
#[must_use]
pub fn length(text: &Text) -> Vec<Finding> {
    let is_whole = text.path.ends_with("tests.rs") || text.path.starts_with("examples/hosts/");
    let is_example = text.path.starts_with("examples/") && !is_whole;
    let most = if is_example { EXAMPLE_LINES } else { FILE_LINES };
    let lines = text.text.lines().count();
    let what = format!("{lines} lines, at most {most}: it holds more than one idea");
    if lines > most { vec![Finding::new(&text.path, what)] } else { vec![] }
}

/// Crate roots that do not forbid unsafe code, and unsafe code anywhere outside `abi/`.
#[must_use]
pub fn without_unsafe(text: &Text) -> Vec<Finding> {
    if text.path.starts_with("abi/") {
        return vec![];
    }
    let mut findings = Vec::new();
    let is_root = ["src/lib.rs", "src/main.rs"].iter().any(|end| text.path.ends_with(end))
        || text.path.contains("/src/bin/");
    if is_root && !text.text.contains("#![forbid(unsafe_code)]") {
        findings.push(Finding::new(
            &text.path,
            "a crate without `#![forbid(unsafe_code)]`: only abi may do without",
        ));
    }
    for (number, line) in (Text { path: String::new(), text: code(&text.text) }).lines() {
        if UNSAFE.is_match(line) {
            findings.push(Finding::at(&text.path, number, "unsafe code: it belongs into abi"));
        }
    }
    findings
}

/// What neither code nor a line break is: texts and comments of Rust, characters that are quotes.
static NO_CODE: LazyLock<Regex> = LazyLock::new(|| {
    let raw_text = "r\"[^\"]*\"|r#\"(?s:.*?)\"#";
    let text = r#""(?:\\(?s:.)|[^"\\])*""#;
    Regex::new(&format!(r#"{raw_text}|{text}|'\\?"'|//[^\n]*|/\*(?s:.*?)\*/"#)).expect("a good pattern")
});

/// A text without its comments and without what stands in quotes, with the same lines.
fn code(text: &str) -> String {
    let blank = |found: &Captures<'_>| "\n".repeat(found[0].matches('\n').count());
    NO_CODE.replace_all(text, blank).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(opening(&Text::new("a.rs", "//! Frames: bytes in, events out.\n")), []);
        for text in [
            "",
            "use std::io;\n",
            "// A comment.\n",
            "//!\n",
            "//! Tests.\n",
            "\n//! Frames: bytes in, events out.\n",
        ] {
            assert_eq!(opening(&Text::new("a.rs", text)).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_long_file_is_found() {
        let lines = |count| "x\n".repeat(count);
        assert_eq!(length(&Text::new("abi/a.rs", &lines(400))), []);
        assert_eq!(length(&Text::new("abi/a.rs", &lines(401))).len(), 1);
        assert_eq!(length(&Text::new("examples/sleep/sleep.c", &lines(150))), []);
        assert_eq!(length(&Text::new("examples/hosts/one/run.c", &lines(400))), []);
        assert_eq!(length(&Text::new("examples/sleep/sleep.c", &lines(151))).len(), 1);
        assert_eq!(length(&Text::new("examples/sleep/src/tests.rs", &lines(151))), []);
        assert_eq!(length(&Text::new("examples/hosts/poll/task.c", &lines(400))), []);
        assert_eq!(length(&Text::new("examples/hosts/poll/task.c", &lines(401))).len(), 1);
    }

    #[test]
    fn unsafe_code_is_found_where_it_may_not_be() {
        let forbids = "//! A crate.\n#![forbid(unsafe_code)]\n";
        assert_eq!(without_unsafe(&Text::new("a/src/lib.rs", forbids)), []);
        assert_eq!(without_unsafe(&Text::new("a/src/lib.rs", "//! A crate.\n")).len(), 1);
        assert_eq!(without_unsafe(&Text::new("a/src/bin/b.rs", "fn main() {}\n")).len(), 1);
        assert_eq!(without_unsafe(&Text::new("a/src/b.rs", "let a = unsafe { *b };\n")).len(), 1);
        assert_eq!(without_unsafe(&Text::new("a/tests/b.rs", "unsafe fn a() {}\n")).len(), 1);
        assert_eq!(
            without_unsafe(&Text::new("a/src/b.rs", "// unsafe here\nlet a = \"unsafe\"; // unsafe\n")),
            []
        );
        let quoted = "let a = \"one\n unsafe\\\" unsafe\"; let b = '\"'; /* unsafe\n */ let c = r#\"unsafe \" unsafe\"#;\n";
        assert_eq!(without_unsafe(&Text::new("a/src/b.rs", quoted)), []);
        let findings = without_unsafe(&Text::new("a/src/b.rs", &format!("{quoted}unsafe {{ a() }}\n")));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [Some(4)]);
        assert_eq!(without_unsafe(&Text::new("abi/src/b.rs", "unsafe { a() }\n")), []);
    }
}
