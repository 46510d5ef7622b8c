//! Examples: those of the doc comments, or else the required fields with values in their places.

use std::path::Path;

use syn::Type as Ty;

use super::DocsError;
use super::code::{Body, Code, Field, Type, VariantBody};
use super::operation::facts;
use super::uses::Uses;
use super::words::{Kind, required};

/// How a block of RON in a doc comment begins.
const RON: &str = "```ron";

impl Code {
    /// An example of a type: from its doc comment, or with what is required.
    ///
    /// # Errors
    /// A type whose doc comment must show an example.
    pub fn example(&self, ty: &Type, depth: u32) -> Result<String, DocsError> {
        if let Some(shown) = shown(&ty.doc) {
            return Ok(shown);
        }
        match &ty.body {
            Body::Struct(fields) if ty.serde.rename.as_deref() == Some("node") => {
                // The name and the operation; `from` stands within.
                let mut parts = Vec::new();
                for field in fields {
                    if required(self, &ty.file, field)? {
                        parts.push(self.placeholder(&ty.file, &field.ty, depth + 1)?);
                    }
                }
                Ok(format!("({})", parts.join(", ")))
            }
            Body::Struct(fields) => {
                let name = if self.kinds.contains(&ty.ident) { &ty.ident } else { "" };
                self.fields_example(&ty.file, name, &fields.iter().collect::<Vec<_>>(), depth)
            }
            Body::Enum(variants) => {
                let default = variants.iter().find(|variant| variant.default);
                let Some(variant) = default.or_else(|| variants.first()) else {
                    return Err(DocsError::Unknown(format!("the empty enum `{}`", ty.ident)));
                };
                self.variant_example(ty, &variant.name, &variant.body, depth)
            }
            Body::Newtype(within) => self.placeholder(&ty.file, within, depth + 1),
            Body::Custom(_) | Body::ByHand(_) => {
                Err(DocsError::Unknown(format!("an example of `{}`", ty.ident)))
            }
        }
    }

    /// A node with this operation: from its doc comment, from a shipped spec, or with what is
    /// required.
    ///
    /// # Errors
    /// A type whose doc comment must show an example.
    pub fn node_example(&self, ty: &Type, uses: &Uses) -> Result<String, DocsError> {
        let node = |operation: &str| {
            let name = ty.ident.trim_end_matches("2d").to_lowercase();
            format!("(\"{name}\", {operation})")
        };
        match (shown(&ty.doc), uses.get(&ty.ident)) {
            (Some(shown), _) if shown.starts_with('(') => Ok(shown),
            (Some(shown), _) => Ok(node(&shown)),
            (None, Some(used)) => Ok(used.clone()),
            (None, None) => {
                let op = self.fields_example(&ty.file, &ty.ident, &ty.fields(), 0)?;
                // A join names what it reads.
                let fields = op.strip_prefix(&format!("{}(", ty.ident)).unwrap_or_default();
                let comma = if fields == ")" { "" } else { ", " };
                match reads_one(&node(&op))? {
                    true => Ok(node(&op)),
                    false => Ok(node(&format!("{}(from: [\"a\", \"b\"]{comma}{fields}", ty.ident))),
                }
            }
        }
    }

    /// An example of a variant.
    ///
    /// # Errors
    /// A type whose doc comment must show an example.
    pub fn variant_example(
        &self,
        ty: &Type,
        name: &str,
        body: &VariantBody,
        depth: u32,
    ) -> Result<String, DocsError> {
        let untagged = ty.serde.untagged;
        match body {
            VariantBody::Unit => Ok(name.into()),
            VariantBody::Struct(fields) => {
                let fields: Vec<&Field> = fields.iter().collect();
                self.fields_example(&ty.file, if untagged { "" } else { name }, &fields, depth)
            }
            VariantBody::Tuple(types) => {
                let items: Result<Vec<_>, _> =
                    types.iter().map(|item| self.placeholder(&ty.file, item, depth + 1)).collect();
                let items = items?.join(", ");
                Ok(if untagged { items } else { format!("{name}({items})") })
            }
        }
    }

