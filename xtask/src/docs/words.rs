//! Types, defaults and examples in the words of a person who writes specs.

use std::path::Path;

use syn::{GenericArgument, PathArguments, Type as Ty};

use super::DocsError;
use super::code::{Body, Code, Field, OPERATION, Type, VariantBody};
use super::page::link;
use super::serde::Default_;

/// A type of the code by what a spec writes for it.
#[derive(Clone)]
pub enum Kind<'a> {
    /// `u32` and the like.
    Whole,
    /// `f64`.
    Number,
    /// `bool`.
    Bool,
    /// `String`.
    Text,
    /// `Option`: may be left out.
    Option(&'a Ty),
    /// `Vec`.
    List(&'a Ty),
    /// A map with keys of text.
    Map(&'a Ty),
    /// A tuple.
    Tuple(Vec<&'a Ty>),
    /// An operation.
    Operation,
    /// A type of the spec language, and what it is generic over.
    Named(&'a Type, Option<&'a Ty>),
}

impl Code {
    /// What a type of a file is.
    ///
    /// # Errors
    /// A type that the generator does not know.
    pub fn kind<'a>(&'a self, file: &Path, ty: &'a Ty) -> Result<Kind<'a>, DocsError> {
        let path = match ty {
            Ty::Tuple(tuple) => return Ok(Kind::Tuple(tuple.elems.iter().collect())),
            Ty::Array(array) => return Ok(Kind::List(&array.elem)),
            Ty::Path(path) => path.path.segments.last(),
            _ => None,
        };
        let segment = path.ok_or_else(|| DocsError::Unknown("a type that is no path".into()))?;
        let args = arguments(&segment.arguments);
        match (segment.ident.to_string().as_str(), args.as_slice()) {
            ("u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64", []) => {
                Ok(Kind::Whole)
            }
            ("f32" | "f64", []) => Ok(Kind::Number),
            ("bool", []) => Ok(Kind::Bool),
            ("String" | "PathBuf", []) => Ok(Kind::Text),
            // What only says where a value stands, or who owns it.
            ("Spanned" | "Box" | "Rc" | "Arc", [inner]) => self.kind(file, inner),
            ("Option", [inner]) => Ok(Kind::Option(inner)),
            ("Vec", [inner]) => Ok(Kind::List(inner)),
            ("BTreeMap" | "HashMap", [_, value]) => Ok(Kind::Map(value)),
            (OPERATION, []) => Ok(Kind::Operation),
            (name, args) => {
                let ty = self.find(file, name)?;
                let node = self
                    .node_kind
                    .as_ref()
                    .is_some_and(|(file, ident)| *file == ty.file && *ident == ty.ident);
                Ok(if node { Kind::Operation } else { Kind::Named(ty, args.first().copied()) })
            }
        }
    }

    /// A type as a table names it.
    ///
    /// # Errors
    /// A type that the generator does not know.
    pub fn words(&self, file: &Path, ty: &Ty) -> Result<String, DocsError> {
        Ok(match self.kind(file, ty)? {
            Kind::Whole => "whole number".into(),
            Kind::Number => "number".into(),
            Kind::Bool => "`true`, `false` or a condition in quotes".into(),
            Kind::Text => "text".into(),
            Kind::Option(inner) => self.words(file, inner)?,
            Kind::List(inner) => {
                let inner = self.words(file, inner)?;
                let plain = ["whole number", "number", "text"].contains(&inner.as_str());
                format!("list of {inner}{}", if plain { "s" } else { "" })
            }
            Kind::Map(value) => format!("map of names to {}", self.words(file, value)?),
            Kind::Tuple(items) => {
                let items: Result<Vec<_>, _> =
                    items.into_iter().map(|item| self.words(file, item)).collect();
                format!("({})", items?.join(", "))
            }
            Kind::Operation => "[operation](#operations)".into(),
            Kind::Named(ty, inner) => self.named_words(file, ty, inner)?,
        })
    }

    fn named_words(&self, file: &Path, ty: &Type, inner: Option<&Ty>) -> Result<String, DocsError> {
        if let Some(other) = &ty.serde.from {
            let other = parse_type(other)?;
            return self.words(&ty.file, &other);
        }
        match (&ty.body, inner) {
            (Body::Newtype(within), _) => self.words(&ty.file, within),
            // What is read later is written as if it were read now.
            (Body::Custom(words), Some(inner)) if words == "a value" => self.words(file, inner),
            (Body::Custom(words), Some(inner)) => {
                Ok(format!("{words}: {}", self.words(file, inner)?))
            }
            (Body::Custom(words), None) => Ok(words.clone()),
            (Body::Enum(variants), _) if ty.serde.untagged => {
                let mut words = Vec::new();
                for variant in variants {
                    words.push(match &variant.body {
                        VariantBody::Tuple(types) if types.len() == 1 => {
                            self.words(&ty.file, &types[0])?
                        }
                        _ => link(&title(ty)),
                    });
                }
                Ok(words.join(" or "))
            }
            _ => Ok(link(&title(ty))),
        }
    }

    /// The types that have a section, in the order in which one meets them from here on.
    ///
    /// # Errors
    /// A type that the generator does not know.
    pub fn reach<'a>(&'a self, ty: &'a Type, found: &mut Vec<&'a Type>) -> Result<(), DocsError> {
        let known = |other: &&Type| other.file == ty.file && other.ident == ty.ident;
        if found.iter().any(known) {
            return Ok(());
        }
        found.push(ty);
        for field in ty.fields() {
            self.reach_type(&ty.file, &field.ty, found)
                .map_err(|e| e.located(format!("`{}`, field `{}`", ty.ident, field.name)))?;
        }
        for inner in ty.unnamed() {
            self.reach_type(&ty.file, inner, found)?;
        }
        Ok(())
    }

    /// The types that nothing has led to: those that code reads by hand. First those that no other
    /// of them holds.
    ///
    /// # Errors
    /// A type that the generator does not know.
    pub fn reach_rest<'a>(&'a self, found: &mut Vec<&'a Type>) -> Result<(), DocsError> {
        let same = |a: &Type, b: &Type| a.file == b.file && a.ident == b.ident;
        let left: Vec<&Type> = self
            .types
            .values()
            .filter(|ty| matches!(ty.body, Body::Struct(_) | Body::Enum(_)))
            .filter(|ty| !found.iter().any(|other| same(ty, other)))
            .filter(|ty| ty.file.starts_with("src/spec") && !self.is_operation(ty))
            .collect();
        let mut held: Vec<&Type> = Vec::new();
        for ty in &left {
            let mut reached = Vec::new();
            self.reach(ty, &mut reached)?;
            held.extend(reached.into_iter().skip(1));
        }
        let roots = left.iter().filter(|ty| !held.iter().any(|other| same(ty, other)));
        roots.copied().try_for_each(|ty| self.reach(ty, found))
    }

    fn reach_type<'a>(
        &'a self,
        file: &Path,
        ty: &'a Ty,
        found: &mut Vec<&'a Type>,
    ) -> Result<(), DocsError> {
        match self.kind(file, ty)? {
            Kind::Option(inner) | Kind::List(inner) | Kind::Map(inner) => {
                self.reach_type(file, inner, found)
            }
            Kind::Tuple(items) => {
                items.into_iter().try_for_each(|item| self.reach_type(file, item, found))
            }
            Kind::Named(ty, inner) => {
                if let Some(inner) = inner {
                    self.reach_type(file, inner, found)?;
                }
                match &ty.body {
                    Body::Newtype(within) => self.reach_type(&ty.file, within, found),
                    Body::Custom(_) => Ok(()),
                    _ => self.reach(ty, found),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Type {
    /// All named fields, those of variants too.
    pub fn fields(&self) -> Vec<&Field> {
        match &self.body {
            Body::Struct(fields) => fields.iter().collect(),
            Body::Enum(variants) => {
                let fields = variants.iter().filter_map(|variant| match &variant.body {
                    VariantBody::Struct(fields) => Some(fields),
                    _ => None,
                });
                fields.flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The types of what variants hold without a name.
    fn unnamed(&self) -> Vec<&Ty> {
        let Body::Enum(variants) = &self.body else { return Vec::new() };
        let types = variants.iter().filter_map(|variant| match &variant.body {
            VariantBody::Tuple(types) => Some(types),
            _ => None,
        });
        types.flatten().collect()
    }
}

/// What a person calls a type.
pub fn title(ty: &Type) -> String {
    match ty.ident.strip_suffix("Spec") {
        Some(short) if !short.is_empty() => short.into(),
        _ => ty.ident.clone(),
    }
}

/// Whether a field must be given.
pub fn required(code: &Code, file: &Path, field: &Field) -> Result<bool, DocsError> {
    let optional = matches!(code.kind(file, &field.ty)?, Kind::Option(_));
    Ok(field.serde.default == Default_::Required && !optional)
}

/// The types within `<..>`.
fn arguments(arguments: &PathArguments) -> Vec<&Ty> {
    let PathArguments::AngleBracketed(list) = arguments else { return Vec::new() };
    let types = list.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

fn parse_type(text: &str) -> Result<Ty, DocsError> {
    syn::parse_str(text).map_err(|error| DocsError::Unknown(format!("the type `{text}`: {error}")))
}
