//! The values of an axis: lists, and ranges that stand for lists.

use std::rc::Rc;

use super::MAX_COMBINATIONS;
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::{self, Env, Number};
use crate::spec::tree::{Tree, Value};

/// The values that a list or a range stands for; at least one.
///
/// - `[16, 32, 64]`: any values;
/// - `Range(from, to, step)`: from `from` to `to`, both included; whole where all three are;
/// - `LinRange(from, to, count)`: `count` values at equal distances; whole where all come out so;
/// - `LogRange(from, to, count)`: `count` values at equal ratios, rounded to 6 significant digits,
///   or to whole numbers where both ends are whole.
///
/// # Errors
/// Anything else, an empty list, ranges that do not lead anywhere.
pub(super) fn values(tree: &Rc<Tree>) -> Result<Vec<Rc<Tree>>, SpecError> {
    let numbers = match (&tree.value, tree.name()) {
        (Value::List(items), _) if items.is_empty() => {
            return Err(fault(tree, "the axis has no values", "list at least one"));
        }
        (Value::List(items), _) => return Ok(items.clone()),
        (_, Some("Range")) => range(tree)?,
        (_, Some("LinRange")) => lin_range(tree)?,
        (_, Some("LogRange")) => log_range(tree)?,
        _ => {
            let reason = format!("expected the values of an axis, found {}", tree.describe());
            let help = "write a list such as `[16, 32]`, `Range(from: 1, to: 3, step: 1)`, \
                        `LinRange(from: 0, to: 1, count: 5)` or \
                        `LogRange(from: 0.001, to: 1, count: 4)`; distributions stand in `Sample`";
            return Err(fault(tree, &reason, help));
        }
    };
    Ok(numbers.into_iter().map(|number| leaf(tree, number)).collect())
}

/// A number in the place of a tree.
pub(super) fn leaf(tree: &Tree, number: Number) -> Rc<Tree> {
    Rc::new(Tree { value: number.into(), span: tree.span })
}

fn range(tree: &Tree) -> Result<Vec<Number>, SpecError> {
    let [from, to, step] = arguments(tree, ["from", "to", "step"])?;
    ascending(&from, &to)?;
    if step.value() <= 0.0 {
        return Err(fault(&step.tree, "the step is not above 0", "use a step above 0"));
    }
    let steps = (to.value() - from.value()) / step.value();
    let count = (steps + 1e-9).floor();
    if count >= MAX_COMBINATIONS as f64 {
        return Err(too_many(tree));
    }
    if steps - count > 1e-6 {
        let last = significant(from.value() + count * step.value(), 12);
        let reason = format!(
            "steps of {} do not lead from {} to {}: the last is {last}",
            step.value(),
            from.value(),
            to.value()
        );
        let help = format!("end with `to: {last}`, or choose another step");
        return Err(fault(&step.tree, &reason, &help));
    }
    let whole = (from.number, step.number);
    Ok((0..=count as i64)
        .map(|at| match whole {
            (Number::Int(from), Number::Int(step)) => {
                Number::Int(from.saturating_add(at.saturating_mul(step)))
            }
            _ => Number::Float(significant(from.value() + at as f64 * step.value(), 12)),
        })
        .collect())
}

fn lin_range(tree: &Tree) -> Result<Vec<Number>, SpecError> {
    let (from, to, count) = counted(tree)?;
    let last = count.saturating_sub(1).max(1) as f64;
    let between =
        |at: u64| significant(from.value() + (to.value() - from.value()) * (at as f64 / last), 12);
    let floats: Vec<f64> = (0..count).map(between).collect();
    let ends = matches!((from.number, to.number), (Number::Int(_), Number::Int(_)));
    let whole = ends && floats.iter().all(|value| value.fract() == 0.0);
    Ok(floats.into_iter().map(|value| number(value, whole)).collect())
}

fn log_range(tree: &Tree) -> Result<Vec<Number>, SpecError> {
    let (from, to, count) = counted(tree)?;
    positive(&from)?;
    let last = count.saturating_sub(1).max(1);
    let between = |at: u64| match at {
        0 => from.value(),
        at if at == last => to.value(),
        at => from.value() * (to.value() / from.value()).powf(at as f64 / last as f64),
    };
    let whole = matches!((from.number, to.number), (Number::Int(_), Number::Int(_)));
    let round = |value: f64| if whole { value.round() } else { significant(value, 6) };
    let floats: Vec<f64> = (0..count).map(|at| round(between(at))).collect();
    if floats.windows(2).any(|pair| pair[0] == pair[1]) {
        let reason = format!("{count} values between {} and {} coincide", from.value(), to.value());
        return Err(fault(tree, &reason, "use a smaller `count`"));
    }
    Ok(floats.into_iter().map(|value| number(value, whole)).collect())
}

