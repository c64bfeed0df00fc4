//! Bank statements: what a bank says moved on an account of ours, and whether it adds up.

use crate::{document::Violation, id::*, text_enum::text_enum, view::ImportOutcome};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// Whether a statement's lines count.
    pub enum StatementState {
        Imported = "imported",
        /// It does not add up or repeats others: a second person decides.
        Waiting = "waiting",
        /// A second person did not take it.
        Refused = "refused",
        /// A report of the day (MT942): its lines come again with the statement.
        Interim = "interim",
    }
}

/// What is told of a statement before its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementFacts {
    /// Closing less opening and lines; none: a balance is missing, so nothing is proved.
    pub difference: Option<Decimal>,
    pub interim: bool,
    /// Totals of the file that do not hold, in the file's words.
    pub controls: Vec<String>,
    pub opening: Option<Decimal>,
    pub number: Option<i64>,
    pub first_day: NaiveDate,
}

/// The statement before it on its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    pub number: Option<i64>,
    pub closing: Option<Decimal>,
    pub last_day: NaiveDate,
}

/// How a statement follows the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// Nothing came before it.
    First,
    /// It begins with what the last one ended with; or nothing says that it does not.
    Follows,
    /// It begins with something else, or numbers are missing.
    Gap(String),
    /// It tells again of days that were told of.
    Overlap(String),
}

impl Sequence {
    /// By balance first: banks skip numbers, and number pages; a balance that goes on is a row without a gap.
    pub fn of(before: Option<&Predecessor>, number: Option<i64>, opening: Option<Decimal>, first_day: NaiveDate) -> Self {
        let Some(before) = before else { return Self::First };
        let goes_on = match (before.closing, opening) {
            (Some(closing), Some(opening)) => Some(closing == opening),
            _ => None,
        };
        if goes_on == Some(true) {
            return Self::Follows;
        }
        if first_day < before.last_day || (goes_on.is_none() && first_day == before.last_day) {
            return Self::Overlap(format!("begins on {first_day}, the one before it tells of days up to {}", before.last_day));
        }
        match (before.number, number, before.closing, opening) {
            (Some(last), Some(number), ..) if number > last + 1 => {
                let missing = if number == last + 2 { format!("{}", last + 1) } else { format!("{} to {}", last + 1, number - 1) };
                Self::Gap(format!("statement {missing} is missing"))
            }
            (.., Some(closing), Some(opening)) => Self::Gap(format!("opens with {opening}, the one before it closed with {closing}")),
            _ => Self::Follows,
        }
    }
}

impl StatementFacts {
    /// Where it enters, and why it waits.
    pub fn entry(&self, before: Option<&Predecessor>) -> (StatementState, Option<String>) {
        if self.interim {
            return (StatementState::Interim, None);
        }
        let mut doubts = self.controls.clone();
        if let Some(difference) = self.difference.filter(|difference| !difference.is_zero()) {
            doubts.push(format!("opening balance and lines come to {difference} less than the closing balance"));
        }
        if let Sequence::Overlap(why) = Sequence::of(before, self.number, self.opening, self.first_day) {
            doubts.push(why);
        }
        if doubts.is_empty() { (StatementState::Imported, None) } else { (StatementState::Waiting, Some(doubts.join("; "))) }
    }
}

/// What an import of statements came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementsReport {
    pub outcome: ImportOutcome,
    pub intake_id: uuid::Uuid,
    pub statements: Vec<StatementReport>,
    pub errors: Vec<Violation>,
    /// One sentence for people.
    pub summary: String,
}

/// What became of one statement of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementReport {
    pub statement_id: StatementId,
    pub account: String,
    pub number: Option<i64>,
    pub lines: i32,
    /// It was here already with the same content.
    pub unchanged: bool,
    pub state: StatementState,
    pub doubt: Option<String>,
}

/// An account with what its statements came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccountView {
    pub bank_account_id: BankAccountId,
    pub entity_code: String,
    /// Masked but for its ends.
    pub number: String,
    pub currency: String,
    pub name: String,
    pub last_day: Option<NaiveDate>,
    /// Of the last statement that gave one.
    #[serde(with = "rust_decimal::serde::str_option")]
    pub closing: Option<Decimal>,
    pub imported: i64,
    pub waiting: i64,
}

