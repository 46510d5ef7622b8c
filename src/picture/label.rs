//! What is written at nodes and edges.

use crate::op::{Arity, Op, Role, Shape};
use crate::plan::{Plan, Step, fields};

/// What kind of operation a node is; each has its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It has a kernel of weights.
    Convolution,
    /// It has a matrix of weights.
    Linear,
    /// It normalises.
    Norm,
    /// Numbers one by one: activations and scales.
    Elementwise,
    /// It reduces height and width, or averages.
    Pool,
    /// It changes the shape in another way.
    Reshape,
    /// Training draws random numbers in it.
    Random,
    /// It reads two nodes or more.
    Join,
}

impl Kind {
    /// All kinds in the order of the legend.
    pub const ALL: [Self; 8] = [
        Self::Convolution,
        Self::Linear,
        Self::Norm,
        Self::Elementwise,
        Self::Pool,
        Self::Reshape,
        Self::Random,
        Self::Join,
    ];

    /// The kind of a step, by what it does rather than by its name, so that a new operation needs
    /// no line here.
    pub fn of(plan: &Plan, step: &Step) -> Self {
        let op = step.op.operation();
        let weights = &plan.weights[step.weights.0..step.weights.1];
        let has = |role| weights.iter().any(|weight| weight.role == role);
        let same = plan.shape(step.inputs[0]) == step.shape;
        match () {
            () if op.arity() != Arity::Exactly(1) => Self::Join,
            () if has(Role::Convolution) => Self::Convolution,
            () if has(Role::Linear) => Self::Linear,
            () if has(Role::Norm) || step.op.name().contains("Norm") => Self::Norm,
            () if step.op.name().contains("Pool") => Self::Pool,
            () if op.is_random() => Self::Random,
            () if same => Self::Elementwise,
            () => Self::Reshape,
        }
    }

    /// Its class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Convolution => "conv",
            Self::Linear => "lin",
            Self::Norm => "norm",
            Self::Elementwise => "elem",
            Self::Pool => "pool",
            Self::Reshape => "resh",
            Self::Random => "rand",
            Self::Join => "join",
        }
    }

    /// Its words in the legend.
    pub fn words(self) -> &'static str {
        match self {
            Self::Convolution => "convolution",
            Self::Linear => "linear",
            Self::Norm => "normalisation",
            Self::Elementwise => "element by element",
            Self::Pool => "pooling",
            Self::Reshape => "change of shape",
            Self::Random => "random in training",
            Self::Join => "join",
        }
    }

    /// Whether a node of this kind is drawn small: many of them follow one another.
    pub fn is_slim(self) -> bool {
        matches!(self, Self::Norm | Self::Elementwise | Self::Random)
    }
}

/// The sign in the circle of a join.
pub fn sign(op: &Op) -> &'static str {
    match op.name() {
        "Add" => "+",
        "Mul" => "×",
        "Concat" => "‖",
        _ => "∗",
    }
}

/// An operation in a few characters: `Conv2d 3×3 /2 groups 32`. The channels are the shape's to
/// say, and padding, constants and switches are told on hover.
pub fn operation(op: &Op) -> String {
    let mut text = op.name().to_string();
    let two_dimensional = text.ends_with("2d") || text == "BlurPool";
    for (name, value) in fields(op) {
        let part = match (name.as_str(), value.as_str()) {
            ("kernel", value) if two_dimensional => square(value),
            ("out" | "padding" | "eps" | "momentum" | "channels", _) => continue,
            ("stride" | "groups" | "dilation", "1") | (_, "true" | "false" | "null") => continue,
            ("stride", value) => format!("/{}", sides(value)),
            (name, value) if value.parse::<f64>().is_ok() => format!("{name} {value}"),
            _ => continue,
        };
        text = text + " " + &part;
    }
    text
}

/// `3` as `3×3`, `(1, 7)` as `1×7`.
fn square(kernel: &str) -> String {
    match kernel.parse::<u64>() {
        Ok(side) => format!("{side}×{side}"),
        Err(_) => sides(kernel),
    }
}

/// `(1, 7)` as `1×7`.
fn sides(sizes: &str) -> String {
    sizes.trim_matches(['(', ')']).replace(", ", "×")
}

