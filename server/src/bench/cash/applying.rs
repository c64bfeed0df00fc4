//! Cash application with its database: bank lines against a million open items, from imported statements to payments, applications and
//! suggestions that are written. The labelled set says what is true.

use super::super::{Lab, ROUNDS, Report, check, company, median, per_second, ratio, seconds};
use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use domain::{
    document::{DocumentContent, DocumentLine},
    id::{BankAccountId, BatchId, DocumentId, EntityId, StatementId},
    period::AccountingPeriod,
    receivable::AgeBand,
    seal::{Canonical, content_hash},
    stage::DocumentKind,
    statement::StatementState,
    view::ImportOutcome,
};
use matching::{
    labelled::{self, Labelled, Truth},
    model::{CustomerId, ItemId, ItemKind, Rail, Receipt, ReferenceKind},
};
use pipeline::{Context, cash};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};
use store::{
    Scope,
    batches::{ManifestLine, NewBatch},
    bench::books::{History, Place, Rows, write},
    intakes::NewIntake,
    seals::{self, Covering},
    statements::{LineRows, NewBankAccount, NewLine, NewStatement},
};
use uuid::Uuid;

const SEED: u64 = 1;
/// Lines of the labelled set for each bank line: three of four come through a gateway.
const OF_BANK: u32 = 5;
/// Documents of a batch, lines of a statement.
const BATCH: usize = 10_000;
const STATEMENT: usize = 1_000;

/// Which receipt of the set a line is.
type Lines = HashMap<(StatementId, i32), usize>;

/// Adds its figures to the report.
pub async fn run(lines: u32, report: &mut Report) -> anyhow::Result<()> {
    let mut set = labelled::generate(SEED, usize::try_from(lines * OF_BANK)?);
    let lab = Lab::open().await?;
    let prepared = lab.database("prepared", None).await?;
    let began = Instant::now();
    furnish(&prepared, &set).await?;
    eprintln!("{} open items in {:?}", set.items.len(), began.elapsed());
    let of_bank: Vec<usize> =
        (0..set.receipts.len()).filter(|at| set.receipts[*at].rail == Rail::Transfer).take(usize::try_from(lines)?).collect();
    let told = tell(&prepared, &set, &of_bank).await?;
    store::bench::books::settle(&prepared.pool).await?;
    prepared.pool.close().await;
    set.items.shrink_to_fit();

    let (mut rates, mut agings, mut recomputed, mut shares) = (Vec::new(), Vec::new(), Vec::new(), (0, 0, 0));
    for round in 0..ROUNDS {
        let name = format!("applied{round}");
        let cx = lab.database(&name, Some("prepared")).await?;
        let began = Instant::now();
        let each = set.entities.iter().map(|entity| receive(cx.clone(), *entity));
        let received: Vec<cash::Received> = futures::future::try_join_all(each).await?;
        let took = began.elapsed();
        let payments: usize = received.iter().map(|received| received.payments).sum();
        ensure!(payments == of_bank.len(), "{payments} payments of {} lines", of_bank.len());
        rates.push(per_second(lines, took));
        eprintln!("round {}: {lines} lines in {took:?}", round + 1);
        agings.push(aging(&cx, &set.entities).await?);
        recomputed.push(recompute(&cx).await?);
        shares = confirmed(&cx, &set, &told).await?;
        ensure!(shares.2 == 0, "{} applications are not true", shares.2);
        check(&cx).await?;
        lab.drop_database(&name, cx).await?;
    }
    report.figures.extend([
        ("applying_open_items".into(), Decimal::from(set.items.len())),
        ("applying_lines".into(), lines.into()),
        ("applying_lines_per_second".into(), median(rates)),
        ("applying_confirmed_percent".into(), (Decimal::from(shares.0 * 100) / Decimal::from(of_bank.len())).round_dp(2)),
        ("applying_wrong".into(), Decimal::from(shares.2)),
        ("aging_milliseconds".into(), median(agings.clone())),
    ]);
    report.ratios.insert("aging_recompute_vs_group_by".into(), median(recomputed));
    report.ratios.insert("aging_vs_10k".into(), ratio(median(agings), few(&lab).await?)?);
    Ok(())
}

