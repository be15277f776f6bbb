//! A list that mostly has one entry, which then needs no memory of its own. It must not know what is listed.

use std::ops::Deref;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Few<T> {
    One([T; 1]),
    Several(Vec<T>),
}

impl<T> Few<T> {
    /// Hands each one over.
    pub fn each(self, act: impl FnMut(T)) {
        match self {
            Few::One(one) => one.into_iter().for_each(act),
            Few::Several(all) => all.into_iter().for_each(act),
        }
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut all = all.into_iter();
        match (all.next(), all.next()) {
            (Some(one), None) => Few::One([one]),
            (first, second) => Few::Several(first.into_iter().chain(second).chain(all).collect()),
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Few::One(one) => one,
            Few::Several(all) => all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn it_lists_what_it_was_given() {
        for count in 0..4 {
            let few: Few<u32> = (0..count).collect();
            assert_eq!(matches!(few, Few::One(_)), count == 1);
            assert_eq!(*few, (0..count).collect::<Vec<_>>());
            let mut seen = Vec::new();
            few.each(|one| seen.push(one));
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }
}
