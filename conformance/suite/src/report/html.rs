//! The report as one page: who was tested, which rules hold, what failed and how to repeat it. Nothing is loaded from elsewhere.

use super::{Report, escape};
use crate::case::{SECTIONS, Verdict};
use crate::runner::Ran;
use std::collections::BTreeMap;
use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light dark; --line: light-dark(#d8dee2, #3a4348); --soft: light-dark(#5b686f, #9aa8b0); }
body { margin: 2rem auto; max-width: 64rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; } th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
code, pre { font: .85em/1.5 ui-monospace, monospace; } pre { overflow-x: auto; margin: .3rem 0; }
.pass { color: light-dark(#2e7d32, #7bc47f); } .warn { color: light-dark(#8a5a00, #e0b050); } .skip { color: var(--soft); }
.fail, .crash { color: light-dark(#c62828, #ff8a80); font-weight: 600; } .soft { color: var(--soft); font-size: .9em; }
";

/// The report.
#[must_use]
pub fn render(report: &Report) -> String {
    let target = escape(&report.target.shown());
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{target} - conformance</title>\n<style>{STYLE}</style>\n<h1>Conformance of <code>{target}</code></h1>\n\
         <p>{}. <span class=\"soft\">hc-conformance {}, HTTP Container ABI {}.{}.</span></p>\n",
        escape(&report.sum()),
        env!("CARGO_PKG_VERSION"),
        http_container_abi::constants::ABI_MAJOR,
        http_container_abi::constants::ABI_MINOR,
    );
    for (group, passed, all) in report.shares(|ran| ran.case.group) {
        let _ = writeln!(out, "<p>{}: {passed} of {all}</p>", escape(group));
    }
    bad(&mut out, report);
    sections(&mut out, report);
    rules(&mut out, report);
    out.push_str("</html>\n");
    out
}

fn bad(out: &mut String, report: &Report) {
    let bad: Vec<&Ran> = report.ran.iter().filter(|ran| ran.outcome.verdict.is_bad()).collect();
    if bad.is_empty() {
        return;
    }
    out.push_str("<h2>What failed</h2>\n");
    for ran in bad {
        let outcome = &ran.outcome;
        let verdict = outcome.verdict.name();
        let rule = if outcome.rule.is_empty() {
            String::new()
        } else {
            format!(" <code>{}</code>", escape(&outcome.rule))
        };
        let _ = writeln!(
            out,
            "<h3><span class=\"{verdict}\">{verdict}</span> {}</h3>\n<p>{}{rule}</p>\n<pre>{}</pre>\n<p>Repeat it: <code>{}</code></p>",
            escape(ran.case.name),
            escape(&outcome.message),
            escape(&outcome.details.join("\n")),
            escape(&report.target.repeat(ran.case.name, outcome.seed)),
        );
    }
}

fn sections(out: &mut String, report: &Report) {
    out.push_str("<h2>All cases</h2>\n<table>\n<tr><th>case<th>verdict<th>time<th>rules and remarks\n");
    for section in SECTIONS {
        let of: Vec<&Ran> = report.ran.iter().filter(|ran| ran.case.section == section).collect();
        if !of.is_empty() {
            let _ = writeln!(out, "<tr><th colspan=\"4\">{section}");
        }
        for ran in of {
            let verdict = ran.outcome.verdict.name();
            let remark = if ran.outcome.verdict == Verdict::Pass { "" } else { ran.outcome.message.as_str() };
            let _ = writeln!(
                out,
                "<tr><td>{}<td class=\"{verdict}\">{verdict}<td>{:.0} ms<td>{} <span class=\"soft\">{}</span>",
                escape(ran.case.name),
                ran.took.as_secs_f64() * 1000.0,
                escape(remark),
                escape(&ran.case.rules.join(", ")),
            );
        }
    }
    out.push_str("</table>\n");
}

/// Each rule with the worst verdict of its cases that were run.
fn rules(out: &mut String, report: &Report) {
    let mut by_rule: BTreeMap<&str, (Verdict, Vec<&str>)> = BTreeMap::new();
    for ran in &report.ran {
        for rule in ran.case.rules {
            let verdict = ran.outcome.verdict;
            let (worst, cases) = by_rule.entry(rule).or_insert((Verdict::Skip, Vec::new()));
            if verdict != Verdict::Skip && (*worst == Verdict::Skip || verdict > *worst) {
                *worst = verdict;
            }
            cases.push(ran.case.name);
        }
    }
    out.push_str("<h2>Rules</h2>\n<table>\n<tr><th>rule<th>holds<th>cases\n");
    for (rule, (worst, cases)) in by_rule {
        let verdict = worst.name();
        let holds = match worst {
            Verdict::Pass | Verdict::Warn => "yes",
            Verdict::Skip => "not tested",
            Verdict::Fail | Verdict::Crash => "no",
        };
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code><td class=\"{verdict}\">{holds}<td>{}",
            escape(rule),
            escape(&cases.join(", "))
        );
    }
    out.push_str("</table>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn the_page_tells_what_failed_and_how_to_repeat_it() {
        let page = render(&report());
        assert!(page.contains("&lt;it&gt;") && !page.contains("<it>"), "{page}");
        assert!(page.contains("--reproduce 7"), "{page}");
        assert!(page.contains("<td><code>task.finish.exactly-once</code><td class=\"fail\">no"), "{page}");
    }
}
