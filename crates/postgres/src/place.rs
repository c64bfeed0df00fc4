//! Where a cluster lives, so that the account that runs it can reach it and nobody else can.

use std::env;
use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use nix::unistd::{Uid, mkdtemp};

use crate::account::Account;
use crate::wire;

/// What the kernel allows for the path of a socket, without the closing zero.
const SOCKET_PATH_MAX: usize = 107;

/// Root's state: an unprivileged account may enter it, which it may not under /root.
const ROOT_STATE: &str = "/var/lib/tieout";
const ROOT_CACHE: &str = "/var/cache/tieout";

/// Where the program keeps its data when nobody names a place.
pub fn default_data_dir() -> anyhow::Result<PathBuf> {
    of_user(ROOT_STATE, "XDG_DATA_HOME", ".local/share")
}

/// Where `scripts/setup` unpacks what the machine lacks: `postgresql/VERSION/bin` among it.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    of_user(ROOT_CACHE, "XDG_CACHE_HOME", ".cache")
}

fn of_user(root: &str, variable: &str, below_home: &str) -> anyhow::Result<PathBuf> {
    if Uid::effective().is_root() {
        return Ok(PathBuf::from(root));
    }
    if let Some(named) = env::var_os(variable).map(PathBuf::from).filter(|dir| dir.is_absolute()) {
        return Ok(named.join("tieout"));
    }
    let home = env::var_os("HOME").with_context(|| format!("neither {variable} nor HOME is set"))?;
    Ok(PathBuf::from(home).join(below_home).join("tieout"))
}

/// The cluster's own directory within `dir`, owned by the account that runs the server.
///
/// Where that account cannot pass (`dir` lies under /root, say), the directory is made under root's state and `dir`
/// holds a link to it.
pub(crate) fn home(dir: &Path, account: Option<&Account>) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let home = dir.canonicalize()?.join("postgres");
    if home.exists() {
        return Ok(home.canonicalize()?);
    }
    let Some(account) = account else {
        make_private(&home, None)?;
        return Ok(home);
    };
    let parents: Vec<&Path> = home.ancestors().skip(2).collect();
    let reachable = parents.iter().map(|parent| account.may_enter(parent)).collect::<anyhow::Result<Vec<bool>>>()?;
    if reachable.contains(&false) {
        return elsewhere(&home, account);
    }
    if let Some(dir) = home.parent().filter(|dir| !account.may_enter(dir).unwrap_or(false)) {
        account.admit(dir)?;
    }
    make_private(&home, Some(account))?;
    Ok(home)
}

fn elsewhere(link: &Path, account: &Account) -> anyhow::Result<PathBuf> {
    let clusters = Path::new(ROOT_STATE).join("clusters");
    fs::create_dir_all(&clusters)?;
    let home = mkdtemp(&clusters.join("XXXXXX")).with_context(|| format!("cannot make a directory in {}", clusters.display()))?;
    account.own(&home)?;
    if link.is_symlink() {
        fs::remove_file(link)?; // what it pointed to is gone
    }
    symlink(&home, link)?;
    tracing::info!(at = %home.display(), link = %link.display(), account = account.name, "the database lives outside the data directory");
    Ok(home)
}

/// The directory of the socket.
#[derive(Debug)]
pub(crate) enum SocketDir {
    /// In the cluster's own directory.
    Home(PathBuf),
    /// That path would be too long for a socket; removed when the cluster has stopped.
    Temporary(PathBuf),
}

impl SocketDir {
    pub(crate) fn of(home: &Path, account: Option<&Account>) -> anyhow::Result<Self> {
        let usual = home.join("run");
        if fits_a_socket(&usual) {
            if !usual.exists() {
                make_private(&usual, account)?;
            }
            return Ok(Self::Home(usual));
        }
        let short = mkdtemp(&env::temp_dir().join("tieout-XXXXXX"))?;
        ensure!(fits_a_socket(&short), "{} is too long for a socket", short.display());
        account.map_or(Ok(()), |account| account.own(&short))?;
        Ok(Self::Temporary(short))
    }

    pub(crate) fn path(&self) -> &Path {
        let (Self::Home(dir) | Self::Temporary(dir)) = self;
        dir
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        if let Self::Temporary(dir) = self
            && let Err(error) = fs::remove_dir_all(&*dir)
        {
            tracing::warn!(%error, dir = %dir.display(), "a directory of a socket is left over");
        }
    }
}

fn fits_a_socket(dir: &Path) -> bool {
    wire::socket(dir).as_os_str().as_bytes().len() <= SOCKET_PATH_MAX
}

fn make_private(dir: &Path, account: Option<&Account>) -> anyhow::Result<()> {
    DirBuilder::new().mode(0o700).create(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    account.map_or(Ok(()), |account| account.own(dir))
}
