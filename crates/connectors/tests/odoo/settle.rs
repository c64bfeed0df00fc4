//! What a credit settles: brought about once, item by item, and taken back.

use crate::lab::{CORRELATION, Fate, Lab, Posted, application, day, found, payload, period, reversal};
use connectors::{Erp, odoo::Odoo};
use domain::posting::{ErpKind, MappedDocument, Outcome, Probe, Refusal, differences};
use rust_decimal::Decimal;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Barrier;

struct Books {
    lab: Lab,
    odoo: Odoo,
    payment: Posted,
    invoices: Vec<Posted>,
}

impl Books {
    /// A payment, and invoices of 100 each.
    async fn open(test: &str, paid: &str, invoices: usize) -> Option<Self> {
        let lab = Lab::open(test)?;
        let odoo = lab.connector("US").await;
        let payment = Posted::new(&odoo, lab.payment("US", paid).await).await;
        let mut made = Vec::new();
        for _ in 0..invoices {
            made.push(Posted::new(&odoo, lab.invoice("US")).await);
        }
        Some(Self { lab, odoo, payment, invoices: made })
    }

    async fn post(&self, document: &MappedDocument) -> Outcome {
        self.odoo.post(&payload(&self.odoo, document), CORRELATION).await.outcome
    }

    async fn probe(&self, document: &MappedDocument) -> Probe {
        self.odoo.probe(&payload(&self.odoo, document), CORRELATION).await.probe
    }