/// A shape with multiplication signs.
pub fn shape(shape: Shape) -> String {
    shape.to_string().replace('x', "×")
}

/// Parameters and multiply-accumulates, what is 0 left out: `36.9k params · 116M MACs`.
pub fn costs(params: u64, macs: u64) -> String {
    let parts = [(params, "params"), (macs, "MACs")];
    let told = parts.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| format!("{} {what}", short(*count))).collect::<Vec<_>>().join(" · ")
}

/// A count in three digits: `950`, `36.9k`, `1.04G`.
pub fn short(count: u64) -> String {
    if count < 1000 {
        return count.to_string();
    }
    let (mut value, mut unit) = (count as f64, 0);
    // 999.5 would be written as 1000 of this unit.
    while value >= 999.5 && unit < 6 {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    let digits = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{}", ["", "k", "M", "G", "T", "P", "E"][unit])
}

/// The same with a space before the unit's letter, for what has a unit: `17.9 k` of `17.9 kB`.
pub fn spaced(count: u64) -> String {
    let text = short(count);
    match text.strip_suffix(|c: char| c.is_ascii_alphabetic()) {
        Some(number) => format!("{number} {}", &text[number.len()..]),
        None => text + " ",
    }
}

/// The texts of the first and the last of several alike nodes as one: where they differ in numbers
/// alone, `64×8×8` and `96×8×8` are `64…96×8×8`.
pub fn range(first: &str, last: &str) -> String {
    let (a, b) = (tokens(first), tokens(last));
    let alike = |(a, b): (&&str, &&str)| a == b || (is_number(a) && is_number(b));
    if first == last {
        first.into()
    } else if a.len() == b.len() && a.iter().zip(&b).all(alike) {
        let both =
            |(a, b): (&&str, &&str)| if a == b { a.to_string() } else { format!("{a}…{b}") };
        a.iter().zip(&b).map(both).collect()
    } else {
        format!("{first} … {last}")
    }
}

fn is_number(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_digit())
}

/// Numbers, their unit letter included, and what is between them.
fn tokens(text: &str) -> Vec<&str> {
    let digit = |c: char| c.is_ascii_digit() || c == '.';
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let mut end = rest.find(|c| digit(c) != digit(first)).unwrap_or(rest.len());
        if digit(first) && rest[end..].starts_with(['k', 'M', 'G', 'T', 'P', 'E']) {
            end += 1;
        }
        tokens.push(&rest[..end]);
        rest = &rest[end..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_three_digits() {
        let counts = [0, 999, 1000, 36_864, 999_499, 999_500, 1_040_000_000, 11_173_962];
        let texts = ["0", "999", "1.00k", "36.9k", "999k", "1.00M", "1.04G", "11.2M"];
        assert_eq!(counts.map(short), texts);
        assert_eq!([spaced(17_936), spaced(12)], ["17.9 k", "12 "]);
        assert_eq!(costs(0, 0), "");
        assert_eq!(costs(64, 0), "64 params");
    }

    #[test]
    fn operations_are_told_in_a_few_characters() {
        assert_eq!(
            operation(&Op::Linear(crate::op::Linear {
                out: 8,
                bias: true,
                init: None,
                frozen: None
            })),
            "Linear"
        );
        assert_eq!(operation(&Op::DropPath(crate::op::DropPath { p: 0.5 })), "DropPath p 0.5");
        let channels = Op::ChannelConv(crate::op::ChannelConv { kernel: 5 });
        assert_eq!(operation(&channels), "ChannelConv kernel 5");
        assert_eq!((square("(1, 7)"), square("5")), ("1×7".into(), "5×5".into()));
    }

    #[test]
    fn numbers_that_differ_become_ranges() {
        assert_eq!(range("64×8×8", "96×8×8"), "64…96×8×8");
        assert_eq!(range("9.9k params", "1.1M params"), "9.9k…1.1M params");
        assert_eq!(range("DropPath p 0.1", "DropPath p 0.25"), "DropPath p 0.1…0.25");
        assert_eq!(range("", "2 params"), " … 2 params");
        assert_eq!(range("same", "same"), "same");
    }
}
