use super::{account, entities};
use crate::{config::Settings, installation::Installation};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use domain::{access::Actor, posting::ErpSystem};
use pipeline::{
    company::{ConnectionForm, check, create_connection},
    erps::Erps,
};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Connects an ERP account, after checking that it answers
    Create(Box<Create>),
    /// Checks an account again: credentials, settings, every legal entity
    Check { code: String },
}

#[derive(Debug, Args)]
pub struct Create {
    /// Short name, used on screens: NetSuite-US
    #[arg(long)]
    code: String,
    /// `netsuite` or `odoo`
    #[arg(long)]
    system: ErpSystem,
    /// JSON file. NetSuite: account_url, client_id, certificate_id, currencies {EUR: id}, receivables_account. Odoo: url, database, journal_code
    #[arg(long)]
    settings: PathBuf,
    /// File with the private key (NetSuite, PEM) or the API key (Odoo); kept encrypted
    #[arg(long)]
    secret: PathBuf,
    /// Our entities and the ERP's legal entities: `US=1,DE=3`
    #[arg(long, value_delimiter = ',', required = true)]
    entities: Vec<String>,
    /// Calls at once
    #[arg(long, default_value_t = 5)]
    slots: i32,
    /// Sends begun in a minute, where the vendor limits them
    #[arg(long)]
    per_minute: Option<i32>,
    /// How long the ERP may work on an unanswered request
    #[arg(long, default_value_t = 900)]
    processing_seconds: i32,
    #[arg(long, default_value_t = 60)]
    request_seconds: i32,
    /// The ERP computes the tax; ours is compared
    #[arg(long)]
    erp_computes_tax: bool,
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let installation = Installation::open(settings).await?;
    let done = apply(arguments, &installation.context).await;
    installation.close().await?;
    done
}

async fn apply(arguments: Arguments, ctx: &pipeline::Context) -> anyhow::Result<()> {
    match arguments {
        Arguments::Create(new) => {
            let form = form(ctx, *new).await?;
            create_connection(ctx, &Actor::Cli(account()), &form).await?;
            println!("{} is connected", form.code);
        }
        Arguments::Check { code } => {
            let erps = Erps::load(ctx).await?;
            let attached = store::connections::attached_entities(&mut *ctx.pool.acquire().await?).await?;
            let found = store::connections::list(&ctx.pool).await?.into_iter().find(|connection| connection.code == code);
            let id = found.with_context(|| format!("there is no connection {code}"))?.connection_id;
            let erp = erps.get(id).context("its connector")?;
            for entity in attached.iter().filter(|entity| entity.connection_id == id) {
                check(ctx, erp.as_ref(), &entity.mapping.entity_ref).await?;
                println!("{}\t{}\tanswers", entity.mapping.entity_code, entity.mapping.entity_ref);
            }
        }
    }
    Ok(())
}

async fn form(ctx: &pipeline::Context, new: Create) -> anyhow::Result<ConnectionForm> {
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let mut pairs = Vec::new();
    for pair in &new.entities {
        let (code, entity_ref) = pair.split_once('=').with_context(|| format!("{pair}: ENTITY=LEGAL_ENTITY_THERE"))?;
        let found = entities(ctx, &[code.to_owned()]).await?;
        pairs.extend(found.into_iter().map(|id| (id, entity_ref.to_owned())));
    }
    Ok(ConnectionForm {
        settings: serde_json::from_str(&read(&new.settings)?).with_context(|| new.settings.display().to_string())?,
        secret: read(&new.secret)?.trim().to_owned(),
        code: new.code,
        system: new.system,
        slots: new.slots,
        per_minute: new.per_minute,
        processing_seconds_max: new.processing_seconds,
        request_seconds_max: new.request_seconds,
        entities: pairs,
        tax_is_ours: !new.erp_computes_tax,
    })
}
