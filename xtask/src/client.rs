//! The browser half: WebAssembly, its JavaScript, the style sheet, fonts and static files, all in target/site.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{cargo, root, run, style};

const TARGET: &str = "wasm32-unknown-unknown";
const NAME: &str = "tieout";
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;
const BROTLI_BUFFER: usize = 64 * 1024;

/// What npm calls the fonts, and what the style sheet calls them.
const FONTS: [(&str, &str); 5] = [
    ("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", "inter.woff2"),
    ("@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2", "inter-ext.woff2"),
    ("@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2", "ibm-plex-mono-400.woff2"),
    ("@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-500-normal.woff2", "ibm-plex-mono-500.woff2"),
    ("@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-600-normal.woff2", "ibm-plex-mono-600.woff2"),
];

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
pub(crate) enum Profile {
    /// Quick to build; the file is large and not compressed.
    Dev,
    /// What people get: small, and compressed beforehand.
    Release,
}

impl Profile {
    fn cargo_name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "wasm-release",
        }
    }

    fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "wasm-release",
        }
    }
}

pub(crate) fn build(profile: Profile) -> anyhow::Result<()> {
    let wasm = compile(profile)?;
    let site = root().join("target/site");
    let pkg = site.join("pkg");
    fs::create_dir_all(&pkg)?;
    link(profile, &wasm, &pkg)?;
    write_if_changed(&pkg.join(format!("{NAME}.css")), style::bundle(&root().join("style/main.css"))?.as_bytes())?;
    copy_tree(&root().join("public"), &site)?;
    copy_fonts(&site.join("fonts"))?;
    for suffix in [".js", "_bg.wasm", ".css"] {
        finish(profile, &pkg.join(format!("{NAME}{suffix}")))?;
    }
    Ok(())
}

fn compile(profile: Profile) -> anyhow::Result<PathBuf> {
    let target_dir = root().join("target/front");
    let mut build = cargo();
    build.args(["build", "--package", "app", "--lib", "--no-default-features", "--features", "hydrate", "--target", TARGET]);
    build.args(["--profile", profile.cargo_name(), "--target-dir"]).arg(&target_dir);
    // coverage or sanitizer flags of the server have no meaning here
    build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(&mut build)?;
    Ok(target_dir.join(TARGET).join(profile.directory()).join("app.wasm"))
}

/// Turns the compiler's output into what a browser loads, unless that was done already.
fn link(profile: Profile, wasm: &Path, pkg: &Path) -> anyhow::Result<()> {
    let stamp = root().join("target/front/linked");
    let compiled = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let mut hasher = DefaultHasher::new();
    (profile, &compiled).hash(&mut hasher);
    let inputs = hasher.finish().to_string();
    let linked = pkg.join(format!("{NAME}_bg.wasm"));
    if linked.exists() && fs::read_to_string(&stamp).is_ok_and(|before| before == inputs) {
        return Ok(());
    }
    let unfinished = root().join("target/front/bindgen");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    Bindgen::new()
        .input_path(wasm)
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        .debug(profile == Profile::Dev)
        .keep_debug(false)
        .generate(&unfinished)?;
    let bound = unfinished.join(format!("{NAME}_bg.wasm"));
    let bound_size = size(&bound)?;
    if profile == Profile::Release {
        optimise(&bound)?;
    }
    println!("wasm: {} B compiled, {bound_size} B bound, {} B optimised", compiled.len(), size(&bound)?);
    copy_tree(&unfinished, pkg)?;
    fs::write(stamp, inputs)?;
    Ok(())
}

/// npm's binaryen, pinned in end2end/package-lock.json: the one Debian carries breaks the page without a word.
fn optimise(wasm: &Path) -> anyhow::Result<()> {
    let tool = env::var_os("WASM_OPT").map_or_else(|| node_modules().join(".bin/wasm-opt"), PathBuf::from);
    run(Command::new(tool).arg("-Oz").arg(wasm).arg("-o").arg(wasm)).context("scripts/setup installs wasm-opt")
}

/// Compresses a file of a release, and removes what an earlier release has left beside a development file.
fn finish(profile: Profile, file: &Path) -> anyhow::Result<()> {
    let mut compressed = file.as_os_str().to_owned();
    compressed.push(".br");
    let compressed = PathBuf::from(compressed);
    let name = file.file_name().unwrap_or_default().display();
    match profile {
        Profile::Dev => {
            if compressed.exists() {
                fs::remove_file(&compressed)?;
            }
            println!("{name:<16} {:>10} B", size(file)?);
        }
        Profile::Release => {
            if !is_newer(&compressed, file)? {
                compress(file, &compressed)?;
            }
            println!("{name:<16} {:>10} B {:>10} B brotli", size(file)?, size(&compressed)?);
        }
    }
    Ok(())
}

fn compress(from: &Path, to: &Path) -> anyhow::Result<()> {
    let content = fs::read(from)?;
    let mut writer = brotli::CompressorWriter::new(File::create(to)?, BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(&content)?;
    writer.flush()?;
    Ok(())
}

fn copy_fonts(to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for (from, name) in FONTS {
        let from = node_modules().join(from);
        ensure!(from.exists(), "{} is missing: run scripts/setup", from.display());
        write_if_changed(&to.join(name), &fs::read(from)?)?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            write_if_changed(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Leaves the time of an equal file alone, so that it is not compressed again.
fn write_if_changed(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn is_newer(file: &Path, than: &Path) -> anyhow::Result<bool> {
    Ok(file.exists() && file.metadata()?.modified()? >= than.metadata()?.modified()?)
}

fn size(file: &Path) -> anyhow::Result<u64> {
    Ok(fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len())
}

fn node_modules() -> PathBuf {
    root().join("end2end/node_modules")
}
