//! Random values, the same on every machine.
//!
//! Every field has a stream of its own, so that a larger `count` only adds samples.

use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::values::{Argument, arguments, ascending, fault, leaf, positive, significant, values};
use crate::spec::error::SpecError;
use crate::spec::expr::Number;
use crate::spec::tree::{Tree, Value};

/// What values are drawn from.
///
/// - `Uniform(from, to)`: any number between, rounded to 6 significant digits;
/// - `LogUniform(from, to)`: the same, its logarithm uniform;
/// - `IntUniform(from, to)`: a whole number, both ends included;
/// - `LogIntUniform(from, to)`: a whole number, its logarithm uniform;
/// - `Choice([..])`: one of a list, or of what a range stands for.
enum Distribution {
    Uniform(f64, f64),
    LogUniform(f64, f64),
    IntUniform(i64, i64),
    LogIntUniform(i64, i64),
    Choice(Vec<Rc<Tree>>),
}

/// `count` values of the distribution that a tree names; `stream` tells fields of one seed apart.
pub(super) fn draw(
    tree: &Rc<Tree>,
    count: usize,
    seed: u64,
    stream: u64,
) -> Result<Vec<Rc<Tree>>, SpecError> {
    let distribution = Distribution::read(tree)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    Ok((0..count).map(|_| distribution.draw(tree, random.next_u64())).collect())
}

impl Distribution {
    fn read(tree: &Rc<Tree>) -> Result<Self, SpecError> {
        let bounds = || -> Result<[Argument; 2], SpecError> {
            let [from, to] = arguments(tree, ["from", "to"])?;
            ascending(&from, &to)?;
            Ok([from, to])
        };
        match (tree.name(), &tree.value) {
            (Some("Uniform"), _) => bounds().map(|[a, b]| Self::Uniform(a.value(), b.value())),
            (Some("LogUniform"), _) => {
                let [from, to] = bounds()?;
                positive(&from)?;
                Ok(Self::LogUniform(from.value(), to.value()))
            }
            (Some("IntUniform"), _) => {
                let [from, to] = bounds()?;
                Ok(Self::IntUniform(whole(&from)?, whole(&to)?))
            }
            (Some("LogIntUniform"), _) => {
                let [from, to] = bounds()?;
                positive(&from)?;
                Ok(Self::LogIntUniform(whole(&from)?, whole(&to)?))
            }
            (Some("Choice"), Value::Tuple(_, items)) if items.len() == 1 => {
                values(&items[0]).map(Self::Choice)
            }
            _ => {
                let reason = format!("expected a distribution, found {}", tree.describe());
                let help = "write `Uniform(0, 1)`, `LogUniform(0.001, 1)`, `IntUniform(8, 64)`, \
                            `LogIntUniform(8, 512)` or `Choice([64, 128])`";
                Err(fault(tree, &reason, help))
            }
        }
    }

    /// The value that 64 random bits stand for.
    fn draw(&self, tree: &Tree, bits: u64) -> Rc<Tree> {
        // 53 bits: every float from 0 to below 1 of that spacing.
        let unit = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        let number = match self {
            Self::Uniform(from, to) => Number::Float(significant(from + (to - from) * unit, 6)),
            Self::LogUniform(from, to) => {
                Number::Float(significant(between_logs(*from, *to, unit), 6))
            }
            Self::IntUniform(from, to) => {
                let count = i128::from(*to) - i128::from(*from) + 1;
                let step = (u128::from(bits) * count.unsigned_abs()) >> 64;
                Number::Int((i128::from(*from) + step as i128) as i64)
            }
            Self::LogIntUniform(from, to) => {
                // The bounds are wider by a half each, so that both ends get their share.
                let value = between_logs(*from as f64 - 0.5, *to as f64 + 0.5, unit).round();
                Number::Int((value as i64).clamp(*from, *to))
            }
            Self::Choice(list) => {
                let at = (u128::from(bits) * list.len() as u128) >> 64;
                return Rc::clone(&list[at as usize]);
            }
        };
        leaf(tree, number)
    }
}

fn between_logs(from: f64, to: f64, unit: f64) -> f64 {
    (from.ln() + (to.ln() - from.ln()) * unit).exp().clamp(from, to)
}

fn whole(argument: &Argument) -> Result<i64, SpecError> {
    match argument.number {
        Number::Int(value) => Ok(value),
        Number::Float(value) => {
            let reason = format!("expected a whole number, found {value:?}");
            Err(fault(&argument.tree, &reason, "write it without a fraction"))
        }
    }
}
