//! The thread that starts the server, watches it and shuts it down.
//!
//! The kernel tells a child of its parent's death when the *thread* that forked it ends, so the thread that starts
//! the server lives as long as the cluster does.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getppid};

use crate::account::{self, Account};

/// After a crash, recovery reads at most `max_wal_size` of log again, and more when the disk is slow.
const START_PATIENCE: Duration = Duration::from_secs(300);
/// A server that was killed blocks its directory until its parent has reaped it and its children have gone.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);
/// A fast shutdown writes a checkpoint.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const WATCH: Duration = Duration::from_millis(200);
const RETRY: Duration = Duration::from_millis(500);
/// How much of the server's log an error repeats.
const LOG_LINES: usize = 8;

/// How to start the server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) account: Option<Account>,
}

#[derive(Debug)]
pub(crate) struct Keeper {
    /// Closing it is the order to stop.
    order: Option<Sender<()>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
    server_id: Arc<AtomicU32>,
}

impl Keeper {
    /// Returns when the server takes connections.
    pub(crate) fn start(server: Server) -> anyhow::Result<Self> {
        let (order, orders) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        let server_id = Arc::new(AtomicU32::new(0));
        let shared_id = Arc::clone(&server_id);
        let thread = thread::Builder::new().name("postgres-keeper".into()).spawn(move || keep(&server, &orders, &report, &shared_id))?;
        reports.recv().map_err(|_| anyhow!("the keeper of PostgreSQL died"))??;
        Ok(Self { order: Some(order), thread: Some(thread), server_id })
    }

    pub(crate) fn server_id(&self) -> u32 {
        self.server_id.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        drop(self.order.take());
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| anyhow!("the keeper of PostgreSQL panicked"))?,
            None => Ok(()),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(error = format!("{error:#}"), "PostgreSQL did not stop cleanly");
        }
    }
}

/// Starts the server, reports how that went, and keeps it running until told to stop.
fn keep(server: &Server, orders: &Receiver<()>, report: &Sender<anyhow::Result<()>>, server_id: &AtomicU32) -> anyhow::Result<()> {
    let mut child = match server.start() {
        Ok(child) => {
            server_id.store(child.id(), Ordering::Release);
            // the one who waits for it is still there: it is the caller of `Keeper::start`
            let _waiting = report.send(Ok(()));
            child
        }
        Err(error) => {
            let _waiting = report.send(Err(error));
            return Ok(());
        }
    };
    loop {
        match orders.recv_timeout(WATCH) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return shut_down(&mut child),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(status) = child.try_wait()? {
            tracing::warn!(%status, log = %server.log.display(), "PostgreSQL died and is started again");
            child = start_again(server, orders)?;
            server_id.store(child.id(), Ordering::Release);
        }
    }
}

fn start_again(server: &Server, orders: &Receiver<()>) -> anyhow::Result<Child> {
    loop {
        match server.start() {
            Ok(child) => return Ok(child),
            Err(error) => tracing::error!(error = format!("{error:#}"), "PostgreSQL does not start"),
        }
        if !matches!(orders.recv_timeout(RETRY), Err(RecvTimeoutError::Timeout)) {
            bail!("told to stop while PostgreSQL was down");
        }
    }
}

fn shut_down(child: &mut Child) -> anyhow::Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        kill(id_of(child)?, signal)?;
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(anyhow!("PostgreSQL ended with {status}")) };
            }
            thread::sleep(POLL);
        }
    }
    bail!("PostgreSQL does not stop")
}

fn id_of(child: &Child) -> anyhow::Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(child.id())?))
}

impl Server {
    /// Starts the server and waits until it takes connections.
    fn start(&self) -> anyhow::Result<Child> {
        let began = Instant::now();
        loop {
            let logged = fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
            let mut child = self.spawn()?;
            if self.became_ready(&mut child)? {
                return Ok(child);
            }
            let said = self.said_since(logged);
            let locked = said.contains("postmaster.pid") || said.contains("shared memory block");
            if !locked || began.elapsed() > LOCK_PATIENCE {
                bail!("PostgreSQL does not start in {}: {}", self.data.display(), last_lines(&said));
            }
            thread::sleep(RETRY);
        }
    }

    #[expect(unsafe_code, reason = "the only way to ask the kernel that the server ends when this program is killed")]
    fn spawn(&self) -> anyhow::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.arg("-D").arg(&self.data).args(&self.arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // a group of its own: Ctrl-C reaches only this program, which finishes its work before it stops the server
        command.process_group(0);
        account::run_as(&mut command, self.account.as_ref());
        let parent = getpid();
        // SAFETY: two system calls and no allocation between fork and exec. It runs after the change of account,
        // which would clear the wish.
        unsafe {
            command.pre_exec(move || {
                set_pdeathsig(Signal::SIGINT)?;
                if getppid() == parent { Ok(()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
            });
        }
        command.spawn().with_context(|| format!("cannot run {}", self.program.display()))
    }

    /// Whether the server came up; it says so in its lock file, as it does to `pg_ctl`.
    fn became_ready(&self, child: &mut Child) -> anyhow::Result<bool> {
        let deadline = Instant::now() + START_PATIENCE;
        while Instant::now() < deadline {
            if child.try_wait()?.is_some() {
                return Ok(false);
            }
            if self.is_ready(child.id()) {
                return Ok(true);
            }
            thread::sleep(POLL);
        }
        child.kill()?;
        child.wait()?;
        bail!("PostgreSQL was not ready after {} s", START_PATIENCE.as_secs())
    }

    fn is_ready(&self, id: u32) -> bool {
        let lock_file = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = lock_file.lines();
        lines.next() == Some(&id.to_string()) && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    fn said_since(&self, offset: u64) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let new = usize::try_from(offset).ok().and_then(|offset| log.get(offset..)).unwrap_or_default();
        String::from_utf8_lossy(new).into_owned()
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join(" | ")
}
