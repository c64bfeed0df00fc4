//! Other hands in the ERP: what people do there without Tieout.

use super::{
    accounts::Account,
    company::{Customer, ENTITIES, item_reference},
    plan::{Batch, Plan, Touched},
};
use anyhow::Context as _;
use chrono::NaiveDate;
use domain::{posting::PostingKey, stage::DocumentKind};
use rust_decimal::Decimal;
use serde_json::json;

/// Somebody enters documents of a batch before it comes, each ten percent short, with our reference.
pub async fn enter(plan: &Plan, accounts: &[Account], batch: &Batch) -> anyhow::Result<()> {
    let issuer = &ENTITIES[batch.entity];
    let account = &accounts[issuer.account];
    for place in &batch.entered {
        let content = &batch.documents[*place];
        let customer =
            plan.customers.iter().find(|customer| customer.code == content.customer_code).context("a customer of the company")?;
        let short = (content.amount * Decimal::new(9, 1)).round_dp(content.currency.minor_units());
        let key = PostingKey::of(issuer.code, DocumentKind::Invoice, &content.number, content.version);
        let body = json!({
            "externalId": key.0, "tranId": content.number, "entity": { "id": customer.reference }, "subsidiary": { "id": issuer.subsidiary },
            "currency": { "id": account.currency(content.currency.code())? }, "tranDate": content.posting_date, "dueDate": content.due_date,
            "item": { "items": [{ "item": { "id": item_reference("PLATFORM") }, "amount": serde_json::Number::from_string_unchecked(short.to_string()) }] },
        });
        account.admin("documents", &json!({ "record_type": "invoice", "body": body })).await?;
    }
    Ok(())
}

/// Six manual invoices, two journals to receivables; one confirmed invoice edited, one voided, three moved to the next month.
pub async fn interfere(plan: &Plan, accounts: &[Account], date: NaiveDate) -> anyhow::Result<()> {
    for (ordinal, (entity, amount)) in
        [(0, "1250.00"), (0, "89.90"), (0, "4300.00"), (0, "610.00"), (1, "777.70"), (2, "320.00")].iter().enumerate()
    {
        manual_invoice(plan, accounts, *entity, ordinal, amount, date).await?;
    }
    for (entity, amount) in [(0, "1480.00"), (1, "-236.50")] {
        let issuer = &ENTITIES[entity];
        let account = &accounts[issuer.account];
        let body = json!({ "subsidiary": issuer.subsidiary, "currency": account.currency(issuer.currency)?, "tran_date": date, "ar_lines": [amount] });
        account.admin("journals", &body).await?;
    }
    for (place, touched) in plan.touched.iter().enumerate() {
        touch(&accounts[ENTITIES[0].account], place, touched).await?;
    }
    Ok(())
}

async fn manual_invoice(
    plan: &Plan,
    accounts: &[Account],
    entity: usize,
    ordinal: usize,
    amount: &str,
    date: NaiveDate,
) -> anyhow::Result<()> {
    let issuer = &ENTITIES[entity];
    let account = &accounts[issuer.account];
    let customer: &Customer = plan.customers.iter().find(|customer| customer.entity == entity).context("a customer of the entity")?;
    let body = json!({
        "tranId": format!("MAN-{}", 1001 + ordinal), "entity": { "id": customer.reference }, "subsidiary": { "id": issuer.subsidiary },
        "currency": { "id": account.currency(issuer.currency)? }, "tranDate": date,
        "item": { "items": [{ "item": { "id": item_reference("SUPPORT") }, "amount": serde_json::Number::from_string_unchecked(amount.to_owned()) }] },
    });
    account.admin("documents", &json!({ "record_type": "invoice", "body": body })).await?;
    Ok(())
}

async fn touch(account: &Account, place: usize, touched: &Touched) -> anyhow::Result<()> {
    let document = format!("documents/eid:{}", touched.key);
    match place {
        0 => account.admin(&format!("{document}/amount"), &json!({ "total": (touched.amount + Decimal::ONE_HUNDRED).to_string() })).await?,
        1 => account.admin(&format!("{document}/void"), &json!({})).await?,
        _ => account.admin(&format!("{document}/date"), &json!({ "tran_date": touched.period.next().first_day() })).await?,
    };
    Ok(())
}
