//! Lumen Analytics as a creditor: five entities, and customers who pay them.

use super::dice::Dice;
use crate::model::{Customer, CustomerId};
use domain::{id::EntityId, money::Currency};

pub(super) struct Seat {
    pub(super) code: &'static str,
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    /// Per mille of all invoices.
    pub(super) share: u64,
    /// Other currencies with their per mille; who is billed in one sits in one of these countries.
    pub(super) foreign: &'static [(&'static str, u64, &'static [&'static str])],
    forms: &'static [&'static str],
}

pub(super) const SEATS: [Seat; 5] = [
    Seat { code: "US", country: "US", currency: "USD", share: 450, foreign: &[("CAD", 100, &["CA"])], forms: &["Inc.", "LLC", "Corp."] },
    Seat {
        code: "DE",
        country: "DE",
        currency: "EUR",
        share: 230,
        foreign: &[("USD", 50, &["US", "IN"]), ("CHF", 30, &["CH"])],
        forms: &["GmbH", "AG", "GmbH & Co. KG", "UG (haftungsbeschränkt)"],
    },
    Seat {
        code: "UK",
        country: "GB",
        currency: "GBP",
        share: 140,
        foreign: &[("EUR", 120, &["IE", "NL", "FR"])],
        forms: &["Ltd", "Limited", "PLC", "LLP"],
    },
    Seat {
        code: "SG",
        country: "SG",
        currency: "SGD",
        share: 100,
        foreign: &[("USD", 300, &["ID", "TH", "MY", "IN"])],
        forms: &["Pte. Ltd.", "Pte Ltd"],
    },
    Seat { code: "JP", country: "JP", currency: "JPY", share: 80, foreign: &[], forms: &["K.K.", "G.K."] },
];

/// A legal entity of the set.
pub(super) struct Entity {
    pub(super) id: EntityId,
    pub(super) seat: &'static Seat,
}

pub(super) fn entities(seed: u64) -> Vec<Entity> {
    let mut dice = Dice::new(seed, 1);
    SEATS.iter().map(|seat| Entity { id: EntityId(dice.uuid()), seat }).collect()
}

/// How a payer writes down what he pays. Habits are of people, not of payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    AsPrinted,
    Spaced,
    Glued,
    Lowercase,
    WithoutPrefix,
    OnlyDigits,
    OnlyDigitsWithoutZeros,
    WithDates,
    WithCustomerNumber,
    WithAmounts,
    Ranges,
    CreditorReference,
}

const HABITS: [Habit; 16] = [
    Habit::AsPrinted,
    Habit::AsPrinted,
    Habit::AsPrinted,
    Habit::AsPrinted,
    Habit::AsPrinted,
    Habit::Spaced,
    Habit::Glued,
    Habit::Lowercase,
    Habit::WithoutPrefix,
    Habit::OnlyDigits,
    Habit::OnlyDigitsWithoutZeros,
    Habit::WithDates,
    Habit::WithCustomerNumber,
    Habit::WithAmounts,
    Habit::Ranges,
    Habit::CreditorReference,
];

/// A customer with what the set knows about it and the books may not.
pub(super) struct Payer {
    pub(super) customer: Customer,
    pub(super) entity: usize,
    pub(super) currency: Currency,
    /// The account that it pays from, known to the books or not.
    pub(super) account: String,
    pub(super) habit: Habit,
    pub(super) is_top: bool,
    pub(super) due_days: u64,
    /// The fee in US cents of customers with a flat plan: all their invoices are equal.
    pub(super) flat_cents: Option<i64>,
}

impl Payer {
    pub(super) fn is_abroad(&self) -> bool {
        self.customer.country != SEATS[self.entity].country
    }
}

/// Per mille of customers whose account the books know from before; who pays for the first time is known by name only.
const KNOWN_ACCOUNTS: u64 = 850;
const FLAT_PLANS: u64 = 150;
/// Twenty of 3,800 customers bring 35 % of the value; all of them transfer, as every fourth customer does.
const TOP: u64 = 20_000 / 3_800 * 4;
/// Sixty of 3,800 customers are parents of a group; three customers follow a parent on average.
const PARENTS: u64 = 60_000 / 3_800;
const CHILDREN_MAX: i64 = 5;

/// Makes customers one by one; children follow their parent in the same entity.
pub(super) struct Founding {
    dice: Dice,
    founded: u32,
    group: Option<Group>,
}

struct Group {
    parent: CustomerId,
    entity: usize,
    name: String,
    left: i64,
}

impl Founding {
    pub(super) fn new(seed: u64, part: u64) -> Self {
        Self { dice: Dice::new(seed, part), founded: 0, group: None }
    }

