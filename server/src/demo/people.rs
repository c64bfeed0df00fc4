//! What people of the company did in its past: worked on exceptions, alone and with a second person.

use super::{
    accounts::Account,
    company::ACCOUNTS,
    troubles::{Episode, Remedy},
};
use anyhow::Context as _;
use domain::{
    access::{Action, Caller, Role, Scope},
    id::{ConnectionId, DocumentId, ExceptionId},
    mapping::MappingKind,
    replay::ReplayState,
    view::ExceptionRow,
};
use pipeline::{
    Context,
    erps::Erps,
    workbench::{
        self, Resolved, approve,
        bulk::{self, Chosen, Edit},
        mappings::{self, Proposed},
        replay, resolve,
    },
};
use std::collections::BTreeMap;
use store::{
    bulk::Reach,
    notices::Watched,
    replays::{self, Source},
    views::exceptions::{self, Filter},
};

/// More than the company ever has open.
const EXCEPTIONS_MAX: i64 = 1_000_000;

/// One person per role.
pub struct People(BTreeMap<Role, Caller>);

impl People {
    pub fn new(people: BTreeMap<Role, Caller>) -> Self {
        Self(people)
    }

    fn who(&self, role: Role) -> anyhow::Result<&Caller> {
        self.0.get(&role).with_context(|| format!("the company has no {role}"))
    }

    fn may(&self, role: Role, action: Action) -> anyhow::Result<(&Caller, Scope)> {
        let caller = self.who(role)?;
        Ok((caller, caller.scope(action)))
    }

    /// Takes an episode up: its exceptions get an owner, and the first one a word.
    pub async fn look_at(&self, cx: &Context, episode: &Episode, word: &str) -> anyhow::Result<Vec<ExceptionRow>> {
        let (caller, scope) = self.may(Role::ArSpecialist, Action::WorkExceptions)?;
        let mut open = exceptions::list(&cx.pool, &scope, &Filter::default(), EXCEPTIONS_MAX).await?;
        open.retain(|row| episode.numbers.contains(&row.number));
        let ids: Vec<ExceptionId> = open.iter().map(|row| row.exception_id).collect();
        if let Some(first) = ids.first() {
            let reach = Reach { seen: &scope, works: &scope };
            bulk::edit(cx, caller, reach, Chosen::Listed(&ids), Edit::Assign(&caller.email)).await?;
            workbench::comment(cx, caller, &scope, *first, word).await?;
        }
        Ok(open)
    }

    /// A change that was not meant so, seen by two people.
    pub async fn slip(&self, cx: &Context, episode: &Episode) -> anyhow::Result<()> {
        match &episode.slip {
            Some(Remedy::Map { kind, code, to }) => self.map(cx, ACCOUNTS[episode.account].code, *kind, code, to).await,
            _ => Ok(()),
        }
    }

    /// The controller is asked about an episode, and wants to hear how it goes on.
    pub async fn ask(&self, cx: &Context, episode: &Episode) -> anyhow::Result<()> {
        let word = "Asked the owner of the source; waiting for an answer. @grace, does it hold up your close?";
        let open = self.look_at(cx, episode, word).await?;
        let (controller, scope) = self.may(Role::Controller, Action::ReadFinance)?;
        if let Some(first) = open.first() {
            workbench::watch(cx, controller, &scope, Watched::Cause(&first.fingerprint), true).await?;
        }
        Ok(())
    }

    /// Removes the cause of an episode.
    pub async fn deal_with(&self, cx: &Context, erps: &Erps, account: &Account, episode: &Episode, remedy: &Remedy) -> anyhow::Result<()> {
        let open = self.look_at(cx, episode, word(remedy)).await?;
        if open.is_empty() {
            return Ok(());
        }
        match remedy {
            Remedy::Map { kind, code, to } => self.map(cx, ACCOUNTS[episode.account].code, *kind, code, to).await?,
            Remedy::Reopen(period) => account.set_period(*period, false).await?,
            Remedy::Resolve(reason) => return self.resolve(cx, &open, reason).await,
        }
        self.replay(cx, erps, &open, word(remedy)).await
    }

    /// The operator freezes what was taken up, above his limit the approver lets it run.
    async fn replay(&self, cx: &Context, erps: &Erps, open: &[ExceptionRow], title: &str) -> anyhow::Result<()> {
        let (operator, scope) = self.may(Role::Operator, Action::Replay)?;
        let (approver, theirs) = self.may(Role::Approver, Action::Approve)?;
        let documents: Vec<DocumentId> = open.iter().map(|row| row.document_id).collect();
        let set = replay::prepare(cx, operator, &scope, Source::Documents(&documents), title).await?;
        let found = replays::find(&cx.pool, &scope, set).await?.context("the replay is not there")?;
        if found.state == ReplayState::Waiting {
            replay::decide(cx, approver, &theirs, set, true, Some("Seen with the mapping.")).await?;
        }
        replay::run(cx, erps, set).await?;
        Ok(())
    }

    async fn map(&self, cx: &Context, connection: &str, kind: MappingKind, code: &str, to: &str) -> anyhow::Result<()> {
        let (controller, scope) = self.may(Role::Controller, Action::EditMapping)?;
        let found = store::connections::list(&cx.pool).await?.into_iter().find(|known| known.code == connection);
        let id: ConnectionId = found.with_context(|| format!("there is no connection {connection}"))?.connection_id;
        if mappings::propose(cx, controller, &scope, id, kind, code, to).await? == Proposed::Active {
            return Ok(());
        }
        let (approver, scope) = self.may(Role::Approver, Action::Approve)?;
        let waiting = store::mappings::proposals(&cx.pool, &scope, i64::MAX).await?;
        let proposal = waiting.iter().find(|row| row.connection_id == id && row.kind == kind && row.source_code == code);
        mappings::decide(cx, approver, &scope, proposal.context("the proposal is not there")?.mapping_id, true).await?;
        Ok(())
    }

    async fn resolve(&self, cx: &Context, open: &[ExceptionRow], reason: &str) -> anyhow::Result<()> {
        let (specialist, scope) = self.may(Role::ArSpecialist, Action::Resolve)?;
        let (approver, theirs) = self.may(Role::Approver, Action::Approve)?;
        for row in open {
            if let Resolved::Requested(approval) = resolve::resolve(cx, specialist, &scope, row.exception_id, reason).await? {
                approve::decide(cx, approver, &theirs, approval, true, Some("Agreed, seen with the source.")).await?;
            }
        }
        Ok(())
    }
}

fn word(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::Map { kind: MappingKind::Customer, .. } => "The customer is set up in NetSuite now; mapping it.",
        Remedy::Map { .. } => "The code was mapped to nothing that NetSuite has; mapping it again.",
        Remedy::Reopen(_) => "Late, but below the threshold: the period is opened for it once more.",
        Remedy::Resolve(_) => "The month stays closed; the source reissues it.",
    }
}
