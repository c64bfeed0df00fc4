//! What moved at Stripe, page by page with a cursor that is kept with what the page brought: the same page twice changes nothing, and a
//! pull that broke off goes on.

use super::{Access, Pulled, access};
use crate::{Context, cash, retry::transaction};
use anyhow::bail;
use chrono::TimeDelta;
use connectors::stripe::{Config, Cursor, Stripe};
use domain::settlement::{GatewayDispute, PaymentAttempt, PaymentStatus, Payout};
use futures::{StreamExt, TryStreamExt, stream};
use store::gateways::{self, Account, Cursors};

/// So long a payout is looked at again until it has arrived and its movements are listed, and an attempt until its bank has answered.
const SETTLING: TimeDelta = TimeDelta::days(30);
/// Payouts that are looked at again at once.
const AT_ONCE: usize = 2;

/// The balance counts only where nothing moved between its two looks: then it stands after exactly the movements that are here.
pub(super) async fn pull(cx: &Context, account: &Account) -> anyhow::Result<Pulled> {
    let Access::Stripe { settings, secrets } = access(cx, account)? else { bail!("{} is no account at Stripe", account.code) };
    let stripe = Stripe::new(Config::new(&settings.base_url, &secrets.secret_key))?;
    let began_at = cx.clock.now();
    let before = stripe.balance().await?;
    let entries = pull_entries(cx, &stripe, account).await?;
    let mut payouts = pull_payouts(cx, &stripe, account).await?;
    payouts += settle_payouts(cx, &stripe, account).await?;
    let disputes = pull_disputes(cx, &stripe, account).await?;
    let attempts = pull_attempts(cx, &stripe, account).await?;
    let after = stripe.balance().await?;
    let (documents, applied) = cash::enter_movements(cx, account).await?;
    let at = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        gateways::pulled(tx, account.gateway_account_id, (before == after).then_some(&after), at).await?;
        gateways::heed(tx, account.gateway_account_id, began_at, at).await
    })?;
    Ok(Pulled { entries, payouts, disputes, attempts, documents, applied })
}

fn cursor(account: &Account, kept: Option<&String>) -> anyhow::Result<Cursor> {
    Ok(kept.map(|text| text.parse()).transpose()?.unwrap_or_else(|| Cursor::since(account.since)))
}

async fn pull_entries(cx: &Context, stripe: &Stripe, account: &Account) -> anyhow::Result<u64> {
    let (mut cursor, mut new) = (cursor(account, account.entry_cursor.as_ref())?, 0);
    loop {
        let page = stripe.entries(&cursor).await?;
        let cursors = Cursors { entries: Some(page.next.to_string()), ..Cursors::default() };
        new += transaction!(&cx.pool, |tx| {
            gateways::advance(tx, account.gateway_account_id, &cursors).await?;
            gateways::insert_entries(tx, account.gateway_account_id, &page.items, cx.clock.now()).await
        })?;
        if page.is_last {
            return Ok(new);
        }
        cursor = page.next;
    }
}

async fn pull_payouts(cx: &Context, stripe: &Stripe, account: &Account) -> anyhow::Result<u64> {
    let (mut cursor, mut changed) = (cursor(account, account.payout_cursor.as_ref())?, 0);
    loop {
        let page = stripe.payouts(&cursor).await?;
        let cursors = Cursors { payouts: Some(page.next.to_string()), ..Cursors::default() };
        changed += transaction!(&cx.pool, |tx| {
            gateways::advance(tx, account.gateway_account_id, &cursors).await?;
            gateways::upsert_payouts(tx, account.gateway_account_id, &page.items).await
        })?;
        if page.is_last {
            return Ok(changed);
        }
        cursor = page.next;
    }
}