async fn receive(cx: Context, entity: EntityId) -> anyhow::Result<cash::Received> {
    tokio::spawn(async move { cash::receive(&cx, entity).await }).await?
}

/// The aging page's read, in milliseconds: the median of twenty.
async fn aging(cx: &Context, entities: &[EntityId]) -> anyhow::Result<Decimal> {
    let (scope, today) = (Scope::of_system(entities.to_vec()), cx.clock.now().date_naive());
    let kinds = [DocumentKind::Invoice, DocumentKind::CreditMemo, DocumentKind::Payment];
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let cells = store::views::receivables::aging(&cx.pool, &scope, &kinds, today).await?;
        times.push(seconds_exactly(began));
        ensure!(cells.iter().any(|cell| cell.band == AgeBand::Over90), "an aging without old items");
    }
    Ok(median(times))
}

fn seconds_exactly(began: Instant) -> Decimal {
    Decimal::from(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)) / Decimal::from(1_000)
}

/// Re-deriving every total, against the bare group by that yields the same figures.
async fn recompute(cx: &Context) -> anyhow::Result<Decimal> {
    let mut conn = cx.pool.acquire().await?;
    let began = Instant::now();
    store::bench::cash::group_open_items(&mut conn).await?;
    let bare = began.elapsed();
    let began = Instant::now();
    let compared = store::proof::open_totals(&mut conn).await?;
    ensure!(compared.first_difference.is_none(), "{:?}", compared.first_difference);
    ratio(seconds(began.elapsed()), seconds(bare))
}

/// The same page over ten thousand items.
async fn few(lab: &Lab) -> anyhow::Result<Decimal> {
    let set = labelled::generate(SEED, 5_000);
    let cx = lab.database("few_items", None).await?;
    furnish(&cx, &set).await?;
    store::bench::books::settle(&cx.pool).await?;
    aging(&cx, &set.entities).await
}

