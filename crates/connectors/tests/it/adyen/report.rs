//! The settlement details report: both fee styles, both date formats, the batch rule, and rows that break a rule.

use connectors::adyen::report::{Report, RowError};
use domain::settlement::{EntryKind, GatewayEntry};
use rust_decimal::Decimal;

const HEADER: &str = "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,\
Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),\
Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,Modification Merchant Reference,Batch Number,Reserved4";

const SETTLED: &str = "C,M,1813702551707653,INV-1,visa,2026-06-03 11:26:49,CEST,Settled,1713702551795048,EUR,,350.00,1,EUR,,345.60,,0.40,1.00,3.00,visaclassic,,4,";
const CONVERTED: &str =
    "C,M,1813702551707654,INV-2,mc,03/06/2026 11:27,CEST,Settled,1713702551795049,USD,,100.00,0.92,EUR,,90.00,2.00,,,,mccredit,,4,";
const CHARGEBACK: &str =
    "C,M,1313642467023511,INV-0,visa,2026-06-03 22:37:26,CEST,Chargeback,2313642467170922,EUR,349.99,,1,EUR,357.49,,7.5,,,,visaclassic,,4,";
const FEE: &str = "C,M,,,,2026-06-04 00:55:40,CEST,Fee,Transaction Fees June 2026,EUR,,,,EUR,1.02,,,,,,,,4,";
const PAYOUT: &str = "C,M,,,,2026-06-04 02:00:00,CEST,MerchantPayout,TX1XT batch 4,EUR,,,,EUR,77.09,,,,,,,,4,";

fn report(rows: &[&str]) -> String {
    [&[HEADER], rows].concat().join("\n")
}

type Rows = Vec<Result<GatewayEntry, RowError>>;

/// The rows, and of each batch its difference, its payout and its number of rows.
fn read(text: &str) -> (Rows, Vec<(Decimal, Decimal, u64)>) {
    let mut report = Report::open(text.as_bytes()).unwrap();
    let rows: Vec<_> = report.by_ref().collect();
    let batches = report.batches().0.into_values();
    (rows, batches.map(|b| (b.difference(), b.payout.map_or(Decimal::ZERO, |payout| payout.amount), b.rows)).collect())
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_batch_of_both_fee_styles_adds_up_to_its_payout() {
    let (rows, batches) = read(&report(&[SETTLED, CONVERTED, CHARGEBACK, FEE, PAYOUT]));
    let entries: Vec<GatewayEntry> = rows.into_iter().map(Result::unwrap).collect();
    assert_eq!(batches, [(Decimal::ZERO, dec("77.09"), 5)]);
    let kinds: Vec<EntryKind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Charge, EntryKind::Charge, EntryKind::Dispute, EntryKind::Fee, EntryKind::Payout]);
    assert_eq!((entries[0].fee, entries[0].net), (dec("4.40"), dec("345.60")));
    assert_eq!((entries[1].amount, entries[1].currency.code(), entries[1].gross), (dec("100.00"), "USD", dec("92.00")));
    assert_eq!((entries[2].gross, entries[2].fee, entries[2].net), (dec("-349.99"), dec("7.5"), dec("-357.49")));
    assert!(entries.iter().all(GatewayEntry::ties));
    assert_eq!(entries[0].created_at.to_rfc3339(), "2026-06-03T09:26:49+00:00");
    assert_eq!(entries[1].created_at.to_rfc3339(), "2026-06-03T09:27:00+00:00");
    assert_eq!(entries[0].payout.as_deref(), Some("M/4"));
    assert_eq!(entries[0].id, "M/4/charge/1713702551795048");
}

#[test]
fn columns_are_found_by_name_wherever_they_stand() {
    let swapped = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        fields.rotate_right(5);
        fields.insert(2, "extra");
        fields.join(",")
    };
    let lines = [HEADER, SETTLED, PAYOUT].map(swapped).join("\n");
    assert_eq!(read(&lines).0.len(), 2);
    assert_eq!(read(&format!("\u{feff}{lines}")).0.len(), 2, "after a byte order mark too");
    let without = lines.replace("Batch Number", "Batch");
    let error = Report::open(without.as_bytes()).err().unwrap();
    assert_eq!((error.line, error.field.as_str()), (1, "Batch Number"));
}

