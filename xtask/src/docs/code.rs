//! The sources of the spec language: its types, their fields, and the operations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, Ident, Item};

use super::DocsError;
use super::body;
use super::custom::Custom;
use super::serde::{Serde, doc};
use super::table::{Kinds, Table};

/// The enum that `operations!` makes.
pub const OPERATION: &str = "Op";

/// Where the spec language is written down.
const FOLDERS: [&str; 2] = ["src/spec", "src/op"];

/// All of it.
#[derive(Default)]
pub struct Code {
    /// Types that are read from specs, by file and name.
    pub types: BTreeMap<(PathBuf, String), Type>,
    /// The kinds of file, such as `Sweep`.
    pub kinds: Vec<String>,
    /// The operations in the order of the table.
    pub operations: Vec<Operation>,
    /// Functions, by file and name, those of a type as `Type::name`.
    pub functions: BTreeMap<(PathBuf, String), syn::Block>,
    /// The constants, by file and name.
    pub constants: BTreeMap<(PathBuf, String), syn::Expr>,
    /// The enum of what a node does, where there is more than operations: its file and name.
    pub node_kind: Option<(PathBuf, String)>,
}

/// A type that is read from specs.
#[derive(Clone)]
pub struct Type {
    /// The file that defines it, from the repository's root.
    pub file: PathBuf,
    /// Its name in the code.
    pub ident: String,
    /// Its doc comment.
    pub doc: String,
    /// What serde is told.
    pub serde: Serde,
    /// What it is made of.
    pub body: Body,
}

/// What a type is made of.
#[derive(Clone)]
pub enum Body {
    /// Named fields.
    Struct(Vec<Field>),
    /// One field without a name: read as that field is.
    Newtype(Box<syn::Type>),
    /// Variants.
    Enum(Vec<Variant>),
    /// Read by code of its own; in the words of its error message.
    Custom(String),
    /// A kind of file that is read field by field: their names and doc comments.
    ByHand(Vec<(String, String)>),
}

/// A field.
#[derive(Clone)]
pub struct Field {
    /// As a spec writes it.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// What serde is told.
    pub serde: Serde,
    /// Its type.
    pub ty: syn::Type,
}

/// A variant.
#[derive(Clone)]
pub struct Variant {
    /// As a spec writes it.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Whether it is the default of its enum.
    pub default: bool,
    /// What it holds.
    pub body: VariantBody,
}

/// What a variant holds.
#[derive(Clone)]
pub enum VariantBody {
    /// Nothing.
    Unit,
    /// Named fields.
    Struct(Vec<Field>),
    /// One value, or several.
    Tuple(Vec<syn::Type>),
}

/// A line of the table of operations.
#[derive(Clone)]
pub struct Operation {
    /// As a spec writes it.
    pub name: String,
    /// What it does, in a line.
    pub summary: String,
    /// The file that defines it, from the repository's root.
    pub file: PathBuf,
}

impl Code {
    /// Reads the sources.
    ///
    /// # Errors
    /// A file that cannot be read, and a construct that the generator does not know.
    pub fn read(root: &Path) -> Result<Self, DocsError> {
        let mut code = Self::default();
        for folder in FOLDERS {
            for path in super::files(&root.join(folder), "rs")? {
                let text = super::read(&path)?;
                let file = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
                let located = |e: DocsError| e.located(file.display().to_string());
                let parsed = syn::parse_file(&text)
                    .map_err(|error| located(DocsError::Unknown(error.to_string())))?;
                code.take_file(&file, parsed).map_err(located)?;
            }
        }
        code.kinds.sort();
        code.kinds.dedup();
        super::by_hand::kinds(&mut code, root)?;
        code.take_composites();
        match (code.operations.is_empty(), code.kinds.is_empty()) {
            (false, false) => Ok(code),
            (true, _) => Err(DocsError::Unknown("there is no `operations!` table".into())),
            (_, true) => Err(DocsError::Unknown("nothing calls `expect_kind`".into())),
        }
    }

    fn take_file(&mut self, file: &Path, parsed: syn::File) -> Result<(), DocsError> {
        let mut visitor = Kinds(&mut self.kinds);
        visitor.visit_file(&parsed);
        let custom = Custom::of(&parsed);
        for item in parsed.items {
            self.take_item(file, item, &custom)?;
        }
        Ok(())
    }

