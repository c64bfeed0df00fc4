//! Books of any size: two connections, four entities, batches of posted documents and open exceptions of many causes, owners and
//! ages. Each property has a common value and a rare one, drawn independently of the others.

use super::company;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    document::{DocumentContent, DocumentLine},
    exception::{Cause, ExceptionKind},
    id::{BatchId, ConnectionId, DocumentId, EntityId, ExceptionId},
    mapping::{MappingKind, MissingMapping},
    money::Currency,
    period::AccountingPeriod,
    posting::ErpSystem,
    seal::{Canonical, content_hash},
    stage::DocumentKind,
};
use pipeline::Context;
use rust_decimal::Decimal;
use store::{
    batches::{ManifestLine, NewBatch},
    bench::books::{History, Place, Rows, Trouble, write},
    seals::{self, Covering},
};
use uuid::Uuid;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub posted: u32,
    pub exceptions: u32,
    pub queued: u32,
}

/// Documents of a batch, at most.
const BATCH: u32 = 10_000;
/// At least so many batches, so that entities and periods are many whatever the size.
const BATCHES_MIN: u32 = 40;
/// Over so many days before now they came in.
const DAYS: i64 = 90;
pub const OWNERS: [&str; 3] = ["ana@tieout.example", "ben@tieout.example", "cy@tieout.example"];
const CAUSES: u32 = 200;
/// Time to clear an exception.
pub const SLA: TimeDelta = TimeDelta::days(2);
const TAX: Decimal = Decimal::from_parts(10, 0, 0, false, 2);

/// Writes the books.
pub async fn furnish(cx: &Context, size: Size) -> anyhow::Result<Vec<EntityId>> {
    let companies = company::furnish_four(cx).await?;
    add_to(cx, size, 0, companies.clone()).await?;
    store::bench::books::settle(&cx.pool).await?;
    Ok(companies.into_iter().map(|(entity, _)| entity).collect())
}

/// Queues documents in books that hold `before` already: they have just come in, as documents that are posted have.
pub async fn queue(cx: &Context, before: u32, queued: u32) -> anyhow::Result<()> {
    let attached = store::connections::attached_entities(&mut *cx.pool.acquire().await?).await?;
    let companies = attached.into_iter().map(|entity| (entity.entity_id, entity.connection_id)).collect();
    add_to(cx, Size { posted: 0, exceptions: 0, queued }, before, companies).await?;
    store::bench::analyze(&cx.pool).await?;
    Ok(())
}

/// Two batches at a time.
async fn add_to(cx: &Context, size: Size, before: u32, companies: Vec<(EntityId, ConnectionId)>) -> anyhow::Result<()> {
    let total = size.posted + size.exceptions + size.queued;
    let batch = total.div_ceil(BATCHES_MIN).clamp(1, BATCH);
    let batches = total.div_ceil(batch);
    let plan = Plan { size, before, total, batch, batches, now: cx.clock.now(), companies };
    let half = |first: u32| {
        let (cx, plan) = (cx.clone(), plan.clone());
        tokio::spawn(async move {
            for n in (first..plan.batches).step_by(2) {
                plan.write_batch(&cx, n).await?;
            }
            anyhow::Ok(())
        })
    };
    let (even, odd) = (half(0), half(1));
    even.await??;
    odd.await??;
    Ok(())
}

#[derive(Clone)]
struct Plan {
    size: Size,
    /// Documents that were there before.
    before: u32,
    total: u32,
    batch: u32,
    batches: u32,
    now: DateTime<Utc>,
    companies: Vec<(EntityId, ConnectionId)>,
}

/// A number below `below` that looks drawn, the same on every run.
fn drawn(seed: u32, what: u64, below: u64) -> u64 {
    let mut x = (u64::from(seed) ^ (what << 56)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) % below
}

