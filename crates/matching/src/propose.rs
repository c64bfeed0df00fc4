//! Which ways of applying a receipt are worth arguing about.

use crate::{
    book::{Book, Debtor, Place},
    decision::{ResidualReason, Search},
    model::Receipt,
    reading::Reading,
    rules::Parameters,
    short::{in_part, reasons, short},
    subset::subsets,
};
use chrono::{Days, NaiveDate};
use domain::money::Currency;

/// Items of a block that short payments without any reference are looked for in.
const NEAR_ITEMS_MAX: usize = 40;
/// Candidates that are scored for one receipt.
const CANDIDATES_MAX: usize = 120;
/// Items of one amount that are shown when nothing else is known.
const BY_AMOUNT_MAX: usize = 6;

/// A way to apply the receipt, before it is scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Items with what each gets, credits negative; in the book's order.
    pub(crate) parts: Vec<(Place, i64)>,
    pub(crate) residual: i64,
    pub(crate) reason: ResidualReason,
    pub(crate) entity: u8,
}

/// Everything about one receipt that is looked at.
pub(crate) struct Case<'a> {
    pub(crate) book: &'a Book,
    pub(crate) parameters: &'a Parameters,
    pub(crate) receipt: &'a Receipt,
    pub(crate) reading: &'a Reading,
    pub(crate) entity: u8,
}

/// What the receipt names, by what can be done about it.
#[derive(Default)]
pub(crate) struct Cited {
    pub(crate) open: Vec<Place>,
    pub(crate) paid: Vec<Place>,
    pub(crate) other_currency: Vec<Place>,
    pub(crate) elsewhere: Vec<Place>,
}

pub(crate) struct Candidates {
    pub(crate) found: Vec<Candidate>,
    pub(crate) search: Search,
}

impl Case<'_> {
    pub(crate) fn amount(&self) -> i64 {
        self.receipt.amount.minor
    }

    pub(crate) fn currency(&self) -> Currency {
        self.receipt.amount.currency
    }

    pub(crate) fn cited(&self) -> Cited {
        let mut cited = Cited::default();
        for place in self.reading.citations.iter().map(|citation| citation.item) {
            let item = self.book.item(place);
            let among = match () {
                () if item.open == 0 => &mut cited.paid,
                () if item.entity != self.entity => &mut cited.elsewhere,
                () if item.currency != self.currency() => &mut cited.other_currency,
                () => &mut cited.open,
            };
            among.push(place);
        }
        cited
    }

    pub(crate) fn owed(&self, places: &[Place]) -> i64 {
        places.iter().map(|place| self.book.item(*place).owed()).sum()
    }

    /// Open items of a customer, or of a whole family, that the receipt can pay, in the order of issue.
    pub(crate) fn pool(&self, entity: u8, family: Debtor, only: Option<Debtor>) -> Vec<Place> {
        let latest = self.receipt.received_on;
        let mut pool: Vec<Place> = self
            .book
            .of_family(family)
            .iter()
            .copied()
            .filter(|place| {
                let item = self.book.item(*place);
                let is_theirs = only.is_none_or(|only| item.debtor == only);
                item.open > 0 && item.entity == entity && item.currency == self.currency() && item.issued_on <= latest && is_theirs
            })
            .collect();
        pool.sort_by_key(|place| (self.book.item(*place).issued_on, self.book.item(*place).due_on, *place));
        pool
    }

    /// The customers that the payer may be, else those of what he names.
    fn debtors(&self, cited: &[Place]) -> Vec<Debtor> {
        let payer = &self.reading.payer;
        let known = payer.gateway.iter().chain(&payer.account).chain(&payer.name).chain(&payer.named).copied();
        let mut debtors: Vec<Debtor> = Vec::new();
        for debtor in cited.iter().map(|place| self.book.item(*place).debtor).chain(known) {
            if !debtors.contains(&debtor) {
                debtors.push(debtor);
            }
        }
        debtors
    }

    pub(crate) fn full(&self, places: &[Place], entity: u8) -> Candidate {
        let mut parts: Vec<(Place, i64)> = places.iter().map(|place| (*place, self.book.item(*place).owed())).collect();
        parts.sort_unstable();
        let residual = self.amount() - parts.iter().map(|(_, part)| part).sum::<i64>();
        let reason = if residual > 0 { ResidualReason::OverPay } else { ResidualReason::None };
        Candidate { parts, residual, reason, entity }
    }
}

