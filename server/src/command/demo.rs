use crate::{config::Settings, demo};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Arguments {
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Where database, simulators and demo.json live
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Multiplies the 20,000 invoices
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=50))]
    scale: u64,
    /// The same seed makes the same company
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Invoices, instead of a scale: small companies for tests
    #[arg(long, hide = true, conflicts_with = "scale")]
    documents: Option<u64>,
}

pub async fn run(arguments: Arguments, mut settings: Settings) -> anyhow::Result<()> {
    settings.address.set_port(arguments.port);
    let size = demo::Size { documents: arguments.documents.unwrap_or(arguments.scale * demo::DOCUMENTS), seed: arguments.seed };
    demo::run(settings, arguments.data_dir, size).await
}
