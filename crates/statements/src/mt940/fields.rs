//! Fields of a fixed form: balances, statement lines, statement numbers, sums.

use super::first_line;
use crate::{
    amount::swift,
    currency::CurrencyCode,
    date::{self, four_digits_near, six_digits},
    fault::Fault,
    input::decode,
    model::{Balance, BalanceKind, Line, LineStatus, given},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// `C160229EUR1200,00` of `:60F:`, `:62M:`, `:64:`. The second value: the day does not exist and its month's last stands for it.
pub(super) fn balance(line: u64, name: &str, kind: BalanceKind, text: &[u8]) -> Result<(Balance, bool), Fault> {
    let text = first_line(text);
    let fault = |part: &str, rule: &'static str, value: &[u8]| Fault::new(line, format!("{name} {part}"), rule, value);
    let (&mark, rest) = text.split_first().ok_or_else(|| fault("mark", MARK, text))?;
    let negative = match mark {
        b'C' => false,
        b'D' => true,
        _ => return Err(fault("mark", MARK, text)),
    };
    let (day, rest) = rest.split_at_checked(6).ok_or_else(|| fault("date", date::RULE, rest))?;
    let (date, moved) = six_digits(day).ok_or_else(|| fault("date", date::RULE, day))?;
    let (code, number) = rest.split_at_checked(3).ok_or_else(|| fault("currency", CURRENCY, rest))?;
    let currency = CurrencyCode::from_bytes(code).ok_or_else(|| fault("currency", CURRENCY, code))?;
    let amount = swift(number.trim_ascii()).and_then(|amount| currency.fit(amount)).map_err(|rule| fault("amount", rule, number))?;
    Ok((Balance { amount: signed(amount, negative), currency, date, kind }, moved))
}

const MARK: &str = "a balance is C or D";
pub(super) const CURRENCY: &str = "a currency is three capital letters";

fn signed(mut amount: Decimal, negative: bool) -> Decimal {
    amount.set_sign_negative(negative && !amount.is_zero());
    amount
}

/// What `:61:` says; the second value as of [`balance`].
pub(super) fn entry(number: u64, currency: CurrencyCode, text: &[u8]) -> Result<(Line, bool), Fault> {
    let fault = |part: &'static str, rule: &'static str, value: &[u8]| Fault::new(number, part, rule, value);
    let (day, rest) = text.split_at_checked(6).ok_or_else(|| fault(":61: value date", date::RULE, text))?;
    let (value_date, moved) = six_digits(day).ok_or_else(|| fault(":61: value date", date::RULE, day))?;
    let (booking_date, rest) = entry_date(rest, value_date).ok_or_else(|| fault(":61: entry date", "an entry date is MMDD", rest))?;
    let (mark, rest) = mark(rest).ok_or_else(|| fault(":61: mark", "a mark is C, D, RC, RD, EC or ED", rest))?;
    // the third character of the currency's code, where the bank repeats it; some break the line behind it
    let rest = if rest.first().is_some_and(u8::is_ascii_uppercase) { &rest[1..] } else { rest }.trim_ascii_start();
    let end = rest.iter().position(|byte| !byte.is_ascii_digit() && !b",.".contains(byte)).unwrap_or(rest.len());
    // no bank's transaction type begins so: it is a digit that went wrong, and half an amount is worse than none
    if rest.get(end).is_some_and(u8::is_ascii_lowercase) {
        return Err(fault(":61: amount", "an amount is digits with a decimal comma", &rest[..(end + 8).min(rest.len())]));
    }
    let (digits, rest) = rest.split_at(end);
    let amount = swift(digits).and_then(|amount| currency.fit(amount)).map_err(|rule| fault(":61: amount", rule, digits))?;

    let mut line = Line::new(number, signed(amount, mark.negative), currency, booking_date);
    line.value_date = Some(value_date);
    line.reversal = mark.reversal;
    line.status = if mark.expected { LineStatus::Pending } else { LineStatus::Booked };
    references(rest, &mut line);
    Ok((line, moved))
}

fn entry_date(rest: &[u8], value_date: NaiveDate) -> Option<(NaiveDate, &[u8])> {
    match rest.get(..4) {
        Some(day) if day[0].is_ascii_digit() => Some((four_digits_near(day, value_date)?, &rest[4..])),
        _ if rest.first().is_some_and(u8::is_ascii_digit) => None,
        _ => Some((value_date, rest)),
    }
}

struct Mark {
    negative: bool,
    reversal: bool,
    expected: bool,
}

/// The reversal of a credit takes money away, that of a debit brings it back. `EC` and `ED` are announced, not booked (MT942).
fn mark(rest: &[u8]) -> Option<(Mark, &[u8])> {
    let (letter, side, rest) = match rest {
        [side @ (b'C' | b'D'), rest @ ..] => (b' ', side, rest),
        [letter @ (b'R' | b'E'), side @ (b'C' | b'D'), rest @ ..] => (*letter, side, rest),
        _ => return None,
    };
    let (reversal, expected) = (letter == b'R', letter == b'E');
    Some((Mark { negative: (*side == b'D') != reversal, reversal, expected }, rest))
}

/// `NTRFcustomer reference//bank reference`, and supplementary details on the next lines.
fn references(rest: &[u8], line: &mut Line) {
    let (first, more) = match memchr::memchr(b'\n', rest) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &[][..]),
    };
    let coded =
        first.len() >= 4 && first[0].is_ascii_uppercase() && first[1..4].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    let (code, reference) = first.split_at(if coded { 4 } else { 0 });
    let (customer, bank) = match memchr::memmem::find(reference, b"//") {
        Some(at) => (&reference[..at], &reference[at + 2..]),
        None => (reference, &[][..]),
    };
    line.transaction_code = given(decode(code));
    line.customer_reference = given(decode(customer));
    line.bank_reference = given(decode(bank));
    line.posting_text = given(decode(more).replace('\n', " "));
}

