//! Invoices and credit memos of the company's past, as its billing system issues them.

use super::{
    calendar::{BillingDay, Calendar},
    company::{Customer, ENTITIES, PRODUCTS, Product, Sold, per_thousand_usd, percent},
    dice::{Dice, apportion},
    troubles::Trouble,
};
use anyhow::Context as _;
use chrono::{Days, NaiveDate};
use domain::{
    document::{DocumentContent, DocumentLine},
    money::{Currency, Money},
    period::AccountingPeriod,
    stage::DocumentKind,
};
use rust_decimal::Decimal;

/// Median of an invoice, in US cents.
const MEDIAN_CENTS: u64 = 48_000;
/// Per mille of the invoices that go to the top customers, and how much larger theirs are: a third of the money.
const TOP_SHARE: u64 = 30;
const TOP_FACTOR: u64 = 17;
/// Credit memos per mille of invoices; of them half are partial, and some come before their invoice.
const CREDITS: u64 = 35;
const PARTIAL: u64 = 500;
const EARLY: u64 = 50;
/// A credit memo corrects an invoice of one of so many billing days before.
const CREDIT_REACH: usize = 6;

/// A document that will be handed over with a day's batch of its entity.
#[derive(Debug, Clone)]
pub struct Planned {
    pub content: DocumentContent,
    pub entity: usize,
    /// Place in the calendar's days.
    pub day: usize,
    pub trouble: Option<Trouble>,
    /// As it should have been, where the row breaks a rule.
    pub original: Option<Box<DocumentContent>>,
}

/// The invoices of a company of this size, in the order of days and entities.
pub fn invoices(calendar: &Calendar, customers: &[Customer], documents: u64, seed: u64) -> anyhow::Result<Vec<Planned>> {
    let shares: Vec<u64> = ENTITIES.iter().map(|entity| entity.share).collect();
    let weights: Vec<u64> = calendar.days.iter().map(|day| day.weight).collect();
    let counts: Vec<Vec<u64>> = apportion(documents, &shares).iter().map(|total| apportion(*total, &weights)).collect();
    let mut dice = Dice::new(seed, 2);
    let mut planned = Vec::new();
    let mut issued = [0u64; ENTITIES.len()];
    for (day, billing) in calendar.days.iter().enumerate() {
        for entity in 0..ENTITIES.len() {
            let clients = Clients::of(entity, customers);
            for _ in 0..counts[entity][day] {
                issued[entity] += 1;
                let content = invoice(&mut dice, entity, billing, issued[entity], &clients)?;
                planned.push(Planned { content, entity, day, trouble: None, original: None });
            }
        }
    }
    Ok(planned)
}

/// A few more of the first entity, issued today; their numbers follow those of `planned`.
pub fn of_today(
    calendar: &Calendar,
    customers: &[Customer],
    planned: &[Planned],
    count: u64,
    seed: u64,
) -> anyhow::Result<Vec<DocumentContent>> {
    let mut dice = Dice::new(seed, 6);
    let issued = planned.iter().filter(|invoice| invoice.entity == 0).count() as u64;
    let day = BillingDay { date: calendar.today, weight: 0 };
    (1..=count).map(|ordinal| invoice(&mut dice, 0, &day, issued + ordinal, &Clients::of(0, customers))).collect()
}

struct Clients<'a> {
    top: Vec<&'a Customer>,
    others: Vec<&'a Customer>,
}

impl<'a> Clients<'a> {
    fn of(entity: usize, customers: &'a [Customer]) -> Self {
        let (top, others) = customers.iter().filter(|customer| customer.entity == entity).partition(|customer| customer.is_top);
        Self { top, others }
    }
}

fn invoice(dice: &mut Dice, entity: usize, day: &BillingDay, ordinal: u64, clients: &Clients<'_>) -> anyhow::Result<DocumentContent> {
    let issuer = &ENTITIES[entity];
    let is_top = !clients.top.is_empty() && dice.per_mille(TOP_SHARE);
    let customer: &Customer = dice.pick::<&Customer>(if is_top { &clients.top } else { &clients.others });
    let (code, tax_code) = terms(dice, entity);
    let currency: Currency = code.parse()?;
    let cents = MEDIAN_CENTS * dice.lognormal() / 1000 * if is_top { TOP_FACTOR } else { 1 };
    let minor = cents * per_thousand_usd(code) / 1000 * 10u64.pow(currency.minor_units()) / 100;
    let lines = lines(dice, minor.max(300), currency, tax_code)?;
    let mut content = DocumentContent {
        kind: DocumentKind::Invoice,
        number: format!("INV-{}-{ordinal:06}", issuer.code),
        version: 1,
        customer_code: customer.code.clone(),
        customer_name: customer.name.clone(),
        currency,
        amount: Decimal::ZERO,
        tax: Decimal::ZERO,
        issue_date: day.date,
        due_date: day.date,
        posting_date: day.date,
        period: AccountingPeriod::of(day.date),
        applies_to: None,
        lines,
    };
    dated(&mut content, day.date, customer.due_days);
    if issuer.code == "JP" {
        tax_once(&mut content)?;
    }
    total(&mut content);
    Ok(content)
}

/// Currency and tax code.
fn terms(dice: &mut Dice, entity: usize) -> (&'static str, &'static str) {
    let issuer = &ENTITIES[entity];
    let mut throw = dice.below(1000);
    for (currency, share, tax_code) in issuer.foreign {
        if throw < *share {
            return (currency, tax_code);
        }
        throw -= share;
    }
    let mut throw = dice.below(1000);
    for (tax_code, share) in issuer.taxes {
        if throw < *share {
            return (issuer.currency, tax_code);
        }
        throw -= share;
    }
    (issuer.currency, issuer.taxes[0].0)
}

