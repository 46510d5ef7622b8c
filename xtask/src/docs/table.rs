//! The table of operations, and the kinds of file.

use std::path::Path;

use syn::parse::{Parse, ParseStream};
use syn::visit::Visit;
use syn::{Attribute, Ident, Token};

use super::code::Operation;
use super::serde::{doc, string};

/// The body of `operations!`: `/// Sum of its inputs. Add in add;`
pub struct Table(pub Vec<Line>);

/// A line of the table.
pub struct Line {
    attrs: Vec<Attribute>,
    name: Ident,
    module: Ident,
}

impl Line {
    /// The operation that it declares; its file is in this folder.
    pub fn operation(self, folder: &Path) -> Operation {
        Operation {
            name: self.name.to_string(),
            summary: doc(&self.attrs),
            file: folder.join(format!("{}.rs", self.module)),
        }
    }
}

impl Parse for Table {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut lines = Vec::new();
        while !input.is_empty() {
            let attrs = input.call(Attribute::parse_outer)?;
            let name = input.parse()?;
            input.parse::<Token![in]>()?;
            lines.push(Line { attrs, name, module: input.parse()? });
            input.parse::<Token![;]>()?;
        }
        Ok(Self(lines))
    }
}

/// Finds the kinds of file: `expect_kind(tree, "Sweep")`.
pub struct Kinds<'a>(pub &'a mut Vec<String>);

impl<'ast> Visit<'ast> for Kinds<'_> {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let named = matches!(&*call.func, syn::Expr::Path(path)
            if path.path.segments.last().is_some_and(|s| s.ident == "expect_kind"));
        if named {
            self.0.extend(call.args.iter().filter_map(string));
        }
        syn::visit::visit_expr_call(self, call);
    }
}
