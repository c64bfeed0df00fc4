//! The drop folder: files that other programs leave there are imported, as whatever they hold, and moved aside with what became of
//! them. A table lies in a folder named by its bank account's number.
//!
//! A file is taken by renaming it, so any number of processes may watch one folder. Whoever dies with a file taken has imported it or
//! not: it stays under its taken name for a person, and handing it over again changes nothing that came in.

use crate::{Context, cash, import};
use domain::{
    access::{Actor, Scope},
    document::Violation,
    view::ImportOutcome,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// A file that was written to within this is still being written.
const STILL: Duration = Duration::from_secs(3);
/// Where files go that came in, and the others.
const DONE: &str = "done";
const REFUSED: &str = "refused";

/// Watches a folder until cancelled.
pub async fn watch(cx: Context, folder: PathBuf, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        if let Err(error) = take_all(&cx, &folder, STILL).await {
            tracing::error!(error = format!("{error:#}"), folder = %folder.display(), "the drop folder could not be worked");
        }
        tokio::select! { () = cancel.cancelled() => {}, () = tokio::time::sleep(LOOK) => {} }
    }
}

/// Imports every file that has not been written to for `still`, in the order of names. Returns how many were taken.
pub async fn take_all(cx: &Context, folder: &Path, still: Duration) -> anyhow::Result<usize> {
    let mut taken = 0;
    for (account, path) in waiting(folder, still)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mine = path.with_file_name(format!(".taken-{name}"));
        // another process was faster
        if fs::rename(&path, &mine).is_err() {
            continue;
        }
        let (outcome, errors) = take(cx, &name, account.as_deref(), &mine).await?;
        put_aside(cx, folder, &name, &mine, outcome, &errors)?;
        taken += 1;
    }
    Ok(taken)
}

/// Files of the folder, and of those in it that are named by accounts.
fn waiting(folder: &Path, still: Duration) -> io::Result<Vec<(Option<String>, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let (name, path) = entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))?;
        if path.is_file() {
            found.push((None, path));
        } else if path.is_dir() && name != DONE && name != REFUSED && !name.starts_with('.') {
            for inner in fs::read_dir(&path)? {
                let inner = inner?.path();
                if inner.is_file() {
                    found.push((Some(name.clone()), inner));
                }
            }
        }
    }
    let is_ready = |path: &Path| {
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        // a clock that was set back makes a file of the future: it is not being written
        let quiet = fs::metadata(path).and_then(|file| file.modified()).is_ok_and(|at| at.elapsed().map_or(true, |since| since >= still));
        !hidden && quiet
    };
    found.retain(|(_, path)| is_ready(path));
    found.sort();
    Ok(found)
}

async fn take(cx: &Context, name: &str, account: Option<&str>, path: &Path) -> anyhow::Result<(ImportOutcome, Vec<Violation>)> {
    let entities = store::entities::list(&mut *cx.pool.acquire().await.map_err(store::Error::from)?).await?;
    let scope = Scope::of_system(entities.into_iter().map(|entity| entity.entity_id).collect());
    let (actor, mut file) = (Actor::System("drop-folder".into()), fs::File::open(path)?);
    Ok(match cash::kind_of(&mut file)? {
        cash::FileKind::InvoiceBatch => {
            let report = import::import_file(cx, &actor, &scope, name, file).await?;
            (report.outcome, report.errors)
        }
        cash::FileKind::Statement => {
            let report = cash::import_file(cx, &actor, &scope, name, account, file).await?;
            (report.outcome, report.errors)
        }
    })
}

fn put_aside(cx: &Context, folder: &Path, name: &str, path: &Path, outcome: ImportOutcome, errors: &[Violation]) -> anyhow::Result<()> {
    let aside = match outcome {
        ImportOutcome::Imported | ImportOutcome::Unchanged => DONE,
        ImportOutcome::Conflict | ImportOutcome::Refused => REFUSED,
    };
    let to = folder.join(aside);
    fs::create_dir_all(&to)?;
    let name = format!("{}-{name}", cx.clock.now().format("%Y%m%dT%H%M%S%3f"));
    if aside == REFUSED {
        fs::write(to.join(format!("{name}.errors.json")), serde_json::to_vec_pretty(errors)?)?;
    }
    fs::rename(path, to.join(name))?;
    Ok(())
}
