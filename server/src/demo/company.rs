//! Lumen Analytics: five legal entities on two NetSuite accounts, their customers, products and tax codes.

use super::{
    bank::{self, BankAccount},
    dice::{Dice, apportion},
    gateways,
};
use chrono::NaiveDate;
use domain::{mapping::MappingKind, receivable::WriteOffReason, transfer::Between};
use rust_decimal::Decimal;
use simulators::netsuite::{Account as ErpAccount, Customer as ErpCustomer, Item as ErpItem, Lists, TaxCode as ErpTaxCode};
use std::collections::BTreeMap;

/// A legal entity as the demo knows it.
#[derive(Debug, Clone, Copy)]
pub struct Entity {
    pub code: &'static str,
    pub name: &'static str,
    pub country: &'static str,
    pub currency: &'static str,
    pub zone: &'static str,
    /// Place in [`ACCOUNTS`].
    pub account: usize,
    /// Subsidiary in the ERP.
    pub subsidiary: &'static str,
    /// `false`: the ERP computes the tax and we compare.
    pub tax_is_ours: bool,
    /// Per mille of all invoices.
    pub share: u64,
    /// Tax codes with their per mille, in the currency of the books.
    pub taxes: &'static [(&'static str, u64)],
    /// Other currencies with their per mille and the tax code that goes with them.
    pub foreign: &'static [(&'static str, u64, &'static str)],
}

pub const ENTITIES: [Entity; 5] = [
    Entity {
        code: "US",
        name: "Lumen Analytics Inc.",
        country: "US",
        currency: "USD",
        zone: "America/New_York",
        account: 0,
        subsidiary: "1",
        tax_is_ours: true,
        share: 450,
        taxes: &[("US-CA", 300), ("US-NY", 250), ("US-TX", 150), ("US-EXEMPT", 300)],
        foreign: &[("CAD", 100, "US-EXEMPT")],
    },
    Entity {
        code: "DE",
        name: "Lumen Analytics GmbH",
        country: "DE",
        currency: "EUR",
        zone: "Europe/Berlin",
        account: 1,
        subsidiary: "2",
        tax_is_ours: true,
        share: 230,
        taxes: &[("DE-19", 800), ("DE-RC", 200)],
        foreign: &[("USD", 50, "DE-RC"), ("CHF", 30, "DE-RC")],
    },
    Entity {
        code: "UK",
        name: "Lumen Analytics Ltd",
        country: "GB",
        currency: "GBP",
        zone: "Europe/London",
        account: 1,
        subsidiary: "3",
        tax_is_ours: true,
        share: 140,
        taxes: &[("UK-20", 1000)],
        foreign: &[("EUR", 120, "UK-RC")],
    },
    Entity {
        code: "SG",
        name: "Lumen Analytics Pte. Ltd.",
        country: "SG",
        currency: "SGD",
        zone: "Asia/Singapore",
        account: 0,
        subsidiary: "4",
        tax_is_ours: false,
        share: 100,
        taxes: &[("SG-9", 1000)],
        foreign: &[("USD", 300, "SG-9")],
    },
    Entity {
        code: "JP",
        name: "Lumen Analytics K.K.",
        country: "JP",
        currency: "JPY",
        zone: "Asia/Tokyo",
        account: 1,
        subsidiary: "5",
        tax_is_ours: true,
        share: 80,
        taxes: &[("JP-10", 1000)],
        foreign: &[],
    },
];

/// A NetSuite account.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// The connection's name on screen.
    pub code: &'static str,
    pub account_id: &'static str,
    /// Calls at once that Tieout may make.
    pub slots: u16,
}

/// Calls at once that an account allows. While its past is made the company uses all of them, later only its slots.
pub const CONCURRENCY: u16 = 60;

pub const ACCOUNTS: [Account; 2] = [
    Account { code: "NetSuite-US", account_id: "7315100-sb1", slots: 15 },
    Account { code: "NetSuite-EU", account_id: "7315200-sb1", slots: 10 },
];

/// Our tax codes: the ERP's id, its name there, percent in hundredths.
const TAX_CODES: [(&str, &str, i64); 10] = [
    ("US-CA", "6", 725),
    ("US-NY", "7", 888),
    ("US-TX", "61", 825),
    ("US-EXEMPT", "5", 0),
    ("DE-19", "19", 1900),
    ("DE-RC", "8", 0),
    ("UK-20", "20", 2000),
    ("UK-RC", "81", 0),
    ("SG-9", "9", 900),
    ("JP-10", "10", 1000),
];

