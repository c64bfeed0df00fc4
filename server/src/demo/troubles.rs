//! What goes wrong, as real causes that the running workers find: codes that nobody mapped, periods that the ERP closed,
//! references that it does not know. Episodes have a code of their own per ERP account and fortnight, so that a cause has
//! a beginning, a size, and a day on which people deal with it.

use super::{
    calendar::{Calendar, ERP_CLOSES_ON, after, working_day},
    company::{ENTITIES, Extra, NEW_PRODUCT, item_reference},
    dice::Dice,
    invoices::{Planned, dated, total},
};
use domain::{mapping::MappingKind, period::AccountingPeriod};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A customer that nobody mapped.
    Unmapped,
    /// A late entry: the ERP has closed its month.
    Late,
    /// A tax code whose mapping names none of the ERP's.
    TaxCode,
    /// A product whose mapping was changed by mistake and names none of the ERP's since.
    Item,
    /// The ERP computes another cent of tax.
    Cent,
    /// A customer that is inactive in the ERP.
    Blocked,
    /// Somebody entered it in the ERP before, and not the same.
    Entered,
    /// The row breaks a rule of the import.
    Rejected,
    /// The product that was launched and forgotten.
    NewProduct,
}

/// Per hundred thousand invoices: 1.6 % business exceptions, and some rows that are rejected.
const SHARES: [(Trouble, u64); 8] = [
    (Trouble::Late, 240),
    (Trouble::Cent, 130),
    (Trouble::Unmapped, 560),
    (Trouble::TaxCode, 240),
    (Trouble::Item, 270),
    (Trouble::Blocked, 100),
    (Trouble::Entered, 60),
    (Trouble::Rejected, 120),
];
/// Of the new product, per hundred thousand: 312 of 20,000.
const NEW_PRODUCT_SHARE: u64 = 1_560;
/// Billing days on which it was sold, and whose other troubles nobody has dealt with yet.
const NEWEST_DAYS: usize = 3;
/// Days of an episode.
const EPISODE_DAYS: i64 = 14;

const STATES: [&str; 8] = ["US-CO", "US-OH", "US-GA", "US-MA", "US-PA", "US-AZ", "US-WA", "US-IL"];
const COUNTRIES: [&str; 8] = ["AT-20", "FR-20", "IT-22", "ES-21", "NL-21", "BE-21", "IE-23", "PL-23"];
const ADD_ONS: [&str; 8] = ["VAULT", "RELAY", "BEACON", "ORBIT", "PULSE", "FORGE", "PRISM", "QUILL"];

/// What people do about an episode, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Map it, or map it to something else, then replay.
    Map { kind: MappingKind, code: String, to: String },
    /// Open the period in the ERP, replay, close it again.
    Reopen(AccountingPeriod),
    /// Close it with a reason.
    Resolve(&'static str),
}

/// Documents with one cause.
#[derive(Debug, Clone)]
pub struct Episode {
    pub account: usize,
    pub numbers: BTreeSet<String>,
    pub first_day: chrono::NaiveDate,
    pub last_day: chrono::NaiveDate,
    /// What began it, when that was a change of somebody's: on its first day, before anything of it is issued.
    pub slip: Option<Remedy>,
    pub remedy: Option<(chrono::NaiveDate, Remedy)>,
}

/// Everything that the troubles need beside the documents.
#[derive(Debug, Default)]
pub struct Troubles {
    pub episodes: Vec<Episode>,
    /// Per ERP account.
    pub extra: [Extra; 2],
    /// Mappings of the start that only troubles need, most of them wrong: account, kind, code, the ERP's id.
    pub mappings: Vec<(usize, MappingKind, String, String)>,
}

/// Puts troubles into some invoices.
pub fn strike(calendar: &Calendar, invoices: &mut [Planned], seed: u64) -> Troubles {
    let mut dice = Dice::new(seed, 4);
    let count = invoices.len() as u64;
    launch_product(calendar, invoices, &mut dice);
    for (trouble, share) in SHARES {
        let eligible: Vec<usize> = (0..invoices.len()).filter(|place| is_eligible(calendar, &invoices[*place], trouble)).collect();
        let (older, newest): (Vec<usize>, Vec<usize>) =
            eligible.into_iter().partition(|place| invoices[*place].day < newest_from(calendar));
        let quota = (count * share / 100_000).max(2);
        // one at least is there for people who look at the company
        let fresh = if newest.is_empty() { 0 } else { (quota / 8).max(1) };
        for (from, quota) in [(older, quota - fresh), (newest, fresh)] {
            for place in dice.sample(from.len(), usize::try_from(quota).unwrap_or(usize::MAX)) {
                apply(calendar, &mut invoices[from[place]], trouble, place);
            }
        }
    }
    episodes(calendar, invoices, seed)
}

