use crate::{
    config::Settings,
    installation::Installation,
    roles::{self, ProcessRole},
    serve::stop_signal,
};
use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen, instead of the setting
    #[arg(long)]
    address: Option<std::net::SocketAddr>,
    /// What this process does
    #[arg(long = "role", value_enum, value_delimiter = ',', default_value = "web,worker")]
    roles: Vec<ProcessRole>,
}

pub async fn run(arguments: Arguments, mut settings: Settings) -> anyhow::Result<()> {
    settings.address = arguments.address.unwrap_or(settings.address);
    let stop = stop_signal()?;
    let listener = match arguments.roles.contains(&ProcessRole::Web) {
        true => Some(TcpListener::bind(settings.address).await.with_context(|| format!("cannot listen on {}", settings.address))?),
        false => None,
    };
    let installation = Installation::open(&settings).await?;
    tracing::info!(address = %settings.address, roles = ?arguments.roles, "running");
    let ran = roles::run(&installation.context, settings, listener, arguments.roles.contains(&ProcessRole::Worker), stop).await;
    installation.close().await?;
    ran
}
