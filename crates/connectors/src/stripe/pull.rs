//! Reading what Stripe holds, in pages of a hundred.

use super::{Cursor, Stripe, fields::Fields, read, wire::Parameters};
use crate::gateway::GatewayError;
use chrono::{DateTime, Utc};
use domain::{
    money::Currency,
    settlement::{GatewayDispute, GatewayEntry, GatewayRefund, PaymentAttempt, PaymentEvent, Payout},
};
use futures::{StreamExt, TryStreamExt, stream};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most that a list gives at once (contract: Pagination).
const PAGE_ROWS: usize = 100;
/// Invoice look-ups at once: with an answer in 100 ms below the 25 per second and endpoint of [RL].
const LOOKUPS_AT_ONCE: usize = 2;

/// One page of a pull. Keep `next` together with the items; a pull that broke off goes on from it.
#[derive(Debug)]
pub struct Pulled<T> {
    pub items: Vec<T>,
    pub next: Cursor,
    /// The walk is at its end; `next` begins another.
    pub is_last: bool,
}

/// One page of a list that does not grow.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Hand it back for the next page; `None` is the end.
    pub after: Option<String>,
}

impl Stripe {
    /// Movements of the balance, newest first, with the invoices that their payments paid. `payout` is not known here.
    pub async fn entries(&self, cursor: &Cursor) -> Result<Pulled<GatewayEntry>, GatewayError> {
        let read = |row: Fields<'_>| read::entry(row, None, &self.reference_key);
        let mut pulled = self.pull("balance_transactions", &[("expand[]", "data.source".to_owned())], cursor, read).await?;
        self.name_invoices(&mut pulled.items).await?;
        Ok(pulled)
    }

    /// Movements that an itemised payout pays, its own among them. `after` is the last page's.
    pub async fn entries_of(&self, payout: &str, after: Option<&str>) -> Result<Page<GatewayEntry>, GatewayError> {
        let mut parameters = vec![("payout", payout.to_owned()), ("expand[]", "data.source".to_owned())];
        parameters.extend(after.map(|id| ("starting_after", id.to_owned())));
        let list = self.list("balance_transactions", &parameters).await?;
        let entry = |row| read::entry(Fields(row), Some(payout), &self.reference_key);
        let mut items: Vec<GatewayEntry> = list.rows.iter().map(entry).collect::<Result<_, _>>()?;
        self.name_invoices(&mut items).await?;
        Ok(Page { items, after: list.after })
    }

    /// The ids of the movements that an itemised payout pays, its own among them. `after` is the last page's.
    pub async fn entry_ids_of(&self, payout: &str, after: Option<&str>) -> Result<Page<String>, GatewayError> {
        let mut parameters = vec![("payout", payout.to_owned())];
        parameters.extend(after.map(|id| ("starting_after", id.to_owned())));
        let list = self.list("balance_transactions", &parameters).await?;
        let ids = list.rows.iter().map(|row| Fields(row).need("id").map(str::to_owned));
        Ok(Page { items: ids.collect::<Result<_, _>>()?, after: list.after })
    }

    /// By creation; what becomes of a payout later is announced by events.
    pub async fn payouts(&self, cursor: &Cursor) -> Result<Pulled<Payout>, GatewayError> {
        self.pull("payouts", &[], cursor, read::payout).await
    }

    pub async fn refunds(&self, cursor: &Cursor) -> Result<Pulled<GatewayRefund>, GatewayError> {
        self.pull("refunds", &[], cursor, read::refund).await
    }

    pub async fn disputes(&self, cursor: &Cursor) -> Result<Pulled<GatewayDispute>, GatewayError> {
        self.pull("disputes", &[], cursor, read::dispute).await
    }

    /// Every charge, failed ones too, which move no balance. Which invoices it was to pay is not known here.
    pub async fn attempts(&self, cursor: &Cursor) -> Result<Pulled<PaymentAttempt>, GatewayError> {
        self.pull("charges", &[], cursor, |charge| read::attempt(charge, &self.reference_key)).await
    }

    /// Says which invoices attempts were to pay, and when Stripe tries again.
    pub async fn name_attempts(&self, attempts: &mut [PaymentAttempt]) -> Result<(), GatewayError> {
        let payments = attempts.iter().filter_map(|attempt| attempt.payment_reference.clone()).collect();
        let invoices = self.invoices_of_all(payments).await?;
        for attempt in attempts {
            let named = attempt.payment_reference.as_ref().and_then(|payment| invoices.get(payment)).map_or(&[][..], Vec::as_slice);
            attempt.invoice_numbers = named.iter().map(|invoice| invoice.number.clone()).collect();
            attempt.next_retry_at = named.iter().filter_map(|invoice| invoice.next_attempt_at).min();
        }
        Ok(())
    }

    /// What webhooks announced or should have; kept for about 30 days (U).
    pub async fn events(&self, cursor: &Cursor) -> Result<Pulled<PaymentEvent>, GatewayError> {
        self.pull("events", &[], cursor, read::event).await
    }

    pub async fn payout(&self, id: &str) -> Result<Payout, GatewayError> {
        read::payout(Fields(&self.wire.get(&format!("payouts/{id}"), &[]).await?))
    }

