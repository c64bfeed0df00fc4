//! What people do with exceptions: each rule of the controls, one by one.

use crate::{
    fake_erp::Posting,
    invoices::invoice,
    world::{Company, person, refusal},
};
use domain::{
    id::{ApprovalId, DocumentId, MappingId, ReplaySetId},
    mapping::MappingKind,
    replay::{ReplaySetView, ReplayState, ReplayVerdict},
    stage::Stage,
};
use pipeline::workbench::{
    Resolved, WorkError, approve,
    mappings::{self, Proposed},
    replay::{self, Control},
    resolve,
};
use serde_json::json;
use store::replays::Source;
use store::{Scope, approvals, limits, views::exceptions::Filter};

impl Company {
    /// Invoices of 110.00 that the ERP refused.
    pub async fn refused(numbers: &[&str]) -> Self {
        let company = Self::with(numbers).await;
        for number in numbers {
            company.erp.answers(number, [refusal("CLOSED_TRAN_PRD")]);
        }
        company.drain().await;
        company
    }

    pub async fn limit(&self, amount: i64) {
        let mut conn = self.world.db.pool.acquire().await.unwrap();
        for entity in [self.world.us, self.de] {
            limits::set(&mut conn, entity, "USD", amount.into()).await.unwrap();
        }
    }

    async fn resolve(&self, who: &str, number: &str) -> Result<Resolved, WorkError> {
        resolve::resolve(&self.world.cx, &person(who), &self.scope(), self.exception(number).await, "Billed twice by mistake").await
    }

    async fn requested(&self, who: &str, number: &str) -> ApprovalId {
        match self.resolve(who, number).await.unwrap() {
            Resolved::Requested(approval) => approval,
            Resolved::Done => panic!("{number} was resolved alone"),
        }
    }

    pub async fn decide(&self, who: &str, approval: ApprovalId, approve: bool) -> Result<(), WorkError> {
        approve::decide(&self.world.cx, &person(who), &self.scope(), approval, approve, Some("seen")).await
    }

    pub async fn prepare(&self, who: &str, scope: &Scope, documents: &[DocumentId]) -> Result<ReplaySetId, WorkError> {
        replay::prepare(&self.world.cx, &person(who), scope, Source::Documents(documents), "a test").await
    }

    /// Replays, with a second person where the limit asks for one: how many were queued, still miss something, went on since.
    pub async fn replay(&self, documents: &[DocumentId]) -> (i32, i32, i32) {
        let id = self.prepare("ann@lumen.example", &self.scope(), documents).await.unwrap();
        if self.set(id).await.state == ReplayState::Waiting {
            self.approve("zoe@lumen.example", id, true).await.unwrap();
        }
        replay::run(&self.world.cx, &self.erps, id).await.unwrap();
        let set = self.set(id).await;
        assert_eq!(set.state, ReplayState::Done);
        (set.queued, set.missing, set.ineligible)
    }

    pub async fn set(&self, id: ReplaySetId) -> ReplaySetView {
        store::replays::find(&self.world.db.pool, &self.scope(), id).await.unwrap().expect("a set")
    }

    async fn approve(&self, who: &str, id: ReplaySetId, approve: bool) -> Result<(), WorkError> {
        replay::decide(&self.world.cx, &person(who), &self.scope(), id, approve, Some("seen")).await
    }

    async fn propose(&self, who: &str, kind: MappingKind, code: &str, target: &str) -> Proposed {
        mappings::propose(&self.world.cx, &person(who), &self.scope(), self.us_connection, kind, code, target).await.unwrap()
    }

    /// Actor and action of every audited act of the workbench.
    pub async fn audited(&self) -> Vec<String> {
        sqlx::query_scalar("select actor || ' ' || action from audit_event where action not like 'batch%' order by sequence")
            .fetch_all(&self.world.db.pool)
            .await
            .unwrap()
    }
}

