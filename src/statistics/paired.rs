//! Two samples whose values belong together, as the runs of one seed do.

use super::{above_t, critical_t, mean_and_error};

/// Pairs compared by their differences (Student 1908).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedT {
    /// The mean of the differences.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom: one less than there are pairs.
    pub freedom: f64,
}

impl PairedT {
    /// Of the differences within the pairs; none below two, and where they vary by no more
    /// than rounding.
    #[must_use]
    pub fn of(differences: &[f64]) -> Option<Self> {
        let (difference, error) = mean_and_error(differences)?;
        Some(Self { difference, error, freedom: differences.len() as f64 - 1.0 })
    }

    /// The two-sided probability of a difference as large as this where there is none.
    #[must_use]
    pub fn p_difference(&self) -> f64 {
        2.0 * above_t(self.difference.abs() / self.error, self.freedom)
    }

    /// The confidence interval of the difference, such as that of level 0.95.
    #[must_use]
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let reach = critical_t(level, self.freedom) * self.error;
        (self.difference - reach, self.difference + reach)
    }
}

/// The most pairs of which [`sign_flip`] tries every exchange: 2^20 of them.
pub const MOST_FLIPPED: usize = 20;

/// The two-sided probability that a mean difference is as large as this where the two of each pair
/// could as well be exchanged (Fisher 1935, section 21): the share of all 2^n choices of signs whose
/// mean is as far from 0 or further. It asks for no distribution, and cannot fall below 2^(1 - n).
/// None without pairs, and above [`MOST_FLIPPED`].
#[must_use]
pub fn sign_flip(differences: &[f64]) -> Option<f64> {
    let n = differences.len();
    if !(1..=MOST_FLIPPED).contains(&n) {
        return None;
    }
    let seen = differences.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order differ by rounding, and count as equal.
    let rounding = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    // All signs exchanged, a sum is as far from 0: half of the choices are enough.
    let half = 1_u32 << (n - 1);
    let as_far = (0..half).filter(|signs| signed_sum(differences, *signs) >= seen - rounding);
    Some(as_far.count() as f64 / f64::from(half))
}

/// How far the sum is from 0 with the signs of those differences exchanged whose bits are set.
fn signed_sum(differences: &[f64], signs: u32) -> f64 {
    let signed = |(place, d): (usize, &f64)| if signs >> place & 1 == 1 { -d } else { *d };
    differences.iter().enumerate().map(signed).sum::<f64>().abs()
}
