//! Receivables: what is open and how old, the workbench of a payment, and a customer's account.

use super::{ApiError, reach::Reach};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    approval::ApprovalView,
    attempt::FailedPayment,
    dunning::Trigger,
    receivable::{
        AgingCell, ApplicationView, ArTie, CreditView, CustomerDifference, DirectPosting, Dso, MatchRates, OpenItemRow, SuggestionsView,
    },
    refund::{RefundPayable, RefundWay, RefundsPayable},
    roll_forward::RollForward,
    transfer::TransferView,
    view::Paged,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Days that match rates look back.
pub const RATE_DAYS: u64 = 30;
/// Rows of one page.
#[cfg(feature = "ssr")]
const PAGE: usize = 50;
/// Invoices that are offered for a payment, oldest first.
#[cfg(feature = "ssr")]
const CANDIDATES: usize = 60;
/// Customers whose balance differs that the AR tie lists.
pub const CUSTOMERS: i64 = 50;
/// Postings by other hands that the AR tie lists.
#[cfg(feature = "ssr")]
const DIRECT: i64 = 100;
/// Items of each kind on a customer's account.
pub const ACCOUNT: usize = 100;
/// Failed payments on it.
#[cfg(feature = "ssr")]
const FAILED: i64 = 50;
/// So many days it looks back for them.
#[cfg(feature = "ssr")]
const FAILED_DAYS: i64 = 90;

/// The filter of a list of open items as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemQuery {
    pub entity: Option<String>,
    /// Of a list of items: invoices, unless it says otherwise. Of the workbench: payments.
    pub kind: Option<String>,
    pub currency: Option<String>,
    pub status: Option<String>,
    pub band: Option<String>,
    pub customer: Option<String>,
    pub after: Option<String>,
}

impl ItemQuery {
    /// What filters; the place in the list does not.
    pub const KEYS: [&str; 6] = ["entity", "kind", "currency", "status", "band", "customer"];

    /// The filter that a URL holds.
    pub fn of<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let key = |key: &str| get(key).map(str::to_owned);
        Self {
            entity: key("entity"),
            kind: key("kind"),
            currency: key("currency"),
            status: key("status"),
            band: key("band"),
            customer: key("customer"),
            after: key("after"),
        }
    }
}

/// Money that is not applied, and how much the rules applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnappliedView {
    /// Ages are counted to this day.
    pub today: NaiveDate,
    pub cells: Vec<AgingCell>,
    pub rates: Vec<MatchRates>,
}