/// Proposed by one and put in force by another, in place of what was in force.
pub async fn replace_mapping(company: &Company, kind: MappingKind, code: &str, target: &str) {
    assert_eq!(company.propose("ann@lumen.example", kind, code, target).await, Proposed::Waits);
    let proposals = store::mappings::proposals(&company.world.db.pool, &company.scope(), 10).await.unwrap();
    let proposal = proposals.iter().find(|proposal| proposal.target_ref == target).unwrap().mapping_id;
    mappings::decide(&company.world.cx, &person("bob@lumen.example"), &company.scope(), proposal, true).await.unwrap();
}

fn conflict(result: Result<impl std::fmt::Debug, WorkError>) -> String {
    match result {
        Err(WorkError::Conflict(words)) => words,
        other => panic!("no conflict: {other:?}"),
    }
}

#[tokio::test]
async fn replay_queues_the_same_key_and_pressing_twice_is_harmless() {
    let company = Company::refused(&["I-1"]).await;
    company.limit(1000).await;
    let documents = [company.document("I-1").await];
    let first = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    assert!(conflict(company.prepare("ann@lumen.example", &company.scope(), &documents).await).contains("in a replay already"));
    let (one, two) =
        tokio::join!(replay::run(&company.world.cx, &company.erps, first), replay::run(&company.world.cx, &company.erps, first));
    assert_eq!(one.unwrap() + two.unwrap(), 1, "two workers take one item once");
    company.drain().await;
    let sent = company.erp.sent("I-1");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].posting_key, sent[1].posting_key);
    assert_eq!(company.history("I-1").await, "finalized queued in_flight exception queued in_flight posted");
    assert_eq!(company.trouble("I-1").await, None);
    assert!(conflict(company.prepare("ann@lumen.example", &company.scope(), &documents).await).contains("None of it is in exception"));
    assert_eq!(company.audited().await, ["ann@lumen.example replay.prepare"]);
    company.ties_out().await;
}

#[tokio::test]
async fn replay_of_a_refused_document_maps_it_anew_and_says_what_changes() {
    let company = Company::refused(&["I-1"]).await;
    company.limit(1000).await;
    company.execute("update mapping set target_ref = 'corrected' where kind = 'account'").await;
    let id = company.prepare("ann@lumen.example", &company.scope(), &[company.document("I-1").await]).await.unwrap();
    let changes = replay::changes(&company.world.cx, &company.erps, &company.scope(), id, 1).await.unwrap().unwrap();
    let said: Vec<_> = changes.iter().map(|c| (c.field.as_str(), c.old.as_deref(), c.new.as_deref())).collect();
    assert_eq!(said, [("account", Some("erp-API"), Some("corrected"))]);
    replay::run(&company.world.cx, &company.erps, id).await.unwrap();
    company.drain().await;
    let accounts: Vec<String> = company.erp.sent("I-1").iter().map(|payload| payload.body["account"].to_string()).collect();
    assert_eq!(accounts, ["\"erp-API\"", "\"corrected\""]);
}

#[tokio::test]
async fn replay_out_of_scope_freezes_nothing() {
    let company = Company::refused(&["I-1"]).await;
    let said = company.prepare("ann@lumen.example", &Scope::of_system(vec![company.de]), &[company.document("I-1").await]).await;
    assert!(conflict(said).contains("None of it is in exception"));
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    assert!(company.audited().await.is_empty());
}

#[tokio::test]
async fn replay_of_what_still_misses_a_mapping_says_so() {
    let company = Company::new().await;
    let mut document = invoice("I-1", 100);
    document["lines"][0]["item"] = json!("SEAT");
    company.import("US", "B-1", &[document]).await;
    company.drain().await;
    company.limit(1000).await;
    assert_eq!(company.propose("ann@lumen.example", MappingKind::Item, "SEAT", "9").await, Proposed::Active);
    let documents = [company.document("I-1").await];
    assert_eq!(company.replay(&documents).await, (0, 1, 0));
    assert_eq!(company.trouble("I-1").await.unwrap().2, "Revenue account SEAT has no mapping", "the cause is the new one");
    company.propose("ann@lumen.example", MappingKind::Account, "SEAT", "54").await;
    assert_eq!(company.replay(&documents).await, (1, 0, 0));
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    company.ties_out().await;
}

