//! Causes: their money put together (currencies are never added), what began one, and what replaying it would come to.

use crate::{
    mapping::MappingKind,
    replay::ReplayVerdict,
    view::{Cluster, StageMoney},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Days that a cause's trend shows, today with them.
pub const TREND_DAYS: usize = 14;

/// What the rows prove to have come just before a cause began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The document that failed first was mapped after this version came in force, and uses it.
    Mapping { kind: MappingKind, code: String, version: i32, target: String, activated_at: DateTime<Utc>, by: String },
    /// The process that stopped it was of a build that had just come to this database.
    Release { release: String, first_ran_at: DateTime<Utc> },
}

/// What some documents of a cause would come to if it were replayed now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    pub verdict: ReplayVerdict,
    /// What they still miss.
    pub missing: Option<(MappingKind, String)>,
    pub money: StageMoney,
}

impl Foreseen {
    /// What nothing of ours stands in the way of, per currency.
    pub fn passing(all: &[Self]) -> Vec<StageMoney> {
        StageMoney::per_currency(all.iter().filter(|seen| seen.verdict == ReplayVerdict::WillPost).map(|seen| seen.money.clone()))
    }

    /// `3,987 would pass, 25 move to another cluster`: what misses another mapping than the cause's gets that one's.
    pub fn in_words(all: &[Self], cause: Option<(MappingKind, &str)>) -> String {
        let (mut pass, mut moving, mut staying, mut left) = (0, 0, 0, 0);
        for seen in all {
            let missing = seen.missing.as_ref().map(|(kind, code)| (*kind, code.as_str()));
            *match seen.verdict {
                ReplayVerdict::WillPost => &mut pass,
                ReplayVerdict::Missing if missing == cause => &mut staying,
                ReplayVerdict::Missing => &mut moving,
                ReplayVerdict::PeriodClosed | ReplayVerdict::InErp | ReplayVerdict::Changed => &mut left,
            } += seen.money.count;
        }
        let said =
            |count: i64, one: &str, many: &str| format!("{} {}", crate::money::grouped(count.into()), if count == 1 { one } else { many });
        let others = [
            (moving, "moves to another cluster", "move to another cluster"),
            (staying, "stays", "stay"),
            (left, "is left alone", "are left alone"),
        ];
        let others = others.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| said(count, one, many));
        std::iter::once(format!("{} would pass", crate::money::grouped(pass.into()))).chain(others).collect::<Vec<_>>().join(", ")
    }
}

impl StageMoney {
    /// One sum per currency, in the order met.
    pub fn per_currency(all: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::new();
        for money in all {
            match sums.iter_mut().find(|sum| sum.currency == money.currency) {
                Some(sum) => {
                    sum.count += money.count;
                    sum.amount += money.amount;
                }
                None => sums.push(money),
            }
        }
        sums
    }
}

impl Cluster {
    /// One cause at two accounts of a system is one cause.
    pub fn merged(clusters: Vec<Self>) -> Vec<Self> {
        let mut causes: Vec<Self> = Vec::new();
        for cluster in clusters {
            let Some(same) = causes.iter_mut().find(|cause| cause.fingerprint == cluster.fingerprint) else {
                causes.push(cluster);
                continue;
            };
            same.add(cluster.entities, cluster.money, cluster.first_seen, cluster.last_seen);
            same.trend = (0..same.trend.len().max(cluster.trend.len()))
                .map(|day| [&same.trend, &cluster.trend].into_iter().filter_map(|trend| trend.get(day)).sum())
                .collect();
            same.closing.extend(cluster.closing);
            same.due_at = same.due_at.into_iter().chain(cluster.due_at).min();
            same.connection_code = match (same.connection_code.take(), cluster.connection_code) {
                (Some(one), Some(other)) if one != other => Some(format!("{one}, {other}")),
                (one, other) => one.or(other),
            };
        }
        causes
    }

    /// Takes more of the same cause in.
    pub fn add(&mut self, entities: Vec<String>, money: Vec<StageMoney>, first_seen: DateTime<Utc>, last_seen: DateTime<Utc>) {
        self.first_seen = self.first_seen.min(first_seen);
        self.last_seen = self.last_seen.max(last_seen);
        self.entities.extend(entities);
        self.entities.sort();
        self.entities.dedup();
        self.money = StageMoney::per_currency(std::mem::take(&mut self.money).into_iter().chain(money));
        self.count = self.money.iter().map(|sum| sum.count).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(verdict: ReplayVerdict, missing: Option<(MappingKind, &str)>, count: i64) -> Foreseen {
        let missing = missing.map(|(kind, code)| (kind, code.to_owned()));
        Foreseen { verdict, missing, money: StageMoney { currency: "EUR".into(), count, amount: count.into() } }
    }

    #[test]
    fn what_a_replay_would_come_to_is_told_in_one_sentence() {
        let cause = Some((MappingKind::Item, "SKU-9"));
        let (other, own) = (Some((MappingKind::Account, "SKU-9")), Some((MappingKind::Item, "SKU-9")));
        let all = [seen(ReplayVerdict::WillPost, None, 3987), seen(ReplayVerdict::Missing, other, 25)];
        assert_eq!(Foreseen::in_words(&all, cause), "3,987 would pass, 25 move to another cluster");
        let all = [seen(ReplayVerdict::Missing, own, 1), seen(ReplayVerdict::PeriodClosed, None, 2), seen(ReplayVerdict::InErp, None, 1)];
        assert_eq!(Foreseen::in_words(&all, cause), "0 would pass, 1 stays, 3 are left alone");
        assert_eq!(Foreseen::passing(&all), []);
    }
}
