//! Workers as processes of their own, so that killing and stopping them is what an operating system does.

use crate::company::context;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pipeline::{erps::Erps, posting::worker};
use std::{
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

/// Names the database to a process that is to be a worker.
const WORKER: &str = "TIEOUT_FAULT_WORKER_DATABASE";

/// Not a test: what this binary does when it is started as a worker.
#[tokio::test]
async fn worker_process() {
    let Ok(url) = std::env::var(WORKER) else { return };
    let cx = context(store::connect(&url, 5, "test").await.unwrap());
    let erps = Arc::new(Erps::load(&cx).await.unwrap());
    worker::run(cx, erps, std::process::id().to_string().into(), Default::default()).await;
}

/// A worker process, killed with this value.
pub struct Worker(Child);

impl Worker {
    pub fn start(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["workers::worker_process", "--exact", "--nocapture"]).env(WORKER, url).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// What its attempts are signed with.
    pub fn name(&self) -> String {
        self.0.id().to_string()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Workers that are struck from elsewhere, by name.
pub struct Crew {
    database_url: String,
    working: Mutex<Vec<Worker>>,
    stopped: Mutex<Vec<Worker>>,
}

impl Crew {
    pub fn new(database_url: &str) -> Self {
        Self { database_url: database_url.to_owned(), working: Mutex::default(), stopped: Mutex::default() }
    }

    pub fn hire(&self) {
        self.working.lock().unwrap().push(Worker::start(&self.database_url));
    }

    /// Whoever was struck already is not there.
    fn take(&self, name: &str) -> Option<Worker> {
        let mut working = self.working.lock().unwrap();
        let place = working.iter().position(|worker| worker.name() == name)?;
        Some(working.swap_remove(place))
    }

    /// Another takes its place.
    pub fn kill(&self, name: &str) -> bool {
        let found = self.take(name).is_some();
        if found {
            self.hire();
        }
        found
    }

    pub fn stop(&self, name: &str) -> bool {
        let found = self.take(name);
        let is_found = found.is_some();
        if let Some(worker) = found {
            worker.signal(Signal::SIGSTOP);
            self.stopped.lock().unwrap().push(worker);
        }
        is_found
    }

    pub fn continue_stopped(&self) {
        for worker in self.stopped.lock().unwrap().drain(..) {
            worker.signal(Signal::SIGCONT);
            self.working.lock().unwrap().push(worker);
        }
    }

    pub fn dismiss(&self) {
        self.working.lock().unwrap().clear();
    }
}
