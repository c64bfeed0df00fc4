//! The wire body: `account.move/create`'s values, and what is looked up at send because it isn't the document's.

use super::{number, payment, settle};
use domain::{
    money::{Currency, Money},
    posting::{MappedDocument, MappedLine, Refusal},
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// Odoo keeps quantities with the decimals of its "Product Unit" precision, two as installed, and cuts the rest before it multiplies.
const QUANTITY_DECIMALS_MAX: u32 = 2;

/// The body of each kind; every one is made here or named here.
pub(super) fn body(document: &MappedDocument) -> Value {
    match document.kind {
        DocumentKind::Invoice => invoice(document, "out_invoice"),
        DocumentKind::CreditMemo => invoice(document, "out_refund"),
        DocumentKind::Payment
        | DocumentKind::Refund
        | DocumentKind::ReturnedPayment
        | DocumentKind::Chargeback
        | DocumentKind::Transfer => payment::body(document),
        DocumentKind::CashApplication | DocumentKind::ApplicationReversal => settle::body(document),
    }
}

/// `{"values": …, "currency": "EUR", "applies_to": …}`. Journal, currency id and the corrected invoice's id are Odoo's own keys:
/// they are put into `values` at send.
fn invoice(document: &MappedDocument, move_type: &str) -> Value {
    let lines: Vec<Value> = document.lines.iter().map(|l| json!([0, 0, line(l, document.currency)])).collect();
    json!({
        "currency": document.currency,
        "applies_to": document.applies_to,
        "values": {
            "move_type": move_type,
            "company_id": id(&document.entity_ref),
            "partner_id": id(&document.customer_ref),
            "name": document.number,
            "ref": document.posting_key,
            "invoice_date": document.document_date,
            "date": document.posting_date,
            "invoice_date_due": document.due_date,
            "invoice_line_ids": lines,
        },
    })
}

/// Quantity × price where Odoo will arrive at our net; otherwise one × net, with the true quantity and price in the text.
fn line(line: &MappedLine, currency: Currency) -> Value {
    let as_priced = line.quantity.normalize().scale() <= QUANTITY_DECIMALS_MAX && product(line, currency) == Some(line.net.normalize());
    let (text, quantity, price) = if as_priced {
        (line.description.clone(), line.quantity, line.unit_price)
    } else {
        let text = format!("{} ({} × {})", line.description, line.quantity.normalize(), line.unit_price.normalize());
        (text, Decimal::ONE, line.net)
    };
    let taxes: Vec<Value> = line.tax_ref.split(',').map(str::trim).filter(|tax| !tax.is_empty()).map(id).collect();
    let mut fields = Map::from_iter([
        ("name".to_owned(), Value::from(text)),
        ("quantity".to_owned(), exact(quantity)),
        ("price_unit".to_owned(), exact(price)),
        ("account_id".to_owned(), id(&line.account_ref)),
        // always sent, even empty: without it Odoo puts the account's or product's default taxes on the line
        ("tax_ids".to_owned(), json!([[6, 0, taxes]])),
    ]);
    if !line.item_ref.is_empty() {
        fields.insert("product_id".to_owned(), id(&line.item_ref));
    }
    Value::Object(fields)
}

fn product(line: &MappedLine, currency: Currency) -> Option<Decimal> {
    Some(Money::round(line.quantity.checked_mul(line.unit_price)?, currency).ok()?.amount().normalize())
}

/// A mapped reference is an Odoo id written as text. What isn't one stays text, and [`check`] refuses it before anything is sent.
pub(super) fn id(reference: &str) -> Value {
    reference.trim().parse::<i64>().map_or_else(|_| Value::from(reference), Value::from)
}

fn exact(amount: Decimal) -> Value {
    let text = amount.normalize().to_string();
    text.parse::<serde_json::Number>().map_or(Value::String(text), Value::Number)
}

/// Refuses references that can't be Odoo ids: the database would answer a bad one with an error that may mean anything.
pub(super) fn check(values: &Value) -> Result<(), Refusal> {
    let no_id = |field: &str, value: &Value| -> Option<Refusal> {
        (!value.is_i64()).then(|| Refusal {
            code: "bad_reference".to_owned(),
            message: format!("{value} is not an Odoo {field} id"),
            field: Some(field.to_owned()),
        })
    };
    let head = [("company_id", "legal entity"), ("partner_id", "customer")];
    let refused = head.iter().find_map(|(key, field)| no_id(field, &values[key]));
    let in_lines = || {
        values["invoice_line_ids"].as_array()?.iter().find_map(|command| {
            let line = &command[2];
            let item = line.get("product_id").and_then(|value| no_id("item", value));
            let taxes = || line["tax_ids"][0][2].as_array()?.iter().find_map(|value| no_id("tax", value));
            item.or_else(|| no_id("account", &line["account_id"])).or_else(taxes)
        })
    };
    let journal = values.get("journal_id").and_then(|value| no_id("account", value));
    refused.or(journal).or_else(in_lines).map_or(Ok(()), Err)
}

/// What Odoo must have as net if nobody touched the draft.
pub(super) fn net(body: &Value, currency: Currency) -> Option<Decimal> {
    body["values"]["invoice_line_ids"].as_array()?.iter().try_fold(Decimal::ZERO, |sum, command| {
        let (quantity, price) = (number(&command[2]["quantity"])?, number(&command[2]["price_unit"])?);
        sum.checked_add(Money::round(quantity.checked_mul(price)?, currency).ok()?.amount())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_line(quantity: &str, price: &str, net: &str) -> MappedLine {
        let decimal = |text: &str| text.parse().unwrap();
        MappedLine {
            item_ref: String::new(),
            account_ref: "26".into(),
            tax_ref: "4, 5".into(),
            description: "API calls".into(),
            quantity: decimal(quantity),
            unit_price: decimal(price),
            net: decimal(net),
            tax: Decimal::ZERO,
        }
    }

    #[test]
    fn quantity_and_price_are_sent_only_where_odoo_arrives_at_our_net() {
        let check = |quantity: &str, price: &str, net: &str, sent: [&str; 2]| {
            let line = line(&a_line(quantity, price, net), Currency::USD);
            assert_eq!([line["quantity"].to_string(), line["price_unit"].to_string()], sent, "{quantity} × {price}");
        };
        check("3", "19.99", "59.97", ["3", "19.99"]);
        check("1000000", "0.00012345", "123.45", ["1000000", "0.00012345"]);
        check("1234.567", "0.0005", "0.62", ["1", "0.62"]); // Odoo would cut the quantity to 1234.57
        check("3", "33.333", "99.99", ["1", "99.99"]); // the product rounds to 100.00
        assert_eq!(line(&a_line("0.126", "100", "12.60"), Currency::USD)["name"], "API calls (0.126 × 100)");
    }

    #[test]
    fn an_amount_reaches_the_wire_with_every_digit() {
        assert_eq!(exact("12345678901234.1234".parse().unwrap()).to_string(), "12345678901234.1234");
    }

    #[test]
    fn a_reference_that_is_no_id_is_refused_before_it_is_sent() {
        let values = |account: &str| {
            let line = line(&MappedLine { account_ref: account.into(), ..a_line("1", "1", "1") }, Currency::USD);
            json!({ "company_id": 1, "partner_id": 7, "invoice_line_ids": [[0, 0, line]] })
        };
        assert_eq!(check(&values("26")), Ok(()));
        assert_eq!(check(&values("Sales")).unwrap_err().field.as_deref(), Some("account"));
        assert_eq!(line(&a_line("1", "1", "1"), Currency::USD)["tax_ids"], json!([[6, 0, [4, 5]]]));
    }
}
