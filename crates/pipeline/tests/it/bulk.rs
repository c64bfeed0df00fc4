//! Acts on many exceptions, and filters with a name.

use crate::world::{Company, person};
use domain::{
    access::Caller,
    bulk::{BulkEditView, BulkResult, SavedView},
    id::{BulkEditId, ExceptionId},
};
use pipeline::workbench::{
    self, WorkError,
    bulk::{self, Chosen, Edit},
    views,
};
use store::{Scope, bulk as kept, bulk::Reach, saved_views, views::exceptions::Filter};

const ANN: &str = "ann@lumen.example";
const BOB: &str = "bob@lumen.example";

impl Company {
    /// Refused invoices, and people to give them to.
    async fn staffed(numbers: &[&str]) -> Self {
        let company = Self::refused(numbers).await;
        for email in [ANN, BOB, "eve@lumen.example"] {
            company.signed_up(email).await;
        }
        company
    }

    async fn edit(&self, who: &str, chosen: Chosen<'_>, edit: Edit<'_>) -> Result<BulkEditId, WorkError> {
        let scope = self.scope();
        bulk::edit(&self.world.cx, &person(who), Reach { seen: &scope, works: &scope }, chosen, edit).await
    }

    async fn undo(&self, who: &str, edit: BulkEditId) -> Result<i32, WorkError> {
        let scope = self.scope();
        bulk::undo(&self.world.cx, &person(who), Reach { seen: &scope, works: &scope }, edit).await
    }

    async fn edited(&self, who: &str, edit: BulkEditId) -> BulkEditView {
        kept::find(&self.world.db.pool, who, edit).await.unwrap().expect("an edit")
    }

    async fn owners(&self) -> String {
        self.world.text("select string_agg(d.number || ' ' || coalesce(x.owner, '-'), ', ' order by d.number) from exception x join document d using (document_id)").await
    }

    async fn ids(&self, numbers: &[&str]) -> Vec<ExceptionId> {
        let mut ids = Vec::new();
        for number in numbers {
            ids.push(self.exception(number).await);
        }
        ids
    }
}

#[tokio::test]
async fn owners_and_comments_are_kept_within_the_callers_entities() {
    let company = Company::staffed(&["I-1"]).await;
    let (cx, ann, ids) = (&company.world.cx, person(ANN), company.ids(&["I-1"]).await);
    let foreign = Scope::of_system(vec![company.de]);
    let unseen = Reach { seen: &foreign, works: &foreign };
    assert!(matches!(bulk::edit(cx, &ann, unseen, Chosen::Listed(&ids), Edit::Assign(BOB)).await, Err(WorkError::NotFound)));
    assert!(matches!(workbench::comment(cx, &ann, &foreign, ids[0], "mine").await, Err(WorkError::NotFound)));
    assert!(matches!(workbench::comment(cx, &ann, &company.scope(), ids[0], "  ").await, Err(WorkError::Invalid { .. })));
    workbench::comment(cx, &ann, &company.scope(), ids[0], "asked the ERP team").await.unwrap();
    company.edit(ANN, Chosen::Listed(&ids), Edit::Assign(" bob@lumen.example ")).await.unwrap();
    assert_eq!(company.owners().await, "I-1 bob@lumen.example");
    assert_eq!(company.world.text("select author || ': ' || body from exception_note").await, "ann@lumen.example: asked the ERP team");
    assert_eq!(company.audited().await, ["ann@lumen.example exception.assign"]);
    assert_eq!(company.world.text("select count(*)::text from bulk_edit").await, "1", "what was refused left nothing behind");
}

#[tokio::test]
async fn an_act_on_all_that_match_takes_what_no_page_shows_and_nothing_else() {
    let company = Company::staffed(&["I-1", "I-2", "I-3"]).await;
    company
        .execute("update exception set currency = 'EUR' where document_id in (select document_id from document where number = 'I-2')")
        .await;
    let filter = Filter { currency: Some("USD".into()), ..Filter::default() };
    let edit = company.edit(ANN, Chosen::Matching(&filter), Edit::Assign(BOB)).await.unwrap();
    assert_eq!(company.owners().await, "I-1 bob@lumen.example, I-2 -, I-3 bob@lumen.example");
    assert_eq!((company.edited(ANN, edit).await.done, company.edited(ANN, edit).await.left_alone), (2, 0));
    assert!(kept::find(&company.world.db.pool, BOB, edit).await.unwrap().is_none(), "an act is told to whoever made it");
    let noted = company.edit(ANN, Chosen::Matching(&Filter::default()), Edit::Comment("asked the bank")).await.unwrap();
    assert_eq!(company.edited(ANN, noted).await.done, 3);
    assert_eq!(company.world.text("select count(distinct note_id)::text from exception_note where body = 'asked the bank'").await, "3");
}

