//! The canonical content of a file, as JSON of the same format: defaults filled in, amounts with their currency's digits. Importing
//! it again is importing the same batch.

use super::{
    format::{self, ReadSeek},
    rules,
    survey::{self, Survey},
};
use domain::document::{DocumentContent, Violation};
use serde_json::json;
use std::{
    io::{BufWriter, Write},
    ops::ControlFlow,
};

/// Reads a file without a database and writes its canonical content to `out`. `Ok(Err(..))`: what is wrong with it, as far as the
/// file alone tells; then nothing is written.
pub fn read_only(file: &mut dyn ReadSeek, out: &mut dyn Write) -> std::io::Result<Result<(), Vec<Violation>>> {
    let header = match survey::header(file)? {
        Ok(header) => header,
        Err(refused) => return Ok(Err(refused.errors)),
    };
    match survey::survey(file, header)? {
        Ok(survey) if survey.rejected == 0 => write(file, &survey, out).map(Ok),
        Ok(survey) => Ok(Err(survey.violations)),
        Err(refused) => Ok(Err(refused.errors)),
    }
}

fn write(file: &mut dyn ReadSeek, survey: &Survey, out: &mut dyn Write) -> std::io::Result<()> {
    let mut out = BufWriter::new(out);
    let header = &survey.header;
    let manifest: Vec<_> = header
        .manifest
        .iter()
        .map(|line| {
            json!({"currency": line.currency, "kind": line.kind, "count": line.count, "total": line.total.to_string(), "tax": line.tax.to_string()})
        })
        .collect();
    let head = json!({"format": format::FORMAT, "source": header.source, "batch": header.batch, "entity": header.entity,
        "period": header.period, "manifest": manifest});
    let head = head.to_string();
    write!(out, "{},\"documents\":[", head.trim_end_matches('}'))?;
    let (mut separator, mut failed) = ("\n", None);
    let read = format::documents(file, &mut |raw| match rules::read(&raw, header.period) {
        Ok(document) => match write!(out, "{separator}{}", canonical(&document.content)) {
            Ok(()) => {
                separator = ",\n";
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
        Err(_) => ControlFlow::Break(()),
    });
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(std::io::Error::other)?;
    writeln!(out, "\n]}}")?;
    out.flush()
}

fn canonical(content: &DocumentContent) -> serde_json::Value {
    let lines: Vec<_> = content
        .lines
        .iter()
        .map(|line| {
            json!({"item": line.item_code, "description": line.description, "quantity": line.quantity.to_string(),
                "unit_price": line.unit_price.to_string(), "net": line.net.to_string(), "tax": line.tax.to_string(), "tax_code": line.tax_code})
        })
        .collect();
    let mut document = json!({
        "kind": content.kind, "number": content.number, "version": content.version,
        "customer": {"code": content.customer_code, "name": content.customer_name},
        "currency": content.currency, "amount": content.amount.to_string(), "tax": content.tax.to_string(),
        "issue_date": content.issue_date, "due_date": content.due_date, "posting_date": content.posting_date, "lines": lines,
    });
    if let (Some(number), Some(object)) = (&content.applies_to, document.as_object_mut()) {
        object.insert("applies_to".into(), number.clone().into());
    }
    document
}
