//! Checks every dependency against `deny.toml`.
//!
//! It reads the part of cargo-deny's file that needs no network: licences, banned crates, sources. cargo-deny itself
//! takes longer to compile than this whole workspace; whoever has it may run it on the same file, for advisories too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::{cargo, root};

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

/// Who really uses whom; `packages` also lists what some feature that is off would add.
#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

pub(crate) fn check() -> anyhow::Result<()> {
    let policy: Policy = toml::from_str(&fs::read_to_string(root().join("deny.toml"))?).context("deny.toml")?;
    let output = cargo().args(["metadata", "--format-version=1", "--locked", "--all-features"]).output()?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let used = used(&metadata);
    let faults = faults(&policy, &used);
    if !faults.is_empty() {
        bail!("{} dependencies break deny.toml:\n  {}", faults.len(), faults.join("\n  "));
    }
    println!("{} crates keep deny.toml", used.len());
    Ok(())
}

/// The dependencies that are compiled, for whatever platform, without our own crates.
fn used(metadata: &Metadata) -> Vec<&Package> {
    let dependencies: BTreeMap<&str, &[String]> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node.dependencies.as_slice())).collect();
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&str> = metadata.workspace_members.iter().map(String::as_str).collect();
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(dependencies.get(id).into_iter().flat_map(|ids| ids.iter().map(String::as_str)));
        }
    }
    let foreign = |package: &&Package| !metadata.workspace_members.contains(&package.id) && reached.contains(package.id.as_str());
    metadata.packages.iter().filter(foreign).collect()
}

fn faults(policy: &Policy, used: &[&Package]) -> Vec<String> {
    let exceptions: BTreeMap<&str, &BTreeSet<String>> =
        policy.licenses.exceptions.iter().map(|exception| (exception.name.as_str(), &exception.allow)).collect();
    let mut faults = Vec::new();
    for package in used {
        let also = exceptions.get(package.name.as_str()).copied();
        let allowed = |name: &str| policy.licenses.allow.contains(name) || also.is_some_and(|also| also.contains(name));
        let named = format!("{} {}", package.name, package.version);
        if let Err(fault) = check_license(package.license.as_deref(), allowed) {
            faults.push(format!("{named}: {fault:#}"));
        }
        if let Some(ban) = policy.bans.deny.iter().find(|ban| ban.name == package.name) {
            faults.push(format!("{named}: banned, {}", ban.reason));
        }
        if !package.source.as_deref().is_some_and(|source| source.starts_with("registry+")) {
            faults.push(format!("{named}: not from a registry"));
        }
    }
    let registries: BTreeSet<&str> = used.iter().filter_map(|package| package.source.as_deref()).collect();
    if registries.len() > 1 {
        faults.push(format!("more than one source: {registries:?}"));
    }
    faults
}

fn check_license(license: Option<&str>, allowed: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let license = license.context("says no licence")?;
    // LAX reads the old spelling `MIT/Apache-2.0`
    let expression = Expression::parse_mode(license, ParseMode::LAX).map_err(|error| anyhow::anyhow!("{license}: {}", error.reason))?;
    let keeps = expression.evaluate(|requirement| allowed(&requirement.to_string()));
    ensure!(keeps, "licence {license} is not allowed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(name: &str, license: &str, source: Option<&str>) -> Vec<String> {
        let policy: Policy = toml::from_str(
            "[licenses]\nallow = ['MIT', 'Apache-2.0']\nexceptions = [{ crate = 'odd', allow = ['Zlib'] }]\n\
             [bans]\ndeny = [{ crate = 'openssl-sys', reason = 'rustls is used' }]",
        )
        .unwrap();
        let package = Package {
            id: name.into(),
            name: name.into(),
            version: "1.0.0".into(),
            license: Some(license.into()),
            source: source.map(Into::into),
        };
        faults(&policy, &[&package])
    }

    #[test]
    fn each_rule_can_be_broken() {
        let registry = Some("registry+somewhere");
        assert!(faults_of("good", "MIT OR GPL-3.0-only", registry).is_empty());
        assert!(faults_of("old", "MIT/Apache-2.0", registry).is_empty());
        assert!(faults_of("odd", "Zlib", registry).is_empty());
        assert_eq!(faults_of("bad", "MIT AND GPL-3.0-only", registry).len(), 1);
        assert_eq!(faults_of("other", "Zlib", registry).len(), 1);
        assert_eq!(faults_of("openssl-sys", "MIT", registry), ["openssl-sys 1.0.0: banned, rustls is used"]);
        assert_eq!(faults_of("forked", "MIT", Some("git+somewhere")).len(), 1);
        assert_eq!(faults_of("local", "MIT", None).len(), 1);
    }
}
