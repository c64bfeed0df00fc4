use crate::{amounts, fault, fixture, read, summary};

#[test]
fn the_currency_says_how_many_decimals_an_amount_has() {
    let file = read(&fixture("yen.bai"));
    let [statement] = &file.statements[..] else { panic!() };
    assert_eq!(summary(statement), "778899: 1000000 JPY 2026-01-05 + 30000 = 1030000 JPY 2026-01-05: balanced");
    assert_eq!(amounts(statement), ["50000", "-20000"]);
}

#[test]
fn text_may_hold_commas_and_slashes_and_go_on() {
    let statement = read(&fixture("yen.bai")).statements.remove(0);
    let [first, second] = &statement.lines[..] else { panic!() };
    assert_eq!(first.text, "Invoice 1, 2 and https://example.com/a");
    assert_eq!((first.bank_reference.as_deref(), first.customer_reference.as_deref()), (Some("B-1"), Some("C-1")));
    assert_eq!(second.text, "CHEQUE 12\nsecond line, with a comma");
    assert_eq!((first.value_date.map(|date| date.to_string()), second.value_date), (Some("2026-01-05".into()), None));
}

#[test]
fn a_control_that_does_not_hold_is_told_and_a_line_without_money_is_left_out() {
    let file = read(&fixture("yen.bai"));
    let told: Vec<String> = file.statements[0].remarks.iter().chain(&file.remarks).map(|remark| remark.fault.to_string()).collect();
    assert_eq!(
        told,
        [
            "line 7, 16 amount: a transaction without an amount moves nothing and is left out: \"16,890,,,,,no money in this\"",
            "line 10, 99 control total: the amounts come to 2150000: \"2150001\"",
        ]
    );
}

#[test]
fn files_may_follow_each_other_and_the_last_one_is_whole() {
    let twice = fixture("yen.bai").repeat(2);
    assert_eq!(read(&twice).statements.len(), 2);
    let cut = &twice[..twice.len() - 20];
    assert_eq!(fault(cut).rule, "a file ends with its trailer");
}

#[test]
fn what_breaks_a_rule_is_refused_with_line_field_and_value() {
    let whole = String::from_utf8(fixture("yen.bai")).unwrap();
    for (from, to, told) in [
        ("7,,,2/", "7,,,1/", "line 1, 01 version: the version is 2: \"01,BANK,ME,260105,1200,7,,,1\""),
        ("1,260105,", "1,261305,", "line 2, 02 as-of date: a date is YYMMDD: \"261305\""),
        ("JPY", "YEN1", "line 2, 02 currency: a currency is three capital letters: \"YEN1\""),
        ("010,1000000", "010,10000.00", "line 3, 03 amount: an amount is a sign and digits without a decimal point: \"10000.00\""),
        ("16,165", "16,065", "line 4, 16 type code: a transaction has a type code from 100 on that says its side: \"065\""),
        ("50000,0,B", "50000,X,B", "line 4, funds type: a funds type is 0, 1, 2, S, V, D or Z: \"X\""),
        (
            "88,second",
            "77,second",
            "line 6, record code: a record begins with 01, 02, 03, 16, 49, 88, 98 or 99 and a comma: \"77,second line, with a comma\"",
        ),
        ("49,2150000,6/\n", "", "line 8, 98: a trailer ends a group behind its last account: \"98,2150000,1,8\""),
        ("99,2150001,1,10/\n", "", "line 1, 99: a file ends with its trailer: \"\""),
        (
            "02,ME,BANK,1,260105,,JPY,2/\n",
            "",
            "line 2, 03: an account stands in a group, behind the trailer of the account before it: \"03,778899,,010,1000000,,,015,1030000,,,100,50000,1,\"",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        assert_eq!(fault(whole.replacen(from, to, 1).as_bytes()).to_string(), told);
    }
}
