//! Access as it is used, on a database of its own.

use super::{
    AccessError, Granter, grants, keys,
    sign_in::{self, Next, SignInError},
    totp,
    users::{self, NewPerson},
};
use crate::{Context, secret::Cipher};
use chrono::TimeDelta;
use domain::{
    access::{Action, Actor, Caller, Grant, Role, Scope},
    approval::GrantRequest,
    clock::FixedClock,
    id::{EntityId, UserId},
};
use std::sync::Arc;
use store::{
    access::audit,
    testing::{TestDatabase, database},
};

const PASSWORD: &str = "correct horse battery";
const ADDRESS: &str = "192.0.2.1";

struct World {
    db: TestDatabase,
    ctx: Context,
    clock: FixedClock,
    us: EntityId,
    de: EntityId,
}

impl World {
    async fn new() -> Self {
        let db = database().await;
        let clock = FixedClock::at("2026-10-31T12:00:00Z".parse().unwrap());
        let ctx = Context { pool: db.pool.clone(), clock: Arc::new(clock.clone()), secrets: Arc::new(Cipher::new([7; 32])) };
        let (us, de) = (db.entity("US", "USD").await, db.entity("DE", "EUR").await);
        Self { db, ctx, clock, us, de }
    }

    fn granter(&self, entities: &[EntityId]) -> Granter {
        Granter { actor: Actor::User("admin@example.com".into()), scope: Scope::of_system(entities.to_vec()) }
    }

    async fn person(&self, email: &str, totp_required: bool, grants: Vec<Grant>) -> UserId {
        let new = NewPerson { email: email.into(), name: "Ann".into(), password: PASSWORD.into(), totp_required, grants };
        let cli = Granter { actor: Actor::Cli("test".into()), scope: Scope::of_system(vec![self.us, self.de]) };
        users::create(&self.ctx, &cli, new).await.unwrap()
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<Next, SignInError> {
        sign_in::check_password(&self.ctx, email, password, ADDRESS).await.map(|(_, next)| next)
    }

    fn code(&self, secret: &[u8]) -> String {
        totp::code_at(secret, domain::clock::Clock::now(&self.clock).timestamp())
    }

    /// Enrols and returns the secret.
    async fn enrol(&self, user: UserId) -> Vec<u8> {
        sign_in::enrolment(&self.ctx, user).await.unwrap();
        let mut conn = self.db.pool.acquire().await.unwrap();
        let sealed = store::access::users::credentials(&mut conn, user).await.unwrap().unwrap().totp_secret.unwrap();
        self.ctx.secrets.open(&sealed, &format!("totp:{user}")).unwrap()
    }
}

#[tokio::test]
async fn unknown_wrong_and_deactivated_get_the_same_answer() {
    let world = World::new().await;
    let gone = world.person("gone@example.com", false, vec![]).await;
    world.person("ann@example.com", false, vec![]).await;
    users::deactivate(&world.ctx, &world.granter(&[]), gone).await.unwrap();
    assert!(matches!(world.sign_in("nobody@example.com", PASSWORD).await, Err(SignInError::Refused)));
    assert!(matches!(world.sign_in("ann@example.com", "another password").await, Err(SignInError::Refused)));
    assert!(matches!(world.sign_in("gone@example.com", PASSWORD).await, Err(SignInError::Refused)));
    assert_eq!(world.sign_in(" Ann@Example.com ", PASSWORD).await.unwrap(), Next::SignedIn);
}

#[tokio::test]
async fn the_sixth_try_waits_even_with_the_right_password_and_for_unknown_accounts() {
    let world = World::new().await;
    world.person("ann@example.com", false, vec![]).await;
    for email in ["ann@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            assert!(matches!(world.sign_in(email, "another password").await, Err(SignInError::Refused)));
        }
        assert!(matches!(world.sign_in(email, PASSWORD).await, Err(SignInError::Throttled)), "{email}");
    }
    world.clock.advance(TimeDelta::minutes(16));
    assert_eq!(world.sign_in("ann@example.com", PASSWORD).await.unwrap(), Next::SignedIn);
}

