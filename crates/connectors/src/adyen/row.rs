//! One row of the settlement details report, by the names of its columns [CSV].

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use csv::StringRecord;
use domain::{
    money::Currency,
    settlement::{EntryKind, GatewayEntry},
};
use rust_decimal::Decimal;
use std::{collections::HashMap, str::FromStr};

/// Where a report breaks a rule: nothing of the row counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {field}: {rule}, not {value:?}")]
pub struct RowError {
    /// In the file; the header is 1.
    pub line: u64,
    pub field: String,
    pub rule: &'static str,
    pub value: String,
}

/// The columns that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    MerchantAccount,
    PspReference,
    MerchantReference,
    PaymentMethod,
    CreationDate,
    TimeZone,
    Type,
    ModificationReference,
    GrossCurrency,
    GrossDebit,
    GrossCredit,
    ExchangeRate,
    NetCurrency,
    NetDebit,
    NetCredit,
    Commission,
    Markup,
    SchemeFees,
    Interchange,
    BatchNumber,
}

use Column::*;

const NEEDED: &[(Column, &str)] = &[
    (MerchantAccount, "Merchant Account"),
    (PspReference, "Psp Reference"),
    (MerchantReference, "Merchant Reference"),
    (PaymentMethod, "Payment Method"),
    (CreationDate, "Creation Date"),
    (TimeZone, "TimeZone"),
    (Type, "Type"),
    (ModificationReference, "Modification Reference"),
    (GrossCurrency, "Gross Currency"),
    (GrossDebit, "Gross Debit (GC)"),
    (GrossCredit, "Gross Credit (GC)"),
    (ExchangeRate, "Exchange Rate"),
    (NetCurrency, "Net Currency"),
    (NetDebit, "Net Debit (NC)"),
    (NetCredit, "Net Credit (NC)"),
    (BatchNumber, "Batch Number"),
];
/// Which of them a report has is configured: blended, or interchange plus plus.
const FEES: &[(Column, &str)] =
    &[(Commission, "Commission (NC)"), (Markup, "Markup (NC)"), (SchemeFees, "Scheme Fees (NC)"), (Interchange, "Interchange (NC)")];

fn name(column: Column) -> &'static str {
    NEEDED.iter().chain(FEES).find(|(known, _)| *known == column).map_or("?", |(_, name)| name)
}

/// Where each column stands. Other columns may stand anywhere between them.
pub(super) struct Header(HashMap<Column, usize>);

impl Header {
    pub(super) fn read(header: &StringRecord) -> Result<Self, RowError> {
        let missing = |field: &str| RowError {
            line: 1,
            field: field.to_owned(),
            rule: "the header names this column",
            value: header.iter().collect::<Vec<_>>().join(","),
        };
        // A byte order mark, where a spreadsheet has saved the report again.
        let place = |name: &str| header.iter().position(|found| found.trim_start_matches('\u{feff}').trim() == name);
        let mut places = HashMap::new();
        for (column, name) in NEEDED {
            places.insert(*column, place(name).ok_or_else(|| missing(name))?);
        }
        places.extend(FEES.iter().filter_map(|(column, name)| Some((*column, place(name)?))));
        let is_whole = |columns: &[Column]| columns.iter().all(|column| places.contains_key(column));
        if is_whole(&[Commission]) || is_whole(&[Markup, SchemeFees, Interchange]) {
            Ok(Self(places))
        } else {
            Err(missing(name(Commission)))
        }
    }
}

pub(super) struct Row<'a> {
    pub(super) header: &'a Header,
    pub(super) record: &'a StringRecord,
    pub(super) line: u64,
}

