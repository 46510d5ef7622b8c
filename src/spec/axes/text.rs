//! How the value of an axis is written: in tables, in names, in conditions.

use std::path::Path;

use crate::spec::expr::{self, Env, Number};
use crate::spec::tree::{Tree, Value};

/// The value as tables have it: numbers and strings as they are, all else as RON on one line.
pub fn full(tree: &Tree) -> String {
    match &tree.value {
        Value::Str(text) => text.clone(),
        Value::Float(value) => float(*value),
        _ => tree.to_ron().lines().map(str::trim).collect::<Vec<_>>().join(" "),
    }
}

/// The value as a part of a name: files by their stem, enum values by their name, expressions by
/// their number, and `_` for what a name cannot have.
pub fn short(tree: &Tree) -> String {
    let text = match (tree.name(), &tree.value) {
        (Some(name), _) => name.to_string(),
        (_, Value::Str(text)) => match expr::evaluate(text, &Env::new()) {
            Ok(Number::Int(value)) => value.to_string(),
            Ok(Number::Float(value)) => float(value),
            Err(_) => stem(text),
        },
        _ => full(tree),
    };
    text.chars().map(|c| if legal(c) { c } else { '_' }).collect()
}

/// Whether names of experiments may have this character.
pub fn legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-+=.,".contains(c)
}

/// The value in a condition: a number, also one that stands as an expression, `true` or `false`,
/// or text as names have it.
pub fn value(tree: &Tree) -> expr::Value {
    match &tree.value {
        Value::Int(value) => expr::Value::Number(Number::Int(*value)),
        Value::Float(value) => expr::Value::Number(Number::Float(*value)),
        Value::Bool(value) => expr::Value::Bool(*value),
        Value::Str(text) => match expr::evaluate(text, &Env::new()) {
            Ok(number) => expr::Value::Number(number),
            Err(_) => expr::Value::Text(stem(text)),
        },
        Value::Tuple(Some(name), items) if name == "Some" && items.len() == 1 => value(&items[0]),
        _ => expr::Value::Text(tree.name().map_or_else(|| full(tree), str::to_string)),
    }
}

/// A file's name without its folder and ending; other text as it is.
fn stem(text: &str) -> String {
    match text.ends_with(".ron") {
        true => Path::new(text).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        false => text.to_string(),
    }
}

/// The shortest digits that read back as the same number.
fn float(value: f64) -> String {
    let plain = value == 0.0 || (1e-5..1e16).contains(&value.abs()) || !value.is_finite();
    if plain { value.to_string() } else { format!("{value:e}") }
}
