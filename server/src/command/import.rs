use super::account;
use crate::{config::Settings, installation::Installation};
use anyhow::{Context as _, bail};
use clap::Args;
use domain::{
    access::{Actor, Scope},
    document::Violation,
    view::ImportOutcome,
};
use std::{fs::File, io::Write, path::PathBuf};

#[derive(Debug, Args)]
pub struct Arguments {
    /// An invoice batch as JSON or CSV (docs/import-format.md)
    file: PathBuf,
    /// Only reads the file; needs no database
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: the report, or with --dry-run the canonical content that was read, or {"errors": [...]}
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let file = File::open(&arguments.file).with_context(|| arguments.file.display().to_string())?;
    if arguments.dry_run {
        return tokio::task::spawn_blocking(move || read_only(file, arguments.json)).await?;
    }
    let installation = Installation::open(settings).await?;
    let done = import(file, &arguments, &installation.context).await;
    installation.close().await?;
    done
}

async fn import(file: File, arguments: &Arguments, cx: &pipeline::Context) -> anyhow::Result<()> {
    let every = store::entities::list(&mut *cx.pool.acquire().await?).await?;
    // the command line acts for the company
    let scope = Scope::of_system(every.into_iter().map(|entity| entity.entity_id).collect());
    let name = arguments.file.file_name().unwrap_or_default().to_string_lossy();
    let report = pipeline::import::import_file(cx, &Actor::Cli(account()), &scope, &name, file).await?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print_errors(&report.errors);
    }
    match report.outcome {
        ImportOutcome::Imported | ImportOutcome::Unchanged if arguments.json => {}
        ImportOutcome::Imported | ImportOutcome::Unchanged => println!("{}", report.summary),
        ImportOutcome::Conflict | ImportOutcome::Refused => bail!(report.summary),
    }
    Ok(())
}

fn read_only(mut file: File, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let read = if json {
        pipeline::import::read_only(&mut file, &mut out)?
    } else {
        pipeline::import::read_only(&mut file, &mut std::io::sink())?
    };
    let Err(errors) = read else {
        if !json {
            writeln!(out, "The file is a batch that agrees with its manifest, and every row keeps the rules.")?;
        }
        return Ok(());
    };
    if json {
        writeln!(out, "{}", serde_json::json!({"errors": errors}))?;
    } else {
        print_errors(&errors);
    }
    bail!("the file breaks rules in {} places", errors.len())
}

fn print_errors(errors: &[Violation]) {
    for error in errors {
        eprintln!("{error}");
    }
}
