//! Statements at random, written in each format by a small writer and read back.

use proptest::prelude::*;
use rust_decimal::Decimal;
use statements::{
    AmountColumns, Column, ColumnProfile, Columns, CurrencyCode, CurrencySource, RowOrder, SignConvention, Statement, collect, read_all,
    read_csv,
};
use std::fmt::Write;

/// What every format can carry.
#[derive(Debug, Clone, PartialEq)]
struct Written {
    opening: i64,
    lines: Vec<Movement>,
}

#[derive(Debug, Clone, PartialEq)]
struct Movement {
    cents: i64,
    /// Days after 1 January 2025.
    day: i64,
    reference: String,
    end_to_end: String,
    name: String,
    account: String,
    text: String,
}

fn movement() -> impl Strategy<Value = Movement> {
    let cents = prop_oneof![-999_999_999_999_i64..0, 1..999_999_999_999_i64];
    let word = "[A-Z][A-Za-z0-9]{0,9}( [A-Za-z0-9]{1,8}){0,3}";
    (cents, 0..700_i64, "[A-Z0-9]{1,12}", "[A-Z0-9]{1,20}", word, "DE[0-9]{20}", word).prop_map(
        |(cents, day, reference, end_to_end, name, account, text)| Movement { cents, day, reference, end_to_end, name, account, text },
    )
}

fn written() -> impl Strategy<Value = Written> {
    let lines = prop::collection::vec(movement(), 1..12);
    (-999_999_999_i64..999_999_999, lines).prop_map(|(opening, lines)| Written { opening, lines })
}

fn date(day: i64) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + chrono::Days::new(day.unsigned_abs())
}

fn euros(cents: i64) -> String {
    Decimal::new(cents.abs(), 2).to_string()
}

impl Written {
    fn closing(&self) -> i64 {
        self.opening + self.lines.iter().map(|line| line.cents).sum::<i64>()
    }

    fn mt940(&self) -> String {
        let side = |cents: i64| if cents < 0 { 'D' } else { 'C' };
        let balance = |cents: i64| format!("{}250101EUR{}", side(cents), euros(cents).replace('.', ","));
        let mut file = format!(":20:R\r\n:25:ACCOUNT\r\n:28C:1/1\r\n:60F:{}\r\n", balance(self.opening));
        for line in &self.lines {
            let (date, amount) = (date(line.day), euros(line.cents).replace('.', ","));
            write!(
                file,
                ":61:{}{}{}R{amount}NTRF{}//BANK\r\n",
                date.format("%y%m%d"),
                date.format("%m%d"),
                side(line.cents),
                line.reference
            )
            .unwrap();
            let details =
                format!(":86:166?00POSTING?20EREF+{}?21SVWZ+{}?30BANKDEFF?31{}?32{}", line.end_to_end, line.text, line.account, line.name);
            for piece in details.as_bytes().chunks(65) {
                write!(file, "{}\r\n", std::str::from_utf8(piece).unwrap()).unwrap();
            }
        }
        write!(file, ":62F:{}\r\n-\r\n", balance(self.closing())).unwrap();
        file
    }

