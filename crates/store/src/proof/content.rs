//! Content: every document's hash, computed anew from its row and lines.

use super::Compared;
use crate::{Conn, Result};
use domain::{
    document::{DocumentContent, DocumentLine},
    money::{Currency, Money},
    seal::{content_hash, hex, set_term},
};
use futures::TryStreamExt;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A document under the reading hand.
struct Reading {
    id: Uuid,
    name: String,
    hash: Vec<u8>,
    term: i64,
    content: std::result::Result<DocumentContent, String>,
}

/// Reads documents and lines in one ordered stream, so that memory holds one document at a time.
pub async fn content(conn: &mut Conn) -> Result<Compared> {
    let mut rows = sqlx::query!(
        r#"select d.document_id, d.kind, d.number, d.version, d.customer_code, d.customer_name, d.currency, d.amount, d.tax, d.issue_date,
            d.due_date, d.posting_date, d.period, d.applies_to, d.content_hash, d.hash_term, l.line as "line?", l.item_code as "item_code?",
            l.description as "description?", l.quantity as "quantity?", l.unit_price as "unit_price?", l.net as "net?", l.tax as "line_tax?",
            l.tax_code as "tax_code?"
        from document d left join document_line l using (document_id) order by d.document_id, l.line"#
    )
    .fetch(conn);
    let (mut reading, mut documents): (Option<Reading>, i64) = (None, 0);
    while let Some(row) = rows.try_next().await? {
        if reading.as_ref().is_none_or(|reading| reading.id != row.document_id) {
            if let Some(first) = reading.take().and_then(Reading::difference) {
                return Ok(Compared::new(Some(documents), Some(first)));
            }
            documents += 1;
            let currency = row.currency.parse::<Currency>();
            let content = currency.map_err(|error| error.to_string()).and_then(|currency| {
                Ok(DocumentContent {
                    kind: row.kind.parse().map_err(|error: domain::UnknownWord| error.to_string())?,
                    number: row.number.clone(),
                    version: row.version,
                    customer_code: row.customer_code,
                    customer_name: row.customer_name,
                    currency,
                    amount: money(row.amount, currency)?,
                    tax: money(row.tax, currency)?,
                    issue_date: row.issue_date,
                    due_date: row.due_date,
                    posting_date: row.posting_date,
                    period: row.period.parse().map_err(|error: domain::period::BadPeriod| error.to_string())?,
                    applies_to: row.applies_to,
                    lines: Vec::new(),
                })
            });
            let name = format!("{} {} v{} ({})", row.kind, row.number, row.version, row.document_id);
            reading = Some(Reading { id: row.document_id, name, hash: row.content_hash, term: row.hash_term, content });
        }
        let line = (row.line, row.item_code, row.description, row.quantity, row.unit_price, row.net, row.line_tax, row.tax_code);
        if let (
            Some(reading),
            (Some(ordinal), Some(item), Some(description), Some(quantity), Some(price), Some(net), Some(tax), Some(code)),
        ) = (&mut reading, line)
        {
            reading.line(ordinal, DocumentLine { item_code: item, description, quantity, unit_price: price, net, tax, tax_code: code });
        }
    }
    let first = reading.take().and_then(Reading::difference);
    Ok(Compared::new(Some(documents), first))
}

impl Reading {
    fn line(&mut self, ordinal: i32, line: DocumentLine) {
        let Ok(content) = &mut self.content else { return };
        let expected = i32::try_from(content.lines.len() + 1).unwrap_or(i32::MAX);
        let problem = if ordinal == expected {
            money(line.net, content.currency).and(money(line.tax, content.currency)).err()
        } else {
            Some(format!("line {expected} is missing"))
        };
        match problem {
            Some(problem) => self.content = Err(problem),
            None => content.lines.push(line),
        }
    }

    fn difference(self) -> Option<String> {
        let name = self.name;
        match self.content {
            Err(problem) => Some(format!("{name}: {problem}")),
            Ok(content) => {
                let hash = content_hash(&content);
                if self.hash != hash {
                    return Some(format!("{name}: its content hashes to {}, it came in with {}", hex(&hash), hex(&self.hash)));
                }
                (self.term != set_term(&hash)).then(|| format!("{name}: its hash term is {}, not {}", self.term, set_term(&hash)))
            }
        }
    }
}

/// An amount that its currency can carry; hidden decimals are a change.
fn money(amount: Decimal, currency: Currency) -> std::result::Result<Decimal, String> {
    Money::new(amount, currency).map(Money::amount).map_err(|error| error.to_string())
}
