//! RON text to trees.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use ron::value::RawValue;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Field, Tree, Value};
use crate::spec::error::{Problem, SpecError};
use crate::spec::source::{Source, Sources, Span};

/// A list, a map or a struct with more items than this is refused: what is checked of each against the
/// others would take long.
const MAX_ITEMS: usize = 10_000;
/// A text with more values than this is refused, where each takes some hundred bytes.
const MAX_VALUES: usize = 200_000;

impl Tree {
    /// What serde writes of a value, with every field: what is optional stands there as it is, or as
    /// `None`.
    ///
    /// # Errors
    /// What serde reports.
    pub fn of<T: serde::Serialize>(value: &T) -> Result<Rc<Self>, SpecError> {
        let text = ron::to_string(value)
            .map_err(|error| SpecError::new(Problem::Custom(error.to_string())))?;
        let sources = Sources::default();
        let id = sources.add("a value".into(), std::path::Path::new(""), text);
        Self::parse(&sources, id).map(|tree| without_some(&tree))
    }

    /// Reads the whole of one source.
    ///
    /// # Errors
    /// Text that is not RON, fields or keys that stand twice, and more values than anyone writes.
    pub fn parse(sources: &Sources, id: u32) -> Result<Rc<Self>, SpecError> {
        let source = sources.get(id);
        let raw = RawValue::from_ron(&source.text).map_err(|error| syntax(&source, id, &error))?;
        Builder { source: &source, id, values: Cell::new(0) }.tree(raw)
    }
}

/// The tree with what stands in `Some(..)` in its place.
fn without_some(tree: &Rc<Tree>) -> Rc<Tree> {
    match &tree.value {
        Value::Tuple(Some(name), inside) if name == "Some" && inside.len() == 1 => {
            without_some(&inside[0])
        }
        _ => tree.map(&without_some),
    }
}

/// Builds trees from the raw values of one source.
struct Builder<'s> {
    source: &'s Source,
    id: u32,
    /// How many were built.
    values: Cell<usize>,
}

impl Builder<'_> {
    fn tree(&self, raw: &RawValue) -> Result<Rc<Tree>, SpecError> {
        let text = raw.trim().get_ron();
        let start = text.as_ptr() as usize - self.source.text.as_ptr() as usize;
        let span = Span::new(self.id, start, start + text.len());
        self.values.set(self.values.get() + 1);
        if self.values.get() > MAX_VALUES {
            return Err(SpecError::at(span, too_many("this file", "values", MAX_VALUES)));
        }
        let value = self.value(text, span).map_err(|error| error.or_at(span))?;
        Ok(Rc::new(Tree { value, span }))
    }

    fn trees(&self, items: Vec<&RawValue>) -> Result<Vec<Rc<Tree>>, SpecError> {
        room_for(items.len())?;
        items.into_iter().map(|item| self.tree(item)).collect()
    }

    fn value(&self, text: &str, span: Span) -> Result<Value, SpecError> {
        let read = |error: &ron::error::SpannedError| SpecError::at(span, not_ron(&error.code));
        match text.chars().next().unwrap_or(' ') {
            '[' => {
                let items: Vec<&RawValue> = ron::from_str(text).map_err(|e| read(&e))?;
                Ok(Value::List(self.trees(items)?))
            }
            '{' => {
                let Entries(entries) = ron::from_str(text).map_err(|e| read(&e))?;
                room_for(entries.len())?;
                let entries = entries.into_iter().map(|entry| self.entry(entry));
                Ok(Value::Map(unique(entries.collect::<Result<_, _>>()?)?))
            }
            '"' | '\'' => Ok(Value::Str(ron::from_str(text).map_err(|e| read(&e))?)),
            'r' if text.starts_with("r\"") || text.starts_with("r#\"") => {
                Ok(Value::Str(ron::from_str(text).map_err(|e| read(&e))?))
            }
            '0'..='9' | '+' | '-' | '.' => number(text).ok_or_else(|| {
                SpecError::new(Problem::WrongType {
                    expected: "a number that fits in 64 bits".into(),
                    found: format!("`{text}`"),
                })
            }),
            _ => self.named(text, &read),
        }
    }

    fn named(
        &self,
        text: &str,
        read: &dyn Fn(&ron::error::SpannedError) -> SpecError,
    ) -> Result<Value, SpecError> {
        let name: String =
            text.chars().take_while(|c| c.is_alphanumeric() || "_.+-".contains(*c)).collect();
        match (text, name.as_str()) {
            ("()", _) => return Ok(Value::Unit),
            ("true" | "false", _) => return Ok(Value::Bool(text == "true")),
            ("inf", _) => return Ok(Value::Float(f64::INFINITY)),
            ("NaN", _) => return Ok(Value::Float(f64::NAN)),
            (_, name) if name == text => return Ok(Value::Name(text.into())),
            _ => {}
        }
        let name = (!name.is_empty()).then_some(name);
        match ron::from_str(text).map_err(|e| read(&e))? {
            Body::Struct(fields) => {
                room_for(fields.len())?;
                let fields = fields.into_iter().map(|field| self.field(text, field));
                Ok(Value::Struct(name, unique(fields.collect::<Result<_, _>>()?)?))
            }
            Body::Tuple(items) => Ok(Value::Tuple(name, self.trees(items)?)),
            Body::Empty => Ok(Value::Struct(name, Vec::new())),
        }
    }

    fn field(&self, text: &str, (name, raw): (String, &RawValue)) -> Result<Field, SpecError> {
        let tree = self.tree(raw)?;
        let base = text.as_ptr() as usize - self.source.text.as_ptr() as usize;
        let before = &self.source.text[base..tree.span.start as usize];
        let at = base + before.rfind(&name).unwrap_or(0);
        Ok(Field { span: Span::new(self.id, at, at + name.len()), name, tree })
    }

    fn entry(&self, (key, raw): (&RawValue, &RawValue)) -> Result<Field, SpecError> {
        let key = self.tree(key)?;
        let Value::Str(name) = &key.value else {
            let problem = Problem::WrongType { expected: "a string".into(), found: key.describe() };
            return Err(SpecError::at(key.span, problem));
        };
        Ok(Field { name: name.clone(), span: key.span, tree: self.tree(raw)? })
    }
}

