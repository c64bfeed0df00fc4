//! The account's books: payments, the open batch, closed batches and their reports.

use super::{
    Config, FeeStyle,
    report::{Row, Sheet},
};
use crate::{
    dice::Dice,
    gateway::{self, Aftermath, Conversion, Dispute, Dressed, Forgery, Invoice, Method, Plan, Tariff, minor, working_days_after},
};
use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Between the close of a batch and its report.
const REPORT_AFTER: TimeDelta = TimeDelta::hours(2);
const CLEARING_DAYS: u32 = 3;
const DEFENSE_DAYS: TimeDelta = TimeDelta::days(14);
/// Once a month, in the smallest unit.
const MONTHLY_FEE: i64 = 1_000;
/// The batch from which a deposit is held back, and how much of it for how long.
const WITH_DEPOSIT: u64 = 8;
const DEPOSIT_PER_CENT: i64 = 5;
const DEPOSIT_DAYS: TimeDelta = TimeDelta::days(20);
/// The batch that is followed by a large refund on its own, which makes the next one negative.
const BEFORE_NEGATIVE: u64 = 5;

/// There is nothing to ask for over the API here.
#[derive(Serialize, Deserialize)]
pub(crate) enum Never {}

/// What is to happen.
#[derive(Debug, Clone)]
enum Step {
    Attempt {
        payment: usize,
        ordinal: usize,
    },
    Settle {
        payment: usize,
    },
    Refund {
        payment: usize,
        is_partial: bool,
    },
    ChargeBack {
        payment: usize,
        dispute: Option<Dispute>,
    },
    Reverse {
        payment: usize,
    },
    /// Midnight: the batch is closed and paid.
    Close,
    Report {
        file: String,
    },
    TakeBack,
    Release {
        amount: i64,
    },
}

struct Payment {
    reference: String,
    amount: i64,
    currency: String,
    plan: Plan,
    psp_reference: String,
    refunded: i64,
}

pub(super) struct Report {
    pub(super) csv: String,
    pub(super) is_ready: bool,
}

pub(crate) struct Books {
    company_account: String,
    merchant_account: String,
    url: String,
    fees: FeeStyle,
    seed: u64,
    tariff: Tariff,
    conversion: Conversion,
    agenda: BTreeMap<(i64, u64), Step>,
    clock: i64,
    made: u64,
    payments: Vec<Payment>,
    /// Rows of no batch yet, with the time from which they can be paid.
    open: Vec<(i64, Row)>,
    batches: u64,
    paid_out: i64,
    fee_month: Option<u32>,
    largest: Option<usize>,
    pub(super) reports: BTreeMap<String, Report>,
    announced: Vec<Value>,
}

impl Books {
    pub(super) fn new(config: &Config, url: &str) -> Self {
        Self {
            company_account: config.company_account.clone(),
            merchant_account: config.merchant_account.clone(),
            url: url.to_owned(),
            fees: config.fees,
            seed: config.seed,
            tariff: Tariff::of(&config.country),
            conversion: Conversion { settlement: config.currency.to_uppercase(), rates: config.rates.clone() },
            agenda: BTreeMap::new(),
            clock: 0,
            made: 0,
            payments: Vec::new(),
            open: Vec::new(),
            batches: 0,
            paid_out: 0,
            fee_month: None,
            largest: None,
            reports: BTreeMap::new(),
            announced: Vec::new(),
        }
    }

    /// 16 characters; the same at every replay.
    fn new_psp_reference(&mut self) -> String {
        const DIGITS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        self.made += 1;
        let mut dice = Dice::of(self.seed, &self.made.to_string());
        (0..16).map(|_| char::from(DIGITS[usize::try_from(dice.below(32)).unwrap_or(0)])).collect()
    }

