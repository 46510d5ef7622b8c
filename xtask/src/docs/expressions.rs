//! The section on expressions: what the crate's own tables say.

use std::fmt::Write as _;
use std::path::Path;

use resweep::spec::expr::FUNCTIONS;

use super::DocsError;

/// The page of a module: its `//!` comment.
fn module_doc(path: &Path) -> Result<String, DocsError> {
    let text = super::read(path)?;
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let text = lines.join("\n");
    // The last paragraph says which file holds what.
    Ok(text.rsplit_once("\n\n").map_or(text.clone(), |(before, _)| before.into()))
}

/// The section.
///
/// # Errors
/// The file of expressions cannot be read.
pub fn section(root: &Path) -> Result<String, DocsError> {
    let mut out = module_doc(&root.join("src/spec/expr/mod.rs"))?;
    out.push_str("\n\n| function | value |\n|---|---|\n");
    for function in FUNCTIONS {
        let _ = writeln!(out, "| `{}` | {} |", function.usage, function.doc);
    }
    Ok(out)
}
