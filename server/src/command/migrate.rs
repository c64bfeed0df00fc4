use crate::{config::Settings, installation::Installation};

pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    // opening brings the schema up to date
    Installation::open(settings).await?.close().await?;
    println!("The schema is up to date.");
    Ok(())
}
