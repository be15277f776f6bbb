//! Words that may not stand in tracked files: marks of unfinished work, paths of somebody's machine, hosts of package registries.

use crate::Finding;
use crate::repository::Text;
use regex::Regex;
use std::sync::LazyLock;

/// Patterns with what to say about them. Written in pieces, since this file is tracked too.
static FORBIDDEN: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let unfinished =
        concat!(r"\b(TO", "DO|FIX", "ME|XX", r"X|HA", r"CK)\b|\b(to", "do|unimpl", r"emented)!\s*\(");
    let machine =
        concat!(r#"(^|[\s"'`=(:])/(wo"#, r"rk|ro", r"ot|ho", r"me|Us", "ers|t", r"mp)/[A-Za-z0-9_.-]");
    let registry = concat!(
        r"\b(crates\.",
        r"io|pypi\.",
        r"org|pythonhosted\.",
        r"org|npmjs\.",
        r"(org|com)|rubygems\.",
        "org|proxy",
        r"\.golang\.org)\b"
    );
    let rules = [
        (unfinished, "unfinished work: finish it, or put it into an issue"),
        (
            machine,
            "a path of one machine: derive it from where the file or program is, or use a temporary folder",
        ),
        (registry, "the host of a package registry: name the package only"),
    ];
    rules.map(|(pattern, what)| (Regex::new(pattern).expect("a good pattern"), what)).into()
});

/// Lines with such words.
#[must_use]
pub fn check(text: &Text) -> Vec<Finding> {
    let on_line = |(number, line): (usize, &str)| {
        let hits =
            FORBIDDEN.iter().filter_map(|(pattern, what)| pattern.find(line).map(|found| (found, *what)));
        let finding = |(found, what): (regex::Match<'_>, &str)| {
            Finding::at(&text.path, number, format!("`{}`: {what}", found.as_str().trim()))
        };
        hits.map(finding).collect::<Vec<_>>()
    };
    text.lines().flat_map(on_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sort_of_word_is_found() {
        for line in [
            concat!("// TO", "DO: later"),
            concat!("fix", "me FIX", "ME"),
            concat!("    unimpl", "emented!()"),
            concat!("let a = to", "do!(\"x\");"),
            concat!("path = \"/wo", "rk/main\""),
            concat!("cd /ro", "ot/x"),
            concat!("index = https://index.crates.", "io/"),
        ] {
            assert_eq!(check(&Text::new("a.rs", line)).len(), 1, "{line}");
        }
    }

    #[test]
    fn ordinary_text_is_not() {
        for line in [
            "todo = \"deny\"",
            "GET /home/ HTTP/1.1",
            "a hack",
            "the network/main loop",
            "mastodon",
            "/run/x.sock",
        ] {
            assert_eq!(check(&Text::new("a.md", line)), [], "{line}");
        }
    }
}