#[tokio::test]
async fn success_forgets_the_failures_before_it() {
    let world = World::new().await;
    world.person("ann@example.com", false, vec![]).await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(world.sign_in("ann@example.com", "another password").await.is_err());
        }
        assert_eq!(world.sign_in("ann@example.com", PASSWORD).await.unwrap(), Next::SignedIn);
    }
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_waits() {
    let world = World::new().await;
    let mut conn = world.db.pool.acquire().await.unwrap();
    for _ in 0..50 {
        let address = format!("address:{ADDRESS}");
        store::access::throttle::count(&mut conn, &address, TimeDelta::minutes(15), world.ctx.clock.now()).await.unwrap();
    }
    assert!(matches!(world.sign_in("nobody@example.com", PASSWORD).await, Err(SignInError::Throttled)));
    let elsewhere = sign_in::check_password(&world.ctx, "nobody@example.com", PASSWORD, "192.0.2.2").await;
    assert!(matches!(elsewhere, Err(SignInError::Refused)));
}

#[tokio::test]
async fn a_second_factor_is_enrolled_then_asked_for_and_a_code_works_once() {
    let world = World::new().await;
    let ann = world.person("ann@example.com", true, vec![]).await;
    assert_eq!(world.sign_in("ann@example.com", PASSWORD).await.unwrap(), Next::Enrol);
    let secret = world.enrol(ann).await;
    assert_eq!(world.enrol(ann).await, secret, "reloading the page keeps the secret");
    let wrong = if world.code(&secret) == "000000" { "000001" } else { "000000" };
    assert!(matches!(sign_in::check_code(&world.ctx, ann, wrong, ADDRESS).await, Err(SignInError::Refused)));
    let code = world.code(&secret);
    sign_in::check_code(&world.ctx, ann, &code, ADDRESS).await.unwrap();
    assert!(matches!(sign_in::check_code(&world.ctx, ann, &code, ADDRESS).await, Err(SignInError::Refused)), "replay");
    assert_eq!(world.sign_in("ann@example.com", PASSWORD).await.unwrap(), Next::SecondFactor);
    assert!(sign_in::enrolment(&world.ctx, ann).await.is_err(), "the secret is never shown again");
    world.clock.advance(TimeDelta::seconds(30));
    sign_in::check_code(&world.ctx, ann, &world.code(&secret), ADDRESS).await.unwrap();
}

#[tokio::test]
async fn codes_are_throttled_with_the_account() {
    let world = World::new().await;
    let ann = world.person("ann@example.com", true, vec![]).await;
    let secret = world.enrol(ann).await;
    let right = world.code(&secret);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert!(matches!(sign_in::check_code(&world.ctx, ann, wrong, ADDRESS).await, Err(SignInError::Refused)));
    }
    assert!(matches!(sign_in::check_code(&world.ctx, ann, &right, ADDRESS).await, Err(SignInError::Throttled)));
}

#[tokio::test]
async fn a_granter_reaches_only_his_entities_and_never_himself() {
    let world = World::new().await;
    let (us, de) = (world.us, world.de);
    let in_us = Grant { role: Role::Controller, entity_id: us };
    let in_de = Grant { role: Role::Executive, entity_id: de };
    let ann = world.person("ann@example.com", false, vec![in_us.clone(), in_de.clone()]).await;
    let of_us = world.granter(&[us]);
    let beyond = grants::set(&world.ctx, &of_us, ann, std::slice::from_ref(&in_de)).await;
    assert!(matches!(beyond, Err(AccessError::OutOfScope)));
    assert!(matches!(users::deactivate(&world.ctx, &of_us, ann).await, Err(AccessError::OutOfScope)));
    grants::set(&world.ctx, &of_us, ann, &[]).await.unwrap();
    let mut conn = world.db.pool.acquire().await.unwrap();
    let caller = store::access::users::caller(&mut conn, ann).await.unwrap().unwrap();
    assert_eq!(caller.grants, [in_de], "what lies outside his reach stays");
    let herself = Granter { actor: caller.actor(), scope: Scope::of_system(vec![us, de]) };
    assert!(matches!(grants::set(&world.ctx, &herself, ann, &[in_us]).await, Err(AccessError::Oneself)));
}

impl World {
    async fn caller(&self, user: UserId) -> Caller {
        let mut conn = self.db.pool.acquire().await.unwrap();
        store::access::users::caller(&mut conn, user).await.unwrap().unwrap()
    }