pub(crate) fn candidates(case: &Case<'_>, cited: &Cited) -> Candidates {
    let mut search = Search::Completely;
    let mut found = Vec::new();
    let is_explained = from_citations(case, cited, &mut found);
    if is_explained {
        rival(case, cited, &mut found);
        return Candidates { found, search };
    }
    from_payer(case, &cited.open, case.entity, &mut found, &mut search);
    if case.reading.families.is_empty() && case.reading.citations.is_empty() {
        by_amount(case, &mut found);
        if found.is_empty() && !by_statement(case, &mut found) {
            search = Search::Stopped;
        }
    }
    elsewhere(case, cited, &mut found, &mut search);
    if !cited.other_currency.is_empty() {
        let parts = cited.other_currency.iter().map(|place| (*place, case.book.item(*place).owed())).collect();
        found.push(Candidate { parts, residual: 0, reason: ResidualReason::CurrencyDiffers, entity: case.entity });
    }
    if !cited.paid.is_empty() || found.is_empty() && case.receipt.customer.is_some() {
        found.push(Candidate { parts: Vec::new(), residual: case.amount(), reason: ResidualReason::OverPay, entity: case.entity });
    }
    Candidates { found: distinct(found), search }
}

/// One of each set of items and amounts; the first reason given for it stays.
fn distinct(found: Vec<Candidate>) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in found {
        if kept.len() < CANDIDATES_MAX && !kept.iter().any(|other| other.parts == candidate.parts && other.entity == candidate.entity) {
            kept.push(candidate);
        }
    }
    kept
}

/// `true`: what is named is exactly what was paid.
fn from_citations(case: &Case<'_>, cited: &Cited, found: &mut Vec<Candidate>) -> bool {
    let places = &cited.open;
    if places.is_empty() {
        return false;
    }
    let missing = case.owed(places) - case.amount();
    if missing == 0 {
        found.push(case.full(places, case.entity));
        return true;
    }
    found.extend(as_advised(case, places));
    some_of_the_named(case, places, found);
    exchanged(case, places, found);
    with_unnamed(case, places, found);
    if missing > 0 {
        short(case, places, case.entity, found);
    } else {
        found.push(case.full(places, case.entity));
    }
    false
}

/// The advice says how much of each.
fn as_advised(case: &Case<'_>, places: &[Place]) -> Option<Candidate> {
    let mut parts = places
        .iter()
        .map(|place| {
            let citation = case.reading.citations.iter().find(|citation| citation.item == *place)?;
            let item = case.book.item(*place);
            citation.paid.filter(|paid| paid * item.sign() > 0 && paid.abs() <= item.open).map(|paid| (*place, paid))
        })
        .collect::<Option<Vec<_>>>()?;
    parts.sort_unstable();
    let sum: i64 = parts.iter().map(|(_, part)| part).sum();
    let reason = ResidualReason::PartialPayment;
    (sum == case.amount()).then_some(Candidate { parts, residual: 0, reason, entity: case.entity })
}

/// One of the numbers is wrong, or not paid this time.
fn some_of_the_named(case: &Case<'_>, places: &[Place], found: &mut Vec<Candidate>) {
    if places.len() > 1 {
        let owed: Vec<i64> = places.iter().map(|place| case.book.item(*place).owed()).collect();
        for subset in subsets(&owed, case.amount(), case.parameters.search_steps / 8).subsets {
            let chosen: Vec<Place> = subset.into_iter().map(|at| places[at]).collect();
            found.push(case.full(&chosen, case.entity));
        }
    }
}

/// One of the named is another one of the payer's.
fn exchanged(case: &Case<'_>, places: &[Place], found: &mut Vec<Candidate>) {
    let beyond = case.amount() - case.owed(places);
    for debtor in case.debtors(places) {
        let pool = case.pool(case.entity, case.book.family(debtor), Some(debtor));
        for (at, named) in places.iter().enumerate() {
            let wanted = beyond + case.book.item(*named).owed();
            let others = pool.iter().filter(|other| case.book.item(**other).owed() == wanted && !places.contains(other));
            for other in others.take(2) {
                let mut chosen = places.to_vec();
                chosen[at] = *other;
                found.push(case.full(&chosen, case.entity));
            }
        }
    }
}

