//! Every case there is. Must not know what cases do.

use crate::case::Case;
use crate::target::Kind;
use crate::{http, module, server};

/// All cases, by subject and in the order of their sections.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = module::cases();
    cases.extend(server::cases());
    cases.extend(http::cases());
    cases
}

/// The case of that name for that subject.
#[must_use]
pub fn find(subject: Kind, name: &str) -> Option<Case> {
    // Cases out of files have texts that live as long as the process: the process of one about a module reads none.
    let cases = if subject == Kind::Module { module::cases() } else { all() };
    cases.into_iter().find(|case| case.subject == subject && case.name == name)
}
