//! Files of real banks, where they are: `../shared/data` beside the workspace.

use crate::{amounts, fault, read, summary, yaml::Node};
use rust_decimal::Decimal;
use statements::{BalanceKind, BankFile, Line, RemarkKind, Statement, StructuredReference};
use std::path::{Path, PathBuf};

/// `None`, and says so, where the corpus is not.
fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !folder.is_dir() {
        println!("skipped: corpus not found");
        return None;
    }
    Some(folder)
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn every_mt940_reads_to_what_its_yml_states() {
    let Some(folder) = folder("mt940") else { return };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".sta").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let yaml = Node::parse(std::str::from_utf8(&bytes(&folder, &format!("{name}.yml"))).unwrap());
        compare(&name, &read(&bytes(&folder, &format!("{name}.sta"))), &yaml);
    }
}

/// The dump has the transactions of all messages, and of the messages themselves what the last one of each kind says.
fn compare(name: &str, file: &BankFile, yaml: &Node) {
    let lines: Vec<&Line> = file.statements.iter().flat_map(|statement| &statement.lines).collect();
    let transactions = yaml.get("transactions").list();
    assert_eq!(lines.len(), transactions.len(), "{name}: transactions");
    for (index, (line, transaction)) in lines.iter().zip(transactions).enumerate() {
        compare_line(&format!("{name} {index}"), line, transaction.get("data"));
    }
    let data = yaml.get("data");
    for (key, kind, of) in [
        ("final_opening_balance", BalanceKind::Booked, opening as fn(&Statement) -> _),
        ("intermediate_opening_balance", BalanceKind::Intermediate, opening),
        ("final_closing_balance", BalanceKind::Booked, closing),
        ("intermediate_closing_balance", BalanceKind::Intermediate, closing),
        ("available_balance", BalanceKind::Available, |statement| statement.available),
    ] {
        let ours = file.statements.iter().rev().filter_map(of).find(|balance| balance.kind == kind);
        let theirs = data.get(key);
        let stated = theirs.amount().map(|(amount, currency)| {
            let signed = if theirs.get("status").text() == Some("D") { -amount.abs() } else { amount };
            (signed, currency.to_owned(), theirs.get("date").date().unwrap())
        });
        assert_eq!(ours.map(|b| (b.amount, b.currency.to_string(), b.date)), stated, "{name}: {key}");
    }
    let last = file.statements.last().unwrap();
    let number = |key: &str| data.get(key).text().map(|number| number.parse::<u64>().unwrap());
    assert_eq!(last.sequence, number("statement_number"), "{name}: statement number");
    assert!(last.page == number("sequence_number") || file.statements.len() > 1, "{name}: sequence number");
    assert_eq!(last.reference.as_deref(), data.get("transaction_reference").text(), "{name}: reference");
    // the second :25: of the broken snippet is no account
    if !name.ends_with("_broken") {
        assert_eq!(Some(last.account.as_str()), data.get("account_identification").text(), "{name}: account");
    }
}

fn opening(statement: &Statement) -> Option<statements::Balance> {
    statement.opening
}

fn closing(statement: &Statement) -> Option<statements::Balance> {
    statement.closing
}

