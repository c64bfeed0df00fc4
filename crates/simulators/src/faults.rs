//! Faults on command: for the next n requests, or for some of a thousand, repeatable by seed.

use crate::dice::Dice;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule<Kind, On> {
    pub kind: Kind,
    #[serde(default)]
    pub on: On,
    /// Strikes at most this often.
    #[serde(default)]
    pub next: Option<u32>,
    /// Strikes so many of a thousand; without it, every one.
    #[serde(default)]
    pub per_mille: Option<u32>,
    /// For kinds that take time.
    #[serde(default)]
    pub ms: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Faults<Kind, On> {
    pub(crate) rules: Vec<FaultRule<Kind, On>>,
    dice: Dice,
}

impl<Kind: Clone, On: Copy + PartialEq> Faults<Kind, On> {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), dice: Dice::new(seed) }
    }

    /// The fault of this request: the first rule that strikes.
    pub(crate) fn draw(&mut self, on: On) -> Option<FaultRule<Kind, On>> {
        for index in 0..self.rules.len() {
            if self.rules[index].on != on {
                continue;
            }
            if self.rules[index].per_mille.is_some_and(|share| self.per_mille() >= u64::from(share)) {
                continue;
            }
            let struck = self.rules[index].clone();
            if let Some(left) = &mut self.rules[index].next {
                *left = left.saturating_sub(1);
            }
            self.rules.retain(|rule| rule.next != Some(0));
            return Some(struck);
        }
        None
    }

    fn per_mille(&mut self) -> u64 {
        self.dice.below(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use On::{Read, Write};

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum On {
        Write,
        Read,
    }

    fn rule(next: Option<u32>, per_mille: Option<u32>) -> FaultRule<(), On> {
        FaultRule { kind: (), on: Write, next, per_mille, ms: None }
    }

    #[test]
    fn the_next_n_requests_are_struck_and_no_more() {
        let mut faults = Faults::new(1);
        faults.rules.push(rule(Some(2), None));
        assert_eq!(faults.draw(Read), None);
        let struck: Vec<bool> = (0..4).map(|_| faults.draw(Write).is_some()).collect();
        assert_eq!(struck, [true, true, false, false]);
    }

    #[test]
    fn a_share_of_requests_is_struck_the_same_ones_for_the_same_seed() {
        let run = |seed| {
            let mut faults = Faults::new(seed);
            faults.rules.push(rule(None, Some(40)));
            (0..10_000).filter(|_| faults.draw(Write).is_some()).collect::<Vec<u32>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((300..500).contains(&run(7).len()), "{}", run(7).len());
    }
}