#[tokio::test]
async fn what_an_act_leaves_alone_is_named_with_the_reason() {
    let company = Company::staffed(&["I-1", "I-2", "I-3"]).await;
    let ids = company.ids(&["I-1", "I-2", "I-3"]).await;
    company.execute("update exception set closed_at = now(), closed_as = 'replayed' where document_id in (select document_id from document where number = 'I-1')").await;
    let edit = company.edit(ANN, Chosen::Listed(&ids), Edit::Assign(BOB)).await.unwrap();
    let told = company.edited(ANN, edit).await;
    assert_eq!((told.done, told.left_alone), (2, 1));
    let alone = kept::left_alone(&company.world.db.pool, &company.scope(), edit, 10).await.unwrap();
    let said: Vec<_> = alone.iter().map(|item| (item.number.as_str(), item.result, item.why())).collect();
    assert_eq!(said, [("I-1", BulkResult::Closed, "closed before: replayed".to_owned())]);
    // one who reads the entity and does not work there
    let (seen, works) = (company.scope(), Scope::of_system(vec![company.de]));
    let reach = Reach { seen: &seen, works: &works };
    let edit = bulk::edit(&company.world.cx, &person(ANN), reach, Chosen::Listed(&ids[2..]), Edit::Assign("")).await.unwrap();
    assert_eq!(kept::left_alone(&company.world.db.pool, &seen, edit, 10).await.unwrap()[0].result, BulkResult::Forbidden);
    assert_eq!(company.owners().await, "I-1 -, I-2 bob@lumen.example, I-3 bob@lumen.example");
}

#[tokio::test]
async fn an_assignment_is_undone_where_nothing_changed_since() {
    let company = Company::staffed(&["I-1", "I-2", "I-3", "I-4"]).await;
    let ids = company.ids(&["I-1", "I-2", "I-3", "I-4"]).await;
    company.edit(ANN, Chosen::Listed(&ids[..1]), Edit::Assign("eve@lumen.example")).await.unwrap();
    let edit = company.edit(ANN, Chosen::Listed(&ids), Edit::Assign(BOB)).await.unwrap();
    assert!(matches!(company.undo(BOB, edit).await, Err(WorkError::NotFound)), "another person");
    // one went on, one changed hands and came back
    company.execute("update exception set closed_at = now(), closed_as = 'resolved' where document_id in (select document_id from document where number = 'I-2')").await;
    company.edit(ANN, Chosen::Listed(&ids[2..3]), Edit::Assign("eve@lumen.example")).await.unwrap();
    company.edit(ANN, Chosen::Listed(&ids[2..3]), Edit::Assign(BOB)).await.unwrap();
    assert_eq!(company.undo(ANN, edit).await.unwrap(), 2);
    assert_eq!(company.owners().await, "I-1 eve@lumen.example, I-2 bob@lumen.example, I-3 bob@lumen.example, I-4 -");
    assert!(matches!(company.undo(ANN, edit).await, Err(WorkError::Conflict(_))), "once");
    let noted = company.edit(ANN, Chosen::Listed(&ids[..1]), Edit::Comment("a word")).await.unwrap();
    assert!(matches!(company.undo(ANN, noted).await, Err(WorkError::Conflict(_))), "a note stays");
    company.ties_out().await;
}

impl Company {
    async fn signed_up(&self, email: &str) -> Caller {
        let caller = Caller { user_id: domain::id::UserId(uuid::Uuid::now_v7()), ..person(email) };
        sqlx::query(
            "insert into person (user_id, email, name, password_hash, created_at, created_by) values ($1, $2, $2, 'x', now(), 'test')",
        )
        .bind(caller.user_id.0)
        .bind(email)
        .execute(&self.world.db.pool)
        .await
        .unwrap();
        caller
    }

