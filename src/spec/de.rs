//! Typed specs from trees: a serde deserializer that knows where it is.
//!
//! A few additions to plain RON make the language:
//! - where a number is wanted, a string is an expression over the parameters in scope;
//! - a struct whose name is `shorthand:FIELD` may be written as the value of that field alone;
//! - a type called [`NODE`] is written `("name", Operation(from: .., ..))`;
//! - one value may stand where a list is wanted, in a type called [`ONE_OR_MANY`];
//! - a type called [`LATER`] is read when the names in its expressions are known.
//!
//! A mistake does not end the reading: the field or item that has it is passed over, and what is
//! left is read for more.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::error::{Element, ITEM, Problem, SpecError};
use super::expr::{self, Env, Number};
use super::load::Loader;
use super::source::Span;
use super::template;
use super::tree::{Field, Tree, Value};
use crate::op::SIZE2;

/// Struct name of a node of a graph.
pub(crate) const NODE: &str = "node";
/// Newtype name of a file that is named by its path, or stands in place.
pub(crate) const INCLUDE: &str = "include";
/// Newtype name of a number that may be whole or not.
pub(crate) const NUMBER: &str = "number";
/// Newtype name of a list that may be one value alone.
pub(crate) const ONE_OR_MANY: &str = "one or many";
/// Newtype name of a value that is read later.
pub(crate) const LATER: &str = "later";
/// Struct name of a value with its place.
pub(crate) const SPANNED: &str = "spanned";
/// Enum name of operations.
const OPERATION: &str = "operation";
/// What may stand in the place of an operation, and stands for several nodes.
const COMPOSITES: [&str; 2] = ["Use", "Shortcut"];
/// Fields that every node has, written within its operation.
const OF_NODES: [&str; 2] = ["from", "when"];
/// Newtype name of a text with expressions in braces.
const FILLED: &str = "filled";
const SHORTHAND: &str = "shorthand:";
const A_STRING: &str = "a string";
/// Up to here a float tells whole numbers apart: 2^53.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// What a tree is read with: the files at hand and the names in scope.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// Reads the files that specs name.
    pub loader: &'a Loader,
    /// Values of the names in expressions.
    pub env: &'a Env,
}

/// Reads a typed value from a tree; `what` is what a person calls it.
///
/// # Errors
/// Everything that does not fit the type, at its place.
pub fn read<T: de::DeserializeOwned>(
    tree: &Rc<Tree>,
    cx: Cx<'_>,
    what: &str,
) -> Result<T, SpecError> {
    let passed = RefCell::new(Vec::new());
    let mut errors = Vec::new();
    loop {
        let mut error = match T::deserialize(TreeDe { tree, cx, passed: &passed }) {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error.named(what),
        };
        let why = match error.problem() {
            Problem::UnknownField { .. } => Why::Unknown,
            _ => Why::Wrong,
        };
        let element = error.take_element();
        errors.push(error);
        match element {
            Some(element) if errors.len() < MOST => passed.borrow_mut().push((element, why)),
            _ => break,
        }
    }
    let first = errors[0].clone();
    errors.retain(|error| *error.problem() != Problem::Consequence);
    Err(SpecError::all(errors).unwrap_or(first))
}

/// After so many mistakes and what follows from them, reading stops.
const MOST: usize = 100;

#[derive(Clone, Copy)]
struct TreeDe<'a> {
    tree: &'a Rc<Tree>,
    cx: Cx<'a>,
    /// Fields and items that have a mistake.
    passed: &'a RefCell<Vec<(Element, Why)>>,
}

/// Why a field or item is passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// There is no such field: another may be missing that was meant.
    Unknown,
    /// Its value does not fit.
    Wrong,
}

fn field_element(field: &Field) -> Element {
    (field.span, field.tree.span)
}

impl<'a> TreeDe<'a> {
    fn of(self, tree: &'a Rc<Tree>) -> Self {
        Self { tree, ..self }
    }

    fn wrong(&self, expected: &dyn de::Expected) -> SpecError {
        let (expected, found) = (expected.to_string(), self.tree.describe());
        let problem = match &self.tree.value {
            Value::Name(name) if expected == A_STRING => Problem::Value {
                reason: format!("expected {expected}, found {found}"),
                help: format!("write {name:?}, in quotes"),
            },
            _ => Problem::WrongType { expected, found },
        };
        // A struct may have many lines: its name is enough.
        let named = self.tree.name().is_some();
        SpecError::at(if named { self.tree.head() } else { self.tree.span }, problem)
    }

