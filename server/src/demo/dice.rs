//! Chance that can be repeated: the same seed gives the same company.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Quantiles of a lognormal distribution with σ = 1.2, in thousandths of its median, at 0.5 %, 1.5 % … 99.5 %.
const LOGNORMAL: [u64; 100] = [
    45, 74, 95, 114, 131, 147, 163, 178, 193, 207, 222, 237, 251, 266, 281, 296, 311, 326, 341, 356, 372, 388, 404, 420, 437, 454, 471,
    488, 506, 524, 542, 561, 580, 600, 620, 640, 661, 682, 704, 726, 749, 773, 797, 822, 847, 873, 900, 928, 956, 985, 1015, 1046, 1078,
    1111, 1145, 1181, 1217, 1255, 1294, 1334, 1377, 1420, 1466, 1513, 1562, 1614, 1668, 1724, 1783, 1844, 1909, 1977, 2049, 2125, 2205,
    2290, 2380, 2476, 2578, 2688, 2805, 2932, 3069, 3219, 3381, 3560, 3757, 3977, 4223, 4501, 4820, 5190, 5626, 6153, 6806, 7648, 8796,
    10506, 13519, 21999,
];

pub struct Dice(ChaCha8Rng);

impl Dice {
    /// `part` keeps the parts of the company apart: more of one does not change another.
    pub fn new(seed: u64, part: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part))
    }

    /// 0 up to `bound`, which is left out; 0 when there is no room.
    pub fn below(&mut self, bound: u64) -> u64 {
        // the bias of the remainder is below 2^-40 for every bound used here
        self.0.next_u64().checked_rem(bound).unwrap_or(0)
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub fn per_mille(&mut self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// In thousandths of the median.
    pub fn lognormal(&mut self) -> u64 {
        let at = self.index(LOGNORMAL.len() - 1);
        let (low, high) = (LOGNORMAL[at], LOGNORMAL[at + 1]);
        low + (high - low) * self.below(1000) / 1000
    }

    /// `count` of the places `0..length`, in no order.
    pub fn sample(&mut self, length: usize, count: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..length).collect();
        let count = count.min(length);
        for at in 0..count {
            let other = at + self.index(length - at);
            places.swap(at, other);
        }
        places.truncate(count);
        places
    }
}

/// The share of `total` that falls to each weight, added up without a remainder.
pub fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let whole: u64 = weights.iter().sum();
    let (mut before, mut given) = (0, 0);
    weights
        .iter()
        .map(|weight| {
            before += weight;
            let until = (total * before).checked_div(whole).unwrap_or(0);
            let part = until - given;
            given = until;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same() {
        let throws = |seed| (0..50).map(|_| Dice::new(seed, 1).below(1_000_000)).collect::<Vec<_>>();
        assert_eq!(throws(1), throws(1));
        assert_ne!(throws(1), throws(2));
    }

    #[test]
    fn half_of_the_amounts_are_below_the_median() {
        let mut dice = Dice::new(1, 1);
        let below = (0..10_000).filter(|_| dice.lognormal() < 1000).count();
        assert!((4_700..5_300).contains(&below), "{below}");
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        assert_eq!(apportion(10, &[1, 1, 1]), [3, 3, 4]);
        assert_eq!(apportion(0, &[1]), [0]);
        assert_eq!(apportion(5, &[0, 0]), [0, 0]);
    }

    #[test]
    fn a_sample_holds_nothing_twice() {
        let mut places = Dice::new(1, 1).sample(20, 15);
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 15);
    }
}
