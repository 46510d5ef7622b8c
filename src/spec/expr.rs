//! Expressions over parameters: `"width * expansion"`.
//!
//! Wherever a spec wants a number, a string with an expression may stand. There are `+ - * / %`,
//! parentheses, and the functions `min`, `max`, `floor`, `ceil`, `round` and
//! `round_to(x, multiple)`. A quotient of whole numbers that comes out even is whole, else it has
//! a fraction: write `floor(width / 3)` where a whole number is wanted.

use std::collections::BTreeMap;

use super::error::Problem;
use super::tree::Value;

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

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Self::Int(value),
            Number::Float(value) => Self::Float(value),
        }
    }
}

/// The names that expressions can use, and their values.
pub type Env = BTreeMap<String, Number>;

/// What went wrong in an expression, and at which bytes of its text.
#[derive(Debug, PartialEq)]
pub struct ExprError {
    /// The mistake.
    pub problem: Problem,
    /// First and one past the last byte.
    pub at: (usize, usize),
}

/// The value of an expression.
///
/// # Errors
/// Text that is no expression, unknown names and functions, overflow, division by zero.
pub fn evaluate(text: &str, env: &Env) -> Result<Number, ExprError> {
    let mut parser = Parser { text, at: 0, depth: 0, env };
    let value = parser.sum()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.error(parser.at, text.len(), "this was not expected here"));
    }
    Ok(value)
}

/// Parentheses, signs and calls may nest this deep.
const MAX_DEPTH: usize = 64;

/// A function of expressions.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is used.
    pub usage: &'static str,
    /// What it gives.
    pub doc: &'static str,
}

/// The functions.
pub const FUNCTIONS: [Function; 6] = [
    Function { name: "min", usage: "min(a, b)", doc: "The smallest of one or more numbers." },
    Function { name: "max", usage: "max(a, b)", doc: "The largest of one or more numbers." },
    Function { name: "floor", usage: "floor(x)", doc: "The next whole number below." },
    Function { name: "ceil", usage: "ceil(x)", doc: "The next whole number above." },
    Function {
        name: "round",
        usage: "round(x)",
        doc: "The nearest whole number; halves away from 0.",
    },
    Function {
        name: "round_to",
        usage: "round_to(x, multiple)",
        doc: "The nearest multiple of `multiple`, which is above 0.",
    },
];

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    env: &'t Env,
}

