//! Parts of the language that the pages of modules (`//!`) tell: expressions, axes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use resweep::spec::block::IN_SCOPE;
use resweep::spec::expr::FUNCTIONS;

use super::DocsError;
use super::serde::doc;

/// A section: its title and its text.
pub struct Section {
    /// The title.
    pub title: String,
    /// The text.
    pub text: String,
}

/// The section on expressions.
///
/// # Errors
/// The file of expressions cannot be read.
pub fn expressions(root: &Path) -> Result<Section, DocsError> {
    let mut section = section(&root.join("src/spec/expr/mod.rs"))?;
    section.text.push_str("\n\n| function | value |\n|---|---|\n");
    for function in FUNCTIONS {
        let _ = writeln!(section.text, "| `{}` | {} |", function.usage, function.doc);
    }
    section.text.push_str("\nNames that every block has in scope, beside its parameters. Those of stages and blocks, `in_channels` and\n`classes` also hold in a stage's `width`, `stride`, `path` and `with`; `in_channels`, `stages`,\n`blocks` and `classes` in stem and head. A file's own `params` hold in all of it, in the defaults\nof `params` only those before. What a file that uses this one has in scope does not hold here: give\nit by `with`.\n\n");
    section.text.push_str("| name | value |\n|---|---|\n");
    for (name, doc) in IN_SCOPE {
        let _ = writeln!(section.text, "| `{name}` | {doc} |");
    }
    Ok(section)
}

/// A section for every module of the spec stage whose page shows RON.
///
/// # Errors
/// A file that cannot be read.
pub fn sections(root: &Path) -> Result<Vec<Section>, DocsError> {
    let mut sections = Vec::new();
    for path in super::files(&root.join("src/spec"), "rs")? {
        let mut section = section(&path)?;
        if !section.text.contains("```ron") {
            continue;
        }
        // What the page shows is a part of something, which the tests of documentation want named.
        let marker = format!("```ron,{}\n", section.title.to_lowercase());
        section.text = section.text.replace("```ron\n", &marker);
        if path.ends_with("mod.rs") {
            let others = super::files(path.parent().unwrap_or(root), "rs")?;
            for list in others.iter().map(PathBuf::as_path).map(lists) {
                section.text.push_str(&list?);
            }
        }
        sections.push(section);
    }
    Ok(sections)
}

/// The page of a module, whose first line is `Title: what it is`.
fn section(path: &Path) -> Result<Section, DocsError> {
    let text = super::read(path)?;
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let page = lines.join("\n");
    let title = page.split([':', '.', ' ']).next().unwrap_or_default().to_string();
    // A paragraph that names submodules is for programmers.
    let modules: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .map(|module| format!("`{module}`"))
        .collect();
    let kept = page.split("\n\n").filter(|paragraph| {
        modules.iter().filter(|module| paragraph.contains(module.as_str())).count() < 2
    });
    Ok(Section { title, text: kept.collect::<Vec<_>>().join("\n\n") })
}

/// The comments of a file's items that list forms: `` - `Range(from, to, step)`: .. ``.
fn lists(path: &Path) -> Result<String, DocsError> {
    let parsed = syn::parse_file(&super::read(path)?).map_err(|error| {
        DocsError::Unknown(error.to_string()).located(path.display().to_string())
    })?;
    let docs = parsed.items.iter().filter_map(|item| match item {
        syn::Item::Fn(item) => Some(doc(&item.attrs)),
        syn::Item::Enum(item) => Some(doc(&item.attrs)),
        syn::Item::Struct(item) => Some(doc(&item.attrs)),
        _ => None,
    });
    Ok(docs.filter(|doc| doc.contains("\n- `")).map(|doc| format!("\n\n{doc}")).collect())
}
