//! One function moves documents: one or ten thousand, all or none, whoever else moves them at the same time.

use crate::{invoices::invoice, world::Company};
use domain::{
    access::Actor,
    id::{CorrelationId, DocumentId},
    stage::Stage,
};
use futures::future::join_all;
use store::movements::{Cause, Move, MoveError, transition, transition_all};

impl Company {
    async fn documents(&self) -> Vec<DocumentId> {
        let ids: Vec<uuid::Uuid> =
            sqlx::query_scalar("select document_id from document order by number").fetch_all(&self.world.db.pool).await.unwrap();
        ids.into_iter().map(DocumentId).collect()
    }

    fn cause(&self, reason: &str) -> Cause {
        Cause {
            actor: Actor::System("test".into()),
            reason: reason.into(),
            correlation_id: CorrelationId(uuid::Uuid::now_v7()),
            at: self.world.cx.clock.now(),
        }
    }

    async fn moved(&self, documents: &[DocumentId], to: Stage) -> Result<u64, MoveError> {
        let cause = self.cause("because");
        let mut tx = self.world.db.pool.begin().await.unwrap();
        let moved = transition(&mut tx, documents, to, &cause).await?;
        // time for another to come in between
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        tx.commit().await.unwrap();
        Ok(moved)
    }
}

#[tokio::test]
async fn one_and_ten_thousand_move_in_one_call() {
    let company = Company::new().await;
    let documents: Vec<_> = (0..10_000).map(|n| invoice(&format!("I-{n:05}"), 100)).collect();
    company.import("US", "B-1", &documents).await;
    let ids = company.documents().await;
    assert_eq!(company.moved(&ids[..1], Stage::Held).await.unwrap(), 1);
    assert_eq!(company.moved(&ids[1..], Stage::Held).await.unwrap(), 9_999);
    assert_eq!(company.moved(&[], Stage::Held).await.unwrap(), 0);
    assert_eq!(
        company
            .world
            .text("select sum(count)::text || ' ' || sum(amount)::numeric(20,2)::text from period_total where stage = 'held'")
            .await,
        "10000 1100000.00"
    );
    company.ties_out().await;
}

#[tokio::test]
async fn an_illegal_move_moves_nothing_and_says_what_it_found() {
    let company = Company::with(&["I-1", "I-2", "I-3"]).await;
    let ids = company.documents().await;
    company.moved(&ids[1..2], Stage::Held).await.unwrap();
    match company.moved(&ids, Stage::Exception).await.unwrap_err() {
        MoveError::Illegal { document_id, found: Stage::Held, to: Stage::Exception } => assert_eq!(document_id, ids[1]),
        other => panic!("{other:?}"),
    }
    let unknown = DocumentId(uuid::Uuid::from_u128(7));
    assert!(matches!(company.moved(&[ids[0], unknown], Stage::Held).await, Err(MoveError::Missing(id)) if id == unknown));
    assert_eq!(company.stage("I-1").await, Stage::Finalized);
    company.ties_out().await;
}

#[tokio::test]
async fn a_document_named_twice_moves_once() {
    let company = Company::with(&["I-1"]).await;
    let id = company.documents().await[0];
    assert_eq!(company.moved(&[id, id], Stage::Held).await.unwrap(), 1);
    company.ties_out().await;
}

#[tokio::test]
async fn documents_that_become_different_things_move_together_or_not_at_all() {
    let company = Company::with(&["I-1", "I-2", "I-3"]).await;
    let ids = company.documents().await;
    let (waits, lacks) = (company.cause("waits"), company.cause("lacks a mapping"));
    let held = Move { documents: &ids[..2], to: Stage::Held, cause: &waits };
    let stopped = Move { documents: &ids[2..], to: Stage::Exception, cause: &lacks };
    let mut conn = company.world.db.pool.acquire().await.unwrap();
    let illegal = Move { to: Stage::Posted, ..stopped };
    let refused = transition_all(&mut conn, &[held, illegal]).await.unwrap_err();
    assert!(matches!(refused, MoveError::Illegal { document_id, to: Stage::Posted, .. } if document_id == ids[2]), "{refused:?}");
    assert_eq!(company.stage("I-1").await, Stage::Finalized);

    assert_eq!(transition_all(&mut conn, &[held, stopped]).await.unwrap(), 3);
    let moved = "select string_agg(number || ' ' || to_stage || ' ' || reason, ', ' order by number) from movement join document using (document_id)
        where movement.sequence = 2";
    assert_eq!(company.world.text(moved).await, "I-1 held waits, I-2 held waits, I-3 exception lacks a mapping");
    company.ties_out().await;
}

#[tokio::test]
async fn of_two_movers_of_overlapping_sets_one_moves_what_both_wanted() {
    let numbers: Vec<String> = (0..30).map(|n| format!("I-{n:02}")).collect();
    let company = Company::with(&numbers.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ids = company.documents().await;
    let mut reversed = ids[10..].to_vec();
    reversed.reverse();
    let (one, other) = tokio::join!(company.moved(&ids[..20], Stage::Held), company.moved(&reversed, Stage::Exception));
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(won.unwrap(), 20);
    assert!(matches!(lost, Err(MoveError::Illegal { .. })), "{lost:?}");
    assert_eq!(company.world.text("select count(*)::text from movement where sequence = 2").await, "20");
    company.ties_out().await;
}

#[tokio::test]
async fn many_movers_at_once_lose_nothing_of_the_totals() {
    let numbers: Vec<String> = (0..60).map(|n| format!("I-{n:02}")).collect();
    let company = Company::with(&numbers.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ids = company.documents().await;
    for stage in [Stage::Held, Stage::Finalized, Stage::Exception] {
        let moved = join_all(ids.chunks(10).map(|chunk| company.moved(chunk, stage))).await;
        assert_eq!(moved.into_iter().map(Result::unwrap).sum::<u64>(), 60);
    }
    company.ties_out().await;
}