/// What is sold.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    pub code: &'static str,
    pub description: &'static str,
    pub sold: Sold,
    /// Revenue account in the ERP.
    pub account: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sold {
    /// One, at its price.
    Flat,
    /// Some, at a price each.
    Seats,
    /// Very many, at a fraction of a cent each.
    Metered,
}

pub const PRODUCTS: [Product; 6] = [
    Product { code: "PLATFORM", description: "Lumen platform, monthly fee", sold: Sold::Flat, account: "54" },
    Product { code: "SEAT", description: "Analyst seats", sold: Sold::Seats, account: "54" },
    Product { code: "API", description: "API calls", sold: Sold::Metered, account: "55" },
    Product { code: "STORAGE", description: "Storage, gigabyte hours", sold: Sold::Metered, account: "55" },
    Product { code: "EXPORT", description: "Rows exported", sold: Sold::Metered, account: "55" },
    Product { code: "SUPPORT", description: "Priority support", sold: Sold::Flat, account: "54" },
];

/// Launched in the last days and forgotten in the ERP of the first account.
pub const NEW_PRODUCT: Product = Product { code: "INSIGHT-PRO", description: "Insight Pro, first month", sold: Sold::Flat, account: "54" };

/// What is given up of invoices, with its expense or tax receivable account in the ERP.
const WRITE_OFFS: [(WriteOffReason, &str); 5] = [
    (WriteOffReason::WithholdingTax, "121"),
    (WriteOffReason::CashDiscount, "671"),
    (WriteOffReason::BankFee, "672"),
    (WriteOffReason::SmallBalance, "673"),
    (WriteOffReason::DisputeLost, "674"),
];
/// The ERP's id of the first of their items.
const FIRST_WRITE_OFF: usize = 901;
/// No tax document is corrected by a write-off: the ERP's code without tax.
const OUT_OF_SCOPE: (&str, &str) = ("OUT-OF-SCOPE", "5");

/// A customer of one entity.
#[derive(Debug, Clone)]
pub struct Customer {
    pub code: String,
    pub name: String,
    pub entity: usize,
    /// In the ERP.
    pub reference: String,
    /// One of the twenty that bring a third of the money.
    pub is_top: bool,
    pub due_days: u64,
}

pub const TOP_CUSTOMERS: usize = 20;
const CUSTOMERS_MAX: u64 = 3_800;
const FIRST_REFERENCE: u64 = 10_001;
/// The ERP's id of the first of our bank accounts.
const FIRST_BANK_REFERENCE: usize = 201;
/// What gateways hold for us: the ERP's id and name of the account.
const CLEARING: (&str, &str) = ("102", "Payment gateways");
/// Between the two sides of a transfer of money, within an entity and between two.
const TRANSFERS: (&str, &str) = ("103", "Transfers between customers");
const INTERCOMPANY: (&str, &str) = ("104", "Due to and from entities");

const FIRST_WORDS: [&str; 24] = [
    "Alder",
    "Brook",
    "Cobalt",
    "Delta",
    "Ember",
    "Fjord",
    "Granite",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Larch",
    "Meridian",
    "Northwind",
    "Onyx",
    "Prairie",
    "Quartz",
    "Redwood",
    "Summit",
    "Tidal",
    "Umbra",
    "Vertex",
    "Willow",
    "Zephyr",
];
const SECOND_WORDS: [&str; 20] = [
    "Analytics",
    "Bank",
    "Biotech",
    "Capital",
    "Data",
    "Energy",
    "Foods",
    "Freight",
    "Health",
    "Insurance",
    "Labs",
    "Logistics",
    "Media",
    "Mobility",
    "Networks",
    "Optics",
    "Retail",
    "Robotics",
    "Software",
    "Telecom",
];

/// The customers of a company of this size. Those that share a first word are groups of parent and children.
pub fn customers(documents: u64, seed: u64) -> Vec<Customer> {
    let count = (documents / 5).clamp(60, CUSTOMERS_MAX);
    let mut dice = Dice::new(seed, 1);
    let shares: Vec<u64> = ENTITIES.iter().map(|entity| entity.share).collect();
    let (of_all, of_top) = (apportion(count, &shares), apportion(TOP_CUSTOMERS as u64, &shares));
    let mut customers = Vec::new();
    for (place, entity) in ENTITIES.iter().enumerate() {
        for ordinal in 0..of_all[place] {
            let number = customers.len() as u64;
            let name = format!("{} {} {}", dice.pick(&FIRST_WORDS), dice.pick(&SECOND_WORDS), legal_form(entity, ordinal));
            customers.push(Customer {
                code: format!("C-{:05}", number + 1),
                name,
                entity: place,
                reference: (FIRST_REFERENCE + number).to_string(),
                is_top: ordinal < of_top[place],
                due_days: *dice.pick(&[14, 30, 30, 30, 45]),
            });
        }
    }
    customers
}

