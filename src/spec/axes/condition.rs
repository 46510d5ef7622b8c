//! `where` and `exclude`: which combinations become experiments.

use std::rc::Rc;

use super::values::fault;
use crate::spec::error::SpecError;
use crate::spec::expr::{Expr, ExprError};
use crate::spec::source::Span;
use crate::spec::tree::{Tree, Value};

/// A condition on experiments.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What becomes of the experiments for which it holds.
    pub rule: Rule,
    /// Its text.
    pub text: String,
    /// The condition.
    pub expr: Expr,
    /// Where its string stands.
    span: Span,
}

/// What a condition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Experiments must meet it.
    Where,
    /// Experiments that meet it are left out.
    Exclude,
}

impl Rule {
    /// The name of its field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Exclude => "exclude",
        }
    }
}

impl Condition {
    /// Reads one condition, or a list of them.
    ///
    /// # Errors
    /// Every one that is no expression.
    pub fn read(tree: &Rc<Tree>, rule: Rule) -> Result<Vec<Self>, Vec<SpecError>> {
        let items = match &tree.value {
            Value::List(items) => items.clone(),
            _ => vec![Rc::clone(tree)],
        };
        let (mut conditions, mut errors) = (Vec::new(), Vec::new());
        for item in &items {
            match Self::one(item, rule) {
                Ok(condition) => conditions.push(condition),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(conditions) } else { Err(errors) }
    }

    fn one(tree: &Rc<Tree>, rule: Rule) -> Result<Self, SpecError> {
        let Value::Str(text) = &tree.value else {
            let reason = format!("expected a condition, found {}", tree.describe());
            return Err(fault(tree, &reason, "write it in quotes, as in `\"params < 3e6\"`"));
        };
        match Expr::parse(text) {
            Ok(expr) => Ok(Self { rule, text: text.clone(), expr, span: tree.span }),
            Err(error) => Err(SpecError::at(part(tree.span, text, error.at), error.problem)),
        }
    }

    /// The error at its place.
    pub fn locate(&self, error: ExprError) -> SpecError {
        SpecError::at(self.part(error.at), error.problem)
    }

    /// The place of some bytes of its text.
    pub fn part(&self, at: (usize, usize)) -> Span {
        part(self.span, &self.text, at)
    }

    /// Where its string stands.
    pub fn span(&self) -> Span {
        self.span
    }
}

/// The place of a part of a string; all of it where escapes hide the part.
pub(super) fn part(span: Span, text: &str, (start, end): (usize, usize)) -> Span {
    let plain = (span.end - span.start) as usize == text.len() + 2;
    if plain { span.part(1 + start, 1 + end.max(start + 1)) } else { span }
}