    /// The number that stands here, also as an expression.
    fn number(&self, expected: &dyn de::Expected) -> Result<Number, SpecError> {
        match &self.tree.value {
            Value::Int(value) => Ok(Number::Int(*value)),
            Value::Float(value) => Ok(Number::Float(*value)),
            Value::Str(text) => expr::evaluate(text, self.cx.env)
                .map_err(|error| SpecError::at(self.within(text, error.at), error.problem)),
            Value::Name(name) => Err(SpecError::at(
                self.tree.span,
                Problem::Value {
                    reason: format!("expected {expected}, found `{name}`"),
                    help: format!("an expression stands in quotes: {name:?}"),
                },
            )),
            _ => Err(self.wrong(expected)),
        }
    }

    /// The place of a part of a string; all of it where escapes hide the part.
    fn within(&self, text: &str, (start, end): (usize, usize)) -> Span {
        let span = self.tree.span;
        let plain = (span.end - span.start) as usize == text.len() + 2;
        if plain { span.part(1 + start, 1 + end.max(start + 1)) } else { span }
    }

    fn whole(&self) -> Result<i64, SpecError> {
        let computed = matches!(self.tree.value, Value::Str(_));
        match self.number(&"a whole number")? {
            Number::Int(value) => Ok(value),
            // `"width * 0.5"` is whole where it comes out even.
            Number::Float(value) if computed && value.fract() == 0.0 && value.abs() < MAX_WHOLE => {
                Ok(value as i64)
            }
            Number::Float(value) => {
                let help = match computed {
                    true => "write `floor(...)`, `ceil(...)` or `round(...)` around it",
                    false => "write it without a fraction",
                };
                let reason = format!("expected a whole number, found {value:?}");
                let problem = Problem::Value { reason, help: help.into() };
                Err(SpecError::at(self.tree.span, problem))
            }
        }
    }

    /// Why an element is left out because of a mistake that is known.
    fn is_passed(&self, element: Element) -> Option<Why> {
        self.passed.borrow().iter().find(|(other, _)| *other == element).map(|(_, why)| *why)
    }

    fn fields<V: Visitor<'static>>(
        self,
        name: &str,
        fields: &[Field],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        let (passed, left): (Vec<&Field>, Vec<&Field>) =
            fields.iter().partition(|field| self.is_passed(field_element(field)).is_some());
        let explains = |other: &Field, missing: &str| {
            other.name == missing || self.is_passed(field_element(other)) == Some(Why::Unknown)
        };
        let map = Fields { de: self, fields: left.into_iter(), value: None };
        visitor.visit_map(map).map_err(|mut error| {
            if let Problem::MissingField { owner, field } = error.problem()
                && owner.is_empty()
                && passed.iter().any(|other| explains(other, field))
            {
                *error.problem_mut() = Problem::Consequence;
            }
            let error = error.or_at(self.tree.head());
            if name.is_empty() { error } else { error.named(name) }
        })
    }

    /// The items of a list, or of a tuple, which has a fixed length.
    fn items<V: Visitor<'static>>(
        self,
        items: &'a [Rc<Tree>],
        length: Length,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        let left: Vec<&Rc<Tree>> = match length {
            Length::Fixed => items.iter().collect(),
            Length::Any => items
                .iter()
                .filter(|item| self.is_passed((item.span, item.span)).is_none())
                .collect(),
        };
        let mut seq = Items { de: self, length, items: left.into_iter() };
        let value = visitor.visit_seq(&mut seq).map_err(|error| error.or_at(self.tree.span))?;
        match seq.items.len() {
            0 => Ok(value),
            left => {
                let wanted = (items.len() - left).to_string();
                let problem = Problem::WrongLength { expected: wanted, found: items.len() };
                Err(SpecError::at(self.tree.span, problem))
            }
        }
    }

    /// A struct that is written as one of its fields.
    fn shorthand<V: Visitor<'static>>(
        self,
        field: &str,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        let span = self.tree.span;
        let field = Field { name: field.into(), span, tree: Rc::clone(self.tree) };
        let map = Fields { de: self, fields: vec![&field].into_iter(), value: None };
        visitor.visit_map(map).map_err(|error| error.or_at(span))
    }

    /// `("name", Operation(from: .., ..))` as the fields `name`, `from` and `op`.
    fn node<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let expected = "a node such as `(\"conv1\", Conv2d(out: 64, kernel: 3))`";
        let Value::Tuple(None, parts) = &self.tree.value else { return Err(self.wrong(&expected)) };
        let [name, op] = parts.as_slice() else { return Err(self.wrong(&expected)) };
        if op.name().is_none() {
            return Err(self.of(op).wrong(&"an operation such as `Relu()`"));
        }
        let mut fields = vec![
            Field { name: "name".into(), span: name.span, tree: Rc::clone(name) },
            Field { name: "kind".into(), span: op.span, tree: kind(without(op, &OF_NODES)) },
        ];
        fields.extend(OF_NODES.iter().filter_map(|name| op.get(name)).cloned());
        self.fields("", &fields, visitor).map_err(|error| {
            let error = error.or_at(op.head());
            match &name.value {
                Value::Str(name) => error.within(format!("in node `{name}`"), None),
                _ => error,
            }
        })
    }
}

