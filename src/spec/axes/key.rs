//! What an entry of an axis changes, and what it is called.

use std::rc::Rc;

use super::{Label, Role, Setting};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::KEYWORDS;
use crate::spec::overlay::Change;
use crate::spec::source::Span;
use crate::spec::tree::{Field, Tree};

/// Where fields that an axis can change start.
const ROOTS: [&str; 4] = ["train", "data", "network", "with"];

/// The key of an entry: `"train.optimizer.lr"`, or `"lr = train.optimizer.lr"`.
pub(super) struct Key {
    pub name: String,
    path: String,
    /// The whole key.
    span: Span,
    /// The path in it.
    at: Span,
}

impl Key {
    pub fn read(field: &Field) -> Result<Self, SpecError> {
        let (alias, path) = match field.name.split_once('=') {
            Some((alias, path)) => (Some(alias.trim()), path),
            None => (None, field.name.as_str()),
        };
        let start = field.name.len() - path.trim_start().len();
        let path = path.trim();
        let at = field.span.part(1 + start, 1 + start + path.len());
        check_path(path, at)?;
        let name = alias.unwrap_or_else(|| path.rsplit('.').next().unwrap_or_default());
        check_label(name, field.span)?;
        Ok(Self { name: name.into(), path: path.into(), span: field.span, at })
    }

    pub fn label(&self, role: Role) -> Label {
        Label { name: self.name.clone(), path: Some(self.path.clone()), span: self.span, role }
    }

    pub fn set(&self, value: Rc<Tree>) -> Setting {
        let change = Change { path: self.path.clone(), base: self.at, value: Rc::clone(&value) };
        Setting { label: self.name.clone(), value, change: Some(change) }
    }
}

fn check_path(path: &str, at: Span) -> Result<(), SpecError> {
    let root = path.split('.').next().unwrap_or_default();
    let problem = if path.split('.').any(str::is_empty) {
        let help = "write a path such as `train.optimizer.lr`".into();
        Problem::Value { reason: format!("a name in the path `{path}` is missing"), help }
    } else if path == "network" {
        let help = "list networks in `networks`; their fields are `network.stages`, ...".into();
        Problem::Value { reason: "the network itself cannot be an axis".into(), help }
    } else if !ROOTS.contains(&root) {
        let expected = ROOTS.map(String::from).to_vec();
        let owner = format!("`{path}` leads nowhere: an experiment");
        Problem::UnknownField { owner, found: root.into(), expected }
    } else {
        return Ok(());
    };
    let part = if path.split('.').any(str::is_empty) { at } else { at.part(0, root.len()) };
    Err(SpecError::at(part, problem))
}

/// Labels can stand in conditions.
pub(super) fn check_label(name: &str, span: Span) -> Result<(), SpecError> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if starts && legal && name != "network" && !KEYWORDS.contains(&name) {
        return Ok(());
    }
    let reason = format!("an axis cannot be called `{name}`");
    let help = "give it a name of letters, digits and `_` before the path, as in \
                `\"lr = train.optimizer.lr\"`"
        .into();
    Err(SpecError::at(span, Problem::Value { reason, help }))
}
