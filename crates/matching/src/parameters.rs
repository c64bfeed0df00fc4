//! The numbers beside the points, each under its name, as text.

use crate::{
    amount::Amount,
    rules::{Band, Discount, Parameters},
};
use domain::{
    money::{Currency, Money},
    rules::RuleGroup,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// How a number is named, read and written.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) group: RuleGroup,
    pub(crate) label: &'static str,
    pub(crate) means: &'static str,
    pub(crate) read: fn(&Parameters) -> String,
    /// The error is the rule that the text breaks.
    pub(crate) write: fn(&mut Parameters, &str) -> Result<(), String>,
}

const fn field(
    group: RuleGroup,
    (name, label, means): (&'static str, &'static str, &'static str),
    read: fn(&Parameters) -> String,
    write: fn(&mut Parameters, &str) -> Result<(), String>,
) -> Field {
    Field { name, group, label, means, read, write }
}

/// A tolerance above so many whole units of a currency is no small balance any more.
const TOLERANCE_UNITS_MAX: i64 = 1_000;

pub(crate) const FIELDS: &[Field] = &[
    field(
        RuleGroup::Sureness,
        ("confirm_threshold", "Applied from", "From this score on a proposal is applied without a person."),
        |p| p.confirm_threshold.to_string(),
        |p, text| whole(&mut p.confirm_threshold, text, 1, 200),
    ),
    field(
        RuleGroup::Sureness,
        ("minimum_margin", "Ahead by", "So many points the best has to be ahead of the runner-up; a tie is never applied."),
        |p| p.minimum_margin.to_string(),
        |p, text| whole(&mut p.minimum_margin, text, 1, 100),
    ),
    field(
        RuleGroup::Sureness,
        ("confirm_without_reference", "Without a reference", "Whether payer, amount and date suffice where the payer names no invoice."),
        |p| yes(p.confirm_without_reference),
        |p, text| yes_or_no(&mut p.confirm_without_reference, text),
    ),
    field(
        RuleGroup::Sureness,
        ("confirm_tolerated", "Small differences alone", "Whether a difference within the tolerance is written off without a person."),
        |p| yes(p.confirm_tolerated),
        |p, text| match text {
            "yes" => Err("a difference is written off by a person: it has to be no".to_owned()),
            _ => yes_or_no(&mut p.confirm_tolerated, text),
        },
    ),
    field(
        RuleGroup::Sureness,
        ("suggest_threshold", "Suggested from", "Proposals below this score are not shown."),
        |p| p.suggest_threshold.to_string(),
        |p, text| whole(&mut p.suggest_threshold, text, 1, 200),
    ),
    field(
        RuleGroup::Sureness,
        ("proposals_max", "Proposals kept", "At most so many proposals are kept for a payment."),
        |p| p.proposals_max.to_string(),
        |p, text| whole(&mut p.proposals_max, text, 2, 10),
    ),
    field(
        RuleGroup::Short,
        (
            "tolerance",
            "Tolerance by currency",
            "Off by so little is a small balance, where the share below holds too; a currency without one has none.",
        ),
        |p| p.tolerance.iter().map(|band| format!("{} {}", band.currency, units(band.high, band.currency))).collect::<Vec<_>>().join("; "),
        |p, text| bands(text, tolerance).map(|bands| p.tolerance = bands),
    ),
    field(
        RuleGroup::Short,
        ("tolerance_percent", "Tolerance in percent", "The same as a share of the items."),
        |p| percent(p.tolerance_per_million),
        |p, text| {
            per_million(text, 0, 50_000)
                .map(|share| p.tolerance_per_million = share)
                .ok_or_else(|| "is a percentage from 0 to 5".to_owned())
        },
    ),
    field(
        RuleGroup::Short,
        ("fees", "Bank fees by currency", "What banks keep of a transfer, from the least to the most."),
        |p| {
            p.fees
                .iter()
                .map(|band| format!("{} {} to {}", band.currency, units(band.low, band.currency), units(band.high, band.currency)))
                .collect::<Vec<_>>()
                .join("; ")
        },
        |p, text| bands(text, fee).map(|bands| p.fees = bands),
    ),
    field(
        RuleGroup::Short,
        ("fee_other", "Bank fees elsewhere", "The same for every other currency, in whole units."),
        |p| format!("{} to {}", p.fee_other.0, p.fee_other.1),
        |p, text| other_fee(text).map(|fee| p.fee_other = fee),
    ),
    field(
        RuleGroup::Short,
        ("withholding", "Withholding tax", "Rates in percent by the customer’s country."),
        |p| {
            p.withholding_per_million
                .iter()
                .map(|(country, rates)| format!("{country} {}", rates.iter().map(|rate| percent(*rate)).collect::<Vec<_>>().join(" ")))
                .collect::<Vec<_>>()
                .join("; ")
        },
        |p, text| parts(text).map(withholding).collect::<Result<_, _>>().map(|rates| p.withholding_per_million = rates),
    ),
    field(
        RuleGroup::Short,
        ("discounts", "Cash discounts", "What contracts grant for paying in time, from the date of issue."),
        |p| {
            p.discounts
                .iter()
                .map(|discount| format!("{} % within {} days", percent(discount.per_million), discount.days))
                .collect::<Vec<_>>()
                .join("; ")
        },
        |p, text| parts(text).map(discount).collect::<Result<_, _>>().map(|discounts| p.discounts = discounts),
    ),
    field(
        RuleGroup::Days,
        ("days_before_due", "About due, before", "A payment is about due from so many days before the due date."),
        |p| p.days_before_due.to_string(),
        |p, text| whole(&mut p.days_before_due, text, 0, 365),
    ),
    field(
        RuleGroup::Days,
        ("days_after_due", "About due, after", "And until so many days after it."),
        |p| p.days_after_due.to_string(),
        |p, text| whole(&mut p.days_after_due, text, 0, 365),
    ),
    field(
        RuleGroup::Days,
        ("statement_days", "One statement, days", "Items issued within so many days are of one statement."),
        |p| p.statement_days.to_string(),
        |p, text| whole(&mut p.statement_days, text, 0, 365),
    ),
    field(
        RuleGroup::Days,
        ("apart_days", "Apart, days", "Items issued further apart than so many days are of different billing runs."),
        |p| p.apart_days.to_string(),
        |p, text| whole(&mut p.apart_days, text, 0, 365),
    ),
    field(
        RuleGroup::Days,
        ("lately_days", "Due lately, days", "Due shortly before or after is so many days from the payment."),
        |p| p.lately_days.to_string(),
        |p, text| whole(&mut p.lately_days, text, 0, 365),
    ),
    field(
        RuleGroup::Search,
        (
            "search_steps",
            "Steps for one payment",
            "Steps that the search for combinations may take; stopped before its end, nothing is applied.",
        ),
        |p| p.search_steps.to_string(),
        |p, text| whole(&mut p.search_steps, text, 1, 1_000_000),
    ),
    field(
        RuleGroup::Search,
        ("scan_steps", "Steps among all customers", "The same where nothing but the amount is known."),
        |p| p.scan_steps.to_string(),
        |p, text| whole(&mut p.scan_steps, text, 1, 10_000_000),
    ),
    field(
        RuleGroup::Search,
        (
            "tail_digits_min",
            "Digits of a number’s end",
            "Digits that a number needs to be taken for the end of one of ours if the payer is not known.",
        ),
        |p| p.tail_digits_min.to_string(),
        |p, text| whole(&mut p.tail_digits_min, text, 3, 12),
    ),
];

fn whole<T: TryFrom<i64>>(place: &mut T, text: &str, low: i64, high: i64) -> Result<(), String> {
    let number = text.parse::<i64>().ok().filter(|number| (low..=high).contains(number)).and_then(|number| T::try_from(number).ok());
    *place = number.ok_or_else(|| format!("is a whole number from {low} to {high}"))?;
    Ok(())
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn yes_or_no(place: &mut bool, text: &str) -> Result<(), String> {
    *place = match text {
        "yes" => true,
        "no" => false,
        _ => return Err("is yes or no".to_owned()),
    };
    Ok(())
}

fn units(minor: i64, currency: Currency) -> Decimal {
    Amount::new(minor, currency).decimal()
}

fn minor(text: &str, currency: Currency) -> Option<i64> {
    let money = Money::new(text.parse().ok()?, currency).ok()?;
    Amount::try_from(money).ok().map(|amount| amount.minor).filter(|minor| *minor >= 0)
}

fn percent(per_million: i64) -> String {
    Decimal::new(per_million, 4).normalize().to_string()
}

fn per_million(text: &str, low: i64, high: i64) -> Option<i64> {
    let share = text.parse::<Decimal>().ok()?.checked_mul(Decimal::from(10_000))?;
    share.is_integer().then(|| share.to_i64()).flatten().filter(|share| (low..=high).contains(share))
}

/// Parts of a list; an empty one has none.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty())
}

/// One part per currency.
fn bands(text: &str, read: fn(&str, Currency) -> Option<(i64, i64)>) -> Result<Vec<Band>, String> {
    let mut bands: Vec<Band> = Vec::new();
    for part in parts(text) {
        let (code, rest) = part.split_once(' ').unwrap_or((part, ""));
        let currency: Currency = code.parse().map_err(|_| format!("{part:?} begins with no currency"))?;
        if bands.iter().any(|band| band.currency == currency) {
            return Err(format!("names {currency} twice"));
        }
        let (low, high) = read(rest.trim(), currency).ok_or_else(|| format!("{part:?} is none, or out of range"))?;
        bands.push(Band { currency, low, high });
    }
    Ok(bands)
}

fn tolerance(text: &str, currency: Currency) -> Option<(i64, i64)> {
    let most = TOLERANCE_UNITS_MAX.checked_mul(10i64.checked_pow(currency.minor_units())?)?;
    Some((0, minor(text, currency).filter(|high| *high <= most)?))
}

fn fee(text: &str, currency: Currency) -> Option<(i64, i64)> {
    let (low, high) = text.split_once(" to ")?;
    let (low, high) = (minor(low.trim(), currency)?, minor(high.trim(), currency)?);
    (low <= high).then_some((low, high))
}

fn other_fee(text: &str) -> Result<(i64, i64), String> {
    let read = || {
        let (low, high) = text.split_once(" to ")?;
        Some((low.trim().parse::<i64>().ok()?, high.trim().parse::<i64>().ok()?))
    };
    read()
        .filter(|(low, high)| (0..=*high).contains(low) && *high <= TOLERANCE_UNITS_MAX)
        .ok_or_else(|| "is written like 12 to 35".to_owned())
}

fn withholding(part: &str) -> Result<(String, Vec<i64>), String> {
    let mut words = part.split_whitespace();
    let country = words.next().filter(|word| word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_uppercase()));
    let country = country.ok_or_else(|| format!("{part:?} begins with no country, like DE"))?;
    let rates = words.map(|rate| per_million(rate, 1, 999_999)).collect::<Option<Vec<i64>>>();
    let rates = rates.filter(|rates| !rates.is_empty()).ok_or_else(|| format!("{part:?}: a rate lies above 0 and below 100 percent"))?;
    Ok((country.to_owned(), rates))
}

fn discount(part: &str) -> Result<Discount, String> {
    let read = || {
        let (share, days) = part.strip_suffix("days")?.split_once("% within")?;
        let days = days.trim().parse::<i64>().ok().filter(|days| (0..=365).contains(days))?;
        Some(Discount { per_million: per_million(share.trim(), 1, 999_999)?, days })
    };
    read().ok_or_else(|| format!("{part:?} is not written like 2 % within 14 days"))
}