#[tokio::test]
async fn a_cluster_is_replayed_whole_and_a_filter_takes_what_it_shows() {
    let company = Company::refused(&["I-1", "I-2", "I-3"]).await;
    company.limit(1000).await;
    let who = person("ann@lumen.example");
    let other = Filter { currency: Some("EUR".into()), ..Filter::default() };
    let said = replay::prepare(&company.world.cx, &who, &company.scope(), Source::Matching(&other), "EUR").await;
    assert!(conflict(said).contains("None of it"));
    let cause = Filter { fingerprint: Some(company.world.text("select distinct fingerprint from exception").await), ..Filter::default() };
    let id = replay::prepare(&company.world.cx, &who, &company.scope(), Source::Matching(&cause), "the cause").await.unwrap();
    let set = company.set(id).await;
    assert_eq!((set.items, set.state, set.within_limit), (3, ReplayState::Running, true));
    company.work().await;
    assert_eq!(company.set(id).await.queued, 3);
    company.drain().await;
    assert_eq!(company.world.text("select count(*)::text from document where stage = 'posted'").await, "3");
}

#[tokio::test]
async fn above_the_limit_a_replay_waits_for_a_second_person() {
    let company = Company::refused(&["I-1", "I-2"]).await;
    company.limit(200).await;
    let documents = [company.document("I-1").await, company.document("I-2").await];
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    assert_eq!(company.set(id).await.state, ReplayState::Waiting);
    assert_eq!(replay::run(&company.world.cx, &company.erps, id).await.unwrap(), 0);
    assert!(conflict(company.approve("ann@lumen.example", id, true).await).contains("Nobody approves what he prepared"));
    company.approve("bob@lumen.example", id, true).await.unwrap();
    assert!(conflict(company.approve("cid@lumen.example", id, true).await).contains("is running"));
    company.work().await;
    assert_eq!((company.set(id).await.state, company.set(id).await.queued), (ReplayState::Done, 2));
    assert_eq!(company.audited().await, ["ann@lumen.example replay.prepare", "bob@lumen.example replay.decide"]);
}

#[tokio::test]
async fn what_changed_since_it_was_frozen_voids_the_approval_and_is_left_alone_by_the_run() {
    let company = Company::refused(&["I-1", "I-2"]).await;
    let documents = [company.document("I-1").await, company.document("I-2").await];
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    company.limit(110).await;
    company.resolve("ann@lumen.example", "I-1").await.unwrap();
    assert!(conflict(company.approve("bob@lumen.example", id, true).await).contains("is void"));
    assert_eq!(company.set(id).await.state, ReplayState::Void);
    company.limit(1000).await;
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    assert_eq!(company.set(id).await.items, 1, "only what is in exception is frozen");
    company.resolve("bob@lumen.example", "I-2").await.unwrap();
    company.work().await;
    let set = company.set(id).await;
    assert_eq!((set.state, set.queued, set.ineligible), (ReplayState::Done, 0, 1));
    assert_eq!(company.stage("I-2").await, Stage::Resolved);
}

#[tokio::test]
async fn nothing_is_added_to_a_period_that_was_hard_closed_meanwhile() {
    let company = Company::refused(&["I-1"]).await;
    company.limit(1000).await;
    let id = company.prepare("ann@lumen.example", &company.scope(), &[company.document("I-1").await]).await.unwrap();
    company.execute("insert into accounting_period select entity_id, period, 'hard_closed' from document").await;
    company.work().await;
    let set = company.set(id).await;
    assert_eq!((set.state, set.queued, set.ineligible), (ReplayState::Done, 0, 1));
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    assert_eq!(company.world.text("select detail from replay_item").await, "its period is hard closed");
}

