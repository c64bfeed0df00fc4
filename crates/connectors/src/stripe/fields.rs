//! The fields of a Stripe object. What is absent or of another type is named in the error.

use super::money::from_minor;
use crate::gateway::GatewayError;
use chrono::{DateTime, NaiveDate, Utc};
use domain::money::Money;
use rust_decimal::Decimal;
use serde_json::Value;

#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Value);

impl<'a> Fields<'a> {
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0[name].as_str()
    }

    pub(super) fn need(self, name: &str) -> Result<&'a str, GatewayError> {
        self.text(name).ok_or_else(|| self.wrong(name))
    }

    pub(super) fn owned(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub(super) fn number(self, name: &str) -> Result<i64, GatewayError> {
        self.0[name].as_i64().ok_or_else(|| self.wrong(name))
    }

    /// An amount in the object's own currency.
    pub(super) fn money(self, name: &str) -> Result<Money, GatewayError> {
        from_minor(self.number(name)?, self.need("currency")?).map_err(|error| self.odd(name, &error.to_string()))
    }

    /// Unix seconds.
    pub(super) fn time(self, name: &str) -> Result<DateTime<Utc>, GatewayError> {
        DateTime::from_timestamp(self.number(name)?, 0).ok_or_else(|| self.wrong(name))
    }

    pub(super) fn date(self, name: &str) -> Result<NaiveDate, GatewayError> {
        self.time(name).map(|time| time.date_naive())
    }

    /// Read from the digits as they were sent: a rate has more of them than a binary fraction keeps.
    pub(super) fn rate(self, name: &str) -> Result<Option<Decimal>, GatewayError> {
        let Value::Number(number) = &self.0[name] else { return Ok(None) };
        let text = number.to_string();
        let rate = text.parse().or_else(|_| Decimal::from_scientific(&text));
        rate.map(Some).map_err(|_| self.wrong(name))
    }

    /// The id of another object, whether it was expanded or not.
    pub(super) fn reference(self, name: &str) -> Option<&'a str> {
        self.text(name).or_else(|| self.0[name]["id"].as_str())
    }

    /// One of the vocabulary of a domain enum, as this object spells it.
    pub(super) fn word<T>(self, name: &str, words: &[(&str, T)]) -> Result<T, GatewayError>
    where
        T: Copy,
    {
        let text = self.need(name)?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| self.wrong(name))
    }

    pub(super) fn wrong(self, name: &str) -> GatewayError {
        self.odd(name, &self.0[name].to_string())
    }

    fn odd(self, name: &str, found: &str) -> GatewayError {
        let (object, id) = (self.text("object").unwrap_or("object"), self.text("id").unwrap_or("without id"));
        GatewayError::Unreadable(format!("{object} {id}: {name} is {found}"))
    }
}
