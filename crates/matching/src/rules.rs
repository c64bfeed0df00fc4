//! The visible table that every score comes from. There is no other number that decides: a new version of the table is a new
//! behaviour, which is tested against history before it goes live.

use domain::money::Currency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $points:literal, $description:literal;)+) => {
        /// What a rule looks at. The table gives it points and words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RuleCode { $($(#[$meta])* $name),+ }

        impl RuleCode {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            fn camel(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }

        fn standard_rules() -> Vec<Rule> {
            vec![$(Rule { code: RuleCode::$name, points: $points, description: $description.to_owned() }),+]
        }
    };
}

codes! {
    GatewayReference = 70, "The gateway names the invoice that it charged.";
    Reference = 60, "The number is written as we printed it, or is a structured reference with valid check digits.";
    ReferenceInRange = 50, "The number lies in a range of numbers that the payer gives.";
    ReferenceTail = 40, "The end of the number is written; prefix or leading zeros are lost. Counts only for items of the payer.";
    ReferenceSlip = 30, "The written number is one slip away (a digit changed, swapped, lost, added or misread). Counts only for items of the payer.";
    AmountExact = 30, "The receipt is exactly what is open of these items.";
    AmountAdvised = 30, "The receipt is exactly what the payer's advice gives to these items.";
    AmountTolerated = 22, "The receipt is off by no more than the tolerance.";
    AmountLessWithholding = 22, "What is missing is withholding tax at a rate of the customer's country.";
    AmountLessDiscount = 21, "What is missing is a cash discount, and the payment is in time for it.";
    AmountLessFee = 18, "What is missing lies within the band of bank fees.";
    AmountLessDispute = 19, "What is missing can be the disputed part of an item.";
    AmountPartial = 8, "The receipt pays a part of what is open.";
    AmountOver = 8, "The receipt is more than what is open.";
    AmountRare = 5, "No other open item of the entity has this amount.";
    CustomerKnown = 20, "The gateway names the customer.";
    PayerAccount = 20, "The customer is known to pay from this account.";
    PayerName = 15, "The payer's name is the customer's.";
    PayerRelated = 12, "Payer and customer belong to one group.";
    NamedInText = 12, "The text names the customer or gives its number.";
    DateWindow = 5, "The items were issued before the receipt and are about due.";
    EverythingOpen = 12, "These are all open items of the customer.";
    EverythingDue = 10, "These are all items of the customer that were due.";
    OneItem = 8, "One item explains the whole receipt.";
    Consecutive = 8, "The items follow one another in the order of issue.";
    OneStatement = 6, "The items were issued within one month.";
    SetApart = 5, "No other open item of the customer was issued within days of the first or the last of these.";
    DueLately = 4, "The last of the items fell due shortly before or after the receipt.";
    AnotherPayer = -30, "The account or the name belongs to another customer.";
    CitedAnother = -25, "The payer names other items that are not among these.";
    CitedUnknown = -3, "The payer names a number that fits none of these.";
    AmountCommon = -20, "The payer is not known and other open items have this amount too.";
    IssuedLater = -25, "An item was issued after the receipt.";
    AlreadyPaid = -10, "The payer names an item that is paid already.";
    OtherEntity = -25, "The items belong to another entity: the money has to be transferred.";
    OtherCurrency = -25, "The items are in another currency: the rate decides what is paid.";
    Unnamed = -1, "For each item that the payer does not name, at most twelve.";
    Equalled = 0, "Another choice explains the receipt as well.";
    ClaimedTwice = 0, "Another receipt claims the same item.";
    SearchStopped = -5, "The search was stopped before every combination was seen.";
}

impl RuleCode {
    /// Its name in JSON: `amount_exact`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in self.camel().chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// Whatever the score: where this speaks against a proposal, a person decides.
    pub fn forbids_confirmation(self) -> bool {
        matches!(
            self,
            Self::AnotherPayer
                | Self::CitedAnother
                | Self::IssuedLater
                | Self::AlreadyPaid
                | Self::OtherEntity
                | Self::OtherCurrency
                | Self::AmountCommon
                | Self::Equalled
                | Self::ClaimedTwice
                | Self::SearchStopped
        )
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub code: RuleCode,
    pub points: i32,
    pub description: String,
}

/// An allowance in minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    pub currency: Currency,
    pub low: i64,
    pub high: i64,
}

/// A cash discount that contracts grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub per_million: i64,
    /// From the date of issue.
    pub days: i64,
}

/// The numbers beside the points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Score from which a decision is confirmed without a person.
    pub confirm_threshold: i32,
    /// Points that the runner-up has to be behind.
    pub minimum_margin: i32,
    /// Whether payer, amount and date may do without any reference.
    pub confirm_without_reference: bool,
    /// Whether a difference within the tolerance is written off without a person.
    pub confirm_tolerated: bool,
    /// Proposals below are not worth showing.
    pub suggest_threshold: i32,
    pub proposals_max: usize,
    /// Off by so little is a small balance: both limits hold, by amount of the currency (low is 0) and by share of the items.
    pub tolerance: Vec<Band>,
    pub tolerance_per_million: i64,
    /// Bank fees by currency; other currencies have the one of `fee_other`, in whole units.
    pub fees: Vec<Band>,
    pub fee_other: (i64, i64),
    /// Rates of withholding tax by the customer's country, per million.
    pub withholding_per_million: BTreeMap<String, Vec<i64>>,
    pub discounts: Vec<Discount>,
    /// A receipt is about due from so many days before until so many days after.
    pub days_before_due: i64,
    pub days_after_due: i64,
    /// Items issued within so many days are of one statement.
    pub statement_days: i64,
    /// Items issued further apart than so many days are of different billing runs.
    pub apart_days: i64,
    /// Due shortly before or after is so many days from the receipt.
    pub lately_days: i64,
    /// Steps that the search for combinations may take for one receipt; counted, so that every machine stops at the same place.
    pub search_steps: u32,
    /// Steps that the search among all customers may take, where nothing but the amount is known.
    pub scan_steps: u32,
    /// Digits that a number needs to be taken for the end of one of ours if the payer is not known.
    pub tail_digits_min: usize,
}

