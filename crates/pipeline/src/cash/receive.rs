//! Money in: booked lines of imported statements become payments, and payments and credit memos are applied to what they settle where
//! the rules are sure. What they are not sure of is suggested to people. Lines that a gateway's payout brought are no payments: they are
//! tied to their payout.

use super::{
    book::Ledger,
    give::{Decider, Given, take},
    money::{self, MoneyBatch, Move},
    refund, returned, rules,
};
use crate::{Context, retry::transaction};
use domain::{
    access::Actor,
    id::{DocumentId, EntityId, StatementId},
    stage::DocumentKind,
};
use matching::{
    decide_all,
    decision::{Decision, Proposal, Verdict},
    payer_of,
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use store::{
    Result, Tx,
    batches::ManifestLine,
    gateways,
    receivables::{self, MatchRun, NewAlias, NewSuggestion, Origin, Receipt, StatementReceipts},
};
use uuid::Uuid;

/// Statements that one run receives.
const STATEMENTS: i64 = 200;
/// Credit memos that one run applies.
const CREDITS: i64 = 2_000;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    pub payments: usize,
    pub applied: usize,
    pub suggested: usize,
    pub credits: usize,
    /// Lines that gateways' payouts brought or took.
    pub payouts: usize,
    /// Payments that the bank took back.
    pub returned: usize,
}

impl std::ops::AddAssign for Received {
    fn add_assign(&mut self, other: Self) {
        self.payments += other.payments;
        self.applied += other.applied;
        self.suggested += other.suggested;
        self.credits += other.credits;
        self.payouts += other.payouts;
        self.returned += other.returned;
    }
}

/// Receives and applies the money of an entity until nothing is left that the rules are sure of.
pub async fn receive(cx: &Context, entity: EntityId) -> anyhow::Result<Received> {
    let mut all = Received::default();
    loop {
        let ran = transaction!(&cx.pool, |tx| run(cx, tx, entity).await.map_err(overtaken))?;
        let suggested = ran.suggested;
        all += ran;
        all.suggested = suggested;
        if ran.payments == 0 && ran.credits == 0 && ran.payouts == 0 {
            return Ok(all);
        }
    }
}

/// Somebody applied the same item meanwhile: the next try sees it.
pub(super) fn overtaken(error: store::Error) -> store::Error {
    if error.is_conflict_on("open_item_is_not_overallocated") { store::Error::Serialization } else { error }
}

async fn run(cx: &Context, tx: &mut Tx, entity: EntityId) -> Result<Received> {
    receivables::lock_entity(tx, entity).await?;
    let decider = Decider::of(cx, tx, entity, Actor::System("cash".into())).await?;
    let credits = apply_credits(tx, &decider).await?;
    let (statements, payouts) = statements(tx, &decider).await?;
    let pass = Pass::decide(tx, &decider, &statements).await?;
    let payments = pass.enter_payments(tx, &decider, &statements).await?;
    let applied = pass.apply(tx, &decider, &payments).await?;
    let suggested = pass.suggest(tx, &decider).await?;
    let returned = returned::take_returns(tx, &decider, &statements).await?;
    refund::tie_lines(tx, &decider).await?;
    if pass.fresh > 0 {
        receivables::record_run(tx, entity, pass.rules(), decider.at, &pass.totals()).await?;
    }
    Ok(Received { payments: pass.fresh, applied, suggested, credits, payouts, returned })
}

/// Statements to be received, and how many of their lines payouts brought: those are set apart before the rest is counted.
async fn statements(tx: &mut Tx, decider: &Decider) -> Result<(Vec<StatementReceipts>, usize)> {
    let new: Vec<StatementId> =
        receivables::to_receive(tx, decider.entity, STATEMENTS).await?.iter().map(|statement| statement.statement_id).collect();
    let payouts = gateways::recognise(tx, &new, decider.at).await?;
    gateways::tie(tx, decider.entity, decider.at).await?;
    let statements = receivables::to_receive(tx, decider.entity, STATEMENTS).await?;
    Ok((statements, usize::try_from(payouts).unwrap_or(usize::MAX)))
}

/// Credit memos that name their invoice settle it; when it is paid and the money was refunded, the refund consumes them.
async fn apply_credits(tx: &mut Tx, decider: &Decider) -> Result<usize> {
    let mut credits = receivables::credits_to_apply(tx, decider.entity, CREDITS).await?;
    if credits.is_empty() {
        credits = receivables::credits_for_refunds(tx, decider.entity, CREDITS).await?;
    }
    let given: Vec<Given> = credits
        .into_iter()
        .map(|credit| Given {
            reason: credit.reason(),
            credit_id: credit.credit_id,
            credit_number: credit.credit_number,
            customer: (credit.customer_code, credit.customer_name),
            currency: credit.currency,
            debits: vec![(credit.debit_id, credit.debit_number, credit.amount.normalize())],
            reverses: None,
            decided_by: None,
            score: None,
            rules: None,
        })
        .collect();
    decider.give(tx, Vec::new(), &given).await?;
    Ok(given.len())
}