    async fn refused(&self, document: &MappedDocument) -> Refusal {
        match self.post(document).await {
            Outcome::Business(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn accepted(&self, document: &MappedDocument) {
        let outcome = self.post(document).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        assert_eq!(differences(document, &found(self.probe(document).await)), []);
    }

    /// What the invoices have open.
    async fn owed(&self) -> Vec<String> {
        let mut owed = Vec::new();
        for invoice in &self.invoices {
            owed.push(self.lab.residual("US", &invoice.erp_id).await.normalize().to_string());
        }
        owed
    }
}

#[tokio::test]
async fn a_payment_settles_an_invoice_whole_and_a_repeat_changes_nothing() {
    let Some(books) = Books::open("a_payment_settles_an_invoice_whole_and_a_repeat_changes_nothing", "100", 1).await else { return };
    let application = application(&books.payment, &[(&books.invoices[0], "100", "100")]);
    assert!(matches!(books.probe(&application).await, Probe::Absent));
    let outcome = books.post(&application).await;
    let Outcome::Accepted { erp_id, erp_number } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*erp_id, format!("{}/{}", books.payment.erp_id, application.posting_key));
    assert_eq!(*erp_number, application.number);
    for _ in 0..2 {
        assert_eq!(books.owed().await, ["0"]);
        let theirs = found(books.probe(&application).await);
        assert_eq!((differences(&application, &theirs), theirs.kind), (vec![], ErpKind::CashApplication));
        assert_eq!(books.post(&application).await, outcome);
    }
    let id: i64 = books.invoices[0].erp_id.parse().unwrap();
    let read = books.lab.done("account.move/read", "US", json!({ "ids": [id], "fields": ["payment_state"] })).await;
    assert_eq!(read[0]["payment_state"], "paid");
}

#[tokio::test]
async fn a_payment_settles_two_invoices() {
    let Some(books) = Books::open("a_payment_settles_two_invoices", "150", 2).await else { return };
    let [first, second] = &books.invoices[..] else { panic!("two") };
    let application = application(&books.payment, &[(first, "100", "100"), (second, "50", "50")]);
    books.accepted(&application).await;
    assert_eq!(books.owed().await, ["0", "50"]);
}

#[tokio::test]
async fn a_chosen_part_leaves_both_sides_open_and_grows_by_the_next() {
    let Some(books) = Books::open("a_chosen_part_leaves_both_sides_open_and_grows_by_the_next", "100", 2).await else { return };
    let [first, second] = &books.invoices[..] else { panic!("two") };
    let part = application(&books.payment, &[(first, "30.10", "30.10"), (second, "20", "20")]);
    books.accepted(&part).await;
    books.accepted(&part).await;
    assert_eq!(books.owed().await, ["69.9", "80"]);
    // the rest of the payment, to what it settles in part already
    let rest = application(&books.payment, &[(first, "19.90", "50"), (second, "30", "50")]);
    books.accepted(&rest).await;
    assert_eq!(books.owed().await, ["50", "50"]);
}

/// Both have seen that nothing is settled; `second` meets with a fate at `method`.
async fn sent_twice(books: &Books, method: &'static str, fate: Fate, part: &str, owed: &str) {
    let second = books.lab.connector_with("US", books.lab.through_proxy(method, fate.clone()).await).await;
    let first = match fate {
        Fate::Held(_) => &books.odoo,
        _ => &second,
    };
    let application = application(&books.payment, &[(&books.invoices[0], part, part)]);
    let payload = payload(&books.odoo, &application);
    let (one, other) = tokio::join!(second.post(&payload, CORRELATION), async {
        if matches!(fate, Fate::Held(_)) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        first.post(&payload, CORRELATION).await
    });
    let outcomes = [one.outcome, other.outcome];
    assert!(outcomes.iter().any(|o| matches!(o, Outcome::Accepted { .. })), "{outcomes:?}");
    assert!(outcomes.iter().all(|o| !matches!(o, Outcome::Business(_) | Outcome::Permanent(_))), "{outcomes:?}");
    assert_eq!(books.owed().await, [owed]);
    assert_eq!(differences(&application, &found(books.probe(&application).await)), []);
}

#[tokio::test]
async fn an_application_sent_twice_at_once_is_settled_once() {
    for (method, paid, part, owed) in [
        ("account.partial.reconcile/load", "100", "30", "70"),
        ("account.move.line/reconcile", "100", "100", "0"),
        ("account.move.line/reconcile", "150", "100", "0"),
    ] {
        let Some(books) = Books::open("an_application_sent_twice_at_once_is_settled_once", paid, 1).await else { return };
        sent_twice(&books, method, Fate::Meet(Arc::new(Barrier::new(2))), part, owed).await;
    }
}

#[tokio::test]
async fn an_application_that_arrives_again_late_is_settled_once() {
    for (method, paid, part, owed) in [
        ("account.partial.reconcile/load", "100", "30", "70"),
        ("account.move.line/reconcile", "100", "100", "0"),
        ("account.move.line/reconcile", "60", "60", "40"),
    ] {
        let Some(books) = Books::open("an_application_that_arrives_again_late_is_settled_once", paid, 1).await else { return };
        sent_twice(&books, method, Fate::Held(Duration::from_secs(4)), part, owed).await;
    }
}

#[tokio::test]
async fn a_credit_memo_settles_an_invoice() {
    let Some(books) = Books::open("a_credit_memo_settles_an_invoice", "1", 1).await else { return };
    let mut memo = books.lab.credit_memo("US", "");
    memo.applies_to = None;
    books.lab.set_lines(&mut memo, "US", "", &[("1", "40", "40.00", "0")]);
    let memo = Posted::new(&books.odoo, memo).await;
    books.accepted(&application(&memo, &[(&books.invoices[0], "40", "40")])).await;
    assert_eq!(books.owed().await, ["60"]);
}

#[tokio::test]
async fn a_credit_memo_that_odoo_applied_when_it_was_posted_is_applied_already() {
    let Some(books) = Books::open("a_credit_memo_that_odoo_applied_when_it_was_posted_is_applied_already", "1", 2).await else { return };
    let [first, second] = &books.invoices[..] else { panic!("two") };
    let mut memo = books.lab.credit_memo("US", &first.document.number);
    books.lab.set_lines(&mut memo, "US", "", &[("1", "40", "40.00", "0")]);
    let memo = Posted::new(&books.odoo, memo).await;
    assert_eq!(books.owed().await, ["60", "100"]);
    books.accepted(&application(&memo, &[(first, "40", "40")])).await;
    assert_eq!(books.owed().await, ["60", "100"]);
    assert_eq!(books.refused(&application(&memo, &[(second, "40", "40")])).await.code, "over_applied");
}

#[tokio::test]
async fn an_application_cut_in_the_middle_is_finished_by_the_probe() {
    let Some(books) = Books::open("an_application_cut_in_the_middle_is_finished_by_the_probe", "150", 2).await else { return };
    let [first, second] = &books.invoices[..] else { panic!("two") };
    // the first item is settled in part and the second takes the rest of the payment, which doesn't get through
    let cut = books.lab.connector_with("US", books.lab.through_proxy("account.move.line/reconcile", Fate::BadGateway).await).await;
    let application = application(&books.payment, &[(first, "60", "60"), (second, "90", "90")]);
    let payload = payload(&cut, &application);
    let sent = cut.post(&payload, CORRELATION).await;
    assert!(matches!(sent.outcome, Outcome::Ambiguous { .. }), "{sent:?}");
    assert_eq!(books.owed().await, ["40", "100"]);
    assert_eq!(differences(&application, &found(books.probe(&application).await)), []);
    assert_eq!(books.owed().await, ["40", "10"]);
}

#[tokio::test]
async fn a_reversal_takes_back_what_its_application_gave() {
    let Some(books) = Books::open("a_reversal_takes_back_what_its_application_gave", "150", 2).await else { return };
    let [first, second] = &books.invoices[..] else { panic!("two") };
    let both = application(&books.payment, &[(first, "100", "100"), (second, "30", "30")]);
    books.accepted(&both).await;
    let more = application(&books.payment, &[(second, "20", "50")]);
    books.accepted(&more).await;
    // of the second item the later application stays
    let back = reversal(&both, &["0", "20"]);
    assert!(matches!(books.probe(&back).await, Probe::Absent));
    books.accepted(&back).await;
    books.accepted(&back).await;
    assert_eq!(books.owed().await, ["100", "80"]);
    books.accepted(&reversal(&more, &["0"])).await;
    assert_eq!(books.owed().await, ["100", "100"]);
    // and once more, as if nothing had been
    books.accepted(&application(&books.payment, &[(first, "100", "100")])).await;
    assert_eq!(books.owed().await, ["0", "100"]);
}

#[tokio::test]
async fn more_than_is_open_is_refused_and_nothing_is_settled() {
    let Some(books) = Books::open("more_than_is_open_is_refused_and_nothing_is_settled", "150", 2).await else { return };
    let [first, second] = &books.invoices[..] else { panic!("two") };
    let of_the_item = application(&books.payment, &[(second, "20", "20"), (first, "100.01", "100.01")]);
    assert_eq!(books.refused(&of_the_item).await.code, "over_applied");
    let of_the_payment = application(&books.payment, &[(first, "80", "80"), (second, "70.01", "70.01")]);
    let refusal = books.refused(&of_the_payment).await;
    assert!(refusal.message.contains(&books.payment.document.number), "{}", refusal.message);
    assert_eq!(books.owed().await, ["100", "100"]);
    assert!(matches!(books.probe(&of_the_item).await, Probe::Absent));
}

#[tokio::test]
async fn what_another_hand_settled_is_shown_with_its_figure() {
    let Some(books) = Books::open("what_another_hand_settled_is_shown_with_its_figure", "60", 1).await else { return };
    let first = &books.invoices[0];
    let mine = application(&books.payment, &[(first, "50", "50")]);
    let by_hand = application(&books.payment, &[(first, "60", "60")]);
    books.accepted(&by_hand).await;
    let theirs = found(books.probe(&mine).await);
    let shown: Vec<_> = differences(&mine, &theirs).into_iter().map(|d| (d.field, d.ours, d.theirs)).collect();
    assert_eq!(shown, [("total".to_owned(), "50".to_owned(), "40".to_owned())]);
    assert_eq!(books.refused(&mine).await.code, "settled_elsewhere");
    assert_eq!(books.owed().await, ["40"]);
}

#[tokio::test]
async fn an_item_that_is_not_in_odoo_or_in_another_currency_is_refused() {
    let Some(books) = Books::open("an_item_that_is_not_in_odoo_or_in_another_currency_is_refused", "100", 1).await else { return };
    let mut gone = books.invoices[0].clone();
    gone.erp_id = "99999999".into();
    assert_eq!(books.refused(&application(&books.payment, &[(&gone, "10", "10")])).await.code, "item_missing");
    let mut invoice = books.lab.invoice("US");
    invoice.currency = "EUR".parse().unwrap();
    let euro = Posted::new(&books.odoo, invoice).await;
    assert_eq!(books.refused(&application(&books.payment, &[(&euro, "10", "10")])).await.code, "other_currency");
}

#[tokio::test]
async fn an_invoice_due_in_two_instalments_is_settled_like_any_other() {
    let Some(books) = Books::open("an_invoice_due_in_two_instalments_is_settled_like_any_other", "120", 0).await else { return };
    let instalments = json!([[0, 0, { "value": "percent", "value_amount": 30, "nb_days": 0 }], [0, 0, { "value": "percent", "value_amount": 70, "nb_days": 60 }]]);
    let terms = json!({ "name": "30 now, 70 later", "line_ids": instalments });
    let terms = books.lab.done("account.payment.term/create", "US", json!({ "vals_list": [terms] })).await;
    let customer = json!({ "name": "Pays twice", "property_payment_term_id": terms[0] });
    let customer = books.lab.done("res.partner/create", "US", json!({ "vals_list": [customer] })).await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let mut invoice = books.lab.invoice("US");
        invoice.customer_ref = customer[0].to_string();
        made.push(Posted::new(&books.odoo, invoice).await);
    }
    let asked = json!({ "domain": [["move_id", "=", made[0].erp_id.parse::<i64>().unwrap()], ["account_type", "=", "asset_receivable"]] });
    assert_eq!(books.lab.done("account.move.line/search", "US", asked).await.as_array().unwrap().len(), 2, "two instalments");
    // more than the first instalment, and then all that is left of the payment
    books.accepted(&application(&books.payment, &[(&made[0], "50", "50"), (&made[1], "70", "70")])).await;
    for (invoice, open) in made.iter().zip([50, 30]) {
        assert_eq!(books.lab.residual("US", &invoice.erp_id).await, Decimal::from(open));
    }
}

#[tokio::test]
async fn tax_that_is_due_on_payment_needs_odoos_own_settlement() {
    let Some(books) = Books::open("tax_that_is_due_on_payment_needs_odoos_own_settlement", "100", 0).await else { return };
    let code = books.payment.document.number[9..].to_uppercase();
    let account = json!({ "name": "Tax not due yet", "code": code, "account_type": "liability_current", "reconcile": true });
    let account = books.lab.done("account.account/create", "US", json!({ "vals_list": [account] })).await;
    let tax = json!({
        "name": format!("On payment {}", books.payment.document.number), "amount": 10, "type_tax_use": "sale",
        "tax_exigibility": "on_payment", "cash_basis_transition_account_id": account[0],
    });
    let tax = books.lab.done("account.tax/create", "US", json!({ "vals_list": [tax] })).await;
    let mut invoice = books.lab.invoice("US");
    books.lab.set_lines(&mut invoice, "US", &tax[0].to_string(), &[("1", "100", "100.00", "10.00")]);
    let invoice = Posted::new(&books.odoo, invoice).await;
    let refusal = books.refused(&application(&books.payment, &[(&invoice, "30", "30")])).await;
    assert_eq!(refusal.code, "only_whole");
    assert!(refusal.message.contains("tax that is due on payment"), "{}", refusal.message);
    books.accepted(&application(&books.payment, &[(&invoice, "100", "100")])).await;
    assert_eq!(books.lab.residual("US", &invoice.erp_id).await, Decimal::from(10));
}

/// Dollars per euro are one thing on the invoice's day and another on the payment's.
async fn in_euro(books: &Books) -> (Posted, Posted) {
    for (date, rate) in [("2026-03-01", 0.8), ("2026-03-20", 0.9)] {
        let euro = books.lab.done("res.currency/search", "US", json!({ "domain": [["name", "=", "EUR"]] })).await;
        let known = json!({ "domain": [["currency_id", "=", euro[0]], ["name", "=", date], ["company_id", "=", books.lab.company("US")]] });
        if books.lab.done("res.currency.rate/search", "US", known).await.as_array().unwrap().is_empty() {
            let rate = json!({
                "currency_id": euro[0], "name": date, "company_rate": rate, "company_id": books.lab.company("US"),
            });
            books.lab.done("res.currency.rate/create", "US", json!({ "vals_list": [rate] })).await;
        }
    }
    let mut invoice = books.lab.invoice("US");
    (invoice.document_date, invoice.posting_date, invoice.currency) = (day("2026-03-10"), day("2026-03-10"), "EUR".parse().unwrap());
    let mut payment = books.lab.payment("US", "60").await;
    (payment.document_date, payment.posting_date, payment.currency) = (day("2026-03-25"), day("2026-03-25"), "EUR".parse().unwrap());
    (Posted::new(&books.odoo, invoice).await, Posted::new(&books.odoo, payment).await)
}

#[tokio::test]
async fn an_exchange_difference_is_odoos_and_no_posting_of_the_period() {
    let Some(books) = Books::open("an_exchange_difference_is_odoos_and_no_posting_of_the_period", "1", 0).await else { return };
    let (invoice, payment) = in_euro(&books).await;
    let refusal = books.refused(&application(&payment, &[(&invoice, "50", "50")])).await;
    assert_eq!(refusal.code, "only_whole", "{}", refusal.message);
    let whole = application(&payment, &[(&invoice, "60", "60")]);
    books.accepted(&whole).await;
    assert_eq!(books.lab.residual("US", &invoice.erp_id).await, Decimal::from(40));
    let documents = period(&books.odoo, &invoice.document.entity_ref, "2026-03").await.unwrap();
    assert!(documents.iter().any(|d| d.erp_id == payment.erp_id && d.total == Decimal::from(60)));
    assert!(documents.iter().all(|d| matches!(d.kind, ErpKind::Invoice | ErpKind::Payment)), "{documents:?}");
    books.accepted(&reversal(&whole, &["0"])).await;
    assert_eq!(books.lab.residual("US", &invoice.erp_id).await, Decimal::from(100));
    assert_eq!(period(&books.odoo, &invoice.document.entity_ref, "2026-03").await.unwrap().len(), documents.len());
}

#[tokio::test]
async fn money_that_went_back_debits_the_receivable_and_consumes_its_payment() {
    let Some(books) = Books::open("money_that_went_back_debits_the_receivable_and_consumes_its_payment", "100", 1).await else { return };
    let back = Posted::new(&books.odoo, books.lab.money_back("US", "60").await).await;
    let theirs = found(books.probe(&back.document).await);
    assert_eq!((theirs.kind, &theirs.erp_id), (ErpKind::MoneyBack, &back.erp_id));
    assert_eq!(differences(&back.document, &theirs), []);
    assert!(matches!(books.post(&back.document).await, Outcome::Duplicate { .. }));
    let both = application(&books.payment, &[(&back, "60", "60"), (&books.invoices[0], "40", "40")]);
    books.accepted(&both).await;
    books.accepted(&both).await;
    assert_eq!(books.owed().await, ["60"]);
    let freed = reversal(&both, &["0", "0"]);
    books.accepted(&freed).await;
    assert_eq!(books.owed().await, ["100"]);
}
