//! Statistics of samples: whether two means differ or agree, and how many values would tell.
//!
//! | file | what stands there |
//! |---|---|
//! | `welch` | two samples of their own, of unequal variance |
//! | `paired` | two samples whose values belong together, as runs of the same seed do: t test, and every exchange of signs |
//! | `mcnemar` | two answers to each of many questions |
//! | `sequential` | pairs that are looked at after every one of them |
//! | `holm` | several tests at once |
//! | `kappa` | whether two name the same classes |
//! | `noncentral` | Student's t where the means do differ |
//! | `spread` | how far a standard deviation may be off |
//! | `power` | how surely a test of n values finds a difference, and the n that it takes |
//!
//! All of them equal scipy's, statsmodels' and scikit-learn's numbers (tests/statistics.rs).

use std::cell::Cell;

use statrs::distribution::{ContinuousCDF, StudentsT};

mod holm;
mod kappa;
mod mcnemar;
mod noncentral;
mod paired;
mod power;
mod sequential;
mod spread;
mod welch;

pub use holm::holm;
pub use kappa::cohen_kappa;
pub use mcnemar::McNemar;
pub use paired::{MOST_FLIPPED, PairedT, sign_flip};
pub use power::{Design, MOST_VALUES};
pub use sequential::Sequential;
pub use spread::std_upper;
pub use welch::Welch;

/// The mean; none of an empty sample.
#[must_use]
pub fn mean(sample: &[f64]) -> Option<f64> {
    (!sample.is_empty()).then(|| sample.iter().sum::<f64>() / sample.len() as f64)
}

/// The sample variance (divisor n - 1); none below two values.
#[must_use]
pub fn variance(sample: &[f64]) -> Option<f64> {
    let mean = mean(sample).filter(|_| sample.len() > 1)?;
    let squares: f64 = sample.iter().map(|value| (value - mean).powi(2)).sum();
    Some(squares / (sample.len() - 1) as f64)
}

/// How much smaller than the mean a standard error has to be to come of rounding alone.
const ROUNDING: f64 = 1e-9;

/// The mean with its standard error; none below two values, and where they vary by no more than rounding.
fn mean_and_error(sample: &[f64]) -> Option<(f64, f64)> {
    let error = (variance(sample)? / sample.len() as f64).sqrt();
    let mean = mean(sample)?;
    (error > ROUNDING * mean.abs()).then_some((mean, error))
}

/// The middle value, or the mean of the two in the middle; none of an empty sample.
#[must_use]
pub fn median(sample: &[f64]) -> Option<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => Some(sorted[middle]),
        _ => mean(sorted.get(middle.checked_sub(1)?..=middle)?),
    }
}

/// The smallest and the largest value; none of an empty sample.
#[must_use]
pub fn range(sample: &[f64]) -> Option<(f64, f64)> {
    let low = sample.iter().copied().min_by(f64::total_cmp)?;
    Some((low, sample.iter().copied().max_by(f64::total_cmp)?))
}

/// The critical value of Student's t for two sides, such as 2.776 at level 0.95 and 4 degrees of
/// freedom; NaN where the freedom is none.
fn critical_t(level: f64, freedom: f64) -> f64 {
    let (asked, last) = ((level, freedom), LAST.get());
    if last.0 == asked {
        return last.1;
    }
    let found = student(freedom).map_or(f64::NAN, |t| t.inverse_cdf(0.5 + level / 2.0));
    LAST.set((asked, found));
    found
}

thread_local! {
    /// The last critical value and what it is of: all pairs with as many seeds ask for the same, and it
    /// takes a hundred times as long as the rest of a test.
    static LAST: Cell<((f64, f64), f64)> = const { Cell::new(((f64::NAN, f64::NAN), f64::NAN)) };
}

/// The probability of a value above `t` of Student's distribution.
fn above_t(t: f64, freedom: f64) -> f64 {
    student(freedom).map_or(f64::NAN, |distribution| distribution.sf(t))
}

fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom).ok()
}
