//! A private PostgreSQL: found on the machine, started as a child process, reachable only through a socket in a
//! directory that nobody else may enter.
//!
//! It is as durable as one run by hand (`fsync` and `synchronous_commit` cannot be switched off for real data), it is
//! started again when it dies, and it ends, cleanly, when the program that started it ends in whatever way.
//! It never opens a TCP port and never downloads anything.

mod account;
mod binaries;
mod keeper;
mod place;
mod wire;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use account::Account;
use binaries::Binaries;
use keeper::Keeper;
use place::SocketDir;

pub use place::{cache_dir, default_data_dir};

/// The only role of a private cluster; the directory of the socket is what guards it.
const ROLE: &str = "postgres";
/// The database that is there from the start.
const MAINTENANCE: &str = "postgres";

/// What a cluster is for, and how it is tuned.
#[derive(Clone, Debug)]
pub struct Options {
    durable: bool,
    settings: Vec<(String, String)>,
}

impl Options {
    /// Real data: what is committed survives a power cut.
    pub fn durable() -> Self {
        Self { durable: true, settings: Vec::new() }.with("shared_buffers", "256MB").with("max_wal_size", "2GB")
    }

    /// Data that is thrown away after a test; a crash of the machine may ruin it.
    pub fn scratch() -> Self {
        Self { durable: false, settings: Vec::new() }.with("shared_buffers", "128MB").with("full_page_writes", "off")
    }

    /// Sets a server parameter; a later one wins over an earlier one.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        self.settings.push((parameter.to_owned(), value.to_owned()));
        self
    }

    /// The server's arguments. What must hold comes last, where nothing can override it.
    fn arguments(&self, socket_dir: &Path) -> Vec<OsString> {
        let on_disk = if self.durable { "on" } else { "off" };
        let defaults = [("max_connections", "200"), ("timezone", "UTC"), ("log_timezone", "UTC"), ("jit", "off")];
        let forced = [("listen_addresses", ""), ("port", wire::PORT), ("fsync", on_disk), ("synchronous_commit", on_disk)];
        let chosen = self.settings.iter().map(|(parameter, value)| (parameter.as_str(), value.as_str()));
        let mut arguments: Vec<OsString> = defaults
            .into_iter()
            .chain(chosen)
            .chain(forced)
            .flat_map(|(parameter, value)| ["-c".into(), format!("{parameter}={value}").into()])
            .collect();
        let mut socket_directories = OsString::from("unix_socket_directories=");
        socket_directories.push(socket_dir);
        arguments.extend(["-c".into(), socket_directories]);
        arguments
    }
}

/// A running cluster. Dropping it shuts it down.
#[derive(Debug)]
pub struct Cluster {
    keeper: Keeper, // dropped first: the server removes its socket before we remove the directory
    socket_dir: SocketDir,
}

impl Cluster {
    /// Starts the cluster that lives in `dir`, making it on the first call, and returns when it takes connections.
    pub fn start(dir: &Path, options: &Options) -> anyhow::Result<Self> {
        let account = Account::for_servers()?;
        let home = place::home(dir, account.as_ref())?;
        let data = home.join("data");
        let binaries = match major_of(&data)? {
            Some(major) => Binaries::of_major(major)?,
            None => {
                let newest = Binaries::newest()?;
                initialise(&newest, &home, account.as_ref())?;
                newest
            }
        };
        let socket_dir = SocketDir::of(&home, account.as_ref())?;
        let server = keeper::Server {
            program: binaries.program("postgres"),
            arguments: options.arguments(socket_dir.path()),
            log: home.join("postgres.log"),
            data,
            account,
        };
        let keeper = Keeper::start(server)?;
        Ok(Self { keeper, socket_dir })
    }

    /// Where a client finds `database`; sqlx and libpq read it alike.
    pub fn url(&self, database: &str) -> String {
        url_at(self.socket_dir.path(), database)
    }

    /// Makes `database` unless it is there.
    pub fn create_database_if_absent(&self, database: &str) -> anyhow::Result<()> {
        ensure!(!database.contains('"'), "{database:?} cannot be the name of a database");
        match wire::execute(self.socket_dir.path(), MAINTENANCE, &format!("create database \"{database}\"")) {
            Err(wire::Error::Server { code, .. }) if code == wire::DUPLICATE_DATABASE => Ok(()),
            done => done.with_context(|| format!("cannot create the database {database}")),
        }
    }

    /// Runs a script of statements that return no rows, all or nothing.
    pub fn execute(&self, database: &str, script: &str) -> anyhow::Result<()> {
        Ok(wire::execute(self.socket_dir.path(), database, script)?)
    }

    /// The process id of the server, for whoever wants to hurt it in a test.
    pub fn server_id(&self) -> u32 {
        self.keeper.server_id()
    }

    /// Shuts the cluster down and waits until it is down.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.keeper.stop()
    }
}

/// Where clients find `database` of the cluster in `dir` while another program runs it; `None` when nobody does.
pub fn running_url(dir: &Path, database: &str) -> Option<String> {
    // line 5 of the lock file is the socket's directory
    let lock = fs::read_to_string(dir.join("postgres/data/postmaster.pid")).ok()?;
    let socket_dir = lock.lines().nth(4).filter(|line| !line.is_empty()).map(Path::new)?;
    std::os::unix::net::UnixStream::connect(wire::socket(socket_dir)).ok()?;
    Some(url_at(socket_dir, database))
}

fn url_at(socket_dir: &Path, database: &str) -> String {
    format!("postgres:///{database}?host={}&user={ROLE}", socket_dir.display())
}

/// The major version that wrote the data directory, or `None` before the first start.
fn major_of(data: &Path) -> anyhow::Result<Option<u32>> {
    let file = data.join("PG_VERSION");
    if !data.exists() {
        return Ok(None);
    }
    let version = fs::read_to_string(&file).with_context(|| format!("{} is not a cluster", data.display()))?;
    let major = version.trim().parse().with_context(|| format!("{} holds {version:?}", file.display()))?;
    Ok(Some(major))
}

/// Makes the data directory under another name and renames it, so that a crash half-way leaves no half cluster.
fn initialise(binaries: &Binaries, home: &Path, account: Option<&Account>) -> anyhow::Result<()> {
    let (unfinished, data) = (home.join("data.new"), home.join("data"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let mut initdb = Command::new(binaries.program("initdb"));
    initdb
        .args(["--username", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--pgdata"])
        .arg(&unfinished);
    account::run_as(&mut initdb, account);
    let output = initdb.output().with_context(|| format!("cannot run {}", binaries.program("initdb").display()))?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::rename(&unfinished, &data)?;
    Ok(())
}
