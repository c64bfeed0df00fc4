//! Causes and their money, put together: currencies are never added.

use crate::view::{Cluster, StageMoney};
use chrono::{DateTime, Utc};

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
