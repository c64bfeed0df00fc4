use crate::{fixture, read};

#[test]
fn a_file_as_json_has_amounts_as_text_and_says_whether_it_balances() {
    let json = serde_json::to_value(read(&fixture("pages.sta"))).unwrap();
    let statement = &json["statements"][0];
    for (key, value) in [("account", "DE89370400440532013000"), ("currency", "EUR"), ("difference", "0"), ("format", "mt940")] {
        assert_eq!(statement[key], value, "{key}");
    }
    assert_eq!((&statement["sequence"], &statement["page"], &statement["balanced"]), (&77.into(), &1.into(), &true.into()));
    let opening = serde_json::json!({"amount": "1000.00", "currency": "EUR", "date": "2025-12-31", "kind": "booked"});
    assert_eq!((&statement["opening"], &statement["closing"]["kind"]), (&opening, &"intermediate".into()));
    let line = &statement["lines"][0];
    for (key, value) in [
        ("amount", "250.00"),
        ("booking_date", "2025-12-31"),
        ("value_date", "2026-01-02"),
        ("bank_reference", "BANK-1"),
        ("customer_reference", "INV-1"),
        ("end_to_end_id", "E2E-1"),
        ("counterparty_name", "ACME GmbH"),
        ("counterparty_account", "DE02120300000000202051"),
        ("text", "RF18 5390 0754 7034"),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert_eq!(line["structured_references"], serde_json::json!([{"scheme": "rf", "value": "RF18539007547034"}]));
    assert_eq!(json["statements"][2]["remarks"][0]["kind"], "control");
    assert_eq!(json["statements"][2]["remarks"][0]["line"], 21);
}
