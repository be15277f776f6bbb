//! The statements that a connection keeps prepared, by their text: the ones that were used last, up to a bound. Must not know
//! what a prepared statement is.

use std::collections::HashMap;
use std::rc::Rc;

/// Longer texts are not kept: a bound on their number would not be a bound on memory.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Values by statement text.
pub(crate) struct Statements<T> {
    most: usize,
    /// Counts uses; the least recently used value has the smallest number.
    clock: u64,
    kept: HashMap<Box<str>, Kept<T>>,
}

struct Kept<T> {
    value: Rc<T>,
    used: u64,
}

impl<T> Statements<T> {
    /// Room for `most` of them.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, clock: 0, kept: HashMap::new() }
    }

    /// Whether a statement of that text would be kept.
    pub(crate) fn would_keep(&self, text: &str) -> bool {
        self.most > 0 && text.len() <= TEXT_BYTES_MAX
    }

    /// The value of that text, used now.
    pub(crate) fn find(&mut self, text: &str) -> Option<Rc<T>> {
        self.clock += 1;
        let kept = self.kept.get_mut(text)?;
        kept.used = self.clock;
        Some(Rc::clone(&kept.value))
    }

    /// Keeps a value; the one that was not used for longest makes room.
    pub(crate) fn keep(&mut self, text: &str, value: Rc<T>) {
        if !self.would_keep(text) {
            return;
        }
        if self.kept.len() >= self.most && !self.kept.contains_key(text) {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(text, _)| text.clone());
            oldest.and_then(|text| self.kept.remove(&text));
        }
        self.clock += 1;
        self.kept.insert(text.into(), Kept { value, used: self.clock });
    }

    /// Forgets the statement of that text.
    pub(crate) fn forget(&mut self, text: &str) {
        self.kept.remove(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes() {
        let mut statements = Statements::new(2);
        statements.keep("a", Rc::new(1));
        statements.keep("b", Rc::new(2));
        assert_eq!(statements.find("a").as_deref(), Some(&1));
        statements.keep("c", Rc::new(3));
        assert_eq!(statements.find("b"), None);
        statements.keep("a", Rc::new(4));
        assert_eq!((statements.find("a").as_deref(), statements.find("c").as_deref()), (Some(&4), Some(&3)));
        statements.forget("a");
        assert_eq!(statements.find("a"), None);
    }

    #[test]
    fn nothing_is_kept_beyond_the_bounds() {
        let mut none = Statements::new(0);
        none.keep("a", Rc::new(1));
        assert_eq!(none.find("a"), None);
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        let mut some = Statements::new(1);
        some.keep("a", Rc::new(1));
        some.keep(&long, Rc::new(2));
        assert_eq!((some.find(&long), some.find("a").as_deref()), (None, Some(&1)));
    }
}