    fn take_item(&mut self, file: &Path, item: Item, custom: &Custom) -> Result<(), DocsError> {
        let key = |ident: &Ident| (file.to_path_buf(), ident.to_string());
        match item {
            Item::Fn(function) => {
                self.functions.insert(key(&function.sig.ident), *function.block);
            }
            Item::Impl(block) if block.trait_.is_none() => {
                let owner = super::custom::ident(&block.self_ty).unwrap_or_default();
                for item in block.items {
                    if let syn::ImplItem::Fn(function) = item {
                        let name = format!("{owner}::{}", function.sig.ident);
                        self.functions.insert((file.to_path_buf(), name), function.block);
                    }
                }
            }
            Item::Const(constant) => {
                self.constants.insert(key(&constant.ident), *constant.expr);
            }
            Item::Macro(call) if call.mac.path.is_ident("operations") => {
                let table: Table = call
                    .mac
                    .parse_body()
                    .map_err(|error| DocsError::Unknown(format!("operations!: {error}")))?;
                let folder = file.parent().unwrap_or(file);
                self.operations.extend(table.0.into_iter().map(|line| line.operation(folder)));
            }
            Item::Struct(item) => {
                let read = |serde: &Serde| body::of_struct(&item.fields, serde);
                self.take_type(key(&item.ident), &item.attrs, custom, read)?;
            }
            Item::Enum(item) => {
                let read = |serde: &Serde| body::variants(&item, serde).map(Body::Enum);
                self.take_type(key(&item.ident), &item.attrs, custom, read)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn take_type(
        &mut self,
        key: (PathBuf, String),
        attrs: &[Attribute],
        custom: &Custom,
        body: impl Fn(&Serde) -> Result<Body, DocsError>,
    ) -> Result<(), DocsError> {
        let located = |error: DocsError| error.located(format!("`{}`", key.1));
        let (serde, body) = match custom.words(&key.1)? {
            Some(words) => (Serde::default(), Body::Custom(words)),
            None if derives(attrs, "Deserialize") => {
                let serde = Serde::of(attrs).map_err(located)?;
                let body = body(&serde).map_err(located)?;
                (serde, body)
            }
            None => return Ok(()),
        };
        let (file, ident) = key.clone();
        self.types.insert(key, Type { file, ident, doc: doc(attrs), serde, body });
        Ok(())
    }

    /// Whether a type is an operation, or told as one.
    pub fn is_operation(&self, ty: &Type) -> bool {
        let node = self.node_kind.as_ref();
        node.is_some_and(|(file, ident)| *file == ty.file && *ident == ty.ident)
            || self.operations.iter().any(|op| op.file == ty.file && op.name == ty.ident)
    }

    /// What stands for several operations in a node is told among the operations: the other
    /// variants of an enum that can hold one.
    fn take_composites(&mut self) {
        let holds = |variant: &Variant, name: &str| {
            matches!(&variant.body, VariantBody::Tuple(types)
                if types.len() == 1 && super::custom::ident(&types[0]).as_deref() == Some(name))
        };
        for (key, ty) in &self.types {
            let Body::Enum(variants) = &ty.body else { continue };
            if !variants.iter().any(|variant| holds(variant, OPERATION)) {
                continue;
            }
            self.node_kind = Some(key.clone());
            let others = variants.iter().filter(|variant| !holds(variant, OPERATION));
            self.operations.extend(others.map(|variant| Operation {
                name: variant.name.clone(),
                summary: variant.doc.clone(),
                file: ty.file.clone(),
            }));
        }
    }

    /// The type that a name means in a file: one of the file, or else the only one of that name.
    ///
    /// # Errors
    /// No such type, or several.
    pub fn find(&self, file: &Path, ident: &str) -> Result<&Type, DocsError> {
        if let Some(here) = self.types.get(&(file.to_path_buf(), ident.to_string())) {
            return Ok(here);
        }
        let all: Vec<&Type> =
            self.types.values().filter(|ty| ty.ident == ident && !self.is_operation(ty)).collect();
        match all.as_slice() {
            [one] => Ok(one),
            [] => Err(DocsError::Unknown(format!(
                "the type `{ident}`, which is not read from specs in src/spec or src/op"
            ))),
            _ => Err(DocsError::Unknown(format!("which of the types `{ident}` is meant"))),
        }
    }
}

fn derives(attrs: &[Attribute], what: &str) -> bool {
    attrs.iter().filter(|attr| attr.path().is_ident("derive")).any(|attr| {
        let mut found = false;
        // Only looking: a derive that cannot be read is the compiler's matter.
        let _ = attr.parse_nested_meta(|meta| {
            found |= meta.path.segments.last().is_some_and(|segment| segment.ident == what);
            Ok(())
        });
        found
    })
}
