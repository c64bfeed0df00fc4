//! Payments that the bank took back: lines of imported statements become returned payments. Which payment it was, the bank says by the
//! reference that both lines have from end to end.

use super::{
    give::Decider,
    money::{self, MoneyBatch, Move},
};
use domain::{
    id::{DocumentId, StatementId},
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use store::{
    Result, Tx,
    batches::ManifestLine,
    receivables::{self, Returned, StatementReceipts},
};
use uuid::Uuid;

/// Enters what was taken back, a batch per statement. Returns how many there were.
pub(super) async fn take_returns(tx: &mut Tx, decider: &Decider, statements: &[StatementReceipts]) -> Result<usize> {
    let ids: Vec<StatementId> = statements.iter().map(|statement| statement.statement_id).collect();
    let (returned, totals) = (receivables::returned(tx, &ids).await?, receivables::returned_total(tx, &ids).await?);
    let mut taken = 0;
    for statement in statements {
        let Some(total) = totals.get(&statement.statement_id) else { continue };
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
            moves: returned.get(&statement.statement_id).into_iter().flatten().map(movement).collect(),
        };
        taken += batch.moves.len();
        money::enter_back(tx, decider, batch).await?;
    }
    Ok(taken)
}

fn movement(of: &Returned) -> Move<'_> {
    Move { id: DocumentId(Uuid::now_v7()), receipt: &of.receipt, customer: of.customer.clone() }
}