/// The number of items that a sequence has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Any,
    Fixed,
}

/// What a node is made of as one of three variants: an operation, or what stands for several.
fn kind(tree: Rc<Tree>) -> Rc<Tree> {
    let variant = match tree.name() {
        Some(name) if COMPOSITES.contains(&name) => name,
        _ => "Op",
    };
    let (variant, span) = (variant.to_string(), tree.span);
    Rc::new(Tree { value: Value::Tuple(Some(variant), vec![tree]), span })
}

/// What should stand where a struct of this name is wanted.
fn wanted(name: &str) -> String {
    match name.strip_prefix(SHORTHAND) {
        Some(field) => format!("the path of a {field}, or `({field}: ..)`"),
        None => format!("`{name}(...)` or `(...)`"),
    }
}

/// The struct without some of its fields.
fn without(tree: &Rc<Tree>, names: &[&str]) -> Rc<Tree> {
    match &tree.value {
        Value::Struct(name, fields) if names.iter().any(|name| tree.get(name).is_some()) => {
            let fields = fields.iter().filter(|f| !names.contains(&f.name.as_str()));
            let fields = fields.cloned().collect();
            Rc::new(Tree { value: Value::Struct(name.clone(), fields), span: tree.span })
        }
        _ => Rc::clone(tree),
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
            let value = self.whole()?;
            let value = <$type>::try_from(value).map_err(|_| {
                let expected = match <$type>::BITS {
                    64 => "a number that is 0 or more".to_string(),
                    _ => format!("a number from {} to {}", <$type>::MIN, <$type>::MAX),
                };
                let problem = Problem::WrongType { expected, found: value.to_string() };
                SpecError::at(self.tree.span, problem)
            })?;
            visitor.$visit(value).map_err(|error: SpecError| error.or_at(self.tree.span))
        }
    )*};
}

