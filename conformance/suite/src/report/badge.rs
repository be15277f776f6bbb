//! The report as a badge, an SVG picture of one line. Must not decide anything.

use super::Report;
use crate::case::Verdict;

/// The report.
#[must_use]
pub fn render(report: &Report) -> String {
    let judged = report.ran.len() - report.count(Verdict::Skip);
    let bad = report.count(Verdict::Fail) + report.count(Verdict::Crash);
    let text = if bad == 0 { format!("{judged} passed") } else { format!("{bad} of {judged} failed") };
    let colour = if bad == 0 { "#2e7d32" } else { "#c62828" };
    let (left, right) = (116, 7 * text.len() + 12);
    let (all, middle) = (left + right, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" aria-label=\"http-container: {text}\">\
         <rect width=\"{left}\" height=\"20\" fill=\"#444\"/><rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,sans-serif\" font-size=\"11\">\
         <text x=\"{}\" y=\"14\">http-container</text><text x=\"{middle}\" y=\"14\">{text}</text></g></svg>\n",
        left / 2
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn it_says_how_many_failed() {
        assert!(render(&report()).contains("1 of 2 failed"));
    }
}