impl<'t> Parser<'t> {
    fn sum(&mut self) -> Result<Number, ExprError> {
        let start = self.at;
        let mut left = self.product()?;
        while let Some(operator) = self.take(&['+', '-']) {
            let right = self.product()?;
            left = self.combine(start, operator, left, right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Number, ExprError> {
        let start = self.at;
        let mut left = self.factor()?;
        while let Some(operator) = self.take(&['*', '/', '%']) {
            let right = self.factor()?;
            left = self.combine(start, operator, left, right)?;
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Number, ExprError> {
        self.skip_space();
        let start = self.at;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(start, self.text.len(), "this nests too deeply"));
        }
        let value = if self.take(&['-']).is_some() {
            let value = self.factor()?;
            self.combine(start, '-', Number::Int(0), value)?
        } else if self.take(&['(']).is_some() {
            let value = self.sum()?;
            self.close(start)?;
            value
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn atom(&mut self) -> Result<Number, ExprError> {
        let start = self.at;
        let word = self.word();
        match word.chars().next() {
            Some(c) if c.is_ascii_digit() || c == '.' => self.literal(start, word),
            Some(_) if self.take(&['(']).is_some() => self.call(start, word),
            Some(_) => self.env.get(word).copied().ok_or_else(|| self.unknown(start, word)),
            None if start >= self.text.len() => {
                Err(self.error(start, start, "a number or a name is missing at the end"))
            }
            None => Err(self.error(start, start + 1, "a number or a name should stand here")),
        }
    }

    fn literal(&self, start: usize, word: &str) -> Result<Number, ExprError> {
        let int = word.parse().map(Number::Int);
        int.or_else(|_| word.parse().map(Number::Float))
            .map_err(|_| self.error(start, self.at, &format!("`{word}` is no number")))
    }

    fn call(&mut self, start: usize, function: &str) -> Result<Number, ExprError> {
        let mut args = Vec::new();
        loop {
            args.push(self.sum()?);
            if self.take(&[',']).is_none() {
                break;
            }
        }
        self.close(start)?;
        if !FUNCTIONS.iter().any(|known| known.name == function) {
            let known = FUNCTIONS.map(|known| known.name.to_string()).to_vec();
            let problem =
                Problem::UnknownName { text: self.text.into(), name: function.into(), known };
            return Err(ExprError { problem, at: (start, start + function.len()) });
        }
        apply(function, &args).ok_or_else(|| {
            self.error(
                start,
                self.at,
                &format!("`{function}` cannot take these {} numbers", args.len()),
            )
        })
    }

    fn combine(&self, start: usize, op: char, a: Number, b: Number) -> Result<Number, ExprError> {
        let value = match (op, a, b) {
            ('+', Number::Int(a), Number::Int(b)) => a.checked_add(b).map(Number::Int),
            ('-', Number::Int(a), Number::Int(b)) => a.checked_sub(b).map(Number::Int),
            ('*', Number::Int(a), Number::Int(b)) => a.checked_mul(b).map(Number::Int),
            ('%', Number::Int(a), Number::Int(b)) => a.checked_rem_euclid(b).map(Number::Int),
            ('/', Number::Int(a), Number::Int(b)) if b != 0 && a.checked_rem(b) == Some(0) => {
                a.checked_div(b).map(Number::Int)
            }
            _ => float(match op {
                '+' => a.as_f64() + b.as_f64(),
                '-' => a.as_f64() - b.as_f64(),
                '*' => a.as_f64() * b.as_f64(),
                '%' => a.as_f64().rem_euclid(b.as_f64()),
                _ => a.as_f64() / b.as_f64(),
            }),
        };
        let zero = matches!(op, '/' | '%') && b.as_f64() == 0.0;
        let (reason, help) = match zero {
            true => ("this divides by zero", "divide by 1 or more"),
            false => ("this is too large a number", "numbers go to about 9 * 10^18"),
        };
        let problem = Problem::Expression {
            text: self.text.into(),
            reason: reason.into(),
            help: help.into(),
        };
        value.ok_or(ExprError { problem, at: (start, self.at) })
    }

    fn close(&mut self, start: usize) -> Result<(), ExprError> {
        match self.take(&[')']) {
            Some(_) => Ok(()),
            None => Err(self.error(start, self.at, "a `)` is missing")),
        }
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        self.skip_space();
        let next = self.text[self.at..].chars().next().filter(|c| wanted.contains(c))?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn word(&mut self) -> &'t str {
        self.skip_space();
        let text: &'t str = self.text;
        let rest = &text[self.at..];
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn unknown(&self, start: usize, name: &str) -> ExprError {
        let known = self.env.keys().cloned().collect();
        let problem = Problem::UnknownName { text: self.text.into(), name: name.into(), known };
        ExprError { problem, at: (start, start + name.len()) }
    }

    fn error(&self, start: usize, end: usize, reason: &str) -> ExprError {
        let help = format!(
            "an expression has numbers, names, `+ - * / %`, `( )` and the functions {}",
            FUNCTIONS.map(|known| format!("`{}`", known.usage)).join(", ")
        );
        let problem = Problem::Expression { text: self.text.into(), reason: reason.into(), help };
        ExprError { problem, at: (start, end) }
    }
}

fn apply(function: &str, args: &[Number]) -> Option<Number> {
    match (function, args) {
        ("min", [first, rest @ ..]) => {
            Some(rest.iter().fold(*first, |a, &b| if b.as_f64() < a.as_f64() { b } else { a }))
        }
        ("max", [first, rest @ ..]) => {
            Some(rest.iter().fold(*first, |a, &b| if b.as_f64() > a.as_f64() { b } else { a }))
        }
        ("floor", [x]) => whole(x.as_f64().floor()),
        ("ceil", [x]) => whole(x.as_f64().ceil()),
        ("round", [x]) => whole(x.as_f64().round()),
        ("round_to", [x, multiple]) if multiple.as_f64() > 0.0 => {
            let steps = whole((x.as_f64() / multiple.as_f64()).round())?;
            match (steps, multiple) {
                (Number::Int(steps), Number::Int(m)) => steps.checked_mul(*m).map(Number::Int),
                (steps, m) => float(steps.as_f64() * m.as_f64()),
            }
        }
        _ => None,
    }
}

fn whole(value: f64) -> Option<Number> {
    (value.abs() < 9e15).then_some(Number::Int(value as i64))
}

fn float(value: f64) -> Option<Number> {
    value.is_finite().then_some(Number::Float(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn env() -> Env {
        [("width".to_string(), Number::Int(64)), ("expansion".into(), Number::Int(4))].into()
    }

    #[test]
    fn values() {
        let cases = [
            ("width * expansion", Number::Int(256)),
            (" 1 + 2 * 3 ", Number::Int(7)),
            ("(1 + 2) * -3", Number::Int(-9)),
            ("width / 4", Number::Int(16)),
            ("width / 3 * 3", Number::Float(64.0)),
            ("floor(width / 3)", Number::Int(21)),
            ("round_to(width * 0.7, 8)", Number::Int(48)),
            ("max(width, 100, 3) % 7", Number::Int(2)),
            ("1e-3 * 2", Number::Float(0.002)),
            ("10 - 3 - 2", Number::Int(5)),
        ];
        for (text, wanted) in cases {
            match text {
                "1e-3 * 2" => assert!(evaluate(text, &env()).is_err(), "write 0.001"),
                _ => assert_eq!(evaluate(text, &env()).unwrap(), wanted, "{text}"),
            }
        }
    }

    #[test]
    fn mistakes_are_located() {
        let cases = [
            ("widht * 2", (0, 5)),
            ("2 * (width", (4, 10)),
            ("width 2", (6, 7)),
            ("1 / 0", (0, 5)),
            ("9223372036854775807 + 1", (0, 23)),
            ("sqrt(width)", (0, 4)),
            ("", (0, 0)),
            ("2 *", (3, 3)),
        ];
        for (text, at) in cases {
            assert_eq!(evaluate(text, &env()).unwrap_err().at, at, "{text}");
        }
        assert!(evaluate(&"(".repeat(100_000), &env()).is_err());
    }
}
