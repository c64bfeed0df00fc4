//! Keeps `.sqlx` equal to what the queries of `store` say to a database with all migrations.
//!
//! The macros of sqlx write a description of each query when they see a database and a directory to write to, so
//! `cargo check` with both does what the program `cargo sqlx prepare` does, without installing it.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};

use crate::scratch::Scratch;
use crate::{cargo, root, run};

/// File names and their content.
type Descriptions = BTreeMap<String, Vec<u8>>;

/// Writes `.sqlx` anew.
pub(crate) fn prepare() -> anyhow::Result<()> {
    let fresh = describe()?;
    let kept = root().join(".sqlx");
    if kept.exists() {
        fs::remove_dir_all(&kept)?;
    }
    fs::create_dir(&kept)?;
    for (name, content) in &fresh {
        fs::write(kept.join(name), content)?;
    }
    println!("{} queries described in .sqlx", fresh.len());
    Ok(())
}

/// Fails when `.sqlx` is not what `prepare` would write.
pub(crate) fn check() -> anyhow::Result<()> {
    let fresh = describe()?;
    let kept = read(&root().join(".sqlx"))?;
    let missing = fresh.keys().filter(|name| !kept.contains_key(*name)).map(|name| format!("missing {name}"));
    let extra = kept.keys().filter(|name| !fresh.contains_key(*name)).map(|name| format!("not used {name}"));
    let changed = fresh.iter().filter(|(name, content)| kept.get(*name).is_some_and(|old| old != *content));
    let differences: Vec<String> = missing.chain(extra).chain(changed.map(|(name, _)| format!("changed {name}"))).collect();
    if !differences.is_empty() {
        bail!("run `cargo xtask sqlx` and commit .sqlx:\n  {}", differences.join("\n  "));
    }
    println!("{} queries agree with .sqlx", fresh.len());
    Ok(())
}

/// What the macros say now. Asked again only when the queries, the tables or the lock file have changed.
fn describe() -> anyhow::Result<Descriptions> {
    let cache = root().join("target/sqlx");
    let (described, stamp) = (cache.join("queries"), cache.join("inputs"));
    let inputs = hash_of_inputs()?.to_string();
    if fs::read_to_string(&stamp).is_ok_and(|before| before == inputs) {
        return read(&described);
    }
    if cache.exists() {
        fs::remove_dir_all(&cache)?;
    }
    fs::create_dir_all(&described)?;
    compile(&described)?;
    fs::write(&stamp, &inputs)?;
    read(&described)
}

fn compile(described: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::start()?;
    scratch.cluster.create_database_if_absent("tieout")?;
    for migration in migrations()? {
        let script = fs::read_to_string(&migration)?;
        scratch.cluster.execute("tieout", &script).with_context(|| format!("{} fails", migration.display()))?;
    }
    // cargo does not know that the macros read the database: a touched file makes it compile
    File::open(root().join("crates/store/src/lib.rs"))?.set_modified(SystemTime::now())?;
    let mut check = cargo();
    check.args(["check", "--quiet", "--package", "store", "--all-targets"]);
    check.env("DATABASE_URL", scratch.cluster.url("tieout")).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", described);
    run(&mut check)
}

/// In the order in which sqlx applies them: by the number before the first underscore.
fn migrations() -> anyhow::Result<Vec<PathBuf>> {
    let mut numbered = Vec::new();
    for entry in fs::read_dir(root().join("migrations"))? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("sql")) {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let number = name.split('_').next().and_then(|number| number.parse::<i64>().ok());
            numbered.push((number.with_context(|| format!("{name} does not begin with a number"))?, path));
        }
    }
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

fn hash_of_inputs() -> anyhow::Result<u64> {
    let mut files = vec![root().join("Cargo.lock"), root().join("crates/store/Cargo.toml")];
    for dir in ["migrations", "crates/store/src", "crates/store/tests"] {
        collect(&root().join(dir), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn read(dir: &Path) -> anyhow::Result<Descriptions> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    let named = files.into_iter().filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)));
    named.map(|(name, path)| Ok((name, fs::read(path)?))).collect()
}
