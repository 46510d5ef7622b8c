//! Two answers to each of many questions.

use statrs::function::beta::beta_reg;
use statrs::function::factorial::ln_binomial;

/// Two classifiers compared on the same images (McNemar 1947): only the images that one of them has
/// right and the other wrong tell between them. It says whether these two differ, not whether others
/// that are trained alike would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct McNemar {
    /// Images that the first alone has right.
    pub first_alone: u64,
    /// Images that the second alone has right.
    pub second_alone: u64,
}

impl McNemar {
    /// Of two answers to every question, whether right; none where these are not as many.
    #[must_use]
    pub fn of(first: &[bool], second: &[bool]) -> Option<Self> {
        let alone = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
        (first.len() == second.len()).then(|| Self {
            first_alone: alone(first, second) as u64,
            second_alone: alone(second, first) as u64,
        })
    }

    /// The two-sided probability of a split as uneven as this where both are as good: twice the
    /// tail of a fair coin, at most 1.
    #[must_use]
    pub fn exact(&self) -> f64 {
        (2.0 * self.tail()).min(1.0)
    }

    /// A bound that [`McNemar::exact`] does not exceed, without its sums (Hoeffding 1963, theorem 1).
    #[must_use]
    pub fn at_most(&self) -> f64 {
        let apart = self.first_alone.abs_diff(self.second_alone) as f64;
        2.0 * (-apart * apart / (2.0 * self.both().max(1) as f64)).exp()
    }

    /// As [`McNemar::exact`], with half of the probability of just this split (Lancaster 1961): the exact one
    /// finds differences more seldom than its level says (Fagerland, Lydersen and Laake 2013).
    #[must_use]
    pub fn mid_p(&self) -> f64 {
        match self.first_alone == self.second_alone {
            true => 1.0 - 0.5 * self.point(),
            false => 2.0 * self.tail() - self.point(),
        }
    }

    fn fewer(&self) -> u64 {
        self.first_alone.min(self.second_alone)
    }

    fn both(&self) -> u64 {
        self.first_alone + self.second_alone
    }

    /// The probability of the smaller number or fewer heads in as many throws.
    fn tail(&self) -> f64 {
        match self.both() {
            0 => 1.0,
            both => beta_reg((both - self.fewer()) as f64, self.fewer() as f64 + 1.0, 0.5),
        }
    }

    /// The probability of exactly so many.
    fn point(&self) -> f64 {
        (ln_binomial(self.both(), self.fewer()) - self.both() as f64 * std::f64::consts::LN_2).exp()
    }
}
