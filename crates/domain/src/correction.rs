//! Corrections of what the ERP holds already: never a change of the document, always new documents against it. Which of them are
//! possible follows from where the document stands and from its periods; what they do to the books is shown before anybody asks
//! for them. A void is only possible before issue, and what was imported was issued at its source.

use crate::{
    document::DocumentContent,
    period::{AccountingPeriod, PeriodState},
    stage::{DocumentKind, Side, Stage},
    text_enum::text_enum,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What people can have done about a posted document.
    pub enum Correction {
        /// The opposite document in the same period, so that the period nets to nothing.
        Reverse = "reverse",
        /// A credit memo over the whole invoice, dated today.
        Credit = "credit",
        /// The same, and the invoice once more under a new number, with today's mappings.
        Repost = "repost",
        /// Taken back as if it had never been.
        Void = "void",
    }
}

impl Correction {
    pub fn label(self) -> &'static str {
        match self {
            Self::Reverse => "Reverse",
            Self::Credit => "Credit",
            Self::Repost => "Credit and re-post",
            Self::Void => "Void",
        }
    }

    pub fn purpose(self) -> &'static str {
        match self {
            Self::Reverse => "The opposite document in the same accounting period: the period nets to nothing.",
            Self::Credit => "A credit memo over the whole invoice, in the period of today.",
            Self::Repost => "A credit memo over the whole invoice, and the invoice again under a new number with the mappings of today.",
            Self::Void => "Taken back as if it had never been.",
        }
    }
}

/// A correction as it is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionView {
    pub correction: Correction,
    /// Why it is not possible; `None`: it is.
    pub refusal: Option<String>,
    pub effects: Vec<Effect>,
}

/// What decides about corrections of a document.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    pub content: &'a DocumentContent,
    pub stage: Stage,
    /// The ERP holds it posted, as far as it was read back; `None`: not read back yet.
    pub in_erp: Option<bool>,
    /// A live credit memo that applies to it.
    pub credited_by: Option<String>,
    pub period: PeriodState,
    pub today: NaiveDate,
    /// Of the period of today.
    pub current: PeriodState,
}

impl Standing<'_> {
    /// Why a correction is not possible; `None`: it is.
    pub fn refusal(&self, correction: Correction) -> Option<String> {
        let content = self.content;
        if correction == Correction::Void {
            return Some("It was issued; a void is only possible before issue.".to_owned());
        }
        match (self.stage, self.in_erp) {
            (Stage::Confirmed | Stage::Posted, None | Some(true)) | (Stage::Mismatch, Some(true)) => {}
            (Stage::Confirmed | Stage::Posted | Stage::Mismatch, _) => {
                return Some("The ERP does not hold it any more: there is nothing to correct there.".to_owned());
            }
            _ => return Some(format!("It is {}; only what the ERP holds is corrected.", self.stage)),
        }
        if let Some(number) = &self.credited_by {
            return Some(format!("{number} credits it already; the rest is credited at the source."));
        }
        match correction {
            Correction::Reverse if self.period != PeriodState::Open => Some(format!("Its period {} is closed: credit it.", content.period)),
            _ if !matches!(content.kind, DocumentKind::Invoice | DocumentKind::CreditMemo) => {
                Some(format!("A {} is taken back where cash is applied.", content.kind.label().to_lowercase()))
            }
            Correction::Credit | Correction::Repost if content.kind == DocumentKind::CreditMemo => {
                Some("A credit memo is reversed, not credited.".to_owned())
            }
            Correction::Credit | Correction::Repost if self.current == PeriodState::HardClosed => {
                Some(format!("The period {} of today is closed.", AccountingPeriod::of(self.today)))
            }
            _ => None,
        }
    }

    /// The documents that a correction makes, in the order in which they go to the ERP.
    pub fn documents(&self, correction: Correction) -> Vec<DocumentContent> {
        let number = &self.content.number;
        match correction {
            Correction::Reverse => vec![opposite(self.content, format!("{number}-RV"), self.content.posting_date)],
            Correction::Credit => vec![opposite(self.content, format!("{number}-CR"), self.today)],
            Correction::Repost => {
                let again = dated(self.content, format!("{number}-R"), self.today);
                vec![opposite(self.content, format!("{number}-CR"), self.today), again]
            }
            Correction::Void => Vec::new(),
        }
    }
}

fn opposite(content: &DocumentContent, number: String, date: NaiveDate) -> DocumentContent {
    let (kind, applies_to) = if content.kind == DocumentKind::Invoice {
        (DocumentKind::CreditMemo, Some(content.number.clone()))
    } else {
        (DocumentKind::Invoice, None)
    };
    DocumentContent { kind, applies_to, ..dated(content, number, date) }
}

/// The same content under another number and date; as many days to pay as before.
fn dated(content: &DocumentContent, number: String, date: NaiveDate) -> DocumentContent {
    DocumentContent {
        number,
        version: 1,
        issue_date: date,
        posting_date: date,
        due_date: date + (content.due_date - content.issue_date),
        period: AccountingPeriod::of(date),
        ..content.clone()
    }
}

/// One line of what a document does to the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub number: String,
    pub period: AccountingPeriod,
    pub account: String,
    pub side: Side,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// What a document does to the books: receivables against revenue per account and tax. `account_of` names an item's revenue account.
