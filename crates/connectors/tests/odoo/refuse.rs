//! Refusals: each in its class, readable, and with nothing of ours left behind.

use crate::lab::{CORRELATION, Lab, payload, period};
use connectors::{
    Erp, ReadError,
    odoo::{Config, Odoo},
};
use domain::posting::{MappedDocument, Outcome, Probe, Refusal};
use serde_json::json;

async fn business(lab: &Lab, odoo: &Odoo, document: &MappedDocument, company: &str) -> Refusal {
    let payload = payload(odoo, document);
    let sent = odoo.post(&payload, CORRELATION).await;
    let Outcome::Business(refusal) = sent.outcome else { panic!("{sent:?}") };
    assert!(lab.held(company, &payload).await.is_empty(), "an exception says that nothing is in the ERP");
    assert!(matches!(odoo.probe(&payload, CORRELATION).await.probe, Probe::Absent));
    refusal
}

#[tokio::test]
async fn a_refusal_at_posting_is_readable_and_leaves_no_draft() {
    let Some(lab) = Lab::open("a_refusal_at_posting_is_readable_and_leaves_no_draft") else { return };
    let odoo = lab.connector("US").await;
    let code = uuid::Uuid::new_v4().simple().to_string()[..8].to_uppercase();
    let account = json!({ "name": "Old sales", "code": code, "account_type": "income" });
    let created = lab.done("account.account/create", "US", json!({ "vals_list": [account] })).await;
    lab.done("account.account/write", "US", json!({ "ids": created, "vals": { "active": false } })).await;
    let mut invoice = lab.invoice("US");
    invoice.lines[0].account_ref = created[0].to_string();
    let refusal = business(&lab, &odoo, &invoice, "US").await;
    assert_eq!(refusal.message, format!("The account Old sales ({code}) is archived."));
}

#[tokio::test]
async fn a_customer_of_another_company_is_refused_at_creation() {
    let Some(lab) = Lab::open("a_customer_of_another_company_is_refused_at_creation") else { return };
    let odoo = lab.connector("US").await;
    let foreign = json!({ "name": "Only in Germany", "company_id": lab.company("DE") });
    let created = lab.done("res.partner/create", "DE", json!({ "vals_list": [foreign] })).await;
    let mut invoice = lab.invoice("US");
    invoice.customer_ref = created[0].to_string();
    let refusal = business(&lab, &odoo, &invoice, "US").await;
    assert!(refusal.message.contains("Only in Germany"), "{}", refusal.message);
    assert!(!refusal.message.contains('\n'));
}

#[tokio::test]
async fn an_inactive_currency_is_somebodys_decision() {
    let Some(lab) = Lab::open("an_inactive_currency_is_somebodys_decision") else { return };
    let odoo = lab.connector("US").await;
    let mut invoice = lab.invoice("US");
    invoice.currency = "XPF".parse().unwrap();
    assert_eq!(business(&lab, &odoo, &invoice, "US").await.code, "currency_inactive");
}

#[tokio::test]
async fn a_number_of_somebody_elses_document_is_no_duplicate_of_ours() {
    let Some(lab) = Lab::open("a_number_of_somebody_elses_document_is_no_duplicate_of_ours") else { return };
    let odoo = lab.connector("US").await;
    let theirs = lab.invoice("US");
    assert!(matches!(odoo.post(&payload(&odoo, &theirs), CORRELATION).await.outcome, Outcome::Accepted { .. }));
    let ours = MappedDocument { number: theirs.number.clone(), ..lab.invoice("US") };
    let refusal = business(&lab, &odoo, &ours, "US").await;
    assert_eq!(refusal.code, "number_taken");
    assert!(refusal.message.contains(&theirs.posting_key.0), "{}", refusal.message);
}

#[tokio::test]
async fn a_mapping_to_nothing_is_permanent_and_names_the_field() {
    let Some(lab) = Lab::open("a_mapping_to_nothing_is_permanent_and_names_the_field") else { return };
    let odoo = lab.connector("US").await;
    type Spoil = fn(&mut MappedDocument);
    let spoil: [(&str, Spoil); 4] = [
        ("customer", |d| d.customer_ref = "99999999".into()),
        ("account", |d| d.lines[0].account_ref = "99999999".into()),
        ("tax", |d| d.lines[0].tax_ref = "99999999".into()),
        ("customer", |d| d.customer_ref = "C-17".into()),
    ];
    for (field, spoil) in spoil {
        let mut invoice = lab.invoice("US");
        spoil(&mut invoice);
        let payload = payload(&odoo, &invoice);
        let sent = odoo.post(&payload, CORRELATION).await;
        let Outcome::Permanent(refusal) = sent.outcome else { panic!("{field}: {sent:?}") };
        assert_eq!(refusal.field.as_deref(), Some(field), "{}", refusal.message);
        assert!(lab.held("US", &payload).await.is_empty());
    }
}

