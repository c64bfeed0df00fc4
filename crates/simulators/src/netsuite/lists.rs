//! The account's lists: what a document may refer to.

use chrono::NaiveDate;
use rust_decimal::Decimal;

#[derive(Debug, Clone, Default)]
pub struct Lists {
    pub subsidiaries: Vec<Subsidiary>,
    pub customers: Vec<Customer>,
    pub items: Vec<Item>,
    pub accounts: Vec<Account>,
    /// Which of them is the AR control account.
    pub receivables_account: String,
    /// Of the type Bank: where payments come to.
    pub bank_accounts: Vec<Account>,
    pub tax_codes: Vec<TaxCode>,
    pub currencies: Vec<Currency>,
    pub periods: Vec<PostingPeriod>,
}

#[derive(Debug, Clone)]
pub struct Subsidiary {
    pub id: String,
    pub name: String,
    /// ISO code of the base currency.
    pub base_currency: String,
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub id: String,
    pub name: String,
    /// Subsidiaries that may invoice it; empty means all.
    pub subsidiaries: Vec<String>,
    pub inactive: bool,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct TaxCode {
    pub id: String,
    pub name: String,
    pub percent: Decimal,
}

#[derive(Debug, Clone)]
pub struct Currency {
    pub id: String,
    /// ISO code.
    pub symbol: String,
    pub decimals: u32,
}

#[derive(Debug, Clone)]
pub struct PostingPeriod {
    pub id: String,
    pub name: String,
    pub start: NaiveDate,
    pub end: NaiveDate,
    /// At the start; the ledger remembers what was opened and closed since.
    pub closed: bool,
}

impl PostingPeriod {
    /// The calendar month of a date, with the id `202610`.
    pub fn month_of(date: NaiveDate, closed: bool) -> Self {
        use chrono::{Datelike, Months};
        let start = date.with_day(1).unwrap_or(date);
        let end = start.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(start);
        Self { id: start.format("%Y%m").to_string(), name: start.format("%b %Y").to_string(), start, end, closed }
    }
}

impl Lists {
    /// Five subsidiaries, their currencies, usual tax codes, two bank accounts, and `months` open periods from that of `first` on.
    /// Customers `1001`…, items `SKU-1`… are generic; the demo company brings its own.
    pub fn standard(first: NaiveDate, months: u32, customers: u32, items: u32) -> Self {
        let subsidiary =
            |(id, name, base): &(&str, &str, &str)| Subsidiary { id: (*id).into(), name: (*name).into(), base_currency: (*base).into() };
        let currency =
            |(id, symbol, decimals): &(&str, &str, u32)| Currency { id: (*id).into(), symbol: (*symbol).into(), decimals: *decimals };
        let tax = |(id, name, percent): &(&str, &str, i64)| TaxCode {
            id: (*id).into(),
            name: (*name).into(),
            percent: Decimal::new(*percent, 2),
        };
        let account = |(id, name): &(&str, &str)| Account { id: (*id).into(), name: (*name).into() };
        Self {
            subsidiaries: [
                ("1", "Inc.", "USD"),
                ("2", "GmbH", "EUR"),
                ("3", "Ltd", "GBP"),
                ("4", "Pte. Ltd.", "SGD"),
                ("5", "K.K.", "JPY"),
            ]
            .iter()
            .map(subsidiary)
            .collect(),
            customers: (1001..1001 + customers)
                .map(|id| Customer { id: id.to_string(), name: format!("Customer {id}"), subsidiaries: Vec::new(), inactive: false })
                .collect(),
            items: (1..=items).map(|n| Item { id: n.to_string(), name: format!("SKU-{n}") }).collect(),
            receivables_account: "119".into(),
            accounts: [
                ("119", "Accounts Receivable"),
                ("220", "Deferred Revenue"),
                ("54", "Revenue: Subscriptions"),
                ("55", "Revenue: Usage"),
            ]
            .iter()
            .map(account)
            .collect(),
            bank_accounts: [("101", "Checking"), ("102", "Payment gateways")].iter().map(account).collect(),
            tax_codes: [
                ("5", "No tax", 0),
                ("6", "US-CA", 725),
                ("7", "US-NY", 888),
                ("19", "DE 19 %", 1900),
                ("20", "UK 20 %", 2000),
                ("9", "SG 9 %", 900),
                ("10", "JP 10 %", 1000),
                ("8", "Reverse charge", 0),
            ]
            .iter()
            .map(tax)
            .collect(),
            currencies: [
                ("1", "USD", 2),
                ("2", "GBP", 2),
                ("3", "CAD", 2),
                ("4", "EUR", 2),
                ("5", "SGD", 2),
                ("6", "JPY", 0),
                ("7", "CHF", 2),
            ]
            .iter()
            .map(currency)
            .collect(),
            periods: (0..months)
                .filter_map(|n| first.checked_add_months(chrono::Months::new(n)))
                .map(|date| PostingPeriod::month_of(date, false))
                .collect(),
        }
    }

    pub(super) fn currency(&self, id: &str) -> Option<&Currency> {
        self.currencies.iter().find(|c| c.id == id)
    }

    pub(super) fn period(&self, id: &str) -> Option<&PostingPeriod> {
        self.periods.iter().find(|p| p.id == id)
    }

    pub(super) fn period_of(&self, date: NaiveDate) -> Option<&PostingPeriod> {
        self.periods.iter().find(|p| p.start <= date && date <= p.end)
    }
}
