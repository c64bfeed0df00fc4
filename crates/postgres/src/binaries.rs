//! Where PostgreSQL is installed.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};

use crate::place;

const WAYS_OUT: &str = "install it (apt-get install postgresql), name its directory of programs in PG_BIN_DIR, \
                        or name a running server in DATABASE_URL";

/// A directory that holds `initdb` and `postgres`.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn newest() -> anyhow::Result<Self> {
        Self::installed().into_iter().next().ok_or_else(|| anyhow!("no PostgreSQL found: {WAYS_OUT}"))
    }

    /// The installation that can read a data directory of this major version.
    pub(crate) fn of_major(major: u32) -> anyhow::Result<Self> {
        let installed = Self::installed();
        let found: Vec<u32> = installed.iter().map(|binaries| binaries.major).collect();
        installed
            .into_iter()
            .find(|binaries| binaries.major == major)
            .ok_or_else(|| anyhow!("the data was written by PostgreSQL {major}, and of it only {found:?} is installed: {WAYS_OUT}"))
    }

    /// Every installation, the one to prefer first.
    fn installed() -> Vec<Self> {
        let named = env::var_os("PG_BIN_DIR").map(PathBuf::from);
        let mut packaged = bin_dirs(Path::new("/usr/lib/postgresql"));
        let mut unpacked = place::cache_dir().map(|cache| bin_dirs(&cache.join("postgresql"))).unwrap_or_default();
        let newest_first = |dirs: &mut Vec<Self>| dirs.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        newest_first(&mut packaged);
        newest_first(&mut unpacked);
        let on_path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&on_path).filter_map(|dir| dir.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned));
        named.into_iter().filter_map(Self::at).chain(packaged).chain(unpacked).chain(on_path.filter_map(Self::at)).collect()
    }

    fn at(dir: PathBuf) -> Option<Self> {
        if !dir.join("initdb").is_file() {
            return None;
        }
        let major = major_of(&dir.join("postgres")).ok()?;
        Some(Self { dir, major })
    }
}

/// The installations of a directory that has one folder per version, each with a `bin`.
fn bin_dirs(versions: &Path) -> Vec<Binaries> {
    let entries = fs::read_dir(versions).into_iter().flatten().flatten();
    entries.filter_map(|entry| Binaries::at(entry.path().join("bin"))).collect()
}

/// Asks the program: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_of(postgres: &Path) -> anyhow::Result<u32> {
    let output = Command::new(postgres).arg(OsStr::new("--version")).output()?;
    let text = String::from_utf8(output.stdout)?;
    parse_major(&text).with_context(|| format!("{} calls itself {text:?}", postgres.display()))
}

fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse_major;

    #[test]
    fn the_major_version_is_read_from_what_the_program_says() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta2\n"), Some(18));
        assert_eq!(parse_major("command not found"), None);
    }
}
