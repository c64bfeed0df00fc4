//! What holds of every file that a reader reads, whatever the bytes.

use rust_decimal::Decimal;
use statements::{Event, Fault, LineStatus, ReadError, Reader};

/// Reads the file to its end or to its fault: events nest, sums are those of the lines, faults name a rule.
pub fn check(reader: Result<Reader<'_>, ReadError>) {
    let Ok(reader) = reader else { return };
    let mut open = None;
    for event in reader {
        match event {
            Ok(Event::Opened(_)) => assert!(open.replace((0, Decimal::ZERO)).is_none(), "a statement in a statement"),
            Ok(Event::Line(line)) => {
                let (lines, sum) = open.as_mut().expect("a line stands in a statement");
                *lines += 1;
                if line.status == LineStatus::Booked {
                    *sum += line.amount;
                }
            }
            Ok(Event::Closed(foot)) => assert_eq!(open.take().expect("what is closed was open"), (foot.lines, foot.sum)),
            Ok(Event::Remark(remark)) => check_fault(&remark.fault),
            Err(ReadError::Refused(fault)) => return check_fault(&fault),
            Err(ReadError::Io(error)) => panic!("bytes in memory can be read: {error}"),
        }
    }
    assert!(open.is_none(), "a file that reads is whole");
}

fn check_fault(fault: &Fault) {
    assert!(!fault.rule.is_empty() && !fault.field.is_empty() && fault.value.chars().count() <= 80);
}