fn unique(fields: Vec<Field>) -> Result<Vec<Field>, SpecError> {
    let mut seen = HashSet::new();
    match fields.iter().find(|field| !seen.insert(field.name.as_str())) {
        Some(field) => Err(SpecError::at(field.span, Problem::DuplicateField(field.name.clone()))),
        None => Ok(fields),
    }
}

/// Whether a list, a map or a struct may have so many items.
fn room_for(items: usize) -> Result<(), SpecError> {
    match items > MAX_ITEMS {
        true => Err(SpecError::new(too_many("this", "items", MAX_ITEMS))),
        false => Ok(()),
    }
}

fn too_many(what: &str, of: &str, most: usize) -> Problem {
    let reason = format!("{what} has more than {most} {of}");
    let help = "say it in fewer: by `layers`, by an axis with a `Range`, by a number of seeds, or in \
                several sweeps";
    Problem::Value { reason, help: help.into() }
}

fn number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    ron::from_str::<i64>(text)
        .map(Value::Int)
        .or_else(|_| ron::from_str::<f64>(&plain).map(Value::Float))
        .ok()
        .filter(|value| plain.contains(['.', 'e', 'E', 'n', 'N']) || matches!(value, Value::Int(_)))
}

fn syntax(source: &Source, id: u32, error: &ron::error::SpannedError) -> SpecError {
    let start = source.offset(error.span.start.line, error.span.start.col);
    let end = source.offset(error.span.end.line, error.span.end.col);
    let start = start.min(source.text.len());
    let span = Span::new(id, start, end.max(start + 1).min(source.text.len().max(start)));
    SpecError::at(span, not_ron(&error.code))
}