impl<'a> Deserializer<'static> for TreeDe<'a> {
    type Error = SpecError;

    whole_numbers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    );

    fn deserialize_f64<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let value = self.number(&"a number")?.as_f64();
        if !value.is_finite() {
            return Err(self.wrong(&"a finite number"));
        }
        visitor.visit_f64(value).map_err(|error: SpecError| error.or_at(self.tree.span))
    }

    fn deserialize_f32<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let value = match &self.tree.value {
            Value::Unit => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Str(text) | Value::Name(text) => visitor.visit_str(text),
            Value::List(items) => return self.items(items, Length::Any, visitor),
            Value::Tuple(_, items) => return self.items(items, Length::Fixed, visitor),
            Value::Map(fields) | Value::Struct(_, fields) => {
                return self.fields("", fields, visitor);
            }
        };
        value.map_err(|error: SpecError| error.or_at(self.tree.span))
    }

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Str(text) => {
                let holds = expr::condition(text, self.cx.env);
                let wrong = |error: expr::ExprError| {
                    SpecError::at(self.within(text, error.at), error.problem)
                };
                visitor.visit_bool(holds.map_err(wrong)?)
            }
            _ => Err(self.wrong(&"`true`, `false` or a condition such as `\"stride == 1\"`")),
        }
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Str(text) => {
                visitor.visit_str(text).map_err(|error: SpecError| error.or_at(self.tree.span))
            }
            _ => Err(self.wrong(&A_STRING)),
        }
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Name(name) if name == "None" => visitor.visit_none(),
            Value::Tuple(Some(name), items) if name == "Some" && items.len() == 1 => {
                visitor.visit_some(self.of(&items[0]))
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match self.tree.value {
            Value::Unit => visitor.visit_unit(),
            _ => Err(self.wrong(&"`()`")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Name(found) if found == name => visitor.visit_unit(),
            Value::Struct(Some(found), fields) if found == name && fields.is_empty() => {
                visitor.visit_unit()
            }
            _ => Err(self.wrong(&format!("`{name}`").as_str())),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match name {
            INCLUDE => {
                let id = self.cx.loader.include(self.tree)?;
                visitor.visit_newtype_struct(id.into_deserializer())
            }
            LATER => {
                let id = self.cx.loader.keep(self.tree);
                visitor.visit_newtype_struct(id.into_deserializer())
            }
            ONE_OR_MANY => match &self.tree.value {
                Value::List(items) => self.items(items, Length::Any, visitor),
                Value::Str(_) | Value::Struct(..) => visitor.visit_newtype_struct(self),
                _ => Err(self.wrong(&visitor)),
            },
            FILLED => match &self.tree.value {
                Value::Str(text) => {
                    let filled = template::fill(text, self.tree.span, self.cx.env)?;
                    visitor.visit_newtype_struct(filled.into_deserializer())
                }
                _ => Err(self.wrong(&A_STRING)),
            },
            NUMBER => match self.number(&visitor)? {
                Number::Int(value) => visitor.visit_i64(value),
                Number::Float(value) => visitor.visit_f64(value),
            },
            SIZE2 => match &self.tree.value {
                Value::Tuple(None, items) if items.len() == 2 => {
                    self.items(items, Length::Fixed, visitor)
                }
                Value::Tuple(..) | Value::List(_) => Err(self.wrong(&visitor)),
                _ => self.deserialize_u64(visitor),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::List(items) => self.items(items, Length::Any, visitor),
            _ => Err(self.wrong(&"a list in `[...]`")),
        }
    }

    fn deserialize_tuple<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Tuple(None, items) | Value::List(items) if items.len() == len => {
                self.items(items, Length::Fixed, visitor)
            }
            _ => Err(self.wrong(&format!("{len} values in `(...)`").as_str())),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            // A struct without a name is what `--set` makes of a map that the file leaves out.
            Value::Map(fields) | Value::Struct(None, fields) => {
                self.fields("this map", fields, visitor)
            }
            _ => Err(self.wrong(&"a map in `{...}`")),
        }
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match (name, &self.tree.value) {
            (NODE, _) => self.node(visitor),
            (SPANNED, _) => visitor.visit_map(Spanning { de: self, step: 0 }),
            (_, Value::Struct(None, fields)) => self.fields("", fields, visitor),
            (_, Value::Struct(Some(found), fields)) if found == name => {
                self.fields(&format!("`{name}`"), fields, visitor)
            }
            (_, Value::Unit) => self.fields("", &[], visitor),
            (_, Value::Name(found)) if found == name => self.fields(name, &[], visitor),
            (_, value) => match name.strip_prefix(SHORTHAND) {
                Some(field) if !matches!(value, Value::Struct(Some(_), _)) => {
                    self.shorthand(field, visitor)
                }
                _ => Err(self.wrong(&wanted(name).as_str())),
            },
        }
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        if self.tree.name().is_none() {
            return Err(self.wrong(&format!("a name: one of the {name}s").as_str()));
        }
        visitor.visit_enum(self).map_err(|mut error| {
            if let Problem::UnknownVariant { what, expected, .. } = error.problem_mut()
                && what.is_empty()
                && name == OPERATION
            {
                expected.extend(COMPOSITES.map(String::from));
            }
            error.named(name).or_at(self.tree.head())
        })
    }

    fn deserialize_identifier<V: Visitor<'static>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }
}

/// The fields of a struct or map, one after another.
struct Fields<'a, 'f> {
    de: TreeDe<'a>,
    fields: std::vec::IntoIter<&'f Field>,
    value: Option<&'f Field>,
}

impl<'f> MapAccess<'static> for Fields<'_, 'f> {
    type Error = SpecError;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, SpecError> {
        self.value = self.fields.next();
        let Some(field) = self.value else { return Ok(None) };
        let key = Rc::new(Tree { value: Value::Str(field.name.clone()), span: field.span });
        let key = TreeDe { tree: &key, ..self.de };
        let wrong = |error: SpecError| error.or_at(field.span).or_element(field_element(field));
        seed.deserialize(key).map(Some).map_err(wrong)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SpecError> {
        let Some(field) = self.value else {
            return Err(de::Error::custom("a value without a key"));
        };
        let de = TreeDe { tree: &field.tree, ..self.de };
        seed.deserialize(de).map_err(|error| {
            let error = error.named(&format!("`{}`", field.name)).or_at(field.tree.span);
            error.or_element(field_element(field))
        })
    }
}

/// The items of a list or tuple.
struct Items<'a> {
    de: TreeDe<'a>,
    length: Length,
    items: std::vec::IntoIter<&'a Rc<Tree>>,
}

