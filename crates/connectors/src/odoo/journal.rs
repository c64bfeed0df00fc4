//! The sales journal of our own: where our numbers are Odoo's numbers, and nobody else's.

use super::{
    Odoo, read, refusal,
    wire::{Fault, Talk},
};
use crate::ReadError;
use serde_json::{Value, json};

const NAME: &str = "Tieout invoices";

/// Tells Odoo to see no year or month in our numbers. Without it a number with last year's digits is refused, and worse: when a
/// locked period moves the accounting date, Odoo gives the document a number of its own, and the fence is gone. It matches any
/// text, because Odoo forgets the expression with the first number that doesn't match it.
const NUMBER_REGEX: &str = r"^(?P<prefix1>.*?)(?P<seq>\d{0,9})(?P<suffix>\D*?)$";

impl Odoo {
    /// Part of the connection check, for each company: finds our journal or makes it, and sets what the fence rests on.
    /// Posting never makes one: a journal that disappeared is somebody's question.
    pub async fn ensure_journal(&self, entity_ref: &str) -> Result<(), ReadError> {
        let company = read::company_id(entity_ref)?;
        let mut talk = self.wire.talk("connection-check", self.request_timeout);
        let mut found = self.find_journal(&mut talk, company).await?;
        if found.is_none() {
            let values = json!({
                "name": NAME, "code": self.journal_code, "type": "sale", "company_id": company, "sequence_override_regex": NUMBER_REGEX,
            });
            match talk.call("account.journal/create", company, json!({ "vals_list": [values] })).await {
                // a second process may have been faster: codes are unique per company, and the look-up below tells
                Ok(_) | Err(Fault::Business(_)) => found = self.find_journal(&mut talk, company).await?,
                Err(fault) => return Err(fault.into()),
            }
        }
        let Some(journal) = found else {
            return Err(ReadError::Unreadable(format!("Odoo made no journal {}", self.journal_code)));
        };
        if journal["type"] != "sale" {
            return Err(ReadError::Unreadable(format!("the journal {} is not a sales journal", self.journal_code)));
        }
        if journal["sequence_override_regex"] != NUMBER_REGEX {
            let change = json!({ "ids": [journal["id"]], "vals": { "sequence_override_regex": NUMBER_REGEX } });
            talk.call("account.journal/write", company, change).await?;
        }
        Ok(())
    }

    /// The id of our journal, for sending.
    pub(super) async fn journal(&self, talk: &mut Talk<'_>, company: i64) -> Result<i64, Fault> {
        if let Some(id) = self.known(|known| known.journals.get(&company).copied()) {
            return Ok(id);
        }
        let found = self.find_journal(talk, company).await?.unwrap_or_default();
        match found["id"].as_i64() {
            Some(id) if found["type"] == "sale" && found["sequence_override_regex"] == NUMBER_REGEX => {
                self.known(|known| known.journals.insert(company, id));
                Ok(id)
            }
            _ => {
                let message =
                    format!("Company {company} has no sales journal {} set up for Tieout; run the connection check.", self.journal_code);
                Err(Fault::Permanent(refusal("journal_missing", message, "journal")))
            }
        }
    }

    async fn find_journal(&self, talk: &mut Talk<'_>, company: i64) -> Result<Option<Value>, Fault> {
        let domain = json!([["code", "=", self.journal_code], ["company_id", "=", company]]);
        let asked = json!({ "domain": domain, "fields": ["id", "type", "sequence_override_regex"], "limit": 1 });
        Ok(talk.call("account.journal/search_read", company, asked).await?.get(0).cloned())
    }
}
