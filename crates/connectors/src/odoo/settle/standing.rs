//! What Odoo holds between one credit and the items that it settles.

use super::{Asked, Key};
use crate::odoo::{
    number,
    wire::{Fault, Talk},
};
use domain::money::Currency;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const LINE_FIELDS: [&str; 7] =
    ["move_id", "payment_id", "currency_id", "company_currency_id", "amount_currency", "balance", "amount_residual_currency"];
const PARTIAL_FIELDS: [&str; 3] = ["debit_move_id", "credit_move_id", "debit_amount_currency"];

/// A posted receivable line. Amounts are positive on both sides.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: i64,
    pub entry: i64,
    pub payment: Option<i64>,
    pub debits: bool,
    pub currency: Currency,
    pub company_currency: Currency,
    pub amount: Decimal,
    /// The amount in the company's currency.
    pub booked: Decimal,
    pub open: Decimal,
}

impl Line {
    fn is_of(&self, key: Key) -> bool {
        match key {
            Key::Entry(id) => self.entry == id,
            Key::Payment(id) => self.payment == Some(id),
        }
    }
}

/// What one partial reconcile settles of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partial {
    pub id: i64,
    pub amount: Decimal,
}

/// Where an item stands between the ledger before our document and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Before,
    After,
    Elsewhere,
}

/// The credit and one item.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub number: String,
    pub amount: Decimal,
    pub before: Decimal,
    pub after: Decimal,
    pub lines: Vec<Line>,
    pub partials: Vec<Partial>,
}

impl Pair {
    pub(super) fn settled(&self) -> Decimal {
        self.partials.iter().map(|partial| partial.amount).sum()
    }

    pub(super) fn at(&self) -> At {
        match self.settled() {
            settled if settled == self.after => At::After,
            settled if settled == self.before => At::Before,
            _ => At::Elsewhere,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub credits: Vec<Line>,
    pub pairs: Vec<Pair>,
}

impl Standing {
    pub(super) fn all(&self, at: At) -> bool {
        self.pairs.iter().all(|pair| pair.at() == at)
    }

    /// What is settled too little or too much, over all items.
    pub(super) fn astray(&self) -> Decimal {
        self.pairs.iter().map(|pair| (pair.settled() - pair.after).abs()).sum()
    }
}

pub(super) async fn read(talk: &mut Talk<'_>, asked: &Asked) -> Result<Standing, Fault> {
    let lines = lines(talk, asked).await?;
    let (mut debits, mut credits): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.debits);
    debits.retain(|line| asked.debits.iter().any(|key| line.is_of(*key)));
    credits.retain(|line| line.is_of(asked.credit));
    let partials = partials(talk, asked, &debits, &credits).await?;
    let pairs = asked.settlement.debits.iter().zip(&asked.debits).map(|(debit, key)| {
        let lines: Vec<Line> = debits.iter().filter(|line| line.is_of(*key)).cloned().collect();
        let of_item = |(line, _): &&(i64, Partial)| lines.iter().any(|l| l.id == *line);
        let partials = partials.iter().filter(of_item).map(|(_, partial)| partial.clone()).collect();
        let before = if asked.takes_back { debit.settled + debit.amount } else { debit.settled - debit.amount };
        Pair { number: debit.item.number.clone(), amount: debit.amount, before, after: debit.settled, lines, partials }
    });
    Ok(Standing { pairs: pairs.collect(), credits })
}

/// The receivable lines of all of them.
async fn lines(talk: &mut Talk<'_>, asked: &Asked) -> Result<Vec<Line>, Fault> {
    let domain = json!([
        ["company_id", "=", asked.company],
        ["account_id.account_type", "=", "asset_receivable"],
        ["parent_state", "=", "posted"],
        "|",
        ["payment_id", "in", asked.payments()],
        ["move_id", "in", asked.entries()],
    ]);
    let query = json!({ "domain": domain, "fields": LINE_FIELDS, "order": "date_maturity, id" });
    let found = talk.call("account.move.line/search_read", asked.company, query).await?;
    readable(&found, line)
}

fn line(row: &Value) -> Option<Line> {
    let currency = |key: &str| row[key][1].as_str()?.parse::<Currency>().ok();
    let amount = number(&row["amount_currency"])?;
    Some(Line {
        id: row["id"].as_i64()?,
        entry: row["move_id"][0].as_i64()?,
        payment: row["payment_id"][0].as_i64(),
        debits: amount.is_sign_positive(),
        currency: currency("currency_id")?,
        company_currency: currency("company_currency_id")?,
        amount: amount.abs(),
        booked: number(&row["balance"])?.abs(),
        open: number(&row["amount_residual_currency"])?.abs(),
    })
}

/// By the debited line. Both lines are in one currency, or the plan refuses them.
async fn partials(talk: &mut Talk<'_>, asked: &Asked, debits: &[Line], credits: &[Line]) -> Result<Vec<(i64, Partial)>, Fault> {
    let ids = |lines: &[Line]| lines.iter().map(|line| line.id).collect::<Vec<_>>();
    let domain = json!([["debit_move_id", "in", ids(debits)], ["credit_move_id", "in", ids(credits)]]);
    let query = json!({ "domain": domain, "fields": PARTIAL_FIELDS, "order": "id" });
    let found = talk.call("account.partial.reconcile/search_read", asked.company, query).await?;
    readable(&found, |row| {
        let amount = number(&row["debit_amount_currency"])?;
        Some((row["debit_move_id"][0].as_i64()?, Partial { id: row["id"].as_i64()?, amount }))
    })
}

fn readable<T>(found: &Value, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, Fault> {
    found
        .as_array()
        .and_then(|rows| rows.iter().map(read).collect())
        .ok_or_else(|| Fault::NoAnswer("Odoo's receivable can't be read".to_owned()))
}
