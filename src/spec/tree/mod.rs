//! RON as a tree in which every value knows its place.
//!
//! The `ron` crate does the parsing; it hands out raw values that borrow from the text, and their
//! addresses give the places. The tree is what `--set` edits and what the typed specs are read
//! from ([`super::de`]), so a mistake is shown where it stands, also when it came by `--set`.

mod parse;
mod print;

use std::rc::Rc;

use super::source::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// What it is.
    pub value: Value,
    /// The whole of its text.
    pub span: Span,
}

/// The kinds of RON values.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `()`
    Unit,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point or an exponent, `inf` or `NaN`.
    Float(f64),
    /// A string, or a character.
    Str(String),
    /// `[a, b]`
    List(Vec<Rc<Tree>>),
    /// `{ "a": 1 }`; keys are strings.
    Map(Vec<Field>),
    /// A lone name such as `Identity`.
    Name(String),
    /// `(a, b)` or `Name(a, b)`
    Tuple(Option<String>, Vec<Rc<Tree>>),
    /// `(a: 1)` or `Name(a: 1)`
    Struct(Option<String>, Vec<Field>),
}

/// A field of a struct, or an entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Its value.
    pub tree: Rc<Tree>,
}

impl Tree {
    /// The name before the parentheses, or the lone name.
    pub fn name(&self) -> Option<&str> {
        match &self.value {
            Value::Name(name) => Some(name),
            Value::Tuple(name, _) | Value::Struct(name, _) => name.as_deref(),
            _ => None,
        }
    }

    /// The place of the name, or of the first character where there is none.
    pub fn head(&self) -> Span {
        self.span.part(0, self.name().map_or(1, str::len))
    }

    /// The fields of a struct or map.
    pub fn fields(&self) -> &[Field] {
        match &self.value {
            Value::Struct(_, fields) | Value::Map(fields) => fields,
            _ => &[],
        }
    }

    /// A field by its name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The place of a field within fields and lists, such as `optimizer.lr` or `augment.0.p`, or of
    /// what comes nearest to it.
    pub fn find(&self, path: &str) -> Span {
        let mut tree = self;
        for part in path.split('.') {
            let item = match &tree.value {
                Value::List(items) | Value::Tuple(_, items) => {
                    part.parse().ok().and_then(|index: usize| items.get(index))
                }
                _ => tree.get(part).map(|field| &field.tree),
            };
            let Some(item) = item else { return tree.head() };
            tree = item;
        }
        tree.span
    }

    /// The tree with every item and every value of a field changed.
    pub fn map(self: &Rc<Self>, change: &dyn Fn(&Rc<Self>) -> Rc<Self>) -> Rc<Self> {
        let items = |items: &[Rc<Self>]| items.iter().map(change).collect();
        let fields = |fields: &[Field]| {
            let changed = |field: &Field| Field { tree: change(&field.tree), ..field.clone() };
            fields.iter().map(changed).collect()
        };
        let value = match &self.value {
            Value::List(list) => Value::List(items(list)),
            Value::Tuple(name, list) => Value::Tuple(name.clone(), items(list)),
            Value::Map(list) => Value::Map(fields(list)),
            Value::Struct(name, list) => Value::Struct(name.clone(), fields(list)),
            _ => return Rc::clone(self),
        };
        Rc::new(Self { value, span: self.span })
    }

    /// Whether it is a number, a text or a list, and no struct.
    pub fn is_plain(&self) -> bool {
        !matches!(self.value, Value::Struct(..) | Value::Tuple(..) | Value::Name(_) | Value::Unit)
    }

    /// What a person calls this kind of value.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Unit => "`()`".into(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Int(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value:?}"),
            Value::Str(text) => format!("the string {text:?}"),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
            Value::Name(name) => format!("`{name}`"),
            Value::Tuple(Some(name), _) | Value::Struct(Some(name), _) => format!("`{name}(...)`"),
            Value::Tuple(None, _) => "a tuple".into(),
            Value::Struct(None, _) => "a struct".into(),
        }
    }

    /// What a person calls the start of a file.
    pub fn begins(&self) -> String {
        match (self.name(), &self.value) {
            (Some(name), Value::Struct(..) | Value::Tuple(..)) => format!("`{name}(`"),
            (None, Value::Struct(..) | Value::Tuple(..)) => "`(` alone".into(),
            _ => self.describe(),
        }
    }
}
