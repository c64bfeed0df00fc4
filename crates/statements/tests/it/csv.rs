use crate::{amounts, fixture, summary};
use statements::{
    AmountColumns, BankFile, Column, ColumnProfile, CurrencyCode, CurrencySource, Fault, ReadError, RowOrder, SignConvention,
    StructuredReference, collect, propose, read_csv,
};

fn read(bytes: &[u8], profile: &ColumnProfile, account: Option<&str>) -> Result<BankFile, Fault> {
    collect(read_csv(bytes, profile, account).unwrap()).map_err(|error| match error {
        ReadError::Refused(fault) => fault,
        ReadError::Io(error) => panic!("{error}"),
    })
}

fn column(name: &str) -> Column {
    Column::Name(name.to_owned())
}

#[test]
fn a_german_table_is_proposed_as_it_is() {
    let proposal = propose("Beispielbank", &fixture("comma.csv")).unwrap();
    let profile = &proposal.profile;
    assert_eq!(proposal.doubts, Vec::<String>::new());
    assert_eq!((profile.delimiter, profile.rows_before_header, profile.header), (';', 2, true));
    assert_eq!((profile.decimal_separator, profile.thousands_separator, profile.date_format.as_str()), (',', Some('.'), "%d.%m.%Y"));
    assert_eq!((profile.order, &profile.currency), (RowOrder::NewestFirst, &CurrencySource::Column(column("Waehrung"))));
    let columns = &profile.columns;
    assert_eq!(columns.amount, AmountColumns::Signed { column: column("Betrag"), positive: SignConvention::Credit });
    for (found, name) in [
        (&columns.value_date, "Valutadatum"),
        (&columns.own_account, "Auftragskonto"),
        (&columns.balance, "Saldo"),
        (&columns.name, "Beguenstigter/Zahlungspflichtiger"),
        (&columns.account, "Kontonummer/IBAN"),
        (&columns.bank, "BIC (SWIFT-Code)"),
        (&columns.end_to_end_id, "Kundenreferenz (End-to-End)"),
        (&columns.mandate, "Mandatsreferenz"),
        (&columns.posting_text, "Buchungstext"),
    ] {
        assert_eq!(found.as_ref(), Some(&column(name)));
    }
    assert_eq!((&columns.booking_date, &columns.text[..]), (&column("Buchungstag"), &[column("Verwendungszweck")][..]));
}

#[test]
fn a_running_balance_gives_opening_and_closing_balance_in_either_order() {
    let profile = propose("Beispielbank", &fixture("comma.csv")).unwrap().profile;
    let statement = read(&fixture("comma.csv"), &profile, None).unwrap().statements.remove(0);
    let expected = "DE89370400440532013000: 1000.00 EUR 2026-01-13 + 1240.10 = 2240.10 EUR 2026-01-20: balanced";
    assert_eq!(summary(&statement), expected);
    assert_eq!(amounts(&statement), ["1250.00", "-9.90"]);
    let line = &statement.lines[0];
    assert_eq!((line.line, line.text.as_str()), (5, "Rechnung 4711; RF18539007547034"));
    assert_eq!(line.structured_references, [StructuredReference::Rf("RF18539007547034".into())]);
    assert_eq!((line.value_date.unwrap().to_string().as_str(), line.end_to_end_id.as_deref()), ("2026-01-21", Some("E2E-1")));
    assert_eq!(statement.lines[1].end_to_end_id, None);
    assert_eq!(
        statement.remarks[0].fault.to_string(),
        "line 8, row: a row without a date and an amount is no movement and is left out: \"Summe            \""
    );

    let text = String::from_utf8(fixture("comma.csv")).unwrap();
    let mut rows: Vec<&str> = text.lines().collect();
    rows.swap(4, 5);
    let oldest_first = ColumnProfile { order: RowOrder::OldestFirst, ..profile };
    assert_eq!(summary(&read(rows.join("\n").as_bytes(), &oldest_first, None).unwrap().statements[0]), expected);
    // a row that is missing in the middle shows
    let gap = text.replace("-9,90;EUR;990,10", "-9,90;EUR;980,10");
    assert_eq!(
        read(gap.as_bytes(), &ColumnProfile { order: RowOrder::NewestFirst, ..oldest_first }, None).unwrap().statements[0].balanced,
        Some(false)
    );
}

