//! Chance that can be repeated: the same seed gives the same set on every machine.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A lognormal throw is so many doublings or halvings by the square root of two; twelve of them have a deviation of 1.2.
const FLIPS: u32 = 12;

pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// `part` keeps the parts of the set apart: more of one does not change another.
    pub(super) fn new(seed: u64, part: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part))
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let room = high.abs_diff(low) + 1;
        low + i64::try_from(self.0.next_u64() % room).unwrap_or(0)
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.0.next_u64() % length as u64).unwrap_or(0)
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub(super) fn per_mille(&mut self, share: u64) -> bool {
        self.0.next_u64() % 1000 < share
    }

    /// The place of one of these shares; `None`: none of them, where they are less than a thousand together.
    pub(super) fn share(&mut self, per_mille: &[u64]) -> Option<usize> {
        let mut throw = self.0.next_u64() % 1000;
        for (place, share) in per_mille.iter().enumerate() {
            if throw < *share {
                return Some(place);
            }
            throw -= share;
        }
        None
    }

    /// Around a median, as amounts and counts of trade are.
    pub(super) fn lognormal(&mut self, median: i64) -> i64 {
        let heads = (self.0.next_u64() & ((1 << FLIPS) - 1)).count_ones();
        let steps = i64::from(heads) - i64::from(FLIPS / 2);
        let jitter = self.between(841, 1189);
        let halved = |value: i64, steps: i64| if steps % 2 == 0 { value } else { value * 1000 / 1414 };
        if steps >= 0 {
            let doubled = median << (steps / 2);
            (if steps % 2 == 0 { doubled } else { doubled * 1414 / 1000 }) * jitter / 1000
        } else {
            (halved(median * jitter, steps) >> (-steps / 2)) / 1000
        }
    }

    pub(super) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(self.0.next_u64(), self.0.next_u64())
    }

    /// `length` decimal digits.
    pub(super) fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'0' + u8::try_from(self.0.next_u64() % 10).unwrap_or(0))).collect()
    }
}
