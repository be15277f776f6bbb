//! The report as JSON; the form is stable: members are added, never changed. Must not decide anything.

use super::Report;
use crate::case::Verdict;
use serde_json::{Map, Value, json};

/// The version of the form.
const FORM: u32 = 1;

/// The report.
#[must_use]
pub fn render(report: &Report) -> String {
    let cases: Vec<Value> = report
        .ran
        .iter()
        .map(|ran| {
            json!({
                "name": ran.case.name,
                "section": ran.case.section,
                "group": ran.case.group,
                "rules": ran.case.rules,
                "verdict": ran.outcome.verdict,
                "message": ran.outcome.message,
                "rule": ran.outcome.rule,
                "details": ran.outcome.details,
                "seed": ran.outcome.seed,
                "milliseconds": ran.took.as_secs_f64() * 1000.0,
                "repeat": report.target.repeat(ran.case.name, ran.outcome.seed),
            })
        })
        .collect();
    let counts: Map<String, Value> =
        Verdict::ALL.iter().map(|&verdict| (verdict.name().into(), report.count(verdict).into())).collect();
    let shares = |shares: Vec<(&str, usize, usize)>| -> Map<String, Value> {
        let entry = |(name, passed, all): (&str, usize, usize)| {
            (name.to_owned(), json!({ "passed": passed, "all": all }))
        };
        shares.into_iter().map(entry).collect()
    };
    let whole = json!({
        "form": FORM,
        "program": format!("hc-conformance {}", env!("CARGO_PKG_VERSION")),
        "abi": format!("{}.{}", http_container_abi::constants::ABI_MAJOR, http_container_abi::constants::ABI_MINOR),
        "target": report.target,
        "seconds": report.took.as_secs_f64(),
        "counts": counts,
        "sections": shares(report.shares(|ran| ran.case.section)),
        "groups": shares(report.shares(|ran| ran.case.group)),
        "cases": cases,
    });
    format!("{whole:#}\n")
}

/// The names of the cases that failed or crashed in a report.
///
/// # Errors
/// Why it is none.
pub fn failed(text: &str) -> Result<Vec<String>, String> {
    let report: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let cases = report["cases"].as_array().ok_or("it is no report")?;
    let is_bad = |case: &&Value| matches!(case["verdict"].as_str(), Some("fail" | "crash"));
    Ok(cases.iter().filter(is_bad).filter_map(|case| case["name"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn what_failed_can_be_read_back() {
        let text = render(&report());
        assert_eq!(failed(&text).unwrap(), ["two"]);
        let whole: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(whole["counts"]["fail"], 1);
        assert_eq!(whole["groups"]["valid"]["passed"], 1);
        assert_eq!(whole["cases"][1]["seed"], 7);
        assert!(failed("[]").is_err() && failed("{").is_err());
    }
}
