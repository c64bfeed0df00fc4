//! The exception queue as a file: the rows of the screen in its order, all that match, with totals per currency and kind. CSV is streamed;
//! a workbook is written row by row into a temporary file, so neither holds more than a page of rows.

use super::{EXPORT_PAGE, safe};
use crate::http::AppState;
use anyhow::Context as _;
use app::api::{
    ApiError,
    exceptions::{ExceptionQuery, matching, place},
};
use axum::{
    Extension,
    body::Body,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    access::{Action, Caller, Scope},
    stage::DocumentKind,
    view::ExceptionRow,
};
use futures::{StreamExt, stream};
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet, XlsxError};
use std::{collections::BTreeMap, io::Seek};
use tokio_util::io::ReaderStream;

const COLUMNS: [&str; 14] = [
    "exception_id",
    "number",
    "kind",
    "customer",
    "entity",
    "connection",
    "period",
    "currency",
    "amount",
    "cause",
    "message",
    "opened_at",
    "owner",
    "stage",
];
/// Where kind, currency and amount stand.
const KIND: u16 = 2;
const CURRENCY: u16 = 7;
const AMOUNT: u16 = 8;
/// A sheet ends at 1,048,576 rows.
const SHEET_ROWS_MAX: u32 = 1_000_000;

/// Texts and amount of a row, in the order of the columns.
fn cells(row: &ExceptionRow) -> [String; 14] {
    [
        row.exception_id.to_string(),
        row.number.clone(),
        row.document_kind.to_string(),
        row.customer_name.clone(),
        row.entity_code.clone(),
        row.connection_code.clone().unwrap_or_default(),
        row.period.to_string(),
        row.currency.clone(),
        row.amount.to_string(),
        row.kind.to_string(),
        row.message.clone(),
        row.opened_at.to_rfc3339(),
        row.owner.clone().unwrap_or_default(),
        row.stage.to_string(),
    ]
}

/// Count and amount per currency and kind: an invoice and a credit memo stand on two sides and are not added.
type Totals = BTreeMap<(String, DocumentKind), (u64, Decimal)>;

fn add(totals: &mut Totals, rows: &[ExceptionRow]) {
    for row in rows {
        let (count, amount) = totals.entry((row.currency.clone(), row.document_kind)).or_default();
        (*count, *amount) = (*count + 1, *amount + row.amount);
    }
}

/// Reads the queue page by page.
struct Reader {
    state: AppState,
    scope: Scope,
    query: ExceptionQuery,
    next: Option<Vec<ExceptionRow>>,
}

impl Reader {
    /// Begins at the first row, whatever place the screen stands at. The first page decides the status: a filter that can't be
    /// read is an answer, not a broken file.
    async fn open(state: AppState, caller: &Caller, mut query: ExceptionQuery) -> Result<Self, ApiError> {
        let scope = caller.scope(Action::ReadFinance);
        if scope.is_empty() {
            return Err(ApiError::Forbidden);
        }
        query.after = None;
        let rows = matching(&state.context, &scope, &query, EXPORT_PAGE).await?;
        Ok(Self { state, scope, query, next: Some(rows) })
    }

    async fn page(&mut self) -> anyhow::Result<Option<Vec<ExceptionRow>>> {
        let Some(rows) = self.next.take() else { return Ok(None) };
        if i64::try_from(rows.len())? == EXPORT_PAGE {
            self.query.after = rows.last().map(place);
            self.next = Some(matching(&self.state.context, &self.scope, &self.query, EXPORT_PAGE).await?);
        }
        Ok(Some(rows))
    }
}

fn refused(error: &ApiError) -> Response {
    (StatusCode::from_u16(error.status()).unwrap_or_default(), error.to_string()).into_response()
}

pub async fn csv(State(state): State<AppState>, Extension(caller): Extension<Caller>, Query(query): Query<ExceptionQuery>) -> Response {
    let reader = match Reader::open(state, &caller, query).await {
        Ok(reader) => reader,
        Err(error) => return refused(&error),
    };
    let head = COLUMNS.join(",") + "\r\n";
    let pages = stream::try_unfold(Some((reader, Totals::new())), async |going| {
        let Some((mut reader, mut totals)) = going else { return anyhow::Ok(None) };
        match reader.page().await? {
            Some(rows) => {
                add(&mut totals, &rows);
                Ok(Some((rows_csv(&rows)?, Some((reader, totals)))))
            }
            None => Ok(Some((totals_csv(&totals)?, None))),
        }
    });
    let body = Body::from_stream(stream::once(async { anyhow::Ok(head) }).chain(pages));
    file("text/csv; charset=utf-8", "exceptions.csv", body)
}

fn file(kind: &'static str, name: &str, body: Body) -> Response {
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename={name}"))];
    (headers, body).into_response()
}