/// A statement as the list and its page show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementView {
    pub statement_id: StatementId,
    pub bank_account_id: BankAccountId,
    pub entity_code: String,
    pub account_name: String,
    pub account_number: String,
    pub currency: String,
    pub format: String,
    pub reference: Option<String>,
    pub number: Option<i64>,
    pub page: Option<i64>,
    #[serde(with = "rust_decimal::serde::str_option")]
    pub opening: Option<Decimal>,
    pub opened_on: Option<NaiveDate>,
    #[serde(with = "rust_decimal::serde::str_option")]
    pub closing: Option<Decimal>,
    pub closed_on: Option<NaiveDate>,
    pub line_count: i32,
    #[serde(with = "rust_decimal::serde::str")]
    pub credits: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub debits: Decimal,
    #[serde(with = "rust_decimal::serde::str_option")]
    pub difference: Option<Decimal>,
    pub last_day: NaiveDate,
    pub state: StatementState,
    pub doubt: Option<String>,
    pub received_at: DateTime<Utc>,
    pub received_by: String,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
    pub before: Option<Predecessor>,
}

impl StatementView {
    pub fn sequence(&self) -> Sequence {
        Sequence::of(self.before.as_ref(), self.number, self.opening, self.opened_on.unwrap_or(self.last_day))
    }

    /// As people name it: its number and page, else its reference, else its day.
    pub fn title(&self) -> String {
        match (self.number, self.page, &self.reference) {
            (Some(number), Some(page), _) if page > 1 => format!("No. {number}, page {page}"),
            (Some(number), ..) => format!("No. {number}"),
            (None, _, Some(reference)) => reference.clone(),
            (None, _, None) => self.last_day.to_string(),
        }
    }
}

/// A movement on the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLineView {
    pub ordinal: i32,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub booked_on: NaiveDate,
    pub value_on: Option<NaiveDate>,
    pub status: String,
    pub reversal: bool,
    pub bank_reference: Option<String>,
    pub end_to_end_id: Option<String>,
    pub structured_references: Vec<String>,
    pub counterparty_name: Option<String>,
    /// Masked but for its ends.
    pub counterparty_account: Option<String>,
    pub text: String,
    pub transaction_code: Option<String>,
    pub return_reason: Option<String>,
}

/// An account number with its middle hidden: who needs the whole of it reads the bank's own paper.
pub fn masked(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    if characters.len() <= 8 {
        return number.to_owned();
    }
    let ends = |part: &[char]| part.iter().collect::<String>();
    format!("{} … {}", ends(&characters[..4]), ends(&characters[characters.len() - 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, day).unwrap()
    }

    fn before(number: Option<i64>, closing: Option<i64>, last: u32) -> Predecessor {
        Predecessor { number, closing: closing.map(Decimal::from), last_day: day(last) }
    }

    fn facts(difference: Option<i64>) -> StatementFacts {
        StatementFacts {
            difference: difference.map(Decimal::from),
            interim: false,
            controls: Vec::new(),
            opening: Some(100.into()),
            number: Some(7),
            first_day: day(2),
        }
    }

    #[test]
    fn a_statement_follows_by_its_balance_whatever_its_number() {
        let check = |before: Option<&Predecessor>, number, opening: Option<i64>, first: u32| {
            Sequence::of(before, number, opening.map(Decimal::from), day(first))
        };
        assert_eq!(check(None, Some(4), Some(1), 2), Sequence::First);
        assert_eq!(check(Some(&before(Some(3), Some(100), 1)), Some(9), Some(100), 2), Sequence::Follows);
        assert_eq!(check(Some(&before(Some(3), Some(100), 1)), Some(7), Some(90), 5), Sequence::Gap("statement 4 to 6 is missing".into()));
        assert_eq!(
            check(Some(&before(Some(3), Some(100), 1)), Some(4), Some(90), 2),
            Sequence::Gap("opens with 90, the one before it closed with 100".into())
        );
        assert!(matches!(check(Some(&before(None, None, 9)), None, None, 5), Sequence::Overlap(_)));
        assert_eq!(check(Some(&before(None, None, 4)), None, None, 5), Sequence::Follows);
    }

    #[test]
    fn what_does_not_add_up_or_tells_days_again_waits_for_a_second_person() {
        assert_eq!(facts(Some(0)).entry(None), (StatementState::Imported, None));
        assert_eq!(facts(None).entry(None).0, StatementState::Imported);
        assert_eq!(facts(Some(1)).entry(None).0, StatementState::Waiting);
        assert_eq!(facts(Some(0)).entry(Some(&before(Some(6), Some(99), 9))).0, StatementState::Waiting);
        assert_eq!(StatementFacts { controls: vec!["49 control total".into()], ..facts(Some(0)) }.entry(None).0, StatementState::Waiting);
        assert_eq!(StatementFacts { interim: true, ..facts(Some(1)) }.entry(None), (StatementState::Interim, None));
    }

    #[test]
    fn an_account_number_shows_its_ends_only() {
        assert_eq!(masked("DE89370400440532013000"), "DE89 … 3000");
        assert_eq!(masked("12345678"), "12345678");
    }
}
