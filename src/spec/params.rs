//! Parameters: declared with their defaults by a block or network, given by whom uses it.

use std::rc::Rc;

use serde::Deserialize;

use super::de::{self, Cx, Spanned};
use super::error::{Problem, SpecError};
use super::expr::{Env, KEYWORDS, Number};
use super::load::Loader;
use super::source::Span;
use super::tree::Tree;

/// Parameters in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(pub Vec<Param>);

/// A parameter and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name in expressions.
    pub name: String,
    /// Its value.
    pub value: Number,
    /// Where its name stands.
    pub span: Span,
}

/// Parameters given to a spec by whom uses it.
pub struct Given<'a> {
    /// The spec as a person calls it.
    pub file: &'a str,
    /// Later ones win.
    pub params: &'a [&'a Params],
}

/// The names of the parameters that a block or network declares.
pub(crate) fn declared(tree: &Tree) -> Vec<String> {
    let fields = tree.get("params").map(|field| field.tree.fields()).unwrap_or_default();
    fields.iter().map(|field| field.name.clone()).collect()
}

/// Reads a spec that declares parameters, and what is in scope in it: `env`, and its parameters.
///
/// # Errors
/// Everything that does not fit: of the parameters, and of the rest as far as it does not follow.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    loader: &Loader,
    tree: &Rc<Tree>,
    given: &Given<'_>,
    reserved: &[&str],
    mut env: Env,
    what: &str,
) -> Result<(T, Env), SpecError> {
    let declaring = declare(loader, tree, given, reserved, &mut env).err();
    let read = de::read(tree, Cx { loader, env: &env }, what);
    let (read, declaring) = match (read, declaring) {
        (Ok(read), None) => return Ok((read, env)),
        (read, declaring) => (read.err(), declaring),
    };
    let known = declared(tree);
    let follows = |error: &SpecError| {
        let unknown = match error.problem() {
            Problem::UnknownName { name, .. } => known.contains(name) && !env.contains_key(name),
            _ => false,
        };
        unknown && declaring.is_some()
    };
    let rest = read.into_iter().flat_map(SpecError::split).filter(|error| !follows(error));
    let rest: Vec<SpecError> = rest.collect();
    let all = SpecError::all(declaring.into_iter().chain(rest));
    Err(all.unwrap_or_else(|| SpecError::new(Problem::Consequence)))
}

/// Brings a spec's parameters into scope: its defaults, or what is given in their place. `reserved`
/// are names that a parameter cannot have, since they mean something else in its scope.
pub(crate) fn declare(
    loader: &Loader,
    tree: &Tree,
    given: &Given<'_>,
    reserved: &[&str],
    env: &mut Env,
) -> Result<(), SpecError> {
    let known = declared(tree);
    let overrides = given.params.iter().flat_map(|params| &params.0);
    let unknown = overrides.clone().filter(|param| !known.contains(&param.name)).map(|param| {
        let (file, name) = (given.file.to_string(), param.name.clone());
        SpecError::at(param.span, Problem::UnknownParameter { file, name, known: known.clone() })
    });
    let mut errors: Vec<SpecError> = unknown.collect();
    let fields = tree.get("params").map(|field| field.tree.fields()).unwrap_or_default();
    let mut failed = Vec::new();
    for field in fields {
        if let Err(problem) = check_name(&field.name, reserved) {
            errors.push(SpecError::at(field.span, problem));
            continue;
        }
        let value = match overrides.clone().rfind(|param| param.name == field.name) {
            Some(param) => Ok(param.value),
            None => de::read(&field.tree, Cx { loader, env }, &field.name),
        };
        match value {
            Ok(value) => drop(env.insert(field.name.clone(), value)),
            Err(error) => {
                let follows = |error: &SpecError| match error.problem() {
                    Problem::UnknownName { name, .. } => failed.contains(name),
                    _ => false,
                };
                let told = error.split().filter(|error| !follows(error));
                errors.extend(told.map(|error| match error.problem() {
                    Problem::UnknownName { name, .. } if known.contains(name) => {
                        let note = format!("`{name}` is declared after `{}`", field.name);
                        error.within(note + ": a parameter knows those before it", None)
                    }
                    _ => error,
                }));
                failed.push(field.name.clone());
            }
        }
    }
    SpecError::all(errors).map_or(Ok(()), Err)
}

/// A parameter's name must be one that expressions can write, and new.
fn check_name(name: &str, reserved: &[&str]) -> Result<(), Problem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (reason, help) = if !starts || !name.chars().all(legal) {
        let reason = format!("a parameter cannot be called `{name}`");
        (reason, "use letters, digits and `_`, and no digit first, as in `expansion`")
    } else if KEYWORDS.contains(&name) {
        let reason = format!("`{name}` has a meaning of its own in expressions");
        (reason, "choose another name")
    } else if reserved.contains(&name) {
        let reason = format!("`{name}` is known here without being declared");
        (reason, "remove it, or choose another name")
    } else {
        return Ok(());
    };
    Err(Problem::Value { reason, help: help.into() })
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> serde::de::Visitor<'de> for Visit {
            type Value = Params;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of parameters such as `{\"expansion\": 4}`")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Params, A::Error> {
                let mut params = Vec::new();
                while let Some(Spanned { value: name, span }) = map.next_key()? {
                    params.push(Param { name, value: map.next_value()?, span });
                }
                Ok(Params(params))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl serde::de::Visitor<'_> for Visit {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or an expression")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number::Int(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Float(value))
            }
        }
        deserializer.deserialize_newtype_struct(de::NUMBER, Visit)
    }
}
