//! What is said about a cause: how it grows, what close it holds up, what began it, what a replay of it would come to.

use crate::{
    invoices::invoice,
    world::{Company, person, refusal},
};
use chrono::TimeDelta;
use domain::{
    cluster::{Foreseen, Origin},
    id::MappingId,
    mapping::MappingKind,
    replay::ReplayVerdict,
    stage::Stage,
    view::Cluster,
};
use pipeline::workbench::{mappings, replay};
use serde_json::Value;
use store::{
    replays::Source,
    views::exceptions::{Filter, clusters, describe, foresee, origin},
};

impl Company {
    async fn causes(&self) -> Vec<Cluster> {
        let (pool, scope) = (&self.world.db.pool, self.scope());
        let mut causes = clusters(pool, &scope, &Filter::default(), 10).await.unwrap();
        describe(pool, &scope, &mut causes, self.world.cx.clock.now()).await.unwrap();
        causes
    }

    async fn began(&self, cause: &str) -> Option<Origin> {
        origin(&self.world.db.pool, &self.scope(), cause).await.unwrap()
    }

    /// One invoice each of an item.
    async fn import_of(&self, batch: &str, item: &str, numbers: &[&str]) {
        let of = |number: &&str| {
            let mut document: Value = invoice(number, 100);
            document["lines"][0]["item"] = item.into();
            document
        };
        self.import("US", batch, &numbers.iter().map(of).collect::<Vec<_>>()).await;
    }

