use clap::Parser;
use server::{command::Command, config::Settings, telemetry};

/// The control plane for revenue.
#[derive(Debug, Parser)]
#[command(name = "tieout", version = server::RELEASE)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    telemetry::start();
    arguments.command.run(Settings::load()?).await
}
