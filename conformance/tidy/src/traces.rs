//! Which rules have cases in the conformance kit: its own table, held against the rules of the chapters. Must not know what a case
//! does.

use crate::Finding;
use crate::repository::Text;
use crate::rules::Rule;
use std::collections::BTreeMap;

/// The kit's table: lines of rule, subject and case, tab-separated.
pub const TABLE: &str = "conformance/suite/trace.tsv";
/// Rules of modules that have no case yet: lines of `rule | reason`.
pub const UNCOVERED: &str = "conformance/suite/uncovered.txt";
/// The same of containers.
pub const UNCOVERED_OF_CONTAINERS: &str = "conformance/suite/uncovered-containers.txt";

/// Whose rules they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Cases of any subject count: a container in front of a module tells something of both.
    Modules,
    /// Cases whose subject is a container, or any HTTP server.
    Containers,
}

impl Side {
    fn has(self, subject: &str) -> bool {
        match self {
            Side::Modules => subject != "container",
            Side::Containers => subject != "module",
        }
    }

    /// Whether a case, as subject and name, is on this side.
    fn is_case(self, case: &str) -> bool {
        self == Side::Modules || !case.starts_with("module ")
    }
}

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

/// Rules of one side, marked as tested, that have neither a case there nor a reason; cases for rules that there are not; and reasons that
/// are none any more.
#[must_use]
pub fn check(rules: &BTreeMap<String, Rule>, traces: &Traces, side: Side, uncovered: &Text) -> Vec<Finding> {
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
    let has_case = |rule: &str| traces.cases(rule).iter().any(|case| side.is_case(case));
    for rule in rules.values().filter(|rule| side.has(&rule.subject) && rule.check == "tested") {
        if !has_case(&rule.id) && !excused.contains_key(rule.id.as_str()) {
            let what = format!("no case tests r[{}], and {} gives no reason", rule.id, uncovered.path);
            findings.push(Finding::at(&rule.chapter, rule.line, what));
        }
    }
    for (rule, number) in excused {
        let what = match rules.get(rule) {
            None => format!("there is no r[{rule}]"),
            Some(_) if has_case(rule) => format!("r[{rule}] has a case: take the line out"),
            Some(known) if !side.has(&known.subject) || known.check != "tested" => {
                format!("r[{rule}] needs no case here: take the line out")
            }
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

    fn on(side: Side, table: &str, uncovered: &str) -> usize {
        let chapter = "r[a.kept] {module, tested, since 1.0} It MUST.\n\nr[a.seen] {both, inspected (so), since 1.0} It MUST.\n\nr[a.other] {container, tested, since 1.0} It MUST.\n";
        let rules = of_chapters(&[Text::new("spec/text/a.md", chapter)]).0;
        check(&rules, &Traces::parse(table), side, &Text::new(UNCOVERED, uncovered)).len()
    }

    fn findings(table: &str, uncovered: &str) -> usize {
        on(Side::Modules, table, uncovered)
    }

    #[test]
    fn a_rule_needs_a_case_or_a_reason() {
        assert_eq!(findings("a.kept\tmodule\tone\n", ""), 0);
        assert_eq!(findings("", "# why\na.kept | cannot be seen\n"), 0);
        assert_eq!(findings("", ""), 1);
    }

    #[test]
    fn a_rule_of_containers_needs_a_case_about_containers() {
        assert_eq!(on(Side::Containers, "a.other\tserver\tone\n", ""), 0);
        assert_eq!(on(Side::Containers, "a.other\thttp\tone\n", ""), 0);
        assert_eq!(on(Side::Containers, "a.other\tmodule\tone\n", ""), 1);
        assert_eq!(on(Side::Containers, "a.other\tserver\tone\n", "a.kept | cannot be seen\n"), 1);
    }

    #[test]
    fn reasons_and_cases_are_about_rules_that_there_are() {
        assert_eq!(findings("a.kept\tmodule\tone\n", "a.kept | cannot be seen\n"), 1);
        assert_eq!(findings("a.kept\tmodule\tone\n", "a.gone | cannot be seen\n"), 1);
        assert_eq!(findings("a.kept\tmodule\tone\na.gone\tmodule\ttwo\n", ""), 1);
        assert_eq!(findings("a.kept\tmodule\tone\n", "a.seen\n"), 1);
    }
}