    /// `first_code` keeps the codes of several foundings apart.
    pub(super) fn next(&mut self, first_code: u32, entities: &[Entity], may_be_top: bool) -> Payer {
        let dice = &mut self.dice;
        let shares: Vec<u64> = SEATS.iter().map(|seat| seat.share).collect();
        let child_of = self.group.take().filter(|group| group.left > 0);
        let entity = child_of.as_ref().map_or_else(|| dice.share(&shares).unwrap_or(0), |group| group.entity);
        let seat = entities[entity].seat;
        let (currency, country) = terms(dice, seat);
        let name = match &child_of {
            Some(group) => format!("{} {}", group.name, dice.pick(&PLACES)),
            None => name(dice),
        };
        let id = CustomerId(dice.uuid());
        self.founded += 1;
        let account = account(dice, country);
        let customer = Customer {
            id,
            code: format!("{}", first_code + self.founded),
            name: format!("{name} {}", dice.pick(seat.forms)),
            country: country.to_owned(),
            parent: child_of.as_ref().map(|group| group.parent),
            accounts: if dice.per_mille(KNOWN_ACCOUNTS) { vec![account.clone()] } else { Vec::new() },
            aliases: Vec::new(),
        };
        self.group = match child_of {
            Some(group) => Some(Group { left: group.left - 1, ..group }),
            None if dice.per_mille(PARENTS) => Some(Group { parent: id, entity, name, left: dice.between(1, CHILDREN_MAX) }),
            None => None,
        };
        Payer {
            customer,
            entity,
            currency,
            account,
            habit: *dice.pick(&HABITS),
            is_top: may_be_top && dice.per_mille(TOP),
            due_days: *dice.pick(&[14, 30, 30, 30, 45]),
            flat_cents: dice.per_mille(FLAT_PLANS).then(|| *dice.pick(&[4_900, 9_900, 19_900, 29_900, 49_900, 99_900])),
        }
    }
}

fn terms(dice: &mut Dice, seat: &Seat) -> (Currency, &'static str) {
    let shares: Vec<u64> = seat.foreign.iter().map(|foreign| foreign.1).collect();
    let (code, country) = match dice.share(&shares) {
        Some(place) => (seat.foreign[place].0, *dice.pick(seat.foreign[place].2)),
        None => (seat.currency, seat.country),
    };
    (code.parse().unwrap_or(Currency::USD), country)
}

/// An account as the country writes it: an IBAN where it has them, a domestic one elsewhere.
pub(super) fn account(dice: &mut Dice, country: &str) -> String {
    let check = dice.digits(2);
    match country {
        "DE" => format!("DE{check}{}", dice.digits(18)),
        "GB" => format!("GB{check}NWBK{}", dice.digits(14)),
        "CH" => format!("CH{check}{}", dice.digits(17)),
        "NL" => format!("NL{check}ABNA{}", dice.digits(10)),
        "FR" => format!("FR{check}{}", dice.digits(23)),
        "IE" => format!("IE{check}AIBK{}", dice.digits(14)),
        "JP" => format!("{}-{}-{}", dice.digits(4), dice.digits(3), dice.digits(7)),
        _ => dice.digits(12),
    }
}

/// Units of a currency for a thousand US dollars, about.
pub(super) fn per_thousand_usd(currency: Currency) -> i64 {
    match currency.code() {
        "CAD" => 1_380,
        "EUR" => 920,
        "CHF" => 880,
        "GBP" => 780,
        "SGD" => 1_340,
        "JPY" => 152_000,
        _ => 1_000,
    }
}

fn name(dice: &mut Dice) -> String {
    match dice.index(3) {
        0 => format!("{} {}", dice.pick(&FIRST), dice.pick(&SECOND)),
        1 => format!("{} {} {}", dice.pick(&FAMILY), dice.pick(&["&", "und", "and", "+"]), dice.pick(&FAMILY)),
        _ => format!("{} {} {}", dice.pick(&FIRST), dice.pick(&FAMILY), dice.pick(&SECOND)),
    }
}

const FIRST: [&str; 40] = [
    "Alder",
    "Arbor",
    "Atlas",
    "Brook",
    "Cobalt",
    "Crest",
    "Delta",
    "Ember",
    "Falcon",
    "Fjord",
    "Granite",
    "Harbor",
    "Helios",
    "Indigo",
    "Ivory",
    "Juniper",
    "Kestrel",
    "Larch",
    "Lumen",
    "Meridian",
    "Nimbus",
    "Northwind",
    "Onyx",
    "Opal",
    "Pioneer",
    "Prairie",
    "Quartz",
    "Redwood",
    "Sable",
    "Sierra",
    "Summit",
    "Tidal",
    "Topaz",
    "Umbra",
    "Vega",
    "Vertex",
    "Willow",
    "Xenon",
    "Yarrow",
    "Zephyr",
];
const SECOND: [&str; 32] = [
    "Analytics",
    "Automotive",
    "Bank",
    "Biotech",
    "Capital",
    "Chemicals",
    "Consulting",
    "Data",
    "Energy",
    "Engineering",
    "Foods",
    "Freight",
    "Health",
    "Holding",
    "Insurance",
    "Labs",
    "Logistics",
    "Maschinenbau",
    "Media",
    "Mobility",
    "Networks",
    "Optics",
    "Pharma",
    "Print",
    "Retail",
    "Robotics",
    "Software",
    "Steel",
    "Systems",
    "Telecom",
    "Trading",
    "Travel",
];
const FAMILY: [&str; 40] = [
    "Müller",
    "Schäfer",
    "Köhler",
    "Weiß",
    "Grünewald",
    "Jäger",
    "Dubois",
    "Lefèvre",
    "García",
    "Nuñez",
    "O'Brien",
    "McAllister",
    "Smith",
    "Taylor",
    "Patel",
    "Okafor",
    "Tanaka",
    "Sato",
    "Suzuki",
    "Kim",
    "Nguyen",
    "Lim",
    "Tan",
    "Wong",
    "Ibrahim",
    "Rossi",
    "Bianchi",
    "Jansen",
    "de Vries",
    "van den Berg",
    "Kowalski",
    "Novák",
    "Andersson",
    "Østergaard",
    "Hansen",
    "Schneider",
    "Fischer",
    "Becker",
    "Wagner",
    "Hofmann",
];
const PLACES: [&str; 12] =
    ["North", "South", "East", "West", "Services", "International", "Digital", "Europe", "Asia", "Americas", "Operations", "Finance"];
