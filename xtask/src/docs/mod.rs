//! `cargo xtask docs`: the pages that are made from the code and the specs.
//!
//! `experiments/REFERENCE.md` comes from the doc comments of the types that specs are read into
//! ([`code`] reads them with `syn`), so it lists what the code has and nothing else; a construct
//! that it does not know is an error. The tables of networks and sweeps in
//! `experiments/README.md` come from the specs. A test says that both are current.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod body;
mod by_hand;
mod code;
mod custom;
mod defaults;
mod example;
mod modules;
mod operation;
mod page;
mod serde;
mod table;
#[cfg(test)]
mod tests;
mod uses;
mod words;
mod zoo;

/// Why the pages cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DocsError {
    /// A file or folder.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something in the code that the generator does not understand.
    #[error("the reference page cannot be made: it does not know {0}")]
    Unknown(String),
    /// The same, and where.
    #[error("{place}: {inner}")]
    Located {
        /// Where.
        place: String,
        /// What.
        inner: Box<DocsError>,
    },
    /// A spec that is shipped and does not plan.
    #[error("{0}")]
    Spec(String),
}

impl DocsError {
    /// Adds where it happened.
    pub fn located(self, place: String) -> Self {
        Self::Located { place, inner: Box::new(self) }
    }
}

/// A page: its path from the repository's root, and its text.
pub struct Page {
    /// The path.
    pub path: &'static str,
    /// The text.
    pub text: String,
}

/// Writes every page that has changed.
///
/// # Errors
/// What keeps a page from being made or written.
pub fn run() -> Result<ExitCode, DocsError> {
    for page in pages(root())? {
        let path = root().join(page.path);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&page.text) {
            let failed = |error: std::io::Error| file_error(&path, &error);
            std::fs::write(&path, &page.text).map_err(failed)?;
            println!("wrote {}", page.path);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every page as it should be.
///
/// # Errors
/// What keeps a page from being made.
pub fn pages(root: &Path) -> Result<Vec<Page>, DocsError> {
    let code = code::Code::read(root)?;
    Ok(vec![
        Page { path: "experiments/REFERENCE.md", text: page::reference(&code, root)? },
        Page { path: "experiments/README.md", text: zoo::readme(root)? },
        Page { path: "tests/fuzz/spec.dict", text: page::dictionary(&code) },
    ])
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The files of a folder with this extension, those of its folders too, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, DocsError> {
    let failed = |error: std::io::Error| file_error(folder, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, DocsError> {
    std::fs::read_to_string(path).map_err(|error| file_error(path, &error))
}

fn file_error(path: &Path, error: &std::io::Error) -> DocsError {
    DocsError::File { path: path.to_path_buf(), reason: error.to_string() }
}
