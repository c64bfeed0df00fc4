use crate::{amounts, fault, fixture, read, summary};
use statements::{Batch, LineStatus, RemarkKind, StructuredReference};

#[test]
fn a_batch_whose_payments_add_up_becomes_a_line_for_each() {
    let file = read(&fixture("qr-batch.xml"));
    let [statement] = &file.statements[..] else { panic!() };
    assert_eq!(summary(statement), "CH9300762011623852957: 100.00 CHF 2026-01-05 + 260.00 = 360.00 CHF 2026-01-05: balanced");
    assert_eq!((statement.sequence, statement.page), (Some(9), Some(2)));
    assert_eq!(amounts(statement), ["120.00", "200.00", "-20.00", "-40.00", "999.00"]);
    let [first, second, third, ..] = &statement.lines[..] else { panic!() };
    assert_eq!(first.batch, Some(Batch { id: Some("QR-COLLECT".into()), size: 3, position: Some(1) }));
    assert_eq!(first.structured_references, [StructuredReference::Qrr("210000000003139471430009017".into())]);
    assert_eq!((first.counterparty_name.as_deref(), first.end_to_end_id.as_deref()), (Some("Müller & Söhne"), None));
    assert_eq!((first.bank_reference.as_deref(), second.bank_reference.as_deref()), (Some("TX-1"), Some("ENTRY-1")));
    let documents: Vec<_> =
        second.documents.iter().map(|d| (d.number.as_str(), d.date.map(|d| d.to_string()), d.amount.map(|a| a.to_string()))).collect();
    assert_eq!(documents, [("INV-7", Some("2025-12-01".into()), Some("150.00".into())), ("INV-8", None, None)]);
    assert_eq!((third.text.as_str(), third.entry_reference.as_deref()), ("fee", Some("1")));
}

#[test]
fn a_batch_whose_payments_do_not_add_up_stays_one_line_and_says_so() {
    let statement = read(&fixture("qr-batch.xml")).statements.remove(0);
    let line = &statement.lines[3];
    assert_eq!((line.amount.to_string(), line.reversal, line.posting_text.as_deref()), ("-40.00".into(), true, Some("Returned batch")));
    assert_eq!(line.batch, Some(Batch { id: None, size: 2, position: None }));
    let told: Vec<_> = statement.remarks.iter().map(|remark| (remark.kind, remark.fault.to_string())).collect();
    let rule = "line 33, Stmt/Ntry/NtryDtls: the payments of a batch come to its amount; it stays one line: \"2 payments, -40.00\"";
    assert_eq!(told, [(RemarkKind::Tolerated, rule.to_owned())]);
}

#[test]
fn an_entry_that_is_not_booked_does_not_count() {
    let statement = read(&fixture("qr-batch.xml")).statements.remove(0);
    let line = statement.lines.last().unwrap();
    assert_eq!((line.status, line.booking_date.to_string().as_str()), (LineStatus::Pending, "2026-01-06"));
    assert_eq!(statement.balanced, Some(true));
}

#[test]
fn a_document_type_or_an_entity_is_refused() {
    let bomb = br#"<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>"#;
    assert_eq!(fault(bomb).rule, "a document type is refused: entities could be declared in it");
    let entity = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>&a;</Id>"#;
    let fault = fault(entity.as_bytes());
    assert_eq!((fault.field.as_ref(), fault.value.as_str()), ("Stmt/Id", "a"));
}

