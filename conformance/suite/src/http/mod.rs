//! Cases about HTTP/1.1 on the wire, from the corpus in `conformance/corpus`, by URL alone. Must not know what serves.

pub mod corpus;
pub mod escapes;
pub mod exchange;
pub mod expected;
pub mod judge;
pub mod message;
pub mod url;

use crate::case::{Case, Context, Outcome};
use crate::target::{Kind, Target};
use corpus::{Request, requests};
use judge::{Manner, Measure};
use url::Url;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    requests()
        .iter()
        .map(|request| Case {
            name: &request.name,
            section: "http",
            group: request.class.name(),
            rules: request.rules,
            subject: Kind::Http,
            run: by_url,
        })
        .collect()
}

fn by_url(case: &Case, context: &mut Context) -> Outcome {
    let Target::Http(target) = &context.target else { return Outcome::skip("not a URL") };
    let url = match Url::parse(&target.url) {
        Ok(url) => url,
        Err(why) => return Outcome::fail(why),
    };
    match corpus::find(case.name) {
        Some(request) => run(request, &url, Measure::Rfc),
        None => Outcome::fail("no such request in the corpus"),
    }
}

/// Sends a request of the corpus in every manner, each time on a connection of its own.
#[must_use]
pub fn run(request: &Request, url: &Url, measure: Measure) -> Outcome {
    for manner in Manner::for_request(request, measure) {
        if let Err(report) = judge::judge(request, url, measure, manner) {
            let mut outcome = Outcome::fail(format!("{}: {}", manner.name(), report.why));
            outcome = request
                .sources
                .iter()
                .fold(outcome, |outcome, source| outcome.detail(format!("RFC {source}")));
            if request.is_should {
                outcome = outcome.detail("the RFC says SHOULD");
            }
            outcome = outcome.detail(format!("permitted: {}", request.permitted(measure)));
            return report.seen.iter().fold(outcome, |outcome, line| outcome.detail(line.clone()));
        }
    }
    Outcome::pass()
}