/// `from`, `to` and `count`.
fn counted(tree: &Tree) -> Result<(Argument, Argument, u64), SpecError> {
    let [from, to, count] = arguments(tree, ["from", "to", "count"])?;
    ascending(&from, &to)?;
    let count = match count.number {
        Number::Int(0) => {
            return Err(fault(&count.tree, "`count` is 0", "use 1 or more"));
        }
        Number::Int(number) if number > 0 => number as u64,
        _ => {
            let reason = format!("`count` is {}", count.value());
            return Err(fault(&count.tree, &reason, "use a whole number above 0"));
        }
    };
    if u128::from(count) > MAX_COMBINATIONS {
        return Err(too_many(tree));
    }
    Ok((from, to, count))
}

fn number(value: f64, whole: bool) -> Number {
    if whole { Number::Int(value as i64) } else { Number::Float(value) }
}

/// A number in the parentheses of a range or distribution.
pub(super) struct Argument {
    pub tree: Rc<Tree>,
    pub number: Number,
}

impl Argument {
    pub fn value(&self) -> f64 {
        self.number.as_f64()
    }
}

/// The numbers of `Name(a: 1, b: 2)` or `Name(1, 2)`.
pub(super) fn arguments<const N: usize>(
    tree: &Tree,
    names: [&str; N],
) -> Result<[Argument; N], SpecError> {
    let name = tree.name().unwrap_or_default();
    let shown: Vec<String> = names.iter().map(|field| format!("{field}: ..")).collect();
    let usage = format!("write `{name}({})`", shown.join(", "));
    let trees: Vec<Rc<Tree>> = match &tree.value {
        Value::Tuple(_, items) if items.len() == N => items.clone(),
        Value::Struct(_, fields) => {
            super::read::known_fields(tree, &names)?;
            let found = names.iter().map(|wanted| {
                let field = fields.iter().find(|field| field.name == *wanted);
                field.map(|field| Rc::clone(&field.tree)).ok_or_else(|| {
                    let owner = format!("`{name}`");
                    let problem = Problem::MissingField { owner, field: (*wanted).into() };
                    SpecError::at(tree.head(), problem)
                })
            });
            found.collect::<Result<_, _>>()?
        }
        _ => {
            let reason = format!("`{name}` takes {N} numbers");
            return Err(SpecError::at(tree.head(), Problem::Value { reason, help: usage }));
        }
    };
    let read = trees.into_iter().map(|tree| Ok(Argument { number: finite(&tree)?, tree }));
    let all = read.collect::<Result<Vec<_>, SpecError>>()?;
    all.try_into().map_err(|_| fault(tree, "this has another number of values", &usage))
}

/// A number, also one that stands as an expression.
pub(super) fn finite(tree: &Rc<Tree>) -> Result<Number, SpecError> {
    let number = match &tree.value {
        Value::Int(value) => Number::Int(*value),
        Value::Float(value) if value.is_finite() => Number::Float(*value),
        Value::Str(text) => expr::evaluate(text, &Env::new())
            .map_err(|error| SpecError::at(tree.span, error.problem))?,
        _ => {
            let problem =
                Problem::WrongType { expected: "a finite number".into(), found: tree.describe() };
            return Err(SpecError::at(tree.span, problem));
        }
    };
    Ok(number)
}

pub(super) fn ascending(from: &Argument, to: &Argument) -> Result<(), SpecError> {
    if !(to.value() - from.value()).is_finite() {
        return Err(fault(&to.tree, "these ends are too far apart", "use a smaller number"));
    }
    if from.value() <= to.value() {
        return Ok(());
    }
    let reason = format!("this goes from {} down to {}", from.value(), to.value());
    Err(fault(&from.tree, &reason, "give the lower end first"))
}

pub(super) fn positive(from: &Argument) -> Result<(), SpecError> {
    if from.value() > 0.0 {
        return Ok(());
    }
    let reason = format!("{} has no logarithm", from.value());
    Err(fault(&from.tree, &reason, "start above 0, such as at 0.0001"))
}

/// The nearest number of so many significant decimal digits.
pub(super) fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

fn too_many(tree: &Tree) -> SpecError {
    let reason = format!("this has more than {MAX_COMBINATIONS} values");
    fault(tree, &reason, "use a larger step, or a smaller count")
}

pub(super) fn fault(tree: &Tree, reason: &str, help: &str) -> SpecError {
    let span = if tree.name().is_some() { tree.head() } else { tree.span };
    SpecError::at(span, Problem::Value { reason: reason.into(), help: help.into() })
}
