//! How surely a t test finds a difference (Cohen, *Statistical Power Analysis for the Behavioral
//! Sciences*, 2nd edition 1988, chapter 2), and the number of values that it takes.

use super::{critical_t, noncentral};

/// What a t test compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Pairs; an effect is the mean difference by the standard deviation of the differences.
    Paired,
    /// Two samples of the same size; an effect is the difference of the means by the root of the
    /// mean of both variances.
    TwoSamples,
}

/// The most values a side that [`Design::values`] considers.
pub const MOST_VALUES: u32 = 1000;

impl Design {
    /// The probability that a two-sided test of level `alpha`, such as 0.05, of `n` pairs or of `n`
    /// values a side finds an effect of this size; none below two.
    #[must_use]
    pub fn power(self, effect: f64, n: u32, alpha: f64) -> Option<f64> {
        let n = f64::from(n);
        let (freedom, noncentrality) = match self {
            Self::Paired => (n - 1.0, effect.abs() * n.sqrt()),
            Self::TwoSamples => (2.0 * n - 2.0, effect.abs() * (n / 2.0).sqrt()),
        };
        let critical = critical_t(1.0 - alpha, freedom);
        let found = || {
            noncentral::above(critical, freedom, noncentrality)
                + noncentral::above(critical, freedom, -noncentrality)
        };
        (n >= 2.0 && critical.is_finite()).then(found)
    }

    /// The fewest pairs, or values a side, of which a test has this power; none above
    /// [`MOST_VALUES`], and where there is no effect.
    #[must_use]
    pub fn values(self, effect: f64, alpha: f64, power: f64) -> Option<u32> {
        self.values_within(effect, (2, None), alpha, power)
    }

    /// [`Design::values`] of many effects. Larger effects take fewer values, so what is known of some bounds
    /// the others, and of most nothing is left to be found out.
    #[must_use]
    pub fn values_of_all(self, effects: &[f64], alpha: f64, power: f64) -> Vec<Option<u32>> {
        let mut order: Vec<usize> =
            (0..effects.len()).filter(|at| effects[*at].is_finite()).collect();
        order.sort_by(|a, b| effects[*b].abs().total_cmp(&effects[*a].abs()));
        let mut found = vec![None; effects.len()];
        // Parts of the order, with the fewest and the most values that theirs can be; none is beyond all.
        let mut parts = vec![(order.as_slice(), (2, None))];
        while let Some((part, (fewest, most))) = parts.pop() {
            let middle = part.len() / 2;
            let Some(&at) = part.get(middle) else { continue };
            let own = match most {
                Some(most) if most == fewest => Some(fewest),
                most => self.values_within(effects[at], (fewest, most), alpha, power),
            };
            found[at] = own;
            parts.push((&part[..middle], (fewest, own.or(most))));
            // What takes more than are considered is followed by nothing that takes fewer.
            if let Some(own) = own {
                parts.push((&part[middle + 1..], (own, most)));
            }
        }
        found
    }

    /// The fewest values between bounds; the upper one is known to be enough, unless it is none.
    fn values_within(
        self,
        effect: f64,
        (fewest, most): (u32, Option<u32>),
        alpha: f64,
        power: f64,
    ) -> Option<u32> {
        let is_enough = |n| self.power(effect, n, alpha).is_some_and(|own| own >= power);
        if !effect.is_finite() || most.is_none() && !is_enough(MOST_VALUES) {
            return None;
        }
        let (mut few, mut enough) = (fewest - 1, most.unwrap_or(MOST_VALUES));
        while enough - few > 1 {
            let middle = u32::midpoint(few, enough);
            if is_enough(middle) { enough = middle } else { few = middle }
        }
        Some(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Effects that take few values, many, and more than are considered, in no order.
    #[test]
    fn many_effects_at_once_take_as_many_values_as_each_alone() {
        let effects: Vec<f64> =
            (0..60).map(|at| f64::from((at * 37) % 60) / 12.0 - 1.5).chain([f64::NAN]).collect();
        for design in [Design::Paired, Design::TwoSamples] {
            let each: Vec<Option<u32>> =
                effects.iter().map(|effect| design.values(*effect, 0.01, 0.8)).collect();
            assert_eq!(design.values_of_all(&effects, 0.01, 0.8), each);
            assert!(each.contains(&None) && each.iter().flatten().count() > 40, "{each:?}");
        }
    }
}