    async fn admin(&self, email: &str) -> Caller {
        let grants = [self.us, self.de].map(|entity_id| Grant { role: Role::Admin, entity_id });
        let user = self.person(email, false, grants.to_vec()).await;
        self.caller(user).await
    }

    async fn waiting(&self) -> Vec<GrantRequest> {
        let mut conn = self.db.pool.acquire().await.unwrap();
        store::access::grants::waiting(&mut conn, &Scope::of_system(vec![self.us, self.de]), None, 10).await.unwrap()
    }

    /// One admin gives a role to a person of no roles; what waits.
    async fn given(&self, by: &Caller, user: UserId, role: Role) -> GrantRequest {
        let granter = Granter { actor: by.actor(), scope: by.scope(Action::ManageUsers) };
        let mut wanted = self.caller(user).await.grants;
        wanted.push(Grant { role, entity_id: self.us });
        assert_eq!(grants::set(&self.ctx, &granter, user, &wanted).await.unwrap(), 1);
        self.waiting().await.pop().unwrap()
    }

    async fn decide(&self, by: &Caller, request: &GrantRequest, approve: bool) -> Result<(), AccessError> {
        grants::decide(&self.ctx, by, request.request_id, &request.shown, approve, None).await
    }
}

#[tokio::test]
async fn a_role_holds_when_another_administrator_let_it_in_and_neither_giver_nor_receiver_does() {
    let world = World::new().await;
    let (ann, ben) = (world.admin("ann@example.com").await, world.admin("ben@example.com").await);
    let request = world.given(&ann, ben.user_id, Role::Auditor).await;
    assert_eq!(world.caller(ben.user_id).await.grants.len(), 2, "nothing yet");
    assert!(matches!(world.decide(&ann, &request, true).await, Err(AccessError::Conflict(_))), "she gave it");
    assert!(matches!(world.decide(&ben, &request, true).await, Err(AccessError::Oneself)), "he receives it");
    let stranger = Caller { grants: vec![Grant { role: Role::Admin, entity_id: world.de }], ..world.admin("dan@example.com").await };
    assert!(matches!(world.decide(&stranger, &request, true).await, Err(AccessError::NotFound)), "not his entity");
    let eve = world.admin("eve@example.com").await;
    world.decide(&eve, &request, true).await.unwrap();
    assert!(world.caller(ben.user_id).await.has(Role::Auditor));
    assert!(world.waiting().await.is_empty());
    assert!(matches!(world.decide(&eve, &request, true).await, Err(AccessError::NotFound)), "decided once");
    let mut conn = world.db.pool.acquire().await.unwrap();
    let reach = Scope::of_system(vec![world.us]);
    let review = store::access::grants::review(&mut conn, &reach, Some(ben.user_id)).await.unwrap();
    let said: Vec<_> = review.iter().map(|row| (row.role, row.granted_by.as_str(), row.let_in_by())).collect();
    assert_eq!(said, [(Role::Admin, "cli:test", "command line"), (Role::Auditor, "ann@example.com", "eve@example.com")]);
}

#[tokio::test]
async fn a_role_that_is_refused_leaves_nothing_and_one_of_a_person_who_left_is_void() {
    let world = World::new().await;
    let (ann, eve) = (world.admin("ann@example.com").await, world.admin("eve@example.com").await);
    let bob = world.person("bob@example.com", false, vec![]).await;
    let request = world.given(&ann, bob, Role::Controller).await;
    world.decide(&eve, &request, false).await.unwrap();
    assert!(world.caller(bob).await.grants.is_empty() && world.waiting().await.is_empty());
    let again = world.given(&ann, bob, Role::Controller).await;
    assert_ne!(again.request_id, request.request_id, "asked for anew");
    users::deactivate(&world.ctx, &world.granter(&[world.us, world.de]), bob).await.unwrap();
    assert!(matches!(world.decide(&eve, &again, true).await, Err(AccessError::NotFound)));
}