/// Entities, bank accounts and items of the set, as documents that are posted.
async fn furnish(cx: &Context, set: &Labelled) -> anyhow::Result<()> {
    let customers: HashMap<CustomerId, (&str, &str)> =
        set.customers.iter().map(|customer| (customer.id, (customer.code.as_str(), customer.name.as_str()))).collect();
    let at = cx.clock.now();
    for (place, entity) in set.entities.iter().enumerate() {
        let connection_id = company::connect_entity(cx, *entity, &format!("E{place}")).await?;
        let items: Vec<_> = set.items.iter().filter(|item| item.entity == *entity).collect();
        for (n, some) in items.chunks(BATCH).enumerate() {
            let place = Place { batch_id: BatchId(Uuid::now_v7()), entity_id: *entity, connection_id, at };
            let (mut rows, mut covering, mut manifest) = (Rows::default(), Covering::default(), BTreeMap::new());
            for (line, item) in (1..).zip(some) {
                let (code, name) = customers.get(&item.customer).context("a customer of the set")?;
                let kind = if item.kind == ItemKind::CreditMemo { DocumentKind::CreditMemo } else { DocumentKind::Invoice };
                let content = document(
                    kind,
                    item.number.clone(),
                    (code, name),
                    item.open.decimal(),
                    item.open.currency,
                    (item.issued_on, item.due_on),
                );
                let hash = content_hash(&content);
                rows.push(place, DocumentId(item.id.0), line, &content, &hash, History::Posted)?;
                covering.came_in(content.currency, content.kind, content.amount, content.tax, hash);
                let sum: &mut (i64, Decimal) = manifest.entry((content.currency, content.kind)).or_default();
                *sum = (sum.0 + 1, sum.1 + content.amount);
            }
            let manifest: Vec<ManifestLine> = manifest
                .into_iter()
                .map(|((currency, kind), (count, total))| ManifestLine { currency, kind, count, total, tax: Decimal::ZERO })
                .collect();
            let number = format!("{entity}-{n}");
            let batch = NewBatch {
                batch_id: place.batch_id,
                source: "bench",
                number: &number,
                entity_id: *entity,
                period: AccountingPeriod::of(some[0].issued_on),
                content_hash: &Canonical::new("bench").text(&number).finish(),
                document_count: i32::try_from(some.len())?,
                received_at: at,
                actor: "cli:bench".into(),
            };
            let mut tx = cx.pool.begin().await?;
            store::batches::insert(&mut tx, &batch, &manifest).await?;
            write(&mut tx, place, rows, &[]).await?;
            seals::append(&mut tx, *entity, place.batch_id, "intake", &covering.finish(), at).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

fn document(
    kind: DocumentKind,
    number: String,
    (code, name): (&str, &str),
    amount: Decimal,
    currency: domain::money::Currency,
    (issue_date, due_date): (chrono::NaiveDate, chrono::NaiveDate),
) -> DocumentContent {
    let line = DocumentLine {
        item_code: "SKU-0".into(),
        description: "API calls".into(),
        quantity: Decimal::ONE,
        unit_price: amount,
        net: amount,
        tax: Decimal::ZERO,
        tax_code: "T".into(),
    };
    DocumentContent {
        kind,
        number,
        version: 1,
        customer_code: code.to_owned(),
        customer_name: name.to_owned(),
        currency,
        amount,
        tax: Decimal::ZERO,
        issue_date,
        due_date,
        posting_date: issue_date,
        period: AccountingPeriod::of(issue_date),
        applies_to: None,
        lines: vec![line],
    }
}

/// Statements of these receipts, as an import would have left them.
async fn tell(cx: &Context, set: &Labelled, receipts: &[usize]) -> anyhow::Result<Lines> {
    let at = cx.clock.now();
    let mut tx = cx.pool.begin().await?;
    let intake_id = Uuid::now_v7();
    let intake = NewIntake {
        intake_id,
        received_at: at,
        actor: "cli:bench".into(),
        file_name: "bench",
        raw_hash: [0; 32],
        byte_length: 0,
        outcome: ImportOutcome::Imported,
        batch_id: None,
        errors: &[],
    };
    store::intakes::insert(&mut tx, &intake).await?;
    let mut accounts: BTreeMap<(EntityId, String), Vec<usize>> = BTreeMap::new();
    for place in receipts {
        let receipt = &set.receipts[*place];
        accounts.entry((receipt.entity, receipt.amount.currency.to_string())).or_default().push(*place);
    }
    let mut told = Lines::new();
    for (n, ((entity, currency), places)) in accounts.iter().enumerate() {
        let account = BankAccountId(Uuid::now_v7());
        let (number, name) = (format!("BANK{n:04}"), format!("Account {n}"));
        let new = NewBankAccount {
            bank_account_id: account,
            entity_id: *entity,
            number: &number,
            currency,
            name: &name,
            opened_at: at,
            opened_by: "cli:bench".into(),
        };
        store::statements::open_account(&mut tx, &new).await?;
        for (ordinal, some) in (1..).zip(places.chunks(STATEMENT)) {
            let of_set = some.iter().map(|place| &set.receipts[*place]);
            let statement_id = statement(&mut tx, (account, *entity, intake_id), ordinal, of_set.collect(), at).await?;
            told.extend((1..).zip(some).map(|(line, place)| ((statement_id, line), *place)));
        }
    }
    tx.commit().await?;
    Ok(told)
}

async fn statement(
    conn: &mut store::Conn,
    (account, entity, intake_id): (BankAccountId, EntityId, Uuid),
    ordinal: i32,
    receipts: Vec<&Receipt>,
    at: DateTime<Utc>,
) -> anyhow::Result<StatementId> {
    let statement_id = StatementId(Uuid::now_v7());
    let identity = format!("{account} {ordinal}");
    let new = NewStatement {
        statement_id,
        bank_account_id: account,
        entity_id: entity,
        intake_id,
        ordinal,
        format: "camt053",
        reference: None,
        number: Some(ordinal.into()),
        page: None,
        opening: None,
        closing: None,
        line_count: i32::try_from(receipts.len())?,
        credits: receipts.iter().map(|receipt| receipt.amount.decimal()).sum(),
        debits: Decimal::ZERO,
        difference: None,
        last_day: receipts.last().context("a line")?.received_on,
        identity: &identity,
        content_hash: &Canonical::new("bench").text(&identity).finish(),
        state: StatementState::Imported,
        doubt: None,
        received_at: at,
        received_by: "cli:bench".into(),
    };
    store::statements::insert(conn, &new).await?;
    let mut rows = LineRows::default();
    for (ordinal, receipt) in (1..).zip(receipts) {
        rows.push(statement_id, &line(ordinal, receipt));
    }
    rows.insert(conn).await?;
    Ok(statement_id)
}

fn line(ordinal: i32, receipt: &Receipt) -> NewLine<'_> {
    let of = |kinds: &[ReferenceKind]| {
        let wanted = receipt.references.iter().filter(|reference| kinds.contains(&reference.kind));
        wanted.map(|reference| reference.value.clone()).collect::<Vec<_>>()
    };
    NewLine {
        ordinal,
        file_line: 1,
        amount: receipt.amount.decimal(),
        booked_on: receipt.received_on,
        value_on: None,
        status: "booked",
        reversal: false,
        bank_reference: None,
        customer_reference: None,
        end_to_end_id: receipt.references.iter().find(|one| one.kind == ReferenceKind::EndToEnd).map(|one| one.value.as_str()),
        structured_references: of(&[ReferenceKind::Creditor, ReferenceKind::Qr]),
        documents: of(&[ReferenceKind::Token, ReferenceKind::Gateway])
            .into_iter()
            .chain(receipt.advice.iter().map(|line| line.number.clone()))
            .collect(),
        mandate: None,
        counterparty_name: Some(receipt.payer_name.as_str()).filter(|name| !name.is_empty()),
        counterparty_account: receipt.payer_account.as_deref(),
        text: &receipt.remittance_text,
        transaction_code: None,
        return_reason: None,
    }
}

/// How many lines were applied without a person, how many items they settled, and how many of the lines settled something else than the
/// truth.
async fn confirmed(cx: &Context, set: &Labelled, told: &Lines) -> anyhow::Result<(usize, usize, usize)> {
    let numbers: HashMap<ItemId, &str> = set.items.iter().map(|item| (item.id, item.number.as_str())).collect();
    let mut applied: HashMap<(StatementId, i32), BTreeSet<String>> = HashMap::new();
    for (statement, ordinal, number) in store::bench::cash::applied(&cx.pool).await? {
        applied.entry((statement, ordinal)).or_default().insert(number);
    }
    let mut credited: HashMap<String, Vec<String>> = HashMap::new();
    for (credit_memo, number) in store::bench::cash::credited(&cx.pool).await? {
        credited.entry(credit_memo).or_default().push(number);
    }
    let part_of = |truth: &Truth, owed: bool| -> BTreeSet<String> {
        let parts = truth.allocations.iter().filter(|part| (part.amount.minor > 0) == owed);
        parts.filter_map(|part| numbers.get(&part.item)).map(|number| (*number).to_owned()).collect()
    };
    // with what the deducted credit memos settled beside the money
    let is_true = |truth: &Truth, settled: &BTreeSet<String>| {
        let beside = part_of(truth, false).into_iter().filter_map(|credit_memo| credited.get(&credit_memo)).flatten().cloned();
        settled.iter().cloned().chain(beside).collect::<BTreeSet<_>>() == part_of(truth, true)
    };
    let wrong = applied.iter().filter(|(line, settled)| told.get(line).is_none_or(|place| !is_true(&set.truth[*place], settled)));
    Ok((applied.len(), applied.values().map(BTreeSet::len).sum(), wrong.count()))
}
