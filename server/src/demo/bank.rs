//! The company's banks: an account per entity and currency, what customers transfer to it and payouts bring, and a statement for every
//! day with a movement, in the format that such a bank uses. What is not transferred is mostly collected by card.

use super::{
    company::{ENTITIES, per_thousand_usd},
    dice::Dice,
    gateways::WITH_CARDS,
    paper,
    plan::{Batch, Charge},
};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use domain::{document::DocumentContent, money::Currency, stage::DocumentKind};
use rust_decimal::Decimal;
use simulators::stripe::{Fate, Invoice, Method};
use std::collections::BTreeMap;

/// Per mille of the invoices that are paid by transfer.
const TRANSFERS: u64 = 250;
/// Per mille of the others that are collected by card, where cards are taken: furnishing lives through every one of them.
const CARDS: u64 = 400;
/// Per mille of the transfers: no reference, a wrong one, paid short.
const WITHOUT_REFERENCE: u64 = 110;
const WRONG_REFERENCE: u64 = 30;
const SHORT: u64 = 30;
/// What an account held before the company's past began, in thousand US dollars.
const OPENING: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    Bai2,
    Mt940,
    Camt053,
}

/// One of our accounts.
#[derive(Debug, Clone, Copy)]
pub struct BankAccount {
    pub entity: usize,
    pub currency: &'static str,
    pub number: &'static str,
    pub name: &'static str,
    pub paper: Paper,
}

const fn account(entity: usize, currency: &'static str, number: &'static str, name: &'static str, paper: Paper) -> BankAccount {
    BankAccount { entity, currency, number, name, paper }
}

pub const ACCOUNTS: [BankAccount; 10] = [
    account(0, "USD", "000123456789", "Operating, First Harbor", Paper::Bai2),
    account(0, "CAD", "000123456821", "Canada, First Harbor", Paper::Bai2),
    account(1, "EUR", "DE89370400440532013000", "Geschäftskonto", Paper::Camt053),
    account(1, "USD", "DE62370400440532013001", "USD account", Paper::Mt940),
    account(1, "CHF", "DE35370400440532013002", "CHF account", Paper::Mt940),
    account(2, "GBP", "GB29NWBK60161331926819", "Operating, Thames", Paper::Mt940),
    account(2, "EUR", "GB56NWBK60161331926820", "EUR account, Thames", Paper::Mt940),
    account(3, "SGD", "0012345678", "Operating, Straits", Paper::Mt940),
    account(3, "USD", "0012345686", "USD account, Straits", Paper::Mt940),
    account(4, "JPY", "JP0009001234567", "Operating, Sumida", Paper::Camt053),
];

/// A movement as the bank books it.
#[derive(Debug, Clone)]
pub struct Movement {
    pub amount: Decimal,
    pub reference: String,
    pub name: String,
    pub text: String,
}

/// What an account's bank tells of one day.
#[derive(Debug, Clone)]
pub struct Day {
    /// Place in [`ACCOUNTS`].
    pub account: usize,
    pub date: NaiveDate,
    /// Counts the account's statements of the year.
    pub number: u32,
    pub opening: Decimal,
    pub opened_on: NaiveDate,
    pub closing: Decimal,
    pub movements: Vec<Movement>,
}

impl Day {
    pub fn file(&self) -> String {
        let account = &ACCOUNTS[self.account];
        match account.paper {
            Paper::Bai2 => paper::bai2(account, self),
            Paper::Mt940 => paper::mt940(account, self),
            Paper::Camt053 => paper::camt053(account, self),
        }
    }

    pub fn file_name(&self) -> String {
        let account = &ACCOUNTS[self.account];
        let extension = match account.paper {
            Paper::Bai2 => "bai",
            Paper::Mt940 => "sta",
            Paper::Camt053 => "xml",
        };
        format!("{}-{}-{}.{extension}", ENTITIES[account.entity].code, account.currency, self.date)
    }
}

/// The place of an account in [`ACCOUNTS`].
pub fn place(entity: usize, currency: &str) -> Option<usize> {
    ACCOUNTS.iter().position(|account| account.entity == entity && account.currency == currency)
}

/// What customers transfer, by the day on which the bank books it, with the place of the account.
pub type Transfers = BTreeMap<NaiveDate, Vec<(usize, Movement)>>;

/// How the invoices are paid: transfers up to yesterday, and what is to be collected by card, in the order of the batches.
pub fn rails(batches: &[Batch], today: NaiveDate, seed: u64) -> anyhow::Result<(Transfers, Vec<Charge>)> {
    let (mut dice, mut cards) = (Dice::new(seed, 7), Dice::new(seed, 8));
    let (mut transfers, mut charges) = (Transfers::new(), Vec::new());
    let invoices = batches.iter().flat_map(|batch| batch.documents.iter().map(move |document| (batch, document)));
    for (batch, invoice) in invoices.filter(|(_, document)| document.kind == DocumentKind::Invoice && document.version == 1) {
        let Some(place) = place(batch.entity, invoice.currency.code()) else { continue };
        let (is_transferred, is_charged) = (dice.per_mille(TRANSFERS), cards.per_mille(CARDS));
        if is_transferred {
            let date = paid_on(&mut dice, invoice.due_date);
            if date < today && invoice.amount > Decimal::ONE {
                transfers.entry(date).or_default().push((place, transfer(&mut dice, invoice)?));
            }
        } else if is_charged && takes_card(batch.entity, invoice) {
            charges.push(Charge { entity: batch.entity, from: batch.at, invoice: charge(invoice) });
        }
    }
    contest(&mut charges, today);
    Ok((transfers, charges))
}