impl SeqAccess<'static> for &mut Items<'_> {
    type Error = SpecError;

    fn next_element_seed<T: DeserializeSeed<'static>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, SpecError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let of_item = |error: SpecError| {
            let error = error.named(ITEM).or_at(item.span);
            match self.length {
                Length::Any => error.or_element((item.span, item.span)),
                Length::Fixed => error,
            }
        };
        seed.deserialize(self.de.of(item)).map(Some).map_err(of_item)
    }
}

impl<'a> EnumAccess<'static> for TreeDe<'a> {
    type Error = SpecError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'static>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), SpecError> {
        let name = self.tree.name().unwrap_or_default().into_deserializer();
        let variant = seed.deserialize(name).map_err(|e: SpecError| e.or_at(self.tree.head()))?;
        Ok((variant, self))
    }
}

impl VariantAccess<'static> for TreeDe<'_> {
    type Error = SpecError;

    fn unit_variant(self) -> Result<(), SpecError> {
        match &self.tree.value {
            Value::Name(_) => Ok(()),
            Value::Struct(_, fields) if fields.is_empty() => Ok(()),
            _ => {
                let name = self.tree.name().unwrap_or_default();
                Err(self.wrong(&format!("`{name}` alone, which has no fields").as_str()))
            }
        }
    }

    /// `Variant(field: ..)` for a variant that holds a struct, `Variant(value)` for any other.
    fn newtype_variant_seed<T: DeserializeSeed<'static>>(
        self,
        seed: T,
    ) -> Result<T::Value, SpecError> {
        match &self.tree.value {
            Value::Tuple(_, items) if items.len() == 1 && !items[0].is_plain() => {
                seed.deserialize(self.of(&items[0]))
            }
            _ => seed.deserialize(VariantBody(self)),
        }
    }

    fn tuple_variant<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Tuple(_, items) if items.len() == len => {
                self.items(items, Length::Fixed, visitor)
            }
            _ => Err(self.wrong(&format!("{len} values in `(...)`").as_str())),
        }
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        VariantBody(self).deserialize_struct("", fields, visitor)
    }
}

/// The inside of `Variant(field: ..)`: a struct that goes by the variant's name.
struct VariantBody<'a>(TreeDe<'a>);

impl Deserializer<'static> for VariantBody<'_> {
    type Error = SpecError;

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let name = self.0.tree.name().unwrap_or_default();
        match &self.0.tree.value {
            Value::Struct(_, fields) => self.0.fields(&format!("`{name}`"), fields, visitor),
            Value::Name(_) => self.0.fields(&format!("`{name}`"), &[], visitor),
            _ => Err(self.0.wrong(&"fields with names")),
        }
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match (&self.0.tree.value, fields) {
            (Value::Tuple(name, _), [first, ..]) => {
                let name = name.as_deref().unwrap_or_default();
                let reason = format!("the fields of `{name}` have names");
                let help = format!("write `{name}({first}: ...)`");
                Err(SpecError::at(self.0.tree.head(), Problem::Value { reason, help }))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'static>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// The place is no part of what a spec says.
impl<T: serde::Serialize> serde::Serialize for Spanned<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: de::Deserialize<'de>> de::Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(SPANNED, &[], SpannedVisitor(std::marker::PhantomData))
    }
}

struct SpannedVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: de::Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Spanned<T>, A::Error> {
        let mut next = || map.next_value::<u32>();
        let (source, start, end) = (next()?, next()?, next()?);
        let span = Span::new(source, start as usize, end as usize);
        Ok(Spanned { value: map.next_value()?, span })
    }
}

/// Hands a [`SpannedVisitor`] source, start, end and the value itself.
struct Spanning<'a> {
    de: TreeDe<'a>,
    step: u8,
}

impl MapAccess<'static> for Spanning<'_> {
    type Error = SpecError;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        _: K,
    ) -> Result<Option<K::Value>, SpecError> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SpecError> {
        let span = self.de.tree.span;
        self.step += 1;
        match self.step {
            1 => seed.deserialize(span.source.into_deserializer()),
            2 => seed.deserialize(span.start.into_deserializer()),
            3 => seed.deserialize(span.end.into_deserializer()),
            _ => seed.deserialize(self.de),
        }
    }
}
