//! The licences of all whose code is in the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::DistError;
use crate::handover::cargo;

/// What cargo tells of the packages.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    /// None of a package of this workspace.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    /// None of what is linked, else `dev` or `build`.
    kind: Option<String>,
}

/// One text with the licences of all crates that the program is made of.
///
/// # Errors
/// Where cargo does not tell which they are.
pub fn crates(libtorch: &Path) -> Result<Vec<(String, String)>, DistError> {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = cargo(libtorch);
    command.args(["metadata", "--format-version", "1", "--filter-platform", &host]);
    let output = command.output().map_err(|error| DistError::Metadata(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(DistError::Metadata(said));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| DistError::Metadata(error.to_string()))?;
    let texts: Vec<String> = linked(&metadata).into_iter().map(text).collect();
    Ok(vec![("crates.txt".into(), texts.join("\n"))])
}

/// The packages that are linked into the program, by name.
fn linked(metadata: &Metadata) -> Vec<&Package> {
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let first = metadata.packages.iter().find(|it| it.source.is_none() && it.name == "resweep");
    let mut open: Vec<&str> = first.map(|it| it.id.as_str()).into_iter().collect();
    let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
    while let Some(id) = open.pop() {
        let is_new = seen.insert(id, ()).is_none();
        let dependencies = nodes.get(id).filter(|_| is_new).into_iter().flat_map(|node| &node.deps);
        let linked = dependencies.filter(|it| it.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        open.extend(linked.map(|dependency| dependency.pkg.as_str()));
    }
    let is_linked = |it: &&Package| it.source.is_some() && seen.contains_key(it.id.as_str());
    let mut packages: Vec<&Package> = metadata.packages.iter().filter(is_linked).collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}

/// The licence of a package, with all files that it has of it.
fn text(package: &Package) -> String {
    let licence = package.license.as_deref().unwrap_or("as in its files");
    let mut text = format!("==== {} {}: {licence}\n", package.name, package.version);
    let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
    for file in files(folder) {
        let words = std::fs::read(&file).unwrap_or_default();
        text += &format!("\n{}\n", String::from_utf8_lossy(&words).trim_end());
    }
    text
}

/// Files with the words of a licence, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let starts = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE", "COPYRIGHT"];
        path.is_file() && starts.iter().any(|start| name.starts_with(start))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_one).collect();
    files.sort();
    files
}

/// The licences of libtorch and of what it brings, as their wheels have them.
///
/// # Errors
/// What keeps them from being read.
pub fn libtorch(libtorch: &Path) -> Result<Vec<(String, String)>, DistError> {
    let site = libtorch.parent().unwrap_or(libtorch);
    let entries = std::fs::read_dir(site).map_err(DistError::file(site))?;
    let mut all = Vec::new();
    for folder in entries.flatten().map(|entry| entry.path()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(package) = name.strip_suffix(".dist-info") else { continue };
        for file in files(&folder.join("licenses")) {
            let words = std::fs::read(&file).map_err(DistError::file(&file))?;
            let own = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let words = String::from_utf8_lossy(&words).into_owned();
            all.push((format!("{package}-{own}"), words));
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_linked_is_told_and_what_only_builds_is_not() {
        let text = r#"{
            "packages": [
                {"id": "r", "name": "resweep", "version": "0", "license": "MIT", "manifest_path": "/r/Cargo.toml", "source": null},
                {"id": "a", "name": "a", "version": "1", "license": "MIT", "manifest_path": "/a/Cargo.toml", "source": "crates"},
                {"id": "b", "name": "b", "version": "1", "license": null, "manifest_path": "/b/Cargo.toml", "source": "crates"},
                {"id": "c", "name": "c", "version": "1", "license": null, "manifest_path": "/c/Cargo.toml", "source": "crates"}
            ],
            "resolve": {"nodes": [
                {"id": "r", "deps": [
                    {"pkg": "b", "dep_kinds": [{"kind": null}]},
                    {"pkg": "c", "dep_kinds": [{"kind": "dev"}, {"kind": "build"}]}
                ]},
                {"id": "b", "deps": [{"pkg": "a", "dep_kinds": [{"kind": null}]}]}
            ]}
        }"#;
        let metadata: Metadata = serde_json::from_str(text).unwrap();
        let names: Vec<&str> = linked(&metadata).iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