/// Disputes that are new, and again those that are not decided.
async fn pull_disputes(cx: &Context, stripe: &Stripe, account: &Account) -> anyhow::Result<u64> {
    let id = account.gateway_account_id;
    let known = gateways::undecided(&mut *cx.pool.acquire().await?, id).await?;
    let looked_at = stream::iter(known).map(|dispute| async move { stripe.dispute(&dispute).await });
    let looked_at: Vec<GatewayDispute> = looked_at.buffered(AT_ONCE).try_collect().await?;
    let mut changed = transaction!(&cx.pool, |tx| gateways::upsert_disputes(tx, id, &looked_at, cx.clock.now()).await)?;
    let mut cursor = cursor(account, account.dispute_cursor.as_ref())?;
    loop {
        let page = stripe.disputes(&cursor).await?;
        let cursors = Cursors { disputes: Some(page.next.to_string()), ..Cursors::default() };
        changed += transaction!(&cx.pool, |tx| {
            gateways::advance(tx, id, &cursors).await?;
            gateways::upsert_disputes(tx, id, &page.items, cx.clock.now()).await
        })?;
        if page.is_last {
            return Ok(changed);
        }
        cursor = page.next;
    }
}

/// Attempts that are new, and again from the oldest one on that waits for its bank or for a retry.
async fn pull_attempts(cx: &Context, stripe: &Stripe, account: &Account) -> anyhow::Result<u64> {
    let id = account.gateway_account_id;
    let open = gateways::attempts_unsettled_since(&mut *cx.pool.acquire().await?, id, cx.clock.now() - SETTLING).await?;
    let kept = cursor(account, account.attempt_cursor.as_ref())?;
    let (mut cursor, mut changed) = (if let Some(oldest) = open { kept.back_to(oldest) } else { kept }, 0);
    loop {
        let mut page = stripe.attempts(&cursor).await?;
        let failed: Vec<&str> =
            page.items.iter().filter(|attempt| attempt.status == PaymentStatus::Failed).map(|attempt| attempt.id.as_str()).collect();
        let settled = gateways::settled_attempts(&mut *cx.pool.acquire().await?, id, &failed).await?;
        page.items.retain(|attempt| !settled.contains(&attempt.id));
        let (mut failed, others): (Vec<PaymentAttempt>, Vec<_>) =
            page.items.into_iter().partition(|attempt| attempt.status == PaymentStatus::Failed);
        stripe.name_attempts(&mut failed).await?;
        let cursors = Cursors { attempts: Some(page.next.to_string()), ..Cursors::default() };
        changed += transaction!(&cx.pool, |tx| {
            gateways::advance(tx, id, &cursors).await?;
            gateways::upsert_attempts(tx, id, &[failed.as_slice(), &others].concat(), cx.clock.now()).await
        })?;
        if page.is_last {
            return Ok(changed);
        }
        cursor = page.next;
    }
}

/// Looks again at payouts that had not arrived, and lists what they paid once the gateway does.
async fn settle_payouts(cx: &Context, stripe: &Stripe, account: &Account) -> anyhow::Result<u64> {
    let id = account.gateway_account_id;
    let unsettled = gateways::unsettled(&mut *cx.pool.acquire().await?, id, cx.clock.now() - SETTLING).await?;
    let looked_at = stream::iter(unsettled).map(|payout| async move {
        let payout = stripe.payout(&payout).await?;
        let paid = if payout.is_itemised { Some(entries_of(stripe, &payout).await?) } else { None };
        anyhow::Ok((payout, paid))
    });
    let looked_at: Vec<(Payout, Option<Vec<String>>)> = looked_at.buffered(AT_ONCE).try_collect().await?;
    let now = cx.clock.now();
    let changed = transaction!(&cx.pool, |tx| {
        let payouts: Vec<Payout> = looked_at.iter().map(|(payout, _)| payout.clone()).collect();
        let changed = gateways::upsert_payouts(tx, id, &payouts).await?;
        for (payout, entries) in looked_at.iter().filter_map(|(payout, paid)| Some((payout, paid.as_ref()?))) {
            gateways::itemise(tx, id, &payout.id, entries, now).await?;
        }
        Ok(changed)
    })?;
    Ok(changed)
}

async fn entries_of(stripe: &Stripe, payout: &Payout) -> anyhow::Result<Vec<String>> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = stripe.entry_ids_of(&payout.id, after.as_deref()).await?;
        ids.extend(page.items);
        match page.after {
            Some(last) => after = Some(last),
            None => return Ok(ids),
        }
    }
}
