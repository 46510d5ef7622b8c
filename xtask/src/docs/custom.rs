//! Types that are read by code of their own, in the words of their error messages.

use std::collections::BTreeMap;

use syn::visit::Visit;
use syn::{ItemImpl, Token, Type};

use super::DocsError;
use super::serde::string;

/// What a file says of the types that it reads by code of its own.
#[derive(Debug, Default)]
pub struct Custom {
    /// The types with an `impl Deserialize`, the types that it mentions, and its first text.
    read: BTreeMap<String, (Vec<String>, Option<String>)>,
    /// What visitors expect, by the type that they make.
    expected: BTreeMap<String, String>,
}

impl Custom {
    /// Looks through a file.
    pub fn of(file: &syn::File) -> Self {
        let mut custom = Self::default();
        custom.visit_file(file);
        custom
    }

    /// What a type is read from; none where serde reads it by its fields.
    ///
    /// # Errors
    /// A visitor without a text.
    pub fn words(&self, ident: &str) -> Result<Option<String>, DocsError> {
        let Some((mentioned, text)) = self.read.get(ident) else { return Ok(None) };
        let others = mentioned.iter().filter(|other| *other != ident);
        let words = self
            .expected
            .get(ident)
            .or(text.as_ref())
            .or_else(|| others.filter_map(|other| self.expected.get(other)).next());
        let unknown = || {
            DocsError::Unknown(format!(
                "what `{ident}` is read from: no `fn expecting` with a text goes with it"
            ))
        };
        words.cloned().map(Some).ok_or_else(unknown)
    }
}

impl<'ast> Visit<'ast> for Custom {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let of = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        match of.map(|segment| segment.ident.to_string()).as_deref() {
            Some("Deserialize") => {
                let mut mentioned = Mentioned::default();
                mentioned.visit_item_impl(item);
                let mut strings = Strings::default();
                strings.visit_item_impl(item);
                let found = (mentioned.0, strings.0.into_iter().next());
                self.read.extend(ident(&item.self_ty).map(|ident| (ident, found)));
            }
            Some("Visitor") => self.expected.extend(made(item).zip(expecting(item))),
            _ => {}
        }
        syn::visit::visit_item_impl(self, item);
    }
}

/// The last name of a type's path.
pub fn ident(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// `type Value = X;` of a visitor.
fn made(item: &ItemImpl) -> Option<String> {
    item.items.iter().find_map(|item| match item {
        syn::ImplItem::Type(value) if value.ident == "Value" => ident(&value.ty),
        _ => None,
    })
}

/// The text of a visitor's `fn expecting`.
fn expecting(item: &ItemImpl) -> Option<String> {
    let function = item.items.iter().find_map(|item| match item {
        syn::ImplItem::Fn(function) if function.sig.ident == "expecting" => Some(function),
        _ => None,
    })?;
    let mut strings = Strings::default();
    strings.visit_block(&function.block);
    strings.0.into_iter().next()
}

/// The names of types.
#[derive(Default)]
struct Mentioned(Vec<String>);

impl<'ast> Visit<'ast> for Mentioned {
    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        self.0.push(segment.ident.to_string());
        syn::visit::visit_path_segment(self, segment);
    }
}

/// Literals, those in the arguments of macros too.
#[derive(Default)]
struct Strings(Vec<String>);

impl<'ast> Visit<'ast> for Strings {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let args = call
            .parse_body_with(syn::punctuated::Punctuated::<syn::Expr, Token![,]>::parse_terminated);
        self.0.extend(args.into_iter().flatten().filter_map(|arg| string(&arg)));
    }
}
