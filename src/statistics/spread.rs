//! How far the standard deviation of a sample may be from the true one.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// What the standard deviation of a sample of normal values is multiplied by for the upper end of its
/// two-sided interval at a level, such as 2.874 at 0.95 and 4 degrees of freedom; none where the freedom is
/// none, or the level is not between 0 and 1.
#[must_use]
pub fn std_upper(level: f64, freedom: f64) -> Option<f64> {
    let share = (1.0 - level) / 2.0;
    let distribution = ChiSquared::new(freedom).ok()?;
    if !(share > 0.0 && share < 0.5) {
        return None;
    }
    // The quantile is halved in the logarithm, below the mean: statrs' own is lost near 0, where that of
    // one degree of freedom lies.
    let (mut low, mut high) = (f64::MIN_POSITIVE.ln(), freedom.ln());
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        match distribution.cdf(middle.exp()) < share {
            true => low = middle,
            false => high = middle,
        }
    }
    Some((freedom / high.exp()).sqrt())
}
