//! The settlement details report as CSV: columns in the order of the contract, amounts in major units, fees in either style.

use super::FeeStyle;
use crate::gateway::major;
use chrono::{DateTime, TimeDelta};
use rust_decimal::Decimal;

pub(super) const COLUMNS: [&str; 30] = [
    "Company Account",
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Commission (NC)",
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
    "Payment Method Variant",
    "Modification Merchant Reference",
    "Batch Number",
    "Reserved4",
    "Reserved5",
    "Reserved6",
    "Reserved7",
    "Reserved8",
    "Reserved9",
    "Reserved10",
];
/// The zone of the account; without summer time, so that every hour exists once.
const ZONE: (&str, TimeDelta) = ("CET", TimeDelta::hours(1));
/// Parts of a fee in per cent; the rest is interchange.
const MARKUP: i64 = 20;
const SCHEME: i64 = 10;

/// One movement; amounts in the smallest unit, what we get is positive.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) at: i64,
    pub(super) psp_reference: String,
    pub(super) merchant_reference: String,
    pub(super) method: &'static str,
    pub(super) modification: String,
    /// In the currency of the payment; fees and payouts have none.
    pub(super) gross: Option<(i64, String)>,
    pub(super) rate: Option<Decimal>,
    pub(super) fee: i64,
    pub(super) net: i64,
}

pub(super) struct Sheet<'a> {
    pub(super) company_account: &'a str,
    pub(super) merchant_account: &'a str,
    pub(super) currency: &'a str,
    pub(super) fees: FeeStyle,
    pub(super) batch: u64,
}

impl Sheet<'_> {
    pub(super) fn csv(&self, rows: &[Row]) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let lines = std::iter::once(COLUMNS.map(str::to_owned).to_vec()).chain(rows.iter().map(|row| self.line(row)));
        for line in lines {
            writer.write_record(line).unwrap_or_else(|error| unreachable!("written to memory: {error}"));
        }
        String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }

    fn line(&self, row: &Row) -> Vec<String> {
        let amount = |minor: i64, currency: &str| if minor == 0 { String::new() } else { major(minor, currency).to_string() };
        let sides = |minor: i64, currency: &str| [amount((-minor).max(0), currency), amount(minor.max(0), currency)];
        let (gross_currency, gross) = match &row.gross {
            Some((gross, currency)) => (currency.as_str(), sides(*gross, currency)),
            None => (self.currency, [String::new(), String::new()]),
        };
        let time = DateTime::from_timestamp(row.at, 0).unwrap_or_default() + ZONE.1;
        let rate = row.gross.as_ref().map(|_| row.rate.unwrap_or(Decimal::ONE).to_string());
        let mut line: Vec<String> = [self.company_account, self.merchant_account, &row.psp_reference, &row.merchant_reference, row.method]
            .map(str::to_owned)
            .to_vec();
        line.extend([time.format("%Y-%m-%d %H:%M:%S").to_string(), ZONE.0.to_owned(), row.kind.to_owned(), row.modification.clone()]);
        line.push(gross_currency.to_owned());
        line.extend(gross);
        line.extend([rate.unwrap_or_default(), self.currency.to_owned()]);
        line.extend(sides(row.net, self.currency));
        line.extend(self.fee_columns(row.fee).map(|part| amount(part, self.currency)));
        line.extend([row.method.to_owned(), String::new(), self.batch.to_string()]);
        line.resize(COLUMNS.len(), String::new());
        line
    }

    /// Commission, markup, scheme fees, interchange.
    fn fee_columns(&self, fee: i64) -> [i64; 4] {
        match self.fees {
            FeeStyle::Blended => [fee, 0, 0, 0],
            FeeStyle::InterchangePlusPlus => {
                let (markup, scheme) = (fee * MARKUP / 100, fee * SCHEME / 100);
                [0, markup, scheme, fee - markup - scheme]
            }
        }
    }
}
