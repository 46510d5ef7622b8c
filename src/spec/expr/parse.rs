//! From text to a tree.

use super::ast::{Arithmetic, Comparison, Expr, Kind, Node};
use super::functions::Function;
use super::{ExprError, Number, Value, unknown_name};
use crate::spec::error::Problem;

/// Longer signs stand before those that they start with.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];
const SUMS: [(&str, Arithmetic); 2] = [("+", Arithmetic::Plus), ("-", Arithmetic::Minus)];
const PRODUCTS: [(&str, Arithmetic); 3] =
    [("*", Arithmetic::Times), ("/", Arithmetic::Over), ("%", Arithmetic::Modulo)];

/// Words that are no names.
pub(crate) const KEYWORDS: [&str; 6] = ["and", "or", "not", "true", "false", "if"];

/// Parentheses, signs and calls may nest this deep.
const MAX_DEPTH: usize = 64;
/// A longer expression is none: it is read again for every node that it stands in.
const MAX_BYTES: usize = 1000;
/// Of one that is too long, so many characters are shown.
const MAX_SHOWN: usize = 40;

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// Text that is no expression, and functions that do not exist.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        if text.len() > MAX_BYTES {
            let told = format!("this has more than {MAX_BYTES} bytes");
            let start: String = text.chars().take(MAX_SHOWN).collect();
            return Err(error(&format!("{start} ..."), (0, text.len()), &told));
        }
        let mut parser = Parser { text, at: 0, depth: 0 };
        let root = parser.any()?;
        parser.skip_space();
        if parser.at < text.len() {
            return Err(error(text, (parser.at, text.len()), "this was not expected here"));
        }
        Ok(Self { text: text.into(), root })
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Node, ExprError> {
        self.list("or", Self::all, Kind::Any)
    }

    fn all(&mut self) -> Result<Node, ExprError> {
        self.list("and", Self::not, Kind::All)
    }

    /// Parts that are joined by a word.
    fn list(
        &mut self,
        joint: &str,
        part: fn(&mut Self) -> Result<Node, ExprError>,
        kind: fn(Vec<Node>) -> Kind,
    ) -> Result<Node, ExprError> {
        let first = part(self)?;
        let start = first.at.0;
        let mut parts = vec![first];
        while self.take_word(joint) {
            parts.push(part(self)?);
        }
        Ok(match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                Node { kind: kind(parts), at: (start, self.at) }
            }
        })
    }

    fn not(&mut self) -> Result<Node, ExprError> {
        self.skip_space();
        let start = self.at;
        if !self.take_word("not") {
            return self.comparison();
        }
        let inner = self.deeper(start, Self::not)?;
        Ok(Node { kind: Kind::Not(Box::new(inner)), at: (start, self.at) })
    }

    fn comparison(&mut self) -> Result<Node, ExprError> {
        let left = self.sum()?;
        let Some(comparison) = self.take(&COMPARISONS) else { return Ok(left) };
        let right = self.sum()?;
        let (at, sign) = ((left.at.0, self.at), self.at);
        if self.take(&COMPARISONS).is_some() {
            let reason = "comparisons do not chain; join two of them with `and`";
            return Err(error(self.text, (sign, self.at), reason));
        }
        Ok(Node { kind: Kind::Compare(comparison, Box::new((left, right))), at })
    }

    fn sum(&mut self) -> Result<Node, ExprError> {
        self.chain(&SUMS, Self::product)
    }

    fn product(&mut self) -> Result<Node, ExprError> {
        self.chain(&PRODUCTS, Self::factor)
    }

    fn chain(
        &mut self,
        signs: &[(&str, Arithmetic)],
        part: fn(&mut Self) -> Result<Node, ExprError>,
    ) -> Result<Node, ExprError> {
        let first = part(self)?;
        let start = first.at.0;
        let mut rest = Vec::new();
        while let Some(sign) = self.take(signs) {
            rest.push((sign, part(self)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Node { kind: Kind::Chain(Box::new(first), rest), at: (start, self.at) })
    }

    fn factor(&mut self) -> Result<Node, ExprError> {
        self.skip_space();
        let start = self.at;
        if self.take(&[("-", ())]).is_some() {
            let inner = self.deeper(start, Self::factor)?;
            return Ok(Node { kind: Kind::Negate(Box::new(inner)), at: (start, self.at) });
        }
        if self.take(&[("(", ())]).is_some() {
            let inner = self.deeper(start, Self::any)?;
            self.close(start)?;
            return Ok(Node { at: (start, self.at), ..inner });
        }
        self.atom()
    }

    fn deeper(
        &mut self,
        start: usize,
        part: fn(&mut Self) -> Result<Node, ExprError>,
    ) -> Result<Node, ExprError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(self.text, (start, self.text.len()), "this nests too deeply"));
        }
        let node = part(self);
        self.depth -= 1;
        node
    }

    fn atom(&mut self) -> Result<Node, ExprError> {
        let start = self.at;
        if self.rest().starts_with('\'') {
            return self.quoted(start);
        }
        let word = self.word();
        let kind = match word.chars().next() {
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(start)?,
            Some(_) if self.take(&[("(", ())]).is_some() => self.call(start, word)?,
            Some(_) => match word {
                "true" | "false" => Kind::Literal(Value::Bool(word == "true")),
                word if KEYWORDS.contains(&word) => {
                    let reason = format!("`{word}` cannot stand here");
                    return Err(error(self.text, (start, self.at), &reason));
                }
                _ => Kind::Name(word.into()),
            },
            None if start >= self.text.len() => {
                let reason = "a number or a name is missing at the end";
                return Err(error(self.text, (start, start), reason));
            }
            None => {
                let reason = match self.rest().starts_with('=') {
                    true => "`==` compares; a single `=` has no meaning here",
                    false => "a number or a name should stand here",
                };
                return Err(error(self.text, (start, start + 1), reason));
            }
        };
        Ok(Node { kind, at: (start, self.at) })
    }

    /// Text in single quotes.
    fn quoted(&mut self, start: usize) -> Result<Node, ExprError> {
        let inside = &self.text[start + 1..];
        let Some(length) = inside.find('\'') else {
            let reason = "the text is not closed; add a `'`";
            return Err(error(self.text, (start, self.text.len()), reason));
        };
        self.at = start + length + 2;
        let kind = Kind::Literal(Value::Text(inside[..length].into()));
        Ok(Node { kind, at: (start, self.at) })
    }

    /// A number whose word ends here; an exponent's sign and digits may follow.
    fn number(&mut self, start: usize) -> Result<Kind, ExprError> {
        let text: &'t str = self.text;
        let mantissa = text[start..self.at].strip_suffix(['e', 'E']);
        let signed = text[self.at..].strip_prefix(['+', '-']);
        if mantissa.is_some_and(|mantissa| mantissa.parse::<f64>().is_ok())
            && signed.is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.at += 1;
            self.word();
        }
        let word = &text[start..self.at];
        let plain = word.replace('_', "");
        let float = || plain.parse().ok().filter(|value: &f64| value.is_finite());
        let number = plain.parse().map(Number::Int).ok().or_else(|| float().map(Number::Float));
        number.map(|number| Kind::Literal(Value::Number(number))).ok_or_else(|| {
            error(text, (start, self.at), &format!("`{word}` is no number, or too large a one"))
        })
    }

    fn call(&mut self, start: usize, name: &str) -> Result<Kind, ExprError> {
        let mut args = Vec::new();
        loop {
            args.push(self.deeper(start, Self::any)?);
            if self.take(&[(",", ())]).is_none() {
                break;
            }
        }
        self.close(start)?;
        let at = (start, start + name.len());
        match name {
            "if" => match <[Node; 3]>::try_from(args) {
                Ok([condition, yes, no]) => Ok(Kind::If(Box::new((condition, yes, no)))),
                Err(args) => {
                    let reason =
                        format!("`if(condition, a, b)` takes 3 values, not {}", args.len());
                    Err(error(self.text, (start, self.at), &reason))
                }
            },
            name => match Function::called(name) {
                Some(function) => Ok(Kind::Call(function, args)),
                None => {
                    let known = Function::names().into_iter().chain(["if".into()]).collect();
                    let problem = unknown_name(self.text, name, known);
                    Err(ExprError { problem, at })
                }
            },
        }
    }

    fn close(&mut self, start: usize) -> Result<(), ExprError> {
        match self.take(&[(")", ())]) {
            Some(()) => Ok(()),
            None => Err(error(self.text, (start, self.at), "a `)` is missing")),
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The sign that stands here, where it is one of these.
    fn take<T: Copy>(&mut self, signs: &[(&str, T)]) -> Option<T> {
        let rest = self.rest().trim_start();
        let (sign, meaning) = signs.iter().find(|(sign, _)| rest.starts_with(sign))?;
        self.skip_space();
        self.at += sign.len();
        Some(*meaning)
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let before = self.at;
        let found = self.word() == wanted;
        if !found {
            self.at = before;
        }
        found
    }

    /// Letters, digits, `_` and `.`.
    fn word(&mut self) -> &'t str {
        self.skip_space();
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }
}

/// A mistake in an expression, with what an expression may have.
fn error(text: &str, at: (usize, usize), reason: &str) -> ExprError {
    let help = format!(
        "an expression has numbers, names, 'text', `+ - * / %`, `( )`, `< <= > >= == !=`, `and`, \
         `or`, `not`, `if(condition, a, b)` and the functions {}",
        Function::names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    );
    ExprError {
        problem: Problem::Expression { text: text.into(), reason: reason.into(), help },
        at,
    }
}
