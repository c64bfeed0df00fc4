//! As whom the server runs. PostgreSQL refuses to run as root.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use nix::unistd::{Uid, User};

/// The unprivileged account that root hands the server to.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// `None` for an ordinary user, who runs the server as himself.
    pub(crate) fn for_servers() -> anyhow::Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        anyhow::bail!("PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it as")
    }

    pub(crate) fn own(&self, path: &Path) -> anyhow::Result<()> {
        chown(path, Some(self.uid), Some(self.gid)).with_context(|| format!("cannot give {} to {}", path.display(), self.name))
    }

    /// Lets the account pass through a directory without letting it list it.
    pub(crate) fn admit(&self, dir: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = dir.metadata()?.permissions();
        permissions.set_mode(permissions.mode() & 0o7777 & !0o060 | 0o010);
        chown(dir, None, Some(self.gid))?;
        std::fs::set_permissions(dir, permissions).with_context(|| format!("cannot let {} into {}", self.name, dir.display()))
    }

    /// Whether the mode of this one directory lets the account pass.
    pub(crate) fn may_enter(&self, dir: &Path) -> anyhow::Result<bool> {
        let metadata = dir.metadata()?;
        let bit = match () {
            () if metadata.uid() == self.uid => 0o100,
            () if metadata.gid() == self.gid => 0o010,
            () => 0o001,
        };
        Ok(metadata.mode() & bit != 0)
    }
}

/// Makes `command` run as the account, from a directory that every account may enter.
pub(crate) fn run_as(command: &mut Command, account: Option<&Account>) {
    command.current_dir("/");
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
}