#[test]
fn columns_for_each_side_and_american_dates_are_proposed_with_their_doubts() {
    let proposal = propose("First", &fixture("sides.csv")).unwrap();
    assert_eq!(proposal.profile.date_format, "%m/%d/%Y");
    assert_eq!(proposal.profile.columns.amount, AmountColumns::Sides { debit: column("Debit"), credit: column("Credit") });
    let statement = read(&fixture("sides.csv"), &proposal.profile, Some("US-1")).unwrap().statements.remove(0);
    assert_eq!(summary(&statement), "US-1: - + 1240.10 = -: unprovable");
    assert_eq!(amounts(&statement), ["-9.90", "1250.00"]);
    let early = String::from_utf8(fixture("sides.csv")).unwrap().replace("01/13", "01/03").replace("01/14", "01/04");
    let doubts = propose("First", early.as_bytes()).unwrap().doubts;
    assert_eq!(doubts, ["Dates could be %d/%m/%Y or %m/%d/%Y: no day beyond the 12th tells them apart."]);
}

#[test]
fn a_profile_with_numbers_for_columns_reads_a_table_without_a_header() {
    let mut profile = propose("First", &fixture("sides.csv")).unwrap().profile;
    let headless = "13.01.26|C|1'250.50\n14.01.26|D|0.50\n";
    profile.delimiter = '|';
    profile.header = false;
    profile.date_format = "%d.%m.%y".to_owned();
    profile.thousands_separator = Some('\'');
    profile.currency = CurrencySource::Always(CurrencyCode::EUR);
    profile.columns.booking_date = Column::Index(0);
    profile.columns.text = Vec::new();
    profile.columns.amount =
        AmountColumns::Marked { column: Column::Index(2), mark: Column::Index(1), credit: "C".to_owned(), debit: "D".to_owned() };
    assert_eq!(amounts(&read(headless.as_bytes(), &profile, Some("1")).unwrap().statements[0]), ["1250.50", "-0.50"]);
}

#[test]
fn a_profile_is_kept_as_json() {
    let profile = propose("Beispielbank", &fixture("comma.csv")).unwrap().profile;
    let json = serde_json::to_string(&profile).unwrap();
    assert!(
        json.contains(r#""booking_date":{"name":"Buchungstag"}"#)
            && json.contains(r#""amount":{"signed":{"column":{"name":"Betrag"},"positive":"credit"}}"#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<ColumnProfile>(&json).unwrap(), profile);
}

#[test]
fn what_breaks_a_rule_is_refused_with_line_field_and_value() {
    let profile = propose("Beispielbank", &fixture("comma.csv")).unwrap().profile;
    let text = String::from_utf8(fixture("comma.csv")).unwrap();
    for (from, to, told) in [
        ("20.01.2026", "2026-01-20", "line 5, booking date: a date is %d.%m.%Y: \"2026-01-20\""),
        ("21.01.2026", "31.02.2026", "line 5, value date: a date is %d.%m.%Y: \"31.02.2026\""),
        ("-9,90", "-9,9O", "line 6, amount: an amount is digits with the separators of the profile: \"-9,9O\""),
        ("1.250,00", "1.250,001", "line 5, amount: more decimals than the currency has: \"1.250,001\""),
        ("990,10", "990,10,1", "line 6, balance: an amount is digits with one decimal separator: \"990,10,1\""),
        ("-9,90;EUR", "-9,90;USD", "line 6, currency: a table is of one currency: \"USD\""),
        ("-9,90;EUR", "-9,90;Euro", "line 6, currency: a currency is three capital letters: \"Euro\""),
        ("DE89370400440532013000;13", "DE1;13", "line 6, account: a table is of one account: \"DE1\""),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(read(text.replacen(from, to, 1).as_bytes(), &profile, None).unwrap_err().to_string(), told);
    }
    let renamed = text.replace("Buchungstag", "Tag");
    assert_eq!(read(renamed.as_bytes(), &profile, None).unwrap_err().field, "Buchungstag");
    let empty: String = text.lines().take(4).map(|line| format!("{line}\n")).collect();
    assert_eq!(read(empty.as_bytes(), &profile, None).unwrap_err().rule, "a table has at least one movement");
    let wrong = ColumnProfile { thousands_separator: Some(','), ..profile };
    assert_eq!(read_csv(text.as_bytes(), &wrong, None).err().unwrap().fault().unwrap().field, "profile: separators");
    assert_eq!(propose("x", b"a;b\n1;2\n").unwrap_err().rule, "a table has a header that names a date and an amount");
}
