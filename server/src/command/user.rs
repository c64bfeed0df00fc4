use super::{account, entities};
use crate::{config::Settings, installation::Installation};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::access::{Grant, Role};
use pipeline::access::users::{self, NewPerson};
use rand::RngCore;

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Creates a person; prints the password unless it is given
    Create(Create),
    /// Lists people and their roles
    List,
    /// Ends a person's access, sessions and keys
    Deactivate { email: String },
    /// Lets a person set up the second factor again
    ResetSecondFactor { email: String },
}

#[derive(Debug, Args)]
pub struct Create {
    #[arg(long)]
    email: String,
    #[arg(long)]
    name: String,
    /// A role in entities: `controller:US,DE`, `admin:all`; may be given several times
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// Read the password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
    /// Ask for no second factor (demonstrations)
    #[arg(long)]
    no_second_factor: bool,
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
        Arguments::Create(new) => create(new, ctx).await?,
        Arguments::List => list(ctx).await?,
        Arguments::Deactivate { email } => users::deactivate(ctx, &granter, by_email(ctx, &email).await?).await?,
        Arguments::ResetSecondFactor { email } => users::reset_second_factor(ctx, &granter, by_email(ctx, &email).await?).await?,
    }
    Ok(())
}

async fn create(new: Create, ctx: &pipeline::Context) -> anyhow::Result<()> {
    let granter = users::cli_granter(ctx, &account()).await?;
    let mut grants = Vec::new();
    for text in &new.roles {
        let (role, codes) = text.split_once(':').context("a role is written role:ENTITY,ENTITY or role:all")?;
        let role: Role = role.parse()?;
        let codes: Vec<String> = codes.split(',').map(str::to_owned).collect();
        grants.extend(entities(ctx, &codes).await?.into_iter().map(|entity_id| Grant { role, entity_id }));
    }
    if grants.is_empty() {
        bail!("there is no entity yet to hold a role in");
    }
    let password = if new.password_stdin {
        std::io::read_to_string(std::io::stdin())?.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        random_password()
    };
    let person = NewPerson { email: new.email, name: new.name, password: password.clone(), totp_required: !new.no_second_factor, grants };
    users::create(ctx, &granter, person).await?;
    if !new.password_stdin {
        println!("{password}");
    }
    Ok(())
}

async fn list(ctx: &pipeline::Context) -> anyhow::Result<()> {
    let mut conn = ctx.pool.acquire().await?;
    let entities = store::entities::list(&mut conn).await?;
    let mut after: Option<String> = None;
    loop {
        let page = store::access::users::list(&mut conn, after.as_deref()).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.email.clone());
        for user in page {
            let code = |grant: &Grant| {
                entities.iter().find(|entity| entity.entity_id == grant.entity_id).map_or("?", |entity| entity.code.as_str())
            };
            let roles: Vec<String> = user.grants.iter().map(|grant| format!("{}:{}", grant.role, code(grant))).collect();
            println!("{}\t{}\t{}\t{}", user.email, user.name, if user.active { "active" } else { "deactivated" }, roles.join(" "));
        }
    }
}

async fn by_email(ctx: &pipeline::Context, email: &str) -> anyhow::Result<domain::id::UserId> {
    let found = store::access::users::credentials_by_email(&mut *ctx.pool.acquire().await?, &email.to_lowercase()).await?;
    Ok(found.with_context(|| format!("there is no active person {email}"))?.user_id)
}

fn random_password() -> String {
    let mut random = [0; 12];
    rand::rng().fill_bytes(&mut random);
    domain::seal::hex(&random)
}
