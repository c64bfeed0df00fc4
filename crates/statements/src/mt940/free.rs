//! `:86:` in words: the old layouts of ABN AMRO, ING and mBank, of which the counterparty can be told. The text stays whole.

use super::details::add_text;
use crate::model::{Line, given};

pub(super) fn describe(line: &mut Line, text: &str) {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    let party = abn_amro(&text).or_else(|| ing(&text)).or_else(|| mbank(&text));
    if let Some(Party { account, name }) = party {
        line.counterparty_account = account;
        line.counterparty_name = name;
    }
    add_text(line, &text);
}

struct Party {
    account: Option<String>,
    name: Option<String>,
}

/// `GIRO   428428 KPN - DIGITENNE    BETALINGSKENM.…`, `52.89.39.882                    MYCOM DEN HAAG`, and of a card
/// `BEA   NR:XXX1234   21.05.11/12.54 DIRCKIII FIL2500 KATWIJK,PAS999`.
fn abn_amro(text: &str) -> Option<Party> {
    let first = text.lines().next()?;
    if let Some(rest) = first.strip_prefix("GIRO ") {
        let (account, rest) = rest.trim_start().split_once(' ')?;
        return digits(account).then(|| Party { account: Some(account.to_owned()), name: column(rest) });
    }
    if first.starts_with("BEA ") || first.starts_with("GEA ") {
        let (_, moment) = first.split_once(" NR:")?.1.split_once('/')?;
        let name = moment.split_once(' ')?.1.split(",PAS").next()?;
        return Some(Party { account: None, name: given(name.to_owned()) });
    }
    let (account, rest) = first.split_once(' ')?;
    let groups: Vec<&str> = account.split('.').collect();
    (groups.len() == 4 && groups.iter().all(|group| digits(group) && group.len() >= 2))
        .then(|| Party { account: Some(account.replace('.', "")), name: column(rest) })
}

/// Up to where the next column begins.
fn column(text: &str) -> Option<String> {
    given(text.trim_start().split("  ").next()?.to_owned())
}

/// `0111111111 Hr S Marechal`: ten digits are the other account, and zeros none.
fn ing(text: &str) -> Option<Party> {
    let (account, _) = text.split_once(' ')?;
    let is_account = account.len() == 10 && digits(account) && account.bytes().any(|digit| digit != b'0');
    is_account.then(|| Party { account: Some(account.to_owned()), name: None })
}

/// `911 TRANSAKCJA COLLECT; Z RACH.: 5611…; OD: JAN NOWAK UL. NIJAKA 1; TYT.: PRZELEW; TNR: …`.
fn mbank(text: &str) -> Option<Party> {
    let text = text.replace('\n', " ");
    let of = |keys: [&str; 2]| {
        let part = text.split(';').map(str::trim_start).find_map(|part| keys.iter().find_map(|key| part.strip_prefix(key)))?;
        given(part.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (account, name) = (of(["Z RACH.:", "NA RACH.:"]), of(["OD:", "DLA:"]));
    (account.is_some() || name.is_some()).then_some(Party { account, name })
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::CurrencyCode;

    #[test]
    fn the_counterparty_is_told_from_the_layout_of_the_bank() {
        for (text, account, name) in [
            ("GIRO   428428 KPN - DIGITENNE    BETALINGSKENM.  0000\n5314", Some("428428"), Some("KPN - DIGITENNE")),
            ("52.89.39.882                    MYCOM DEN HAAG", Some("528939882"), Some("MYCOM DEN HAAG")),
            ("BEA   NR:XXX1234   21.05.11/12.54 DIRX FIL6017 KATWIJK ZH ,PAS999", None, Some("DIRX FIL6017 KATWIJK ZH")),
            ("0123456789 EJ46GREENP100610T1456 CLIEOP", Some("0123456789"), None),
            ("911 X; Z RACH.: \n56114010; OD: JAN NOWAK  \nUL. 1; TYT.: P; TNR: 1", Some("56114010"), Some("JAN NOWAK UL. 1")),
            ("RC AFREKENING BETALINGSVERKEER", None, None),
            ("", None, None),
        ] {
            let mut line = Line::new(1, 1.into(), CurrencyCode::EUR, "2026-01-02".parse().unwrap());
            describe(&mut line, text);
            assert_eq!((line.counterparty_account.as_deref(), line.counterparty_name.as_deref()), (account, name), "{text}");
        }
    }
}
