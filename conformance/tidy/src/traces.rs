//! Which rules have cases in the conformance kit: its own table, held against the rules of the chapters. Must not know what a case
//! does.

use crate::Finding;
use crate::repository::Text;
use crate::rules::Rule;
use std::collections::BTreeMap;

/// The kit's table: lines of rule, subject and case, tab-separated.
pub const TABLE: &str = "conformance/suite/trace.tsv";
/// Rules that have no case yet: lines of `rule | reason`.
pub const UNCOVERED: &str = "conformance/suite/uncovered.txt";

/// The cases by rule.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    by_rule: BTreeMap<String, Vec<String>>,
}

impl Traces {
    /// Reads the kit's table.
    #[must_use]
    pub fn parse(table: &str) -> Traces {
        let mut by_rule: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in table.lines() {
            if let [rule, subject, case] = line.split('\t').collect::<Vec<_>>()[..] {
                by_rule.entry(rule.into()).or_default().push(format!("{subject} {case}"));
            }
        }
        Traces { by_rule }
    }

    /// The cases that test a rule: subject and name.
    #[must_use]
    pub fn cases(&self, rule: &str) -> &[String] {
        self.by_rule.get(rule).map_or(&[], Vec::as_slice)
    }
}

/// Rules which modules have to keep, marked as tested, that have neither a case nor a reason; cases for rules that there are not;
/// and reasons that are none any more.
#[must_use]
pub fn check(rules: &BTreeMap<String, Rule>, traces: &Traces, uncovered: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut excused = BTreeMap::new();
    for (number, line) in uncovered.lines().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(" | ") {
            Some((rule, reason)) if !reason.trim().is_empty() => {
                excused.insert(rule, number);
            }
            _ => findings.push(Finding::at(&uncovered.path, number, "not in the form `rule | reason`")),
        }
    }
    for rule in rules.values().filter(|rule| rule.subject != "container" && rule.check == "tested") {
        if traces.cases(&rule.id).is_empty() && !excused.contains_key(rule.id.as_str()) {
            let what = format!("no case tests r[{}], and {UNCOVERED} gives no reason", rule.id);
            findings.push(Finding::at(&rule.chapter, rule.line, what));
        }
    }
    for (rule, number) in excused {
        let what = match rules.get(rule) {
            None => format!("there is no r[{rule}]"),
            Some(_) if !traces.cases(rule).is_empty() => format!("r[{rule}] has a case: take the line out"),
            Some(_) => continue,
        };
        findings.push(Finding::at(&uncovered.path, number, what));
    }
    let unknown = traces.by_rule.keys().filter(|rule| !rules.contains_key(*rule));
    findings.extend(unknown.map(|rule| Finding::new(TABLE, format!("there is no r[{rule}]"))));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::of_chapters;

    fn findings(table: &str, uncovered: &str) -> usize {
        let chapter = "r[a.kept] {module, tested, since 1.0} It MUST.\n\nr[a.seen] {both, inspected (so), since 1.0} It MUST.\n\nr[a.other] {container, tested, since 1.0} It MUST.\n";
        let rules = of_chapters(&[Text::new("spec/text/a.md", chapter)]).0;
        check(&rules, &Traces::parse(table), &Text::new(UNCOVERED, uncovered)).len()
    }

    #[test]
    fn a_rule_needs_a_case_or_a_reason() {
        assert_eq!(findings("a.kept\tmodule\tone\n", ""), 0);
        assert_eq!(findings("", "# why\na.kept | cannot be seen\n"), 0);
        assert_eq!(findings("", ""), 1);
    }

    #[test]
    fn reasons_and_cases_are_about_rules_that_there_are() {
        assert_eq!(findings("a.kept\tmodule\tone\n", "a.kept | cannot be seen\n"), 1);
        assert_eq!(findings("a.kept\tmodule\tone\n", "a.gone | cannot be seen\n"), 1);
        assert_eq!(findings("a.kept\tmodule\tone\na.gone\tmodule\ttwo\n", ""), 1);
        assert_eq!(findings("a.kept\tmodule\tone\n", "a.seen\n"), 1);
    }
}
