//! A documented small subset of SuiteQL; everything else is `INVALID_REQUEST`.
//!
//! ```text
//! SELECT column AS name, … FROM <ar lines> WHERE condition AND … ORDER BY tl.uniquekey
//! SELECT column AS name, COUNT(*) AS name, SUM(column) AS name, MAX(column) AS name, … FROM <ar lines> WHERE condition AND … GROUP BY column, …
//! ```
//!
//! `<ar lines>` is the one join of [`FROM`]; a column is `alias.name` or `TO_CHAR(alias.name, 'YYYY-MM-DD')`; a condition
//! is `column = | > | >= | < | <= literal` or `column IN (literal, …)`; a literal is a number, a text, or
//! `TO_DATE('…', 'YYYY-MM-DD')`. `a.accttype = 'AcctRec'` must be among the conditions, and the order is by the unique
//! line key, because pages in any other order repeat and miss rows [H:section_157909186990].
//! Table and column names are U: check them in the Records Catalog.

mod parse;

use super::{
    On, State,
    error::Refusal,
    ledger::{ArLine, Document, RecordType},
    lists::Lists,
    lock, record, serve,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Query, State as Shared},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use parse::{Column, Literal, Select, Shown};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Lines on AR accounts with their transaction, period and currency.
const FROM: &str = "transactionline tl \
INNER JOIN transaction t ON t.id = tl.transaction \
INNER JOIN transactionaccountingline tal ON tal.transaction = tl.transaction AND tal.transactionline = tl.id \
INNER JOIN account a ON a.id = tal.account \
INNER JOIN accountingperiod p ON p.id = t.postingperiod \
INNER JOIN currency c ON c.id = t.currency";

/// Rows per page, at most [H:section_157909186990].
const LIMIT_MAX: usize = 1000;

#[derive(Deserialize, Clone, Copy)]
pub(super) struct PageQuery {
    limit: Option<usize>,
    offset: Option<usize>,
}

pub(super) async fn query(Shared(state): Shared<Arc<State>>, Query(page): Query<PageQuery>, headers: HeaderMap, body: Bytes) -> Response {
    let transient = headers.get("prefer").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"transient"));
    let shared = state.clone();
    let work: serve::Work = Arc::new(move || {
        let (state, body) = (shared.clone(), body.clone());
        Box::pin(async move {
            let answer =
                if transient { answer(&state, &body, page) } else { Err(Refusal::request("The Prefer header must be transient.")) };
            match (answer, record::settle(&state).await) {
                (Ok(page), Ok(())) => Json(page).into_response(),
                (Err(refusal), _) | (_, Err(refusal)) => refusal.into_response(),
            }
        })
    });
    serve::run(&state, &headers, On::Read, work).await
}

/// The page as JSON: `count, hasMore, items, offset, totalResults, links` [B].
fn answer(state: &State, body: &[u8], page: PageQuery) -> Result<Value, Refusal> {
    let text = serde_json::from_slice::<Value>(body).ok().and_then(|body| body["q"].as_str().map(str::to_owned));
    let select = parse::select(&text.ok_or_else(|| Refusal::request("The body has no text q."))?)?;
    let (limit, offset) = (page.limit.unwrap_or(LIMIT_MAX), page.offset.unwrap_or(0));
    if limit == 0 || limit > LIMIT_MAX || offset % limit != 0 {
        return Err(Refusal::request("limit is 1 to 1000 and offset a multiple of it."));
    }
    let ledger = lock(&state.ledger);
    let lists = &state.config.lists;
    let row = |(document, line)| Row { document, line, lists };
    let matching: Vec<Row<'_>> = match external_ids(&select) {
        Some(external_ids) => {
            let found = RecordType::ALL.iter().flat_map(|t| external_ids.iter().filter_map(|id| ledger.by_external_id(*t, id)));
            let mut rows: Vec<Row<'_>> = found.flat_map(|document| document.ar.iter().map(move |line| row((document, line)))).collect();
            rows.retain(|row| select.conditions.iter().all(|c| row.keeps(c)));
            rows.sort_by_key(|row| row.line.unique_key);
            rows
        }
        None => ledger.ar_after(after(&select)).map(row).filter(|row| select.conditions.iter().all(|c| row.keeps(c))).collect(),
    };
    let results = groups(&select, matching);
    let items: Vec<Value> = results.iter().skip(offset).take(limit).map(|rows| shown(&select, rows)).collect();
    Ok(json!({
        "links": [], "count": items.len(), "hasMore": offset + items.len() < results.len(), "items": items,
        "offset": offset, "totalResults": results.len(),
    }))
}

/// The rows of each result: its group's, or one.
fn groups<'a>(select: &Select, matching: Vec<Row<'a>>) -> Vec<Vec<Row<'a>>> {
    if select.group.is_empty() {
        return matching.into_iter().map(|row| vec![row]).collect();
    }
    let mut groups: BTreeMap<Vec<String>, Vec<Row<'a>>> = BTreeMap::new();
    for row in matching {
        let key = select.group.iter().map(|column| row.cell(*column).text().unwrap_or_default()).collect();
        groups.entry(key).or_default().push(row);
    }
    groups.into_values().collect()
}