fn lines(dice: &mut Dice, minor: u64, currency: Currency, tax_code: &str) -> anyhow::Result<Vec<DocumentLine>> {
    let count = 1 + dice.index(3);
    let weights: Vec<u64> = (0..count).map(|_| 1 + dice.below(5)).collect();
    let products = dice.sample(PRODUCTS.len(), count);
    let parts = apportion(minor, &weights);
    products.iter().zip(parts).map(|(product, part)| line(dice, &PRODUCTS[*product], part.max(50), currency, tax_code)).collect()
}

fn line(dice: &mut Dice, product: &Product, minor: u64, currency: Currency, tax_code: &str) -> anyhow::Result<DocumentLine> {
    let decimals = currency.minor_units();
    let amount =
        |minor: u64| -> anyhow::Result<Decimal> { Ok(Decimal::new(i64::try_from(minor).context("too large an amount")?, decimals)) };
    let (quantity, unit_price) = match product.sold {
        Sold::Flat => (Decimal::ONE, amount(minor)?),
        Sold::Seats => {
            let seats = 2 + dice.below(24);
            (seats.into(), amount((minor / seats).max(1))?)
        }
        Sold::Metered => {
            // per thousandth of the smallest unit: 0.0007 dollars, 0.07 yen
            let price = *dice.pick(&[40u64, 70, 120, 250]);
            ((minor * 1000 / price).max(1).into(), Decimal::new(i64::try_from(price)?, decimals + 3))
        }
    };
    let net = Money::round(quantity * unit_price, currency)?.amount();
    Ok(DocumentLine {
        item_code: product.code.to_owned(),
        description: product.description.to_owned(),
        quantity,
        unit_price,
        net,
        tax: tax_of(net, tax_code, currency)?,
        tax_code: tax_code.to_owned(),
    })
}

/// Rounded per line, as the ERPs' engines do.
pub fn tax_of(net: Decimal, tax_code: &str, currency: Currency) -> anyhow::Result<Decimal> {
    Ok(Money::round(net * percent(tax_code) / Decimal::ONE_HUNDRED, currency)?.amount())
}

/// Japan: rounded once per rate and invoice, then spread over the lines.
fn tax_once(content: &mut DocumentContent) -> anyhow::Result<()> {
    let nets: Vec<Decimal> = content.lines.iter().map(|line| line.net).collect();
    let code = content.lines.first().map_or("", |line| &line.tax_code);
    let tax = Money::new(tax_of(nets.iter().sum(), code, content.currency)?, content.currency)?;
    for (line, part) in content.lines.iter_mut().zip(tax.allocate(&nets)?) {
        line.tax = part.amount();
    }
    Ok(())
}

/// Tax and gross from the lines.
pub fn total(content: &mut DocumentContent) {
    content.tax = content.lines.iter().map(|line| line.tax).sum();
    content.amount = content.lines.iter().map(|line| line.net).sum::<Decimal>() + content.tax;
}

pub fn dated(content: &mut DocumentContent, date: NaiveDate, due_days: u64) {
    content.issue_date = date;
    content.posting_date = date;
    content.due_date = date.checked_add_days(Days::new(due_days)).unwrap_or(date);
    content.period = AccountingPeriod::of(date);
}

/// Credit memos for invoices that came through without trouble; a few are handed over before their invoice.
pub fn credits(calendar: &Calendar, invoices: &[Planned], seed: u64) -> anyhow::Result<Vec<Planned>> {
    let mut dice = Dice::new(seed, 3);
    let mut places = vec![vec![Vec::new(); ENTITIES.len()]; calendar.days.len()];
    for (place, invoice) in invoices.iter().enumerate() {
        places[invoice.day][invoice.entity].push(place);
    }
    let mut credited = std::collections::HashSet::new();
    let mut credits = Vec::new();
    for entity in 0..ENTITIES.len() {
        let weights: Vec<u64> = places.iter().map(|day| day[entity].len() as u64).collect();
        let due = apportion(weights.iter().sum::<u64>() * CREDITS / 1000, &weights);
        let mut issued = 0u64;
        for (day, due) in due.into_iter().enumerate().skip(1) {
            for _ in 0..due {
                let is_early = day + 1 < calendar.days.len() && dice.per_mille(EARLY);
                let of_day = if is_early { day + 1 } else { day - 1 - dice.index(CREDIT_REACH.min(day)) };
                let candidates = &places[of_day][entity];
                if candidates.is_empty() {
                    continue;
                }
                let place = *dice.pick(candidates);
                if invoices[place].trouble.is_some() || !credited.insert(place) {
                    continue;
                }
                issued += 1;
                let content = credit(&mut dice, &invoices[place], calendar.days[day].date, issued)?;
                credits.push(Planned { content, entity, day, trouble: None, original: None });
            }
        }
    }
    Ok(credits)
}

fn credit(dice: &mut Dice, invoice: &Planned, date: NaiveDate, ordinal: u64) -> anyhow::Result<DocumentContent> {
    let mut content = invoice.content.clone();
    content.kind = DocumentKind::CreditMemo;
    content.applies_to = Some(std::mem::replace(&mut content.number, format!("CM-{}-{ordinal:05}", ENTITIES[invoice.entity].code)));
    dated(&mut content, date, 0);
    if dice.per_mille(PARTIAL)
        && let Some(mut line) = content.lines.first().cloned()
    {
        line.description = format!("{}, half of it taken back", line.description);
        line.quantity = Decimal::ONE;
        line.unit_price = Money::round(line.net / Decimal::TWO, content.currency)?.amount();
        line.net = line.unit_price;
        line.tax = tax_of(line.net, &line.tax_code, content.currency)?;
        content.lines = vec![line];
    }
    total(&mut content);
    Ok(content)
}