#[test]
fn a_broken_row_says_where_and_why_and_its_batch_does_not_tie() {
    for (from, to, field, rule) in [
        ("345.60", "345.61", "Net Credit (NC)", "gross × exchange rate − fees = net credit − net debit"),
        (",345.60,,", ",345.60,4.40,", "Commission (NC)", "commission, or markup with scheme fees and interchange"),
        ("350.00", "three", "Gross Credit (GC)", "a decimal number with a point"),
        ("2026-06-03", "2026/06/03", "Creation Date", "yyyy-MM-dd HH:mm:ss or dd/MM/yyyy HH:mm"),
        ("CEST", "IST", "TimeZone", "a time zone that is known"),
        (",1,EUR", ",1,EURO", "Net Currency", "an ISO 4217 currency"),
        (",visaclassic,,4", ",visaclassic,,four", "Batch Number", "a number"),
    ] {
        let broken = SETTLED.replace(from, to);
        assert_ne!(broken, SETTLED, "{from}");
        let (rows, batches) = read(&report(&[CONVERTED, &broken, CHARGEBACK, FEE, PAYOUT]));
        let error = rows[1].clone().unwrap_err();
        assert_eq!((error.line, error.field.as_str(), error.rule), (3, field, rule), "{error}");
        assert!(to.contains(&error.value) || error.value.contains(to), "{error}");
        assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 4, "the others are read");
        assert_eq!(batches, [(dec("-345.60"), dec("77.09"), 4)]);
    }
}

#[test]
fn a_converted_amount_may_differ_by_the_digits_of_its_rate_and_no_more() {
    let close = CONVERTED.replace(",90.00,", ",90.50,");
    let far = CONVERTED.replace(",90.00,", ",90.52,");
    let (rows, _) = read(&report(&[&close, &far]));
    assert!(rows[0].is_ok());
    assert_eq!(rows[1].clone().unwrap_err().field, "Net Credit (NC)");
}

#[test]
fn a_row_that_repeats_has_an_id_of_its_own_and_the_same_at_every_reading() {
    let text = report(&[FEE, FEE, PAYOUT]);
    let ids = |text: &str| read(text).0.into_iter().map(|row| row.unwrap().id).collect::<Vec<_>>();
    assert_eq!(ids(&text)[..2], ["M/4/fee/Transaction Fees June 2026", "M/4/fee/Transaction Fees June 2026/2"]);
    assert_eq!(ids(&text), ids(&text));
}

#[test]
fn types_become_kinds_by_name_sign_and_method() {
    use EntryKind::*;
    for (row, expected) in [
        (CHARGEBACK.replace(",visa,", ",sepadirectdebit,"), Return),
        (CHARGEBACK.replace("Chargeback", "SecondChargeback"), Dispute),
        (SETTLED.replace("Settled", "ChargebackReversed"), DisputeReversal),
        (CHARGEBACK.replace("Chargeback", "Refunded"), Refund),
        (SETTLED.replace("Settled", "RefundedReversed"), RefundFailure),
        (FEE.replace(",Fee,", ",DepositCorrection,"), Reserve),
        (FEE.replace(",Fee,", ",DepositCorrection,").replace("EUR,1.02,,", "EUR,,1.02,"), ReserveRelease),
        (FEE.replace(",Fee,", ",InvoiceDeduction,"), Fee),
        (FEE.replace(",Fee,", ",Balancetransfer,"), Adjustment),
        (FEE.replace(",Fee,", ",SomethingNew,"), Adjustment),
    ] {
        let entry = read(&report(&[&row])).0.remove(0).unwrap();
        assert_eq!(entry.kind, expected, "{row}");
    }
}

#[test]
fn a_batch_that_takes_money_from_us_has_a_negative_payout() {
    let (rows, batches) = read(&report(&[FEE, &PAYOUT.replace("EUR,77.09,,", "EUR,,1.02,")]));
    assert!(rows.iter().all(Result::is_ok));
    assert_eq!(batches, [(Decimal::ZERO, dec("-1.02"), 2)]);
}
