//! The account's balance: movements, payouts, the reserve.

use super::{
    ledger::{Books, Step, Unpaid},
    shelf::Resource,
};
use chrono::{NaiveTime, TimeDelta};
use serde_json::{Value, json};

/// Which payout is followed by the negative one, and which holds a reserve back.
const BEFORE_NEGATIVE: u64 = 5;
const WITH_RESERVE: u64 = 8;
const RESERVE_PER_CENT: i64 = 5;
const RESERVE_DAYS: TimeDelta = TimeDelta::days(20);

/// Amounts in the smallest unit of the settlement currency.
pub(super) struct Movement<'a> {
    pub(super) kind: &'a str,
    pub(super) category: &'a str,
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) source: Value,
    pub(super) description: &'a str,
    pub(super) exchange_rate: Option<rust_decimal::Decimal>,
    pub(super) is_immediate: bool,
}

impl Books {
    pub(super) fn move_money(&mut self, movement: &Movement<'_>) -> String {
        let day = self.now().date_naive();
        let available = if movement.is_immediate { day } else { self.tariff.available_on(day) };
        let available_at = available.and_time(NaiveTime::MIN).and_utc().timestamp();
        let net = movement.amount - movement.fee;
        let currency = self.conversion.settlement.to_lowercase();
        let mut fields = json!({
            "amount": movement.amount, "fee": movement.fee, "net": net, "currency": currency, "type": movement.kind,
            "reporting_category": movement.category, "source": movement.source, "description": movement.description,
            "available_on": available_at, "status": if movement.is_immediate { "available" } else { "pending" },
        });
        if movement.fee != 0 {
            let description = "Stripe processing fees";
            let detail = json!({ "amount": movement.fee, "application": null, "currency": currency, "description": description, "type": "stripe_fee" });
            fields["fee_details"] = json!([detail]);
        }
        if let Some(rate) = movement.exchange_rate {
            fields["exchange_rate"] = serde_json::from_str(&rate.to_string()).unwrap_or_default();
        }
        let id = self.make(Resource::BalanceTransaction, fields);
        self.unpaid.push(Unpaid { id: id.clone(), net, available_at });
        id
    }

    pub(super) fn payday(&mut self) {
        let today = self.now().date_naive();
        if self.tariff.pays_on(today) {
            if self.payouts == WITH_RESERVE {
                let amount: i64 = self.held().0 * RESERVE_PER_CENT / 100;
                if amount > 0 {
                    self.reserve(-amount);
                    self.plan_step(self.in_days(RESERVE_DAYS), Step::Release { amount });
                }
            }
            // what is negative waits for what covers it
            if self.held().0 > 0 {
                self.pay_out();
                if self.payouts == BEFORE_NEGATIVE {
                    self.plan_step(self.clock + 12 * 3600, Step::TakeBack);
                }
            }
        }
        self.plan_step(self.midnight_after(), Step::Payday);
    }

    pub(super) fn reserve(&mut self, amount: i64) -> String {
        self.move_money(&Movement {
            kind: if amount < 0 { "reserve_hold" } else { "reserve_release" },
            category: "risk_reserved_funds",
            amount,
            fee: 0,
            source: Value::Null,
            description: "Risk reserve",
            exchange_rate: None,
            is_immediate: true,
        })
    }

    pub(super) fn take_back(&mut self) {
        if let Some((_, charge)) = self.largest.take() {
            let left = self.refundable(&charge);
            if left > 0 {
                self.refund(&charge, left, Some("requested_by_customer"), &json!({}));
            }
        }
        self.pay_out();
    }

    /// Everything available, also when it is negative and taken from the merchant's bank; the payout's own movement is listed with it (contract: Reconciliation).
    fn pay_out(&mut self) {
        let (paid, left): (Vec<Unpaid>, Vec<Unpaid>) =
            std::mem::take(&mut self.unpaid).into_iter().partition(|row| row.available_at <= self.clock);
        self.unpaid = left;
        let amount: i64 = paid.iter().map(|row| row.net).sum();
        if amount == 0 {
            self.unpaid.extend(paid);
            return;
        }
        self.payouts += 1;
        let payout = self.make(
            Resource::Payout,
            json!({
                "amount": amount, "currency": self.conversion.settlement.to_lowercase(), "automatic": true, "description": "STRIPE PAYOUT",
                "arrival_date": self.clock - self.clock.rem_euclid(86_400), "reconciliation_status": "in_progress", "status": "in_transit",
                "statement_descriptor": "STRIPE",
            }),
        );
        let own = self.move_money(&Movement {
            kind: "payout",
            category: "payout",
            amount: -amount,
            fee: 0,
            source: payout.as_str().into(),
            description: "STRIPE PAYOUT",
            exchange_rate: None,
            is_immediate: true,
        });
        // it takes what it pays out of the balance, and is itself paid with it
        self.unpaid.retain(|row| row.id != own);
        for row in &paid {
            self.shelf.change(&row.id, json!({ "status": "available" }));
            self.shelf.pay(&row.id, &payout);
        }
        self.shelf.pay(&own, &payout);
        self.shelf.change(&payout, json!({ "balance_transaction": own, "reconciliation_status": "completed" }));
        self.announce("payout.created", &payout);
        self.announce("payout.reconciliation_completed", &payout);
        self.plan_step(self.clock + 10 * 3600, Step::Arrive { payout });
    }

    pub(super) fn arrive(&mut self, payout: &str) {
        let trace = format!("TRACE{}", &payout[payout.len() - 12..]).to_uppercase();
        self.shelf.change(payout, json!({ "status": "paid", "trace_id": { "status": "supported", "value": trace } }));
        self.announce("payout.paid", payout);
    }
}
