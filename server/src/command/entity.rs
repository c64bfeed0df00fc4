use super::account;
use crate::{config::Settings, installation::Installation};
use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use clap::{Args, Subcommand};
use domain::{access::Actor, calendar::Calendar, exception::ExceptionKind, money::Currency, working_time::WorkingDay};
use pipeline::{
    cash::set_dunning,
    company::{CalendarForm, EntityForm, create_entity, set_calendar},
};
use rust_decimal::Decimal;

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Sets up a legal entity
    Create(Create),
    /// Lists legal entities
    List,
    /// Sets from how many days past due the three steps of collection count: `DE 7,21,45`
    Dunning {
        /// Short name of the entity: DE
        code: String,
        /// Days past due: 7,21,45
        #[arg(value_parser = steps)]
        days: [i32; 3],
    },
    /// Says when people of an entity work, and how fast exceptions have to be dealt with; with options, changes it
    Calendar(CalendarArguments),
}

#[derive(Debug, Args)]
pub struct Create {
    /// Short name, used in files: DE
    #[arg(long)]
    code: String,
    #[arg(long)]
    name: String,
    /// ISO 3166: DE
    #[arg(long)]
    country: String,
    /// Functional currency, ISO 4217: EUR
    #[arg(long)]
    currency: Currency,
    /// IANA name: Europe/Berlin
    #[arg(long)]
    time_zone: String,
    /// What one person may do alone in a day: `EUR=5000,USD=5000`; without one, nothing
    #[arg(long = "limit", value_delimiter = ',', value_parser = limit)]
    limits: Vec<(Currency, Decimal)>,
}

#[derive(Debug, Args)]
pub struct CalendarArguments {
    /// Short name of the entity: DE
    code: String,
    /// Working days: mon,tue,wed,thu,fri
    #[arg(long, value_delimiter = ',')]
    days: Option<Vec<WorkingDay>>,
    /// Working hours where the entity is: 09:00-17:00
    #[arg(long, value_parser = hours)]
    hours: Option<(NaiveTime, NaiveTime)>,
    /// A day off: 2026-12-25=Christmas
    #[arg(long = "holiday", value_parser = holiday)]
    holidays: Vec<(NaiveDate, String)>,
    /// No day off any more: 2026-12-25
    #[arg(long = "no-holiday")]
    no_holidays: Vec<NaiveDate>,
    /// Working hours that a kind of exception allows: mapping=8
    #[arg(long = "allow", value_delimiter = ',', value_parser = allowance)]
    allowances: Vec<(ExceptionKind, i32)>,
}

fn hours(text: &str) -> anyhow::Result<(NaiveTime, NaiveTime)> {
    let time = |text| NaiveTime::parse_from_str(text, "%H:%M").with_context(|| format!("{text} is no time of day"));
    let (opens, closes) = text.split_once('-').context("OPENS-CLOSES")?;
    Ok((time(opens)?, time(closes)?))
}

fn steps(text: &str) -> anyhow::Result<[i32; 3]> {
    let days: Vec<i32> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
    <[i32; 3]>::try_from(days).ok().context("three numbers of days: 7,21,45")
}

fn holiday(text: &str) -> anyhow::Result<(NaiveDate, String)> {
    let (day, name) = text.split_once('=').context("DAY=NAME")?;
    Ok((day.parse()?, name.to_owned()))
}

fn allowance(text: &str) -> anyhow::Result<(ExceptionKind, i32)> {
    let (kind, hours) = text.split_once('=').context("KIND=HOURS")?;
    Ok((kind.parse()?, hours.parse()?))
}

fn print(calendar: &Calendar) {
    let days: Vec<&str> = calendar.days.iter().map(|day| day.as_str()).collect();
    println!("{}, {} to {}, {}", days.join(" "), calendar.opens_at.format("%H:%M"), calendar.closes_at.format("%H:%M"), calendar.zone);
    for day in &calendar.holidays {
        println!("off\t{day}");
    }
    for kind in ExceptionKind::ALL {
        let hours = calendar.allowances.get(kind).copied().unwrap_or_else(|| kind.allowance_hours());
        println!("{kind}\t{hours} h");
    }
}

fn limit(text: &str) -> anyhow::Result<(Currency, Decimal)> {
    let (currency, amount) = text.split_once('=').context("CURRENCY=AMOUNT")?;
    Ok((currency.parse()?, amount.parse()?))
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let installation = Installation::open(settings).await?;
    let done = apply(arguments, &installation.context).await;
    installation.close().await?;
    done
}

async fn apply(arguments: Arguments, ctx: &pipeline::Context) -> anyhow::Result<()> {
    match arguments {
        Arguments::Create(Create { code, name, country, currency, time_zone, limits }) => {
            let form = EntityForm { code, name, country, currency, time_zone, limits };
            create_entity(ctx, &Actor::Cli(account()), &form).await?;
        }
        Arguments::Calendar(CalendarArguments { code, days, hours, holidays, no_holidays, allowances }) => {
            let form = CalendarForm { days, hours, holidays, no_holidays, allowances };
            let calendar = set_calendar(ctx, &Actor::Cli(account()), &code, &form).await;
            print(&calendar.with_context(|| format!("entity {code}"))?);
        }
        Arguments::Dunning { code, days } => {
            set_dunning(ctx, &Actor::Cli(account()), &code, days).await.with_context(|| format!("entity {code}"))?;
        }
        Arguments::List => {
            for entity in store::entities::list(&mut *ctx.pool.acquire().await?).await? {
                println!("{}\t{}\t{}\t{}", entity.code, entity.name, entity.functional_currency, entity.time_zone);
            }
        }
    }
    Ok(())
}
