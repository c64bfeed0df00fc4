use crate::bench;
use clap::Args;

#[derive(Debug, Args)]
pub struct Arguments {
    /// posting, exceptions, replay, load, import, pages, cash, or all
    name: String,
    #[command(flatten)]
    sizes: bench::Sizes,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let names: Vec<&str> = if arguments.name == "all" { bench::NAMES.to_vec() } else { vec![&arguments.name] };
    for name in names {
        let report = bench::run(name, arguments.sizes).await?;
        if arguments.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{report}");
        }
    }
    Ok(())
}
