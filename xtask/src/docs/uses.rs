//! How the shipped specs use the types of the language: these make the best examples.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use resweep::spec::load::Loader;
use resweep::spec::source::Span;
use resweep::spec::tree::{Tree, Value};

use super::DocsError;
use super::code::{Body, Code, Type, VariantBody};
use super::words::Kind;

/// The longest example of one line, characters.
const LONGEST: usize = 88;

/// Texts of the shipped specs, by the name of a type, a variant (`Schedule::Cosine`) or an operation
/// (`Conv2d`).
#[derive(Default)]
pub struct Uses(BTreeMap<String, String>);

impl Uses {
    /// Looks through every spec under `experiments`.
    ///
    /// # Errors
    /// A spec that cannot be read.
    pub fn of(code: &Code, root: &Path) -> Result<Self, DocsError> {
        let mut uses = Self::default();
        for path in super::files(&root.join("experiments"), "ron")? {
            let loader = Loader::default();
            let tree = loader
                .open(&path)
                .map_err(|error| DocsError::Spec(error.render(&loader.sources)))?;
            let kind = code.kinds.iter().find(|kind| Some(kind.as_str()) == tree.name());
            if let Some(kind) = kind {
                let ty = code.find(Path::new(""), kind)?;
                Walk { code, loader: &loader, uses: &mut uses }.named(ty, &tree)?;
            }
        }
        Ok(uses)
    }

    /// The text for a name.
    pub fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }

    /// Keeps the longest text of one line, or else the shortest of several. Examples read as if they
    /// stood in `experiments`, so sweeps of its folders, which name networks from there, are none.
    fn offer(&mut self, name: String, text: String) {
        if text.contains("\"../models/") {
            return;
        }
        let rank = |text: &str| match text.contains('\n') || text.len() > LONGEST {
            true => (false, usize::MAX - text.len()),
            false => (true, text.len()),
        };
        match self.0.get(&name) {
            Some(known) if rank(known) >= rank(&text) => {}
            _ => drop(self.0.insert(name, text)),
        }
    }
}

/// A walk through one spec, along the types that it is read into.
struct Walk<'a> {
    code: &'a Code,
    loader: &'a Loader,
    uses: &'a mut Uses,
}

impl Walk<'_> {
    fn typed(&mut self, file: &Path, ty: &syn::Type, tree: &Rc<Tree>) -> Result<(), DocsError> {
        let items = match &tree.value {
            Value::List(items) | Value::Tuple(None, items) => items.as_slice(),
            _ => &[],
        };
        match self.code.kind(file, ty)? {
            Kind::Option(inner) => self.typed(file, inner, tree),
            Kind::List(inner) => items.iter().try_for_each(|item| self.typed(file, inner, item)),
            Kind::Tuple(types) => {
                types.into_iter().zip(items).try_for_each(|(ty, item)| self.typed(file, ty, item))
            }
            Kind::Named(ty, inner) => match (&ty.body, inner) {
                (Body::Newtype(within), _) => self.typed(&ty.file, within, tree),
                (Body::Custom(_), Some(inner)) => self.typed(file, inner, tree),
                _ => self.named(ty, tree),
            },
            _ => Ok(()),
        }
    }

    fn named(&mut self, ty: &Type, tree: &Rc<Tree>) -> Result<(), DocsError> {
        match (&ty.body, &tree.value) {
            (Body::ByHand(_), _) => {
                self.uses.offer(ty.ident.clone(), self.text(tree.span));
                tree.fields().iter().try_for_each(|field| self.by_hand(&field.name, &field.tree))
            }
            (Body::Struct(_), Value::Tuple(None, parts)) if parts.len() == 2 => {
                self.node(tree, &parts[1])
            }
            (Body::Struct(fields), Value::Struct(..)) => {
                self.uses.offer(ty.ident.clone(), self.text(tree.span));
                for field in fields {
                    if let Some(given) = tree.get(&field.name) {
                        self.typed(&ty.file, &field.ty, &given.tree)?;
                    }
                }
                Ok(())
            }
            (Body::Enum(variants), _) => {
                let variant = variants.iter().find(|v| Some(v.name.as_str()) == tree.name());
                let Some(variant) = variant else { return Ok(()) };
                self.uses.offer(format!("{}::{}", ty.ident, variant.name), self.text(tree.span));
                let VariantBody::Struct(fields) = &variant.body else { return Ok(()) };
                for field in fields {
                    if let Some(given) = tree.get(&field.name) {
                        self.typed(&ty.file, &field.ty, &given.tree)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A field of a kind that is read by hand: the type of its name, or one that is short for it.
    fn by_hand(&mut self, field: &str, tree: &Rc<Tree>) -> Result<(), DocsError> {
        let one = field.trim_end_matches('s');
        let short = format!("shorthand:{one}");
        let types = || self.code.types.values();
        let ty = types()
            .find(|ty| ty.serde.rename.as_deref() == Some(&short))
            .or_else(|| types().find(|ty| ty.ident.eq_ignore_ascii_case(one)));
        match (ty, &tree.value) {
            (None, _) => Ok(()),
            (Some(ty), Value::List(items)) => {
                items.iter().try_for_each(|item| self.named(ty, item))
            }
            (Some(ty), _) => self.named(ty, tree),
        }
    }

    /// `("name", Operation(..))`, and the nodes within.
    fn node(&mut self, tree: &Rc<Tree>, op: &Rc<Tree>) -> Result<(), DocsError> {
        let Some(name) = op.name() else { return Ok(()) };
        self.uses.offer(name.into(), self.text(tree.span));
        let operation = self.code.operations.iter().find(|known| known.name == name);
        let Some(operation) = operation else { return Ok(()) };
        let ty = self.code.find(&operation.file, name)?;
        for field in ty.fields() {
            if let Some(given) = op.get(&field.name) {
                self.typed(&ty.file, &field.ty, &given.tree)?;
            }
        }
        Ok(())
    }

    /// The text of a span, moved to the left edge.
    fn text(&self, span: Span) -> String {
        let source = self.loader.sources.of(span);
        let text = &source.text[span.start as usize..span.end as usize];
        let indent = |line: &str| line.len() - line.trim_start().len();
        let rest = text.lines().skip(1).filter(|line| !line.trim().is_empty());
        let edge = rest.map(indent).min().unwrap_or(0);
        let lines = text.lines().enumerate().map(|(index, line)| match index {
            0 => line,
            _ => line.get(edge..).unwrap_or_default(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
