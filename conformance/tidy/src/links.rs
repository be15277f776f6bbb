//! Links in Markdown files: what they point at must be tracked, and a heading must be there. Addresses on the web are not asked.

use crate::Finding;
use crate::repository::Text;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};

/// The extensions of Markdown that our texts use.
pub(crate) const OPTIONS: Options = Options::ENABLE_TABLES;

/// Links that lead nowhere. `files` are all tracked paths, `texts` the Markdown files.
#[must_use]
pub fn check(texts: &[Text], files: &[String]) -> Vec<Finding> {
    let headings: BTreeMap<&str, BTreeSet<String>> =
        texts.iter().map(|text| (text.path.as_str(), anchors(&text.text))).collect();
    let mut findings = Vec::new();
    for text in texts {
        for target in targets(&text.text) {
            if let Some(what) = broken(&text.path, &target, files, &headings) {
                findings.push(Finding::new(format!("{}: {target}", text.path), what));
            }
        }
    }
    findings
}

fn broken(
    from: &str,
    target: &str,
    files: &[String],
    headings: &BTreeMap<&str, BTreeSet<String>>,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { from.to_owned() } else { resolve(from, path) };
    let is_folder = files.iter().any(|file| file.starts_with(&format!("{}/", path.trim_end_matches('/'))));
    if !files.contains(&path) && !is_folder {
        return Some(format!("there is no {path}"));
    }
    let known = headings.get(path.as_str())?;
    anchor.filter(|anchor| !known.contains(*anchor)).map(|anchor| format!("{path} has no heading #{anchor}"))
}

/// Source files that a text names as code, `like/this.rs`, and that no tracked path ends with. One whole path is no more than a
/// name: a text may leave out the folders that its reader knows.
#[must_use]
pub fn named_files(text: &Text, files: &[String]) -> Vec<Finding> {
    let is_source = |name: &str| {
        let stem = [".rs", ".c", ".h"].iter().find_map(|ending| name.strip_suffix(ending));
        stem.is_some_and(|stem| {
            stem.contains('/') && !stem.contains([' ', '*', '$', '<']) && !stem.starts_with("./")
        })
    };
    let is_there = |name: &str| files.iter().any(|file| file == name || file.ends_with(&format!("/{name}")));
    let names = Parser::new_ext(&text.text, OPTIONS).filter_map(|event| match event {
        Event::Code(code) if is_source(&code) => Some(code.to_string()),
        _ => None,
    });
    let gone = names.filter(|name| !is_there(name));
    gone.map(|name| Finding::new(format!("{}: {name}", text.path), "names a source file that there is not"))
        .collect()
}

/// A relative path, seen from a file.
fn resolve(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// What the links and pictures of a text point at, also those that are written as HTML.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for event in Parser::new_ext(text, OPTIONS) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                targets.push(dest_url.to_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for attribute in ["href=\"", "src=\"", "srcset=\""] {
                    let values = html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
                    targets.extend(values.map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    targets
}

/// The anchors of all headings of a text.
#[must_use]
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, OPTIONS) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|title| anchor(&title))),
            Event::Text(part) | Event::Code(part) => {
                heading.iter_mut().for_each(|title| title.push_str(&part));
            }
            _ => {}
        }
    }
    anchors
}

/// The anchor of a heading: lower case, hyphens for blanks, nothing for other signs.
#[must_use]
pub fn anchor(title: &str) -> String {
    let kept = |sign: char| match sign {
        ' ' | '-' => Some('-'),
        '_' => Some('_'),
        sign if sign.is_alphanumeric() => sign.to_lowercase().next(),
        _ => None,
    };
    title.trim().chars().filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_links(text: &str) -> usize {
        let files = ["a/b.md", "a/c.md", "d/e.rs", "f.svg"].map(str::to_owned);
        check(&[Text::new("a/b.md", text), Text::new("a/c.md", "# The `hc_host` table\n")], &files).len()
    }

    #[test]
    fn links_that_lead_somewhere_are_well() {
        for good in [
            "[x](c.md)",
            "[x](../d/e.rs)",
            "[x](../d)",
            "[x](../d/)",
            "[x](c.md#the-hc_host-table)",
            "[x](https://example.org/y)",
            "![x](../f.svg)",
            "`[x](gone.md)`",
        ] {
            assert_eq!(broken_links(good), 0, "{good}");
        }
        assert_eq!(broken_links("# Here\n\n[x](#here)\n"), 0);
    }

    #[test]
    fn files_that_are_named_must_be_there() {
        let files = ["a/src/b.rs".to_owned()];
        let gone = |text: &str| named_files(&Text::new("a.md", text), &files).len();
        assert_eq!(gone("`src/b.rs`, `a/src/b.rs`, `b.rs`, `c.rs`, `ext/*.h`, src/c.rs, `./x/libx.so`"), 0);
        assert_eq!(gone("`src/c.rs` and `c/src/b.rs`"), 2);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for bad in [
            "[x](gone.md)",
            "[x](../d/gone.rs)",
            "[x](c.md#gone)",
            "[x](#gone)",
            "![x](gone.svg)",
            "<img src=\"gone.svg\">",
            "[x][y]\n\n[y]: gone.md",
        ] {
            assert_eq!(broken_links(bad), 1, "{bad}");
        }
    }
}
