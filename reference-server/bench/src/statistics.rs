//! Medians, percentiles and ratios within rounds. Pure arithmetic: it must not know what was measured.

use serde::Serialize;

/// A median with the extremes it came from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

/// The median: the middle value, or the mean of the two middle ones. `None` when there is no value.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The nearest-rank percentile: the smallest value that at least `part` (0.0 to 1.0) of all values do not
/// exceed. `None` when there is no value.
pub fn percentile(values: &[f64], part: f64) -> Option<f64> {
    let sorted = sorted(values);
    let rank = (part.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Median, smallest and largest value. `None` when there is no value.
pub fn spread(values: &[f64]) -> Option<Spread> {
    Some(Spread { median: median(values)?, low: percentile(values, 0.0)?, high: percentile(values, 1.0)? })
}

/// The ratios `row / base` round by round, leaving out rounds in which either was not measured.
///
/// A ratio is only ever taken within one round: what disturbs the machine for a while disturbs both sides.
pub fn ratios_within_rounds(row: &[Option<f64>], base: &[Option<f64>]) -> Vec<f64> {
    row.iter()
        .zip(base)
        .filter_map(|pair| match pair {
            (Some(row), Some(base)) if *base > 0.0 => Some(row / base),
            _ => None,
        })
        .collect()
}

/// A small generator for the order of slots (splitmix64): a run can be repeated from its seed.
#[derive(Clone, Debug)]
pub struct Shuffler {
    state: u64,
}

impl Shuffler {
    /// A generator whose orders follow from `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The numbers `0..count` in random order (Fisher-Yates).
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
        order
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_both_middles() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 6.0]), Some(5.5));
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&values, 0.5), Some(50.0));
        assert_eq!(percentile(&values, 0.99), Some(99.0));
        assert_eq!(percentile(&values, 1.0), Some(100.0));
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn the_median_of_ratios_is_not_the_ratio_of_medians() {
        // The machine is three times slower in the second round; the ratio within each round is 2.
        let base = [Some(1.0), Some(3.0), Some(1.5)];
        let row = [Some(2.0), Some(6.0), Some(3.3)];
        let ratios = ratios_within_rounds(&row, &base);
        assert_eq!(ratios.len(), 3);
        assert_eq!(median(&ratios), Some(2.0));
    }

    #[test]
    fn a_round_without_both_sides_gives_no_ratio() {
        let base = [Some(2.0), None, Some(0.0), Some(4.0)];
        let row = [Some(3.0), Some(1.0), Some(1.0), None];
        assert_eq!(ratios_within_rounds(&row, &base), [1.5]);
    }

    #[test]
    fn the_spread_holds_the_extremes() {
        assert_eq!(spread(&[2.0, 9.0, 4.0]), Some(Spread { median: 4.0, low: 2.0, high: 9.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn an_order_is_a_permutation_and_repeats_from_its_seed() {
        let mut orders = Shuffler::new(7);
        let first: Vec<Vec<usize>> = (0..20).map(|_| orders.order(6)).collect();
        for order in &first {
            let mut all = order.clone();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4, 5]);
        }
        assert!(first.iter().any(|order| order != &first[0]), "every order was the same");
        let mut again = Shuffler::new(7);
        assert!(first.iter().all(|order| *order == again.order(6)));
    }
}