pub fn effect(document: &DocumentContent, account_of: impl Fn(&str) -> Option<String>) -> Vec<Effect> {
    let Some(ar) = document.kind.side() else { return Vec::new() };
    let against = if ar == Side::Debit { Side::Credit } else { Side::Debit };
    let line = |account: String, side, amount| Effect { number: document.number.clone(), period: document.period, account, side, amount };
    let mut lines = vec![line("Accounts receivable".to_owned(), ar, document.amount)];
    for sold in &document.lines {
        let account = match account_of(&sold.item_code) {
            Some(account) => format!("Revenue {account}"),
            None => format!("Revenue of {}, not mapped", sold.item_code),
        };
        match lines.iter_mut().find(|line| line.account == account) {
            Some(line) => line.amount += sold.net,
            None => lines.push(line(account, against, sold.net)),
        }
    }
    if !document.tax.is_zero() {
        lines.push(line("Tax payable".to_owned(), against, document.tax));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document::DocumentLine, money::Currency};

    fn invoice() -> DocumentContent {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let line = |item: &str, net: i64, tax: i64| DocumentLine {
            item_code: item.into(),
            description: String::new(),
            quantity: 1.into(),
            unit_price: net.into(),
            net: net.into(),
            tax: tax.into(),
            tax_code: "S".into(),
        };
        DocumentContent {
            kind: DocumentKind::Invoice,
            number: "INV-1".into(),
            version: 2,
            customer_code: "C-1".into(),
            customer_name: "Acme".into(),
            currency: Currency::USD,
            amount: 330.into(),
            tax: 30.into(),
            issue_date: day("2026-10-30"),
            due_date: day("2026-11-29"),
            posting_date: day("2026-10-30"),
            period: "2026-10".parse().unwrap(),
            applies_to: None,
            lines: vec![line("API", 100, 10), line("SEAT", 150, 15), line("API", 50, 5)],
        }
    }

    fn standing(content: &DocumentContent) -> Standing<'_> {
        let (period, current) = (PeriodState::Open, PeriodState::Open);
        let today = "2026-11-21".parse().unwrap();
        Standing { content, stage: Stage::Confirmed, in_erp: Some(true), credited_by: None, period, today, current }
    }

    #[test]
    fn what_is_possible_follows_from_stage_kind_and_periods() {
        let invoice = invoice();
        let open = standing(&invoice);
        for possible in [Correction::Reverse, Correction::Credit, Correction::Repost] {
            assert_eq!(open.refusal(possible), None, "{possible}");
        }
        assert!(open.refusal(Correction::Void).unwrap().contains("before issue"));
        let closed = Standing { period: PeriodState::SoftClosed, ..open.clone() };
        assert!(closed.refusal(Correction::Reverse).unwrap().contains("2026-10 is closed"));
        assert_eq!(closed.refusal(Correction::Credit), None);
        let gone = Standing { stage: Stage::Mismatch, in_erp: Some(false), ..open.clone() };
        assert!(gone.refusal(Correction::Credit).unwrap().contains("does not hold it"));
        for stage in [Stage::Exception, Stage::Unknown, Stage::Queued, Stage::Resolved] {
            assert!(Standing { stage, ..open.clone() }.refusal(Correction::Credit).is_some(), "{stage}");
        }
        let credited = Standing { credited_by: Some("CM-7".into()), ..open };
        assert!(credited.refusal(Correction::Repost).unwrap().starts_with("CM-7"));
        let memo = DocumentContent { kind: DocumentKind::CreditMemo, ..invoice };
        assert!(standing(&memo).refusal(Correction::Credit).is_some());
        assert_eq!(standing(&memo).refusal(Correction::Reverse), None);
    }

    #[test]
    fn a_reversal_nets_its_period_to_nothing_and_a_credit_falls_into_the_period_of_today() {
        let invoice = invoice();
        let accounts = |item: &str| (item == "API").then(|| "4000".to_owned());
        let reversal = standing(&invoice).documents(Correction::Reverse).remove(0);
        assert_eq!((reversal.period, reversal.applies_to.as_deref()), (invoice.period, Some("INV-1")));
        let mut net: std::collections::BTreeMap<String, Decimal> = std::collections::BTreeMap::new();
        for line in effect(&invoice, accounts).into_iter().chain(effect(&reversal, accounts)) {
            *net.entry(line.account).or_default() += if line.side == Side::Debit { line.amount } else { -line.amount };
        }
        assert!(net.values().all(Decimal::is_zero) && net.len() == 4, "{net:?}");
        let credit = standing(&invoice).documents(Correction::Credit).remove(0);
        assert_eq!((credit.period.to_string().as_str(), credit.due_date.to_string().as_str()), ("2026-11", "2026-12-21"));
    }

    #[test]
    fn every_document_debits_as_much_as_it_credits() {
        let invoice = invoice();
        for document in standing(&invoice).documents(Correction::Repost) {
            let lines = effect(&document, |_| None);
            let of = |side| lines.iter().filter(|line| line.side == side).map(|line| line.amount).sum::<Decimal>();
            assert_eq!(of(Side::Debit), of(Side::Credit), "{}", document.number);
            assert_eq!(lines.iter().find(|line| line.account.contains("API")).unwrap().amount, Decimal::from(150), "one line an account");
        }
    }
}
