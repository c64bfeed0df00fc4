//! A Stripe account beside the small company: what moved there is pulled once, charges become payments of the invoices that they name,
//! payouts are tied to their bank lines, and the clearing proof leaves nothing over.

use crate::{
    fake_erp::Posting,
    invoices::{batch, invoice},
    world::person,
};
use chrono::{DateTime, Utc};
use domain::{
    access::Actor,
    clock::Clock,
    id::{DocumentId, GatewayAccountId},
    money::Currency,
    settlement::{ClearingLine, PayoutStatus},
    stage::Stage,
};
use pipeline::{
    cash,
    gateways::{self, Access, GatewayAccount, Pulled, StripeSecrets, StripeSettings},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulators::stripe::{Config, Simulator, Switches};
use std::{io::Cursor, sync::Arc};
use store::views::clearing;

const ACCOUNT: &str = "000123456789";
const CODE: &str = "STRIPE-US";

pub struct Company {
    pub posting: Posting,
    simulator: Simulator,
    pub account: GatewayAccountId,
    _dir: tempfile::TempDir,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Company {
    /// With three invoices of 110.00, 220.00 and 330.00 in its ERP, and an account at Stripe whose past is empty.
    pub async fn new() -> Self {
        let posting = Posting::new().await;
        let (cx, us) = (&posting.world.cx, posting.world.us);
        let bank = cash::open_account(cx, &person("ann@lumen.example"), &posting.scope(), us, ACCOUNT, "USD", "Operating").await.unwrap();
        sqlx::query("insert into mapping values ($1, $2, 'bank_account', $3, 'erp-102', 1, 'active', 'ann', now(), 'bob', now())")
            .bind(uuid::Uuid::now_v7())
            .bind(posting.connection.0)
            .bind(CODE)
            .execute(&posting.world.db.pool)
            .await
            .unwrap();
        let (dir, clock) = (tempfile::tempdir().unwrap(), posting.clock.clone());
        let config = Config {
            data_file: dir.path().join("stripe.jsonl"),
            secret_key: "sk_test_1".into(),
            country: "US".into(),
            currency: "USD".into(),
            rates: [].into(),
            seed: 13,
            switches: Switches::default(),
            now: Arc::new(move || clock.now()),
        };
        let simulator = Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let account = GatewayAccountId(uuid::Uuid::from_u128(77));
        let new = GatewayAccount {
            gateway_account_id: account,
            entity_id: us,
            external_id: "acct_1".into(),
            code: CODE.into(),
            name: "Stripe".into(),
            access: Access::Stripe {
                settings: StripeSettings { base_url: simulator.url().into() },
                secrets: StripeSecrets { secret_key: "sk_test_1".into(), webhook_secrets: vec!["whsec_1".into()] },
            },
            bank_words: "Stripe".into(),
            since: cx.clock.now(),
            pays_out: vec![(Currency::USD, bank)],
        };
        gateways::open(cx, &Actor::Cli("test".into()), &new).await.unwrap();
        posting.world.imported(&batch("B-1", &[invoice("INV-1001", 100), invoice("INV-1002", 200), invoice("INV-1003", 300)])).await;
        posting.post().await;
        Self { posting, simulator, account, _dir: dir }
    }

    async fn admin(&self, path: &str, body: &Value) {
        let answer = reqwest::Client::new().post(format!("{}/admin/{path}", self.simulator.url())).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }

    /// Gives an invoice to Stripe, which collects it today; what becomes of it then is told.
    pub async fn charge_with(&self, number: &str, amount: &str, method: &str, fate: &str) {
        let invoice = json!({ "number": number, "customer": "C-1", "customer_name": "Acme", "amount": amount, "currency": "USD", "due": "2026-10-31",
            "method": method, "fate": fate });
        self.admin("invoices", &json!([invoice])).await;
    }

    /// Gives invoices to Stripe to collect them by card today.
    pub async fn charge(&self, invoices: &[(&str, &str)]) {
        let invoices = invoices.iter().map(|(number, amount)| {
            json!({ "number": number, "customer": "C-1", "customer_name": "Acme", "amount": amount, "currency": "USD", "due": "2026-10-31", "method": "card" })
        });
        self.admin("invoices", &invoices.collect::<Vec<_>>().into()).await;
    }

    pub async fn live_until(&self, time: &str) {
        self.posting.clock.advance(at(time) - self.posting.world.cx.clock.now());
        self.simulator.run().await.unwrap();
    }

    pub async fn pull(&self) -> Pulled {
        gateways::pull(&self.posting.world.cx, self.posting.world.us).await.unwrap()
    }

    /// Everything charged and paid out: three charges in one payout of the second working day.
    async fn paid_out() -> Self {
        let company = Self::new().await;
        company.charge(&[("INV-1001", "110.00"), ("INV-1002", "220.00"), ("INV-1003", "330.00")]).await;
        company.live_until("2026-11-04T06:00:00Z").await;
        company
    }

    /// A statement of 3 November with these lines: amount, name and text.
    async fn told(&self, number: u32, lines: &[(&str, &str, &str)]) {
        let swift = |amount: Decimal| amount.to_string().replace('.', ",");
        let total: Decimal = lines.iter().map(|(amount, ..)| amount.parse::<Decimal>().unwrap()).sum();
        let mut file = format!(":20:ST{number}\r\n:25:{ACCOUNT}\r\n:28C:{number}/1\r\n:60F:C261102USD1000,00\r\n");
        for (place, (amount, name, text)) in lines.iter().enumerate() {
            let amount: Decimal = amount.parse().unwrap();
            let sign = if amount.is_sign_negative() { 'D' } else { 'C' };
            file.push_str(&format!(
                ":61:2611031103{sign}{}NTRFNONREF//P{number}-{place}\r\n:86:/NAME/{name}/REMI/{text}\r\n",
                swift(amount.abs())
            ));
        }
        file.push_str(&format!(":62F:C261103USD{}\r\n-\r\n", swift(Decimal::from(1000) + total)));
        self.statement(file).await;
    }

    /// Imports a statement file, whatever came before it.
    pub async fn statement(&self, file: String) {
        let (actor, scope) = (Actor::System("bank".into()), self.posting.scope());
        let report =
            cash::import_file(&self.posting.world.cx, &actor, &scope, "november.sta", None, Cursor::new(file.into_bytes())).await.unwrap();
        assert!(report.errors.is_empty(), "{report:?}");
        sqlx::query("update statement set state = 'imported', decided_by = 'x', decided_at = now(), reason = 'x' where state = 'waiting'")
            .execute(&self.posting.world.db.pool)
            .await
            .unwrap();
    }

    pub async fn receive(&self) -> cash::Received {
        cash::receive(&self.posting.world.cx, self.posting.world.us).await.unwrap()
    }

    pub async fn open(&self, number: &str) -> Decimal {
        let sql = "select open from open_item join document using (document_id) where number = $1";
        sqlx::query_scalar::<_, Decimal>(sql).bind(number).fetch_one(&self.posting.world.db.pool).await.unwrap().normalize()
    }

    async fn proof(&self, from: &str) -> domain::clearing::ClearingView {
        let mut all = clearing::proofs(&self.posting.world.db.pool, &self.posting.scope(), from.parse().unwrap()).await.unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    pub async fn ties_out(&self) {
        let report = pipeline::verify::verify(&self.posting.world.db.pool).await.unwrap();
        assert!(report.ties_out(), "{report}");
    }
}

#[tokio::test]
async fn a_charge_becomes_a_payment_in_clearing_that_settles_the_invoice_it_names() {
    let company = Company::new().await;
    company.charge(&[("INV-1001", "110.00"), ("INV-1002", "220.00")]).await;
    company.live_until("2026-10-31T20:00:00Z").await;
    let pulled = company.pull().await;
    assert_eq!((pulled.entries, pulled.documents, pulled.applied), (2, 2, 2));
    assert_eq!((company.open("INV-1001").await, company.open("INV-1002").await), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!((company.open("INV-1003").await, company.open("RC-2026-000001").await), (Decimal::from(330), Decimal::ZERO));
    company.posting.post().await;
    assert_eq!(company.posting.stage("RC-2026-000001").await, Stage::Posted);
    assert_eq!(company.posting.stage("AP-2026-000002").await, Stage::Posted);
    let account =
        "select payload #>> '{lines,0,account_ref}' from posting_payload join document using (document_id) where number = 'RC-2026-000001'";
    assert_eq!(company.posting.world.text(account).await, "erp-102", "gross into the clearing account");
    let why = "select distinct reason || coalesce(decided_by, '') from application";
    assert_eq!(company.posting.world.text(why).await, "the gateway names the invoice that it charged");
    company.ties_out().await;
}

#[tokio::test]
async fn the_same_page_twice_changes_nothing_and_a_pull_that_broke_off_goes_on() {
    let company = Company::new().await;
    company.charge(&[("INV-1001", "110.00"), ("INV-1002", "220.00")]).await;
    company.live_until("2026-10-31T20:00:00Z").await;
    for kind in ["cut_before", "cut_after", "server_error"] {
        company.admin("faults", &json!({ "kind": kind, "on": "read", "next": 1 })).await;
        gateways::pull(&company.posting.world.cx, company.posting.world.us).await.unwrap_err();
    }
    let first = company.pull().await;
    assert_eq!(first.documents, 2);
    assert_eq!(company.pull().await, Pulled::default());
    sqlx::query("update gateway_account set entry_cursor = null, payout_cursor = null")
        .execute(&company.posting.world.db.pool)
        .await
        .unwrap();
    assert_eq!(company.pull().await, Pulled::default(), "from the beginning again");
    let twice = tokio::join!(company.pull(), company.pull());
    assert_eq!(twice, (Pulled::default(), Pulled::default()));
    company.ties_out().await;
}

#[tokio::test]
async fn a_payout_s_bank_line_is_tied_to_it_and_pays_no_customer() {
    let company = Company::paid_out().await;
    company.pull().await;
    let scope = company.posting.scope();
    let pool = &company.posting.world.db.pool;
    let payout = clearing::payouts(pool, &scope, 10).await.unwrap().remove(0);
    assert_eq!((payout.status, payout.residual.map(|left| left.normalize())), (PayoutStatus::Paid, Some(Decimal::ZERO)));
    assert_eq!((payout.line, company.proof("2026-10-01").await.in_transit), (None, payout.amount));
    let amount = payout.amount.normalize().to_string();
    company.told(1, &[(&amount, "STRIPE", "PAYOUT"), ("75.00", "Nobody Ltd", "thanks, stripe users")]).await;
    let received = company.receive().await;
    assert_eq!((received.payouts, received.payments), (1, 1), "who names the gateway in a text is not it");
    let tied = clearing::payouts(pool, &scope, 10).await.unwrap().remove(0).line.unwrap();
    assert_eq!((tied.ordinal, tied.tied_by.as_str()), (1, "rule: amount, currency and day"));
    assert_eq!(company.proof("2026-10-01").await.in_transit, Decimal::ZERO);
    company.ties_out().await;
}

#[tokio::test]
async fn a_day_of_a_bank_account_goes_from_opening_to_closing_by_what_each_line_is() {
    use domain::cash_proof::CashPart::{self, *};
    let company = Company::paid_out().await;
    company.pull().await;
    let (pool, scope) = (&company.posting.world.db.pool, company.posting.scope());
    let payout = clearing::payouts(pool, &scope, 10).await.unwrap().remove(0).amount.normalize();
    let paid = payout.to_string();
    company
        .told(1, &[(&paid, "STRIPE", "PAYOUT"), ("75.00", "Nobody Ltd", "thanks"), ("5.00", "Stripe", "another"), ("-9.00", "Bank", "fee")])
        .await;
    let day = async || {
        let (from, to) = ("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap());
        store::views::cash_proof::proofs(pool, &scope, None, from, to).await.unwrap()
    };
    let parts = |day: &domain::cash_proof::CashDay| CashPart::ALL.iter().map(|part| day.amount(*part)).collect::<Vec<_>>();
    let [before] = day().await.try_into().unwrap();
    assert_eq!(
        parts(&before),
        [0.into(), 0.into(), 0.into(), 0.into(), payout + Decimal::from(80), Decimal::from(-9)],
        "nothing is taken up yet"
    );
    company.receive().await;
    let [taken] = day().await.try_into().unwrap();
    assert_eq!(parts(&taken), [75.into(), payout, 5.into(), 0.into(), 0.into(), Decimal::from(-9)]);
    assert_eq!((taken.opening, taken.residual(), taken.breaks.len()), (Some(1000.into()), Some(Decimal::ZERO), 0));
    let lines = async |part| {
        let lines = store::views::statements::lines(pool, &scope, taken.statements[0], Some(part), 0, 10).await.unwrap();
        lines.iter().map(|line| line.ordinal).collect::<Vec<_>>()
    };
    assert_eq!([lines(Payout).await, lines(Receipt).await, lines(InClearing).await, lines(Out).await], [[1], [2], [3], [4]]);
    assert!(lines(OtherIn).await.is_empty());
    // the same day again, from the same opening balance: it neither follows nor adds up
    company.told(2, &[("1.00", "Nobody Ltd", "thanks")]).await;
    let [broken] = day().await.try_into().unwrap();
    assert_eq!((broken.statements.len(), broken.breaks.len()), (2, 1), "{broken:?}");
    assert_ne!(broken.residual(), Some(Decimal::ZERO));
    let foreign = domain::access::Scope::of_system(vec![]);
    let none = store::views::cash_proof::proofs(pool, &foreign, None, taken.day, taken.day).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_line_without_its_payout_waits_in_clearing_until_the_payout_is_pulled() {
    let company = Company::paid_out().await;
    company
        .told(1, &[("639.96", "Stripe Inc", "STRIPE PAYOUT"), ("5.00", "Stripe Inc", "another"), ("-9.00", "Stripe Inc", "taken back")])
        .await;
    let received = company.receive().await;
    assert_eq!((received.payouts, received.payments), (3, 0));
    let waiting = || async { clearing::untied(&company.posting.world.db.pool, &company.posting.scope(), 10).await.unwrap().len() };
    assert_eq!(waiting().await, 3);
    company.ties_out().await;
    company.pull().await;
    company.receive().await;
    assert_eq!(waiting().await, 2, "the others are no payouts that we know of");
    assert_eq!(company.proof("2026-10-01").await.untied.normalize(), Decimal::from(-4));
    company.ties_out().await;
}

#[tokio::test]
async fn the_clearing_proof_leaves_nothing_over() {
    let company = Company::paid_out().await;
    company.pull().await;
    let whole = company.proof("2026-10-01").await;
    let line = |line| whole.clearing.lines.get(&line).copied().unwrap_or_default().normalize();
    assert_eq!((whole.opening, line(ClearingLine::Charges)), (Decimal::ZERO, Decimal::from(660)));
    // 2.9 % and 0.30 of each
    assert_eq!((line(ClearingLine::Fees), line(ClearingLine::Payouts)), ("-20.04".parse().unwrap(), "-639.96".parse().unwrap()));
    assert_eq!(whole.residual(), Some(Decimal::ZERO));
    let november = company.proof("2026-11-01").await;
    assert_eq!(
        (november.opening.normalize(), november.closing(), november.residual()),
        ("639.96".parse().unwrap(), whole.closing(), Some(Decimal::ZERO))
    );
    company.posting.world.tamper("delete from gateway_entry where kind = 'charge' and gross = 220").await;
    company.posting.world.tamper("update gateway_total set gross = gross - 100 where kind = 'charge'").await;
    assert_eq!(company.proof("2026-10-01").await.residual().unwrap().normalize(), Decimal::from(100));
    let report = pipeline::verify::verify(&company.posting.world.db.pool).await.unwrap().to_string();
    assert!(
        report.contains("DIFFERS gateway movements against documents") && report.contains("DIFFERS payouts against movements"),
        "{report}"
    );
}

#[tokio::test]
async fn a_charge_of_an_unknown_invoice_waits_for_a_person_and_stays_one_payment() {
    let company = Company::new().await;
    company.charge(&[("INV-7", "75.00")]).await;
    company.live_until("2026-10-31T20:00:00Z").await;
    let pulled = company.pull().await;
    assert_eq!((pulled.documents, pulled.applied), (1, 0));
    assert_eq!(company.posting.stage("RC-2026-000001").await, Stage::Held);
    assert_eq!(company.receive().await.suggested, 1);
    let paid = DocumentId(
        sqlx::query_scalar("select document_id from document where number = 'RC-2026-000001'")
            .fetch_one(&company.posting.world.db.pool)
            .await
            .unwrap(),
    );
    let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
    cash::identify(cx, &person("ann@lumen.example"), &scope, paid, "C-1", "he says so").await.unwrap();
    company.ties_out().await;
    assert_eq!(company.pull().await, Pulled::default(), "it is a payment already");
    let filter = clearing::Filter {
        account: company.account,
        currency: Currency::USD,
        line: Some(ClearingLine::Charges),
        from: None,
        until: None,
        payout: None,
        after: None,
    };
    let entry = clearing::entries(&company.posting.world.db.pool, &scope, &filter, 10).await.unwrap().remove(0);
    assert_eq!(entry.payment.unwrap().1, "RC-2026-000001");
}

#[tokio::test]
async fn a_charge_gives_no_more_than_its_invoice_has_open() {
    let company = Company::new().await;
    company.charge(&[("INV-1001", "150.00")]).await;
    company.live_until("2026-10-31T20:00:00Z").await;
    company.pull().await;
    assert_eq!((company.open("INV-1001").await, company.open("RC-2026-000001").await), (Decimal::ZERO, Decimal::from(40)));
    company.ties_out().await;
}
