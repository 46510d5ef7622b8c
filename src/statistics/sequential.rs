//! A test of pairs that may be looked at after every one of them.

use super::mean_and_error;

/// How much larger than its spread a mean difference is expected to be, as a variance: effects (mean by
/// standard deviation) are weighed by a normal distribution of this variance around 0. The test holds
/// whatever it is; with 2 it finds effects of 0.5 to 4 soonest, as simulated in `tests/statistics.rs`.
const EXPECTED: f64 = 2.0;

/// Pairs by their differences so far, normally distributed with a variance that is not known.
///
/// The e-value is the likelihood ratio of effects weighed by a normal distribution against none, both of
/// the sequence of t statistics, which does not depend on the variance (Lai 1976, *On confidence sequences*;
/// Gönen et al. 2005, *The Bayesian two-sample t test*, for its form). Where there is no difference it
/// is a nonnegative martingale of mean 1, so by Ville's inequality the chance that it is ever 1 / alpha
/// or more, however often one looks and whenever one stops, is alpha at most (Wang and Ramdas 2024,
/// *Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance*).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequential {
    /// The mean of the differences.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// Pairs.
    pub n: f64,
}

impl Sequential {
    /// Of the differences within the pairs; none below two, and where they vary by no more
    /// than rounding.
    #[must_use]
    pub fn of(differences: &[f64]) -> Option<Self> {
        let (difference, error) = mean_and_error(differences)?;
        Some(Self { difference, error, n: differences.len() as f64 })
    }

    /// The evidence against there being no difference: 1 / alpha or more rejects that at level alpha.
    #[must_use]
    pub fn e_value(&self) -> f64 {
        let (n, freedom) = (self.n, self.n - 1.0);
        let wide = 1.0 + n * EXPECTED;
        let t2 = (self.difference / self.error).powi(2);
        let ratio = (t2 / freedom).ln_1p() - (t2 / (wide * freedom)).ln_1p();
        (0.5 * (n * ratio - wide.ln())).exp()
    }

    /// The confidence sequence of the difference: whenever one looks, all of these intervals together
    /// hold the true difference with a probability of 1 - alpha at least. None where so few pairs
    /// bound nothing.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> Option<(f64, f64)> {
        let (n, freedom) = (self.n, self.n - 1.0);
        let wide = 1.0 + n * EXPECTED;
        // The t at which the e-value is 1 / alpha.
        let c = (wide / (alpha * alpha)).powf(1.0 / n);
        let t2 = freedom * (c - 1.0) * wide / (wide - c);
        let reach = (c < wide).then(|| t2.sqrt() * self.error)?;
        Some((self.difference - reach, self.difference + reach))
    }
}
