//! Causes and their money, put together: currencies are never added.

use crate::view::{Cluster, StageMoney};

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
            same.count += cluster.count;
            same.first_seen = same.first_seen.min(cluster.first_seen);
            same.last_seen = same.last_seen.max(cluster.last_seen);
            same.connection_code = match (same.connection_code.take(), cluster.connection_code) {
                (Some(one), Some(other)) if one != other => Some(format!("{one}, {other}")),
                (one, other) => one.or(other),
            };
            same.entities.extend(cluster.entities);
            same.entities.sort();
            same.entities.dedup();
            same.money = StageMoney::per_currency(std::mem::take(&mut same.money).into_iter().chain(cluster.money));
        }
        causes
    }
}
