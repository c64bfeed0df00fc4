//! What Adyen settled: reports that webhooks announced, read whole or not at all. A report adds up to its payouts, and its payments name our
//! invoices as the merchant reference that they were collected under.

use super::{Access, Pulled, access};
use crate::{
    Context, cash,
    import::{
        SharedFile, file_name,
        keep::{self, Kept},
        lock,
    },
    retry::transaction,
};
use anyhow::{Context as _, bail};
use connectors::adyen::{
    Adyen, Config,
    report::{Batch, Report, RowError},
};
use domain::{
    access::Actor,
    document::Violation,
    money::Currency,
    settlement::{GatewayEntry, Payout},
    view::ImportOutcome,
};
use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    sync::{Arc, Mutex},
};
use store::gateways::{self, Account, Announced, ReadReport};
use uuid::Uuid;

/// Broken rules of one report that are told; a file of another kind breaks one with every row.
const VIOLATIONS: usize = 100;

/// Reads what was announced. A report that breaks a rule is refused with the rules that it broke, and the others go on. The file is kept
/// whatever came of it.
pub(super) async fn pull(cx: &Context, account: &Account) -> anyhow::Result<Pulled> {
    let Access::Adyen { settings, secrets } = access(cx, account)? else { bail!("{} is no account at Adyen", account.code) };
    let adyen = Adyen::new(Config::new(&settings.base_url, &settings.report_user, &secrets.report_password))?;
    let began_at = cx.clock.now();
    let announced = gateways::reports_to_read(&mut *cx.pool.acquire().await?, account.gateway_account_id).await?;
    let mut pulled = Pulled::default();
    for report in announced {
        pulled += take(cx, &adyen, account, &report).await.with_context(|| report.report.clone())?;
    }
    let (documents, applied) = cash::enter_movements(cx, account).await?;
    let at = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        gateways::pulled(tx, account.gateway_account_id, None, at).await?;
        gateways::heed(tx, account.gateway_account_id, began_at, at).await
    })?;
    Ok(Pulled { documents, applied, ..pulled })
}

async fn take(cx: &Context, adyen: &Adyen, account: &Account, announced: &Announced) -> anyhow::Result<Pulled> {
    let file: SharedFile = Arc::new(Mutex::new(Box::new(download(adyen, &announced.address).await?)));
    let shared = file.clone();
    let settled = tokio::task::spawn_blocking(move || Settled::read(&mut *lock(&shared))).await?;
    let (id, now, intake_id) = (account.gateway_account_id, cx.clock.now(), Uuid::now_v7());
    let read = ReadReport { account: id, report: &announced.report, intake_id, at: now };
    let name = file_name(&announced.report);
    let kept = Kept {
        intake_id,
        received_at: now,
        actor: Actor::System("gateway".into()).to_string(),
        file_name: &name,
        outcome: if settled.is_ok() { ImportOutcome::Imported } else { ImportOutcome::Refused },
        batch_id: None,
        errors: settled.as_ref().err().map_or(&[][..], Vec::as_slice),
    };
    let (entries, payouts) = transaction!(&cx.pool, |tx| {
        keep::keep(tx, &file, &kept).await?;
        let Ok(settled) = &settled else {
            gateways::refuse_report(tx, read).await?;
            return Ok((0, 0));
        };
        let entries = gateways::insert_entries(tx, id, &settled.entries, now).await?;
        let payouts = gateways::upsert_payouts(tx, id, &settled.payouts).await?;
        for payout in &settled.payouts {
            let paid = settled.entries.iter().filter(|entry| entry.payout.as_ref() == Some(&payout.id));
            let paid: Vec<String> = paid.map(|entry| entry.id.clone()).collect();
            gateways::itemise(tx, id, &payout.id, &paid, now).await?;
        }
        gateways::report_taken(tx, read, settled.entries.len()).await?;
        Ok((entries, payouts))
    })?;
    if let Some(first) = kept.errors.first() {
        tracing::warn!(account = account.code, report = announced.report, %first, "settlement report refused");
    }
    Ok(Pulled { entries, payouts, ..Pulled::default() })
}

async fn download(adyen: &Adyen, address: &str) -> anyhow::Result<File> {
    let file = tempfile::tempfile()?;
    let mut into = tokio::fs::File::from_std(file.try_clone()?);
    adyen.download(address, &mut into).await?;
    let mut file = into.into_std().await;
    file.rewind()?;
    Ok(file)
}

/// A whole report.
struct Settled {
    entries: Vec<GatewayEntry>,
    payouts: Vec<Payout>,
}

impl Settled {
    /// Errors are the rules that rows broke, with their lines, or the batches that do not add up to their payouts.
    fn read(file: &mut impl Read) -> Result<Self, Vec<Violation>> {
        let broken = |error: RowError| Violation {
            line: u32::try_from(error.line).unwrap_or(u32::MAX),
            field: error.field,
            rule: error.rule.to_owned(),
            value: error.value,
        };
        let mut report = Report::open(BufReader::new(file)).map_err(|error| vec![broken(error)])?;
        let (mut entries, mut errors): (Vec<GatewayEntry>, Vec<Violation>) = (Vec::new(), Vec::new());
        for row in report.by_ref() {
            match row {
                Ok(entry) => entries.push(GatewayEntry { invoice_numbers: entry.merchant_reference.iter().cloned().collect(), ..entry }),
                Err(error) if errors.len() < VIOLATIONS => errors.push(broken(error)),
                Err(_) => break,
            }
        }
        let batches = report.batches().0;
        if errors.is_empty() {
            errors.extend(batches.iter().filter(|(_, batch)| !batch.difference().is_zero()).map(off));
        }
        let payouts = batches.into_values().filter_map(|batch| batch.payout).collect();
        if errors.is_empty() { Ok(Self { entries, payouts }) } else { Err(errors) }
    }
}

/// A batch whose rows are not what it paid.
fn off(((batch, currency), found): (&(String, Currency), &Batch)) -> Violation {
    Violation {
        line: u32::try_from(found.line).unwrap_or(u32::MAX),
        field: format!("batch {batch}"),
        rule: format!("pays what its rows come to, {} {currency}", found.entries),
        value: found.payout.as_ref().map_or_else(|| "nothing".to_owned(), |payout| payout.amount.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const HEADER: &str = "Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,\
        Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Batch Number";

    /// A charge of 100.00 that cost 3.00, and its payout.
    fn report(paid: &str) -> Result<Settled, Vec<Violation>> {
        let mut file = tempfile::tempfile().unwrap();
        let charge = "LumenUS,883,INV-1,visa,2026-11-02 10:00:00,CET,Settled,884,EUR,,100.00,1,EUR,,97.00,3.00,7";
        let payout = format!("LumenUS,,,,2026-11-04 10:00:00,CET,MerchantPayout,TX1 batch 7,,,,,EUR,{paid},,,7");
        write!(file, "{HEADER}\n{charge}\n{payout}\n").unwrap();
        file.rewind().unwrap();
        Settled::read(&mut file)
    }

    #[test]
    fn a_batch_that_does_not_add_up_to_its_payout_is_refused_whole_with_both_figures() {
        let settled = report("97.00").unwrap();
        assert_eq!((settled.entries.len(), settled.payouts.len()), (2, 1));
        assert_eq!(settled.entries[0].invoice_numbers, ["INV-1"]);
        let told = |paid| report(paid).err().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(told("96.99"), ["line 3, batch LumenUS/7: pays what its rows come to, 97.00 EUR (got \"96.99\")"]);
        assert_eq!(told("x"), ["line 3, Net Debit (NC): a decimal number with a point (got \"x\")"]);
    }
}