/// `:28C:` statement number and page: `27/1`, `00004/00001`, `1`. `None`: in a form that counts nothing.
pub(super) fn sequence(text: &[u8]) -> Option<(u64, Option<u64>)> {
    let text = std::str::from_utf8(first_line(text)).ok()?;
    match text.split_once('/') {
        Some((number, page)) => Some((number.parse().ok()?, Some(page.parse().ok()?))),
        None => Some((text.parse().ok()?, None)),
    }
}

/// `:90D:` and `:90C:` number and sum of the entries of a side.
pub(super) fn sum(text: &[u8]) -> Option<(u64, Decimal)> {
    let text = first_line(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let count = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((count, swift(text.get(digits + 3..)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Line {
        entry(7, CurrencyCode::EUR, text.as_bytes()).unwrap().0
    }

    #[test]
    fn the_reversal_of_a_credit_is_a_debit_and_of_a_debit_a_credit() {
        for (mark, amount, reversal) in [("C", "1.50", false), ("D", "-1.50", false), ("RC", "-1.50", true), ("RD", "1.50", true)] {
            for funds in ["", "R"] {
                let line = read(&format!("2601020102{mark}{funds}1,5NTRFNONREF"));
                assert_eq!((line.amount.to_string().as_str(), line.reversal), (amount, reversal), "{mark}{funds}");
            }
        }
        assert_eq!(read("260102EC1,5NTRF").status, LineStatus::Pending);
    }

    #[test]
    fn references_are_parted_by_two_slashes_and_may_be_missing() {
        let of = |text: &str| {
            let line = read(text);
            (line.transaction_code, line.customer_reference, line.bank_reference, line.posting_text)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("260102C1,5NTRFINV 7//B/1\nCard payment"), (some("NTRF"), some("INV 7"), some("B/1"), some("Card payment")));
        assert_eq!(of("260102C1,5N051NONREF"), (some("N051"), None, None, None));
        assert_eq!(of("260102C1,5"), (None, None, None, None));
    }

    #[test]
    fn a_wrong_part_is_named_with_its_rule_and_value() {
        let fault = |text: &str| entry(7, CurrencyCode::EUR, text.as_bytes()).unwrap_err().to_string();
        assert_eq!(fault("261301C1,5"), "line 7, :61: value date: a date is YYMMDD: \"261301\"");
        assert_eq!(fault("260101X1,5"), "line 7, :61: mark: a mark is C, D, RC, RD, EC or ED: \"X1,5\"");
        assert_eq!(fault("2601019999C1,5"), "line 7, :61: entry date: an entry date is MMDD: \"9999C1,5\"");
        assert_eq!(fault("260101C1,555"), "line 7, :61: amount: more decimals than the currency has: \"1,555\"");
        assert_eq!(fault("260101C4x0,00NTRF"), "line 7, :61: amount: an amount is digits with a decimal comma: \"4x0,00NTR\"");
        assert_eq!(fault("260101C"), "line 7, :61: amount: an amount has digits: \"\"");
    }
}
