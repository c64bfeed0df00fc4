use super::account;
use crate::{config::Settings, installation::Installation};
use anyhow::{Context as _, bail};
use clap::Args;
use domain::{
    access::{Actor, Scope},
    document::Violation,
    view::ImportOutcome,
};
use pipeline::cash;
use std::{fs::File, io::Write, path::PathBuf};

#[derive(Debug, Args)]
pub struct Arguments {
    /// An invoice batch as JSON or CSV (docs/import-format.md), or a bank statement as camt.053, MT940, BAI2 or
    /// CSV
    file: PathBuf,
    /// Only reads the file; needs no database
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: the report, or with --dry-run the canonical content that was read, or {"errors": [...]}
    #[arg(long)]
    json: bool,
    /// Whose lines a table (CSV) holds: the account's number
    #[arg(long)]
    account: Option<String>,
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let mut file = File::open(&arguments.file).with_context(|| arguments.file.display().to_string())?;
    let kind = cash::kind_of(&mut file)?;
    if arguments.dry_run {
        return tokio::task::spawn_blocking(move || match kind {
            cash::FileKind::InvoiceBatch => read_only(file, arguments.json),
            cash::FileKind::Statement => read_statements(file, arguments.json),
        })
        .await?;
    }
    let installation = Installation::open(settings).await?;
    let done = import(file, kind, &arguments, &installation.context).await;
    installation.close().await?;
    done
}

async fn import(file: File, kind: cash::FileKind, arguments: &Arguments, cx: &pipeline::Context) -> anyhow::Result<()> {
    let every = store::entities::list(&mut *cx.pool.acquire().await?).await?;
    // the command line acts for the company
    let scope = Scope::of_system(every.into_iter().map(|entity| entity.entity_id).collect());
    let name = arguments.file.file_name().unwrap_or_default().to_string_lossy();
    let actor = Actor::Cli(account());
    match kind {
        cash::FileKind::InvoiceBatch => {
            let report = pipeline::import::import_file(cx, &actor, &scope, &name, file).await?;
            say(arguments, report.outcome, &report.errors, &report.summary, &report)
        }
        cash::FileKind::Statement => {
            let report = cash::import_file(cx, &actor, &scope, &name, arguments.account.as_deref(), file).await?;
            say(arguments, report.outcome, &report.errors, &report.summary, &report)
        }
    }
}

fn say(
    arguments: &Arguments,
    outcome: ImportOutcome,
    errors: &[Violation],
    summary: &str,
    report: &impl serde::Serialize,
) -> anyhow::Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string(report)?);
    } else {
        print_errors(errors);
    }
    match outcome {
        ImportOutcome::Imported | ImportOutcome::Unchanged if arguments.json => {}
        ImportOutcome::Imported | ImportOutcome::Unchanged => println!("{summary}"),
        ImportOutcome::Conflict | ImportOutcome::Refused => bail!("{summary}"),
    }
    Ok(())
}

fn read_statements(mut file: File, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let read = if json { cash::read_only(&mut file, &mut out)? } else { cash::read_only(&mut file, &mut std::io::sink())? };
    match read {
        Ok(_) if json => {}
        Ok(statements) => {
            for statement in statements {
                let proof = match (statement.balanced, statement.difference) {
                    (Some(true), _) => "adds up".to_owned(),
                    (_, Some(difference)) => format!("does not add up: {difference} is missing"),
                    _ => "has no balances to prove it".to_owned(),
                };
                writeln!(out, "{} {}: {} lines, {proof}", statement.account, statement.currency, statement.lines)?;
            }
        }
        Err(errors) => {
            if json {
                writeln!(out, "{}", serde_json::json!({"errors": errors}))?;
            } else {
                print_errors(&errors);
            }
            bail!("the file breaks a rule");
        }
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
