use super::{account, entities};
use crate::{config::Settings, installation::Installation};
use clap::{Args, Subcommand};
use domain::access::Action;
use pipeline::access::{
    keys::{self, NewKey},
    users,
};

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Creates a key and prints it, once
    Create(Create),
    /// Lists keys, without their secrets
    List,
    /// Ends a key
    Revoke { name: String },
}

#[derive(Debug, Args)]
pub struct Create {
    #[arg(long)]
    name: String,
    /// E-mail of the person who answers for it
    #[arg(long)]
    owner: String,
    /// What it may do: `import_batch,read_finance`
    #[arg(long = "scope", value_delimiter = ',', required = true)]
    scopes: Vec<Action>,
    /// Entity codes, or `all`
    #[arg(long, value_delimiter = ',', required = true)]
    entities: Vec<String>,
    /// Last moment of validity: 2027-01-31T00:00:00Z
    #[arg(long)]
    expires: chrono::DateTime<chrono::Utc>,
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let installation = Installation::open(settings).await?;
    let done = apply(arguments, &installation.context).await;
    installation.close().await?;
    done
}

async fn apply(arguments: Arguments, ctx: &pipeline::Context) -> anyhow::Result<()> {
    let granter = users::cli_granter(ctx, &account()).await?;
    match arguments {
        Arguments::Create(new) => {
            let entities = entities(ctx, &new.entities).await?;
            let new = NewKey { name: new.name, owner_email: new.owner, scopes: new.scopes, entities, expires_at: new.expires };
            println!("{}", keys::create(ctx, &granter, &new).await?);
        }
        Arguments::List => {
            for key in store::access::api_keys::list(&mut *ctx.pool.acquire().await?).await? {
                let ended = key.revoked_at.map_or_else(|| format!("until {}", key.expires_at), |at| format!("revoked {at}"));
                let used = key.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {at}"));
                println!("{}\t{}…\t{}\t{}\t{ended}\t{used}", key.name, key.prefix, key.owner, key.scopes.join(","));
            }
        }
        Arguments::Revoke { name } => keys::revoke(ctx, &granter, &name).await?,
    }
    Ok(())
}