fn compare_line(place: &str, line: &Line, data: &Node) {
    let (amount, currency) = data.amount().unwrap();
    // the Python parser leaves the reversal of a credit positive; the balances of the files say that it is a debit
    let reversal = data.get("status").text() == Some("RC");
    assert_eq!(line.amount, if reversal { -amount } else { amount }, "{place}: amount");
    assert_eq!((line.currency.as_str(), line.reversal), (currency, reversal), "{place}: currency and reversal");
    assert_eq!(line.value_date, data.get("date").date(), "{place}: value date");
    assert_eq!(Some(line.booking_date), data.get("entry_date").date().or(line.value_date), "{place}: entry date");
    assert_eq!(line.transaction_code.as_deref(), data.get("id").text(), "{place}: id");
    compare_references(place, line, data);
    let text = |key: &str| data.get(key).text().map(compact).filter(|text| !text.is_empty());
    if let Some(details) = text("transaction_details") {
        assert!(details.starts_with(&compact(&line.text)) && !line.text.is_empty(), "{place}: details {:?} of {details:?}", line.text);
    }
    // the dump ends a purpose at ?29; the bank may go on in ?60
    let purpose = text("purpose").unwrap_or_default();
    assert!(compact(&line.text).starts_with(&purpose) || data.get("purpose") == &Node::Null, "{place}: purpose {:?}", line.text);
    assert_eq!(
        line.posting_text.as_deref().map(compact).or(text("extra_details")),
        text("posting_text").or(text("extra_details")),
        "{place}: posting text"
    );
    assert_eq!(line.business_code.as_deref(), data.get("transaction_code").text(), "{place}: business code");
    if data.get("transaction_code") != &Node::Null {
        assert_eq!(line.counterparty_name.as_deref().map(compact), text("applicant_name"), "{place}: name");
        assert_eq!(line.counterparty_account.as_deref().map(compact), text("applicant_iban"), "{place}: account");
        assert_eq!(line.counterparty_bank.as_deref().map(compact), text("applicant_bin"), "{place}: bank");
    }
    // the dump has the bank's message behind the reference; NONREF is none
    let end_to_end = text("end_to_end_reference").map(|id| id.split("MTLG:").next().unwrap_or_default().to_owned());
    let end_to_end = end_to_end.filter(|id| id != "NONREF" && !id.is_empty());
    assert_eq!(line.end_to_end_id.as_deref().map(compact), end_to_end, "{place}: end-to-end id");
    assert_eq!(line.mandate.as_deref().map(compact), text("additional_position_reference"), "{place}: mandate");
}

/// The dump cuts the customer reference at 16 characters without a look for the slashes and puts the rest into other fields,
/// and where the details have a reference of the customer, or keys at all, that one stands in its place.
fn compare_references(place: &str, line: &Line, data: &Node) {
    let field = |key: &str| data.get(key).text().unwrap_or_default().to_owned();
    let keyed = data.get("gvc_applicant_bin") != &Node::Null
        || matches!(data, Node::Map(map) if map.iter().any(|(key, _)| key == "end_to_end_reference"));
    let (customer, bank) = (field("customer_reference"), field("bank_reference"));
    let ours = line.customer_reference.clone().unwrap_or_default();
    if keyed {
        let described = customer.rsplit('\n').next().unwrap_or_default();
        assert!(
            compact(described).is_empty() || compact(&ours) == compact(described) || compact(&customer).contains(&compact(&ours)),
            "{place}: customer reference {ours:?} of {customer:?}"
        );
    } else {
        let whole = [customer.as_str(), if bank.is_empty() { "" } else { "//" }, &bank].concat();
        let stated = whole.split("//").next().unwrap_or_default();
        let stated = if stated == "NONREF" { "" } else { stated.trim_end_matches('/') };
        assert_eq!(compact(&ours), compact(stated), "{place}: customer reference");
    }
    if !bank.is_empty() {
        assert_eq!(line.bank_reference.as_deref(), Some(bank.as_str()), "{place}: bank reference");
    }
}