fn written(records: impl Iterator<Item = Vec<String>>) -> anyhow::Result<String> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        out.write_record(record)?;
    }
    String::from_utf8(out.into_inner().context("csv")?).context("csv")
}

/// An amount is a number, whatever its sign; every other cell is text that a spreadsheet must not run.
fn rows_csv(rows: &[ExceptionRow]) -> anyhow::Result<String> {
    let guarded = |(column, cell): (usize, String)| if column == usize::from(AMOUNT) { cell } else { safe(&cell) };
    written(rows.iter().map(|row| cells(row).into_iter().enumerate().map(guarded).collect()))
}

/// One line per currency and kind under the rows, marked as such in the first column.
fn totals_csv(totals: &Totals) -> anyhow::Result<String> {
    written(totals.iter().map(|((currency, kind), (count, amount))| {
        let mut record = vec![String::new(); COLUMNS.len()];
        record[0] = "total".into();
        record[1] = format!("{count} exceptions");
        record[usize::from(KIND)] = kind.to_string();
        record[usize::from(CURRENCY)].clone_from(currency);
        record[usize::from(AMOUNT)] = amount.to_string();
        record
    }))
}

pub async fn xlsx(State(state): State<AppState>, Extension(caller): Extension<Caller>, Query(query): Query<ExceptionQuery>) -> Response {
    let cover = Cover { filter: filter_words(&query), as_of: state.context.clock.now(), by: caller.email.clone() };
    let reader = match Reader::open(state, &caller, query).await {
        Ok(reader) => reader,
        Err(error) => return refused(&error),
    };
    match workbook(reader, cover).await {
        Ok(Some(body)) => file("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "exceptions.xlsx", body),
        Ok(None) => (StatusCode::UNPROCESSABLE_ENTITY, "More rows than a sheet holds: narrow the filter, or take the CSV.").into_response(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "exception export failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What the file says of itself.
struct Cover {
    filter: String,
    as_of: DateTime<Utc>,
    by: String,
}

fn filter_words(query: &ExceptionQuery) -> String {
    let pairs: Vec<String> = query.pairs().into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
    if pairs.is_empty() { "none".to_owned() } else { pairs.join("; ") }
}

/// `None`: it does not fit a sheet.
async fn workbook(mut reader: Reader, cover: Cover) -> anyhow::Result<Option<Body>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    begin(sheet)?;
    let (mut row, mut totals) = (1_u32, Totals::new());
    while let Some(rows) = reader.page().await? {
        for found in &rows {
            if row > SHEET_ROWS_MAX {
                return Ok(None);
            }
            write(sheet, row, found)?;
            row += 1;
        }
        add(&mut totals, &rows);
    }
    finish(sheet, row, &totals)?;
    describe(book.add_worksheet(), &cover, &totals)?;
    let saved = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::tempfile()?;
        book.save_to_writer(&mut file)?;
        file.rewind()?;
        anyhow::Ok(file)
    });
    let file = tokio::fs::File::from_std(saved.await.context("the writer stopped")??);
    Ok(Some(Body::from_stream(ReaderStream::new(file))))
}

fn begin(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.set_name("Exceptions")?.set_freeze_panes(1, 2)?;
    for (column, width) in (0..).zip([38, 18, 12, 28, 8, 16, 10, 9, 16, 12, 50, 20, 26, 12]) {
        sheet.set_column_width(column, width)?;
    }
    let bold = Format::new().set_bold();
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, name, &bold)?;
    }
    Ok(())
}

/// Text is written as text, never read as a formula; amounts and times are what they are.
fn write(sheet: &mut Worksheet, row: u32, found: &ExceptionRow) -> Result<(), XlsxError> {
    let (money, time) = (Format::new().set_num_format("#,##0.00##;(#,##0.00##)"), Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"));
    for (column, cell) in (0..).zip(cells(found)) {
        match column {
            AMOUNT => sheet.write_with_format(row, column, found.amount, &money)?,
            11 => sheet.write_datetime_with_format(row, column, found.opened_at.naive_utc(), &time)?,
            _ => sheet.write_string(row, column, cell)?,
        };
    }
    Ok(())
}

/// Totals per currency and kind as formulas over the rows, with what they come to for whoever does not calculate.
fn finish(sheet: &mut Worksheet, end: u32, totals: &Totals) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_num_format("#,##0.00##;(#,##0.00##)");
    for (row, ((currency, kind), (count, amount))) in (end + 1..).zip(totals) {
        sheet.write_string_with_format(row, 1, format!("Total of {count} exceptions"), &bold)?;
        sheet.write_string_with_format(row, KIND, kind.as_str(), &bold)?;
        sheet.write_string_with_format(row, CURRENCY, currency, &bold)?;
        let sums = format!("=SUMIFS(I2:I{end},H2:H{end},H{here},C2:C{end},C{here})", here = row + 1);
        let formula = Formula::new(sums).set_result(amount.to_string());
        sheet.write_formula_with_format(row, AMOUNT, formula, &bold)?;
    }
    Ok(())
}