impl Plan {
    async fn write_batch(&self, cx: &Context, n: u32) -> anyhow::Result<()> {
        let (first, last) = (n * self.batch, ((n + 1) * self.batch).min(self.total));
        // one batch of 40 is of the small entity and one of the old period
        let (entity_id, connection_id) = self.companies[if n % 40 == 39 { 3 } else { (n % 3) as usize }];
        let period = AccountingPeriod::new(2026, if n % 40 == 38 { 8 } else { 9 + n % 2 })?;
        let at = self.now - TimeDelta::days(DAYS) + TimeDelta::days(DAYS) / i32::try_from(self.batches)? * i32::try_from(n)?;
        let place = Place { batch_id: BatchId(Uuid::now_v7()), entity_id, connection_id, at };
        let (mut rows, mut troubles, mut covering) = (Rows::default(), Vec::new(), Covering::default());
        let mut manifest: Vec<ManifestLine> = Vec::new();
        for (line, index) in (1..).zip(first..last) {
            let content = content(self.before + index, period)?;
            let (hash, id) = (content_hash(&content), DocumentId(Uuid::now_v7()));
            let history = self.history(index);
            rows.push(place, id, line, &content, &hash, history)?;
            covering.came_in(content.currency, content.kind, content.amount, content.tax, hash);
            add(&mut manifest, &content);
            if matches!(history, History::Unmapped | History::Refused) {
                troubles.push(self.trouble(index, id, at));
            }
        }
        let number = format!("B-{:09}-{n:06}", self.before);
        let batch = NewBatch {
            batch_id: place.batch_id,
            source: "bench",
            number: &number,
            entity_id,
            period,
            content_hash: &Canonical::new("bench").text(&number).finish(),
            document_count: i32::try_from(last - first)?,
            received_at: at,
            actor: "cli:bench".into(),
        };
        let mut tx = cx.pool.begin().await?;
        store::batches::insert(&mut tx, &batch, &manifest).await?;
        write(&mut tx, place, rows, &troubles).await?;
        seals::append(&mut tx, entity_id, place.batch_id, "intake", &covering.finish(), at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Exceptions are spread over all batches; what is queued comes last.
    fn history(&self, index: u32) -> History {
        let settled = self.total - self.size.queued;
        if index >= settled {
            return History::Queued;
        }
        let exceptions_before = |index: u32| u64::from(index) * u64::from(self.size.exceptions) / u64::from(settled);
        match exceptions_before(index + 1) - exceptions_before(index) {
            0 => History::Posted,
            _ if cause_of(index).is_multiple_of(4) => History::Unmapped,
            _ => History::Refused,
        }
    }

    fn trouble(&self, index: u32, document_id: DocumentId, at: DateTime<Utc>) -> Trouble {
        let number = cause_of(index);
        let cause = cause(number);
        let owner = match drawn(index, 3, 100) {
            0..30 => Some(OWNERS[0]),
            30..50 => Some(OWNERS[1]),
            50 => Some(OWNERS[2]),
            _ => None,
        };
        let later = TimeDelta::milliseconds(drawn(index, 4, 400_000_000).cast_signed());
        Trouble {
            exception_id: ExceptionId(Uuid::now_v7()),
            document_id,
            kind: cause.kind.as_str(),
            fingerprint: cause.fingerprint(Some(ErpSystem::Netsuite)),
            code: cause.code,
            message: cause.message,
            missing: cause.missing.map(|missing| (missing.kind.to_string(), missing.code)),
            opened_at: at + later,
            due_at: at + later + SLA,
            owner: owner.map(str::to_owned),
        }
    }
}

/// Low numbers are common: the first of 200 has a sixth of everything, the last about one in 600.
fn cause_of(index: u32) -> u32 {
    let share = drawn(index, 1, 1_000_000);
    u32::try_from(share * share * share / 1_000_000_000_000 * u64::from(CAUSES) / 1_000_000).unwrap_or_default()
}

/// A cause by its number; every fourth is a missing mapping, the last ten are duplicates.
pub fn cause(number: u32) -> Cause {
    const LETTERS: &[u8; 20] = b"ABCDEFGHIJKLMNOPQRST";
    let letter = |n: u32| char::from(LETTERS[(n % 20) as usize]);
    let word = format!("{}{}", letter(number / 20), letter(number));
    if number.is_multiple_of(4) {
        return Cause::of_missing(&[MissingMapping { kind: MappingKind::Item, code: format!("SKU-{word}") }]);
    }
    let kind = match number {
        190.. => ExceptionKind::Duplicate,
        _ => [ExceptionKind::Tax, ExceptionKind::Customer, ExceptionKind::Reference, ExceptionKind::Other][(number / 4 % 4) as usize],
    };
    Cause { kind, code: format!("REFUSED_{word}"), message: format!("The ERP refused it for reason {word}."), field: None, missing: None }
}

fn content(index: u32, period: AccountingPeriod) -> anyhow::Result<DocumentContent> {
    let currency: Currency = match drawn(index, 5, 100) {
        0..70 => "USD",
        70..99 => "EUR",
        _ => "CHF",
    }
    .parse()?;
    // from 10 to 100,000, as many in each decade
    let cents = (1_000 + drawn(index, 6, 9_000)) * [1, 10, 100, 1_000][(index / 7 % 4) as usize];
    let net = Decimal::new(cents.cast_signed(), 2);
    let tax = (net * TAX).round_dp(2);
    let posting_date: NaiveDate = period.last_day();
    Ok(DocumentContent {
        kind: DocumentKind::Invoice,
        number: format!("INV-{index:09}"),
        version: 1,
        customer_code: format!("C-{}", index % 500),
        customer_name: format!("Customer {}", index % 500),
        currency,
        amount: net + tax,
        tax,
        issue_date: posting_date,
        due_date: posting_date + TimeDelta::days(30),
        posting_date,
        period,
        applies_to: None,
        lines: vec![DocumentLine {
            item_code: "SKU-0".into(),
            description: "API calls".into(),
            quantity: Decimal::ONE,
            unit_price: net,
            net,
            tax,
            tax_code: "T".into(),
        }],
    })
}

fn add(manifest: &mut Vec<ManifestLine>, content: &DocumentContent) {
    let (currency, kind) = (content.currency, content.kind);
    let line = match manifest.iter().position(|line| line.currency == currency) {
        Some(at) => &mut manifest[at],
        None => {
            manifest.push(ManifestLine { currency, kind, count: 0, total: Decimal::ZERO, tax: Decimal::ZERO });
            let last = manifest.len() - 1;
            &mut manifest[last]
        }
    };
    line.count += 1;
    line.total += content.amount;
    line.tax += content.tax;
}
