//! `load`, Odoo's import: the one call that makes a record under an external id, both in one transaction. External ids are
//! unique: a second call finds the record and leaves it as it is, and one at the same moment is rolled back.

use super::wire::{Fault, Talk, readable};
use domain::posting::Refusal;
use serde_json::{Value, json};

/// Odoo's own prefix for what was imported; no module owns it, so no upgrade removes what carries it.
const PREFIX: &str = "__import__";

/// Makes the record, or finds it. References in `values` are ids, as `create` takes them.
pub(super) async fn once(
    talk: &mut Talk<'_>,
    company: i64,
    model: &str,
    key: &str,
    values: &Value,
    mut context: Value,
) -> Result<i64, Fault> {
    let (fields, row): (Vec<String>, Vec<String>) = values.as_object().into_iter().flatten().map(cell).unzip();
    let fields: Vec<String> = std::iter::once("id".to_owned()).chain(fields).collect();
    let row: Vec<String> = std::iter::once(external_id(key)).chain(row).collect();
    // without these two a second call writes the values again, and Odoo computes anew what follows from them
    (context["mode"], context["noupdate"]) = (json!("update"), json!(true));
    let asked = json!({ "fields": fields, "data": [row], "context": context });
    let answer = talk.call(&format!("{model}/load"), company, asked).await?;
    answer["ids"][0].as_i64().ok_or_else(|| fault(&answer["messages"]))
}

fn external_id(key: &str) -> String {
    // the database refuses blanks
    format!("{PREFIX}.{}", key.replace('%', "%25").replace(' ', "%20"))
}

/// An import takes text, and a reference by id under another name.
fn cell((field, value): (&String, &Value)) -> (String, String) {
    let field = if field.ends_with("_id") { format!("{field}/.id") } else { field.clone() };
    (field, value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
}

/// An import answers 200 whatever happened, and says in messages why it made nothing. They have no exception's name: what the
/// database said is told from what Odoo said by its words.
fn fault(messages: &Value) -> Fault {
    let said = messages.as_array().into_iter().flatten().find(|message| message["type"] == "error").unwrap_or(&Value::Null);
    let text = said["message"].as_str().unwrap_or_default();
    if ["could not serialize access", "deadlock detected", "could not obtain lock"].iter().any(|words| text.contains(words)) {
        return Fault::RolledBack("another writer held the same record".to_owned());
    }
    let field = said["field"].as_str().map(|field| match field {
        "partner_id" => "customer",
        "journal_id" | "payment_method_line_id" => "account",
        "currency_id" => "currency",
        other => other,
    });
    // after its first line the database repeats the row
    let told = text.split("\nDETAIL").next().unwrap_or_default();
    let refusal = Refusal { code: "load".to_owned(), message: readable("", told), field: field.map(ToOwned::to_owned) };
    let malformed = ["No matching record found", "Unknown error", "new row for relation"].iter().any(|words| text.starts_with(words));
    if malformed || text.is_empty() { Fault::Permanent(refusal) } else { Fault::Business(refusal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str, field: &str) -> Fault {
        fault(&json!([{ "type": "warning", "message": "skipped" }, { "type": "error", "message": message, "field": field }]))
    }

    #[test]
    fn every_message_seen_on_the_running_system_has_its_class() {
        let missing = said("No matching record found for database id '999999' in field 'Customer/Vendor'", "partner_id");
        assert!(matches!(missing, Fault::Permanent(refusal) if refusal.field.as_deref() == Some("customer")));
        let refused = said("The payment amount cannot be negative.", "amount");
        assert!(matches!(refused, Fault::Business(refusal) if refusal.field.as_deref() == Some("amount")));
        assert!(matches!(said("could not serialize access due to concurrent update\n", ""), Fault::RolledBack(_)));
        let row = "new row for relation \"ir_model_data\" violates check constraint\nDETAIL:  Failing row contains (35839, null).\n";
        assert!(matches!(said(row, ""), Fault::Permanent(refusal) if !refusal.message.contains("35839")));
    }

    #[test]
    fn two_keys_never_become_one_external_id() {
        assert_eq!(external_id("tieout-US-pay-A 1-v1"), "__import__.tieout-US-pay-A%201-v1");
        assert_ne!(external_id("A 1"), external_id("A%201"));
    }
}