    fn camt(&self) -> String {
        let side = |cents: i64| if cents < 0 { "DBIT" } else { "CRDT" };
        let balance = |code: &str, cents: i64| {
            let (amount, side) = (euros(cents), side(cents));
            format!(
                "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2025-01-01</Dt></Dt></Bal>"
            )
        };
        let mut file = format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Id>R</Id><Acct><Id><Othr><Id>ACCOUNT</Id></Othr></Id></Acct>{}{}",
            balance("OPBD", self.opening),
            balance("CLBD", self.closing())
        );
        for line in &self.lines {
            let party = if line.cents < 0 { "Cdtr" } else { "Dbtr" };
            write!(
                file,
                "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{date}</Dt></BookgDt><ValDt><Dt>{date}</Dt></ValDt>\
<AcctSvcrRef>BANK</AcctSvcrRef><NtryDtls><TxDtls><Refs><InstrId>{}</InstrId><EndToEndId>{}</EndToEndId></Refs><RltdPties><{party}><Pty><Nm>{}</Nm></Pty></{party}>\
<{party}Acct><Id><IBAN>{}</IBAN></Id></{party}Acct></RltdPties><RmtInf><Ustrd>{}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
                euros(line.cents),
                side(line.cents),
                line.reference,
                line.end_to_end,
                line.name,
                line.account,
                line.text,
                date = date(line.day),
            )
            .unwrap();
        }
        file + "</Stmt></BkToCstmrStmt></Document>"
    }

    /// A group has one date: a group, and so a statement, for each line.
    fn bai2(&self) -> String {
        let mut file = "01,B,ME,250101,1200,1,,,2/\n".to_owned();
        let mut opening = self.opening;
        let mut total = 0;
        for line in &self.lines {
            let closing = opening + line.cents;
            let sum = opening + closing + line.cents.abs();
            total += sum;
            let (code, debtor) = if line.cents < 0 { ("495", false) } else { ("195", true) };
            let (name, account) = if debtor { ("DBNM", "DACT") } else { ("CRNM", "CACT") };
            write!(
                file,
                "02,ME,B,1,{},,EUR,2/\n03,ACCOUNT,,010,{opening},,/\n88,015,{closing},,/\n16,{code},{},0,BANK,{},POSTING\n88,EREF: {}\n88,REMI: {}\n88,{name}: {}\n88,{account}: {}\n49,{sum},8/\n98,{sum},1,10/\n",
                date(line.day).format("%y%m%d"),
                line.cents.abs(),
                line.reference,
                line.end_to_end,
                line.text,
                line.name,
                line.account,
            )
            .unwrap();
            opening = closing;
        }
        writeln!(file, "99,{total},{},{}/", self.lines.len(), 10 * self.lines.len() + 2).unwrap();
        file
    }

    fn csv(&self) -> String {
        let mut file = "Date;Value;Amount;Balance;Reference;Bank;E2E;Name;Account;Text\n".to_owned();
        let mut balance = self.opening;
        let signed = |cents: i64| Decimal::new(cents, 2).to_string().replace('.', ",");
        for line in &self.lines {
            balance += line.cents;
            let date = date(line.day).format("%d.%m.%Y");
            let row = [&line.reference, "BANK", &line.end_to_end, &line.name, &line.account, &line.text].join(";");
            writeln!(file, "{date};{date};{};{};{row}", signed(line.cents), signed(balance)).unwrap();
        }
        file
    }

    fn check(&self, statements: &[Statement]) {
        let lines: Vec<Movement> = statements.iter().flat_map(|statement| &statement.lines).map(read_back).collect();
        assert_eq!(lines, self.lines);
        assert_eq!(statements[0].opening.unwrap().amount, Decimal::new(self.opening, 2));
        assert_eq!(statements.last().unwrap().closing.unwrap().amount, Decimal::new(self.closing(), 2));
        for statement in statements {
            assert_eq!((statement.balanced, statement.account.as_str(), &statement.remarks[..]), (Some(true), "ACCOUNT", &[][..]));
        }
    }
}

fn read_back(line: &statements::Line) -> Movement {
    assert_eq!((line.value_date, line.bank_reference.as_deref(), line.amount.scale()), (Some(line.booking_date), Some("BANK"), 2));
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Movement {
        cents: i64::try_from(line.amount.mantissa()).unwrap(),
        day: (line.booking_date - date(0)).num_days(),
        reference: text(&line.customer_reference),
        end_to_end: text(&line.end_to_end_id),
        name: text(&line.counterparty_name),
        account: text(&line.counterparty_account),
        text: line.text.clone(),
    }
}

fn profile() -> ColumnProfile {
    let column = |name: &str| Column::Name(name.to_owned());
    ColumnProfile {
        name: "Random".to_owned(),
        delimiter: ';',
        rows_before_header: 0,
        header: true,
        columns: Columns {
            booking_date: column("Date"),
            value_date: Some(column("Value")),
            amount: AmountColumns::Signed { column: column("Amount"), positive: SignConvention::Credit },
            balance: Some(column("Balance")),
            own_account: None,
            bank_reference: Some(column("Bank")),
            customer_reference: Some(column("Reference")),
            end_to_end_id: Some(column("E2E")),
            mandate: None,
            name: Some(column("Name")),
            account: Some(column("Account")),
            bank: None,
            text: vec![column("Text")],
            posting_text: None,
        },
        currency: CurrencySource::Always(CurrencyCode::EUR),
        decimal_separator: ',',
        thousands_separator: None,
        date_format: "%d.%m.%Y".to_owned(),
        order: RowOrder::OldestFirst,
    }
}

proptest! {
    #[test]
    fn what_is_written_in_a_format_is_read_from_it(written in written()) {
        for file in [written.mt940(), written.camt(), written.bai2()] {
            let file = read_all(file.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{file}"));
            prop_assert!(file.remarks.is_empty(), "{:?}", file.remarks);
            written.check(&file.statements);
        }
        written.check(&collect(read_csv(written.csv().as_bytes(), &profile(), Some("ACCOUNT")).unwrap()).unwrap().statements);
    }
}