    async fn views_of(&self, caller: &Caller, scope: &Scope) -> Vec<SavedView> {
        saved_views::list(&self.world.db.pool, caller.user_id, scope).await.unwrap()
    }
}

#[tokio::test]
async fn an_owner_is_somebody_who_works_here_however_he_is_written() {
    let company = Company::staffed(&["I-1"]).await;
    let ids = company.ids(&["I-1"]).await;
    company.edit(ANN, Chosen::Listed(&ids), Edit::Assign(" Bob@Lumen.example ")).await.unwrap();
    assert_eq!(company.owners().await, "I-1 bob@lumen.example");
    company.execute("update person set deactivated_at = now(), deactivated_by = 'test' where email = 'eve@lumen.example'").await;
    for nobody in ["eve@lumen.example", "bbo@lumen.example"] {
        match company.edit(ANN, Chosen::Listed(&ids), Edit::Assign(nobody)).await {
            Err(WorkError::Invalid { field: "owner", message }) => assert!(message.contains(nobody), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(company.owners().await, "I-1 bob@lumen.example");
}

#[tokio::test]
async fn a_default_view_of_an_entity_that_was_withdrawn_opens_nothing() {
    let company = Company::refused(&["I-1"]).await;
    let (cx, us, ann) = (&company.world.cx, company.world.us, company.signed_up(ANN).await);
    let view = views::save(cx, &ann, "US", "entity=US", Some(us), false).await.unwrap();
    views::set_default(cx, &ann, &company.scope(), Some(view)).await.unwrap();
    assert!(company.views_of(&ann, &company.scope()).await[0].is_default);
    let german = company.views_of(&ann, &Scope::of_system(vec![company.de])).await;
    assert!(german.len() == 1 && !german[0].is_default, "it is his still, to be deleted: {german:?}");
}

#[tokio::test]
async fn a_filter_that_is_too_long_to_keep_is_refused_in_words() {
    let company = Company::refused(&["I-1"]).await;
    let ann = company.signed_up(ANN).await;
    let long = format!("cause={}", "x".repeat(1_994));
    views::save(&company.world.cx, &ann, "just right", &long, None, false).await.unwrap();
    let refused = views::save(&company.world.cx, &ann, "too long", &format!("{long}x"), None, false).await;
    assert!(matches!(refused, Err(WorkError::Invalid { field: "query", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_shared_view_is_seen_by_those_who_read_its_entity() {
    let company = Company::refused(&["I-1"]).await;
    let (cx, us, de) = (&company.world.cx, company.world.us, company.de);
    let (ann, bob) = (company.signed_up(ANN).await, company.signed_up(BOB).await);
    let (all, german) = (company.scope(), Scope::of_system(vec![de]));
    let mine = views::save(cx, &ann, " Large ", "amount=1000", None, false).await.unwrap();
    views::save(cx, &ann, "US mappings", "entity=US&kind=mapping", Some(us), true).await.unwrap();
    let ours = views::save(cx, &ann, "Periods", "kind=period", None, true).await.unwrap();
    let names = |views: Vec<SavedView>| views.into_iter().map(|view| view.name).collect::<Vec<_>>();
    assert_eq!(names(company.views_of(&ann, &all).await), ["Large", "Periods", "US mappings"]);
    assert_eq!(names(company.views_of(&bob, &all).await), ["Periods", "US mappings"]);
    assert_eq!(names(company.views_of(&bob, &german).await), ["Periods"]);
    assert!(matches!(views::save(cx, &ann, "Large", "", None, false).await, Err(WorkError::Invalid { field: "name", .. })));
    assert!(matches!(views::set_default(cx, &bob, &all, Some(mine)).await, Err(WorkError::NotFound)), "not his to see");
    views::set_default(cx, &bob, &all, Some(ours)).await.unwrap();
    assert!(company.views_of(&bob, &all).await[0].is_default && !company.views_of(&ann, &all).await[1].is_default);
    assert!(matches!(views::delete(cx, &bob, ours).await, Err(WorkError::NotFound)), "not his to delete");
    views::delete(cx, &ann, ours).await.unwrap();
    assert!(company.views_of(&bob, &all).await.iter().all(|view| !view.is_default));
}
