//! The functions of expressions.

use super::Number;

/// A function, for the reference page.
#[derive(Debug, Clone, Copy)]
pub struct FunctionDoc {
    /// Its name.
    pub name: &'static str,
    /// How it is used.
    pub usage: &'static str,
    /// What it gives.
    pub doc: &'static str,
}

macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $usage:literal,)+) => {
        /// A function of expressions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function {
            $($(#[doc = $doc])+ $variant,)+
        }

        /// The functions with their names, and how they are used.
        const TABLE: &[(Function, &str, &str)] = &[$((Function::$variant, $name, $usage),)+];

        /// The functions as the reference page tells them.
        pub const FUNCTIONS: &[FunctionDoc] = &[$(FunctionDoc {
            name: $name,
            usage: $usage,
            doc: concat!($($doc),+).trim_ascii(),
        },)+];
    };
}

functions! {
    /// The least of its numbers.
    Min "min" "min(a, b)",
    /// The greatest of its numbers.
    Max "max" "max(a, b)",
    /// The next whole number below.
    Floor "floor" "floor(x)",
    /// The next whole number above.
    Ceil "ceil" "ceil(x)",
    /// The nearest whole number; a half goes away from 0.
    Round "round" "round(x)",
    /// The nearest multiple; half way between two it is the greater.
    RoundTo "round_to" "round_to(x, multiple)",
    /// The nearest multiple that is at least one divisor and not more than 10 % below `x`: how
    /// torchvision's MobileNets round numbers of channels.
    MakeDivisible "make_divisible" "make_divisible(x, divisor)",
    /// Without its sign.
    Abs "abs" "abs(x)",
    /// The square root.
    Sqrt "sqrt" "sqrt(x)",
    /// The logarithm to the base 2.
    Log2 "log2" "log2(x)",
    /// `a` to the power of `b`.
    Pow "pow" "pow(a, b)",
}

impl Function {
    pub fn called(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub fn names() -> Vec<String> {
        TABLE.iter().map(|row| row.1.to_string()).collect()
    }

    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// How it is used.
    pub fn usage(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }

    /// The result; none for a wrong count of numbers, or numbers that it cannot take.
    pub fn apply(self, args: &[Number]) -> Option<Number> {
        match (self, args) {
            (Self::Min, [first, rest @ ..]) => Some(pick(*first, rest, |a, b| b < a)),
            (Self::Max, [first, rest @ ..]) => Some(pick(*first, rest, |a, b| b > a)),
            (Self::Floor, [x]) => whole(*x, f64::floor),
            (Self::Ceil, [x]) => whole(*x, f64::ceil),
            (Self::Round, [x]) => whole(*x, f64::round),
            (Self::RoundTo, [x, multiple]) if multiple.as_f64() > 0.0 => round_to(*x, *multiple),
            (Self::MakeDivisible, [x, Number::Int(divisor)]) if *divisor > 0 => {
                make_divisible(x.as_f64(), *divisor)
            }
            (Self::Abs, [Number::Int(x)]) => x.checked_abs().map(Number::Int),
            (Self::Abs, [Number::Float(x)]) => float(x.abs()),
            (Self::Sqrt, [x]) => float(x.as_f64().sqrt()),
            (Self::Log2, [x]) => float(x.as_f64().log2()),
            (Self::Pow, [a, b]) => pow(*a, *b),
            _ => None,
        }
    }
}

fn pick(first: Number, rest: &[Number], better: fn(f64, f64) -> bool) -> Number {
    rest.iter().fold(first, |a, &b| if better(a.as_f64(), b.as_f64()) { b } else { a })
}

fn round_to(x: Number, multiple: Number) -> Option<Number> {
    let steps = whole(Number::Float(x.as_f64() / multiple.as_f64()), f64::round)?;
    match (steps, multiple) {
        (Number::Int(steps), Number::Int(multiple)) => steps.checked_mul(multiple).map(Number::Int),
        (steps, multiple) => float(steps.as_f64() * multiple.as_f64()),
    }
}

/// `_make_divisible` of torchvision's `models/_utils.py`.
fn make_divisible(x: f64, divisor: i64) -> Option<Number> {
    let steps = (x + divisor as f64 / 2.0) / divisor as f64;
    let Number::Int(steps) = whole(Number::Float(steps), f64::floor)? else { return None };
    let near = steps.checked_mul(divisor)?.max(divisor);
    let least = 0.9 * x;
    if (near as f64) < least {
        near.checked_add(divisor).map(Number::Int)
    } else {
        Some(Number::Int(near))
    }
}

/// Whole numbers to a whole power stay whole.
fn pow(a: Number, b: Number) -> Option<Number> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) if b >= 0 => {
            a.checked_pow(u32::try_from(b).ok()?).map(Number::Int)
        }
        _ => float(a.as_f64().powf(b.as_f64())),
    }
}

fn whole(x: Number, round: fn(f64) -> f64) -> Option<Number> {
    match x {
        Number::Int(x) => Some(Number::Int(x)),
        Number::Float(x) => {
            let value = round(x);
            (value.abs() < 9e15).then_some(Number::Int(value as i64))
        }
    }
}

pub(super) fn float(value: f64) -> Option<Number> {
    value.is_finite().then_some(Number::Float(value))
}
