//! What the build needs and cargo does not do.
//!
//!     cargo xtask client [--release]      the browser half, into target/site
//!     cargo xtask sqlx [--check]          the descriptions of the SQL queries, in .sqlx
//!     cargo xtask deny                    licences, bans and sources of the dependencies, by deny.toml
//!     cargo xtask with-postgres CMD…      runs a command with DATABASE_URL naming a scratch cluster

mod client;
mod deny;
mod scratch;
mod sqlx;
mod style;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    dispatch(&words).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn dispatch(words: &[&str]) -> anyhow::Result<ExitCode> {
    match words {
        ["client"] => client::build(client::Profile::Dev)?,
        ["client", "--release"] => client::build(client::Profile::Release)?,
        ["sqlx"] => sqlx::prepare()?,
        ["sqlx", "--check"] => sqlx::check()?,
        ["deny"] => deny::check()?,
        ["with-postgres", "--", command @ ..] | ["with-postgres", command @ ..] if !command.is_empty() => return scratch::run(command),
        _ => bail!("usage: cargo xtask client [--release] | sqlx [--check] | deny | with-postgres CMD…"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).unwrap_or(Path::new(".")).to_owned()
}

/// The cargo that runs us, from the top of the repository.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}
