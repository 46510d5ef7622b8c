//! The tables of networks, blocks, sweeps and recipes in `experiments/README.md`, computed from the specs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use resweep::experiment;
use resweep::plan::table::group;
use resweep::spec::load::Loader;

use super::DocsError;

/// The page with its tables as they should be.
///
/// # Errors
/// A spec that does not plan, and a page without the marks of a table.
pub fn readme(root: &Path) -> Result<String, DocsError> {
    let experiments = root.join("experiments");
    let text = super::read(&experiments.join("README.md"))?;
    let text = between(&text, "networks", &networks(&experiments)?)?;
    let text = between(&text, "blocks", &blocks(&experiments)?)?;
    let text = between(&text, "sweeps", &sweeps(&experiments)?)?;
    between(&text, "recipes", &recipes(&experiments)?)
}

/// The text with `table` between the marks of this name.
fn between(text: &str, name: &str, table: &str) -> Result<String, DocsError> {
    let mark = format!("<!-- {name}, written by `cargo xtask docs` -->\n");
    let parts = text.split_once(&mark).and_then(|(before, rest)| {
        let (_, after) = rest.split_once("<!-- end -->")?;
        Some(format!("{before}{mark}\n{table}\n<!-- end -->{after}"))
    });
    parts.ok_or_else(|| {
        DocsError::Spec(format!("experiments/README.md needs {mark}and <!-- end --> after it"))
    })
}

fn networks(experiments: &Path) -> Result<String, DocsError> {
    let mut table = String::from(
        "| network | parameters | MACs | input | what it is |\n|---|--:|--:|---|---|\n",
    );
    for path in super::files(&experiments.join("models"), "ron")? {
        let loader = Loader::default();
        let plan = experiment::network(&loader, &path, &[], None);
        let plan = plan.map_err(|error| DocsError::Spec(error.render(&loader.sources)))?;
        let about = about(&super::read(&path)?);
        let link = linked(experiments, &path);
        let (params, macs) = (group(plan.params()), giga(plan.macs()));
        let _ = writeln!(table, "| {link} | {params} | {macs} | {} | {about} |", plan.input);
    }
    Ok(table)
}

fn blocks(experiments: &Path) -> Result<String, DocsError> {
    let mut table = String::from("| block | what it is |\n|---|---|\n");
    for path in super::files(&experiments.join("blocks"), "ron")? {
        let about = about(&super::read(&path)?);
        let _ = writeln!(table, "| {} | {about} |", linked(experiments, &path));
    }
    Ok(table)
}

fn sweeps(experiments: &Path) -> Result<String, DocsError> {
    let mut table = String::from("| sweep | what it compares |\n|---|---|\n");
    for path in super::files(experiments, "ron")? {
        let loader = Loader::default();
        let tree = loader.open(&path);
        let tree = tree.map_err(|error| DocsError::Spec(error.render(&loader.sources)))?;
        if tree.name() == Some("Sweep") {
            let about = about(&super::read(&path)?);
            let _ = writeln!(table, "| {} | {about} |", linked(experiments, &path));
        }
    }
    Ok(table)
}

fn recipes(experiments: &Path) -> Result<String, DocsError> {
    let mut table = String::from("| recipe | what it is, and what it reached |\n|---|---|\n");
    for path in super::files(&experiments.join("recipes"), "ron")? {
        let about = about(&super::read(&path)?);
        let _ = writeln!(table, "| {} | {about} |", linked(experiments, &path));
    }
    Ok(table)
}

fn linked(experiments: &Path, path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(experiments).unwrap_or(path).to_path_buf();
    let name = path.strip_prefix("models").unwrap_or(&path).with_extension("");
    format!("[{}]({})", name.display(), path.display())
}

/// The first paragraph of a spec's comment, without what the other columns say.
fn about(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//"));
    let lines: Vec<&str> = lines.map(str::trim).take_while(|line| !line.is_empty()).collect();
    let text = lines.join(" ");
    let counted = |sentence: &str| {
        sentence.starts_with(|c: char| c.is_ascii_digit()) && sentence.contains("param")
    };
    let kept: Vec<&str> = text.split_inclusive(". ").filter(|s| !counted(s)).collect();
    kept.concat().trim().replace('|', "\\|")
}

/// In units of 10^9, three digits after the point.
fn giga(macs: u64) -> String {
    format!("{:.3} G", macs as f64 / 1e9)
}
