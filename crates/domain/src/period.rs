//! The accounting period: a calendar month, written `2026-10`.

use crate::text_enum::text_enum;
use chrono::{Datelike, NaiveDate};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountingPeriod {
    year: i32,
    month: u32,
}

text_enum! {
    /// Whether anything may still be added to an accounting period.
    pub enum PeriodState {
        Open = "open",
        /// Cut off: only what belongs to the close comes in.
        SoftClosed = "soft_closed",
        HardClosed = "hard_closed",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an accounting period; write it as 2026-10")]
pub struct BadPeriod(pub String);

impl AccountingPeriod {
    pub fn new(year: i32, month: u32) -> Result<Self, BadPeriod> {
        if (1..=12).contains(&month) && (1900..=9999).contains(&year) {
            Ok(Self { year, month })
        } else {
            Err(BadPeriod(format!("{year}-{month}")))
        }
    }

    pub fn of(date: NaiveDate) -> Self {
        Self { year: date.year(), month: date.month() }
    }

    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default()
    }

    pub fn last_day(self) -> NaiveDate {
        self.next().first_day().pred_opt().unwrap_or_default()
    }

    pub fn next(self) -> Self {
        if self.month == 12 { Self { year: self.year + 1, month: 1 } } else { Self { month: self.month + 1, ..self } }
    }

    pub fn previous(self) -> Self {
        if self.month == 1 { Self { year: self.year - 1, month: 12 } } else { Self { month: self.month - 1, ..self } }
    }

    pub fn contains(self, date: NaiveDate) -> bool {
        Self::of(date) == self
    }
}

impl fmt::Display for AccountingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.year, self.month))
    }
}

impl FromStr for AccountingPeriod {
    type Err = BadPeriod;
    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let bad = || BadPeriod(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(bad)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(bad());
        }
        Self::new(year.parse().map_err(|_| bad())?, month.parse().map_err(|_| bad())?).map_err(|_| bad())
    }
}

impl serde::Serialize for AccountingPeriod {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for AccountingPeriod {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "sqlx")]
mod column {
    use super::AccountingPeriod;
    use sqlx::{Decode, Encode, Postgres, Type, encode::IsNull, error::BoxDynError, postgres::*};

    impl Type<Postgres> for AccountingPeriod {
        fn type_info() -> PgTypeInfo {
            <str as Type<Postgres>>::type_info()
        }
        fn compatible(ty: &PgTypeInfo) -> bool {
            <str as Type<Postgres>>::compatible(ty)
        }
    }
    impl PgHasArrayType for AccountingPeriod {
        fn array_type_info() -> PgTypeInfo {
            <String as PgHasArrayType>::array_type_info()
        }
        fn array_compatible(ty: &PgTypeInfo) -> bool {
            <String as PgHasArrayType>::array_compatible(ty)
        }
    }
    impl<'r> Decode<'r, Postgres> for AccountingPeriod {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            Ok(<&str as Decode<Postgres>>::decode(value)?.parse()?)
        }
    }
    impl<'q> Encode<'q, Postgres> for AccountingPeriod {
        fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            <String as Encode<Postgres>>::encode(self.to_string(), buf)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_reads_and_writes_as_year_and_month() {
        for text in ["2026-10", "2026-01", "2026-12"] {
            assert_eq!(text.parse::<AccountingPeriod>().unwrap().to_string(), text);
        }
        for text in ["2026-13", "2026-00", "26-10", "2026-1", "2026/10", ""] {
            assert!(text.parse::<AccountingPeriod>().is_err(), "{text} must be refused");
        }
    }

    #[test]
    fn a_period_ends_on_the_day_before_the_next_begins() {
        let december = AccountingPeriod::new(2026, 12).unwrap();
        assert_eq!(december.last_day().to_string(), "2026-12-31");
        assert_eq!(december.next().previous(), december);
        assert_eq!(AccountingPeriod::new(2028, 2).unwrap().last_day().to_string(), "2028-02-29");
    }
}