#[tokio::test]
async fn who_proposed_the_mapping_does_not_approve_its_replay() {
    let company = Company::new().await;
    let mut document = invoice("I-1", 100);
    document["lines"][0]["item"] = json!("SEAT");
    company.import("US", "B-1", &[document]).await;
    company.drain().await;
    company.limit(200).await;
    company.propose("bob@lumen.example", MappingKind::Item, "SEAT", "9").await;
    company.propose("cid@lumen.example", MappingKind::Account, "SEAT", "54").await;
    company.limit(0).await;
    let id = company.prepare("ann@lumen.example", &company.scope(), &[company.document("I-1").await]).await.unwrap();
    for author in ["bob@lumen.example", "cid@lumen.example"] {
        assert!(conflict(company.approve(author, id, true).await).contains("You proposed a mapping"), "{author}");
    }
    company.approve("dora@lumen.example", id, true).await.unwrap();
}

#[tokio::test]
async fn a_preview_says_what_would_become_of_each_item() {
    let company = Company::refused(&["I-1", "I-2", "I-3", "I-4"]).await;
    company.limit(0).await;
    let mut documents = Vec::new();
    for number in ["I-1", "I-2", "I-3", "I-4"] {
        documents.push(company.document(number).await);
    }
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    company.limit(110).await;
    company.resolve("ann@lumen.example", "I-1").await.unwrap();
    company.execute("update mapping set state = 'retired' where kind = 'customer' and source_code in (select customer_code from document where number = 'I-2')").await;
    let verdicts = store::replays::verdicts(&company.world.db.pool, &company.scope(), id).await.unwrap();
    let said: Vec<_> = verdicts
        .iter()
        .map(|v| (v.verdict, v.detail.as_deref().unwrap_or_default().split(' ').next().unwrap_or_default().to_owned(), v.count))
        .collect();
    assert!(said.contains(&(ReplayVerdict::Changed, "resolved".into(), 1)), "{said:?}");
    assert_eq!(verdicts.iter().map(|v| v.count).sum::<i64>(), 4);
    assert!(said.iter().any(|(verdict, ..)| *verdict == ReplayVerdict::Missing), "{said:?}");
}

#[tokio::test]
async fn a_replay_is_paused_resumed_and_cancelled() {
    let company = Company::refused(&["I-1", "I-2", "I-3"]).await;
    company.limit(1000).await;
    let mut documents = Vec::new();
    for number in ["I-1", "I-2", "I-3"] {
        documents.push(company.document(number).await);
    }
    let who = person("ann@lumen.example");
    let control = async |id, act| replay::control(&company.world.cx, &who, &company.scope(), id, act).await;
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    control(id, Control::Pause).await.unwrap();
    company.work().await;
    assert_eq!(company.set(id).await.done(), 0);
    assert!(conflict(control(id, Control::Pause).await).contains("is paused"));
    control(id, Control::Cancel).await.unwrap();
    assert!(conflict(control(id, Control::Resume).await).contains("is cancelled"));
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    control(id, Control::Pause).await.unwrap();
    control(id, Control::Resume).await.unwrap();
    company.work().await;
    assert_eq!((company.set(id).await.state, company.set(id).await.queued), (ReplayState::Done, 3));
}

#[tokio::test]
async fn a_resolution_within_the_limit_needs_nobody_else() {
    let company = Company::refused(&["I-1"]).await;
    company.limit(110).await;
    assert_eq!(company.resolve("ann@lumen.example", "I-1").await.unwrap(), Resolved::Done);
    assert_eq!((company.stage("I-1").await, company.trouble("I-1").await), (Stage::Resolved, None));
    assert_eq!(company.audited().await, ["ann@lumen.example document.resolve"]);
    assert_eq!(company.world.text("select actor from movement where to_stage = 'resolved'").await, "ann@lumen.example");
    company.ties_out().await;
}

#[tokio::test]
async fn without_a_limit_nobody_resolves_alone() {
    let company = Company::refused(&["I-1"]).await;
    company.requested("ann@lumen.example", "I-1").await;
    assert_eq!(company.stage("I-1").await, Stage::Exception);
}