#[tokio::test]
async fn a_refused_key_is_auth_everywhere_and_is_never_kept() {
    let Some(lab) = Lab::open("a_refused_key_is_auth_everywhere_and_is_never_kept") else { return };
    let key = "not-the-key-of-this-connection";
    let odoo = Odoo::new(Config { api_key: key.to_owned(), ..lab.config() }).unwrap();
    let invoice = lab.invoice("US");
    let payload = payload(&odoo, &invoice);
    let sent = odoo.post(&payload, CORRELATION).await;
    assert!(matches!(sent.outcome, Outcome::Auth { .. }), "{sent:?}");
    assert!(matches!(odoo.probe(&payload, CORRELATION).await.probe, Probe::NotAnswered { .. }));
    assert!(matches!(period(&odoo, &invoice.entity_ref, "2026-11").await, Err(ReadError::Auth(_))));
    assert!(!format!("{sent:?}{:?}", Config { api_key: key.to_owned(), ..lab.config() }).contains(key));
    assert!(sent.exchange.request.contains("bearer ***"));
}

#[tokio::test]
async fn no_stack_trace_is_kept() {
    let Some(lab) = Lab::open("no_stack_trace_is_kept") else { return };
    let (_, error) = lab.raw("account.move/action_post", "US", json!({ "ids": [99_999_999] })).await;
    assert!(error["debug"].as_str().is_some_and(|debug| debug.contains("Traceback")), "Odoo sends one, so there is something to leave out");
    let odoo = lab.connector("US").await;
    let mut payload = payload(&odoo, &lab.invoice("US"));
    payload.body["values"]["no_such_field"] = json!(1);
    let sent = odoo.post(&payload, CORRELATION).await;
    // 500, and still the caller's own mistake
    assert!(matches!(&sent.outcome, Outcome::Permanent(refusal) if refusal.field.as_deref() == Some("no_such_field")), "{sent:?}");
    assert_eq!(sent.exchange.status, Some(500));
    let kept = format!("{:?} {:?}", sent.outcome, sent.exchange);
    for word in ["debug", "Traceback", ".py", &lab.config().api_key] {
        assert!(!kept.contains(word), "{word} in {kept}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let Some(lab) = Lab::open("a_server_that_is_not_there_is_unreachable") else { return };
    let odoo = Odoo::new(Config { url: "http://127.0.0.1:9".to_owned(), ..lab.config() }).unwrap();
    let payload = payload(&odoo, &lab.invoice("US"));
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Unreachable { .. }));
    assert!(matches!(odoo.probe(&payload, CORRELATION).await.probe, Probe::NotAnswered { .. }));
}

#[tokio::test]
async fn nothing_is_sent_without_a_journal_of_our_own_that_keeps_our_numbers() {
    let Some(lab) = Lab::open("nothing_is_sent_without_a_journal_of_our_own_that_keeps_our_numbers") else { return };
    let journal_code = format!("Z{}", uuid::Uuid::new_v4().simple().to_string()[..4].to_uppercase());
    let config = Config { journal_code: journal_code.clone(), ..lab.config() };
    let (odoo, other) = (Odoo::new(config.clone()).unwrap(), Odoo::new(config).unwrap());
    let invoice = lab.invoice("DE");
    let payload = payload(&odoo, &invoice);
    let refused = |outcome: &Outcome| matches!(outcome, Outcome::Permanent(refusal) if refusal.code == "journal_missing");
    assert!(refused(&odoo.post(&payload, CORRELATION).await.outcome));

    let (one, two) = tokio::join!(odoo.ensure_journal(&invoice.entity_ref), other.ensure_journal(&invoice.entity_ref));
    one.and(two).unwrap();
    let asked = json!({ "domain": [["code", "=", journal_code]] });
    let journals = lab.done("account.journal/search", "DE", asked).await;
    assert_eq!(journals.as_array().unwrap().len(), 1);

    // without the expression Odoo may renumber what it re-dates
    lab.done("account.journal/write", "DE", json!({ "ids": journals, "vals": { "sequence_override_regex": false } })).await;
    assert!(refused(&odoo.post(&payload, CORRELATION).await.outcome));
    odoo.ensure_journal(&invoice.entity_ref).await.unwrap();
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Accepted { .. }));
}