/// Money with what was decided about it. The first `fresh` are lines that are no payments yet.
struct Pass {
    money: Vec<(DocumentId, Receipt)>,
    decisions: Vec<Decision>,
    /// Code and name of who surely paid.
    payers: Vec<Option<(String, String)>>,
    ledger: Ledger,
    fresh: usize,
}

impl Pass {
    async fn decide(tx: &mut Tx, decider: &Decider, statements: &[StatementReceipts]) -> Result<Self> {
        let ids: Vec<StatementId> = statements.iter().map(|statement| statement.statement_id).collect();
        let lines = receivables::receipts(tx, &ids).await?;
        let fresh = lines.len();
        let kept = receivables::open_money(tx, decider.entity).await?;
        let money: Vec<(DocumentId, Receipt)> =
            lines.into_iter().chain(kept).map(|money| (money.document_id.unwrap_or_else(|| DocumentId(Uuid::now_v7())), money)).collect();
        let mut ledger = Ledger::load(tx, decider.entity, &decider.country, decider.today).await?;
        let rules = rules::in_force(tx, decider.entity).await?;
        let receipts = money.iter().map(|(id, money)| ledger.receipt(*id, money)).collect::<Result<Vec<_>>>()?;
        let payers = receipts.iter().map(|receipt| ledger.customer(payer_of(&ledger.book, receipt)?).cloned()).collect();
        // a large book takes a second: nobody else's work waits for it
        let deciding = tokio::task::spawn_blocking(move || {
            let decisions = decide_all(&mut ledger.book, &rules, &receipts);
            (ledger, decisions)
        });
        let (ledger, decisions) = deciding.await.map_err(|error| store::DriverError::Io(std::io::Error::other(error)))?;
        Ok(Self { money, decisions, payers, ledger, fresh })
    }

    fn rules(&self) -> i32 {
        self.decisions.first().map_or(0, |decision| i32::try_from(decision.rules).unwrap_or_default())
    }

    /// Who paid: the customer of what it settles, or who surely paid.
    fn customer(&self, at: usize) -> Option<(String, String)> {
        let settled = self.decisions[at].confirmed().and_then(|best| self.ledger.items.get(&DocumentId(best.allocations.first()?.item.0)));
        let of_item = settled.and_then(|item| self.ledger.named(&item.customer_code));
        of_item.cloned().or_else(|| self.payers[at].clone())
    }

    /// Enters the lines as payments, a batch per statement, and holds those whose payer is not known. Returns the number of each
    /// payment, those from before included.
    async fn enter_payments(
        &self,
        tx: &mut Tx,
        decider: &Decider,
        statements: &[StatementReceipts],
    ) -> Result<HashMap<DocumentId, String>> {
        let mut numbers = receivables::numbers(tx, &self.money[self.fresh..].iter().map(|(id, _)| *id).collect::<Vec<_>>()).await?;
        let mut lines_of = self.lines_of_statements();
        for statement in statements {
            let Some(lines) = lines_of.remove(&statement.statement_id) else { continue };
            let manifest = ManifestLine {
                currency: statement.currency,
                kind: DocumentKind::Payment,
                count: statement.count,
                total: statement.total,
                tax: Decimal::ZERO,
            };
            let batch = MoneyBatch {
                kind: DocumentKind::Payment,
                source: "bank",
                day: statement.last_day,
                reason: format!("received on account {}", domain::statement::masked(&statement.account)),
                manifest: vec![manifest],
                moves: lines.into_iter().map(|at| self.movement(at)).collect(),
            };
            let documents = money::enter(tx, decider, batch).await?;
            numbers.extend(documents.into_iter().map(|(id, content)| (id, content.number)));
        }
        let ids: Vec<StatementId> = statements.iter().map(|statement| statement.statement_id).collect();
        receivables::mark_received(tx, &ids, decider.at).await?;
        Ok(numbers)
    }

    /// Places of the fresh lines, by their statement.
    fn lines_of_statements(&self) -> HashMap<StatementId, Vec<usize>> {
        let mut lines: HashMap<StatementId, Vec<usize>> = HashMap::new();
        for (at, (_, money)) in self.money[..self.fresh].iter().enumerate() {
            if let Origin::Line(id, _) = money.origin {
                lines.entry(id).or_default().push(at);
            }
        }
        lines
    }

