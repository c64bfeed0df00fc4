//! What people watch, and what they are told.

use crate::{
    invoices::invoice,
    world::{Company, refusal},
};
use chrono::TimeDelta;
use domain::{
    access::{Caller, Grant, Role, Scope},
    id::{EntityId, UserId},
    notice::{NoticeKind, NoticeView},
};
use pipeline::workbench::{
    self,
    bulk::{self, Chosen, Edit},
};
use store::{
    access::users::{self, NewUser},
    bulk::Reach,
    notices::{self, Watched},
};

impl Company {
    /// Two that the ERP refused for one cause.
    async fn two_refused() -> Self {
        let company = Self::new().await;
        for number in ["I-1", "I-2"] {
            company.erp.answers(number, [refusal("CLOSED_TRAN_PRD")]);
        }
        company.import("US", "B-1", &[invoice("I-1", 100), invoice("I-2", 100)]).await;
        company.drain().await;
        company
    }

    async fn hire(&self, email: &str, name: &str, role: Role, entity: EntityId) -> Caller {
        let mut conn = self.world.db.pool.acquire().await.unwrap();
        let user_id = UserId(uuid::Uuid::now_v7());
        let created_at = self.world.cx.clock.now();
        let new = NewUser { user_id, email, name, password_hash: "x", totp_required: false, created_by: "test", created_at };
        users::insert(&mut conn, &new).await.unwrap();
        sqlx::query("insert into role_grant (user_id, role, entity_id, granted_by, granted_at) values ($1, $2, $3, 'cli:test', $4)")
            .bind(user_id.0)
            .bind(role.as_str())
            .bind(entity.0)
            .bind(created_at)
            .execute(&mut *conn)
            .await
            .unwrap();
        Caller { user_id, email: email.into(), name: name.into(), grants: vec![Grant { role, entity_id: entity }] }
    }

    async fn inbox(&self, who: &Caller) -> Vec<NoticeView> {
        notices::list(&self.world.db.pool, who.user_id, &self.scope(), None, 100).await.unwrap()
    }

    /// What was told and of how many.
    async fn told(&self, who: &Caller) -> Vec<(NoticeKind, i64)> {
        self.inbox(who).await.into_iter().map(|notice| (notice.what, notice.count)).collect()
    }

    async fn watch(&self, who: &Caller, what: Watched<'_>) {
        workbench::watch(&self.world.cx, who, &self.scope(), what, true).await.unwrap();
    }

    async fn say(&self, who: &Caller, number: &str, body: &str) -> Vec<String> {
        workbench::comment(&self.world.cx, who, &self.scope(), self.exception(number).await, body).await.unwrap()
    }

    async fn close(&self, numbers: &[&str], what: NoticeKind, by: &str) {
        let mut conn = self.world.db.pool.acquire().await.unwrap();
        let mut documents = Vec::new();
        for number in numbers {
            documents.push(self.document(number).await);
        }
        store::exceptions::close(&mut conn, &documents, what, Some(by), self.world.cx.clock.now()).await.unwrap();
    }

    async fn breaches(&self) -> usize {
        notices::tell_breaches(&mut self.world.db.pool.acquire().await.unwrap(), self.world.cx.clock.now()).await.unwrap()
    }
}

#[tokio::test]
async fn a_note_speaks_to_who_may_read_it_and_to_nobody_else() {
    let company = Company::two_refused().await;
    let (us, de) = (company.world.us, company.de);
    let ann = company.hire("ann@lumen.example", "Ann Lee", Role::ArSpecialist, us).await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, us).await;
    let elsewhere = company.hire("eve@lumen.example", "Eve Day", Role::Controller, de).await;
    let admin = company.hire("adam@lumen.example", "Adam Moss", Role::Admin, us).await;
    assert_eq!(company.say(&ann, "I-1", "@robert and @eve, @adam, @ann: see bob@customer.example").await, ["Robert Ray"]);
    assert_eq!(company.told(&bob).await, [(NoticeKind::Mentioned, 1)]);
    assert!(company.inbox(&bob).await[0].body.as_deref().unwrap().starts_with("@robert"));
    for nobody in [&ann, &elsewhere, &admin] {
        assert_eq!(company.told(nobody).await, [], "{}", nobody.email);
    }
    assert_eq!(company.say(&bob, "I-1", "Thanks @Ann.").await, ["Ann Lee"]);
    assert_eq!(company.say(&ann, "I-1", "@bob @bob.").await, ["Robert Ray"], "once");
}

#[tokio::test]
async fn who_watches_is_told_what_others_do_and_no_longer_when_he_stops() {
    let company = Company::two_refused().await;
    let ann = company.hire("ann@lumen.example", "Ann Lee", Role::ArSpecialist, company.world.us).await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, company.world.us).await;
    let one = Watched::Exception(company.exception("I-1").await);
    company.watch(&bob, one).await;
    company.watch(&bob, one).await;
    company.say(&ann, "I-1", "Asked.").await;
    company.say(&bob, "I-1", "Good.").await;
    company.say(&ann, "I-2", "Another.").await;
    company.clock.advance(TimeDelta::minutes(1));
    company.say(&ann, "I-1", "@bob?").await;
    assert_eq!(company.told(&bob).await, [(NoticeKind::Mentioned, 1), (NoticeKind::Noted, 1)], "once of a note, and not of his own");
    workbench::watch(&company.world.cx, &bob, &company.scope(), one, false).await.unwrap();
    company.close(&["I-1"], NoticeKind::Resolved, "ann@lumen.example").await;
    assert_eq!(company.told(&bob).await.len(), 2);
    let nowhere = workbench::watch(&company.world.cx, &bob, &Scope::of_system(vec![company.de]), one, true).await;
    assert!(nowhere.is_err(), "it is not in his entities");
}

