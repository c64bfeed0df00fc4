//! The first reading of a statement file: does all of it read, and what does each statement come to? Nothing is written.

use chrono::NaiveDate;
use domain::seal::{Canonical, Hash};
use rust_decimal::Decimal;
use statements::{Event, Format, Line, LineStatus, Proof, ReadError, Reader, RemarkKind, StatementFoot, StatementHead};

/// One statement without its lines.
#[derive(Debug)]
pub struct Surveyed {
    pub head: StatementHead,
    pub foot: StatementFoot,
    pub line_count: i32,
    pub credits: Decimal,
    pub debits: Decimal,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub content_hash: Hash,
    /// Totals of the file that do not hold.
    pub controls: Vec<String>,
}

impl Surveyed {
    pub fn difference(&self) -> Option<Decimal> {
        match self.foot.proof {
            Proof::Balanced => Some(Decimal::ZERO),
            Proof::Off(difference) => Some(difference),
            Proof::CurrenciesDiffer | Proof::Unprovable => None,
        }
    }

    pub fn number(&self) -> Option<i64> {
        self.head.sequence.and_then(|number| i64::try_from(number).ok())
    }

    pub fn page(&self) -> Option<i64> {
        self.head.page.and_then(|page| i64::try_from(page).ok())
    }

    /// The same days, number, page and name on one account are the same statement.
    pub fn identity(&self) -> String {
        let number = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let name = self.head.reference.as_deref().unwrap_or("-");
        format!("{}..{} {}/{} {name}", self.first_day, self.last_day, number(self.number()), number(self.page()))
    }

    pub fn is_interim(&self) -> bool {
        self.head.format == Format::Mt942
    }
}

/// Reads the whole file. The first error refuses all of it.
pub fn survey(events: Reader<'_>) -> Result<Vec<Surveyed>, ReadError> {
    let (mut done, mut open): (Vec<Surveyed>, Option<Adding>) = (Vec::new(), None);
    let mut of_file: Vec<String> = Vec::new();
    for event in events {
        match (event?, &mut open) {
            (Event::Opened(head), _) => open = Some(Adding::new(head)),
            (Event::Line(line), Some(adding)) => adding.add(&line),
            (Event::Remark(remark), adding) if remark.kind == RemarkKind::Control => match adding {
                Some(adding) => adding.controls.push(remark.fault.to_string()),
                None => of_file.push(remark.fault.to_string()),
            },
            (Event::Closed(foot), _) => done.extend(open.take().map(|adding| adding.close(foot))),
            (Event::Line(_) | Event::Remark(_), _) => {}
        }
    }
    // a total over the whole file says nothing about which of its statements is wrong
    for statement in &mut done {
        statement.controls.extend(of_file.iter().cloned());
    }
    Ok(done)
}

struct Adding {
    head: StatementHead,
    hash: Canonical,
    lines: i32,
    credits: Decimal,
    debits: Decimal,
    days: Option<(NaiveDate, NaiveDate)>,
    controls: Vec<String>,
}

impl Adding {
    fn new(head: StatementHead) -> Self {
        let hash = Canonical::new("statement").text(&head.account).text(&head.currency.to_string());
        Self { head, hash, lines: 0, credits: Decimal::ZERO, debits: Decimal::ZERO, days: None, controls: Vec::new() }
    }

    fn add(&mut self, line: &Line) {
        self.lines += 1;
        if line.status == LineStatus::Booked {
            if line.amount.is_sign_negative() {
                self.debits -= line.amount;
            } else {
                self.credits += line.amount;
            }
        }
        let day = line.booking_date;
        self.days = Some(self.days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        let hash = std::mem::replace(&mut self.hash, Canonical::new(""));
        self.hash = hash
            .decimal(line.amount)
            .text(&day.to_string())
            .text(line.bank_reference.as_deref().unwrap_or(""))
            .text(line.end_to_end_id.as_deref().unwrap_or(""))
            .text(line.counterparty_name.as_deref().unwrap_or(""))
            .text(&line.text);
    }

    fn close(self, foot: StatementFoot) -> Surveyed {
        let (opened, closed) = (foot.opening.map(|balance| balance.date), foot.closing.map(|balance| balance.date));
        let first_day = opened.or(self.days.map(|days| days.0)).or(closed).unwrap_or_default();
        let last_day = closed.or(self.days.map(|days| days.1)).or(opened).unwrap_or_default();
        let amount = |balance: Option<statements::Balance>| balance.map(|balance| balance.amount).unwrap_or_default();
        Surveyed {
            content_hash: self.hash.decimal(amount(foot.opening)).decimal(amount(foot.closing)).finish(),
            head: self.head,
            foot,
            line_count: self.lines,
            credits: self.credits,
            debits: self.debits,
            first_day,
            last_day,
            controls: self.controls,
        }
    }
}