    fn movement(&self, at: usize) -> Move<'_> {
        let (id, receipt) = &self.money[at];
        let customer = self.customer(at).unwrap_or_else(|| (String::new(), receipt.payer_name.clone().unwrap_or_default()));
        Move { id: *id, receipt, customer }
    }

    /// Applies what the rules are sure of. Money whose payer was not known before keeps waiting for a person.
    async fn apply(&self, tx: &mut Tx, decider: &Decider, numbers: &HashMap<DocumentId, String>) -> Result<usize> {
        let mut given = Vec::new();
        let mut payers = Vec::new();
        for (at, (id, money)) in self.money.iter().enumerate().filter(|(at, _)| self.applies(*at)) {
            let Some(best) = self.decisions[at].confirmed() else { continue };
            let number = numbers.get(id).cloned().unwrap_or_default();
            let parts = self.parts((*id, number), money, best, &self.decisions[at]);
            payers.extend(parts.last().map(|part| (given.len() + parts.len() - 1, money, part.customer.0.clone())));
            given.extend(parts);
        }
        let made = decider.give(tx, Vec::new(), &given).await?;
        let aliases: Vec<NewAlias<'_>> = payers
            .iter()
            .filter_map(|(place, money, customer)| {
                let value = money.payer_account.as_deref()?;
                Some(NewAlias { kind: "account", value, customer_code: customer, application: made[*place] })
            })
            .collect();
        receivables::learn(tx, decider.entity, &aliases, &decider.actor.to_string(), decider.at).await?;
        Ok(made.len())
    }

    fn applies(&self, at: usize) -> bool {
        let (_, money) = &self.money[at];
        self.decisions[at].verdict == Verdict::Confirm && (at < self.fresh || !money.customer_code.is_empty() && !money.taken_back)
    }

    /// What a confirmed decision gives: credit memos that the payer deducted first, then the money.
    fn parts(&self, payment: (DocumentId, String), money: &Receipt, best: &Proposal, decision: &Decision) -> Vec<Given> {
        let item = |id: matching::model::ItemId| self.ledger.items.get(&DocumentId(id.0));
        let mut owed: Vec<(DocumentId, String, Decimal)> = Vec::new();
        let mut credits: Vec<(DocumentId, String, Decimal)> = Vec::new();
        for allocation in &best.allocations {
            let Some(item) = item(allocation.item) else { continue };
            let amount = allocation.amount.decimal();
            let side = if amount.is_sign_negative() { &mut credits } else { &mut owed };
            side.push((item.document_id, item.number.clone(), amount.abs()));
        }
        let customer =
            best.allocations.first().and_then(|first| self.ledger.named(&item(first.item)?.customer_code)).cloned().unwrap_or_default();
        credits.push((
            payment.0,
            payment.1,
            owed.iter().map(|(.., amount)| amount).sum::<Decimal>() - credits.iter().map(|(.., amount)| amount).sum::<Decimal>(),
        ));
        let reason = decision.reasons().join(" ");
        credits
            .into_iter()
            .map(|(credit_id, credit_number, amount)| Given {
                credit_id,
                credit_number,
                customer: customer.clone(),
                currency: money.currency,
                debits: take(&mut owed, amount),
                reverses: None,
                decided_by: None,
                reason: reason.clone(),
                score: Some(best.score),
                rules: i32::try_from(decision.rules).ok(),
            })
            .collect()
    }

    /// Keeps what the rules say of all money that is left.
    async fn suggest(&self, tx: &mut Tx, decider: &Decider) -> Result<usize> {
        let mut new = Vec::new();
        for (place, (id, _)) in self.money.iter().enumerate().filter(|(place, _)| !self.applies(*place)) {
            let decision = &self.decisions[place];
            let verdict = if decision.proposals.is_empty() { "nothing" } else { "suggest" };
            let kept = serde_json::to_value(decision).map_err(|error| store::DriverError::Encode(error.into()))?;
            new.push(NewSuggestion { document_id: *id, verdict, decision: kept, score: decision.best().map(|best| best.score) });
        }
        receivables::suggest(tx, decider.entity, &new, decider.at).await?;
        Ok(new.len())
    }

    /// How the new money went, by currency.
    fn totals(&self) -> Vec<MatchRun> {
        let mut totals: BTreeMap<String, MatchRun> = BTreeMap::new();
        for (at, (_, money)) in self.money[..self.fresh].iter().enumerate() {
            let currency = money.currency.to_string();
            let total = totals.entry(currency.clone()).or_insert_with(|| MatchRun { currency, ..MatchRun::default() });
            total.lines += 1;
            total.received += money.amount;
            if let Some(best) = self.decisions[at].confirmed() {
                total.confirmed += 1;
                total.in_full += i32::from(best.residual.minor == 0);
                total.applied += money.amount - best.residual.decimal().max(Decimal::ZERO);
                total.items += i32::try_from(best.allocations.len()).unwrap_or(i32::MAX);
            }
        }
        totals.into_values().collect()
    }
}
