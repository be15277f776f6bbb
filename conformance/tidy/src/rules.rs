//! The rules of the specification, read out of its chapters in the form that the overview fixes. Must not know who uses them.

use crate::Finding;
use crate::repository::Text;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The grammar of an id, without anchors.
pub const ID: &str = r"[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*){1,3}";

static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    let form = format!(
        r"^r\[({ID})\] \{{(container|module|both), (tested|inspected \([^,(){{}}]+\)), since (\d+\.\d+)\}} (.+)$"
    );
    Regex::new(&form).expect("a good pattern")
});
static BINDING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(MUST|SHOULD|MAY)\b").expect("a good pattern"));

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id, for ever.
    pub id: String,
    /// Who has to keep it: `container`, `module` or `both`.
    pub subject: String,
    /// `tested`, or `inspected (reason)`.
    pub check: String,
    /// The version that brought it.
    pub since: String,
    /// Its text, in one line.
    pub text: String,
    /// The chapter's path.
    pub chapter: String,
    /// The line on which it begins.
    pub line: usize,
}

/// The rules of a chapter, and what is wrong with their form.
#[must_use]
pub fn of_chapter(chapter: &Text) -> (Vec<Rule>, Vec<Finding>) {
    let mut rules = Vec::new();
    let mut findings = Vec::new();
    for (line, paragraph) in paragraphs(chapter) {
        let Some(parts) = HEADER.captures(&paragraph) else {
            let begin: String = paragraph.chars().take(60).collect();
            findings.push(Finding::at(&chapter.path, line, format!("not in the form of a rule: {begin}")));
            continue;
        };
        if !BINDING.is_match(&parts[5]) {
            let what = format!("r[{}] binds nobody: a rule says MUST, SHOULD or MAY", &parts[1]);
            findings.push(Finding::at(&chapter.path, line, what));
        }
        let [id, subject, check, since, text] = [1, 2, 3, 4, 5].map(|index| parts[index].to_owned());
        rules.push(Rule { id, subject, check, since, text, chapter: chapter.path.clone(), line });
    }
    (rules, findings)
}

/// The rules of all chapters by id, and what is wrong with them.
#[must_use]
pub fn of_chapters(chapters: &[Text]) -> (BTreeMap<String, Rule>, Vec<Finding>) {
    let mut by_id: BTreeMap<String, Rule> = BTreeMap::new();
    let mut findings = Vec::new();
    for chapter in chapters {
        let (rules, wrong) = of_chapter(chapter);
        findings.extend(wrong);
        for rule in rules {
            if let Some(first) = by_id.get(&rule.id) {
                let what =
                    format!("r[{}] is there already, in {} line {}", rule.id, first.chapter, first.line);
                findings.push(Finding::at(&rule.chapter, rule.line, what));
            } else {
                by_id.insert(rule.id.clone(), rule);
            }
        }
    }
    (by_id, findings)
}

/// The first segments of all ids.
#[must_use]
pub fn areas(rules: &BTreeMap<String, Rule>) -> BTreeSet<String> {
    rules.keys().filter_map(|id| id.split('.').next()).map(str::to_owned).collect()
}

/// Paragraphs that begin with `r[` outside code blocks, each in one line.
fn paragraphs(chapter: &Text) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut is_code, mut is_rule) = (false, false);
    for (number, line) in chapter.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code || line.trim().is_empty() {
            is_rule = false;
        } else if line.starts_with("r[") {
            is_rule = true;
            found.push((number, line.trim_end().to_owned()));
        } else if is_rule && let Some((_, text)) = found.last_mut() {
            text.push(' ');
            text.push_str(line.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# A\n\nr[task.finish.exactly-once] {container, inspected (it cannot\nbe seen), since 1.0} A container\nMUST do it.\n\nMore.\n";

    #[test]
    fn a_rule_is_read() {
        let (rules, findings) = of_chapter(&Text::new("a.md", GOOD));
        assert_eq!(findings, []);
        assert_eq!(rules.len(), 1);
        assert_eq!((rules[0].id.as_str(), rules[0].line), ("task.finish.exactly-once", 3));
        assert_eq!(rules[0].check, "inspected (it cannot be seen)");
        assert_eq!(rules[0].text, "A container MUST do it.");
    }

    #[test]
    fn every_breach_of_the_form_is_found() {
        for bad in [
            "r[task] {both, tested, since 1.0} It MUST.",
            "r[Task.a] {both, tested, since 1.0} It MUST.",
            "r[a.b.c.d.e] {both, tested, since 1.0} It MUST.",
            "r[a.b] {peer, tested, since 1.0} It MUST.",
            "r[a.b] {both, inspected, since 1.0} It MUST.",
            "r[a.b] {both, tested} It MUST.",
            "r[a.b] {both, tested, since 1} It MUST.",
            "r[a.b] It MUST.",
            "r[a.b] {both, tested, since 1.0} It does.",
        ] {
            assert_eq!(of_chapter(&Text::new("a.md", bad)).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn an_id_is_given_once() {
        let text = Text::new(
            "a.md",
            "r[a.b] {both, tested, since 1.0} It MUST.\n\nr[a.b] {both, tested, since 1.0} It MAY.\n",
        );
        assert_eq!(of_chapters(&[text]).1.len(), 1);
    }

    #[test]
    fn code_blocks_hold_no_rules() {
        let text = Text::new("a.md", "```text\nr[not a rule]\n```\n");
        assert_eq!(of_chapter(&text), (vec![], vec![]));
    }
}
