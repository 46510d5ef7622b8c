//! What is read from a tree by the kind of value that is wanted.

use std::rc::Rc;

use serde::de::{self, Visitor};

use super::access::{Fields, Items};
use super::{A_STRING, COMPOSITES, MAX_WHOLE, OF_NODES, SHORTHAND, TreeDe, Why, field_element};
use crate::spec::error::{Element, Problem, SpecError};
use crate::spec::expr::{self, Number};
use crate::spec::source::Span;
use crate::spec::tree::{Field, Tree, Value};

impl<'a> TreeDe<'a> {
    pub(super) fn of(self, tree: &'a Rc<Tree>) -> Self {
        Self { tree, ..self }
    }

    pub(super) fn wrong(&self, expected: &dyn de::Expected) -> SpecError {
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
    pub(super) fn number(&self, expected: &dyn de::Expected) -> Result<Number, SpecError> {
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
    pub(super) fn within(&self, text: &str, (start, end): (usize, usize)) -> Span {
        let span = self.tree.span;
        let plain = (span.end - span.start) as usize == text.len() + 2;
        if plain { span.part(1 + start, 1 + end.max(start + 1)) } else { span }
    }

    pub(super) fn whole(&self) -> Result<i64, SpecError> {
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
    pub(super) fn is_passed(&self, element: Element) -> Option<Why> {
        self.passed.borrow().iter().find(|(other, _)| *other == element).map(|(_, why)| *why)
    }

    pub(super) fn fields<V: Visitor<'static>>(
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
    pub(super) fn items<V: Visitor<'static>>(
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
    pub(super) fn shorthand<V: Visitor<'static>>(
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
    pub(super) fn node<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
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
pub(super) enum Length {
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
pub(super) fn wanted(name: &str) -> String {
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
