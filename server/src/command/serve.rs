use crate::{
    config::Settings,
    http::AppState,
    installation::Installation,
    serve::{serve, stop_signal},
};
use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen, instead of the setting
    #[arg(long)]
    address: Option<std::net::SocketAddr>,
}

pub async fn run(arguments: Arguments, mut settings: Settings) -> anyhow::Result<()> {
    settings.address = arguments.address.unwrap_or(settings.address);
    let stop = stop_signal()?;
    let listener = TcpListener::bind(settings.address).await.with_context(|| format!("cannot listen on {}", settings.address))?;
    let installation = Installation::open(&settings).await?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    let served = serve(AppState::new(installation.context.clone(), settings), listener, stop).await;
    installation.close().await?;
    served
}
