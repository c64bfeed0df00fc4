//! The commands, one file each.

mod bench;
mod connection;
mod demo;
mod entity;
mod gateway;
mod import;
mod key;
mod migrate;
mod serve;
mod simulate;
mod user;
mod verify;

use crate::config::Settings;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the program
    Serve(serve::Arguments),
    /// Runs a furnished company with the vendors' simulators
    Demo(demo::Arguments),
    /// Runs one vendor's contract simulator
    Simulate(simulate::Arguments),
    /// Brings the database's schema up to date
    Migrate,
    /// Sets up and lists legal entities
    #[command(subcommand)]
    Entity(entity::Arguments),
    /// Connects ERP accounts and checks them
    #[command(subcommand)]
    Connection(connection::Arguments),
    /// Makes accounts at payment gateways known
    #[command(subcommand)]
    Gateway(gateway::Arguments),
    /// Creates, lists and deactivates people
    #[command(subcommand)]
    User(user::Arguments),
    /// Creates, lists and revokes API keys
    #[command(subcommand)]
    Key(key::Arguments),
    /// Imports a batch of invoices and credit memos
    Import(import::Arguments),
    /// Measures one part against a baseline, on a cluster of its own
    Bench(bench::Arguments),
    /// Compares manifests, lines, stages, movements, totals and seals; names the first row that differs
    Verify,
}

impl Command {
    pub async fn run(self, settings: Settings) -> anyhow::Result<()> {
        match self {
            Self::Serve(arguments) => serve::run(arguments, settings).await,
            Self::Demo(arguments) => demo::run(arguments, settings).await,
            Self::Simulate(arguments) => simulate::run(arguments).await,
            Self::Migrate => migrate::run(&settings).await,
            Self::Entity(arguments) => entity::run(arguments, &settings).await,
            Self::Connection(arguments) => connection::run(arguments, &settings).await,
            Self::Gateway(arguments) => gateway::run(arguments, &settings).await,
            Self::User(arguments) => user::run(arguments, &settings).await,
            Self::Key(arguments) => key::run(arguments, &settings).await,
            Self::Import(arguments) => import::run(arguments, &settings).await,
            Self::Bench(arguments) => bench::run(arguments).await,
            Self::Verify => verify::run(&settings).await,
        }
    }
}

/// The operating system's account, for the audit log.
fn account() -> String {
    let id = nix::unistd::getuid();
    nix::unistd::User::from_uid(id).ok().flatten().map_or_else(|| id.to_string(), |user| user.name)
}

/// Entities by code, or `all`.
async fn entities(ctx: &pipeline::Context, codes: &[String]) -> anyhow::Result<Vec<domain::id::EntityId>> {
    let known = store::entities::list(&mut *ctx.pool.acquire().await?).await?;
    if codes == ["all"] {
        return Ok(known.into_iter().map(|entity| entity.entity_id).collect());
    }
    let find = |code: &String| {
        let found = known.iter().find(|entity| entity.code == *code);
        found.map(|entity| entity.entity_id).ok_or_else(|| anyhow::anyhow!("there is no entity {code}"))
    };
    codes.iter().map(find).collect()
}
