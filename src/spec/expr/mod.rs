//! Expressions: `"width * expansion"`, and the conditions of sweeps: `"params < 3e6"`.
//!
//! Wherever a spec wants a number, a string with an expression may stand. There are
//!
//! - numbers, also with an exponent (`0.1`, `3e6`, `1e-3`), `true` and `false`, text in single
//!   quotes, and names, whose parts are joined by dots (`train.optimizer.lr`);
//! - `+ - * / %` and parentheses;
//! - `< <= > >= == !=`, and `and`, `or`, `not`;
//! - `if(condition, a, b)`, and the functions `min`, `max`, `floor`, `ceil`, `round`,
//!   `round_to(x, multiple)`, `abs`, `sqrt`, `log2` and `pow(a, b)`.
//!
//! A quotient of whole numbers that comes out even is whole, else it has a fraction: write
//! `floor(width / 3)` where a whole number is wanted. What an `if`, `and` or `or` does not need is
//! not evaluated.
//!
//! `parse` makes a tree (`ast`) of the text once, `eval` evaluates it, `functions` holds the functions.

mod ast;
mod eval;
mod functions;
mod parse;

use std::collections::BTreeMap;

use super::error::Problem;
use super::tree;

pub use ast::Expr;
pub use functions::{FUNCTIONS, FunctionDoc};
pub(crate) use parse::KEYWORDS;

/// A number of the spec language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Whole.
    Int(i64),
    /// With a fraction.
    Float(f64),
}

impl Number {
    /// The number as a float.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl From<Number> for tree::Value {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Self::Int(value),
            Number::Float(value) => Self::Float(value),
        }
    }
}

/// The value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    /// Text.
    Text(String),
}

impl Value {
    /// What a person calls this value.
    fn describe(&self) -> String {
        match self {
            Self::Number(Number::Int(value)) => format!("the number {value}"),
            Self::Number(Number::Float(value)) => format!("the number {value:?}"),
            Self::Bool(value) => format!("`{value}`"),
            Self::Text(text) => format!("the text '{text}'"),
        }
    }
}

/// The names that expressions can use, and their values.
pub type Env = BTreeMap<String, Number>;

/// What went wrong in an expression, and at which bytes of its text.
#[derive(Debug, Clone, PartialEq)]
pub struct ExprError {
    /// The mistake.
    pub problem: Problem,
    /// First and one past the last byte.
    pub at: (usize, usize),
}

/// The value of an expression that stands for a number.
///
/// # Errors
/// Text that is no expression, unknown names and functions, overflow, division by zero, a value
/// that is no number.
pub fn evaluate(text: &str, env: &Env) -> Result<Number, ExprError> {
    let expr = Expr::parse(text)?;
    match expr.evaluate(&|name| number(text, name, env))? {
        Value::Number(number) => Ok(number),
        other => Err(expr.wrong_type(&other, "a number")),
    }
}

/// Whether a condition over numbers holds.
///
/// # Errors
/// As [`evaluate`], and a value that is neither true nor false.
pub fn condition(text: &str, env: &Env) -> Result<bool, ExprError> {
    Expr::parse(text)?.holds(&|name| number(text, name, env))
}

fn number(text: &str, name: &str, env: &Env) -> Result<Value, Problem> {
    let number = env.get(name).map(|number| Value::Number(*number));
    number.ok_or_else(|| unknown_name(text, name, env.keys().cloned().collect()))
}

/// A name that nothing here goes by.
pub fn unknown_name(text: &str, name: &str, known: Vec<String>) -> Problem {
    Problem::UnknownName { text: text.into(), name: name.into(), known }
}

#[cfg(test)]
mod tests;