/// What the parser found, in a reader's words, and what to do.
fn not_ron(error: &ron::Error) -> Problem {
    let (reason, help) = match error {
        ron::Error::Eof => ("the text ends too early", "close what is open: `)`, `]`, `}` or `\"`"),
        ron::Error::TrailingCharacters => ("text follows the end", "a file holds one spec alone"),
        ron::Error::ExpectedComma => (
            "a comma or a closing bracket should stand here",
            "close what is open, or add a `,`; an expression stands in quotes",
        ),
        ron::Error::ExpectedStringEnd => ("a string is not closed", "add the closing `\"`"),
        ron::Error::UnexpectedChar(found) => {
            let reason = format!("the character `{found}` has no place here");
            let help = Some("names and paths stand in quotes".into());
            return Problem::Syntax { reason, help };
        }
        other => {
            let reason = lower_first(&other.to_string());
            return Problem::Syntax { reason, help: None };
        }
    };
    Problem::Syntax { reason: reason.into(), help: Some(help.into()) }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// The inside of parentheses, as raw values that borrow from the text.
enum Body<'de> {
    Empty,
    Tuple(Vec<&'de RawValue>),
    Struct(Vec<(String, &'de RawValue)>),
}

impl<'de> Deserialize<'de> for Body<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("fields or items in parentheses")
    }

    fn visit_unit<E>(self) -> Result<Body<'de>, E> {
        Ok(Body::Empty)
    }

    /// `Some(..)`, which RON reads as no other name.
    fn visit_some<D: Deserializer<'de>>(self, inside: D) -> Result<Body<'de>, D::Error> {
        Ok(Body::Tuple(vec![<&RawValue>::deserialize(inside)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Body<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(if items.is_empty() { Body::Empty } else { Body::Tuple(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Body::Struct(fields))
    }
}

/// The entries of a map, as raw values.
struct Entries<'de>(Vec<(&'de RawValue, &'de RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn parse(text: &str) -> Result<Rc<Tree>, SpecError> {
        let sources = Sources::default();
        let id = sources.add("test.ron".into(), std::path::Path::new("."), text.into());
        Tree::parse(&sources, id)
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = "// c\nBlock( params: { \"a\": 1_000, /* x */ \"b\": -2.5e-1 }, nodes: [(\"n\", Relu), (\"m\", Add(from: [\"n\"]))], u: (), e: Conv() )";
        let tree = parse(text).unwrap();
        let at = |span: Span| &text[span.start as usize..span.end as usize];
        assert_eq!(tree.name(), Some("Block"));
        let params = tree.get("params").unwrap();
        assert_eq!(at(params.span), "params");
        assert_eq!(params.tree.get("a").unwrap().tree.value, Value::Int(1000));
        assert_eq!(params.tree.get("b").unwrap().tree.value, Value::Float(-0.25));
        assert_eq!(at(params.tree.get("b").unwrap().tree.span), "-2.5e-1");
        let Value::List(nodes) = &tree.get("nodes").unwrap().tree.value else { panic!() };
        let Value::Tuple(None, node) = &nodes[1].value else { panic!() };
        assert_eq!(at(node[1].span), "Add(from: [\"n\"])");
        assert_eq!(at(node[1].head()), "Add");
        assert_eq!(at(node[1].get("from").unwrap().span), "from");
        assert_eq!(tree.get("e").unwrap().tree.value, Value::Struct(Some("Conv".into()), vec![]));
        assert_eq!(tree.get("u").unwrap().tree.value, Value::Unit);
    }

    #[test]
    fn printed_trees_read_back_equal() {
        let text = "A(b: [1, 2.0, \"x\\\"y\"], c: { \"k\": None }, d: (1, \"z\"), e: inf, f: B(g: true, h: C(i: D(j: 1))))";
        let tree = parse(text).unwrap();
        let again = parse(&tree.to_ron()).unwrap();
        assert_eq!(tree.to_ron(), again.to_ron());
    }

    #[test]
    fn syntax_errors_have_line_and_column() {
        let sources = Sources::default();
        let id = sources.add("t.ron".into(), std::path::Path::new("."), "A(\n  b: [1, 2\n)".into());
        let error = Tree::parse(&sources, id).unwrap_err();
        assert!(matches!(error.problem(), Problem::Syntax { .. }));
        assert_eq!(sources.locate(error.span().unwrap()), "t.ron:3:1");
    }

    #[test]
    fn a_field_that_stands_twice_is_refused() {
        let error = parse("A(b: 1, b: 2)").unwrap_err();
        assert_eq!(error.problem(), &Problem::DuplicateField("b".into()));
        assert_eq!(error.span().unwrap().start, 8);
    }
}