    pub async fn refund_state(&self, id: &str) -> Result<GatewayRefund, GatewayError> {
        read::refund(Fields(&self.wire.get(&format!("refunds/{id}"), &[]).await?))
    }

    pub async fn dispute(&self, id: &str) -> Result<GatewayDispute, GatewayError> {
        read::dispute(Fields(&self.wire.get(&format!("disputes/{id}"), &[]).await?))
    }

    pub async fn attempt(&self, id: &str) -> Result<PaymentAttempt, GatewayError> {
        read::attempt(Fields(&self.wire.get(&format!("charges/{id}"), &[]).await?), &self.reference_key)
    }

    /// What Stripe says it holds for us now, available or not yet: the other side of the clearing proof.
    pub async fn balance(&self) -> Result<BTreeMap<Currency, Decimal>, GatewayError> {
        let balance = self.wire.get("balance", &[]).await?;
        let mut held = BTreeMap::new();
        for part in ["available", "pending"] {
            for row in balance[part].as_array().into_iter().flatten().map(Fields) {
                let money = row.money("amount")?;
                *held.entry(money.currency()).or_default() += money.amount();
            }
        }
        Ok(held)
    }

    async fn pull<T>(
        &self,
        resource: &str,
        parameters: &Parameters<'_>,
        cursor: &Cursor,
        read: impl Fn(Fields<'_>) -> Result<T, GatewayError>,
    ) -> Result<Pulled<T>, GatewayError> {
        let parameters = [parameters, &cursor.parameters()].concat();
        let list = self.list(resource, &parameters).await?;
        let created = list.rows.iter().map(|row| Fields(row).number("created")).collect::<Result<Vec<i64>, _>>()?;
        let items = list.rows.iter().map(|row| read(Fields(row))).collect::<Result<_, _>>()?;
        let is_last = list.after.is_none();
        Ok(Pulled { items, next: cursor.advanced(created.into_iter().max(), list.after), is_last })
    }

    async fn list(&self, resource: &str, parameters: &Parameters<'_>) -> Result<List, GatewayError> {
        let parameters = [parameters, &[("limit", PAGE_ROWS.to_string())]].concat();
        let body = self.wire.get(resource, &parameters).await?;
        let (Some(rows), Some(has_more)) = (body["data"].as_array(), body["has_more"].as_bool()) else {
            return Err(GatewayError::Unreadable(format!("a list of {resource} without data or has_more")));
        };
        let last = rows.last().filter(|_| has_more).map(|row| Fields(row).need("id").map(str::to_owned)).transpose()?;
        if has_more && last.is_none() {
            return Err(GatewayError::Unreadable(format!("an empty list of {resource} that has more")));
        }
        Ok(List { rows: rows.clone(), after: last })
    }

    /// A charge does not name its invoice (contract: Surprises, 1); the payments of invoices name both.
    async fn name_invoices(&self, entries: &mut [GatewayEntry]) -> Result<(), GatewayError> {
        let payments = entries.iter().filter_map(|entry| entry.payment_reference.clone()).collect();
        let invoices = self.invoices_of_all(payments).await?;
        for entry in entries {
            let named = entry.payment_reference.as_ref().and_then(|payment| invoices.get(payment));
            entry.invoice_numbers = named.into_iter().flatten().map(|invoice| invoice.number.clone()).collect();
        }
        Ok(())
    }

    async fn invoices_of_all(&self, payments: BTreeSet<String>) -> Result<BTreeMap<String, Vec<Billed>>, GatewayError> {
        let looked_up = stream::iter(payments).map(|payment| async move {
            let invoices = self.invoices_of(&payment).await?;
            Ok::<_, GatewayError>((payment, invoices))
        });
        looked_up.buffer_unordered(LOOKUPS_AT_ONCE).try_collect().await
    }

    /// The invoices that a payment intent pays, fully or in part.
    async fn invoices_of(&self, payment: &str) -> Result<Vec<Billed>, GatewayError> {
        let parameters = [
            ("payment[type]", "payment_intent".to_owned()),
            ("payment[payment_intent]", payment.to_owned()),
            ("expand[]", "data.invoice".to_owned()),
        ];
        let (mut invoices, mut after) = (Vec::new(), None);
        loop {
            let next = after.map(|id| ("starting_after", id));
            let list = self.list("invoice_payments", &parameters.iter().cloned().chain(next).collect::<Vec<_>>()).await?;
            for row in &list.rows {
                let invoice = Fields(&row["invoice"]);
                let Some(number) = invoice.owned("number") else { continue };
                let is_planned = !invoice.0["next_payment_attempt"].is_null();
                let next_attempt_at = is_planned.then(|| invoice.time("next_payment_attempt")).transpose()?;
                invoices.push(Billed { number, next_attempt_at });
            }
            match list.after {
                Some(last) => after = Some(last),
                None => return Ok(invoices),
            }
        }
    }
}

/// An invoice of Stripe Billing, as a payment of it needs it.
struct Billed {
    number: String,
    /// When Stripe collects it again; `None`: never.
    next_attempt_at: Option<DateTime<Utc>>,
}

struct List {
    rows: Vec<Value>,
    after: Option<String>,
}
