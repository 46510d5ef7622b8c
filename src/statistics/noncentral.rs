//! Student's t where the means do differ: T = (Z + d) / S, with Z standard normal and S the root of
//! an independent chi-squared over its degrees of freedom (Johnson, Kotz and Balakrishnan,
//! *Continuous Univariate Distributions* 2, 2nd edition 1995, chapter 31).

use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_lr;

/// The probability of a value above `t` > 0 of the noncentral t distribution with noncentrality `d`.
///
/// Given Z, T > t where S < (Z + d) / t, whose probability is an incomplete gamma function; that is
/// integrated over Z. Unlike the series of AS 243 (Lenth 1989) this does not underflow where `d` is
/// large, as it is of a large effect. Absolute errors are below 1e-10.
pub(super) fn above(t: f64, freedom: f64, d: f64) -> f64 {
    let start = (-d).max(-FAR);
    if start >= FAR {
        return 0.0;
    }
    let inner = |z: f64| {
        let s = (z + d).max(0.0) / t;
        density(z) * gamma_lr(freedom / 2.0, freedom * s * s / 2.0)
    };
    // S has a standard deviation of about 1 / sqrt(2 * freedom).
    let widest = (t * (2.0 / freedom).sqrt()).clamp(LEAST, PANEL);
    let panels = ((FAR - start) / widest).ceil();
    let width = (FAR - start) / panels;
    let panel = |index: u32| gauss(&inner, start + f64::from(index) * width, width);
    let beyond = 0.5 * erfc(FAR / std::f64::consts::SQRT_2);
    ((0..panels as u32).map(panel).sum::<f64>() + beyond).min(1.0)
}

/// Beyond, the normal distribution has less than 1e-18.
const FAR: f64 = 9.0;
/// The widest panel of the integration.
const PANEL: f64 = 0.25;

/// The narrowest panel, for the time that it takes.
const LEAST: f64 = 0.005;

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// The integral from `start` over `width` by the Gauss-Legendre rule of eight points (Abramowitz and
/// Stegun 1964, table 25.4).
fn gauss(function: &impl Fn(f64) -> f64, start: f64, width: f64) -> f64 {
    let middle = start + width / 2.0;
    let pair = |(place, weight): &(f64, f64)| {
        let off = place * width / 2.0;
        weight * (function(middle - off) + function(middle + off))
    };
    RULE.iter().map(pair).sum::<f64>() * width / 2.0
}

/// Places of the rule, each on both sides of the middle, and their weights.
const RULE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Against 30 digits (tests/reference/statistics_golden.py).
    #[test]
    fn tails_are_those_of_the_definition() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/noncentral.csv");
        let mut cases = 0;
        for row in csv::Reader::from_path(path).unwrap().records() {
            let row: Vec<f64> = row.unwrap().iter().map(|cell| cell.parse().unwrap()).collect();
            let ours = above(row[0], row[1], row[2]);
            assert!((ours - row[3]).abs() < 1e-10, "{row:?}: {ours}");
            cases += 1;
        }
        assert_eq!(cases, 180);
    }
}
