//! Bank statements from the page Cash to their lines, with plain forms and links; and over the API.

use crate::world::{Answer, World};
use axum::http::{Method, StatusCode};
use domain::access::{Action, Role};

const STATEMENT: &str = ":20:ST1\r\n:25:000123456789\r\n:28C:1/1\r\n:60F:C261001USD1000,00\r\n:61:2610021002C480,00NTRFNONREF//B1\r\n\
    :86:/NAME/Acme Inc/REMI/INV-1\r\n:62F:C261002USD1480,00\r\n-\r\n";
const TABLE: &str = "Date,Amount,Currency,Description,Name\n2026-10-05,480.00,USD,INV-2,Acme Inc\n";

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body.replace("<!>", "").replace("&amp;", "&")
}

fn link<'a>(page: &'a str, beginning: &str) -> &'a str {
    let at = page.find(&format!("href=\"{beginning}")).unwrap_or_else(|| panic!("no link to {beginning} in {page}"));
    page[at + 6..].split('"').next().unwrap()
}

async fn with_account(world: &World, browser: &mut crate::world::Browser) -> String {
    let form =
        [("entity", world.us.to_string()), ("number", "0001 2345 6789".into()), ("currency", "USD".into()), ("name", "Operating".into())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = browser.post("/fn/open_bank_account", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let cash = text(&browser.get("/cash/accounts").await);
    assert!(cash.contains("Operating") && cash.contains("0001 … 6789") && !cash.contains("000123456789"), "masked: {cash}");
    link(&cash, "/cash/accounts/").to_owned()
}

#[tokio::test]
async fn a_statement_travels_from_the_upload_to_its_lines() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    assert!(text(&browser.get("/cash/accounts").await).contains("No bank account is known yet"));
    let account = with_account(&world, &mut browser).await;
    let answer = browser.upload("/cash/upload", "october.sta", STATEMENT).await;
    assert!(answer.location().starts_with("/cash/statements/"), "{}", answer.location());
    let statement = text(&browser.get(answer.location()).await);
    for part in ["No. 1", "adds up", "1,480.00", "Acme Inc", "INV-1", "B1", "the first one"] {
        assert!(statement.contains(part), "{part}: {statement}");
    }
    let listed = text(&browser.get(&account).await);
    assert!(listed.contains("adds up") && listed.contains("1,000.00"), "{listed}");
    world.person("ann@example.com", Role::Controller, false).await;
    let key = world.key("ann@example.com", Action::ReadFinance).await;
    let api = world.call(Method::GET, "/api/v1/statements?state=imported", Some(&key)).await;
    assert!(api.body.contains("\"closing\":\"1480.0000\"") && api.body.contains("0001 … 6789"), "{}", api.body);
    assert_eq!(world.call(Method::GET, "/api/v1/statements?state=lost", Some(&key)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let off = browser.upload("/cash/upload", "off.sta", &STATEMENT.replace("1480,00", "1481,00").replace("2610021002", "2610031003")).await;
    assert!(off.location().starts_with("/cash/accounts?intake="), "the same statement with other content: {}", off.location());
    assert!(text(&browser.get(off.location()).await).contains("here already with other content"));
}

#[tokio::test]
async fn an_account_number_is_shown_in_full_once_to_who_said_why_and_that_is_in_the_audit_log() {
    let world = World::new().await;
    let mut browser = world.signed_in_as("ann@example.com", Role::Controller).await;
    let account = with_account(&world, &mut browser).await;
    let subject = format!("bank_account:{}", account.rsplit('/').next().unwrap());
    let silent = browser.post("/fn/unmask", &[("subject", &subject), ("reason", " ")]).await;
    assert!(!silent.location().starts_with("/cash/unmasked/"), "without a reason nothing is shown: {}", silent.location());
    let asked = browser.post("/fn/unmask", &[("subject", &subject), ("reason", "the bank asks for it")]).await;
    let page = asked.location().to_owned();
    assert!(page.starts_with("/cash/unmasked/"), "{page}");
    let mut other = world.signed_in_as("bob@example.com", Role::Controller).await;
    assert!(text(&other.get(&page).await).contains("It was shown once"), "another person's reason is not his");
    let shown = browser.get(&page).await;
    assert_eq!(shown.header("cache-control"), "no-store");
    assert!(text(&shown).contains("000123456789") && text(&shown).contains("the bank asks for it"), "{}", shown.body);
    let again = text(&browser.get(&page).await);
    assert!(again.contains("It was shown once") && !again.contains("000123456789"), "{again}");
    let late = browser.post("/fn/unmask", &[("subject", &subject), ("reason", "again")]).await.location().to_owned();
    world.clock.advance(chrono::TimeDelta::minutes(6));
    assert!(!text(&browser.get(&late).await).contains("000123456789"), "what nobody opened soon is not shown any more");
    let told =
        "select string_agg(actor || ' ' || subject || ' ' || (after ->> 'reason') || ' ' || (after ->> 'numbers'), ', ' order by sequence)
        from audit_event where action = 'account.unmask'";
    let told: String = sqlx::query_scalar(told).fetch_one(&world.db.pool).await.unwrap();
    let entry = |reason: &str| format!("ann@example.com {subject} {reason} [\"0001 … 6789\"]");
    assert_eq!(told, [entry("the bank asks for it"), entry("again")].join(", "), "who, what and why; never the number itself");
}

#[tokio::test]
async fn who_may_not_unmask_is_shown_no_number_and_neither_is_who_asks_in_another_entity() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    let account = with_account(&world, &mut browser).await;
    let answer = browser
        .upload("/cash/upload", "october.sta", &STATEMENT.replace("/NAME/Acme Inc", "/NAME/Acme Inc/IBAN/DE89370400440532013000"))
        .await;
    let statement = format!("statement:{}", answer.location().rsplit('/').next().unwrap());
    let masked = text(&browser.get(answer.location()).await);
    assert!(!masked.contains("DE89370400440532013000") && masked.contains("Show an account number in full"), "{masked}");
    let asked = browser.post("/fn/unmask", &[("subject", &statement), ("line", "1"), ("reason", "refund")]).await;
    assert!(text(&browser.get(asked.location()).await).contains("DE89370400440532013000"));
    let none = browser.post("/fn/unmask", &[("subject", &statement), ("line", "7"), ("reason", "refund")]).await;
    assert!(!none.location().starts_with("/cash/unmasked/"), "{}", none.location());
    let subject = format!("bank_account:{}", account.rsplit('/').next().unwrap());
    let mut approver = world.signed_in(Role::Approver).await;
    let refused = approver.post("/fn/unmask", &[("subject", &subject), ("reason", "curious")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let page = text(&approver.get(&account).await);
    assert!(page.contains("needs Controller or AR specialist role"), "{page}");
    let shown: i64 = sqlx::query_scalar("select count(*) from unmasking").fetch_one(&world.db.pool).await.unwrap();
    assert_eq!(shown, 1);
}

#[tokio::test]
async fn a_table_asks_what_its_columns_mean_before_anything_comes_in() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    let account = with_account(&world, &mut browser).await;
    let upload = format!("{account}/upload");
    let asked = browser.upload(&upload, "october.csv", TABLE).await;
    assert!(asked.location().contains("table="), "{}", asked.location());
    let page = text(&browser.get(asked.location()).await);
    for part in ["What the columns seem to mean", "booking date"] {
        assert!(page.contains(part), "{part}: {}", &page[page.find("<main").unwrap_or(0)..]);
    }
    let at = page.find("name=\"profile\" value=\"").unwrap() + 22;
    let profile = page[at..].split('"').next().unwrap().replace("&quot;", "\"");
    let id = account.rsplit('/').next().unwrap();
    let learned = browser.post("/fn/learn_table", &[("account", id), ("profile", &profile)]).await;
    assert_eq!(learned.status, StatusCode::SEE_OTHER, "{}", learned.body);
    let done = browser.upload(&upload, "october.csv", TABLE).await;
    let statement = text(&browser.get(done.location()).await);
    assert!(statement.contains("no balances") && statement.contains("INV-2"), "{statement}");
}

#[tokio::test]
async fn who_may_not_manage_accounts_opens_none() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Executive).await;
    let page = text(&browser.get("/cash/accounts").await);
    assert!(!page.contains("Make a bank account known"), "{page}");
    let form = [("entity", "x"), ("number", "1"), ("currency", "USD"), ("name", "Mine")];
    assert_eq!(browser.call("/fn/open_bank_account", &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.upload("/cash/upload", "october.sta", STATEMENT).await.status, StatusCode::FORBIDDEN);
}