#[tokio::test]
async fn the_limit_adds_up_per_person_entity_and_day() {
    let company = Company::refused(&["I-1", "I-2", "I-3", "I-4"]).await;
    company.import("DE", "B-2", &[invoice("D-1", 100)]).await;
    company.erp.answers("D-1", [refusal("CLOSED_TRAN_PRD")]);
    company.drain().await;
    company.limit(220).await;
    let ann = "ann@lumen.example";
    assert_eq!(company.resolve(ann, "I-1").await.unwrap(), Resolved::Done);
    assert_eq!(company.resolve(ann, "I-2").await.unwrap(), Resolved::Done);
    company.requested(ann, "I-3").await;
    assert_eq!(company.resolve("bob@lumen.example", "I-4").await.unwrap(), Resolved::Done, "another person");
    assert_eq!(company.resolve(ann, "D-1").await.unwrap(), Resolved::Done, "another entity");
    let left = resolve::limit_left(&company.world.cx, &person(ann), company.world.us, "USD").await.unwrap();
    assert_eq!(left, rust_decimal::Decimal::ZERO);
    company.clock.advance(chrono::TimeDelta::days(1));
    let left = resolve::limit_left(&company.world.cx, &person(ann), company.world.us, "USD").await.unwrap();
    assert_eq!(left, rust_decimal::Decimal::from(220), "another day");
}

#[tokio::test]
async fn an_activation_uses_up_the_same_limit_as_a_resolution() {
    let company = Company::refused(&["I-1"]).await;
    let mut document = invoice("I-2", 100);
    document["lines"][0]["item"] = json!("SEAT");
    company.import("US", "B-2", &[document]).await;
    company.drain().await;
    company.limit(150).await;
    let ann = "ann@lumen.example";
    assert_eq!(company.propose(ann, MappingKind::Item, "SEAT", "9").await, Proposed::Active);
    let left = resolve::limit_left(&company.world.cx, &person(ann), company.world.us, "USD").await.unwrap();
    assert_eq!(left, rust_decimal::Decimal::from(40));
    company.requested(ann, "I-1").await;
    assert_eq!(company.propose(ann, MappingKind::Item, "SEAT", "10").await, Proposed::Waits, "what is in force is replaced by two");
}

#[tokio::test]
async fn every_code_that_a_document_misses_reaches_its_money() {
    let company = Company::new().await;
    let mut document = invoice("I-1", 100);
    document["lines"][0]["item"] = json!("SEAT");
    company.import("US", "B-1", &[document]).await;
    company.drain().await;
    company.limit(109).await;
    assert_eq!(company.trouble("I-1").await.unwrap().2, "Item SEAT has no mapping; Revenue account SEAT has no mapping");
    assert_eq!(company.propose("ann@lumen.example", MappingKind::Account, "SEAT", "54").await, Proposed::Waits, "not the first one");
    assert_eq!(company.propose("ann@lumen.example", MappingKind::Item, "SEAT", "9").await, Proposed::Waits);
    assert_eq!(company.propose("ann@lumen.example", MappingKind::Item, "NOBODYS", "9").await, Proposed::Active, "nothing waits for it");
}

#[tokio::test]
async fn a_mapping_is_put_in_force_by_who_reaches_every_entity_of_the_account() {
    let posting = Posting::new().await;
    let mut conn = posting.world.db.pool.acquire().await.unwrap();
    limits::set(&mut conn, posting.world.us, "USD", 1_000_000.into()).await.unwrap();
    let (ours, all) = (Scope::of_system(vec![posting.world.us]), posting.scope());
    let propose = async |scope: &Scope, code: &str| {
        let (cx, ann) = (&posting.world.cx, person("ann@lumen.example"));
        mappings::propose(cx, &ann, scope, posting.connection, MappingKind::Item, code, "9").await
    };
    assert_eq!(propose(&all, "SEAT-1").await.unwrap(), Proposed::Active);
    assert_eq!(propose(&ours, "SEAT-2").await.unwrap(), Proposed::Waits, "it would count for the other entity too");
    assert!(matches!(propose(&Scope::of_system(Vec::new()), "SEAT-3").await, Err(WorkError::NotFound)));
    let waiting = store::mappings::proposals(&posting.world.db.pool, &ours, 10).await.unwrap();
    let bob = person("bob@lumen.example");
    let decided = mappings::decide(&posting.world.cx, &bob, &ours, waiting[0].mapping_id, true).await;
    assert!(matches!(decided, Err(WorkError::NotFound)), "{decided:?}");
    mappings::decide(&posting.world.cx, &bob, &all, waiting[0].mapping_id, true).await.unwrap();
}