#[tokio::test]
async fn a_decision_about_a_role_is_bound_to_the_roles_that_were_shown_beside_it() {
    let world = World::new().await;
    let (ann, eve) = (world.admin("ann@example.com").await, world.admin("eve@example.com").await);
    let bob = world.person("bob@example.com", false, vec![]).await;
    let controller = world.given(&ann, bob, Role::Controller).await;
    let approver = world.given(&ann, bob, Role::Approver).await;
    world.decide(&eve, &controller, true).await.unwrap();
    assert!(matches!(world.decide(&eve, &approver, true).await, Err(AccessError::Conflict(_))), "no conflict was shown");
    let shown = world.waiting().await.pop().unwrap();
    assert_eq!(shown.conflicts(), ["Controller prepares what Approver approves"]);
    world.decide(&eve, &shown, true).await.unwrap();
    assert!(world.caller(bob).await.has(Role::Approver));
}

#[tokio::test]
async fn a_key_works_until_it_expires_is_revoked_or_its_owner_leaves() {
    let world = World::new().await;
    let admin = world.granter(&[world.us, world.de]);
    let grant = Grant { role: Role::ArSpecialist, entity_id: world.us };
    let ann = world.person("ann@example.com", false, vec![grant]).await;
    let key = async |name: &str, days| {
        let new = keys::NewKey {
            name: name.into(),
            owner_email: "ann@example.com".into(),
            scopes: vec![Action::ImportBatch],
            entities: vec![world.us],
            expires_at: world.ctx.clock.now() + TimeDelta::days(days),
        };
        keys::create(&world.ctx, &admin, &new).await.unwrap()
    };
    let (short, revoked, long) = (key("short", 1).await, key("revoked", 30).await, key("long", 30).await);
    let works = async |key: &str| keys::authenticate(&world.ctx, key).await.unwrap().is_some();
    assert!(works(&short).await && works(&revoked).await && works(&long).await);
    assert!(!works(&format!("{long}0")).await);
    world.clock.advance(TimeDelta::days(2));
    keys::revoke(&world.ctx, &admin, "revoked").await.unwrap();
    assert!(!works(&short).await, "expired");
    assert!(!works(&revoked).await, "revoked");
    let caller = keys::authenticate(&world.ctx, &long).await.unwrap().unwrap();
    assert_eq!(caller.scope(Action::ImportBatch).entities(), &[world.us]);
    users::deactivate(&world.ctx, &admin, ann).await.unwrap();
    assert!(!works(&long).await, "the owner left");
}

#[tokio::test]
async fn a_key_is_refused_beyond_its_owner_and_for_approval() {
    let world = World::new().await;
    let admin = world.granter(&[world.us, world.de]);
    let grant = Grant { role: Role::Approver, entity_id: world.us };
    world.person("ann@example.com", false, vec![grant]).await;
    for scope in [Action::Approve, Action::ImportBatch] {
        let new = keys::NewKey {
            name: "k".into(),
            owner_email: "ann@example.com".into(),
            scopes: vec![scope],
            entities: vec![world.us],
            expires_at: world.ctx.clock.now() + TimeDelta::days(1),
        };
        assert!(matches!(keys::create(&world.ctx, &admin, &new).await, Err(AccessError::Invalid { field: "scope", .. })), "{scope}");
    }
}

#[tokio::test]
async fn every_change_of_access_is_in_the_chained_log() {
    let world = World::new().await;
    let ann = world.person("ann@example.com", false, vec![]).await;
    world.sign_in("ann@example.com", PASSWORD).await.unwrap();
    users::reset_second_factor(&world.ctx, &world.granter(&[]), ann).await.unwrap();
    users::deactivate(&world.ctx, &world.granter(&[]), ann).await.unwrap();
    let mut conn = world.db.pool.acquire().await.unwrap();
    let head = audit::verify_chain(&mut conn).await.unwrap().unwrap().unwrap();
    assert_eq!(head.sequence, 4);
    let again =
        NewPerson { email: "ANN@example.com".into(), name: "Ann".into(), password: PASSWORD.into(), totp_required: true, grants: vec![] };
    let taken = users::create(&world.ctx, &world.granter(&[]), again).await;
    assert!(matches!(taken, Err(AccessError::Invalid { field: "email", .. })));
    assert_eq!(audit::head(&mut conn).await.unwrap(), Some(head), "what was refused leaves no event");
}