    fn plan_step(&mut self, at: i64, step: Step) {
        self.made += 1;
        self.agenda.insert((at, self.made), step);
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.clock, 0).unwrap_or_default()
    }

    fn midnight_after(&self) -> i64 {
        (self.now().date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1)).timestamp()
    }

    fn happen(&mut self, step: Step) {
        match step {
            Step::Attempt { payment, ordinal } => self.attempt(payment, ordinal),
            Step::Settle { payment } => self.settle(payment),
            Step::Refund { payment, is_partial } => self.refund(payment, is_partial),
            Step::ChargeBack { payment, dispute } => self.charge_back(payment, dispute),
            Step::Reverse { payment } => self.reverse(payment),
            Step::Close => {
                let today = self.now().date_naive();
                if self.tariff.pays_on(today) {
                    self.close();
                    if self.batches == BEFORE_NEGATIVE {
                        self.plan_step(self.clock + 12 * 3600, Step::TakeBack);
                    }
                }
                self.plan_step(self.midnight_after(), Step::Close);
            }
            Step::Report { file } => self.publish(&file),
            Step::TakeBack => {
                if let Some(payment) = self.largest.take() {
                    self.refund(payment, false);
                }
                self.close();
            }
            Step::Release { amount } => self.deposit(amount),
        }
    }

    fn attempt(&mut self, payment: usize, ordinal: usize) {
        let Some(attempt) = self.payments[payment].plan.attempts.get(ordinal).copied() else { return };
        let psp_reference = self.new_psp_reference();
        let reason = if attempt.succeeds { "028571:1111:03/2030" } else { "Refused" };
        let (amount, reference) = (self.payments[payment].amount, psp_reference.clone());
        self.announce(payment, "AUTHORISATION", &reference, None, amount, attempt.succeeds, reason);
        if !attempt.succeeds {
            if let Some(next) = self.payments[payment].plan.attempts.get(ordinal + 1) {
                self.plan_step(next.at.timestamp(), Step::Attempt { payment, ordinal: ordinal + 1 });
            }
            return;
        }
        self.payments[payment].psp_reference = psp_reference;
        match self.payments[payment].plan.method {
            Method::Card => self.settle(payment),
            Method::DirectDebit => {
                let cleared = working_days_after(self.now().date_naive(), CLEARING_DAYS).and_time(NaiveTime::MIN).and_utc();
                self.plan_step(cleared.timestamp() + 10 * 3600, Step::Settle { payment });
            }
        }
    }

    fn settle(&mut self, payment: usize) {
        let amount = self.payments[payment].amount;
        let (settled, _) = self.conversion.settled(amount, &self.payments[payment].currency);
        let capture = self.modify(payment, "CAPTURE", amount, "");
        let available = self.tariff.available_on(self.now().date_naive()).and_time(NaiveTime::MIN).and_utc().timestamp();
        self.book(payment, "Settled", &capture, amount, self.tariff.fee(settled), available);
        let after = |delay: TimeDelta| self.clock + delay.num_seconds();
        match self.payments[payment].plan.aftermath {
            None => {
                let is_larger = |other: usize| self.payments[other].amount < amount;
                if self.largest.is_none_or(is_larger) {
                    self.largest = Some(payment);
                }
            }
            Some(Aftermath::Returned { after: delay }) => self.plan_step(after(delay), Step::ChargeBack { payment, dispute: None }),
            Some(Aftermath::Refunded { after: delay, is_partial }) => self.plan_step(after(delay), Step::Refund { payment, is_partial }),
            Some(Aftermath::Disputed(dispute)) => {
                self.plan_step(after(dispute.after), Step::ChargeBack { payment, dispute: Some(dispute) });
            }
        }
    }

    fn refund(&mut self, payment: usize, is_partial: bool) {
        let left = self.payments[payment].amount - self.payments[payment].refunded;
        let amount = if is_partial { (left / 2).max(1) } else { left };
        if left == 0 {
            return;
        }
        self.payments[payment].refunded += amount;
        let refund = self.modify(payment, "REFUND", amount, "");
        self.book(payment, "Refunded", &refund, -amount, 0, self.clock);
    }

    /// A direct debit's return is a chargeback too, without a fee and without a defence.
    fn charge_back(&mut self, payment: usize, dispute: Option<Dispute>) {
        let amount = self.payments[payment].amount;
        let chargeback = self.new_psp_reference();
        let original = self.payments[payment].psp_reference.clone();
        let reason = if dispute.is_some() { "Fraudulent Processing of Transactions" } else { "AC06:Account blocked" };
        for event in ["NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK"] {
            if dispute.is_some() || event == "CHARGEBACK" {
                self.announce(payment, event, &chargeback, Some(&original), amount, true, reason);
            }
        }
        let fee = dispute.map_or(0, |_| self.tariff.dispute_fee);
        self.book(payment, "Chargeback", &chargeback, -amount, fee, self.clock);
        if let Some(dispute) = dispute.filter(|dispute| dispute.is_won) {
            self.plan_step(self.clock + dispute.decided_after.num_seconds(), Step::Reverse { payment });
        }
    }

    fn reverse(&mut self, payment: usize) {
        let amount = self.payments[payment].amount;
        let reversal = self.modify(payment, "CHARGEBACK_REVERSED", amount, "Defended");
        self.book(payment, "ChargebackReversed", &reversal, amount, 0, self.clock);
    }

    /// An event of a payment that was authorised; the reference it got.
    fn modify(&mut self, payment: usize, event: &str, amount: i64, reason: &str) -> String {
        let reference = self.new_psp_reference();
        let original = self.payments[payment].psp_reference.clone();
        self.announce(payment, event, &reference, Some(&original), amount, true, reason);
        reference
    }

    fn book(&mut self, payment: usize, kind: &'static str, modification: &str, amount: i64, fee: i64, available_at: i64) {
        let paid = &self.payments[payment];
        let (settled, rate) = self.conversion.settled(amount, &paid.currency);
        let row = Row {
            kind,
            at: self.clock,
            psp_reference: paid.psp_reference.clone(),
            merchant_reference: paid.reference.clone(),
            method: method(paid.plan.method, &self.conversion.settlement),
            modification: modification.to_owned(),
            gross: Some((amount, paid.currency.clone())),
            rate,
            fee,
            net: settled - fee,
        };
        self.open.push((available_at, row));
    }

    /// A row of no payment.
    fn other(&self, kind: &'static str, text: String, net: i64) -> Row {
        Row {
            kind,
            at: self.clock,
            psp_reference: String::new(),
            merchant_reference: String::new(),
            method: "",
            modification: text,
            gross: None,
            rate: None,
            fee: 0,
            net,
        }
    }

    fn deposit(&mut self, net: i64) {
        let row = self.other("DepositCorrection", "Deposit Correction".to_owned(), net);
        self.open.push((self.clock, row));
    }

    /// Everything payable becomes a batch. A negative one is not taken from us but carried to the next (contract: Types, Rule).
    fn close(&mut self) {
        let (payable, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(|(from, _)| *from <= self.clock);
        self.open = left;
        // what was carried over waits for company
        if payable.iter().all(|(_, row)| row.kind == "Balancetransfer") {
            self.open.extend(payable);
            return;
        }
        self.batches += 1;
        let batch = self.batches;
        let mut rows: Vec<Row> = payable.into_iter().map(|(_, row)| row).collect();
        let month = self.now().month();
        if self.fee_month.replace(month) != Some(month) {
            rows.push(self.other("Fee", format!("Transaction Fees {}", self.now().format("%B %Y")), -MONTHLY_FEE));
        }
        let sum = |rows: &[Row]| rows.iter().map(|row| row.net).sum::<i64>();
        if batch == WITH_DEPOSIT && sum(&rows) > 0 {
            let amount = sum(&rows) * DEPOSIT_PER_CENT / 100;
            rows.push(self.other("DepositCorrection", "Deposit Correction".to_owned(), -amount));
            self.plan_step(self.clock + DEPOSIT_DAYS.num_seconds(), Step::Release { amount });
        }
        let total = sum(&rows);
        if total > 0 {
            self.paid_out += total;
            let text = format!("TX{batch:06}XT batch {batch}, {}", self.merchant_account);
            rows.push(self.other("MerchantPayout", text, -total));
        } else if total < 0 {
            rows.push(self.other("Balancetransfer", format!("Balance transfer to batch {}", batch + 1), -total));
            let carried = self.other("Balancetransfer", format!("Balance transfer from batch {batch}"), total);
            self.open.push((self.clock, carried));
        }
        self.file_report(batch, &rows);
    }

    fn file_report(&mut self, batch: u64, rows: &[Row]) {
        let sheet = Sheet {
            company_account: &self.company_account,
            merchant_account: &self.merchant_account,
            currency: &self.conversion.settlement,
            fees: self.fees,
            batch,
        };
        let (file, csv) = (format!("settlement_detail_report_batch_{batch}.csv"), sheet.csv(rows));
        self.reports.insert(file.clone(), Report { csv, is_ready: false });
        self.plan_step(self.clock + REPORT_AFTER.num_seconds(), Step::Report { file });
    }

    /// `pspReference` is the file's name and `reason` its address [OAS].
    fn publish(&mut self, file: &str) {
        if let Some(report) = self.reports.get_mut(file) {
            report.is_ready = true;
        }
        let address = format!("{}/reports/download/MerchantAccount/{}/{file}", self.url, self.merchant_account);
        self.announced.push(json!({
            "additionalData": {}, "amount": { "currency": self.conversion.settlement, "value": 0 }, "eventCode": "REPORT_AVAILABLE",
            "eventDate": self.event_date(), "merchantAccountCode": self.merchant_account, "merchantReference": "", "pspReference": file,
            "reason": address, "success": "true",
        }));
    }

    #[expect(clippy::too_many_arguments, reason = "one item of a webhook has these fields")]
    fn announce(&mut self, payment: usize, event: &str, reference: &str, original: Option<&str>, amount: i64, success: bool, reason: &str) {
        let paid = &self.payments[payment];
        let mut item = json!({
            "additionalData": {}, "amount": { "currency": paid.currency, "value": amount }, "eventCode": event, "eventDate": self.event_date(),
            "merchantAccountCode": self.merchant_account, "merchantReference": paid.reference,
            "paymentMethod": method(paid.plan.method, &self.conversion.settlement), "pspReference": reference, "reason": reason,
            "success": success.to_string(),
        });
        if let Some(original) = original {
            item["originalReference"] = original.into();
        }
        if event == "AUTHORISATION" && success {
            item["operations"] = json!(["CANCEL", "CAPTURE", "REFUND"]);
        }
        if event.contains("CHARGEBACK") {
            item["additionalData"]["defensePeriodEndsAt"] = (self.now() + DEFENSE_DAYS).to_rfc3339().into();
        }
        self.announced.push(item);
    }

    fn event_date(&self) -> String {
        self.now().to_rfc3339()
    }
}