fn compact(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn balances_of_real_banks_hold_where_the_files_are_whole() {
    let Some(folder) = folder("mt940") else { return };
    let proofs = |name: &str| -> Vec<(Option<bool>, Option<Decimal>)> {
        read(&bytes(&folder, name)).statements.iter().map(|statement| (statement.balanced, statement.difference)).collect()
    };
    let zero = Some(Decimal::ZERO);
    assert_eq!(proofs("mBank-mt940.sta"), [(Some(true), zero)]);
    assert_eq!(proofs("self-provided-february_30.sta"), [(Some(true), zero)]);
    assert_eq!(proofs("betterplace-with_binary_character.sta"), [(Some(true), zero), (Some(true), zero)]);
    assert_eq!(proofs("jejik-generic.sta"), [(Some(true), zero), (Some(true), zero)]);
    // somebody made these anonymous and did not count again
    assert_eq!(proofs("jejik-ing.sta"), [(Some(false), Some("49.06".parse().unwrap()))]);
    assert_eq!(proofs("self-provided-malformed_details.sta"), [(Some(false), Some("234.01".parse().unwrap()))]);
    // the first statement of the bank has the reversal of a credit in it
    let first = read(&bytes(&folder, "betterplace-sepa_mt9401.sta")).statements.remove(0);
    assert_eq!(summary(&first), "50880050/0194774600888: -1234718.36 EUR 2007-09-03 + -2909.87 = -1237628.23 EUR 2007-09-04: balanced");
}

#[test]
fn the_broken_snippet_reads_and_says_what_is_wrong_with_it() {
    let Some(folder) = folder("mt940") else { return };
    let statement = read(&bytes(&folder, "betterplace-sepa_snippet_broken.sta")).statements.remove(0);
    assert_eq!((statement.account.as_str(), statement.balanced), ("50880050/0194787400888", Some(false)));
    assert_eq!(statement.difference, Some("307603.86".parse().unwrap()));
    let remark = &statement.remarks[0];
    assert_eq!((remark.kind, remark.fault.line, remark.fault.field.as_ref()), (RemarkKind::Tolerated, 6, ":25:"));
}

#[test]
fn the_counterparty_is_found_in_the_words_of_dutch_and_polish_banks() {
    let Some(folder) = folder("mt940") else { return };
    let lines = |name: &str| read(&bytes(&folder, name)).statements.into_iter().flat_map(|statement| statement.lines).collect::<Vec<_>>();
    let party = |line: &Line| (line.counterparty_account.clone(), line.counterparty_name.clone());
    let abn = lines("jejik-abnamro.sta");
    assert_eq!(party(&abn[0]), (Some("428428".into()), Some("KPN - DIGITENNE".into())));
    assert_eq!(party(&abn[3]), (None, Some("MC DONALDS A44 LEIDEN".into())));
    assert_eq!(party(&abn[9]), (Some("528939882".into()), Some("MYCOM DEN HAAG".into())));
    assert_eq!(party(&lines("jejik-ing.sta")[1]), (Some("0111111111".into()), None));
    let mbank = party(&lines("mBank-mt940.sta")[0]);
    assert_eq!(mbank, (Some("56114010810000267002001001".into()), Some("JAN NOWAK UL. NIJAKA 1 M 2 31-234 KRAKOW".into())));
}

#[test]
fn every_version_of_camt053_reads_alike() {
    let Some(folder) = folder("camt053") else { return };
    for (name, reference, code) in [
        ("camt053.v2.minimal.xml", None, (None, Some("544"))),
        ("camt053.v2.with-party-ids.xml", None, (None, Some("544"))),
        ("camt053.v4.xml", Some("AAAASESS-FP-CN_98765/01"), (Some("PAYM-0001-0005"), None)),
        ("camt053.v8.xml", Some("AAAASESS-FP-CN_98765/01"), (Some("PMNT-RCDT-BOOK"), None)),
    ] {
        let file = read(&bytes(&folder, name));
        let [statement] = &file.statements[..] else { panic!("{name}: {} statements", file.statements.len()) };
        let date = if name.contains("v2") { "2014-12-31" } else { "2014-12-30" };
        let expected = format!("NL26VAYB8060476890: 18.15 EUR 2014-12-30 + 8.85 = -27.00 SEK {date}: currencies differ");
        assert_eq!(summary(statement), expected, "{name}");
        assert_eq!(statement.available.map(|b| b.amount.to_string()).as_deref(), Some("-2700"), "{name}");
        assert_eq!((statement.sequence, statement.reference.as_deref()), (Some(12312), Some("253EURNL26VAYB8060476890")), "{name}");
        let [line] = &statement.lines[..] else { panic!("{name}: {} lines", statement.lines.len()) };
        assert_eq!(
            (line.booking_date.to_string(), line.value_date.unwrap().to_string()),
            ("2014-12-31".into(), "2015-01-02".into()),
            "{name}"
        );
        assert_eq!(
            (line.counterparty_name.as_deref(), line.counterparty_account.as_deref()),
            (Some("NAME NAME"), Some("NL56AGDH9619008421")),
            "{name}"
        );
        assert_eq!(line.structured_references, [StructuredReference::Other("4654654654654654".into())], "{name}");
        assert_eq!((line.transaction_code.as_deref(), line.business_code.as_deref()), code, "{name}");
        assert_eq!(line.bank_reference.as_deref(), reference, "{name}");
        assert_eq!(line.end_to_end_id.as_deref(), name.contains("v8").then_some("MUELL/FINP/RA12345"), "{name}");
        assert!(statement.remarks.is_empty() && !line.reversal && line.batch.is_none(), "{name}");
    }
}

#[test]
fn a_message_of_several_statements_reads_as_several() {
    let Some(folder) = folder("camt053") else { return };
    let file = read(&bytes(&folder, "camt053.v2.multi.statement.xml"));
    let summaries: Vec<String> = file.statements.iter().map(summary).collect();
    assert_eq!(
        summaries,
        [
            "NL26VAYB8060476890: 18.15 EUR 2014-12-30 + 8.85 = 27.00 EUR 2014-12-31: balanced",
            "NL26VAYB8060476890: 27.00 EUR 2014-12-30 + -7.00 = 20.00 EUR 2014-12-31: balanced",
        ]
    );
    let line = &file.statements[1].lines[0];
    assert_eq!((line.end_to_end_id.as_deref(), line.text.as_str()), (Some("000000002"), "Transaction Description 2"));
    assert_eq!(line.counterparty_name.as_deref(), Some("Company Name 2"));
}

#[test]
fn a_message_without_a_statement_is_refused() {
    let Some(folder) = folder("camt053") else { return };
    let fault = fault(&bytes(&folder, "camt053.v2.wrong.xml"));
    assert_eq!((fault.line, fault.field.as_ref(), fault.rule.as_ref()), (8, "BkToCstmrStmt/Stmt", "a message has at least one statement"));
}

#[test]
fn bai2_of_a_canadian_bank_reads() {
    let Some(folder) = folder("bai2") else { return };
    let file = read(&bytes(&folder, "sample1.txt"));
    let summaries: Vec<String> = file.statements.iter().map(summary).collect();
    assert_eq!(
        summaries,
        [
            "10200123456: 0.00 CAD 2006-03-17 + 0.00 = 0.00 CAD 2006-03-17: balanced",
            "10200123456: 0.00 CAD 2006-03-17 + 0.00 = 0.00 CAD 2006-03-17: balanced",
        ]
    );
    assert_eq!(amounts(&file.statements[1]), ["115.00", "1000.00", "-1000.00", "-90.00", "-20.00", "-5.00"]);
    let line = &file.statements[0].lines[0];
    assert_eq!((line.amount.to_string().as_str(), line.text.as_str()), ("-25.00", "RETURNED CHEQUE"));
    assert_eq!((line.booking_date.to_string(), line.value_date.unwrap().to_string()), ("2006-03-17".into(), "2006-03-16".into()));
    assert_eq!((file.statements[0].reference.as_deref(), line.transaction_code.as_deref()), (Some("001"), Some("409")));
    assert!(file.remarks.is_empty() && file.statements.iter().all(|statement| statement.remarks.is_empty()), "every control holds");
}

#[test]
fn bai2_with_every_funds_type_reads_and_its_controls_hold() {
    let Some(folder) = folder("bai2") else { return };
    let file = read(&bytes(&folder, "sample2.txt"));
    assert!(file.statements.iter().all(|statement| statement.remarks.is_empty()), "every control of an account holds");
    let told: Vec<(u64, &str)> = file.remarks.iter().map(|remark| (remark.fault.line, remark.fault.field.as_ref())).collect();
    assert_eq!(told, [(26, "02 status")], "a correction is no update; every other control holds");
    let openings: Vec<String> = file.statements.iter().map(|s| format!("{} {}", s.account, s.opening.unwrap().amount)).collect();
    assert_eq!(
        openings,
        ["0123456789 43500.00", "9876543210 -5000.00", "4589761203 100000.00", "0975312468 5000.00", "7890654321 8000.00"]
    );
    assert!(file.statements.iter().all(|statement| statement.closing.is_none() && statement.balanced.is_none()));
    assert_eq!(amounts(&file.statements[1]), ["5000.00"]);
    assert_eq!(file.statements[1].lines[0].text, "LOCK BOX NO.68751");
    let credit = &file.statements[2].lines[0];
    assert_eq!((credit.bank_reference.as_deref(), credit.customer_reference.as_deref()), (Some("SP4738"), Some("YRC065321")));
    assert_eq!(credit.text, "PROCEEDS OF LETTER OF CREDIT FROM THE ARAMCO OIL CO");
    assert_eq!(credit.value_date.unwrap().to_string(), "2004-06-22");
    assert_eq!(file.statements[2].lines[1].amount.to_string(), "100000.00");
}

#[test]
fn bai2_with_lines_for_records_and_keys_in_continuations_reads() {
    let Some(folder) = folder("bai2") else { return };
    let file = read(&bytes(&folder, "sample4-continuations-newline-delimited.txt"));
    let counts: Vec<usize> = file.statements.iter().map(|statement| statement.lines.len()).collect();
    assert_eq!(counts, [0, 3, 14, 0, 0]);
    let [_, second, third, ..] = &file.statements[..] else { panic!() };
    assert_eq!(amounts(second), ["-600.00", "1435.00", "-9286.50"]);
    let reject = &second.lines[1];
    assert_eq!((reject.end_to_end_id.as_deref(), reject.text.as_str()), (Some("GSQ4FBGFDGWGKY"), "ACH- Test - Addenda Record"));
    assert_eq!((reject.counterparty_name.as_deref(), reject.counterparty_account.as_deref()), (Some("SAMPLE INC"), Some("101152046")));
    assert_eq!((reject.bank_reference.as_deref(), reject.customer_reference.as_deref()), (Some("SB2322600000404"), Some("GSQ4FBGFDGWGKY")));
    assert!(reject.posting_text.as_deref().unwrap().starts_with("ACH Credit Reject,From: TEST INC, Remittance Info: \"ACH- Test"));
    assert_eq!(third.opening.unwrap().amount.to_string(), "1595811.94");
    assert_eq!(third.closing.unwrap().amount.to_string(), "1593811.94");
    assert_eq!((third.available.unwrap().amount.to_string().as_str(), third.balanced), ("1583688.97", Some(false)));
    let wire = &third.lines[4];
    assert_eq!((wire.transaction_code.as_deref(), wire.amount.to_string().as_str()), (Some("195"), "11.25"));
    // the creditor of an incoming wire is the holder
    assert_eq!((wire.counterparty_name.as_deref(), wire.counterparty_account.as_deref()), (None, Some("8348572423")));
    // somebody made it anonymous and did not count again
    let controls: Vec<(u64, &str)> =
        file.statements.iter().flat_map(|s| &s.remarks).chain(&file.remarks).map(|r| (r.fault.line, r.fault.field.as_ref())).collect();
    assert!(controls.contains(&(22, "49 control total")), "{controls:?}");
}

#[test]
fn what_is_no_bai2_is_refused() {
    let Some(folder) = folder("bai2") else { return };
    let fault = fault(&bytes(&folder, "parse-error.txt"));
    assert_eq!((fault.line, fault.field.as_ref(), fault.value.as_str()), (1, "record code", "00,0004,1/2/345,06/0321,0829,001,80,1,2"));
}
