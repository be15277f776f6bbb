//! The report as JUnit XML, which build servers read. Must not decide anything.

use super::{Report, escape};
use crate::case::{SECTIONS, Verdict};
use crate::runner::Ran;
use std::fmt::Write;

/// The report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"hc-conformance {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
        escape(&report.target.shown()),
        report.ran.len(),
        report.count(Verdict::Fail),
        report.count(Verdict::Crash),
        report.count(Verdict::Skip),
        report.took.as_secs_f64()
    );
    for section in SECTIONS {
        let of: Vec<&Ran> = report.ran.iter().filter(|ran| ran.case.section == section).collect();
        if of.is_empty() {
            continue;
        }
        let count = |verdict| of.iter().filter(|ran| ran.outcome.verdict == verdict).count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{section}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
            of.len(),
            count(Verdict::Fail),
            count(Verdict::Crash),
            count(Verdict::Skip)
        );
        of.iter().for_each(|ran| case(&mut out, ran, report));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, ran: &Ran, report: &Report) {
    let (name, section, outcome) = (ran.case.name, ran.case.section, &ran.outcome);
    let _ = write!(
        out,
        "    <testcase name=\"{}\" classname=\"{section}\" time=\"{:.3}\">",
        escape(name),
        ran.took.as_secs_f64()
    );
    let message = escape(&outcome.message).replace('\n', " ");
    let element = match outcome.verdict {
        Verdict::Fail => "failure",
        Verdict::Crash => "error",
        Verdict::Skip => "skipped",
        Verdict::Warn => "system-out",
        Verdict::Pass => "",
    };
    let mut body = outcome.details.join("\n");
    let _ = write!(body, "\n{}", report.target.repeat(name, outcome.seed));
    match outcome.verdict {
        Verdict::Pass => {}
        Verdict::Warn => {
            let _ = write!(out, "<system-out>{message}</system-out>");
        }
        Verdict::Skip => {
            let _ = write!(out, "<skipped message=\"{message}\"/>");
        }
        Verdict::Fail | Verdict::Crash => {
            let _ = write!(out, "<{element} message=\"{message}\">{}</{element}>", escape(&body));
        }
    }
    out.push_str("</testcase>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn what_is_no_xml_is_escaped() {
        let text = render(&report());
        assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
        assert!(text.contains("message=\"&lt;it&gt; &quot;broke&quot;\\u{1}\">a &amp; b\n"), "{text}");
        assert!(text.contains("--reproduce 7"), "{text}");
    }
}
