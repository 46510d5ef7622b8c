//! Names with expressions in braces: `features.block{stage + 1}.{layer}`.

use super::error::{Problem, SpecError};
use super::expr::{Env, ExprError, Number, evaluate};
use super::source::Span;

/// The text with the values of its expressions; `span` is the place of the string with its quotes.
///
/// # Errors
/// A brace without its other, expressions that have a mistake or no whole value, at their place.
pub fn fill(text: &str, span: Span, env: &Env) -> Result<String, SpecError> {
    let (mut out, mut at) = (String::new(), 0);
    while let Some(open) = text[at..].find(['{', '}']).map(|offset| at + offset) {
        out.push_str(&text[at..open]);
        let close = text[open..].find('}').map(|offset| open + offset);
        let (true, Some(close)) = (text[open..].starts_with('{'), close) else {
            let reason = "a brace stands alone".into();
            let help = "an expression stands between `{` and `}`, as in `block{stage + 1}`".into();
            let problem = Problem::Value { reason, help };
            return Err(SpecError::at(part(text, span, open, open + 1), problem));
        };
        out.push_str(&whole(&text[open + 1..close], env).map_err(
            |ExprError { problem, at }| {
                SpecError::at(part(text, span, open + 1 + at.0, open + 1 + at.1), problem)
            },
        )?);
        at = close + 1;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

fn whole(expression: &str, env: &Env) -> Result<String, ExprError> {
    match evaluate(expression, env)? {
        Number::Int(value) => Ok(value.to_string()),
        Number::Float(value) => {
            let reason = format!("a whole number is wanted in a name, this is {value:?}");
            let help = "write `floor(...)`, `ceil(...)` or `round(...)` around it".into();
            let problem = Problem::Expression { text: expression.into(), reason, help };
            Err(ExprError { problem, at: (0, expression.len()) })
        }
    }
}

/// The place of a part of a string; all of it where escapes hide the part.
fn part(text: &str, span: Span, start: usize, end: usize) -> Span {
    let plain = (span.end - span.start) as usize == text.len() + 2;
    if plain { span.part(1 + start, 1 + end.max(start + 1)) } else { span }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn expressions_stand_in_braces() {
        let env: Env = [("stage".to_string(), Number::Int(1))].into();
        let fill = |text: &str| {
            let span = Span::new(0, 10, 12 + text.len());
            fill(text, span, &env).map_err(|error| error.span().unwrap().start - 11)
        };
        assert_eq!(fill("a.b").unwrap(), "a.b");
        assert_eq!(fill("layer{stage + 1}.{2 * stage}x").unwrap(), "layer2.2x");
        assert_eq!(fill("a{stag}").unwrap_err(), 2);
        assert_eq!(fill("a}b").unwrap_err(), 1);
        assert_eq!(fill("a{stage").unwrap_err(), 1);
        assert_eq!(fill("ab{stage / 2}").unwrap_err(), 3);
    }
}
