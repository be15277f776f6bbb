//! Choices out of a seed: the same seed, the same choices. Must not know what is chosen.

/// A stream of choices (SplitMix64).
#[derive(Clone, Debug)]
pub struct Choices {
    state: u64,
}

impl Choices {
    /// The stream of that seed. Another `stream` of the same seed is independent of it.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Choices {
        let mut choices = Choices { state: seed ^ stream.rotate_left(32) };
        choices.next();
        choices
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `count`; 0 when `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { (self.next() % count as u64) as usize }
    }

    /// Whether something happens that happens once in so many times; never for 0.
    pub fn one_in(&mut self, times: usize) -> bool {
        times > 0 && self.below(times) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_stream() {
        let stream = |seed, stream| {
            let mut choices = Choices::new(seed, stream);
            (0..4).map(|_| choices.next()).collect::<Vec<_>>()
        };
        assert_eq!(stream(7, 0), stream(7, 0));
        assert_ne!(stream(7, 0), stream(8, 0));
        assert_ne!(stream(7, 0), stream(7, 1));
        let mut choices = Choices::new(1, 0);
        assert!((0..100).all(|_| choices.below(3) < 3) && choices.below(0) == 0 && !choices.one_in(0));
    }
}
