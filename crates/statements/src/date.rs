//! Dates as the formats write them.

use chrono::{Datelike, NaiveDate};

pub(crate) const RULE: &str = "a date is YYMMDD";

/// `YYMMDD`, years from 2000. A day that its month does not have (30 February is in use for interest) is the last one of it.
/// The second value: whether that had to be done.
pub(crate) fn six_digits(text: &[u8]) -> Option<(NaiveDate, bool)> {
    let [year, month, day] = pairs(text)?;
    within(2000 + i32::try_from(year).ok()?, month, day)
}

fn within(year: i32, month: u32, day: u32) -> Option<(NaiveDate, bool)> {
    if !(1..=31).contains(&day) {
        return None;
    }
    (28..=day).rev().chain([day]).find_map(|possible| NaiveDate::from_ymd_opt(year, month, possible)).map(|date| (date, date.day() != day))
}

/// `MMDD` in the year that brings it nearest to another date: an entry of 31 December may have a value date in January.
pub(crate) fn four_digits_near(text: &[u8], near: NaiveDate) -> Option<NaiveDate> {
    let [month, day] = pairs(text)?;
    (near.year() - 1..=near.year() + 1)
        .filter_map(|year| within(year, month, day))
        .map(|(date, _)| date)
        .min_by_key(|date| (*date - near).num_days().abs())
}

/// The date of an ISO 8601 date or date and time; a time zone does not move it: the bank means its own day.
pub(crate) fn iso(text: &[u8]) -> Option<NaiveDate> {
    let (year, rest) = (number(text.get(..4)?)?, text.get(4..10)?);
    let [b'-', m1, m2, b'-', d1, d2] = rest else { return None };
    if text.get(10).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

fn pairs<const N: usize>(text: &[u8]) -> Option<[u32; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut values = [0; N];
    for (value, pair) in values.iter_mut().zip(text.chunks_exact(2)) {
        *value = number(pair)?;
    }
    Some(values)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_thirtieth_of_february_is_its_last_day() {
        assert_eq!(six_digits(b"160230"), Some((day("2016-02-29"), true)));
        assert_eq!(six_digits(b"170230"), Some((day("2017-02-28"), true)));
        assert_eq!(six_digits(b"160301"), Some((day("2016-03-01"), false)));
        for wrong in ["161301", "160100", "160132", "16010", "16o101"] {
            assert_eq!(six_digits(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn an_entry_date_lies_in_the_year_next_to_its_value_date() {
        assert_eq!(four_digits_near(b"1231", day("2026-01-02")), Some(day("2025-12-31")));
        assert_eq!(four_digits_near(b"0102", day("2025-12-30")), Some(day("2026-01-02")));
        assert_eq!(four_digits_near(b"0229", day("2023-03-01")), Some(day("2023-02-28")));
    }

    #[test]
    fn the_date_of_a_moment_is_the_day_of_the_bank() {
        assert_eq!(iso(b"2014-12-31T23:59:00+14:00"), Some(day("2014-12-31")));
        assert_eq!(iso(b"2014-12-31+01:00"), Some(day("2014-12-31")));
        for wrong in ["2014-13-01", "20141231", "2014-12-311", "", "2014-1-1"] {
            assert_eq!(iso(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