fn describe(sheet: &mut Worksheet, cover: &Cover, totals: &Totals) -> Result<(), XlsxError> {
    sheet.set_name("About")?.set_column_width(0, 18)?.set_column_width(1, 60)?;
    let facts = [
        ("What", "Open exceptions, oldest first".to_owned()),
        ("Filter", cover.filter.clone()),
        ("As of (UTC)", cover.as_of.format("%Y-%m-%d %H:%M:%S").to_string()),
        ("Made for", cover.by.clone()),
        ("Rows", totals.values().map(|(count, _)| count).sum::<u64>().to_string()),
    ];
    let sums = totals
        .iter()
        .map(|((currency, kind), (count, amount))| ("Control total", format!("{amount} {currency} in {count} of kind {kind}")));
    for (row, (name, value)) in (0..).zip(facts.into_iter().chain(sums)) {
        sheet.write_string(row, 0, name)?;
        sheet.write_string(row, 1, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use DocumentKind::{CreditMemo, Invoice};
    use domain::{
        exception::ExceptionKind,
        id::{DocumentId, ExceptionId},
        period::AccountingPeriod,
        stage::Stage,
    };
    use std::io::Read;

    fn row(kind: DocumentKind, currency: &str, amount: &str, message: &str) -> ExceptionRow {
        ExceptionRow {
            exception_id: ExceptionId(uuid::Uuid::nil()),
            document_id: DocumentId(uuid::Uuid::nil()),
            number: "I-1".into(),
            document_kind: kind,
            customer_name: "=cmd()".into(),
            entity_code: "DE".into(),
            connection_code: None,
            currency: currency.into(),
            amount: amount.parse().unwrap(),
            period: AccountingPeriod::new(2026, 10).unwrap(),
            kind: ExceptionKind::Tax,
            fingerprint: "f".into(),
            message: message.into(),
            opened_at: DateTime::UNIX_EPOCH,
            due_at: None,
            owner: None,
            stage: Stage::Exception,
        }
    }

    #[test]
    fn an_amount_is_a_number_and_a_text_is_no_formula() {
        let line = rows_csv(&[row(Invoice, "EUR", "10.50", "-1 off")]).unwrap();
        assert!(line.contains(",EUR,10.50,tax,'-1 off,") && line.contains(",'=cmd(),"), "{line}");
    }

    #[test]
    fn totals_are_per_currency_and_kind_and_hold_every_page() {
        let mut totals = Totals::new();
        add(&mut totals, &[row(Invoice, "EUR", "10", ""), row(Invoice, "JPY", "5", ""), row(CreditMemo, "EUR", "4", "")]);
        add(&mut totals, &[row(Invoice, "EUR", "0.5", "")]);
        let lines = totals_csv(&totals).unwrap();
        assert_eq!(
            lines.lines().collect::<Vec<_>>(),
            [
                "total,2 exceptions,invoice,,,,,EUR,10.5,,,,,",
                "total,1 exceptions,credit_memo,,,,,EUR,4,,,,,",
                "total,1 exceptions,invoice,,,,,JPY,5,,,,,"
            ]
        );
    }

    /// A part of a workbook, as it stands in the file.
    fn part(book: &[u8], name: &str) -> String {
        let mut text = String::new();
        zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_workbook_adds_up_each_kind_by_itself_and_says_what_it_comes_to() {
        let rows = [row(Invoice, "EUR", "10.50", "=1+1"), row(CreditMemo, "EUR", "4", "")];
        let mut totals = Totals::new();
        add(&mut totals, &rows);
        let mut book = Workbook::new();
        let sheet = book.add_worksheet_with_constant_memory().unwrap();
        begin(sheet).unwrap();
        for (at, found) in (1..).zip(&rows) {
            write(sheet, at, found).unwrap();
        }
        finish(sheet, 3, &totals).unwrap();
        let cover = Cover { filter: "none".into(), as_of: DateTime::UNIX_EPOCH, by: "ann@lumen.example".into() };
        describe(book.add_worksheet(), &cover, &totals).unwrap();
        let bytes = book.save_to_buffer().unwrap();
        let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
        for cell in ["<f>SUMIFS(I2:I3,H2:H3,H5,C2:C3,C5)</f><v>10.50</v>", "<f>SUMIFS(I2:I3,H2:H3,H6,C2:C3,C6)</f><v>4</v>"] {
            assert!(sheet.contains(cell), "{cell} in {sheet}");
        }
        assert!(!sheet.contains("<f>1+1</f>"), "a message is text: {sheet}");
        let about = part(&bytes, "xl/sharedStrings.xml");
        assert!(about.contains("10.50 EUR in 1 of kind invoice") && about.contains("4 EUR in 1 of kind credit_memo"), "{about}");
    }
}