/// The first of the newest days, by its place.
fn newest_from(calendar: &Calendar) -> usize {
    calendar.days.len().saturating_sub(NEWEST_DAYS)
}

fn launch_product(calendar: &Calendar, invoices: &mut [Planned], dice: &mut Dice) {
    let sold: Vec<usize> =
        (0..invoices.len()).filter(|at| invoices[*at].day >= newest_from(calendar) && account(&invoices[*at]) == 0).collect();
    let quota = usize::try_from((invoices.len() as u64 * NEW_PRODUCT_SHARE / 100_000).max(3)).unwrap_or(usize::MAX);
    for place in dice.sample(sold.len(), quota) {
        let invoice = &mut invoices[sold[place]];
        invoice.trouble = Some(Trouble::NewProduct);
        if let Some(line) = invoice.content.lines.first_mut() {
            (line.item_code, line.description) = (NEW_PRODUCT.code.into(), NEW_PRODUCT.description.into());
        }
    }
}

fn account(document: &Planned) -> usize {
    ENTITIES[document.entity].account
}

fn is_eligible(calendar: &Calendar, invoice: &Planned, trouble: Trouble) -> bool {
    let entity = &ENTITIES[invoice.entity];
    invoice.trouble.is_none()
        && match trouble {
            Trouble::Late => closed_before(calendar, invoice).is_some(),
            Trouble::Cent => !entity.tax_is_ours,
            Trouble::TaxCode => matches!(entity.code, "US" | "DE" | "UK"),
            // corrected two billing days later, or not at all
            Trouble::Rejected => invoice.day > 0,
            _ => true,
        }
}

/// The month before, when the ERP has closed it just now.
fn closed_before(calendar: &Calendar, invoice: &Planned) -> Option<AccountingPeriod> {
    let date = calendar.days[invoice.day].date;
    let (this, before) = (AccountingPeriod::of(date), AccountingPeriod::of(date).previous());
    let just_closed = (ERP_CLOSES_ON + 1..=ERP_CLOSES_ON + 2).any(|n| working_day(this, n) == date);
    (just_closed && before.first_day() >= calendar.start()).then_some(before)
}

/// Fortnights since the start.
fn fortnight(calendar: &Calendar, day: usize) -> usize {
    usize::try_from((calendar.days[day].date - calendar.start()).num_days() / EPISODE_DAYS).unwrap_or(0)
}

fn customer_code(trouble: Trouble, account: usize, fortnight: usize) -> String {
    let series = if trouble == Trouble::Blocked { 8 } else { 9 };
    format!("C-{series}{account}{fortnight:03}")
}

fn tax_code(account: usize, fortnight: usize) -> &'static str {
    let codes = if account == 0 { &STATES } else { &COUNTRIES };
    codes[fortnight % codes.len()]
}

fn apply(calendar: &Calendar, invoice: &mut Planned, trouble: Trouble, ordinal: usize) {
    let (account, fortnight) = (account(invoice), fortnight(calendar, invoice.day));
    let late = closed_before(calendar, invoice);
    if trouble == Trouble::Rejected {
        invoice.original = Some(Box::new(invoice.content.clone()));
    }
    let content = &mut invoice.content;
    match trouble {
        Trouble::Unmapped | Trouble::Blocked => {
            content.customer_code = customer_code(trouble, account, fortnight);
            content.customer_name = customer_name(trouble, fortnight);
        }
        Trouble::Late => {
            if let Some(month) = late {
                dated(content, month.last_day(), 30);
            }
        }
        Trouble::TaxCode => {
            for line in &mut content.lines {
                line.tax_code = tax_code(account, fortnight).into();
            }
        }
        Trouble::Item => {
            if let Some(line) = content.lines.first_mut() {
                line.item_code = add_on(fortnight);
            }
        }
        Trouble::Cent => {
            if let Some(line) = content.lines.last_mut() {
                line.tax += Decimal::new(1, content.currency.minor_units());
            }
            total(content);
        }
        Trouble::Rejected => match ordinal % 3 {
            0 => content.due_date = content.issue_date.pred_opt().unwrap_or(content.issue_date),
            1 => content.amount += Decimal::ONE,
            _ => content.customer_name.clear(),
        },
        Trouble::Entered | Trouble::NewProduct => {}
    }
    invoice.trouble = Some(trouble);
}

fn customer_name(trouble: Trouble, fortnight: usize) -> String {
    let names = ["Aurora Grid", "Blue Heron", "Cascade Paper", "Dune Travel", "Elm Street", "Falcon Air", "Garnet Steel", "Helix Bio"];
    let name = names[fortnight % names.len()];
    if trouble == Trouble::Blocked { format!("{name} (merged)") } else { format!("{name} Holdings") }
}