/// A version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTable {
    pub version: u32,
    pub name: String,
    pub rules: Vec<Rule>,
    pub parameters: Parameters,
}

impl RuleTable {
    /// What an installation begins with.
    pub fn standard() -> Self {
        Self { version: 1, name: "Standard".to_owned(), rules: standard_rules(), parameters: Parameters::standard() }
    }

    /// A rule that the table lacks is switched off.
    pub fn points(&self, code: RuleCode) -> i32 {
        self.rules.iter().find(|rule| rule.code == code).map_or(0, |rule| rule.points)
    }
}

const STANDARD_WITHHOLDING: [(&str, &[i64]); 16] = [
    ("BR", &[150_000]),
    ("CA", &[150_000, 250_000]),
    ("CH", &[350_000]),
    ("DE", &[158_250, 263_750]),
    ("FR", &[250_000]),
    ("GB", &[200_000]),
    ("ID", &[100_000, 200_000]),
    ("IE", &[200_000]),
    ("IN", &[20_000, 100_000]),
    ("JP", &[102_100, 204_200]),
    ("KR", &[220_000]),
    ("MY", &[100_000]),
    ("NL", &[250_000]),
    ("SG", &[100_000, 150_000, 170_000]),
    ("TH", &[30_000, 150_000]),
    ("US", &[240_000, 300_000]),
];

impl Parameters {
    fn standard() -> Self {
        let of_units = |currency: &str, units: i64| {
            let currency: Currency = currency.parse().unwrap_or(Currency::USD);
            Band { currency, low: 0, high: units }
        };
        Self {
            confirm_threshold: 85,
            minimum_margin: 15,
            confirm_without_reference: false,
            confirm_tolerated: false,
            suggest_threshold: 20,
            proposals_max: 5,
            tolerance: vec![of_units("USD", 50), of_units("EUR", 50), of_units("GBP", 50), of_units("SGD", 50), of_units("JPY", 10)],
            tolerance_per_million: 1_000,
            fees: vec![Band { currency: Currency::JPY, low: 110, high: 880 }],
            fee_other: (12, 35),
            withholding_per_million: STANDARD_WITHHOLDING.iter().map(|(country, rates)| ((*country).to_owned(), rates.to_vec())).collect(),
            discounts: vec![Discount { per_million: 20_000, days: 14 }, Discount { per_million: 30_000, days: 10 }],
            days_before_due: 45,
            days_after_due: 120,
            statement_days: 33,
            apart_days: 2,
            lately_days: 14,
            search_steps: 40_000,
            scan_steps: 400_000,
            tail_digits_min: 4,
        }
    }

    /// The least and the most that a bank keeps, in minor units.
    pub fn fee(&self, currency: Currency) -> (i64, i64) {
        let unit = 10i64.pow(currency.minor_units());
        let band = self.fees.iter().find(|band| band.currency == currency);
        band.map_or((self.fee_other.0 * unit, self.fee_other.1 * unit), |band| (band.low, band.high))
    }

    /// The largest difference that is written off as a small balance, in minor units.
    pub fn tolerated(&self, currency: Currency, settled: i64) -> i64 {
        let amount = self.tolerance.iter().find(|band| band.currency == currency).map_or(0, |band| band.high);
        amount.min(share(settled, self.tolerance_per_million))
    }
}

/// A share of an amount, half away from zero.
pub(crate) fn share(amount: i64, per_million: i64) -> i64 {
    let exact = i128::from(amount) * i128::from(per_million);
    i64::try_from((exact + if exact < 0 { -500_000 } else { 500_000 }) / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_rule_with_a_description() {
        let table = RuleTable::standard();
        assert_eq!(table.rules.len(), RuleCode::ALL.len());
        for code in RuleCode::ALL {
            assert_eq!(table.rules.iter().filter(|rule| rule.code == *code && !rule.description.is_empty()).count(), 1, "{code:?}");
        }
    }

    #[test]
    fn the_table_survives_json() {
        let table = RuleTable::standard();
        assert_eq!(serde_json::from_str::<RuleTable>(&serde_json::to_string(&table).unwrap()).unwrap(), table);
    }

    #[test]
    fn both_limits_of_the_tolerance_hold() {
        let parameters = Parameters::standard();
        assert_eq!(parameters.tolerated(Currency::USD, 10_000), 10, "a thousandth of 100.00");
        assert_eq!(parameters.tolerated(Currency::USD, 10_000_000), 50, "never more than 0.50");
        assert_eq!(parameters.tolerated("CHF".parse().unwrap(), 10_000_000), 0, "no tolerance was agreed for the currency");
        assert_eq!(parameters.fee(Currency::JPY), (110, 880));
        assert_eq!(parameters.fee(Currency::EUR), (1_200, 3_500));
    }
}