/// Values are texts, and what is null is left out (U).
fn shown(select: &Select, rows: &[Row<'_>]) -> Value {
    let numbers = |column| rows.iter().filter_map(move |row| if let Cell::Number(number) = row.cell(column) { Some(number) } else { None });
    let mut shown = Map::new();
    for (what, name) in &select.columns {
        let text = match what {
            Shown::Column(column) => rows.first().and_then(|row| row.cell(*column).text()),
            Shown::Count => Some(rows.len().to_string()),
            Shown::Sum(column) => Some(numbers(*column).sum::<Decimal>().to_string()),
            Shown::Max(column) => numbers(*column).max().map(|number| number.to_string()),
        };
        if let Some(text) = text {
            shown.insert(name.clone(), text.into());
        }
    }
    Value::Object(shown)
}

/// The list of `t.externalid IN (…)`: looked up, not searched for.
fn external_ids(select: &Select) -> Option<Vec<String>> {
    let condition = select.conditions.iter().find(|c| c.column == Column::ExternalId && c.comparison == parse::Comparison::In)?;
    Some(
        condition.literals.iter().filter_map(|literal| if let Literal::Text(text) = literal { Some(text.clone()) } else { None }).collect(),
    )
}

/// The bound of `tl.uniquekey > n`: where the page starts.
fn after(select: &Select) -> u64 {
    let bound = select.conditions.iter().find(|c| c.column == Column::UniqueKey && c.comparison == parse::Comparison::Greater);
    bound.and_then(|c| if let Some(Literal::Number(number)) = c.literals.first() { u64::try_from(*number).ok() } else { None }).unwrap_or(0)
}

struct Row<'a> {
    document: &'a Document,
    line: &'a ArLine,
    lists: &'a Lists,
}

#[derive(PartialEq, PartialOrd)]
enum Cell {
    Null,
    Text(String),
    Number(Decimal),
    Date(NaiveDate),
}

impl Cell {
    fn text(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number.to_string()),
            Self::Date(date) => Some(date.to_string()),
        }
    }
}

impl Row<'_> {
    fn cell(&self, column: Column) -> Cell {
        let flag = |set: bool| Cell::Text(if set { "T" } else { "F" }.into());
        let text = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()));
        let id = |text: &str| text.parse().map_or_else(|_| Cell::Text(text.to_owned()), Cell::Number);
        let document = self.document;
        let period = self.lists.period(&document.posting_period);
        match column {
            Column::Id => Cell::Number(document.id.into()),
            Column::TranId => Cell::Text(document.tran_id.clone()),
            Column::ExternalId => text(document.external_id.as_deref()),
            Column::Type => text(Some(document.record_type.query_type())),
            // A journal names its customers on its lines (U).
            Column::Entity if document.record_type == RecordType::JournalEntry => Cell::Null,
            Column::Entity => document.entity.as_deref().map_or(Cell::Null, id),
            Column::TranDate => Cell::Date(document.tran_date),
            Column::DueDate => document.due_date.map_or(Cell::Null, Cell::Date),
            Column::LastModified => Cell::Text(document.last_modified.format("%Y-%m-%d %H:%M:%S").to_string()),
            Column::Voided => flag(document.voided),
            Column::Posting => flag(true),
            Column::TaxTotal => {
                if matches!(document.record_type, RecordType::Invoice | RecordType::CreditMemo) {
                    Cell::Number(document.tax_total)
                } else {
                    Cell::Null
                }
            }
            Column::Subsidiary => id(&document.subsidiary),
            Column::UniqueKey => Cell::Number(self.line.unique_key.into()),
            Column::ForeignAmount => Cell::Number(self.line.amount),
            Column::Symbol => text(self.lists.currency(&document.currency).map(|c| c.symbol.as_str())),
            Column::PeriodStart => period.map_or(Cell::Null, |p| Cell::Date(p.start)),
            Column::PeriodEnd => period.map_or(Cell::Null, |p| Cell::Date(p.end)),
            Column::AccountType => Cell::Text("AcctRec".into()),
        }
    }

    fn keeps(&self, condition: &parse::Condition) -> bool {
        let cell = self.cell(condition.column);
        condition.literals.iter().any(|literal| {
            let literal = match literal {
                // External ids are case-insensitive [H:section_N3433806]; the index has decided already.
                Literal::Text(_) if condition.column == Column::ExternalId && condition.comparison == parse::Comparison::In => return true,
                Literal::Text(text) => Cell::Text(text.clone()),
                Literal::Number(number) => Cell::Number(*number),
                Literal::Date(date) => Cell::Date(*date),
            };
            // Different kinds never compare; SQL's null is neither equal nor greater.
            std::mem::discriminant(&cell) == std::mem::discriminant(&literal)
                && cell.partial_cmp(&literal).is_some_and(|order| condition.comparison.holds(order))
        })
    }
}