fn legal_form(entity: &Entity, ordinal: u64) -> String {
    let form = match entity.code {
        "US" => "Inc.",
        "DE" => "GmbH",
        "UK" => "Ltd",
        "SG" => "Pte. Ltd.",
        _ => "K.K.",
    };
    // names repeat, as they do; the ordinal keeps them apart for people
    if ordinal < 200 { form.to_owned() } else { format!("{} {form}", ordinal / 200 + 1) }
}

/// Percent of one of our tax codes.
pub fn percent(code: &str) -> Decimal {
    TAX_CODES.iter().find(|(known, ..)| *known == code).map_or(Decimal::ZERO, |(_, _, percent)| Decimal::new(*percent, 2))
}

/// What an ERP account's lists hold beside the standard.
pub fn lists(account: usize, customers: &[Customer], extra: &Extra, from: NaiveDate, months: u32) -> Lists {
    let mut lists = Lists::standard(from, months, 0, 0);
    let known: Vec<String> = lists.tax_codes.iter().map(|code| code.id.clone()).collect();
    let missing = TAX_CODES.iter().filter(|(_, id, _)| !known.iter().any(|known| known == id));
    lists.tax_codes.extend(missing.map(|(name, id, percent)| ErpTaxCode {
        id: (*id).into(),
        name: (*name).into(),
        percent: Decimal::new(*percent, 2),
    }));
    lists.customers = customers
        .iter()
        .filter(|customer| ENTITIES[customer.entity].account == account)
        .map(|customer| erp_customer(&customer.reference, &customer.name, false))
        .chain(extra.blocked.iter().map(|(reference, name)| erp_customer(reference, name, true)))
        .chain(extra.customers.iter().map(|(reference, name)| erp_customer(reference, name, false)))
        .collect();
    lists.items = PRODUCTS
        .iter()
        .chain([&NEW_PRODUCT])
        .zip(1..)
        .map(|(product, id)| ErpItem { id: id.to_string(), name: product.description.into() })
        .chain((FIRST_WRITE_OFF..).zip(WRITE_OFFS).map(|(id, (reason, _))| ErpItem { id: id.to_string(), name: reason.label().into() }))
        .collect();
    lists.accounts.extend(WRITE_OFFS.map(|(reason, id)| ErpAccount { id: id.into(), name: reason.label().into() }));
    let between = [CLEARING, TRANSFERS, INTERCOMPANY].map(|(id, name)| ErpAccount { id: id.into(), name: name.into() });
    lists.bank_accounts = bank_accounts(account).map(|(id, bank)| ErpAccount { id, name: bank.name.into() }).chain(between).collect();
    lists
}

/// Our bank accounts of an ERP account's entities, with the ids of their ledger accounts there.
fn bank_accounts(account: usize) -> impl Iterator<Item = (String, &'static BankAccount)> {
    let all = (FIRST_BANK_REFERENCE..).map(|id| id.to_string()).zip(&bank::ACCOUNTS);
    all.filter(move |(_, bank)| ENTITIES[bank.entity].account == account)
}

/// Customers of an ERP account that only troubles need: reference and name.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    pub customers: Vec<(String, String)>,
    pub blocked: Vec<(String, String)>,
}

fn erp_customer(reference: &str, name: &str, inactive: bool) -> ErpCustomer {
    ErpCustomer { id: reference.to_owned(), name: name.to_owned(), subsidiaries: Vec::new(), inactive }
}

/// The ERP's id of a product.
pub fn item_reference(code: &str) -> String {
    let place = PRODUCTS.iter().chain([&NEW_PRODUCT]).position(|product| product.code == code);
    (place.unwrap_or(0) + 1).to_string()
}