    async fn map_at_once(&self, kind: MappingKind, code: &str, target: &str, by: &str) {
        let mut conn = self.world.db.pool.acquire().await.unwrap();
        let new = store::mappings::NewMapping {
            mapping_id: MappingId(uuid::Uuid::now_v7()),
            connection_id: self.us_connection,
            kind,
            source_code: code,
            target_ref: target,
            proposed_by: by,
            proposed_at: self.world.cx.clock.now(),
        };
        store::mappings::propose(&mut conn, &new).await.unwrap();
        store::mappings::decide(&mut conn, new.mapping_id, true, true, by, self.world.cx.clock.now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_trend_shows_what_was_opened_per_day_also_when_it_is_closed() {
    let company = Company::new().await;
    company.import_of("B-1", "SKU-9", &["I-1", "I-2"]).await;
    company.drain().await;
    company.clock.advance(TimeDelta::days(2));
    company.import_of("B-2", "SKU-9", &["I-3"]).await;
    company.drain().await;
    company.map_at_once(MappingKind::Account, "SKU-9", "54", "bob@lumen.example").await;
    company.execute("update exception set closed_at = opened_at, closed_as = 'resolved' where document_id = (select document_id from document where number = 'I-1')").await;
    let [cause] = company.causes().await.try_into().unwrap();
    assert_eq!((cause.count, &cause.trend[11..]), (2, &[2, 0, 1][..]));
    company.clock.advance(TimeDelta::days(12));
    assert_eq!(company.causes().await[0].trend[..2], [0, 1], "what is older than the days shown falls out");
    company.ties_out().await;
}

#[tokio::test]
async fn one_that_gets_another_cause_takes_its_day_along() {
    let company = Company::new().await;
    company.import_of("B-1", "SKU-9", &["I-1", "I-2"]).await;
    company.drain().await;
    company.map_at_once(MappingKind::Item, "SKU-9", "9", "bob@lumen.example").await;
    let filter = Filter { fingerprint: Some(company.causes().await[0].fingerprint.clone()), ..Filter::default() };
    let of_i1 = [company.document("I-1").await];
    let who = person("ann@lumen.example");
    store::limits::set(&mut company.world.db.pool.acquire().await.unwrap(), company.world.us, "USD", 1000.into()).await.unwrap();
    replay::prepare(&company.world.cx, &who, &company.scope(), Source::Documents(&of_i1), "one").await.unwrap();
    company.work().await;
    let causes = company.causes().await;
    assert_eq!(causes.iter().map(|cause| (cause.count, cause.trend[13])).collect::<Vec<_>>(), [(1, 1), (1, 1)]);
    assert!(causes.iter().any(|cause| Some(&cause.fingerprint) != filter.fingerprint.as_ref()));
    company.ties_out().await;
}

#[tokio::test]
async fn a_cause_blocks_close_while_a_period_of_its_open_ones_is_closing() {
    let company = Company::new().await;
    company.import_of("B-1", "SKU-9", &["I-1"]).await;
    company.drain().await;
    let period = company.world.text("select period from document").await.parse().unwrap();
    let closing = async || company.causes().await[0].closing.clone();
    company.execute("insert into accounting_period select entity_id, period, 'soft_closed' from document").await;
    assert_eq!(closing().await, [("US".to_owned(), period)]);
    company.execute("update accounting_period set state = 'hard_closed'").await;
    assert_eq!(closing().await, []);
}

#[tokio::test]
async fn a_cause_begins_with_the_mapping_that_came_in_force_just_before() {
    let company = Company::new().await;
    let wrong = refusal("INVALID_CONTENT");
    company.import_of("B-1", "API", &["I-1"]).await;
    company.drain().await;
    company.clock.advance(TimeDelta::days(30));
    company.map_at_once(MappingKind::Item, "API", "nowhere", "bob@lumen.example").await;
    company.clock.advance(TimeDelta::minutes(5));
    company.import_of("B-2", "API", &["I-2"]).await;
    company.erp.answers("I-2", [reference_unknown()]);
    company.drain().await;
    let cause = company.causes().await[0].fingerprint.clone();
    let Some(Origin::Mapping { kind, code, version, by, .. }) = company.began(&cause).await else { panic!("a mapping") };
    assert_eq!((kind, code.as_str(), version, by.as_str()), (MappingKind::Item, "API", 2, "bob@lumen.example"));
    // another trouble at the same time has nothing to do with it
    company.import_of("B-3", "API", &["I-3"]).await;
    company.erp.answers("I-3", [wrong]);
    company.drain().await;
    let other = company.causes().await.into_iter().find(|other| other.fingerprint != cause).unwrap();
    assert_eq!(company.began(&other.fingerprint).await, None);
}

fn reference_unknown() -> domain::posting::Outcome {
    let refusal =
        domain::posting::Refusal { code: "INVALID_CONTENT".into(), message: "Invalid reference key 9 for item".into(), field: None };
    domain::posting::Outcome::Business(refusal)
}

#[tokio::test]
async fn a_cause_that_began_long_after_every_change_has_no_origin() {
    let company = Company::new().await;
    company.map_at_once(MappingKind::Item, "API", "nowhere", "bob@lumen.example").await;
    company.clock.advance(TimeDelta::days(8));
    company.import_of("B-1", "API", &["I-1"]).await;
    company.erp.answers("I-1", [reference_unknown()]);
    company.drain().await;
    assert_eq!(company.began(&company.causes().await[0].fingerprint).await, None);
}

#[tokio::test]
async fn a_cause_begins_with_a_release_that_had_just_come_and_was_not_the_first() {
    let company = Company::new().await;
    let now = company.world.cx.clock.now();
    let note =
        async |release: &str, at| store::releases::note(&mut company.world.db.pool.acquire().await.unwrap(), release, at).await.unwrap();
    note("test", now - TimeDelta::hours(1)).await;
    company.import_of("B-1", "SKU-9", &["I-1"]).await;
    company.drain().await;
    let cause = company.causes().await[0].fingerprint.clone();
    assert_eq!(company.began(&cause).await, None, "nothing ran before it");
    note("before", now - TimeDelta::days(9)).await;
    assert!(matches!(company.began(&cause).await, Some(Origin::Release { release, .. }) if release == "test"));
    // it was gone and comes back: the release is no news any more
    company.execute("update exception set closed_at = opened_at, closed_as = 'resolved'").await;
    company.clock.advance(TimeDelta::days(3));
    company.import_of("B-2", "SKU-9", &["I-2"]).await;
    company.drain().await;
    assert_eq!(company.began(&cause).await, None);
}

#[tokio::test]
async fn after_a_fix_the_whole_cause_is_evaluated_and_what_passes_is_frozen() {
    let company = Company::new().await;
    company.import_of("B-1", "SKU-9", &["I-1", "I-2", "I-3"]).await;
    company.map_at_once(MappingKind::Account, "SKU-9", "54", "bob@lumen.example").await;
    let mut other = invoice("I-4", 100);
    (other["lines"][0]["item"], other["lines"][0]["tax_code"]) = ("SKU-9".into(), "XX".into());
    company.import("US", "B-2", &[other]).await;
    company.drain().await;
    let cause = company.causes().await[0].clone();
    assert_eq!(cause.count, 4, "the first missing mapping names the cause");
    let own = cause.missing_kind.zip(cause.missing_code.as_deref());
    let foreseen = async || foresee(&company.world.db.pool, &company.scope(), &cause.fingerprint).await.unwrap();
    assert_eq!(Foreseen::in_words(&foreseen().await, own), "0 would pass, 4 stay");
    store::limits::set(&mut company.world.db.pool.acquire().await.unwrap(), company.world.us, "USD", 1000.into()).await.unwrap();
    let who = person("ann@lumen.example");
    mappings::propose(&company.world.cx, &who, &company.scope(), company.us_connection, MappingKind::Item, "SKU-9", "9").await.unwrap();
    assert_eq!(Foreseen::in_words(&foreseen().await, own), "3 would pass, 1 moves to another cluster");
    assert!(
        foreseen()
            .await
            .iter()
            .any(|seen| seen.missing == Some((MappingKind::TaxCode, "XX".into())) && seen.verdict == ReplayVerdict::Missing)
    );
    let filter = Filter { fingerprint: Some(cause.fingerprint.clone()), ..Filter::default() };
    let id = replay::prepare(&company.world.cx, &who, &company.scope(), Source::Passing(&filter), "what would pass").await.unwrap();
    assert_eq!(store::replays::find(&company.world.db.pool, &company.scope(), id).await.unwrap().unwrap().items, 3);
    company.work().await;
    company.drain().await;
    assert_eq!((company.stage("I-3").await, company.stage("I-4").await), (Stage::Posted, Stage::Exception));
    company.ties_out().await;
}