/// Gathers the struck documents by cause and decides what people do.
fn episodes(calendar: &Calendar, invoices: &[Planned], seed: u64) -> Troubles {
    let mut causes: BTreeMap<(Trouble, usize, usize, u8), Episode> = BTreeMap::new();
    for (ordinal, invoice) in invoices.iter().enumerate() {
        let Some(trouble) = invoice.trouble.filter(|trouble| !matches!(trouble, Trouble::Rejected | Trouble::NewProduct)) else { continue };
        // late entries: most are let in, some closed, some stay
        let part = if trouble == Trouble::Late { [0, 0, 0, 1, 0, 1, 2][ordinal % 7] } else { 0 };
        let date = calendar.days[invoice.day].date;
        let episode = causes.entry((trouble, account(invoice), fortnight(calendar, invoice.day), part)).or_insert_with(|| Episode {
            account: account(invoice),
            numbers: BTreeSet::new(),
            first_day: date,
            last_day: date,
            slip: None,
            remedy: None,
        });
        episode.numbers.insert(invoice.content.number.clone());
        episode.first_day = episode.first_day.min(date);
        episode.last_day = episode.last_day.max(date);
    }
    let mut dice = Dice::new(seed, 5);
    let mut troubles = Troubles::default();
    for ((trouble, account, fortnight, part), mut episode) in causes {
        let remedy = troubles.prepare(trouble, account, fortnight, part, episode.last_day);
        episode.slip = (trouble == Trouble::Item).then(|| slip(account, fortnight));
        let on = after(episode.last_day, 1 + dice.index(5));
        let is_left = dice.below(6) == 0;
        episode.remedy =
            remedy.filter(|_| !is_left || trouble == Trouble::Late).map(|remedy| (on, remedy)).filter(|(on, _)| *on < calendar.today);
        troubles.episodes.push(episode);
    }
    troubles
}

fn add_on(fortnight: usize) -> String {
    ADD_ONS[fortnight % ADD_ONS.len()].to_owned()
}

/// A reference that nothing of the company has, unless a trouble sets it up.
fn reference(account: usize, fortnight: usize) -> String {
    format!("{}", 90_000 + 100 * fortnight + 10 * account)
}

fn slip(account: usize, fortnight: usize) -> Remedy {
    Remedy::Map { kind: MappingKind::Item, code: add_on(fortnight), to: reference(account, fortnight) }
}

impl Troubles {
    /// Sets up the cause in the account; says what will help.
    fn prepare(&mut self, trouble: Trouble, account: usize, fortnight: usize, part: u8, day: chrono::NaiveDate) -> Option<Remedy> {
        let reference = reference(account, fortnight);
        match trouble {
            Trouble::Unmapped => {
                self.extra[account].customers.push((reference.clone(), customer_name(trouble, fortnight)));
                Some(Remedy::Map { kind: MappingKind::Customer, code: customer_code(trouble, account, fortnight), to: reference })
            }
            Trouble::Blocked => {
                let (old, new) = (format!("{reference}1"), format!("{reference}2"));
                let code = customer_code(trouble, account, fortnight);
                self.extra[account].blocked.push((old.clone(), customer_name(trouble, fortnight)));
                self.extra[account].customers.push((new.clone(), customer_name(Trouble::Unmapped, fortnight)));
                self.mappings.push((account, MappingKind::Customer, code.clone(), old));
                Some(Remedy::Map { kind: MappingKind::Customer, code, to: new })
            }
            Trouble::TaxCode => {
                let code = tax_code(account, fortnight).to_owned();
                self.mappings.push((account, MappingKind::TaxCode, code.clone(), reference));
                Some(Remedy::Map { kind: MappingKind::TaxCode, code, to: if account == 0 { "61" } else { "8" }.into() })
            }
            Trouble::Item => {
                let code = add_on(fortnight);
                self.mappings.push((account, MappingKind::Item, code.clone(), item_reference("PLATFORM")));
                self.mappings.push((account, MappingKind::Account, code.clone(), "54".into()));
                Some(Remedy::Map { kind: MappingKind::Item, code, to: item_reference("PLATFORM") })
            }
            Trouble::Late => match part {
                0 => Some(Remedy::Reopen(AccountingPeriod::of(day).previous())),
                1 => Some(Remedy::Resolve("Belongs to a closed month; reissued in the next one at the source.")),
                _ => None,
            },
            // what the ERP holds stays a difference until somebody corrects it there
            Trouble::Cent | Trouble::Entered | Trouble::Rejected | Trouble::NewProduct => None,
        }
    }
}
