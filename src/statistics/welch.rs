//! Two samples of their own.

use super::{ROUNDING, above_t, critical_t, mean, variance};

/// Two samples of unequal variance compared (Welch 1947).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// The mean of the first less that of the second.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom (Welch and Satterthwaite).
    pub freedom: f64,
}

impl Welch {
    /// None below two values on either side, and where neither side varies by more than rounding.
    #[must_use]
    pub fn of(a: &[f64], b: &[f64]) -> Option<Self> {
        let (of_a, of_b) = (variance(a)? / a.len() as f64, variance(b)? / b.len() as f64);
        let sum = of_a + of_b;
        let parts = of_a.powi(2) / (a.len() - 1) as f64 + of_b.powi(2) / (b.len() - 1) as f64;
        let (mean_a, mean_b) = (mean(a)?, mean(b)?);
        let (difference, error) = (mean_a - mean_b, sum.sqrt());
        let varies = error > ROUNDING * mean_a.abs().max(mean_b.abs());
        varies.then(|| Self { difference, error, freedom: sum.powi(2) / parts })
    }

    /// The two-sided probability of a difference as large as this where there is none.
    #[must_use]
    pub fn p_difference(&self) -> f64 {
        2.0 * self.upper(self.difference.abs() / self.error)
    }

    /// The probability of a difference as small as this where it is `margin` or more: the larger of
    /// two one-sided tests (Schuirmann 1987).
    #[must_use]
    pub fn p_equivalence(&self, margin: f64) -> f64 {
        let below = self.upper((self.difference + margin) / self.error);
        let above = self.upper((margin - self.difference) / self.error);
        below.max(above)
    }

    /// The confidence interval of the difference, such as that of level 0.95.
    #[must_use]
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let quantile = critical_t(level, self.freedom);
        (self.difference - quantile * self.error, self.difference + quantile * self.error)
    }

    /// The probability of a value above `t` of Student's distribution.
    fn upper(&self, t: f64) -> f64 {
        above_t(t, self.freedom)
    }
}
