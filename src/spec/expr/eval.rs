//! From a tree to its value.

use std::cmp::Ordering;

use super::ast::{Arithmetic, Comparison, Expr, Kind, Node};
use super::functions::{Function, float};
use super::{ExprError, Number, Value};
use crate::spec::error::Problem;

/// The value of a name, or what is wrong with it.
type Lookup<'l> = &'l dyn Fn(&str) -> Result<Value, Problem>;

impl Expr {
    /// The value, with names looked up where they are needed.
    ///
    /// # Errors
    /// What a lookup says, values of the wrong type, overflow, division by zero.
    pub fn evaluate(&self, lookup: Lookup<'_>) -> Result<Value, ExprError> {
        Evaluator { text: &self.text, lookup }.value(&self.root)
    }

    /// Whether a condition holds.
    ///
    /// # Errors
    /// As [`Expr::evaluate`], and a value that is neither true nor false.
    pub fn holds(&self, lookup: Lookup<'_>) -> Result<bool, ExprError> {
        match self.evaluate(lookup)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.wrong_type(&other, "a condition such as `width > 8`")),
        }
    }

    /// The whole expression is of another type than its place wants.
    pub(super) fn wrong_type(&self, found: &Value, wanted: &str) -> ExprError {
        wrong_type(&self.text, self.root.at, found, wanted)
    }
}

struct Evaluator<'e> {
    text: &'e str,
    lookup: Lookup<'e>,
}

impl Evaluator<'_> {
    fn value(&self, node: &Node) -> Result<Value, ExprError> {
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) => {
                (self.lookup)(name).map_err(|problem| ExprError { problem, at: node.at })
            }
            Kind::Negate(inner) => {
                let value = self.number(inner)?;
                self.combine(Arithmetic::Minus, Number::Int(0), value, node.at).map(Value::Number)
            }
            Kind::Not(inner) => self.bool(inner, "`not`").map(|value| Value::Bool(!value)),
            Kind::Chain(first, rest) => self.chain(first, rest).map(Value::Number),
            Kind::Compare(comparison, sides) => {
                self.compare(*comparison, &sides.0, &sides.1).map(Value::Bool)
            }
            Kind::All(nodes) => self.until(nodes, "`and`", false).map(Value::Bool),
            Kind::Any(nodes) => self.until(nodes, "`or`", true).map(Value::Bool),
            Kind::If(parts) => match self.bool(&parts.0, "`if`")? {
                true => self.value(&parts.1),
                false => self.value(&parts.2),
            },
            Kind::Call(function, args) => self.call(*function, args, node.at).map(Value::Number),
        }
    }

    fn number(&self, node: &Node) -> Result<Number, ExprError> {
        match self.value(node)? {
            Value::Number(number) => Ok(number),
            other => Err(wrong_type(self.text, node.at, &other, "a number")),
        }
    }

    fn bool(&self, node: &Node, of: &str) -> Result<bool, ExprError> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            other => {
                let wanted = format!("a condition for {of}");
                Err(wrong_type(self.text, node.at, &other, &wanted))
            }
        }
    }

    /// `end` where one of the nodes is; those after it are not evaluated.
    fn until(&self, nodes: &[Node], of: &str, end: bool) -> Result<bool, ExprError> {
        for node in nodes {
            if self.bool(node, of)? == end {
                return Ok(end);
            }
        }
        Ok(!end)
    }

    fn chain(&self, first: &Node, rest: &[(Arithmetic, Node)]) -> Result<Number, ExprError> {
        let mut left = self.number(first)?;
        for (sign, node) in rest {
            let right = self.number(node)?;
            left = self.combine(*sign, left, right, (first.at.0, node.at.1))?;
        }
        Ok(left)
    }

    fn compare(
        &self,
        comparison: Comparison,
        left: &Node,
        right: &Node,
    ) -> Result<bool, ExprError> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        let equal = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let order = match (&a, &b) {
            (Value::Number(a), Value::Number(b)) => order(*a, *b),
            (Value::Text(a), Value::Text(b)) if equal => a.cmp(b),
            (Value::Bool(a), Value::Bool(b)) if equal => a.cmp(b),
            (Value::Number(_), other) => {
                return Err(wrong_type(self.text, right.at, other, "a number to compare with"));
            }
            (other, Value::Number(_)) => {
                return Err(wrong_type(self.text, left.at, other, "a number to compare with"));
            }
            (Value::Text(_), other) if equal => {
                return Err(wrong_type(self.text, right.at, other, "text to compare with"));
            }
            (Value::Bool(_), other) if equal => {
                let wanted = "`true` or `false` to compare with";
                return Err(wrong_type(self.text, right.at, other, wanted));
            }
            (other, _) => return Err(wrong_type(self.text, left.at, other, "a number to compare")),
        };
        Ok(match comparison {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
        })
    }

    fn call(
        &self,
        function: Function,
        args: &[Node],
        at: (usize, usize),
    ) -> Result<Number, ExprError> {
        let numbers = args.iter().map(|arg| self.number(arg)).collect::<Result<Vec<_>, _>>()?;
        function.apply(&numbers).ok_or_else(|| {
            let shown: Vec<String> =
                numbers.iter().map(|number| number.as_f64().to_string()).collect();
            let reason = format!("`{}` cannot take ({})", function.name(), shown.join(", "));
            let help = format!("use it as `{}`, and numbers that have a result", function.usage());
            self.fault(at, &reason, &help)
        })
    }

    fn combine(
        &self,
        sign: Arithmetic,
        a: Number,
        b: Number,
        at: (usize, usize),
    ) -> Result<Number, ExprError> {
        let divides = matches!(sign, Arithmetic::Over | Arithmetic::Modulo);
        if divides && b.as_f64() == 0.0 {
            return Err(self.fault(at, "this divides by zero", "divide by 1 or more"));
        }
        arithmetic(sign, a, b).ok_or_else(|| {
            self.fault(at, "this is too large a number", "numbers go to about 9 * 10^18")
        })
    }

    fn fault(&self, at: (usize, usize), reason: &str, help: &str) -> ExprError {
        let (text, reason, help) = (self.text.into(), reason.into(), help.into());
        ExprError { problem: Problem::Expression { text, reason, help }, at }
    }
}

