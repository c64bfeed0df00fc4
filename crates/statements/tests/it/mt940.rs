use crate::{amounts, fault, fixture, read, summary};
use statements::{BalanceKind, Format, LineStatus, RemarkKind, StructuredReference};

#[test]
fn pages_are_statements_of_one_number_and_a_missing_one_is_told() {
    let file = read(&fixture("pages.sta"));
    let summaries: Vec<String> =
        file.statements.iter().map(|s| format!("{:?}/{:?} {}", s.sequence.unwrap(), s.page.unwrap(), summary(s))).collect();
    assert_eq!(
        summaries,
        [
            "77/1 DE89370400440532013000: 1000.00 EUR 2025-12-31 + 250.00 = 1250.00 EUR 2026-01-02: balanced",
            "77/2 DE89370400440532013000: 1250.00 EUR 2026-01-02 + -30.00 = 1220.00 EUR 2026-01-05: balanced",
            "77/4 DE89370400440532013000: 1220.00 EUR 2026-01-05 + 0 = 1220.00 EUR 2026-01-05: balanced",
        ]
    );
    let kinds: Vec<_> = file.statements.iter().map(|s| (s.opening.unwrap().kind, s.closing.unwrap().kind)).collect();
    let (booked, between) = (BalanceKind::Booked, BalanceKind::Intermediate);
    assert_eq!(kinds, [(booked, between), (between, between), (between, booked)]);
    let remarks: Vec<_> =
        file.statements.iter().map(|s| s.remarks.iter().map(|r| (r.kind, r.fault.to_string())).collect::<Vec<_>>()).collect();
    let missing = "line 21, :60M:: a page follows the one before it: \"77/4\"";
    assert_eq!(remarks, [vec![], vec![], vec![(RemarkKind::Control, missing.to_owned())]]);
    assert_eq!(file.statements[2].information.as_deref(), Some("end of the day"));
}

#[test]
fn a_page_that_opens_elsewhere_than_the_last_one_closed_is_told() {
    let text = String::from_utf8(fixture("pages.sta")).unwrap().replace(":60M:C260102EUR1250,00", ":60M:C260102EUR1250,01");
    let page = &read(text.as_bytes()).statements[1];
    assert_eq!(
        page.remarks[0].fault.to_string(),
        "line 11, :60M:: a page opens with the balance that the one before it closed with: \"1250.01 after 1250.00\""
    );
    assert_eq!(page.difference, Some("-0.01".parse().unwrap()));
}

#[test]
fn lines_of_several_dialects_carry_their_references_and_parties() {
    let file = read(&fixture("pages.sta"));
    let credit = &file.statements[0].lines[0];
    // MMDD of the last year, because the value date is in January
    assert_eq!((credit.booking_date.to_string(), credit.value_date.unwrap().to_string()), ("2025-12-31".into(), "2026-01-02".into()));
    assert_eq!(credit.structured_references, [StructuredReference::Rf("RF18539007547034".into())]);
    assert_eq!((credit.end_to_end_id.as_deref(), credit.counterparty_account.as_deref()), (Some("E2E-1"), Some("DE02120300000000202051")));
    let [returned, redeposited] = &file.statements[1].lines[..] else { panic!() };
    assert_eq!((returned.amount.to_string(), returned.reversal, returned.return_reason.as_deref()), ("-50.00".into(), true, Some("914")));
    assert_eq!((redeposited.amount.to_string(), redeposited.reversal), ("20.00".into(), true));
    assert_eq!((redeposited.mandate.as_deref(), redeposited.text.as_str()), (Some("M-9"), "terug"));
    assert_eq!((redeposited.bank_reference.as_deref(), redeposited.customer_reference.as_deref()), (Some("BANK-3"), None));
}

#[test]
fn an_interim_report_has_no_balances_but_sums() {
    let file = read(&fixture("interim.sta"));
    let [statement] = &file.statements[..] else { panic!() };
    assert_eq!(summary(statement), "DE89370400440532013000: - + -1134.56 = -: unprovable");
    assert_eq!((statement.format, amounts(statement).join(" ")), (Format::Mt942, "100.00 40.00 -1234.56".into()));
    assert_eq!(statement.lines[1].status, LineStatus::Pending);
    // an announced credit is not in the books: the bank counts it, the books do not
    let told: Vec<String> = statement.remarks.iter().map(|remark| remark.fault.to_string()).collect();
    assert_eq!(told, ["line 12, :90C:: the entries of the side are 1 and come to 100.00: \"2EUR140,\""]);
}

const WHOLE: &str = ":20:R\n:25:1\n:28C:1/1\n:60F:C260101EUR1,\n:61:260102C1,NTRFX\n:62F:C260102EUR2,\n-\n";

#[test]
fn what_breaks_a_rule_is_refused_with_line_field_and_value() {
    assert_eq!(read(WHOLE.as_bytes()).statements[0].balanced, Some(true));
    for (from, to, told) in [
        (":60F:C260101EUR1,", ":60F:X260101EUR1,", "line 4, :60F: mark: a balance is C or D: \"X260101EUR1,\""),
        (":60F:C260101EUR1,", ":60F:C261301EUR1,", "line 4, :60F: date: a date is YYMMDD: \"261301\""),
        (":60F:C260101EUR1,", ":60F:C260101EURO,", "line 4, :60F: amount: an amount is digits with one decimal separator: \"O,\""),
        (":60F:C260101EUR1,\n", "", "line 1, :60F:: a statement has an opening balance, an interim report a floor limit: \"R\""),
        (":25:1\n", "", "line 1, :25:: a statement names its account: \"R\""),
        (":62F:C260102EUR2,\n", "", "line 1, :62F:: a statement has a closing balance: \"R\""),
        (":62F", ":60F:C260102EUR2,\n:62F", "line 6, :60F:: a message has one opening balance, before its entries: \"C260102EUR2,\""),
        ("-\n", ":61:260102C1,NTRFX\n-\n", "line 7, :61:: entries stand before the closing balance: \"260102C1,NTRFX\""),
        (":20:R\n", "", "line 1, :25:: a message begins with :20:: \"1\""),
        ("C1,NTRFX", "C;1,NTRFX", "line 5, :61: amount: an amount has digits: \"\""),
    ] {
        assert_eq!(fault(WHOLE.replacen(from, to, 1).as_bytes()).to_string(), told);
    }
    assert_eq!(fault(b"hello").rule, "a file is MT940, MT942, camt.053, BAI2 or a table");
    assert_eq!(fault(b"").rule, "a file is MT940, MT942, camt.053, BAI2 or a table");
    assert_eq!(fault(b"a;b\n1;2\n").rule, "a table is read by the column profile of its bank");
}

#[test]
fn a_hyphen_alone_is_text_until_the_statement_is_whole() {
    let text = WHOLE.replace("NTRFX\n", "NTRFX\n:86:one\n-\ntwo\n");
    assert_eq!(read(text.as_bytes()).statements[0].lines[0].text, "one\n-\ntwo");
}

#[test]
fn bytes_that_are_not_utf8_are_latin() {
    let mut bytes = WHOLE.replace("NTRFX\n", "NTRFX\n:86:M#ller\n").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'#').unwrap();
    bytes[at] = 0xFC;
    assert_eq!(read(&bytes).statements[0].lines[0].text, "Müller");
}