#[test]
fn what_breaks_a_rule_is_refused_with_line_field_and_value() {
    let whole = String::from_utf8_lossy(&fixture("qr-batch.xml")).replace("ISO-8859-1", "UTF-8");
    for (from, to, told) in [
        (
            "camt.053.001.10",
            "camt.054.001.08",
            "line 2, Document/@xmlns: a statement is a camt.053 message: \"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"",
        ),
        (">300.00<", ">300,00<", "line 13, Stmt/Ntry/Amt: an amount is digits with one decimal separator: \"300,00\""),
        (">300.00<", ">-300.00<", "line 13, Stmt/Ntry/Amt: an amount is digits with one decimal separator: \"-300.00\""),
        (">300.00<", ">300.001<", "line 13, Stmt/Ntry/Amt: more decimals than the currency has: \"300.001\""),
        ("<n:Amt Ccy=\"CHF\">300", "<n:Amt>300", "line 13, Stmt/Ntry/Amt: an amount has a currency in its attribute Ccy: \"300.00\""),
        ("<n:Amt Ccy=\"CHF\">300", "<n:Amt Ccy=\"chf\">300", "line 13, Stmt/Ntry/Amt: a currency is three capital letters: \"chf\""),
        ("2026-01-05", "2026-02-30", "line 10, Stmt/Bal/Dt: a date is YYYY-MM-DD, with or without a time: \"2026-02-30\""),
        ("CRDT", "KRED", "line 10, Stmt/Bal/CdtDbtInd: a side is CRDT or DBIT: \"KRED\""),
        ("BOOK", "DONE", "line 13, Stmt/Ntry/Sts: a status is BOOK, PDNG, FUTR or INFO: \"DONE\""),
        ("<n:IBAN>CH9300762011623852957</n:IBAN>", "", "line 32, Stmt/Acct/Id: a statement names its account: \"S-9\""),
        (
            "</n:Stmt>",
            "</n:Statement>",
            "line 45, Stmt: XML is well-formed: ill-formed document: expected `</n:Stmt>`, but `</n:Statement>` was found: \"\"",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        assert_eq!(fault(whole.replacen(from, to, 1).as_bytes()).to_string(), told);
    }
    let cut = &whole[..whole.find("<n:AddtlNtryInf>").unwrap()];
    assert_eq!(fault(cut.as_bytes()).rule, "every element ends before the file does");
    let undeclared = fixture("qr-batch.xml").into_iter().skip_while(|byte| *byte != b'\n').collect::<Vec<u8>>();
    assert!(fault(&undeclared).rule.starts_with("XML is well-formed: "), "Latin letters in what must be UTF-8");
}

#[test]
fn messages_may_stand_in_an_envelope_one_after_the_other() {
    let message = String::from_utf8_lossy(&fixture("qr-batch.xml")).replace("ISO-8859-1", "UTF-8");
    let (_, message) = message.split_once("?>").unwrap();
    let file = read(format!("<?xml version=\"1.0\"?><All><Header>x</Header>{message}{message}</All>").as_bytes());
    let lines: Vec<usize> = file.statements.iter().map(|statement| statement.lines.len()).collect();
    assert_eq!(lines, [5, 5]);
}

/// A statement of the account `OWN` with balances of 1, 2, … and entries of 1 EUR.
fn message(balances: &[&str], entries: &[&str]) -> String {
    let balance = |(index, code): (usize, &&str)| {
        let amount = index + 1;
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-05</Dt></Dt></Bal>"
        )
    };
    let entry = |parts: &&str| format!("<Ntry><Amt Ccy=\"EUR\">1</Amt><Sts>BOOK</Sts><BookgDt><Dt>2026-01-05</Dt></BookgDt>{parts}</Ntry>");
    let (balances, entries): (String, String) = (balances.iter().enumerate().map(balance).collect(), entries.iter().map(entry).collect());
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><Othr><Id>OWN</Id></Othr></Id></Acct>\
{balances}{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

#[test]
fn the_first_intermediate_balance_opens_and_the_last_one_closes() {
    for (codes, opening, closing) in [
        (&["OPBD", "CLBD"][..], Some(1), Some(2)),
        (&["PRCD", "ITBD"], Some(1), Some(2)),
        (&["OPBD", "ITBD"], Some(1), Some(2)),
        (&["ITBD", "ITBD"], Some(1), Some(2)),
        (&["ITBD", "CLBD"], Some(1), Some(2)),
        (&["OPBD", "ITBD", "CLBD"], Some(1), Some(3)),
        (&["ITBD"], Some(1), None),
        (&["CLBD"], None, Some(1)),
    ] {
        let statement = read(message(codes, &[]).as_bytes()).statements.remove(0);
        let amount = |balance: Option<statements::Balance>| balance.map(|balance| balance.amount.normalize().mantissa());
        assert_eq!((amount(statement.opening), amount(statement.closing)), (opening, closing), "{codes:?}");
    }
}

#[test]
fn the_counterparty_is_the_other_side_also_when_an_entry_is_taken_back() {
    let party = |role: &str, account: &str| {
        format!("<{role}><Nm>{role} {account}</Nm></{role}><{role}Acct><Id><Othr><Id>{account}</Id></Othr></Id></{role}Acct>")
    };
    let both = format!("{}{}", party("Dbtr", "A"), party("Cdtr", "B"));
    for (side, reversal, parties, name) in [
        ("CRDT", "false", &both, Some("Dbtr A")),
        ("DBIT", "false", &both, Some("Cdtr B")),
        ("DBIT", "true", &both, Some("Dbtr A")),
        ("CRDT", "true", &both, Some("Cdtr B")),
        // a bank may name only one, who is not the holder
        ("CRDT", "false", &party("Cdtr", "B"), Some("Cdtr B")),
        ("CRDT", "false", &party("Cdtr", "OWN"), None),
    ] {
        let details = format!("<NtryDtls><TxDtls><RltdPties>{parties}</RltdPties></TxDtls></NtryDtls>");
        let entry = format!("<CdtDbtInd>{side}</CdtDbtInd><RvslInd>{reversal}</RvslInd>{details}");
        let statement = read(message(&["OPBD", "CLBD"], &[&entry]).as_bytes()).statements.remove(0);
        assert_eq!(statement.lines[0].counterparty_name.as_deref(), name, "{side} {reversal} {parties}");
    }
}

#[test]
fn elements_lie_only_so_deep() {
    let deep = [&br#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">"#[..], &b"<x>".repeat(100)].concat();
    assert_eq!(fault(&deep).rule, "elements lie at most 64 deep");
}