/// All of the named, and more of the payer's: invoices that were left out, credits that were deducted in silence.
fn with_unnamed(case: &Case<'_>, places: &[Place], found: &mut Vec<Candidate>) {
    let beyond = case.amount() - case.owed(places);
    for debtor in case.debtors(places) {
        let mut pool = case.pool(case.entity, case.book.family(debtor), Some(debtor));
        pool.retain(|place| !places.contains(place) && (beyond > 0 || case.book.item(*place).sign() < 0));
        let owed: Vec<i64> = pool.iter().map(|place| case.book.item(*place).owed()).collect();
        for subset in subsets(&owed, beyond, case.parameters.search_steps / 8).subsets {
            let chosen: Vec<Place> = places.iter().copied().chain(subset.into_iter().map(|at| pool[at])).collect();
            found.push(case.full(&chosen, case.entity));
        }
    }
}

/// What the payer has open, where nothing that he names explains the amount.
fn from_payer(case: &Case<'_>, cited: &[Place], entity: u8, found: &mut Vec<Candidate>, search: &mut Search) {
    let before = found.len();
    for debtor in case.debtors(cited) {
        combinations(case, &case.pool(entity, case.book.family(debtor), Some(debtor)), entity, found, search);
    }
    if found.len() == before {
        for family in &case.reading.families {
            combinations(case, &case.pool(entity, *family, None), entity, found, search);
        }
    }
    if !found.iter().any(|candidate| candidate.residual == 0 && candidate.reason == ResidualReason::None) {
        for debtor in case.debtors(cited) {
            near(case, &case.pool(entity, case.book.family(debtor), Some(debtor)), cited, entity, found);
        }
    }
}

fn combinations(case: &Case<'_>, pool: &[Place], entity: u8, found: &mut Vec<Candidate>, search: &mut Search) {
    let owed: Vec<i64> = pool.iter().map(|place| case.book.item(*place).owed()).collect();
    let result = subsets(&owed, case.amount(), case.parameters.search_steps);
    if result.search == Search::Stopped {
        *search = Search::Stopped;
    }
    for subset in result.subsets {
        let chosen: Vec<Place> = subset.into_iter().map(|at| pool[at]).collect();
        found.push(case.full(&chosen, entity));
    }
}

/// Consecutive items of which a known reason takes something away, or that were paid with a little more. Where nothing is
/// named, the oldest in part.
fn near(case: &Case<'_>, pool: &[Place], cited: &[Place], entity: u8, found: &mut Vec<Candidate>) {
    if pool.is_empty() {
        return;
    }
    let pool = &pool[pool.len().saturating_sub(NEAR_ITEMS_MAX)..];
    for from in 0..pool.len() {
        for until in from..pool.len() {
            let window = &pool[from..=until];
            if !cited.iter().all(|named| window.contains(named)) {
                continue;
            }
            let missing = case.owed(window) - case.amount();
            let is_short = missing > 0 && missing < case.amount();
            if let Some(reason) = is_short.then(|| reasons(case, window, missing)).as_deref().and_then(<[_]>::first) {
                found.push(Candidate { reason: ResidualReason::ShortPay(*reason), ..case.full(window, entity) });
            } else if is_little_more(case.amount(), missing) && is_statement(case, pool, from, until) {
                found.push(case.full(window, entity));
            }
        }
    }
    if cited.is_empty() && case.owed(pool) > case.amount() {
        oldest_first(case, pool, entity, found);
    }
}

/// At most a quarter more than what is open.
fn is_little_more(paid: i64, missing: i64) -> bool {
    missing < 0 && -missing * 5 <= paid
}

/// Nothing before or after was billed within days of it.
fn is_statement(case: &Case<'_>, pool: &[Place], from: usize, until: usize) -> bool {
    let issued = |at: usize| case.book.item(pool[at]).issued_on;
    let is_apart = |earlier: usize, later: usize| (issued(later) - issued(earlier)).num_days() > case.parameters.apart_days;
    (from == 0 || is_apart(from - 1, from)) && (until + 1 == pool.len() || is_apart(until, until + 1))
}

/// Without any other sign the oldest debts are paid first; the last of them in part.
fn oldest_first(case: &Case<'_>, pool: &[Place], entity: u8, found: &mut Vec<Candidate>) {
    let mut by_due = pool.to_vec();
    by_due.sort_by_key(|place| (case.book.item(*place).due_on, *place));
    for count in 1..=by_due.len() {
        let missing = case.owed(&by_due[..count]) - case.amount();
        if missing > 0 {
            found.extend(in_part(case, &case.full(&by_due[..count], entity), missing));
            return;
        }
    }
}

