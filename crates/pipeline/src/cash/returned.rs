//! Payments that the bank took back: lines of imported statements become returned payments. Which payment it was, the bank says by the
//! reference that both lines have from end to end.

use super::{
    give::Decider,
    money::{self, MoneyBatch, Move},
};
use domain::{id::DocumentId, stage::DocumentKind};
use rust_decimal::Decimal;
use store::{
    Result, Tx,
    batches::ManifestLine,
    receivables::{self, Returned, StatementReceipts},
};
use uuid::Uuid;

/// Enters what was taken back, a batch per statement. Returns how many there were.
pub(super) async fn take_returns(tx: &mut Tx, decider: &Decider, statements: &[StatementReceipts]) -> Result<usize> {
    let mut taken = 0;
    for statement in statements {
        let returned = receivables::returned(tx, statement.statement_id).await?;
        let Some(total) = receivables::returned_total(tx, statement.statement_id).await? else { continue };
        let manifest = ManifestLine {
            currency: statement.currency,
            kind: DocumentKind::ReturnedPayment,
            count: total.count,
            total: total.total,
            tax: Decimal::ZERO,
        };
        let batch = MoneyBatch {
            kind: DocumentKind::ReturnedPayment,
            source: "bank",
            day: statement.last_day,
            reason: format!("taken back on account {}", domain::statement::masked(&statement.account)),
            manifest: vec![manifest],
            moves: returned.iter().map(movement).collect(),
        };
        taken += batch.moves.len();
        money::enter_back(tx, decider, batch).await?;
    }
    Ok(taken)
}

fn movement(of: &Returned) -> Move<'_> {
    Move { id: DocumentId(Uuid::now_v7()), receipt: &of.receipt, customer: of.customer.clone() }
}
