//! What a process does: answers people, works, or both. All of it ends together, with what is in hand finished.

use crate::{config::Settings, http::AppState, serve::serve};
use anyhow::Context as _;
use clap::ValueEnum;
use pipeline::{
    Context,
    erps::Erps,
    folder,
    jobs::{self, Workshop},
    posting,
};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProcessRole {
    /// Pages and the REST interface
    Web,
    /// Posting, read-back, reconciliation and the other jobs
    Worker,
}

/// Runs until `stop`, or until one part can't go on. With a listener it is web; `works` says whether it is worker too.
pub async fn run(
    context: &Context,
    settings: Settings,
    listener: Option<TcpListener>,
    works: bool,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let worker = if works { Some(tokio::spawn(work(context.clone(), settings.clone(), stop.clone()))) } else { None };
    let served = match listener {
        Some(listener) => serve(AppState::new(context.clone(), settings), listener, stop.clone()).await,
        None => {
            stop.cancelled().await;
            Ok(())
        }
    };
    // whatever ended the serving ends the work
    stop.cancel();
    if let Some(worker) = worker {
        worker.await.context("the workers stopped")??;
    }
    served
}

async fn work(context: Context, settings: Settings, stop: CancellationToken) -> anyhow::Result<()> {
    let started = Erps::load(&context).await;
    if started.is_err() {
        stop.cancel();
    }
    let (erps, worker) = (Arc::new(started.context("cannot reach the ERP connections' settings")?), worker_name());
    let shop = Workshop { cx: context.clone(), erps: erps.clone(), worker: worker.clone(), sessions: settings.session_limits() };
    let (cx, cancel) = (context.clone(), stop.clone());
    let dropped = async move {
        if let Some(dir) = settings.drop_dir {
            folder::watch(cx, dir, cancel).await;
        }
    };
    tokio::join!(posting::worker::run(context, erps, worker, stop.clone()), jobs::run(shop, stop), dropped);
    Ok(())
}

/// Host and process, as attempts and jobs name it.
pub fn worker_name() -> Arc<str> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("localhost");
    format!("{host}:{}", std::process::id()).into()
}