#[tokio::test]
async fn a_set_shows_each_reader_what_it_holds_of_his_entities() {
    let company = Company::refused(&["I-1", "I-2"]).await;
    company.import("DE", "B-2", &[invoice("D-1", 200)]).await;
    company.erp.answers("D-1", [refusal("CLOSED_TRAN_PRD")]);
    company.drain().await;
    company.limit(1000).await;
    let mut documents = Vec::new();
    for number in ["I-1", "I-2", "D-1"] {
        documents.push(company.document(number).await);
    }
    let id = company.prepare("ann@lumen.example", &company.scope(), &documents).await.unwrap();
    company.work().await;
    let german = Scope::of_system(vec![company.de]);
    let seen = store::replays::find(&company.world.db.pool, &german, id).await.unwrap().unwrap();
    let money: Vec<_> = seen.money.iter().map(|sum| (sum.count, sum.amount.normalize().to_string())).collect();
    assert_eq!((seen.entities, money), (vec!["DE".to_owned()], vec![(1, "220".to_owned())]));
    assert_eq!((seen.items, seen.queued, seen.missing, seen.ineligible), (1, 1, 0, 0));
    let whole = company.set(id).await;
    assert_eq!((whole.items, whole.queued, whole.entities.len()), (3, 3, 2));
    let none = Scope::of_system(Vec::new());
    assert!(store::replays::find(&company.world.db.pool, &none, id).await.unwrap().is_none());
}

#[tokio::test]
async fn two_resolutions_at_once_do_not_both_use_the_rest_of_the_limit() {
    let company = Company::refused(&["I-1", "I-2"]).await;
    company.limit(110).await;
    let (one, two) = tokio::join!(company.resolve("ann@lumen.example", "I-1"), company.resolve("ann@lumen.example", "I-2"));
    let alone = [one.unwrap(), two.unwrap()].iter().filter(|resolved| **resolved == Resolved::Done).count();
    assert_eq!(alone, 1);
}

#[tokio::test]
async fn above_the_limit_a_second_person_approves() {
    let company = Company::refused(&["I-1"]).await;
    let approval = company.requested("ann@lumen.example", "I-1").await;
    assert!(conflict(company.resolve("ann@lumen.example", "I-1").await).contains("waits for its approver already"));
    assert!(conflict(company.decide("ann@lumen.example", approval, true).await).contains("Nobody approves what he prepared"));
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    company.decide("bob@lumen.example", approval, true).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::Resolved);
    assert!(matches!(company.decide("bob@lumen.example", approval, true).await, Err(WorkError::NotFound)));
    assert_eq!(company.audited().await, ["ann@lumen.example document.resolve", "bob@lumen.example approval.decide"]);
    let reason = company.world.text("select actor || ': ' || reason from movement where to_stage = 'resolved'").await;
    assert_eq!(reason, "bob@lumen.example: Billed twice by mistake (prepared by ann@lumen.example)");
    company.ties_out().await;
}

#[tokio::test]
async fn the_database_refuses_a_preparer_who_approves() {
    let company = Company::refused(&["I-1"]).await;
    let approval = company.requested("ann@lumen.example", "I-1").await;
    let mut conn = company.world.db.pool.acquire().await.unwrap();
    let now = company.world.cx.clock.now();
    let decided = approvals::decide(&mut conn, approval, "approved", "ann@lumen.example", None, now).await;
    assert!(decided.unwrap_err().is_conflict_on("preparer_is_not_approver"));
    let insert = "insert into mapping values (gen_random_uuid(), $1, 'item', 'X', 'x', 1, 'active', 'ann', now(), 'ann', now(), false)";
    let inserted = sqlx::query(insert).bind(company.us_connection.0).execute(&mut *conn).await.unwrap_err();
    assert!(store::Error::from(inserted).is_conflict_on("mapping_preparer_is_not_approver"));
}