/// Another item of the payer that the amount fits just as well, for the record.
fn rival(case: &Case<'_>, cited: &Cited, found: &mut Vec<Candidate>) {
    let family = case.book.item(cited.open[0]).family;
    let fits = |place: &&Place| {
        let item = case.book.item(**place);
        let is_payable = item.entity == case.entity && item.currency == case.currency() && item.issued_on <= case.receipt.received_on;
        is_payable && item.owed() == case.amount() && !cited.open.contains(place)
    };
    // a family's items are in the order of their due dates
    let rival = case.book.of_family(family).iter().find(fits);
    found.extend(rival.map(|place| case.full(&[*place], case.entity)));
}

/// Nothing is known but the amount.
fn by_amount(case: &Case<'_>, found: &mut Vec<Candidate>) {
    let latest = case.receipt.received_on;
    let days = Days::new(case.parameters.days_after_due.unsigned_abs());
    let earliest = latest.checked_sub_days(days).unwrap_or(NaiveDate::MIN);
    let in_time = |place: &Place| {
        let item = case.book.item(*place);
        item.issued_on <= latest && item.due_on >= earliest && item.sign() > 0
    };
    let mut places: Vec<Place> = case.book.amounting(case.entity, case.currency(), case.amount()).filter(in_time).collect();
    places.sort_by_key(|place| (case.book.item(*place).due_on, *place));
    found.extend(places.iter().take(BY_AMOUNT_MAX).map(|place| case.full(&[*place], case.entity)));
}

/// Consecutive items of whoever owes exactly this for them. `false`: the steps did not suffice for all customers.
fn by_statement(case: &Case<'_>, found: &mut Vec<Candidate>) -> bool {
    let mut steps = case.parameters.scan_steps;
    for debtor in 0..case.book.debtors() {
        let family = case.book.of_family(debtor);
        let is_payable = |place: &Place| {
            let item = case.book.item(*place);
            item.open > 0 && item.entity == case.entity && item.currency == case.currency() && item.issued_on <= case.receipt.received_on
        };
        for (from, first) in family.iter().enumerate().filter(|(_, first)| is_payable(first)) {
            let owner = case.book.item(*first).debtor;
            let mut sum = 0;
            let theirs = |place: &&Place| is_payable(place) && case.book.item(**place).debtor == owner;
            for (until, place) in family.iter().enumerate().skip(from).filter(|(_, place)| theirs(place)) {
                sum += case.book.item(*place).owed();
                steps = steps.saturating_sub(1);
                if sum == case.amount() {
                    let chosen: Vec<Place> = family[from..=until].iter().filter(theirs).copied().collect();
                    found.push(case.full(&chosen, case.entity));
                }
                if sum >= case.amount() {
                    break;
                }
            }
            if steps == 0 {
                return false;
            }
        }
    }
    true
}

/// Items of another entity, because the receipt names them or the payer owes there.
fn elsewhere(case: &Case<'_>, cited: &Cited, found: &mut Vec<Candidate>, search: &mut Search) {
    let here = |candidate: &Candidate| candidate.residual == 0 && candidate.reason == ResidualReason::None;
    if found.iter().any(here) {
        return;
    }
    let in_currency = |place: &&Place| case.book.item(**place).currency == case.currency();
    let named: Vec<Place> = cited.elsewhere.iter().filter(in_currency).copied().collect();
    if let Some(entity) = named.first().map(|place| case.book.item(*place).entity) {
        let of_one: Vec<Place> = named.into_iter().filter(|place| case.book.item(*place).entity == entity).collect();
        match case.owed(&of_one) - case.amount() {
            missing if missing > 0 => short(case, &of_one, entity, found),
            _ => found.push(case.full(&of_one, entity)),
        }
    }
    let mut entities: Vec<u8> = Vec::new();
    for family in &case.reading.families {
        entities.extend(case.book.of_family(*family).iter().map(|place| case.book.item(*place).entity));
    }
    entities.sort_unstable();
    entities.dedup();
    for entity in entities.into_iter().filter(|entity| *entity != case.entity) {
        from_payer(case, &[], entity, found, search);
    }
}
