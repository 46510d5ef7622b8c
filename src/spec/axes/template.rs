//! `names`: how experiments are called, as in `"{network}-w{width}"`.

use std::rc::Rc;

use super::condition::part;
use super::legal;
use super::values::fault;
use crate::spec::error::{Problem, SpecError};
use crate::spec::source::Span;
use crate::spec::tree::{Tree, Value};

/// A template of names.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its parts in order.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub span: Span,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// The value of a name, with its place.
    Name(String, Span),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Braces that do not match, and text that names cannot have.
    pub fn read(tree: &Rc<Tree>) -> Result<Self, SpecError> {
        let Value::Str(text) = &tree.value else {
            let reason = format!("expected a template of names, found {}", tree.describe());
            return Err(fault(tree, &reason, "write `\"{network}-w{width}\"`"));
        };
        let error = |at, reason: String, help: &str| {
            let problem = Problem::Value { reason, help: help.into() };
            Err(SpecError::at(part(tree.span, text, at), problem))
        };
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let rest = &text[at..];
            if let Some(inside) = rest.strip_prefix('{') {
                let Some(length) = inside.find('}') else {
                    let help = "close it with `}`, as in `{width}`";
                    return error((at, text.len()), "this `{` is not closed".into(), help);
                };
                let name = inside[..length].trim();
                if name.is_empty() {
                    let help = "name an axis or `network`, as in `{network}-w{width}`";
                    return error((at, at + length + 2), "these braces are empty".into(), help);
                }
                let span = part(tree.span, text, (at + 1, at + 1 + length));
                parts.push(Part::Name(name.into(), span));
                at += length + 2;
                continue;
            }
            let length = rest.find('{').unwrap_or(rest.len());
            if let Some((start, c)) = rest[..length].char_indices().find(|(_, c)| !legal(*c)) {
                let help = "use letters, digits and `_-+=.,`, and values in braces";
                let reason = format!("names cannot have `{c}`");
                return error((at + start, at + start + c.len_utf8()), reason, help);
            }
            parts.push(Part::Text(rest[..length].into()));
            at += length;
        }
        Ok(Self { parts, span: tree.span })
    }
}