/// The result; none where it is too large. The divisor is not 0.
fn arithmetic(sign: Arithmetic, a: Number, b: Number) -> Option<Number> {
    let (x, y) = (a.as_f64(), b.as_f64());
    match (sign, a, b) {
        (Arithmetic::Plus, Number::Int(a), Number::Int(b)) => a.checked_add(b).map(Number::Int),
        (Arithmetic::Minus, Number::Int(a), Number::Int(b)) => a.checked_sub(b).map(Number::Int),
        (Arithmetic::Times, Number::Int(a), Number::Int(b)) => a.checked_mul(b).map(Number::Int),
        (Arithmetic::Modulo, Number::Int(a), Number::Int(b)) => {
            a.checked_rem_euclid(b).map(Number::Int)
        }
        (Arithmetic::Over, Number::Int(a), Number::Int(b)) if a.checked_rem(b) == Some(0) => {
            a.checked_div(b).map(Number::Int)
        }
        (Arithmetic::Plus, ..) => float(x + y),
        (Arithmetic::Minus, ..) => float(x - y),
        (Arithmetic::Times, ..) => float(x * y),
        (Arithmetic::Modulo, ..) => float(x.rem_euclid(y)),
        (Arithmetic::Over, ..) => float(x / y),
    }
}

/// Whole numbers are compared as such; no number is NaN.
fn order(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
    }
}

fn wrong_type(text: &str, at: (usize, usize), found: &Value, wanted: &str) -> ExprError {
    let reason = format!("expected {wanted}, found {}", found.describe());
    let help = match found {
        Value::Number(_) => "compare the number, as in `width > 8`",
        Value::Bool(_) => "`if(condition, a, b)` makes a number of a condition",
        Value::Text(_) => "text can be compared with `==` and `!=`",
    };
    ExprError { problem: Problem::Expression { text: text.into(), reason, help: help.into() }, at }
}
