//! `#[serde(..)]` and doc comments, as `syn` gives them.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Token};

use super::DocsError;

/// What serde is told about a type, a field or a variant.
#[derive(Debug, Clone, Default)]
pub struct Serde {
    /// Another name when it is read.
    pub rename: Option<String>,
    /// A rule for the names of fields or variants.
    pub rename_all: Option<String>,
    /// Whether it may be left out, and what then stands in its place.
    pub default: Default_,
    /// Whether it is never read.
    pub skip: bool,
    /// Whether it is read as its only field is.
    pub transparent: bool,
    /// Whether it is read as the first variant that fits.
    pub untagged: bool,
    /// The type that it is read as.
    pub from: Option<String>,
}

/// What stands in the place of a field that is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Default_ {
    /// Nothing: it is required.
    #[default]
    Required,
    /// The default of its type.
    OfType,
    /// What this function returns.
    Function(String),
}

impl Serde {
    /// What the attributes say.
    ///
    /// # Errors
    /// An attribute that the generator does not know.
    pub fn of(attrs: &[Attribute]) -> Result<Self, DocsError> {
        let mut serde = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
            let metas = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            for meta in metas.map_err(|error| DocsError::Unknown(format!("#[serde]: {error}")))? {
                serde.take(&meta)?;
            }
        }
        Ok(serde)
    }

    fn take(&mut self, meta: &Meta) -> Result<(), DocsError> {
        let name = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let value = string_of(meta);
        match (name.as_str(), value) {
            ("default", None) => self.default = Default_::OfType,
            ("default", Some(function)) => self.default = Default_::Function(function),
            ("rename", Some(to)) => self.rename = Some(to),
            ("rename", None) => self.rename = renamed_for_reading(meta)?,
            ("rename_all", Some(rule)) => self.rename_all = Some(rule),
            ("skip" | "skip_deserializing", None) => self.skip = true,
            ("transparent", None) => self.transparent = true,
            ("untagged", None) => self.untagged = true,
            ("from" | "try_from", Some(other)) => self.from = Some(other),
            // What is read is of the field's type all the same, and its doc comment says the rest.
            ("deserialize_with", Some(_)) => {}
            // How it is written, and strictness: no matter to a reader of the page.
            ("deny_unknown_fields" | "bound" | "crate" | "into" | "expecting", _)
            | ("skip_serializing" | "skip_serializing_if" | "serialize_with", _) => {}
            _ => {
                let what = format!("#[serde({name} ..)]; teach it to xtask/src/docs/serde.rs");
                return Err(DocsError::Unknown(what));
            }
        }
        Ok(())
    }

    /// The name that a spec writes.
    pub fn name(&self, ident: &str, rule: Option<&str>) -> Result<String, DocsError> {
        match (&self.rename, rule) {
            (Some(name), _) => Ok(name.clone()),
            (None, None) => Ok(ident.into()),
            (None, Some("lowercase")) => Ok(ident.to_lowercase()),
            (None, Some("snake_case")) => Ok(snake(ident)),
            (None, Some(rule)) => {
                let what = format!("rename_all = {rule:?}; teach it to xtask/src/docs/serde.rs");
                Err(DocsError::Unknown(what))
            }
        }
    }
}

fn snake(ident: &str) -> String {
    let mut out = String::new();
    for c in ident.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn string_of(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) => string(&pair.value),
        _ => None,
    }
}

/// The text of a string literal.
pub fn string(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::Paren(inner) => string(&inner.expr),
        Expr::Reference(inner) => string(&inner.expr),
        _ => None,
    }
}

/// `rename(serialize = "..", deserialize = "..")`.
fn renamed_for_reading(meta: &Meta) -> Result<Option<String>, DocsError> {
    let Meta::List(list) = meta else { return Ok(None) };
    let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let inner = inner.map_err(|error| DocsError::Unknown(format!("rename: {error}")))?;
    Ok(inner.iter().find(|meta| meta.path().is_ident("deserialize")).and_then(string_of))
}

/// The doc comment, without the sections for programmers (`# Errors`).
pub fn doc(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter(|attr| attr.path().is_ident("doc")).filter_map(|attr| {
        let Meta::NameValue(pair) = &attr.meta else { return None };
        let line = string(&pair.value)?;
        Some(line.strip_prefix(' ').map_or(line.clone(), str::to_string))
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if let Some(end) = text.find("\n# ") {
        text.truncate(end);
    }
    text.trim().into()
}
