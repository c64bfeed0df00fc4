//! What Adyen settled: reports that webhooks announced, read whole or not at all. A report adds up to its payouts, and its payments name our
//! invoices as the merchant reference that they were collected under.

use super::{Access, Pulled, access};
use crate::{Context, cash, retry::transaction};
use anyhow::{Context as _, bail};
use connectors::adyen::{Adyen, Config, report::Report};
use domain::settlement::{GatewayEntry, Payout};
use std::{
    fs::File,
    io::{BufReader, Seek},
};
use store::gateways::{self, Account, Announced};

/// Reads what was announced. A report that breaks a rule is kept as refused with the reason, and the others go on.
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
    let file = download(adyen, &announced.address).await?;
    let read = tokio::task::spawn_blocking(move || Settled::read(file)).await?;
    let (id, now) = (account.gateway_account_id, cx.clock.now());
    let settled = match read {
        Ok(settled) => settled,
        Err(why) => {
            tracing::warn!(account = account.code, report = announced.report, %why, "settlement report refused");
            transaction!(&cx.pool, |tx| gateways::refuse_report(tx, id, &announced.report, &why).await)?;
            return Ok(Pulled::default());
        }
    };
    let (entries, payouts) = transaction!(&cx.pool, |tx| {
        let entries = gateways::insert_entries(tx, id, &settled.entries, now).await?;
        let payouts = gateways::upsert_payouts(tx, id, &settled.payouts).await?;
        for payout in &settled.payouts {
            let paid = settled.entries.iter().filter(|entry| entry.payout.as_ref() == Some(&payout.id));
            let paid: Vec<String> = paid.map(|entry| entry.id.clone()).collect();
            gateways::itemise(tx, id, &payout.id, &paid, now).await?;
        }
        gateways::report_taken(tx, id, &announced.report, settled.entries.len(), now).await?;
        Ok((entries, payouts))
    })?;
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
    /// Errors in words, with the line: a row that breaks a rule, or a batch that does not add up to its payout.
    fn read(file: File) -> Result<Self, String> {
        let mut report = Report::open(BufReader::new(file)).map_err(|error| error.to_string())?;
        let mut entries = report.by_ref().collect::<Result<Vec<GatewayEntry>, _>>().map_err(|error| error.to_string())?;
        for entry in &mut entries {
            entry.invoice_numbers = entry.merchant_reference.iter().cloned().collect();
        }
        let (batches, _) = report.batches();
        let mut payouts: Vec<Payout> = Vec::new();
        for ((batch, currency), found) in batches {
            if !found.difference().is_zero() {
                let (paid, rows) = (found.payout.map_or_else(|| "nothing".to_owned(), |payout| payout.amount.to_string()), found.entries);
                return Err(format!("batch {batch} paid {paid} {currency}, its rows come to {rows}"));
            }
            payouts.extend(found.payout);
        }
        Ok(Self { entries, payouts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const HEADER: &str = "Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,\
        Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Batch Number";

    /// A charge of 100.00 that cost 3.00, and its payout.
    fn report(paid: &str) -> Result<Settled, String> {
        let mut file = tempfile::tempfile().unwrap();
        let charge = "LumenUS,883,INV-1,visa,2026-11-02 10:00:00,CET,Settled,884,EUR,,100.00,1,EUR,,97.00,3.00,7";
        let payout = format!("LumenUS,,,,2026-11-04 10:00:00,CET,MerchantPayout,TX1 batch 7,,,,,EUR,{paid},,,7");
        write!(file, "{HEADER}\n{charge}\n{payout}\n").unwrap();
        file.rewind().unwrap();
        Settled::read(file)
    }

    #[test]
    fn a_batch_that_does_not_add_up_to_its_payout_is_refused_whole_with_both_figures() {
        let settled = report("97.00").unwrap();
        assert_eq!((settled.entries.len(), settled.payouts.len()), (2, 1));
        assert_eq!(settled.entries[0].invoice_numbers, ["INV-1"]);
        assert_eq!(report("96.99").err().unwrap(), "batch LumenUS/7 paid 96.99 EUR, its rows come to 97.00");
        assert!(report("x").err().unwrap().starts_with("line 3, Net Debit (NC)"));
    }
}