fn method(method: Method, currency: &str) -> &'static str {
    match method {
        Method::Card => "visa",
        Method::DirectDebit if currency == "EUR" => "sepadirectdebit",
        Method::DirectDebit if currency == "GBP" => "directdebit_GB",
        Method::DirectDebit => "ach",
    }
}

impl gateway::Ledger for Books {
    type Write = Never;
    type Answer = ();

    fn feed(&mut self, at: DateTime<Utc>, invoices: &[Invoice]) -> Result<(), String> {
        for invoice in invoices {
            let (number, currency) = (&invoice.number, invoice.currency.to_uppercase());
            if minor(invoice.amount, &currency).is_none_or(|amount| amount <= 0) {
                return Err(format!("invoice {number}: {} {currency} is not an amount that can be collected", invoice.amount));
            }
            if !self.conversion.knows(&currency) {
                return Err(format!("invoice {number}: no rate from {currency} to {}", self.conversion.settlement));
            }
        }
        self.run(at);
        if self.payments.is_empty() && !invoices.is_empty() {
            self.plan_step(self.midnight_after(), Step::Close);
        }
        for invoice in invoices {
            let plan = gateway::plan(self.seed, invoice, self.now());
            let (currency, payment) = (invoice.currency.to_uppercase(), self.payments.len());
            if let Some(first) = plan.attempts.first() {
                self.plan_step(first.at.timestamp(), Step::Attempt { payment, ordinal: 0 });
            }
            let amount = minor(invoice.amount, &currency).unwrap_or_default();
            let (reference, psp_reference) = (invoice.number.clone(), String::new());
            self.payments.push(Payment { reference, amount, currency, plan, psp_reference, refunded: 0 });
        }
        Ok(())
    }

    fn run(&mut self, until: DateTime<Utc>) {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= until.timestamp()
        {
            let ((at, _), step) = entry.remove_entry();
            self.clock = self.clock.max(at);
            self.happen(step);
        }
        self.clock = self.clock.max(until.timestamp());
    }

    fn write(&mut self, _at: DateTime<Utc>, write: Never) {
        match write {}
    }

    fn announced(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.announced)
    }

    fn dress(event: &Value, secret: &str, forgery: Option<Forgery>, _now: DateTime<Utc>) -> Dressed {
        super::sign::dress(event, secret, forgery)
    }

    fn overview(&self) -> Value {
        json!({
            "clock": self.now(), "currency": self.conversion.settlement, "batches": self.batches, "paid_out": self.paid_out,
            "balance": self.open.iter().map(|(_, row)| row.net).sum::<i64>(),
            "reports": self.reports.iter().filter(|(_, report)| report.is_ready).map(|(file, _)| file).collect::<Vec<_>>(),
        })
    }
}
