//! A statement file without a database: its canonical content as JSON, a line at a time, so that memory does not grow with the file.

use super::{suggest, violation};
use domain::document::Violation;
use serde_json::{Value, json};
use statements::{ColumnProfile, Event, ReadError, Reader, Remark, StatementFoot, StatementHead};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// One statement as it was read, without its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub account: String,
    pub currency: String,
    pub lines: u64,
    /// `None`: a balance is missing, so nothing is proved.
    pub balanced: Option<bool>,
    pub difference: Option<rust_decimal::Decimal>,
}

/// Reads a file and writes `{"statements": […], "remarks": […]}` to `out`; a table by the profile that its beginning suggests.
/// `Ok(Err(..))`: what is wrong with it; then nothing is written.
///
/// # Errors
/// The file cannot be read, or `out` not be written.
pub fn read_only(file: &mut (impl Read + Seek + Send), out: &mut dyn Write) -> io::Result<Result<Vec<Outline>, Vec<Violation>>> {
    let profile = match suggest(file, "")? {
        None => None,
        Some(Ok(proposal)) => Some(proposal.profile),
        Some(Err(error)) => return Ok(Err(vec![error])),
    };
    let first = reading(file, profile.as_ref(), &mut |_| Ok(()))?;
    if let Err(error) = first {
        return Ok(Err(vec![error]));
    }
    let mut writing =
        Writing { out: BufWriter::new(out), outlines: Vec::new(), head: None, remarks: Vec::new(), of_file: Vec::new(), between: "" };
    write!(writing.out, "{{\"statements\":[")?;
    if let Err(error) = reading(file, profile.as_ref(), &mut |event| writing.event(event))? {
        return Ok(Err(vec![error]));
    }
    writeln!(writing.out, "\n],\"remarks\":{}}}", json!(writing.of_file))?;
    writing.out.flush()?;
    Ok(Ok(writing.outlines))
}

fn reading(
    file: &mut (impl Read + Seek + Send),
    profile: Option<&ColumnProfile>,
    each: &mut dyn FnMut(Event) -> io::Result<()>,
) -> io::Result<Result<(), Violation>> {
    file.seek(SeekFrom::Start(0))?;
    let input = BufReader::with_capacity(1 << 16, file);
    let opened = match profile {
        Some(profile) => statements::read_csv(input, profile, Some("?")),
        None => statements::read(input),
    };
    let mut run = |events: Reader<'_>| -> Result<(), ReadError> {
        for event in events {
            each(event?)?;
        }
        Ok(())
    };
    match opened.and_then(&mut run) {
        Ok(()) => Ok(Ok(())),
        Err(ReadError::Refused(fault)) => Ok(Err(violation(&fault))),
        Err(ReadError::Io(error)) => Err(error),
    }
}

struct Writing<'a> {
    out: BufWriter<&'a mut dyn Write>,
    outlines: Vec<Outline>,
    head: Option<StatementHead>,
    remarks: Vec<Remark>,
    of_file: Vec<Remark>,
    /// What stands before the next line or statement.
    between: &'static str,
}

impl Writing<'_> {
    fn event(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Opened(head) => self.open(head),
            Event::Line(line) => {
                write!(self.out, "{}\n{}", self.between, serde_json::to_string(&line)?)?;
                self.between = ",";
                Ok(())
            }
            Event::Remark(remark) => {
                if self.head.is_some() { &mut self.remarks } else { &mut self.of_file }.push(remark);
                Ok(())
            }
            Event::Closed(foot) => self.close(&foot),
        }
    }

    fn open(&mut self, head: StatementHead) -> io::Result<()> {
        let between = if self.outlines.is_empty() { "" } else { "," };
        let shown = json!({
            "format": head.format, "line": head.line, "account": head.account, "currency": head.currency, "reference": head.reference,
            "sequence": head.sequence, "page": head.page,
        });
        write!(self.out, "{between}\n{},\"lines\":[", shown.to_string().trim_end_matches('}'))?;
        (self.head, self.between) = (Some(head), "");
        Ok(())
    }

    fn close(&mut self, foot: &StatementFoot) -> io::Result<()> {
        let difference = foot.proof.difference();
        let shown: Value = json!({
            "opening": foot.opening, "closing": foot.closing, "available": foot.available, "information": foot.information,
            "sum": foot.sum.to_string(), "balanced": foot.proof.balanced(), "difference": difference.map(|amount| amount.to_string()),
            "remarks": std::mem::take(&mut self.remarks),
        });
        write!(self.out, "],{}", shown.to_string().trim_start_matches('{'))?;
        if let Some(head) = self.head.take() {
            self.outlines.push(Outline {
                account: head.account,
                currency: head.currency.to_string(),
                lines: foot.lines,
                balanced: foot.proof.balanced(),
                difference,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const FILE: &str = ":20:A\r\n:25:DE89\r\n:28C:1/1\r\n:60F:C261001EUR10,\r\n:61:2610021002C5,NTRFNONREF//B1\r\n:86:/REMI/INV-1\r\n:62F:C261002EUR16,\r\n-\r\n";

    #[test]
    fn what_was_read_is_one_json_document_that_says_whether_it_adds_up() {
        let mut out = Vec::new();
        let outlines = read_only(&mut Cursor::new(format!("{FILE}{}", FILE.replace("16,", "15,"))), &mut out).unwrap().unwrap();
        assert_eq!(outlines.iter().map(|o| (o.lines, o.balanced)).collect::<Vec<_>>(), [(1, Some(false)), (1, Some(true))]);
        let read: Value = serde_json::from_slice(&out).unwrap();
        let first = &read["statements"][0];
        assert_eq!(
            (first["account"].as_str(), first["balanced"].as_bool(), first["difference"].as_str()),
            (Some("DE89"), Some(false), Some("1.00"))
        );
        assert_eq!((first["opening"]["amount"].as_str(), first["closing"]["amount"].as_str()), (Some("10.00"), Some("16.00")));
        assert_eq!((first["lines"][0]["amount"].as_str(), first["lines"][0]["text"].as_str()), (Some("5.00"), Some("INV-1")));
    }

    #[test]
    fn a_broken_file_writes_nothing_but_its_error() {
        let mut out = Vec::new();
        let errors = read_only(&mut Cursor::new(FILE.replace("C5,", "C5x,")), &mut out).unwrap().unwrap_err();
        assert_eq!((errors.len(), out.len()), (1, 0));
        assert!(errors[0].line == 5 && !errors[0].rule.is_empty(), "{errors:?}");
    }
}
