//! Which of a customer's items add up to a receipt: subset sum over whole minor units, with counted steps.
//!
//! Small blocks are searched completely by meeting in the middle: all sums of one half are sorted, and each sum of the other
//! half looks for its complement. Larger blocks are looked through for what people really pay: consecutive items, with or
//! without one, and combinations of few; that search says that it was stopped.

use crate::decision::Search;
use rustc_hash::{FxHashMap, FxHashSet};

/// Combinations that are kept of a complete search beyond the likely ones; more only say that the sum means nothing.
const FOUND_MAX: usize = 12;
/// Likely combinations that are kept.
const LIKELY_MAX: usize = 48;

/// Places in the block that add up to the target, each in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub subsets: Vec<Vec<usize>>,
    pub search: Search,
}

/// `owed` in the order of issue, credits negative. `steps` bounds the sums that are formed.
pub fn subsets(owed: &[i64], target: i64, steps: u32) -> Found {
    let half = owed.len().div_ceil(2);
    let complete = u32::try_from(half).ok().and_then(|half| 1u32.checked_shl(half)).is_some_and(|sums| sums <= steps / 2);
    let mut found = Vec::new();
    likely(owed, target, steps, &mut found);
    let search = if complete { meet_in_the_middle(owed, target, half, &mut found) } else { Search::Stopped };
    Found { subsets: found, search }
}

/// Adds what is not found yet. `Stopped`: there are more than are kept.
fn meet_in_the_middle(owed: &[i64], target: i64, half: usize, found: &mut Vec<Vec<usize>>) -> Search {
    let (low, high) = owed.split_at(half);
    let mut sums = all_sums(low);
    sums.sort_unstable();
    let before = found.len();
    for (sum, mask) in all_sums(high) {
        let wanted = target - sum;
        let from = sums.partition_point(|(sum, _)| *sum < wanted);
        for (_, other) in sums[from..].iter().take_while(|(sum, _)| *sum == wanted) {
            let subset: Vec<usize> = members(*other, low.len(), 0).chain(members(mask, high.len(), half)).collect();
            if subset.is_empty() || found[..before].contains(&subset) {
                continue;
            }
            if found.len() - before == FOUND_MAX {
                return Search::Stopped;
            }
            found.push(subset);
        }
    }
    Search::Completely
}

fn members(mask: u32, length: usize, offset: usize) -> impl Iterator<Item = usize> {
    (0..length).filter(move |at| mask >> at & 1 == 1).map(move |at| at + offset)
}

fn all_sums(owed: &[i64]) -> Vec<(i64, u32)> {
    let mut sums = Vec::with_capacity(1 << owed.len());
    sums.push((0i64, 0u32));
    for (at, amount) in owed.iter().enumerate() {
        for before in 0..sums.len() {
            let (sum, mask) = sums[before];
            sums.push((sum + amount, mask | 1 << at));
        }
    }
    sums
}

/// Takes steps from a budget.
struct Budget(u32);

impl Budget {
    fn step(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

/// What people really pay, consecutive items first.
fn likely(owed: &[i64], target: i64, steps: u32, found: &mut Vec<Vec<usize>>) {
    let mut budget = Budget(steps);
    let places: FxHashMap<i64, usize> = owed.iter().enumerate().rev().map(|(at, amount)| (*amount, at)).collect();
    let whole: i64 = owed.iter().sum();
    windows(owed, target, &places, found, &mut budget);
    few(owed, target, &places, found, &mut budget);
    // all but a few is as likely as a few
    let mut rest = Vec::new();
    few(owed, whole - target, &places, &mut rest, &mut budget);
    found.extend(rest.iter().map(|without| (0..owed.len()).filter(|at| !without.contains(at)).collect()));
    found.retain(|subset| !subset.is_empty());
    let mut seen = FxHashSet::default();
    found.retain(|subset| seen.insert(subset.clone()));
}

/// One or two items.
fn few(owed: &[i64], target: i64, places: &FxHashMap<i64, usize>, found: &mut Vec<Vec<usize>>, budget: &mut Budget) {
    found.extend(places.get(&target).map(|at| vec![*at]));
    for (at, amount) in owed.iter().enumerate() {
        if !budget.step() || found.len() > LIKELY_MAX {
            return;
        }
        if let Some(other) = places.get(&(target - amount)).filter(|other| **other > at) {
            found.push(vec![at, *other]);
        }
    }
}

/// Consecutive items, less at most one of them, or with one from before.
fn windows(owed: &[i64], target: i64, places: &FxHashMap<i64, usize>, found: &mut Vec<Vec<usize>>, budget: &mut Budget) {
    for from in 0..owed.len() {
        let mut sum = 0;
        for (until, amount) in owed.iter().enumerate().skip(from) {
            sum += amount;
            if !budget.step() || found.len() > LIKELY_MAX {
                return;
            }
            let window = from..=until;
            if sum == target {
                found.push(window.collect());
            } else if let Some(at) = places.get(&(sum - target)).filter(|at| window.contains(at)) {
                found.push((from..=until).filter(|place| place != at).collect());
            } else if let Some(at) = places.get(&(target - sum)).filter(|at| !window.contains(at)) {
                let mut with: Vec<usize> = window.chain([*at]).collect();
                with.sort_unstable();
                found.push(with);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_combination_of_a_small_block_is_found() {
        let mut found = subsets(&[100, 250, 350, -50], 300, 40_000);
        found.subsets.sort();
        assert_eq!(found, Found { subsets: vec![vec![0, 1, 3], vec![2, 3]], search: Search::Completely });
        assert_eq!(subsets(&[100, 250], 99, 40_000), Found { subsets: vec![], search: Search::Completely });
    }

    #[test]
    fn a_large_block_says_that_the_search_was_stopped() {
        let owed: Vec<i64> = (0..60).map(|at| 1_000 + at * at * 7).collect();
        let window: i64 = owed[10..30].iter().sum();
        let found = subsets(&owed, window, 40_000);
        assert_eq!(found.search, Search::Stopped);
        assert!(found.subsets.contains(&(10..30).collect::<Vec<_>>()));
        let less_one = subsets(&owed, window - owed[17], 40_000);
        assert!(less_one.subsets.contains(&(10..30).filter(|at| *at != 17).collect::<Vec<_>>()));
    }

    #[test]
    fn too_many_combinations_are_not_all_kept_and_it_says_so() {
        let found = subsets(&[5; 20], 50, 40_000);
        assert!(found.subsets.len() <= LIKELY_MAX + FOUND_MAX + 2);
        assert_eq!(found.search, Search::Stopped);
    }

    proptest! {
        #[test]
        fn what_is_found_adds_up_and_what_is_there_is_found(
            owed in prop::collection::vec(-500i64..5_000, 1..16),
            chosen in prop::collection::vec(any::<bool>(), 16),
        ) {
            let target: i64 = owed.iter().zip(&chosen).filter(|(_, chosen)| **chosen).map(|(owed, _)| owed).sum();
            let found = subsets(&owed, target, 40_000);
            for subset in &found.subsets {
                prop_assert_eq!(subset.iter().map(|at| owed[*at]).sum::<i64>(), target);
            }
            let wanted: Vec<usize> = (0..owed.len()).filter(|at| chosen[*at]).collect();
            prop_assert!(wanted.is_empty() || found.search == Search::Stopped || found.subsets.contains(&wanted));
        }
    }
}