#[server(prefix = "/fn", endpoint = "get_unapplied")]
pub async fn get_unapplied(entity: Option<String>) -> Result<UnappliedView, ApiError> {
    use domain::{access::Action, stage::DocumentKind};
    use store::views::receivables;
    let (_, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let scope = super::arguments::scope_of(&ctx, &scope, entity.as_deref()).await?;
    let now = ctx.clock.now();
    let today = now.date_naive();
    Ok(UnappliedView {
        today,
        cells: receivables::aging(&ctx.pool, &scope, &[DocumentKind::Payment], today).await?,
        rates: receivables::rates(&ctx.pool, &scope, now - chrono::Days::new(RATE_DAYS)).await?,
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivablesView {
    pub today: NaiveDate,
    /// Of everything that can be open.
    pub cells: Vec<AgingCell>,
    pub tie: TieView,
    /// By entity, currency and period.
    pub rolled: Vec<RollForward>,
    /// Beside receivables, never inside.
    pub payable: Vec<RefundsPayable>,
}

/// Receivables beside the ERPs'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TieView {
    pub ties: Vec<ArTie>,
    /// What others entered in the ERPs' AR, oldest first.
    pub direct: Vec<DirectPosting>,
    /// Customers whose balance differs, the largest difference first.
    pub customers: Vec<CustomerDifference>,
    /// Over the last full months.
    pub dso: Vec<Dso>,
    pub dso_days: i64,
}

#[server(prefix = "/fn", endpoint = "get_receivables")]
pub async fn get_receivables(entity: Option<String>) -> Result<ReceivablesView, ApiError> {
    use chrono::Datelike;
    use domain::{access::Action, period::AccountingPeriod, stage::DocumentKind::*};
    use store::receivables::tie;
    let (_, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let scope = super::arguments::scope_of(&ctx, &scope, entity.as_deref()).await?;
    let today = ctx.clock.now().date_naive();
    let kinds = [Invoice, CreditMemo, Payment, Refund, ReturnedPayment, Chargeback, Transfer];
    let cells = store::views::receivables::aging(&ctx.pool, &scope, &kinds, today).await?;
    let last = AccountingPeriod::of(today).previous();
    let months = [last, last.previous(), last.previous().previous()];
    let tie = TieView {
        ties: tie::ties(&ctx.pool, &scope).await?,
        direct: tie::direct(&ctx.pool, &scope, DIRECT).await?,
        customers: tie::customers(&ctx.pool, &scope, CUSTOMERS).await?,
        dso: tie::dso(&ctx.pool, &scope, &months).await?,
        dso_days: months.iter().map(|month| i64::from(month.last_day().day())).sum(),
    };
    let rolled = store::receivables::roll_forward(&ctx.pool, &scope).await?;
    let payable = store::views::receivables::refunds_payable_totals(&ctx.pool, &scope).await?;
    Ok(ReceivablesView { today, cells, tie, rolled, payable })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItemsView {
    pub today: NaiveDate,
    pub kind: domain::stage::DocumentKind,
    /// Oldest first.
    pub items: Paged<OpenItemRow>,
    /// Of the kind, whatever else the filter says: what it can choose from.
    pub cells: Vec<AgingCell>,
}

#[server(prefix = "/fn", endpoint = "list_open_items")]
pub async fn list_open_items(#[server(default)] query: ItemQuery) -> Result<OpenItemsView, ApiError> {
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    ssr::items(&super::context(), &scope, &query, domain::stage::DocumentKind::Invoice).await
}

/// One payment or credit memo, with everything that helps to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bench {
    pub credit: CreditView,
    pub suggestions: Option<SuggestionsView>,
    /// Whose invoices are offered.
    pub customer: Option<String>,
    /// Oldest first; of the credit's entity and currency.
    pub candidates: Vec<OpenItemRow>,
    /// There are more than are offered.
    pub more: bool,
    pub applications: Vec<ApplicationView>,
    /// From where it can be refunded.
    pub ways: Vec<RefundWay>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkbenchView {
    pub list: OpenItemsView,
    /// What was asked for, else the first of the list.
    pub bench: Option<Bench>,
    pub reach: Reach,
}

/// The payments of a filter and one of them. `whose`: the customer, or a number of his, whose invoices are to be offered.
#[server(prefix = "/fn", endpoint = "get_workbench")]
pub async fn get_workbench(
    #[server(default)] query: ItemQuery,
    id: Option<String>,
    whose: Option<String>,
) -> Result<WorkbenchView, ApiError> {
    use super::reach::{entities, reach};
    use domain::{access::Action, id::DocumentId, stage::DocumentKind};
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let list = ssr::items(&ctx, &scope, &query, DocumentKind::Payment).await?;
    let asked: Option<DocumentId> = id.map(|id| id.parse().map_err(|_| ApiError::NotFound)).transpose()?;
    let bench = match asked.or_else(|| list.items.rows.first().map(|row| row.document_id)) {
        Some(id) => Some(ssr::bench(&ctx, &scope, id, whose.as_deref()).await?),
        None => None,
    };
    Ok(WorkbenchView { list, bench, reach: reach(&caller, &entities(&ctx).await?) })
}

/// Everything of one customer in one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    pub today: NaiveDate,
    pub entity_code: String,
    pub customer_code: String,
    /// Not known once nothing is open and nothing was applied.
    pub customer_name: Option<String>,
    pub cells: Vec<AgingCell>,
    /// Open ones, oldest first, of each kind so many.
    pub invoices: Vec<OpenItemRow>,
    pub credit_memos: Vec<OpenItemRow>,
    /// What is past due by a step, per currency.
    pub triggers: Vec<Trigger>,
    /// Payments through gateways that failed in the last ninety days, the latest first.
    pub failed: Vec<FailedPayment>,
    pub now: DateTime<Utc>,
    pub money: Vec<OpenItemRow>,
    /// Agreed, and not paid out.
    pub payable: Vec<RefundPayable>,
    /// To him and from him, newest first.
    pub transfers: Vec<TransferView>,
    /// What of his credits waits for an approver.
    pub waiting: Vec<ApprovalView>,
    /// Newest first.
    pub applications: Vec<ApplicationView>,
    pub reach: Reach,
}

#[server(prefix = "/fn", endpoint = "get_customer")]
pub async fn get_customer(entity: String, customer: String) -> Result<CustomerView, ApiError> {
    use super::arguments::page;
    use super::reach::{entities, reach};
    use chrono::TimeDelta;
    use domain::{access::Action, stage::DocumentKind::*};
    use store::views::{
        attempts::{self, Of},
        receivables,
    };
    let (caller, scope) = super::require(Action::ReadFinance)?;
    if entity.is_empty() || customer.is_empty() {
        return Err(ApiError::NotFound);
    }
    let ctx = super::context();
    let scope = super::arguments::scope_of(&ctx, &scope, Some(&entity)).await?;
    let now = ctx.clock.now();
    let today = now.date_naive();
    let invoices = ssr::of_customer(&ctx, &scope, &customer, Invoice).await?;
    let credit_memos = ssr::of_customer(&ctx, &scope, &customer, CreditMemo).await?;
    let named = invoices.iter().chain(&credit_memos).map(|row| row.customer_name.clone()).next();
    Ok(CustomerView {
        today,
        customer_name: named,
        cells: receivables::of_customer(&ctx.pool, &scope, &customer, today).await?,
        money: ssr::of_customer(&ctx, &scope, &customer, Payment).await?,
        triggers: ssr::triggers_of(&ctx, &scope, &customer).await?,
        failed: attempts::failed(&ctx.pool, &scope, Of::Customer(&customer), now - TimeDelta::days(FAILED_DAYS), FAILED).await?,
        now,
        payable: receivables::refunds_payable(&ctx.pool, &scope, &customer).await?,
        transfers: receivables::transfers_of_customer(&ctx.pool, &scope, &customer, page(ACCOUNT)).await?,
        waiting: store::approvals::open_of_customer(&ctx.pool, &scope, &customer).await?,
        applications: receivables::applications_of_customer(&ctx.pool, &scope, &customer).await?,
        reach: reach(&caller, &entities(&ctx).await?),
        entity_code: entity,
        customer_code: customer,
        invoices,
        credit_memos,
    })
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{ACCOUNT, ApiError, Bench, CANDIDATES, ItemQuery, OpenItemsView, PAGE};
    use crate::api::arguments::{page, paged, scope_of, word};
    use domain::{
        access::Scope,
        dunning::Trigger,
        id::DocumentId,
        receivable::{AgeBand, CreditView, OpenItemRow, SuggestionsView},
        refund::RefundWay,
        stage::{DocumentKind, Side},
    };
    use pipeline::Context;
    use store::{
        receivables::{TriggerFilter, triggers},
        views::receivables::{self, Filter},
    };

    pub async fn triggers_of(ctx: &Context, scope: &Scope, customer: &str) -> Result<Vec<Trigger>, ApiError> {
        let filter = TriggerFilter { customer: Some(customer.to_owned()), ..TriggerFilter::default() };
        Ok(triggers(&ctx.pool, scope, &filter, page(ACCOUNT)).await?)
    }

    pub async fn items(ctx: &Context, scope: &Scope, query: &ItemQuery, otherwise: DocumentKind) -> Result<OpenItemsView, ApiError> {
        let scope = scope_of(ctx, scope, query.entity.as_deref()).await?;
        let today = ctx.clock.now().date_naive();
        let kind = word("kind", query.kind.as_deref())?.unwrap_or(otherwise);
        if kind.is_application() {
            return Err(ApiError::invalid("kind", "An application is never open."));
        }
        let band: Option<AgeBand> = word("band", query.band.as_deref())?;
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let filter = Filter {
            kind,
            currency: set(&query.currency),
            status: word("status", query.status.as_deref())?,
            aged_from: band.map_or((None, None), |band| band.aged_from(kind, today)),
            customer: set(&query.customer),
            after: place(query.after.as_deref())?,
        };
        let rows = receivables::list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
        let items = paged(rows, PAGE, |row| format!("{}~{}", row.aged_from, row.document_id));
        let cells = receivables::aging(&ctx.pool, &scope, &[kind], today).await?;
        Ok(OpenItemsView { today, kind, items, cells })
    }

    /// A cursor of day and id: `2026-10-31~0198…`.
    fn place(text: Option<&str>) -> Result<Option<(chrono::NaiveDate, DocumentId)>, ApiError> {
        let bad = || ApiError::invalid("after", "is no place in this list");
        text.filter(|text| !text.is_empty())
            .map(|text| {
                let (day, id) = text.split_once('~').ok_or_else(bad)?;
                Ok((day.parse().map_err(|_| bad())?, id.parse().map_err(|_| bad())?))
            })
            .transpose()
    }

    pub async fn bench(ctx: &Context, scope: &Scope, id: DocumentId, whose: Option<&str>) -> Result<Bench, ApiError> {
        // who paid was said meanwhile: an old address leads to the new version
        let id = receivables::live_version(&ctx.pool, scope, id).await?.ok_or(ApiError::NotFound)?;
        let item = receivables::find(&ctx.pool, scope, id).await?.filter(|item| item.kind.side() == Some(Side::Credit));
        let item = item.ok_or(ApiError::NotFound)?;
        let own = scope.narrowed(&[item.entity_id]);
        let line = receivables::bank_line(&ctx.pool, &own, id).await?;
        let suggestions = pipeline::cash::suggestions(ctx, scope, &item).await?;
        let customer = customer(ctx, &own, &item, suggestions.as_ref(), whose).await?;
        let mut candidates = match &customer {
            Some(customer) => offered(ctx, &own, customer, &item).await?,
            None => Vec::new(),
        };
        let more = candidates.len() > CANDIDATES;
        candidates.truncate(CANDIDATES);
        let applications = receivables::settlement(&ctx.pool, &own, id).await?.applications;
        let ways = ways(ctx, &own, id).await?;
        Ok(Bench { credit: CreditView { item, line }, suggestions, customer, candidates, more, applications, ways })
    }

    async fn ways(ctx: &Context, scope: &Scope, credit: DocumentId) -> Result<Vec<RefundWay>, ApiError> {
        let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
        let ways = store::receivables::refund_ways(&mut conn, scope, credit).await?;
        Ok(ways.into_iter().map(RefundWay::from).collect())
    }

    /// Whose invoices are offered: who was asked for, who paid, or who probably did.
    async fn customer(
        ctx: &Context,
        scope: &Scope,
        item: &OpenItemRow,
        suggestions: Option<&SuggestionsView>,
        whose: Option<&str>,
    ) -> Result<Option<String>, ApiError> {
        if let Some(asked) = whose.map(str::trim).filter(|asked| !asked.is_empty()) {
            let of_number = receivables::customer_of(&ctx.pool, scope, asked).await?;
            return Ok(Some(of_number.unwrap_or_else(|| asked.to_owned())));
        }
        let known = Some(item.customer_code.clone()).filter(|code| !code.is_empty());
        let probable = || suggestions?.suggestions.iter().find_map(|suggestion| suggestion.customer.clone()).map(|(code, _)| code);
        Ok(known.or_else(probable))
    }

    /// Money that went back and credit memos beside a payment first, which are rare, then invoices.
    async fn offered(ctx: &Context, scope: &Scope, customer: &str, credit: &OpenItemRow) -> Result<Vec<OpenItemRow>, ApiError> {
        let mut offered = Vec::new();
        let deducted = (credit.kind == DocumentKind::Payment).then_some(DocumentKind::CreditMemo);
        for kind in DocumentKind::MONEY_BACK.into_iter().chain(deducted).chain([DocumentKind::Invoice]) {
            let filter = Filter { currency: Some(credit.currency.clone()), ..of(customer, kind) };
            offered.extend(receivables::list(&ctx.pool, scope, &filter, page(CANDIDATES)).await?);
        }
        Ok(offered)
    }

    pub async fn of_customer(ctx: &Context, scope: &Scope, customer: &str, kind: DocumentKind) -> Result<Vec<OpenItemRow>, ApiError> {
        Ok(receivables::list(&ctx.pool, scope, &of(customer, kind), i64::try_from(ACCOUNT).unwrap_or(i64::MAX)).await?)
    }

    fn of(customer: &str, kind: DocumentKind) -> Filter {
        Filter { kind, currency: None, status: None, aged_from: (None, None), customer: Some(customer.to_owned()), after: None }
    }
}
