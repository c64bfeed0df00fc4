//! A profile from the first rows of a bank's table, for a person to confirm.

use super::{
    profile::{AmountColumns, Column, ColumnProfile, Columns, CurrencySource, RowOrder, SignConvention},
    row::signed,
    vocabulary::{Meaning, meaning},
};
use crate::{currency::CurrencyCode, fault::Fault, input::decode};
use ::csv::ReaderBuilder;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A profile and what could be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    pub profile: ColumnProfile,
    /// In sentences, for who confirms it.
    pub doubts: Vec<String>,
}

/// Rows that are looked at.
const ROWS_MAX: usize = 200;

const DATE_FORMATS: [&str; 10] =
    ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"];

/// Learns how a bank writes its table from the beginning of one (some kilobytes; a row cut off at the end does not count).
///
/// # Errors
/// There is no header that names a date and an amount, or no row under it that has them.
pub fn propose(name: &str, begin: &[u8]) -> Result<Proposal, Fault> {
    let text = decode(begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin));
    let whole = text.rfind('\n').map_or(text.as_str(), |end| &text[..=end]);
    let (delimiter, rows, header) = [';', ',', '\t', '|']
        .into_iter()
        .filter_map(|delimiter| {
            let rows = rows(whole, delimiter);
            let header = header(&rows)?;
            Some((delimiter, rows, header))
        })
        .max_by_key(|(_, rows, header)| rows[*header].len())
        .ok_or_else(|| {
            Fault::new(1, "header", "a table has a header that names a date and an amount", text.lines().next().unwrap_or(""))
        })?;
    let mut doubts = Vec::new();
    let found = Found::new(&rows[header], &rows[header + 1..]);
    let booking = found.require(Meaning::BookingDate).or_else(|_| found.require(Meaning::ValueDate))?;
    let date_format = date_format(&found.values(booking), &mut doubts)?;
    let amount = found.amount(&mut doubts)?;
    let (decimal_separator, thousands_separator) = separators(&found.amounts(&amount), &mut doubts)?;
    let profile = ColumnProfile {
        name: name.to_owned(),
        delimiter,
        rows_before_header: header,
        header: true,
        currency: found.currency(&mut doubts),
        order: order(&found.values(booking), &date_format, &mut doubts),
        columns: found.columns(booking, amount),
        decimal_separator,
        thousands_separator,
        date_format,
    };
    Ok(Proposal { profile, doubts })
}

type Rows = Vec<Vec<String>>;

fn rows(text: &str, delimiter: char) -> Rows {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut table = ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let records = table.records().map_while(Result::ok).take(ROWS_MAX);
    records.map(|record| record.iter().map(|field| field.trim().to_owned()).collect()).collect()
}

/// The first row that names a date and an amount, or a debit and a credit.
fn header(rows: &Rows) -> Option<usize> {
    rows.iter().position(|row| {
        let has = |wanted: &[Meaning]| row.iter().filter_map(|name| meaning(name)).any(|found| wanted.contains(&found));
        has(&[Meaning::BookingDate, Meaning::ValueDate]) && has(&[Meaning::Amount, Meaning::Debit])
    })
}

struct Found<'a> {
    header: &'a [String],
    rows: &'a [Vec<String>],
    meanings: Vec<Option<Meaning>>,
}

impl<'a> Found<'a> {
    fn new(header: &'a [String], rows: &'a [Vec<String>]) -> Self {
        Self { header, rows, meanings: header.iter().map(|name| meaning(name)).collect() }
    }

    fn find(&self, wanted: Meaning) -> Option<usize> {
        self.meanings.iter().position(|found| *found == Some(wanted))
    }

    fn require(&self, wanted: Meaning) -> Result<usize, Fault> {
        let rule = "a table has a date and an amount";
        self.find(wanted).ok_or_else(|| Fault::new(1, format!("{wanted:?}"), rule, self.header.join(" ")))
    }

    fn column(&self, index: usize) -> Column {
        // a name that stands twice names nothing
        let name = &self.header[index];
        if self.header.iter().filter(|other| *other == name).count() == 1 { Column::Name(name.clone()) } else { Column::Index(index) }
    }

    fn named(&self, wanted: Meaning) -> Option<Column> {
        self.find(wanted).map(|index| self.column(index))
    }