    /// `Name(required: value, ..)`.
    fn fields_example(
        &self,
        file: &Path,
        name: &str,
        fields: &[&Field],
        depth: u32,
    ) -> Result<String, DocsError> {
        let mut given = Vec::new();
        for field in fields {
            if required(self, file, field)? {
                let located = |error: DocsError| error.located(format!("field `{}`", field.name));
                let value = self.placeholder(file, &field.ty, depth + 1).map_err(located)?;
                given.push(format!("{}: {value}", field.name));
            }
        }
        Ok(format!("{name}({})", given.join(", ")))
    }

    /// Something that a spec could say for a type.
    ///
    /// # Errors
    /// A type whose doc comment must show an example.
    pub fn placeholder(&self, file: &Path, ty: &Ty, depth: u32) -> Result<String, DocsError> {
        if depth > 12 {
            return Err(DocsError::Unknown("types that hold each other without an end".into()));
        }
        Ok(match self.kind(file, ty)? {
            Kind::Whole => "2".into(),
            Kind::Number => "0.5".into(),
            Kind::Bool => "true".into(),
            Kind::Text => "\"name\"".into(),
            Kind::Option(inner) => self.placeholder(file, inner, depth + 1)?,
            Kind::List(inner) => format!("[{}]", self.placeholder(file, inner, depth + 1)?),
            Kind::Map(value) => {
                format!("{{ \"name\": {} }}", self.placeholder(file, value, depth + 1)?)
            }
            Kind::Tuple(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| self.placeholder(file, item, depth + 1)).collect();
                format!("({})", items?.join(", "))
            }
            Kind::Operation => self.plainest_operation(depth + 1)?,
            Kind::Named(ty, inner) => self.named_placeholder(file, ty, inner, depth + 1)?,
        })
    }

    fn named_placeholder(
        &self,
        file: &Path,
        ty: &Type,
        inner: Option<&Ty>,
        depth: u32,
    ) -> Result<String, DocsError> {
        match (&ty.body, inner) {
            (Body::Newtype(within), _) => self.placeholder(&ty.file, within, depth),
            // A file in place of its path.
            (Body::Custom(_), Some(inner)) => self.placeholder(file, inner, depth),
            (Body::Custom(words), _) if words.contains("number") => Ok("2".into()),
            (Body::Custom(words), _) if words.starts_with("a map") => Ok("{}".into()),
            (Body::Custom(words), _) if words.contains("name") => Ok("\"name\"".into()),
            (Body::Custom(words), _) => Err(DocsError::Unknown(format!(
                "an example of `{}` ({words}); give one as a ```ron block in the doc comment",
                ty.ident
            ))),
            _ => self.example(ty, depth),
        }
    }

    /// The first operation that needs no fields and reads one node.
    fn plainest_operation(&self, depth: u32) -> Result<String, DocsError> {
        for operation in &self.operations {
            let ty = self.find(&operation.file, &operation.name)?;
            let example = self.fields_example(&ty.file, &operation.name, &ty.fields(), depth)?;
            if example.ends_with("()") && reads_one(&format!("(\"name\", {example})"))? {
                return Ok(example);
            }
        }
        Err(DocsError::Unknown("an operation without fields, for an example".into()))
    }
}

/// Whether a node can do without `from`.
fn reads_one(node: &str) -> Result<bool, DocsError> {
    Ok(facts(node)?.is_none_or(|facts| facts.arity.admits(1)))
}

/// The block of RON that a doc comment shows.
fn shown(doc: &str) -> Option<String> {
    let (_, rest) = doc.split_once(RON)?;
    let (_, rest) = rest.split_once('\n')?;
    let (block, _) = rest.split_once("```")?;
    Some(block.trim_end().into())
}