impl Row<'_> {
    /// Without its id, which depends on the rows before it.
    pub(super) fn entry(&self) -> Result<GatewayEntry, RowError> {
        let kind_text = self.need(Type)?;
        let (currency, settlement_currency): (Currency, Currency) =
            (self.gross_currency()?, self.parsed(NetCurrency, "an ISO 4217 currency")?);
        let net = self.signed(NetDebit, NetCredit)?.ok_or_else(|| self.error(NetCredit, "a debit or a credit is given"))?;
        let (fee, exchange_rate) = (self.fee()?, self.decimal(ExchangeRate)?);
        // Fee and payout rows have no gross amount of their own.
        let amount = self.signed(GrossDebit, GrossCredit)?;
        self.check(amount, exchange_rate, net, fee, currency, settlement_currency)?;
        let kind = self.kind(kind_text, net);
        Ok(GatewayEntry {
            id: String::new(),
            kind,
            amount: amount.unwrap_or(net + fee),
            currency: if amount.is_some() { currency } else { settlement_currency },
            gross: net + fee,
            fee,
            net,
            settlement_currency,
            exchange_rate: exchange_rate.filter(|_| amount.is_some() && currency != settlement_currency),
            created_at: self.created_at()?,
            available_on: None,
            payout: Some(format!("{}/{}", self.need(MerchantAccount)?, self.parsed::<u64>(BatchNumber, "a number")?)),
            source: self.text(ModificationReference).map(str::to_owned),
            payment_reference: self.text(PspReference).map(str::to_owned),
            merchant_reference: self.text(MerchantReference).map(str::to_owned),
            invoice_numbers: Vec::new(),
            customer_reference: None,
            reason: matches!(kind, EntryKind::Adjustment | EntryKind::Fee | EntryKind::Reserve | EntryKind::ReserveRelease)
                .then(|| kind_text.to_owned()),
        })
    }

    fn gross_currency(&self) -> Result<Currency, RowError> {
        let column = if self.text(GrossCurrency).is_some() { GrossCurrency } else { NetCurrency };
        self.parsed(column, "an ISO 4217 currency")
    }

    /// The types of the contract (list U). One that is not known is an adjustment: its money counts whatever it is.
    fn kind(&self, written: &str, net: Decimal) -> EntryKind {
        match written {
            "Settled" => EntryKind::Charge,
            "SettledReversed" => EntryKind::Return,
            "Refunded" => EntryKind::Refund,
            "RefundedReversed" => EntryKind::RefundFailure,
            "Chargeback" if self.is_direct_debit() => EntryKind::Return,
            "Chargeback" | "SecondChargeback" => EntryKind::Dispute,
            "ChargebackReversed" => EntryKind::DisputeReversal,
            "Fee" | "InvoiceDeduction" | "PaymentCost" | "MiscCosts" => EntryKind::Fee,
            "MerchantPayout" => EntryKind::Payout,
            // The deposit is what Adyen holds back.
            "DepositCorrection" | "ReserveAdjustment" if net.is_sign_negative() => EntryKind::Reserve,
            "DepositCorrection" | "ReserveAdjustment" => EntryKind::ReserveRelease,
            _ => EntryKind::Adjustment,
        }
    }

    /// `sepadirectdebit`, `directdebit_GB`, `ach`.
    fn is_direct_debit(&self) -> bool {
        self.text(PaymentMethod).is_some_and(|method| method.contains("directdebit") || method.starts_with("ach"))
    }

    /// Commission, or markup + scheme fees + interchange, never both (contract: Fees). A cost is positive.
    fn fee(&self) -> Result<Decimal, RowError> {
        let commission = self.decimal(Commission)?.unwrap_or_default();
        let mut parts = Decimal::ZERO;
        for column in [Markup, SchemeFees, Interchange] {
            parts += self.decimal(column)?.unwrap_or_default();
        }
        if commission.is_zero() || parts.is_zero() {
            Ok(commission + parts)
        } else {
            Err(self.error(Commission, "commission, or markup with scheme fees and interchange"))
        }
    }

    /// Gross × exchange rate − fees = net (contract: Rule), to the cent where nothing was converted. A rate has limited digits, so a
    /// converted amount may differ by what half a unit of the last digit makes of it, and a cent of rounding.
    fn check(
        &self,
        amount: Option<Decimal>,
        rate: Option<Decimal>,
        net: Decimal,
        fee: Decimal,
        currency: Currency,
        settlement: Currency,
    ) -> Result<(), RowError> {
        let Some(amount) = amount else { return Ok(()) };
        let (rate, tolerance) = if currency == settlement {
            (Decimal::ONE, Decimal::ZERO)
        } else {
            let rate = rate.ok_or_else(|| self.error(ExchangeRate, "given where gross and net currency differ"))?;
            (rate, amount.abs() * Decimal::new(5, rate.scale() + 1) + Decimal::new(1, settlement.minor_units()))
        };
        let is_close = (amount * rate - fee - net).abs() <= tolerance;
        if is_close { Ok(()) } else { Err(self.error(NetCredit, "gross × exchange rate − fees = net credit − net debit")) }
    }

    /// Credit − debit; `None` when neither is written.
    fn signed(&self, debit: Column, credit: Column) -> Result<Option<Decimal>, RowError> {
        let (debit, credit) = (self.decimal(debit)?, self.decimal(credit)?);
        Ok((debit.is_some() || credit.is_some()).then(|| credit.unwrap_or_default() - debit.unwrap_or_default()))
    }

    fn created_at(&self) -> Result<DateTime<Utc>, RowError> {
        let written = self.need(CreationDate)?;
        // The second is what locale exports of public samples have [CSV].
        let local = ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M"].iter().find_map(|format| NaiveDateTime::parse_from_str(written, format).ok());
        let local = local.ok_or_else(|| self.error(CreationDate, "yyyy-MM-dd HH:mm:ss or dd/MM/yyyy HH:mm"))?;
        let zone = offset(self.need(TimeZone)?).ok_or_else(|| self.error(TimeZone, "a time zone that is known"))?;
        let time = local.and_local_timezone(zone).single();
        time.map(|time| time.to_utc()).ok_or_else(|| self.error(CreationDate, "a time that exists"))
    }

    pub(super) fn text(&self, column: Column) -> Option<&str> {
        let place = *self.header.0.get(&column)?;
        self.record.get(place).map(str::trim).filter(|text| !text.is_empty())
    }

    fn need(&self, column: Column) -> Result<&str, RowError> {
        self.text(column).ok_or_else(|| self.error(column, "not empty"))
    }

    fn parsed<T: FromStr>(&self, column: Column, rule: &'static str) -> Result<T, RowError> {
        self.need(column)?.parse().map_err(|_| self.error(column, rule))
    }

    fn decimal(&self, column: Column) -> Result<Option<Decimal>, RowError> {
        if self.text(column).is_some() { self.parsed(column, "a decimal number with a point").map(Some) } else { Ok(None) }
    }

    fn error(&self, column: Column, rule: &'static str) -> RowError {
        RowError { line: self.line, field: name(column).to_owned(), rule, value: self.text(column).unwrap_or_default().to_owned() }
    }
}

/// The zones an account can be set to, as the report abbreviates them (list U). Abbreviations that mean two places (IST, CST)
/// are not guessed.
fn offset(abbreviation: &str) -> Option<FixedOffset> {
    let hours = match abbreviation {
        "UTC" | "GMT" | "WET" => 0,
        "CET" | "BST" | "WEST" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "SGT" | "HKT" | "AWST" => 8,
        "JST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "BRT" => -3,
        "EDT" => -4,
        "EST" => -5,
        "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    FixedOffset::east_opt(hours * 3600)
}