    fn values(&self, column: usize) -> Vec<&'a str> {
        self.rows.iter().filter_map(|row| row.get(column)).map(String::as_str).filter(|value| !value.is_empty()).collect()
    }

    fn index(&self, column: &Column) -> usize {
        match column {
            Column::Index(index) => *index,
            Column::Name(name) => self.header.iter().position(|written| written == name).unwrap_or_default(),
        }
    }

    fn amount(&self, doubts: &mut Vec<String>) -> Result<AmountColumns, Fault> {
        if let (Some(debit), Some(credit)) = (self.named(Meaning::Debit), self.named(Meaning::Credit)) {
            return Ok(AmountColumns::Sides { debit, credit });
        }
        let index = self.require(Meaning::Amount)?;
        let column = self.column(index);
        if let Some(mark) = self.find(Meaning::Mark) {
            let mut marks = self.values(mark);
            marks.sort_unstable();
            marks.dedup();
            let is_credit = |mark: &&str| matches!(mark.to_lowercase().as_str(), "c" | "cr" | "h" | "haben" | "credit" | "bij" | "+");
            let credit = marks.iter().copied().find(is_credit);
            if let (Some(credit), Some(debit)) = (credit, marks.iter().copied().find(|mark| !is_credit(mark))) {
                let (credit, debit) = (credit.to_owned(), debit.to_owned());
                return Ok(AmountColumns::Marked { column, mark: self.column(mark), credit, debit });
            }
        }
        if !self.values(index).iter().any(|value| value.contains(['-', '(', '\u{2212}'])) {
            doubts.push(format!("No amount in {:?} is negative: is there a column that says the side?", self.header[index]));
        }
        Ok(AmountColumns::Signed { column, positive: SignConvention::Credit })
    }

    fn amounts(&self, amount: &AmountColumns) -> Vec<&'a str> {
        match amount {
            AmountColumns::Signed { column, .. } | AmountColumns::Marked { column, .. } => self.values(self.index(column)),
            AmountColumns::Sides { debit, credit } => [self.values(self.index(debit)), self.values(self.index(credit))].concat(),
        }
    }

    fn currency(&self, doubts: &mut Vec<String>) -> CurrencySource {
        let column = self.find(Meaning::Currency);
        let is_currency = |column: &usize| self.values(*column).iter().all(|value| value.parse::<CurrencyCode>().is_ok());
        match column.filter(is_currency) {
            Some(column) => CurrencySource::Column(self.column(column)),
            None => {
                doubts.push("No column names the currency: EUR is assumed.".to_owned());
                CurrencySource::Always(CurrencyCode::EUR)
            }
        }
    }

    fn columns(&self, booking: usize, amount: AmountColumns) -> Columns {
        let text = self.meanings.iter().enumerate().filter(|(_, found)| **found == Some(Meaning::Text));
        Columns {
            booking_date: self.column(booking),
            value_date: self.find(Meaning::ValueDate).filter(|index| *index != booking).map(|index| self.column(index)),
            amount,
            balance: self.named(Meaning::Balance),
            own_account: self.named(Meaning::OwnAccount),
            bank_reference: self.named(Meaning::BankReference),
            customer_reference: self.named(Meaning::CustomerReference),
            end_to_end_id: self.named(Meaning::EndToEnd),
            mandate: self.named(Meaning::Mandate),
            name: self.named(Meaning::Name),
            account: self.named(Meaning::Account),
            bank: self.named(Meaning::Bank),
            text: text.map(|(index, _)| self.column(index)).collect(),
            posting_text: self.named(Meaning::PostingText),
        }
    }
}

/// The first format that every date has; two that every date has differ in day and month.
fn date_format(dates: &[&str], doubts: &mut Vec<String>) -> Result<String, Fault> {
    let fits = |format: &&str| !dates.is_empty() && dates.iter().all(|date| NaiveDate::parse_from_str(date, format).is_ok_and(is_near));
    let mut formats = DATE_FORMATS.into_iter().filter(fits);
    let first = formats.next().ok_or_else(|| {
        let rule = "every date has the same format, with day, month and year";
        Fault::new(1, "booking date", rule, dates.first().copied().unwrap_or(""))
    })?;
    if let Some(second) = formats.next() {
        doubts.push(format!("Dates could be {first} or {second}: no day beyond the 12th tells them apart."));
    }
    Ok(first.to_owned())
}

/// `%Y` reads two digits as a year of the first century.
fn is_near(date: NaiveDate) -> bool {
    (1970..2100).contains(&chrono::Datelike::year(&date))
}

/// By the last separator that is followed by one or two digits at the end of a number.
fn separators(amounts: &[&str], doubts: &mut Vec<String>) -> Result<(char, Option<char>), Fault> {
    let decimals = |separator: char| {
        let digits = |amount: &str| amount.trim_matches(|c: char| !c.is_ascii_digit()).rsplit_once(separator).map(|(_, tail)| tail.len());
        amounts.iter().filter(|amount| matches!(digits(amount), Some(1 | 2))).count()
    };
    let (comma, point) = (decimals(','), decimals('.'));
    if comma == 0 && point == 0 {
        doubts.push("No amount has decimals: a decimal point is assumed.".to_owned());
    }
    let (decimal, thousands) = if comma > point { (',', '.') } else { ('.', ',') };
    let thousands = if amounts.iter().any(|amount| amount.contains('\'')) { '\'' } else { thousands };
    match amounts.iter().find(|amount| signed(amount, decimal, Some(thousands)).is_err()) {
        Some(amount) => Err(Fault::new(1, "amount", "every amount is written alike", amount)),
        None => Ok((decimal, Some(thousands))),
    }
}

fn order(dates: &[&str], format: &str, doubts: &mut Vec<String>) -> RowOrder {
    let date = |text: Option<&&str>| NaiveDate::parse_from_str(text?, format).ok();
    match (date(dates.first()), date(dates.last())) {
        (Some(first), Some(last)) if first > last => RowOrder::NewestFirst,
        (Some(first), Some(last)) if first < last => RowOrder::OldestFirst,
        _ => {
            doubts.push("All rows are of one day: the oldest is assumed to be the first.".to_owned());
            RowOrder::OldestFirst
        }
    }
}