/// What an account's mapping tables hold from the start. The new product has a revenue account and no item.
pub fn mappings(account: usize, customers: &[Customer]) -> Vec<(MappingKind, String, String)> {
    let of_account = customers.iter().filter(|customer| ENTITIES[customer.entity].account == account);
    let customers = of_account.map(|customer| (MappingKind::Customer, customer.code.clone(), customer.reference.clone()));
    let items = PRODUCTS.iter().map(|product| (MappingKind::Item, product.code.to_owned(), item_reference(product.code)));
    let accounts =
        PRODUCTS.iter().chain([&NEW_PRODUCT]).map(|product| (MappingKind::Account, product.code.to_owned(), product.account.to_owned()));
    let taxes = TAX_CODES.iter().map(|(code, id, _)| (MappingKind::TaxCode, (*code).to_owned(), (*id).to_owned()));
    let banks = bank_accounts(account).map(|(id, bank)| (MappingKind::BankAccount, bank.number.to_owned(), id));
    let with_cards = gateways::WITH_CARDS.into_iter().filter(move |entity| ENTITIES[*entity].account == account);
    let clearing = with_cards.map(|entity| (MappingKind::BankAccount, gateways::code(entity), CLEARING.0.to_owned()));
    let own = ENTITIES.iter().filter(move |entity| entity.account == account);
    let both_ways = |own: &Entity, other: &Entity| {
        let id = if own.code == other.code { TRANSFERS.0 } else { INTERCOMPANY.0 };
        [Between::of(own.code, other.code).given, Between::of(other.code, own.code).got].map(|code| (code, id))
    };
    let between: BTreeMap<String, &str> = own.flat_map(|own| ENTITIES.iter().flat_map(move |other| both_ways(own, other))).collect();
    let between = between.into_iter().map(|(code, id)| (MappingKind::BankAccount, code, id.to_owned()));
    let write_offs = (FIRST_WRITE_OFF..).zip(WRITE_OFFS).flat_map(|(id, (reason, account))| {
        let code = reason.item_code().to_owned();
        [(MappingKind::Item, code.clone(), id.to_string()), (MappingKind::Account, code, account.to_owned())]
    });
    let out_of_scope = (MappingKind::TaxCode, OUT_OF_SCOPE.0.to_owned(), OUT_OF_SCOPE.1.to_owned());
    customers
        .chain(items)
        .chain(accounts)
        .chain(taxes)
        .chain(banks)
        .chain(clearing)
        .chain(between)
        .chain(write_offs)
        .chain([out_of_scope])
        .collect()
}

/// How much one person may do alone, per entity, currency and day.
pub fn limits() -> Vec<(usize, &'static str, i64)> {
    let amount = |currency: &str| match currency {
        "JPY" => 750_000,
        "SGD" | "CAD" => 6_500,
        "GBP" => 4_000,
        _ => 5_000,
    };
    let of = |place: usize, currency: &'static str| (place, currency, amount(currency));
    (0..ENTITIES.len())
        .flat_map(|place| {
            let entity = &ENTITIES[place];
            std::iter::once(entity.currency)
                .chain(entity.foreign.iter().map(|(currency, ..)| *currency))
                .map(move |currency| of(place, currency))
        })
        .collect()
}

/// Units of a currency for a thousand US dollars, about.
pub fn per_thousand_usd(currency: &str) -> u64 {
    match currency {
        "CAD" => 1_380,
        "EUR" => 920,
        "CHF" => 880,
        "GBP" => 780,
        "SGD" => 1_340,
        "JPY" => 152_000,
        _ => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_every_tax_code_is_known() {
        assert_eq!(ENTITIES.iter().map(|entity| entity.share).sum::<u64>(), 1000);
        for entity in &ENTITIES {
            assert_eq!(entity.taxes.iter().map(|(_, share)| share).sum::<u64>(), 1000, "{}", entity.code);
            for code in entity.taxes.iter().map(|tax| tax.0).chain(entity.foreign.iter().map(|foreign| foreign.2)) {
                assert!(TAX_CODES.iter().any(|known| known.0 == code), "{code}");
            }
        }
    }

    #[test]
    fn every_account_of_ours_is_mapped_to_one_in_the_lists_of_its_erp() {
        let of_both: usize = (0..ACCOUNTS.len())
            .map(|place| {
                let known = lists(place, &[], &Extra::default(), NaiveDate::MIN, 0).bank_accounts;
                let mapped: Vec<_> = mappings(place, &[]).into_iter().filter(|(kind, ..)| *kind == MappingKind::BankAccount).collect();
                assert!(mapped.iter().all(|(_, _, to)| known.iter().any(|account| account.id == *to)), "{mapped:?}");
                mapped.iter().filter(|(_, _, to)| ![TRANSFERS.0, INTERCOMPANY.0].contains(&to.as_str())).count()
            })
            .sum();
        assert_eq!(of_both, bank::ACCOUNTS.len() + gateways::WITH_CARDS.len());
    }

    #[test]
    fn a_full_company_has_3800_customers_and_twenty_big_ones() {
        let customers = customers(20_000, 1);
        assert_eq!(customers.len(), 3_800);
        assert_eq!(customers.iter().filter(|customer| customer.is_top).count(), TOP_CUSTOMERS);
    }
}
