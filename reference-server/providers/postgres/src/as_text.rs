//! A statement around a statement, which has the server write columns as text. Must not know which types need it.

use std::fmt::Write;

/// The statement whose answer is that of `text`, with the columns at which `as_text` holds written as text. Only what may
/// stand in a `WITH` can be wrapped: `SELECT`, `VALUES`, and changes with `RETURNING`; the server refuses the rest.
pub(crate) fn around(text: &str, as_text: &[bool]) -> String {
    let mut around = String::from("WITH answer (");
    let list = |out: &mut String, cast: &dyn Fn(usize) -> &'static str| {
        for place in 0..as_text.len() {
            let comma = if place == 0 { "" } else { ", " };
            let _ = write!(out, "{comma}c{place}{}", cast(place));
        }
    };
    list(&mut around, &|_| "");
    // The line break ends a comment at the end of the statement.
    let _ = write!(around, ") AS ({}\n) SELECT ", without_end(text));
    list(&mut around, &|place| if as_text[place] { "::text" } else { "" });
    around.push_str(" FROM answer");
    around
}

/// The statement without the semicolons at its end, which may not stand within another.
fn without_end(text: &str) -> &str {
    text.trim_end_matches(|character: char| character == ';' || character.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_by_place() {
        assert_eq!(
            around("SELECT a, a FROM t -- all ;\n;", &[false, true]),
            "WITH answer (c0, c1) AS (SELECT a, a FROM t -- all\n) SELECT c0, c1::text FROM answer"
        );
    }
}
