//! Default values, evaluated from the code that makes them.

use std::path::{Path, PathBuf};

use syn::{Expr, Lit, Stmt};

use super::DocsError;
use super::code::{Body, Code, Field, Type};
use super::serde::Default_;
use super::words::Kind;

impl Code {
    /// The default of a field as a spec would write it; none where it must be given.
    ///
    /// # Errors
    /// A default that the generator cannot evaluate.
    pub fn default_of(&self, file: &Path, field: &Field) -> Result<Option<String>, DocsError> {
        let kind = self.kind(file, &field.ty)?;
        match (&field.serde.default, kind) {
            (Default_::Function(function), _) => self.call(file, function).map(Some),
            (_, Kind::Option(_)) => Ok(Some(String::new())),
            (Default_::Required, _) => Ok(None),
            (Default_::OfType, kind) => self.type_default(file, kind).map(Some),
        }
    }

    fn type_default(&self, file: &Path, kind: Kind<'_>) -> Result<String, DocsError> {
        Ok(match kind {
            Kind::Whole | Kind::Number => "0".into(),
            Kind::Bool => "false".into(),
            Kind::Text => "\"\"".into(),
            Kind::Option(_) => String::new(),
            Kind::List(_) => "[]".into(),
            Kind::Map(_) => "{}".into(),
            Kind::Tuple(items) => {
                let mut values = Vec::new();
                for item in items {
                    values.push(self.type_default(file, self.kind(file, item)?)?);
                }
                format!("({})", values.join(", "))
            }
            Kind::Operation => return Err(DocsError::Unknown("an operation by default".into())),
            Kind::Named(ty, _) => self.named_default(ty)?,
        })
    }

    fn named_default(&self, ty: &Type) -> Result<String, DocsError> {
        match &ty.body {
            Body::Newtype(inner) => self.type_default(&ty.file, self.kind(&ty.file, inner)?),
            Body::Struct(_) | Body::ByHand(_) => Ok("()".into()),
            Body::Enum(variants) => {
                let default = variants.iter().find(|variant| variant.default);
                default.map(|variant| variant.name.clone()).ok_or_else(|| {
                    DocsError::Unknown(format!("the default of `{}`: no `#[default]`", ty.ident))
                })
            }
            Body::Custom(words) if words.starts_with("a map") => Ok("{}".into()),
            Body::Custom(words) if words.starts_with("a list") => Ok("[]".into()),
            Body::Custom(_) => Ok(String::new()),
        }
    }

    /// What a default function returns.
    fn call(&self, file: &Path, path: &str) -> Result<String, DocsError> {
        let segments: Vec<&str> = path.split("::").collect();
        // `Size2::one` goes by both names, `super::one` by the last.
        let of_type = segments.len() > 1
            && segments[segments.len() - 2].starts_with(|c: char| c.is_ascii_uppercase());
        let name = segments[segments.len().saturating_sub(1 + usize::from(of_type))..].join("::");
        let found = self.places(file).find_map(|place| {
            let block = self.functions.get(&(place.clone(), name.clone()))?;
            Some((place, block))
        });
        match found {
            Some((place, block)) => self.block(&place, block),
            None => Err(DocsError::Unknown(format!(
                "the default `{path}`: src/spec and src/op have no such function"
            ))),
        }
    }

    /// Where a name of a file may be defined: there, in its parent module, anywhere.
    fn places(&self, file: &Path) -> impl Iterator<Item = PathBuf> {
        let parent = file.with_file_name("mod.rs");
        let mut all: Vec<PathBuf> = self.functions.keys().map(|key| key.0.clone()).collect();
        all.extend(self.constants.keys().map(|key| key.0.clone()));
        all.dedup();
        [file.to_path_buf(), parent].into_iter().chain(all)
    }

    fn block(&self, file: &Path, block: &syn::Block) -> Result<String, DocsError> {
        match block.stmts.last() {
            Some(Stmt::Expr(value, None)) => self.value(file, value),
            _ => Err(DocsError::Unknown("a default function that ends without a value".into())),
        }
    }

    /// An expression of the code as RON.
    fn value(&self, file: &Path, expr: &Expr) -> Result<String, DocsError> {
        let list = |items: &mut dyn Iterator<Item = &Expr>| {
            let items: Result<Vec<_>, _> = items.map(|item| self.value(file, item)).collect();
            items.map(|items| items.join(", "))
        };
        match expr {
            Expr::Lit(literal) => number_or_text(&literal.lit),
            Expr::Unary(minus) => Ok(format!("-{}", self.value(file, &minus.expr)?)),
            Expr::Paren(inner) => self.value(file, &inner.expr),
            Expr::Reference(inner) => self.value(file, &inner.expr),
            Expr::Cast(inner) => self.value(file, &inner.expr),
            Expr::Tuple(tuple) => Ok(format!("({})", list(&mut tuple.elems.iter())?)),
            Expr::Array(array) => Ok(format!("[{}]", list(&mut array.elems.iter())?)),
            Expr::Path(path) => self.path(file, &path.path),
            Expr::Struct(made) => self.made(file, made),
            // `Number::Int(1)`, `Some(1)`, `Seeds(..)`, `1.into()` are what is within.
            Expr::Call(call) if call.args.len() == 1 => self.value(file, &call.args[0]),
            Expr::Call(call) if call.args.is_empty() => Ok(match &*call.func {
                Expr::Path(path) if path.path.segments[0].ident == "Vec" => "[]".into(),
                _ => String::new(),
            }),
            Expr::MethodCall(call) if call.args.is_empty() => self.value(file, &call.receiver),
            Expr::Macro(call) if call.mac.path.is_ident("vec") => {
                let items = call.mac.parse_body_with(
                    syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated,
                );
                let items = items.map_err(|error| DocsError::Unknown(format!("vec!: {error}")))?;
                Ok(format!("[{}]", list(&mut items.iter())?))
            }
            _ => Err(DocsError::Unknown(
                "a default that is no literal; teach it to xtask/src/docs/defaults.rs".into(),
            )),
        }
    }

    /// A variant or a constant.
    fn path(&self, file: &Path, path: &syn::Path) -> Result<String, DocsError> {
        let name = path.segments.last().map(|segment| segment.ident.to_string());
        let name = name.unwrap_or_default();
        let constant = self.places(file).find_map(|at| self.constants.get(&(at, name.clone())));
        match constant {
            Some(value) => self.value(file, value),
            None if name == "None" => Ok(String::new()),
            None => Ok(name),
        }
    }

    /// A struct: the value within a `Spanned`, else its fields.
    fn made(&self, file: &Path, made: &syn::ExprStruct) -> Result<String, DocsError> {
        let mut fields = Vec::new();
        for field in &made.fields {
            let syn::Member::Named(name) = &field.member else { continue };
            if made.path.is_ident("Spanned") && name == "value" {
                return self.value(file, &field.expr);
            }
            fields.push(format!("{name}: {}", self.value(file, &field.expr)?));
        }
        Ok(format!("({})", fields.join(", ")))
    }
}

fn number_or_text(literal: &Lit) -> Result<String, DocsError> {
    match literal {
        Lit::Int(number) => Ok(number.base10_digits().into()),
        Lit::Float(number) => Ok(plain(number.base10_digits())),
        Lit::Bool(value) => Ok(value.value.to_string()),
        Lit::Str(text) => Ok(format!("{:?}", text.value())),
        _ => Err(DocsError::Unknown("a default that is neither number nor text".into())),
    }
}

/// A number without an exponent, as people write it.
fn plain(digits: &str) -> String {
    digits.parse::<f64>().map_or_else(|_| digits.into(), |value| value.to_string())
}
