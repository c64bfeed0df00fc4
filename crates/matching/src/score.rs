//! What speaks for a candidate and what against it, in points of the rule table.

use crate::{
    amount::Amount,
    book::{Debtor, Entry, Place},
    decision::{Evidence, Proposal, ResidualReason, Search, ShortReason},
    model::Allocation,
    propose::{Candidate, Case, Cited},
    reading::Citation,
    rules::{RuleCode, RuleTable},
    short::withheld_at,
};

/// Numbers that a title spells out.
const TITLE_NUMBERS: usize = 2;

/// Beyond so many, more items without a name make it no less likely.
const UNNAMED_MAX: i32 = 12;

pub(crate) struct Scorer<'a> {
    case: &'a Case<'a>,
    rules: &'a RuleTable,
    cited: &'a Cited,
    search: Search,
    /// What each debtor has open, looked up once for all candidates.
    pools: Vec<((u8, Debtor), Vec<Place>)>,
}

/// A proposal under construction.
struct Argued<'c> {
    candidate: &'c Candidate,
    places: Vec<Place>,
    evidence: Vec<Evidence>,
    against: Vec<Evidence>,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(case: &'a Case<'a>, rules: &'a RuleTable, cited: &'a Cited, search: Search) -> Self {
        Self { case, rules, cited, search, pools: Vec::new() }
    }

    pub(crate) fn score(&mut self, candidate: &Candidate) -> Proposal {
        let places = candidate.parts.iter().map(|(place, _)| *place).collect();
        let mut argued = Argued { candidate, places, evidence: Vec::new(), against: Vec::new() };
        self.references(&mut argued);
        self.twins(&mut argued);
        self.amount(&mut argued);
        self.payer(&mut argued);
        self.dates(&mut argued);
        self.shape(&mut argued);
        self.place(&mut argued);
        self.proposal(argued)
    }

    fn item(&self, place: Place) -> &Entry {
        self.case.book.item(place)
    }

    fn speaks(&self, rule: RuleCode, seen: String) -> Evidence {
        Evidence { rule, points: self.rules.points(rule), seen }
    }

    fn citation(&self, place: Place) -> Option<&Citation> {
        self.case.reading.citations.iter().find(|citation| citation.item == place)
    }

    /// Named items bring the average of what their references are worth; the weakest gives its name to the evidence.
    fn references(&self, argued: &mut Argued<'_>) {
        if argued.places.is_empty() {
            return self.paid_already(argued);
        }
        let named: Vec<&Citation> = argued.places.iter().filter_map(|place| self.citation(*place)).collect();
        let weakest = named.iter().min_by_key(|citation| self.rules.points(citation.rule));
        if let Some(weakest) = weakest {
            let sum: i32 = named.iter().map(|citation| self.rules.points(citation.rule)).sum();
            let count = i32::try_from(argued.places.len()).unwrap_or(i32::MAX);
            let seen = match named.len() {
                1 => format!("names {} as {:?}", self.case.book.number(weakest.item), weakest.written),
                all if all == argued.places.len() => format!("names all {all} items"),
                some => format!("names {some} of {count} items"),
            };
            argued.evidence.push(Evidence { rule: weakest.rule, points: sum / count, seen });
        }
        let meant = named.iter().find_map(|citation| Some((citation, citation.instead.filter(|other| !argued.places.contains(other))?)));
        if let Some((citation, other)) = meant {
            let seen = format!("{:?} may as well mean {}", citation.written, self.case.book.number(other));
            argued.against.push(self.speaks(RuleCode::Equalled, seen));
        }
        let unnamed = argued.places.len() - named.len();
        if unnamed > 0 {
            let mut silent = self.speaks(RuleCode::Unnamed, format!("{unnamed} not named"));
            silent.points *= i32::try_from(unnamed).unwrap_or(i32::MAX).min(UNNAMED_MAX);
            argued.against.push(silent);
        }
        let left_out: Vec<Place> = self.cited.open.iter().copied().filter(|place| !argued.places.contains(place)).collect();
        if !left_out.is_empty() {
            argued.against.push(self.speaks(RuleCode::CitedAnother, format!("names {} too", self.title(&left_out))));
        }
        if !self.cited.paid.is_empty() {
            argued.against.push(self.speaks(RuleCode::AlreadyPaid, format!("names {}, paid already", self.title(&self.cited.paid))));
        }
        if let Some(unknown) = self.case.reading.unknown.first() {
            argued.against.push(self.speaks(RuleCode::CitedUnknown, format!("{unknown:?} is none of them")));
        }
    }

    /// A number too many may stand for another item of the same amount; then the sum does not tell how many were meant.
    fn twins(&mut self, argued: &mut Argued<'_>) {
        let reading = self.case.reading;
        let Some(written) = reading.unknown.first().or(reading.code.as_ref()) else { return };
        let Some(debtor) = argued.places.first().map(|place| self.item(*place).debtor) else { return };
        let pool = self.pool(argued.candidate.entity, debtor).to_vec();
        let has_twin = |place: &&Place| {
            let is_twin = |other: &Place| self.item(*other).owed() == self.item(**place).owed();
            !argued.places.contains(place) && argued.places.iter().any(is_twin)
        };
        if let Some(twin) = pool.iter().find(has_twin) {
            let seen = format!("{written:?} may stand for {}", self.case.book.number(*twin));
            argued.against.push(self.speaks(RuleCode::Equalled, seen));
        }
    }

    /// On account: what the receipt names was paid before.
    fn paid_already(&self, argued: &mut Argued<'_>) {
        if let Some(first) = self.cited.paid.first() {
            let points = self.citation(*first).map_or(0, |citation| self.rules.points(citation.rule));
            let seen = format!("{} paid already: a second payment", self.title(&self.cited.paid));
            argued.evidence.push(Evidence { rule: RuleCode::AlreadyPaid, points, seen });
        }
    }

    fn amount(&self, argued: &mut Argued<'_>) {
        let paid = self.case.receipt.amount;
        let residual = paid.with(argued.candidate.residual.abs());
        let (rule, seen) = match argued.candidate.reason {
            ResidualReason::None => (RuleCode::AmountExact, format!("{paid} is what is open")),
            ResidualReason::OverPay => (RuleCode::AmountOver, format!("{residual} more than is open")),
            ResidualReason::PartialPayment if self.is_advised(argued) => (RuleCode::AmountAdvised, format!("{paid} as advised")),
            ResidualReason::PartialPayment => (RuleCode::AmountPartial, format!("{paid} is a part of what is open")),
            ResidualReason::CurrencyDiffers => return,
            ResidualReason::ShortPay(reason) => self.short(argued, reason, residual),
        };
        argued.evidence.push(self.speaks(rule, seen));
    }

    fn is_advised(&self, argued: &Argued<'_>) -> bool {
        argued.candidate.parts.iter().all(|(place, part)| self.citation(*place).is_some_and(|citation| citation.paid == Some(*part)))
    }

    fn short(&self, argued: &Argued<'_>, reason: ShortReason, missing: Amount) -> (RuleCode, String) {
        match reason {
            ShortReason::SmallBalance => (RuleCode::AmountTolerated, format!("{missing} short, within the tolerance")),
            ShortReason::WithholdingTax => {
                let rate = withheld_at(self.case, &argued.places, missing.minor).unwrap_or(0);
                let percent = rust_decimal::Decimal::new(rate, 4).normalize();
                (RuleCode::AmountLessWithholding, format!("{missing} short, {percent} % withholding tax"))
            }
            ShortReason::CashDiscount => (RuleCode::AmountLessDiscount, format!("{missing} short, a cash discount in time")),
            ShortReason::BankFee => (RuleCode::AmountLessFee, format!("{missing} short, within bank fees")),
            ShortReason::Dispute if argued.places.iter().any(|place| self.item(*place).disputed) => {
                (RuleCode::AmountLessDispute, format!("{missing} short, and an item is disputed"))
            }
            ShortReason::Dispute => (RuleCode::AmountPartial, format!("{missing} short, perhaps disputed")),
        }
    }

    /// The best that is known about the payer and whose items these are; all of them have to be his, or his family's.
    fn payer(&self, argued: &mut Argued<'_>) {
        let payer = &self.case.reading.payer;
        let Some(first) = argued.places.first().map(|place| self.item(*place).debtor) else { return };
        let family = self.case.book.family(first);
        if argued.places.iter().any(|place| self.item(*place).family != family) {
            argued.against.push(self.speaks(RuleCode::AnotherPayer, "items of several customers".to_owned()));
            return;
        }
        let is_one = argued.places.iter().all(|place| self.item(*place).debtor == first);
        let holds = |known: &[Debtor]| is_one && known.contains(&first);
        let related = |known: &[Debtor]| known.iter().any(|debtor| self.case.book.family(*debtor) == family);
        let name = &self.case.book.customers[first as usize].name;
        let found = match () {
            () if payer.gateway.is_some_and(|known| holds(&[known])) => Some((RuleCode::CustomerKnown, format!("charged to {name}"))),
            () if holds(&payer.account) => Some((RuleCode::PayerAccount, format!("{name} pays from this account"))),
            () if holds(&payer.name) && payer.account.is_empty() => Some((RuleCode::PayerName, format!("{name} is the payer's name"))),
            () if payer.gateway.is_none() && (related(&payer.account) || related(&payer.name)) => {
                Some((RuleCode::PayerRelated, format!("payer and {name} are one group")))
            }
            () if holds(&payer.named) => Some((RuleCode::NamedInText, format!("the text names {name}"))),
            () => None,
        };
        match found {
            Some((rule, seen)) => argued.evidence.push(self.speaks(rule, seen)),
            None if self.case.reading.families.is_empty() => self.rarity(argued),
            None => {
                let known = payer.gateway.iter().chain(&payer.account).chain(&payer.name).chain(&payer.named).next();
                let other = known.map_or("another customer", |known| self.case.book.customers[*known as usize].name.as_str());
                argued.against.push(self.speaks(RuleCode::AnotherPayer, format!("the payer is {other}, not {name}")));
            }
        }
    }

    /// Without a payer an amount says something only if it is nobody else's.
    fn rarity(&self, argued: &mut Argued<'_>) {
        if let ([place], ResidualReason::None) = (argued.places.as_slice(), argued.candidate.reason) {
            let item = self.item(*place);
            let other = self.case.book.amounting(item.entity, item.currency, item.open).find(|other| other != place);
            match other {
                None => argued.evidence.push(self.speaks(RuleCode::AmountRare, "no other item has this amount".to_owned())),
                Some(other) => {
                    let seen = format!("{} has this amount too", self.case.book.number(other));
                    argued.against.push(self.speaks(RuleCode::AmountCommon, seen));
                }
            }
        }
    }

    fn dates(&self, argued: &mut Argued<'_>) {
        let received = self.case.receipt.received_on;
        let parameters = &self.rules.parameters;
        let Some(last) = argued.places.iter().map(|place| self.item(*place).issued_on).max() else { return };
        if last > received {
            argued.against.push(self.speaks(RuleCode::IssuedLater, format!("issued on {last}, after the receipt")));
            return;
        }
        let about_due = |place: &Place| {
            let days = (received - self.item(*place).due_on).num_days();
            (-parameters.days_before_due..=parameters.days_after_due).contains(&days)
        };
        if argued.places.iter().all(about_due) {
            argued.evidence.push(self.speaks(RuleCode::DateWindow, format!("issued until {last}, about due")));
        }
    }

    /// What makes a combination likely by itself, where not all of it is named.
    fn shape(&mut self, argued: &mut Argued<'_>) {
        let all_named = argued.places.iter().all(|place| self.citation(*place).is_some());
        if argued.places.is_empty() || all_named {
            return;
        }
        if self.search == Search::Stopped {
            argued.against.push(self.speaks(RuleCode::SearchStopped, "other combinations may fit".to_owned()));
        }
        if let [_] = argued.places.as_slice() {
            argued.evidence.push(self.speaks(RuleCode::OneItem, "one item".to_owned()));
        }
        self.habits(argued);
        let debtor = self.item(argued.places[0]).debtor;
        let received = self.case.receipt.received_on;
        let pool = self.pool(argued.candidate.entity, debtor).to_vec();
        let of_pool = pool.iter().filter(|place| argued.places.contains(place)).count();
        if of_pool != argued.places.len() {
            return;
        }
        let due = pool.iter().filter(|place| self.item(**place).due_on <= received).count();
        let due_here = argued.places.iter().filter(|place| self.item(**place).due_on <= received).count();
        if of_pool == pool.len() {
            argued.evidence.push(self.speaks(RuleCode::EverythingOpen, "everything that is open".to_owned()));
        } else if due_here == due && due_here == of_pool {
            argued.evidence.push(self.speaks(RuleCode::EverythingDue, "everything that is due".to_owned()));
        }
        if self.is_set_apart(argued, &pool) {
            argued.evidence.push(self.speaks(RuleCode::SetApart, "nothing else was billed with them".to_owned()));
        }
        let first = pool.iter().position(|place| argued.places.contains(place)).unwrap_or(0);
        if of_pool > 1 && pool[first..].iter().take(of_pool).all(|place| argued.places.contains(place)) {
            argued.evidence.push(self.speaks(RuleCode::Consecutive, "one after the other".to_owned()));
        }
    }

    /// People pay statement by statement, about when the last of it is due.
    fn habits(&self, argued: &mut Argued<'_>) {
        let parameters = &self.rules.parameters;
        let issued = argued.places.iter().map(|place| self.item(*place).issued_on);
        let due = argued.places.iter().map(|place| self.item(*place).due_on).max();
        let (Some(first), Some(last), Some(due)) = (issued.clone().min(), issued.max(), due) else { return };
        if argued.places.len() > 1 && (last - first).num_days() <= parameters.statement_days {
            argued.evidence.push(self.speaks(RuleCode::OneStatement, format!("all issued from {first} to {last}")));
        }
        if (self.case.receipt.received_on - due).num_days().abs() <= parameters.lately_days {
            argued.evidence.push(self.speaks(RuleCode::DueLately, format!("due on {due}")));
        }
    }

    /// People do not part what was billed together.
    fn is_set_apart(&self, argued: &Argued<'_>, pool: &[Place]) -> bool {
        let issued = |place: &Place| self.item(*place).issued_on;
        let (Some(first), Some(last)) = (argued.places.iter().map(issued).min(), argued.places.iter().map(issued).max()) else {
            return false;
        };
        let days = self.rules.parameters.apart_days;
        let is_near = |place: &Place| {
            [first, last].iter().any(|edge| (issued(place) - *edge).num_days().abs() <= days) && !argued.places.contains(place)
        };
        !pool.iter().any(is_near)
    }

    fn pool(&mut self, entity: u8, debtor: Debtor) -> &[Place] {
        let at = self.pools.iter().position(|(key, _)| *key == (entity, debtor)).unwrap_or_else(|| {
            let pool = self.case.pool(entity, self.case.book.family(debtor), Some(debtor));
            self.pools.push(((entity, debtor), pool));
            self.pools.len() - 1
        });
        &self.pools[at].1
    }

    fn place(&self, argued: &mut Argued<'_>) {
        if argued.candidate.entity != self.case.entity {
            argued.against.push(self.speaks(RuleCode::OtherEntity, format!("{} belong to another entity", self.title(&argued.places))));
        }
        if argued.candidate.reason == ResidualReason::CurrencyDiffers {
            let seen = format!("{} was paid, {} are in another currency", self.case.receipt.amount, self.title(&argued.places));
            argued.against.push(self.speaks(RuleCode::OtherCurrency, seen));
        }
    }

    fn title(&self, places: &[Place]) -> String {
        let numbers: Vec<&str> = places.iter().take(TITLE_NUMBERS).map(|place| self.case.book.number(*place)).collect();
        match places.len().saturating_sub(TITLE_NUMBERS) {
            0 if places.is_empty() => "on account".to_owned(),
            0 => numbers.join(" and "),
            more => format!("{} and {more} more", numbers.join(", ")),
        }
    }

    fn proposal(&self, argued: Argued<'_>) -> Proposal {
        let Candidate { parts, residual, reason, entity } = argued.candidate;
        let allocation = |(place, part): &(Place, i64)| {
            let item = self.item(*place);
            Allocation { item: item.id, amount: Amount::new(*part, item.currency) }
        };
        let score = argued.evidence.iter().chain(&argued.against).map(|evidence| evidence.points).sum();
        Proposal {
            title: self.title(&argued.places),
            allocations: parts.iter().map(allocation).collect(),
            residual: self.case.receipt.amount.with(*residual),
            residual_reason: *reason,
            transfer_to: (*entity != self.case.entity).then(|| self.case.book.entity_id(*entity)),
            score,
            evidence: argued.evidence,
            against: argued.against,
        }
    }
}
