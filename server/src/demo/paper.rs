//! Statements as banks write them: BAI2 (BAI, version 2), MT940 (SWIFT) and camt.053 (ISO 20022, version 8).

use super::bank::{BankAccount, Day};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::fmt::Write;

/// A SWIFT amount: the decimal comma is always there.
fn swift(amount: Decimal) -> String {
    let text = amount.abs().normalize().to_string();
    if text.contains('.') { text.replace('.', ",") } else { format!("{text},") }
}

fn short(date: NaiveDate) -> String {
    date.format("%y%m%d").to_string()
}

pub fn mt940(account: &BankAccount, day: &Day) -> String {
    let mut file = format!(
        ":20:ST{}\r\n:25:{}\r\n:28C:{}/1\r\n:60F:C{}{}{}\r\n",
        short(day.date),
        account.number,
        day.number,
        short(day.opened_on),
        account.currency,
        swift(day.opening)
    );
    for movement in &day.movements {
        // writing to a String can't fail
        let _ = write!(
            file,
            ":61:{}{}{}{}NTRFNONREF//{}\r\n:86:/NAME/{}/REMI/{}\r\n",
            short(day.date),
            day.date.format("%m%d"),
            if movement.amount.is_sign_negative() { 'D' } else { 'C' },
            swift(movement.amount),
            movement.reference,
            movement.name,
            movement.text
        );
    }
    let _ = write!(file, ":62F:C{}{}{}\r\n-\r\n", short(day.date), account.currency, swift(day.closing));
    file
}

/// Amounts without a decimal point; the currency implies it.
fn bare(amount: Decimal) -> i128 {
    amount.mantissa()
}

pub fn bai2(account: &BankAccount, day: &Day) -> String {
    let (opening, closing) = (bare(day.opening), bare(day.closing));
    let (taken, brought): (Vec<_>, Vec<_>) = day.movements.iter().partition(|movement| movement.amount.is_sign_negative());
    let credits: i128 = brought.iter().map(|movement| bare(movement.amount)).sum();
    let debits: i128 = taken.iter().map(|movement| -bare(movement.amount)).sum();
    let date = short(day.date);
    let mut file = format!("01,FHARBOR,LUMEN,{date},0600,{},,,2/\n02,LUMEN,FHARBOR,1,{date},2359,{},2/\n", day.number, account.currency);
    let _ = writeln!(
        file,
        "03,{},{},010,{opening},,,015,{closing},,,100,{credits},{},,400,{debits},{},/",
        account.number,
        account.currency,
        brought.len(),
        taken.len()
    );
    for movement in &day.movements {
        let code = if movement.amount.is_sign_negative() { 495 } else { 195 };
        let amount = bare(movement.amount.abs());
        let _ = writeln!(file, "16,{code},{amount},0,{},,{} {}", movement.reference, movement.name, movement.text);
    }
    // every amount of 03 and 16 records
    let total = opening + closing + 2 * (credits + debits);
    let records = day.movements.len() + 2;
    let _ = write!(file, "49,{total},{records}/\n98,{total},1,{}/\n99,{total},1,{}/\n", records + 2, records + 4);
    file
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn balance(kind: &str, amount: Decimal, currency: &str, date: NaiveDate) -> String {
    let amount = amount.normalize();
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
        <Dt><Dt>{date}</Dt></Dt></Bal>"
    )
}

pub fn camt053(account: &BankAccount, day: &Day) -> String {
    let (date, currency) = (day.date, account.currency);
    let mut file = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
        <GrpHdr><MsgId>{0}-{date}</MsgId><CreDtTm>{date}T21:00:00</CreDtTm></GrpHdr><Stmt><Id>{0}-{date}</Id><ElctrncSeqNb>{1}</ElctrncSeqNb>\
        <CreDtTm>{date}T21:00:00</CreDtTm><Acct><Id>{2}</Id><Ccy>{currency}</Ccy></Acct>",
        account.currency,
        day.number,
        if account.number.starts_with("DE") {
            format!("<IBAN>{}</IBAN>", account.number)
        } else {
            format!("<Othr><Id>{}</Id></Othr>", account.number)
        }
    );
    file.push_str(&balance("OPBD", day.opening, currency, day.opened_on));
    file.push_str(&balance("CLBD", day.closing, currency, date));
    for movement in &day.movements {
        let (side, family, party) = if movement.amount.is_sign_negative() { ("DBIT", "RDDT", "Cdtr") } else { ("CRDT", "RCDT", "Dbtr") };
        let amount = movement.amount.abs().normalize();
        let _ = write!(
            file,
            "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{date}</Dt></BookgDt>\
            <ValDt><Dt>{date}</Dt></ValDt><AcctSvcrRef>{}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>\
            <NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>\
            <RltdPties><{party}><Pty><Nm>{}</Nm></Pty></{party}></RltdPties><RmtInf><Ustrd>{}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
            movement.reference,
            xml(&movement.name),
            xml(&movement.text)
        );
    }
    file.push_str("</Stmt></BkToCstmrStmt></Document>\n");
    file
}
