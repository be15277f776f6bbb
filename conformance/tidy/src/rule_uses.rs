//! Where code, headers, tests and prose name rules: every id that is named must be one of the specification's.
//!
//! An id is named as `r[a.b]` anywhere; as `[a.b]` in a comment of a source; as the string `"a.b"` in a source; as `` `a.b` `` in
//! prose. Strings and prose hold other dotted words too, so there only words whose first segment is an area of the rules
//! count, except in folders whose strings are rules by trade.

use crate::Finding;
use crate::repository::Text;
use crate::rules::{ID, Rule, areas};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// Folders in which every dotted lower-case string is a rule that a refusal or a fault names.
const BY_TRADE: [&str; 4] = [
    "abi/src/",
    "reference-server/host/src/",
    "bindings/c/include/http_container/fake_host",
    "bindings/rust/src/testing/",
];
/// First or last segments of domain names, as hosts and ids of modules have them.
const DOMAINS: [&str; 4] = ["org", "com", "net", "example"];
/// Last segments that tell a file's name.
const FILE_ENDINGS: [&str; 12] =
    ["log", "old", "toml", "so", "md", "h", "c", "rs", "html", "txt", "json", "sh"];

/// A place where a rule is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleUse {
    /// The id as written.
    pub id: String,
    /// The file.
    pub path: String,
    /// The line.
    pub line: usize,
}

/// The forms in which files name rules.
pub struct Forms {
    explicit: Regex,
    comment: Regex,
    string: Regex,
    prose: Regex,
    areas: BTreeSet<String>,
}

impl Forms {
    /// For these rules.
    #[must_use]
    pub fn new(rules: &BTreeMap<String, Rule>) -> Forms {
        let pattern = |before: &str, after: &str| {
            Regex::new(&format!("{before}({ID}){after}")).expect("a good pattern")
        };
        Forms {
            explicit: pattern(r"\br\[", r"\]"),
            comment: pattern(r"(?:^|[\s(/*])\[", r"\](?:[^(\[\w]|$)"),
            string: pattern("\"", "\""),
            prose: pattern("`", "`"),
            areas: areas(rules),
        }
    }

    /// Every rule that the file names.
    #[must_use]
    pub fn uses(&self, text: &Text) -> Vec<RuleUse> {
        let is_source = [".rs", ".c", ".h", ".cpp"].iter().any(|ending| text.path.ends_with(ending));
        let is_prose = text.path.ends_with(".md");
        let is_by_trade = BY_TRADE.iter().any(|folder| text.path.starts_with(folder));
        let mut uses = Vec::new();
        for (number, line) in text.lines() {
            let mut add = |pattern: &Regex, is_certain: bool| {
                let ids = pattern.captures_iter(line).map(|found| found[1].to_owned());
                let named = ids.filter(|id| is_certain || self.is_in_an_area(id));
                uses.extend(named.map(|id| RuleUse { id, path: text.path.clone(), line: number }));
            };
            add(&self.explicit, true);
            if is_source {
                add(&self.comment, true);
                add(&self.string, false);
            }
            if is_prose {
                add(&self.prose, false);
            }
            if is_by_trade && is_source {
                let strings = self.string.captures_iter(line).map(|found| found[1].to_owned());
                let further = strings.filter(|id| !self.is_in_an_area(id) && is_rule_like(id));
                uses.extend(further.map(|id| RuleUse { id, path: text.path.clone(), line: number }));
            }
        }
        uses
    }

    fn is_in_an_area(&self, id: &str) -> bool {
        is_rule_like(id) && id.split('.').next().is_some_and(|area| self.areas.contains(area))
    }
}

fn is_rule_like(id: &str) -> bool {
    let ends = (id.split('.').next().unwrap_or_default(), id.rsplit('.').next().unwrap_or_default());
    !DOMAINS.contains(&ends.0) && !DOMAINS.contains(&ends.1) && !FILE_ENDINGS.contains(&ends.1)
}

/// Uses of ids that no rule has.
#[must_use]
pub fn unknown(uses: &[RuleUse], rules: &BTreeMap<String, Rule>) -> Vec<Finding> {
    let finding = |named: &&RuleUse| {
        let what = format!("no chapter of spec/text has r[{}]", named.id);
        Finding::at(format!("{}: {}", named.path, named.id), named.line, what)
    };
    uses.iter().filter(|named| !rules.contains_key(&named.id)).map(|named| finding(&named)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::of_chapters;

    fn unknown_in(path: &str, text: &str) -> Vec<String> {
        let chapter = Text::new("spec/text/a.md", "r[task.done] {both, tested, since 1.0} It MUST.\n");
        let rules = of_chapters(&[chapter]).0;
        let uses = Forms::new(&rules).uses(&Text::new(path, text));
        unknown(&uses, &rules)
            .into_iter()
            .map(|finding| finding.place.split(": ").nth(1).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn unknown_ids_are_found_in_every_form() {
        assert_eq!(unknown_in("a.toml", "# see r[other.thing]"), ["other.thing"]);
        assert_eq!(unknown_in("a.rs", "// Never twice [other.thing]."), ["other.thing"]);
        assert_eq!(unknown_in("a.h", " * [other.thing] */"), ["other.thing"]);
        assert_eq!(unknown_in("server/a.rs", "rule == \"task.gone\""), ["task.gone"]);
        assert_eq!(unknown_in("reference-server/host/src/a.rs", "refuse(\"other.thing\")"), ["other.thing"]);
        assert_eq!(unknown_in("a.md", "see `task.gone`"), ["task.gone"]);
    }

    #[test]
    fn known_ids_and_other_words_are_not() {
        assert_eq!(unknown_in("a.rs", "// [task.done] r[task.done] \"task.done\""), [""; 0]);
        assert_eq!(
            unknown_in("a.rs", "let a = self.modules[call.module]; b(\"example.org\", \"task.toml\")"),
            [""; 0]
        );
        assert_eq!(unknown_in("abi/src/a.rs", "id(\"org.example.hello\")"), [""; 0]);
        assert_eq!(unknown_in("a.md", "the file `other.thing`"), [""; 0]);
    }
}