#[tokio::test]
async fn what_happens_to_many_of_a_watched_cause_adds_up_until_it_is_read() {
    let company = Company::two_refused().await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, company.world.us).await;
    let cause = company.world.text("select distinct fingerprint from exception").await;
    company.watch(&bob, Watched::Cause(&cause)).await;
    company.close(&["I-1"], NoticeKind::Replayed, "ann@lumen.example").await;
    company.close(&["I-2"], NoticeKind::Replayed, "ann@lumen.example").await;
    assert_eq!(company.told(&bob).await, [(NoticeKind::Replayed, 2)]);
    let unread =
        async |scope: &Scope| notices::unread(&mut company.world.db.pool.acquire().await.unwrap(), bob.user_id, scope).await.unwrap();
    assert_eq!((unread(&company.scope()).await, unread(&Scope::of_system(vec![company.de])).await), (1, 0));
    workbench::read_notices(&company.world.cx, &bob, None).await.unwrap();
    assert_eq!(unread(&company.scope()).await, 0);
    assert!(!company.inbox(&bob).await[0].unread);
}

#[tokio::test]
async fn a_new_owner_is_told_by_whom_he_was_given_it() {
    let company = Company::two_refused().await;
    let ann = company.hire("ann@lumen.example", "Ann Lee", Role::ArSpecialist, company.world.us).await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, company.world.us).await;
    let both = [company.exception("I-1").await, company.exception("I-2").await];
    for owner in [&ann, &bob] {
        let scope = company.scope();
        let reach = Reach { seen: &scope, works: &scope };
        bulk::edit(&company.world.cx, &ann, reach, Chosen::Listed(&both), Edit::Assign(&owner.email)).await.unwrap();
    }
    assert_eq!((company.told(&ann).await, company.told(&bob).await), (vec![], vec![(NoticeKind::Assigned, 2)]));
    assert_eq!(company.inbox(&bob).await[0].actor.as_deref(), Some("ann@lumen.example"));
    company.close(&["I-1"], NoticeKind::Resolved, "ann@lumen.example").await;
    assert_eq!(company.told(&bob).await.len(), 2, "what one owns one hears of");
}

#[tokio::test]
async fn a_breach_is_told_once() {
    let company = Company::two_refused().await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, company.world.us).await;
    company.watch(&bob, Watched::Exception(company.exception("I-1").await)).await;
    assert_eq!(company.breaches().await, 0);
    company.clock.advance(TimeDelta::days(7));
    assert_eq!((company.breaches().await, company.breaches().await), (2, 0));
    assert_eq!(company.told(&bob).await, [(NoticeKind::Breached, 1)]);
}

#[tokio::test]
async fn a_comment_on_many_tells_whom_it_speaks_to() {
    let company = Company::two_refused().await;
    let ann = company.hire("ann@lumen.example", "Ann Lee", Role::ArSpecialist, company.world.us).await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, company.world.us).await;
    let eve = company.hire("eve@lumen.example", "Eve Roy", Role::Controller, company.de).await;
    let both = [company.exception("I-1").await, company.exception("I-2").await];
    let scope = company.scope();
    let reach = Reach { seen: &scope, works: &scope };
    let said = Edit::Comment("@bob, @eve: seen both?");
    bulk::edit(&company.world.cx, &ann, reach, Chosen::Listed(&both), said).await.unwrap();
    assert_eq!(company.told(&bob).await, [(NoticeKind::Mentioned, 2)], "both notes, one line");
    assert_eq!(company.inbox(&bob).await[0].body.as_deref(), Some("@bob, @eve: seen both?"));
    assert_eq!(company.told(&eve).await, [], "not hers to read");
}

#[tokio::test]
async fn nobody_is_told_of_what_an_act_on_many_left_alone() {
    let company = Company::two_refused().await;
    let ann = company.hire("ann@lumen.example", "Ann Lee", Role::ArSpecialist, company.world.us).await;
    let bob = company.hire("bob@lumen.example", "Robert Ray", Role::Controller, company.world.us).await;
    let cause = company.world.text("select distinct fingerprint from exception").await;
    company.watch(&bob, Watched::Cause(&cause)).await;
    let both = [company.exception("I-1").await, company.exception("I-2").await];
    let (seen, none) = (company.scope(), Scope::of_system(Vec::new()));
    for act in [Edit::Comment("asked the ERP team"), Edit::Assign("bob@lumen.example")] {
        let reach = Reach { seen: &seen, works: &none };
        bulk::edit(&company.world.cx, &ann, reach, Chosen::Listed(&both), act).await.unwrap();
    }
    assert_eq!(company.told(&bob).await, [], "everything was left alone");
    let reach = Reach { seen: &seen, works: &seen };
    bulk::edit(&company.world.cx, &ann, reach, Chosen::Listed(&both[..1]), Edit::Comment("asked again")).await.unwrap();
    assert_eq!(company.told(&bob).await, [(NoticeKind::Noted, 1)]);
}
