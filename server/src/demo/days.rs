//! The past, driven day by day: batches come in, the workers do what is due, nights bring read-back and comparison, people
//! and other hands do their part. Nothing is written here but by the program itself.

use super::{
    accounts::Account,
    bank,
    calendar::{ERP_CLOSES_ON, HARD_CLOSE_ON, after, local, night_after, working_day},
    company::{ACCOUNTS, ENTITIES},
    gateways::Gateway,
    hands,
    people::People,
    plan::{Batch, MAINTAINED, Plan},
    travel::TravelClock,
    troubles::Remedy,
};
use anyhow::{Context as _, ensure};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use domain::{
    access::{Actor, Scope},
    checkpoint::Checkpoint,
    clock::Clock,
    id::EntityId,
    period::{AccountingPeriod, PeriodState},
    view::ImportOutcome,
};
use pipeline::{Context, cash, erps::Erps, gateways, import, posting, readback, reconcile};
use simulators::netsuite::{FaultKind, FaultRule, On};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
    sync::{Arc, Mutex, PoisonError},
};

/// How much is waited for at once: what is due within it is done together.
const STEP: TimeDelta = TimeDelta::seconds(30);
/// While an ERP is down, looking at it often shows nothing new.
const MAINTENANCE_STEP: TimeDelta = TimeDelta::minutes(45);
/// Somebody enters documents so long before their batch comes.
const ENTERED_BEFORE: TimeDelta = TimeDelta::hours(2);

/// What happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    OpenMonth(AccountingPeriod),
    ErpCloses(AccountingPeriod),
    HardClose(AccountingPeriod),
    Enter(usize),
    /// Refused, because its manifest does not add up; the right one follows.
    Misdeliver(usize),
    Deliver(usize),
    /// The same file again.
    Redeliver(usize),
    TokenExpires,
    Maintenance(bool),
    Slip(usize),
    LookAt(usize),
    DealWith(usize),
    Hands,
    Night(usize),
    /// The banks' statements of a day, the next morning.
    Statements(chrono::NaiveDate),
}

pub struct Drive<'a> {
    pub cx: &'a Context,
    pub clock: &'a TravelClock,
    pub plan: &'a Plan,
    pub accounts: &'a [Account],
    pub gateways: &'a [Gateway],
    pub banks: Mutex<bank::Books>,
    pub entities: &'a [EntityId],
    pub people: &'a People,
    pub erps: &'a Erps,
    pub worker: &'a Arc<str>,
}

