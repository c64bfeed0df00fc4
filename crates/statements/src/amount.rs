//! Numbers as the formats write them. No sign is read here unless the format has one.

use rust_decimal::Decimal;

/// As many digits as a 64-bit mantissa holds; ISO 20022 allows 18, SWIFT 15 characters.
const DIGITS_MAX: u32 = 18;

type Amount = Result<Decimal, &'static str>;

/// Digits with at most one decimal separator; `thousands` separators only before it.
pub(crate) fn separated(text: &[u8], decimal: u8, thousands: Option<u8>) -> Amount {
    let (mut mantissa, mut digits, mut significant, mut scale) = (0_i64, 0_u32, 0_u32, None::<u32>);
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                significant += u32::from(significant > 0 || byte != b'0');
                if significant > DIGITS_MAX || scale.is_some_and(|scale| scale >= DIGITS_MAX) {
                    return Err("an amount has at most 18 digits");
                }
                digits += 1;
                mantissa = mantissa * 10 + i64::from(byte - b'0');
                scale = scale.map(|scale| scale + 1);
            }
            _ if byte == decimal && scale.is_none() => scale = Some(0),
            _ if Some(byte) == thousands && scale.is_none() && digits > 0 => {}
            _ => return Err("an amount is digits with one decimal separator"),
        }
    }
    if digits == 0 { Err("an amount has digits") } else { Ok(Decimal::new(mantissa, scale.unwrap_or(0))) }
}

/// SWIFT's `15d`: a decimal comma. In the wild also thousand dots, or a decimal point in the place of the comma.
pub(crate) fn swift(text: &[u8]) -> Amount {
    if text.contains(&b',') {
        return separated(text, b',', Some(b'.'));
    }
    match text.iter().position(|&byte| byte == b'.') {
        // a single point that does not part three digits can only be a decimal point
        Some(point) if text.len() - point != 4 && memchr::memrchr(b'.', text) == Some(point) => separated(text, b'.', None),
        Some(_) => separated(text, b',', Some(b'.')),
        None => separated(text, b',', None),
    }
}

/// XML Schema's decimal, without a sign: ISO 20022 says the side in an element of its own.
pub(crate) fn xml(text: &[u8]) -> Amount {
    separated(text.strip_prefix(b"+").unwrap_or(text), b'.', None)
}

/// BAI2: a sign and digits; the currency says how many of them are decimals.
pub(crate) fn implied(text: &[u8], minor_units: u32) -> Amount {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err("an amount is a sign and digits without a decimal point");
    }
    let mut amount = separated(digits, b'.', None)?;
    amount.set_scale(minor_units).map_err(|_| "an amount is out of range")?;
    amount.set_sign_negative(negative && !amount.is_zero());
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(amount: Amount) -> Result<String, &'static str> {
        amount.map(|amount| amount.to_string())
    }

    #[test]
    fn a_swift_amount_has_a_decimal_comma_and_the_wild_has_dots() {
        for (written, meant) in
            [("1234,5", "1234.5"), ("300,", "300"), ("1.234.567,89", "1234567.89"), ("12.50", "12.50"), ("1.234", "1234")]
        {
            assert_eq!(text(swift(written.as_bytes())), Ok(meant.into()), "{written}");
        }
        for wrong in ["", ",", "1,2,3", "12a", "1,234.5", "1234567890123456789,00", ".5,"] {
            assert!(swift(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_bai2_amount_has_no_point_and_its_currency_says_where_it_would_be() {
        assert_eq!(text(implied(b"-000000000208500", 2)), Ok("-2085.00".into()));
        assert_eq!(text(implied(b"+0", 2)), Ok("0.00".into()));
        assert_eq!(text(implied(b"1500", 0)), Ok("1500".into()));
        assert!(implied(b"12.50", 2).is_err());
        assert!(implied(b"", 2).is_err());
    }

    #[test]
    fn leading_zeros_are_no_digits_and_nineteen_digits_are_too_many() {
        assert_eq!(text(separated(b"00000000000000000000012", b'.', None)), Ok("12".into()));
        assert!(separated(b"1234567890123456789", b'.', None).is_err());
        assert!(separated(b"0.0000000000000000001", b'.', None).is_err());
    }
}
