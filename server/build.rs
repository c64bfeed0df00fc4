//! Names the build: a release carries its commit, so that what went wrong can be put down to it. Other builds are rebuilt too often
//! to be told apart.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut commit = None;
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        commit = git(&["rev-parse", "--short=12", "HEAD"]);
        for path in ["HEAD", "logs/HEAD"] {
            git(&["rev-parse", "--git-path", path]).inspect(|path| println!("cargo::rerun-if-changed={path}"));
        }
    }
    println!("cargo::rustc-env=TIEOUT_COMMIT={}", commit.as_deref().unwrap_or("dev"));
}
