//! `check [PATH..]`: every spec under some paths, read and planned; nothing runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use super::plan::rendered;
use crate::cli::CheckArgs;
use crate::experiment;
use crate::graph::Graph;
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::Env;
use crate::spec::load::{Include, Loader};
use crate::spec::train::Train;

/// Checks specs and prints what is wrong.
pub fn run(args: &CheckArgs) -> ExitCode {
    let started = Instant::now();
    let files = match find(&args.paths) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let loader = Loader::default();
    let mut counts = Counts::default();
    let mut mistakes = Vec::new();
    for file in &files {
        match check(&loader, file) {
            Ok(kind) => counts.add(kind),
            Err(errors) => {
                counts.wrong += 1;
                mistakes.extend(errors);
            }
        }
    }
    // A mistake of a block that many networks use is told once.
    eprint!("{}", rendered(&loader, SpecError::all(mistakes).as_slice()));
    println!("{} in {:.2} s", counts.text(), started.elapsed().as_secs_f64());
    if counts.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// What a spec is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecKind {
    /// A sweep.
    Sweep,
    /// A network.
    Network,
    /// A block.
    Block,
    /// A recipe.
    Train,
}

/// Reads one spec, and plans it where it is a network or a sweep.
///
/// # Errors
/// Every mistake.
pub fn check(loader: &Loader, file: &Path) -> Result<SpecKind, Vec<SpecError>> {
    let one = |error: SpecError| error.split().collect::<Vec<_>>();
    let tree = loader.open(file).map_err(one)?;
    match tree.name() {
        Some("Sweep") => experiment::sweep(loader, file, &[]).map(|_| SpecKind::Sweep),
        Some("Network") => {
            let planned = experiment::network(loader, file, &[], None);
            planned.map(|_| SpecKind::Network).map_err(one)
        }
        Some("Block") => {
            let checked = Graph::check_block(loader, &Include::of(loader, &tree));
            checked.map(|()| SpecKind::Block).map_err(one)
        }
        Some("Train") => {
            let train = Include::<Train>::of(loader, &tree).read(loader, &Env::new(), "`Train`");
            let checked = train.and_then(|train| train.check(&tree));
            checked.map(|()| SpecKind::Train).map_err(one)
        }
        _ => {
            let expected = "Sweep(`, `Network(`, `Block(` or `Train".into();
            let problem = Problem::WrongKind { expected, found: tree.begins() };
            Err(vec![SpecError::at(tree.head(), problem)])
        }
    }
}

#[derive(Default)]
struct Counts {
    sweeps: usize,
    networks: usize,
    blocks: usize,
    recipes: usize,
    wrong: usize,
}

impl Counts {
    fn add(&mut self, kind: SpecKind) {
        *match kind {
            SpecKind::Sweep => &mut self.sweeps,
            SpecKind::Network => &mut self.networks,
            SpecKind::Block => &mut self.blocks,
            SpecKind::Train => &mut self.recipes,
        } += 1;
    }

    fn text(&self) -> String {
        let kinds = [
            (self.sweeps, "sweep"),
            (self.networks, "network"),
            (self.blocks, "block"),
            (self.recipes, "recipe"),
        ];
        let counted = |count: usize, what: &str| {
            format!("{count} {what}{}", if count == 1 { "" } else { "s" })
        };
        let good: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(*count, what))
            .collect();
        match (good.is_empty(), self.wrong) {
            (false, 0) => format!("No mistakes in {}", good.join(", ")),
            (true, wrong) => format!("Mistakes in {}", counted(wrong, "spec")),
            (false, wrong) => {
                format!("Mistakes in {}, none in {}", counted(wrong, "spec"), good.join(", "))
            }
        }
    }
}

/// The spec files under the paths, in order.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        walk(path, &mut files).map_err(|error| {
            format!("cannot read {}: {error}; name spec files, or folders of them", path.display())
        })?;
        if files.len() == before {
            return Err(format!(
                "there are no .ron files in {}; name spec files, or folders of them",
                path.display()
            ));
        }
    }
    files.dedup();
    Ok(files)
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.metadata()?.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries: Vec<std::fs::DirEntry> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        // A link to a folder may lead back here, so it is not followed.
        if entry.file_type()?.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ron") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