/// One payment that is disputed today and one whose dispute was lost, one that is declined and tried again and one that came at the second
/// attempt: in a small company chance alone may bring none of them.
fn contest(charges: &mut [Charge], today: NaiveDate) {
    // disputes come ten days after the charge and are decided thirty days later
    // a declined card is tried again after three days
    for (days, fate) in [(11, Fate::DisputeWon), (42, Fate::DisputeLost), (2, Fate::Declined), (9, Fate::DeclinedOnce)] {
        let age = |charge: &Charge| (today - charge.invoice.due.max(charge.from.date_naive())).num_days();
        let ordinary = charges.iter_mut().filter(|charge| charge.invoice.fate.is_none() && age(charge) >= days);
        if let Some(charge) = ordinary.min_by_key(|charge| age(charge)) {
            charge.invoice.fate = Some(fate);
        }
    }
}

fn takes_card(entity: usize, invoice: &DocumentContent) -> bool {
    WITH_CARDS.contains(&entity) && invoice.currency.code() == ENTITIES[entity].currency && invoice.amount > Decimal::ONE
}

fn charge(invoice: &DocumentContent) -> Invoice {
    Invoice {
        number: invoice.number.clone(),
        customer: invoice.customer_code.clone(),
        customer_name: Some(invoice.customer_name.clone()),
        amount: invoice.amount,
        currency: invoice.currency.code().to_owned(),
        due: invoice.due_date,
        method: Some(Method::Card),
        fate: None,
    }
}

/// At the median six days after it was due; some late, a few very late.
fn paid_on(dice: &mut Dice, due: NaiveDate) -> NaiveDate {
    let days = match dice.below(1000) {
        0..20 => 90 + dice.below(30),
        20..150 => 30 + dice.below(40),
        150..500 => 7 + dice.below(14),
        _ => dice.below(7),
    };
    let mut date = due.checked_add_days(Days::new(days)).unwrap_or(due);
    while matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
        date = date.succ_opt().unwrap_or(date);
    }
    date
}

fn transfer(dice: &mut Dice, invoice: &DocumentContent) -> anyhow::Result<Movement> {
    let tail = invoice.number.rsplit('-').next().unwrap_or_default();
    let text = match dice.below(1000) {
        0..WITHOUT_REFERENCE => "PAYMENT".to_owned(),
        throw if throw < WITHOUT_REFERENCE + WRONG_REFERENCE => format!("INV-{:06}", 900_000 + dice.below(99_999)),
        throw if throw.is_multiple_of(3) => format!("Invoice {}", invoice.number),
        throw if throw.is_multiple_of(2) => format!("{} dated {}", invoice.number.replace('-', " "), invoice.issue_date),
        _ => format!("INV {tail}"),
    };
    let fee = if dice.per_mille(SHORT) { minor(12 + dice.below(24), 100, invoice.currency)? } else { Decimal::ZERO };
    let amount = (invoice.amount - fee).max(minor(1, 100, invoice.currency)?);
    let reference = format!("T{:010}", dice.below(9_999_999_999));
    Ok(Movement { amount, reference, name: invoice.customer_name.clone(), text })
}

/// So many hundredths of a US dollar's worth times `each`, in the currency.
fn minor(dollars: u64, each: u64, currency: Currency) -> anyhow::Result<Decimal> {
    let hundredths = dollars * each * per_thousand_usd(currency.code()) / 1000;
    let decimals = currency.minor_units();
    Ok(Decimal::new(i64::try_from(hundredths * 10u64.pow(decimals) / 100)?, decimals))
}

/// What the banks have written so far: the last day of each account.
#[derive(Debug, Default)]
pub struct Books(BTreeMap<usize, (Decimal, NaiveDate, u32)>);

impl Books {
    /// Books movements of a day; days come in their order.
    pub fn book(&mut self, account: usize, date: NaiveDate, movements: Vec<Movement>) -> anyhow::Result<Day> {
        let (opening, opened_on, number) = match self.0.get(&account) {
            Some((closing, day, number)) => (*closing, *day, number + 1),
            None => (minor(OPENING, 100_000, ACCOUNTS[account].currency.parse()?)?, date.pred_opt().unwrap_or(date), 1),
        };
        let closing = opening + movements.iter().map(|movement| movement.amount).sum::<Decimal>();
        self.0.insert(account, (closing, date, number));
        Ok(Day { account, date, number, opening, opened_on, closing, movements })
    }
}
