use crate::{config::Settings, installation::Installation};
use anyhow::ensure;

/// Compares everything in the running cluster; a difference is an error.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let installation = Installation::open(settings).await?;
    let compared = pipeline::verify::verify(&installation.context.pool).await;
    installation.close().await?;
    let report = compared?;
    println!("{report}");
    ensure!(report.ties_out(), "the books do not tie out");
    Ok(())
}
