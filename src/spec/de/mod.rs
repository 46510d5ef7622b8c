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

mod access;
mod deserializer;
mod reader;
mod spanned;

use std::cell::RefCell;
use std::rc::Rc;

use serde::de;

use super::error::{Element, Problem, SpecError};
use super::expr::Env;
use super::load::Loader;
use super::tree::{Field, Tree};

pub use spanned::Spanned;

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