#[tokio::test]
async fn a_refused_request_leaves_the_exception_open() {
    let company = Company::refused(&["I-1"]).await;
    let approval = company.requested("ann@lumen.example", "I-1").await;
    company.decide("bob@lumen.example", approval, false).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    company.requested("ann@lumen.example", "I-1").await;
}

#[tokio::test]
async fn a_document_that_changed_voids_the_request() {
    let company = Company::refused(&["I-1"]).await;
    let approval = company.requested("ann@lumen.example", "I-1").await;
    company.erp.answers("I-1", [refusal("CLOSED_TRAN_PRD")]);
    company.replay(&[company.document("I-1").await]).await;
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    assert!(conflict(company.decide("bob@lumen.example", approval, true).await).contains("void"));
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    assert_eq!(company.world.text("select decision from approval").await, "void");
    company.requested("ann@lumen.example", "I-1").await;
}

#[tokio::test]
async fn a_mapping_above_the_limit_is_activated_by_a_second_person() {
    let company = Company::new().await;
    let mut document = invoice("I-1", 100);
    document["customer"]["code"] = json!("C-9");
    company.import("US", "B-1", &[document]).await;
    company.drain().await;
    company.limit(109).await;
    assert_eq!(company.propose("ann@lumen.example", MappingKind::Customer, "C-9", "1009").await, Proposed::Waits);
    let (bob, scope, connection) = (person("bob@lumen.example"), company.scope(), company.us_connection);
    let again = mappings::propose(&company.world.cx, &bob, &scope, connection, MappingKind::Customer, "C-9", "7").await;
    assert!(conflict(again).contains("waits already"));
    let id: uuid::Uuid =
        sqlx::query_scalar("select mapping_id from mapping where state = 'proposed'").fetch_one(&company.world.db.pool).await.unwrap();
    let decide = |who: &'static str, scope: Scope| {
        let cx = company.world.cx.clone();
        async move { mappings::decide(&cx, &person(who), &scope, MappingId(id), true).await }
    };
    assert!(conflict(decide("ann@lumen.example", company.scope()).await).contains("Nobody approves"));
    let foreign = decide("bob@lumen.example", Scope::of_system(vec![company.de])).await;
    assert!(matches!(foreign, Err(WorkError::NotFound)), "the account keeps no books of his entities");
    decide("bob@lumen.example", company.scope()).await.unwrap();
    assert_eq!(company.audited().await, ["ann@lumen.example mapping.propose", "bob@lumen.example mapping.decide"]);
    company.replay(&[company.document("I-1").await]).await;
    company.drain().await;
    assert_eq!(company.erp.sent("I-1")[0].body["customer"], "1009");
}

#[tokio::test]
async fn posted_by_hand_needs_the_mapping_and_sends_nothing() {
    let company = Company::new().await;
    let mut document = invoice("I-1", 100);
    document["customer"]["code"] = json!("C-9");
    company.import("US", "B-1", &[document]).await;
    company.drain().await;
    let by_hand = || async {
        let (cx, exception) = (&company.world.cx, company.exception("I-1").await);
        resolve::posted_by_hand(cx, &company.erps, &person("ann@lumen.example"), &company.scope(), exception, "NS-77").await
    };
    match by_hand().await {
        Err(WorkError::Invalid { field: "erp_number", message }) => assert!(message.contains("Customer C-9 has no mapping"), "{message}"),
        other => panic!("{other:?}"),
    }
    company.limit(1000).await;
    company.propose("ann@lumen.example", MappingKind::Customer, "C-9", "1009").await;
    by_hand().await.unwrap();
    assert_eq!((company.stage("I-1").await, company.next("I-1").await.0), (Stage::Posted, None));
    assert_eq!(company.world.text("select erp_number from posting").await, "NS-77");
    assert_eq!(company.trouble("I-1").await, None);
    company.drain_after(86_400).await;
    assert!(company.erp.script().sent.is_empty());
    assert_eq!(company.audited().await.last().unwrap(), "ann@lumen.example exception.posted_by_hand");
    company.ties_out().await;
}