impl Drive<'_> {
    /// From the first day to the end of yesterday.
    pub async fn run(&self) -> anyhow::Result<()> {
        let end = self.plan.calendar.end();
        for account in self.accounts {
            account.ordinary_faults().await?;
        }
        let mut step = STEP;
        for (at, event) in self.events()? {
            self.until(at.min(end), step).await?;
            if let Event::Maintenance(begins) = event {
                step = if begins { MAINTENANCE_STEP } else { STEP };
            }
            self.happen(event).await.with_context(|| format!("{event:?} on {at}"))?;
        }
        self.until(end, STEP).await?;
        for account in self.accounts {
            account.no_faults().await?;
        }
        Ok(())
    }

    fn events(&self) -> anyhow::Result<Vec<(DateTime<Utc>, Event)>> {
        let calendar = &self.plan.calendar;
        let noon = |date: chrono::NaiveDate, hour: i64| date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(hour);
        let mut events = Vec::new();
        for period in calendar.periods() {
            let next = period.next();
            events.push((noon(working_day(next, ERP_CLOSES_ON), 23), Event::ErpCloses(period)));
            events.push((noon(working_day(next, HARD_CLOSE_ON), 23), Event::HardClose(period)));
        }
        let (refused, repeated, expired) = (self.plan.batches.len() / 3, self.plan.batches.len() / 2, self.plan.batches.len() / 4);
        for (place, batch) in self.plan.batches.iter().enumerate() {
            events.push((batch.at - ENTERED_BEFORE, Event::Enter(place)));
            events.push((batch.at, Event::Deliver(place)));
            if place == refused {
                events.push((batch.at - TimeDelta::minutes(25), Event::Misdeliver(place)));
            }
            if place == repeated {
                events.push((batch.at + TimeDelta::minutes(40), Event::Redeliver(place)));
            }
            if place == expired {
                events.push((batch.at - TimeDelta::minutes(1), Event::TokenExpires));
            }
        }
        for (place, episode) in self.plan.troubles.episodes.iter().enumerate() {
            if episode.slip.is_some() {
                events.push((local(episode.first_day, 8, 0, "Europe/Berlin")?, Event::Slip(place)));
            }
            match &episode.remedy {
                Some((date, _)) => events.push((local(*date, 9, 30, "Europe/Berlin")?, Event::DealWith(place))),
                None => events.push((local(after(episode.last_day, 2), 10, 15, "Europe/Berlin")?, Event::LookAt(place))),
            }
        }
        for (place, day) in calendar.days.iter().enumerate() {
            // the second of two days in a row is read back with the first
            let goes_on =
                calendar.days.get(place + 1).is_some_and(|next| day.date.succ_opt() == Some(next.date) && day.period() == next.period());
            if !goes_on {
                events.push((night_after(day.date), Event::Night(place)));
            }
        }
        let days = calendar.start().iter_days().take_while(|date| *date < calendar.today);
        events.extend(days.map(|date| (noon(date, 30), Event::Statements(date))));
        if let [.., day, _] = calendar.days.as_slice() {
            events.push((noon(day.date, 15), Event::Hands));
        }
        let (from, until) = self.plan.maintenance();
        events.extend([(from, Event::Maintenance(true)), (until, Event::Maintenance(false))]);
        // of what would come later only the last night is still done, at the end
        let end = calendar.end();
        events.retain(|(at, event)| *at < end || matches!(event, Event::Night(_) | Event::Statements(_)));
        for period in
            calendar.periods().into_iter().chain([AccountingPeriod::of(calendar.today), AccountingPeriod::of(calendar.today).next()])
        {
            events.push((noon(calendar.start(), 0), Event::OpenMonth(period)));
        }
        events.sort_unstable();
        events.dedup();
        Ok(events)
    }

    /// Lets time pass; what becomes due on the way is done.
    async fn until(&self, at: DateTime<Utc>, step: TimeDelta) -> anyhow::Result<()> {
        while let Some(due) = store::demo::next_due(&self.cx.pool).await? {
            let now = self.clock.now();
            if due.max(now) >= at {
                break;
            }
            self.clock.advance_to((due.max(now) + step).min(at));
            self.work().await?;
        }
        self.clock.advance_to(at);
        Ok(())
    }

    /// The posting workers, one per ERP account.
    async fn work(&self) -> anyhow::Result<()> {
        let [us, eu] = ACCOUNTS.map(|account| self.erps.only(account.code));
        let of = |erps| async move { posting::worker::drain(self.cx, erps, self.worker).await };
        futures::try_join!(of(&us), of(&eu))?;
        Ok(())
    }

    async fn happen(&self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::OpenMonth(period) => self.set_periods(period, PeriodState::Open).await,
            Event::HardClose(period) => self.set_periods(period, PeriodState::HardClosed).await,
            Event::ErpCloses(period) => self.erp_period(period, true).await,
            Event::Enter(place) => hands::enter(self.plan, self.accounts, &self.plan.batches[place]).await,
            Event::Misdeliver(place) => {
                let mut file = self.plan.batches[place].file();
                file["manifest"][0]["count"] = (file["manifest"][0]["count"].as_i64().unwrap_or(0) + 1).into();
                self.deliver(&self.plan.batches[place], &file, ImportOutcome::Refused).await
            }
            Event::Deliver(place) => {
                self.deliver(&self.plan.batches[place], &self.plan.batches[place].file(), ImportOutcome::Imported).await?;
                self.work().await
            }
            Event::Redeliver(place) => {
                self.deliver(&self.plan.batches[place], &self.plan.batches[place].file(), ImportOutcome::Unchanged).await
            }
            Event::TokenExpires => self.accounts[0].fault(fault(FaultKind::TokenExpired, On::Write, Some(1))).await,
            Event::Maintenance(begins) => self.maintain(begins).await,
            Event::Slip(place) => self.people.slip(self.cx, &self.plan.troubles.episodes[place]).await,
            Event::LookAt(place) => self.people.ask(self.cx, &self.plan.troubles.episodes[place]).await,
            Event::DealWith(place) => self.deal_with(place).await,
            Event::Hands => hands::interfere(self.plan, self.accounts, self.clock.now().date_naive()).await,
            Event::Night(place) => self.night(place).await,
            Event::Statements(date) => self.statements(date).await,
        }
    }

    async fn deliver(&self, batch: &Batch, file: &serde_json::Value, expected: ImportOutcome) -> anyhow::Result<()> {
        let scope = Scope::of_system(self.entities.to_vec());
        let (actor, name) = (Actor::Key("lumen-billing".into()), format!("{}.json", batch.number));
        let report = import::import_file(self.cx, &actor, &scope, &name, Cursor::new(file.to_string().into_bytes())).await?;
        ensure!(report.outcome == expected, "batch {}: {}", batch.number, report.summary);
        Ok(())
    }

    /// The gateways go first: what they paid out is on the statements of the day.
    async fn statements(&self, date: chrono::NaiveDate) -> anyhow::Result<()> {
        futures::future::try_join_all(self.gateways.iter().map(|gateway| gateway.live(self.plan, self.clock))).await?;
        futures::future::try_join_all(self.entities.iter().map(|entity| gateways::pull(self.cx, *entity))).await?;
        for day in self.bank_days(date).await? {
            self.hand_over(day).await?;
        }
        for entity in self.entities {
            cash::receive(self.cx, *entity).await?;
        }
        self.work().await
    }

    /// What the banks tell of a day: transfers, then payouts.
    async fn bank_days(&self, date: chrono::NaiveDate) -> anyhow::Result<Vec<bank::Day>> {
        let mut booked: BTreeMap<usize, Vec<bank::Movement>> = BTreeMap::new();
        for (account, movement) in self.plan.transfers.get(&date).into_iter().flatten() {
            booked.entry(*account).or_default().push(movement.clone());
        }
        for gateway in self.gateways {
            let payouts = gateway.payouts(date).await?;
            let account = bank::place(gateway.entity, ENTITIES[gateway.entity].currency).context("a bank account")?;
            if !payouts.is_empty() {
                booked.entry(account).or_default().extend(payouts);
            }
        }
        let mut banks = self.banks.lock().unwrap_or_else(PoisonError::into_inner);
        booked.into_iter().map(|(account, movements)| banks.book(account, date, movements)).collect()
    }

    /// One of the accounts has a bank that forgets a day, another one whose sums are wrong once, a third that sends a file twice.
    async fn hand_over(&self, mut day: bank::Day) -> anyhow::Result<()> {
        let scope = Scope::of_system(self.entities.to_vec());
        let (code, odd) = (ENTITIES[bank::ACCOUNTS[day.account].entity].code, day.number == 3);
        if odd && code == "SG" {
            return Ok(());
        }
        if odd && code == "UK" {
            day.movements.truncate(day.movements.len() - 1);
        }
        for _ in 0..if odd && code == "DE" { 2 } else { 1 } {
            let file = Cursor::new(day.file().into_bytes());
            let report = cash::import_file(self.cx, &Actor::System("bank".into()), &scope, &day.file_name(), None, file).await?;
            ensure!(
                matches!(report.outcome, ImportOutcome::Imported | ImportOutcome::Unchanged),
                "{}: {}",
                day.file_name(),
                report.summary
            );
        }
        Ok(())
    }

    async fn set_periods(&self, period: AccountingPeriod, state: PeriodState) -> anyhow::Result<()> {
        let mut conn = self.cx.pool.acquire().await?;
        for entity in self.entities {
            store::entities::set_period(&mut conn, *entity, period, state).await?;
        }
        Ok(())
    }

    async fn erp_period(&self, period: AccountingPeriod, closed: bool) -> anyhow::Result<()> {
        for account in self.accounts {
            account.set_period(period, closed).await?;
        }
        Ok(())
    }

    /// The account answers everything with an error until it is over.
    async fn maintain(&self, begins: bool) -> anyhow::Result<()> {
        let account = &self.accounts[MAINTAINED];
        if !begins {
            return account.ordinary_faults().await;
        }
        account.no_faults().await?;
        account.fault(fault(FaultKind::ServerError, On::Write, None)).await?;
        account.fault(fault(FaultKind::ServerError, On::Read, None)).await
    }

    async fn deal_with(&self, place: usize) -> anyhow::Result<()> {
        let episode = &self.plan.troubles.episodes[place];
        let Some((_, remedy)) = &episode.remedy else { return Ok(()) };
        self.people.deal_with(self.cx, self.erps, &self.accounts[episode.account], episode, remedy).await?;
        self.work().await?;
        if let Remedy::Reopen(period) = remedy {
            // throttled ones and those nobody knows about come a little later
            self.until(self.clock.now() + TimeDelta::minutes(40), STEP).await?;
            self.accounts[episode.account].set_period(*period, true).await?;
        }
        Ok(())
    }

    /// Read-back, comparison and seals, for the months that the day's batches belong to.
    async fn night(&self, day: usize) -> anyhow::Result<()> {
        store::demo::refresh_statistics(&self.cx.pool).await?;
        let period = AccountingPeriod::of(self.plan.calendar.days[day].date);
        let of = |account: usize| async move {
            for (place, entity) in self.entities.iter().enumerate().filter(|(place, _)| ENTITIES[*place].account == account) {
                readback::sync(self.cx, self.erps, *entity, period).await.with_context(|| ENTITIES[place].code)?;
                reconcile::learn(self.cx, *entity).await?;
                for period in [period.previous(), period] {
                    self.reconcile(*entity, period).await?;
                }
            }
            anyhow::Ok(())
        };
        futures::try_join!(of(0), of(1))?;
        import::seals::seal_outcomes(self.cx).await?;
        store::notices::tell_breaches(&mut *self.cx.pool.acquire().await?, self.clock.now()).await?;
        Ok(())
    }

    async fn reconcile(&self, entity: EntityId, period: AccountingPeriod) -> anyhow::Result<()> {
        for checkpoint in [Checkpoint::Receivables, Checkpoint::Cash] {
            reconcile::run(self.cx, checkpoint, entity, period).await?;
        }
        Ok(())
    }

    /// A few documents are sent and get no answer; the living workers find out what became of them.
    pub async fn leave_open(&self) -> anyhow::Result<()> {
        let account = &self.accounts[ENTITIES[self.plan.last.entity].account];
        account.fault(fault(FaultKind::DelayedCommit, On::Write, None)).await?;
        self.deliver(&self.plan.last, &self.plan.last.file(), ImportOutcome::Imported).await?;
        self.work().await?;
        account.no_faults().await
    }

    /// Everything is read back and compared once more, as of now.
    pub async fn arrive(&self) -> anyhow::Result<()> {
        let months: BTreeSet<AccountingPeriod> = self.plan.calendar.periods().into_iter().collect();
        for entity in self.entities {
            let attached = readback::attached(self.cx, *entity).await?;
            readback::sync_entity(self.cx, self.erps, &attached).await?;
            for period in months.iter().copied().chain([AccountingPeriod::of(self.plan.calendar.today).next()]) {
                self.reconcile(*entity, period).await?;
            }
            cash::tie(self.cx, *entity).await?;
            cash::collect(self.cx, *entity).await?;
        }
        import::seals::seal_outcomes(self.cx).await?;
        Ok(())
    }
}

fn fault(kind: FaultKind, on: On, next: Option<u32>) -> FaultRule {
    FaultRule { kind, on, next, per_mille: None, ms: None }
}
