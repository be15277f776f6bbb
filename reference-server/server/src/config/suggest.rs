//! What somebody who mistyped a word probably meant.

/// The known word that is nearest to `word`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let candidates = known.into_iter().map(|known| (distance(&lower, &known.to_lowercase()), known));
    let allowed = 1 + word.chars().count() / 4;
    candidates
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, known)| known)
}

/// The least number of characters inserted, removed, replaced, or swapped with their neighbour (none of them twice)
/// that turns one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut two_before: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (row, character) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, &target) in to.iter().enumerate() {
            let replace = before[column] + usize::from(character != target);
            let mut best = replace.min(before[column + 1] + 1).min(current[column] + 1);
            if column > 0 && last == Some(target) && character == to[column - 1] {
                best = best.min(two_before[column - 1] + 1);
            }
            current.push(best);
        }
        last = Some(character);
        two_before = std::mem::replace(&mut before, current);
    }
    before[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances() {
        let cases =
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("listen", "lisetn", 1), ("kitten", "sitting", 3)];
        for (from, to, expect) in cases {
            assert_eq!(distance(from, to), expect, "{from} {to}");
            assert_eq!(distance(to, from), expect, "{to} {from}");
        }
    }

    #[test]
    fn only_near_words_are_meant() {
        let known = ["body_bytes", "head_bytes", "listen"];
        assert_eq!(nearest("bdy_bytes", known), Some("body_bytes"));
        assert_eq!(nearest("LISTEN", known), Some("listen"));
        assert_eq!(nearest("lsiten", known), Some("listen"));
        assert_eq!(nearest("threads", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
