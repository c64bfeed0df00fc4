//! Faults on command: for the next n requests, or for some of a thousand, repeatable by seed.

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Works, `ms` later; longer than the client waits, it commits after the client gave up.
    Latency,
    Throttled,
    /// 500, nothing done.
    ServerError,
    /// 500, and yet it is done.
    ServerErrorAfterCommit,
    /// The connection is cut, nothing done.
    CutBefore,
    /// Done, then the connection is cut.
    CutAfter,
    /// The connection is cut, and it is done `ms` later; without `ms` when `/admin/deliver` says so.
    DelayedCommit,
    /// The network delivers the request twice; the second answer comes back.
    Doubled,
    ClosedPeriod,
    UnknownAccount,
    /// The token used is expired from now on.
    TokenExpired,
    /// 401 whatever the token.
    InvalidLogin,
    /// 403, the role may not.
    Permission,
    /// Someone else holds the record.
    Locked,
    /// A page without its last row that says it is the last one.
    RowLost,
}

/// Which requests it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    #[default]
    Write,
    Read,
    /// The token endpoint; kinds that make no sense there refuse the assertion.
    Token,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule {
    pub kind: FaultKind,
    #[serde(default)]
    pub on: On,
    /// Strikes at most this often.
    #[serde(default)]
    pub next: Option<u32>,
    /// Strikes so many of a thousand; without it, every one.
    #[serde(default)]
    pub per_mille: Option<u32>,
    /// For `latency` and `delayed_commit`.
    #[serde(default)]
    pub ms: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Faults {
    pub(super) rules: Vec<FaultRule>,
    random: u64,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), random: seed }
    }

    /// The fault of this request: the first rule that strikes.
    pub(super) fn draw(&mut self, on: On) -> Option<FaultRule> {
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

    /// SplitMix64, reduced to 0..1000.
    fn per_mille(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(next: Option<u32>, per_mille: Option<u32>) -> FaultRule {
        FaultRule { kind: FaultKind::Throttled, on: On::Write, next, per_mille, ms: None }
    }

    #[test]
    fn the_next_n_requests_are_struck_and_no_more() {
        let mut faults = Faults::new(1);
        faults.rules.push(rule(Some(2), None));
        assert_eq!(faults.draw(On::Read), None);
        let struck: Vec<bool> = (0..4).map(|_| faults.draw(On::Write).is_some()).collect();
        assert_eq!(struck, [true, true, false, false]);
    }

    #[test]
    fn a_share_of_requests_is_struck_the_same_ones_for_the_same_seed() {
        let run = |seed| {
            let mut faults = Faults::new(seed);
            faults.rules.push(rule(None, Some(40)));
            (0..10_000).filter(|_| faults.draw(On::Write).is_some()).collect::<Vec<u32>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((300..500).contains(&run(7).len()), "{}", run(7).len());
    }
}
