//! Cash: bank statements in, each proved by its own balances before its lines count; their money as payments, and which credit settles
//! what.

mod apply;
mod book;
mod collect;
mod decide;
mod enter;
mod give;
mod identify;
mod import;
mod lost;
mod money;
mod moved;
mod read_only;
mod receive;
mod refund;
mod returned;
pub mod rules;
mod suggestions;
mod survey;
mod take_back;
mod transfer;

pub(crate) use apply::carry_out;
pub use apply::{apply, reverse};
pub use collect::{collect, set_dunning};
pub use decide::{accept, learn_table, open_account, refuse};
pub use identify::{identify, keep};
pub use import::import_file;
pub use lost::give_up;
pub(crate) use moved::enter_movements;
pub use read_only::{Outline, read_only};
pub use receive::{Received, receive};
pub(crate) use refund::carry_out_refund;
pub use refund::{refund, withdraw_refund};
pub use suggestions::suggestions;
pub(crate) use transfer::carry_out_transfer;
pub use transfer::{reverse_transfer, transfer};

use crate::{Context, retry::transaction};
use domain::{document::Violation, id::EntityId};
pub use statements::{ColumnProfile, Proposal};
use statements::{Fault, Format};
use std::io::{Read, Seek, SeekFrom};

/// Sets an entity's receivables, and each customer's, against what its ERP was read back to hold.
pub async fn tie(cx: &Context, entity: EntityId) -> store::Result<()> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        store::receivables::tie::compare(tx, entity, now).await?;
        store::receivables::tie::compare_customers(tx, entity, now).await
    })?;
    Ok(())
}

/// Whether a file is an invoice batch or tells of a bank account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    InvoiceBatch,
    Statement,
}

/// By its first bytes; the file is at its beginning afterwards. What is neither goes to the invoice batches, whose errors say what
/// a batch looks like.
///
/// # Errors
/// The file cannot be read.
pub fn kind_of(file: &mut (impl Read + Seek)) -> std::io::Result<FileKind> {
    let mut begin = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut begin)?;
    file.seek(SeekFrom::Start(0))?;
    let text = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&begin).trim_ascii_start();
    let is_batch = text.starts_with(b"{") || text.starts_with(b"[") || text.starts_with(b"#batch,") || text.starts_with(b"batch,");
    Ok(if is_batch || Format::detect(&begin).is_none() { FileKind::InvoiceBatch } else { FileKind::Statement })
}

/// How a table seems to be written, for a person to confirm; `None`: the file is no table. The file is at its beginning afterwards.
///
/// # Errors
/// The file cannot be read.
pub fn suggest(file: &mut (impl Read + Seek), name: &str) -> std::io::Result<Option<Result<Proposal, Violation>>> {
    let mut begin = Vec::new();
    file.by_ref().take(TABLE_BEGIN).read_to_end(&mut begin)?;
    file.seek(SeekFrom::Start(0))?;
    let is_table = Format::detect(&begin) == Some(Format::Csv);
    Ok(is_table.then(|| statements::propose(name, &begin).map_err(|fault| violation(&fault))))
}

/// Enough rows of a table to learn from.
const TABLE_BEGIN: u64 = 1 << 16;

fn violation(fault: &Fault) -> Violation {
    Violation {
        line: u32::try_from(fault.line).unwrap_or(u32::MAX),
        field: fault.field.to_string(),
        rule: fault.rule.to_string(),
        value: fault.value.clone(),
    }
}
