//! The statistics against scipy and statsmodels (tests/reference/statistics_golden.py).
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use resweep::statistics::{
    Design, MOST_FLIPPED, McNemar, PairedT, Sequential, Welch, holm, mean, median, range,
    sign_flip, std_upper, variance,
};

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ').map(|number| number.parse().unwrap()).collect()
}

fn assert_close(ours: f64, theirs: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3),
        "{what}: {ours} is not {theirs}"
    );
}

/// The rows of a golden file, of which there are so many.
fn rows(name: &str, count: usize) -> Vec<csv::StringRecord> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let rows: Vec<_> =
        csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), count, "{name}");
    rows
}

fn number(row: &csv::StringRecord, at: usize) -> f64 {
    row[at].parse().unwrap()
}

#[test]
fn welch_and_equivalence_are_scipys() {
    for row in rows("statistics.csv", 5) {
        let wanted = |at: usize| number(&row, at);
        let welch = Welch::of(&numbers(&row[0]), &numbers(&row[1])).unwrap();
        assert_close(welch.difference, wanted(3), "difference");
        assert_close(welch.freedom, wanted(4), "degrees of freedom");
        assert_close(welch.p_difference(), wanted(5), "p");
        let (low, high) = welch.interval(0.95);
        assert_close(low, wanted(6), "lower end");
        assert_close(high, wanted(7), "upper end");
        assert_close(welch.p_equivalence(wanted(2)), wanted(8), "p of equivalence");
    }
}

#[test]
fn the_upper_ends_of_standard_deviations_are_scipys() {
    for row in rows("spread.csv", 35) {
        let (level, freedom) = (number(&row, 0), number(&row, 1));
        let what = format!("level {level}, {freedom} degrees of freedom");
        assert_close(std_upper(level, freedom).unwrap(), number(&row, 2), &what);
    }
    assert_eq!((std_upper(0.95, 0.0), std_upper(1.0, 3.0)), (None, None));
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[test]
fn pairs_are_scipys() {
    for row in rows("paired.csv", 6) {
        let wanted = |at: usize| number(&row, at);
        let differences = differences(&numbers(&row[0]), &numbers(&row[1]));
        let paired = PairedT::of(&differences).unwrap();
        assert_close(paired.difference, wanted(2), "difference");
        assert_close(paired.freedom, wanted(3), "degrees of freedom");
        assert_close(paired.p_difference(), wanted(4), "p");
        let (low, high) = paired.interval(0.95);
        assert_close(low, wanted(5), "lower end");
        assert_close(high, wanted(6), "upper end");
        assert_close(sign_flip(&differences).unwrap(), wanted(7), "p of exchanges");
    }
}

#[test]
fn splits_are_statsmodels() {
    for row in rows("mcnemar.csv", 9) {
        let count = |at: usize| row[at].parse().unwrap();
        let test = McNemar { first_alone: count(0), second_alone: count(1) };
        assert_close(test.exact(), number(&row, 2), "exact p");
        assert_close(test.mid_p(), number(&row, 3), "mid-p");
    }
}

#[test]
fn several_tests_are_statsmodels() {
    for row in rows("holm.csv", 5) {
        let raised = holm(&numbers(&row[0]));
        for (ours, theirs) in raised.iter().zip(numbers(&row[1])) {
            assert_close(*ours, theirs, "raised p");
        }
    }
    assert_eq!(holm(&[f64::NAN, 0.01]), [1.0, 0.02], "no number is no finding");
}

/// Also where scipy has no number: large effects, as differences between networks are.
#[test]
fn power_and_sizes_are_statsmodels() {
    for row in rows("power.csv", 180) {
        let design = if &row[0] == "paired" { Design::Paired } else { Design::TwoSamples };
        let (effect, alpha, wanted) = (number(&row, 1), number(&row, 3), number(&row, 4));
        let power = design.power(effect, row[2].parse().unwrap(), alpha).unwrap();
        assert!((power - wanted).abs() < 1e-9, "{row:?}: {power}");
        assert_eq!(design.values(effect, alpha, 0.8), row[5].parse().ok(), "{row:?}");
    }
}

#[test]
fn what_a_sample_does_not_tell_is_missing() {
    assert_eq!((mean(&[]), median(&[]), range(&[]), variance(&[1.0])), (None, None, None, None));
    assert_eq!(Welch::of(&[1.0], &[1.0, 2.0]), None);
    assert_eq!(Welch::of(&[1.0, 1.0], &[2.0, 2.0]), None);
    assert_eq!((PairedT::of(&[1.0]), PairedT::of(&[0.5, 0.5])), (None, None));
    assert_eq!((sign_flip(&[]), sign_flip(&[1.0; MOST_FLIPPED + 1])), (None, None));
    assert_eq!(McNemar::of(&[true], &[true, false]), None);
    assert_eq!(
        (Design::Paired.power(1.0, 1, 0.05), Design::TwoSamples.power(1.0, 0, 0.05)),
        (None, None)
    );
    assert_eq!(Design::Paired.values(0.0, 0.05, 0.8), None);
    assert_eq!(Design::Paired.values(f64::NAN, 0.05, 0.8), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    assert_eq!(range(&[3.0, -1.0, 2.0]), Some((-1.0, 3.0)));
}

#[test]
fn images_that_one_alone_has_right_are_counted() {
    let test = McNemar::of(&[true, true, false, true], &[true, false, true, false]).unwrap();
    assert_eq!(test, McNemar { first_alone: 2, second_alone: 1 });
}

#[test]
fn so_many_pairs_as_can_be_are_exchanged_at_once() {
    assert_eq!(sign_flip(&[1.0; MOST_FLIPPED]), Some(2.0_f64.powi(1 - MOST_FLIPPED as i32)));
    assert_eq!(sign_flip(&[1.0]), Some(1.0));
    assert_eq!(sign_flip(&[1.0, 2.0, 3.0]), Some(0.25));
}

proptest! {
    /// More values find more.
    #[test]
    fn power_grows(effect in 0.01..20.0, n in 2_u32..200, alpha in 0.0001..0.2) {
        for design in [Design::Paired, Design::TwoSamples] {
            let (few, more) = (design.power(effect, n, alpha), design.power(effect, n + 1, alpha));
            prop_assert!(few.unwrap() <= more.unwrap() + 1e-9);
            prop_assert!(few.unwrap() >= alpha - 1e-9);
        }
    }
}

#[test]
fn the_sequential_test_is_the_integral_of_its_definition() {
    for row in rows("sequential.csv", 5) {
        let test = Sequential::of(&numbers(&row[0])).unwrap();
        let (ours, theirs) = (test.e_value(), number(&row, 2));
        assert!((ours - theirs).abs() < 1e-6 * theirs, "{ours} is not {theirs}");
        match test.interval(number(&row, 1)) {
            None => assert_eq!(&row[3], "", "{row:?}"),
            Some((low, high)) => {
                let wide = high - low;
                assert!((low - number(&row, 3)).abs() < 1e-6 * wide, "{low}: {row:?}");
                assert!((high - number(&row, 4)).abs() < 1e-6 * wide, "{high}: {row:?}");
            }
        }
    }
    assert_eq!(Sequential::of(&[1.0]), None);
    assert_eq!(Sequential::of(&[1.0, 1.0]), None);
}

/// As the reference says under `UntilResolved`.
#[test]
fn few_seeds_never_tell_however_far_apart() {
    for (pairs, seeds) in [(1.0, 4), (2.0, 5), (6.0, 5), (10.0, 6)] {
        let told = |n: usize| {
            let differences: Vec<f64> = (0..n).map(|seed| 1e6 + seed as f64).collect();
            Sequential::of(&differences).unwrap().interval(0.05 / pairs).is_some()
        };
        assert!(!told(seeds - 1) && told(seeds), "{pairs} pairs");
    }
}

/// Three equal differences of which one is a rounding apart do not vary.
#[test]
fn what_varies_by_rounding_does_not_vary() {
    let base: f64 = 9.97;
    let equal = [base, base, f64::from_bits(base.to_bits() + 1)];
    assert!(resweep::statistics::variance(&equal).unwrap() > 0.0);
    assert_eq!(PairedT::of(&equal), None);
    assert_eq!(Sequential::of(&equal), None);
    assert_eq!(Welch::of(&equal, &[1.0, 1.0]), None);
    assert!(PairedT::of(&[9.97, 9.97, 9.98]).is_some());
    assert!(Welch::of(&equal, &[1.0, 1.1]).is_some());
}

/// The share of sequences of 3 to 30 differences with this effect in which `claims` is ever true.
fn ever(effect: f64, claims: impl Fn(&[f64]) -> bool) -> f64 {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    const SEQUENCES: usize = 2000;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let claimed = (0..SEQUENCES).filter(|_| {
        let noise = StandardNormal.sample_iter(&mut random).take(30);
        let differences: Vec<f64> = noise.map(|noise: f64| noise + effect).collect();
        (3..=30).any(|n| claims(&differences[..n]))
    });
    claimed.count() as f64 / SEQUENCES as f64
}

/// The standard error of these shares is 0.005 at 0.05.
#[test]
fn looking_after_every_seed_costs_the_sequential_test_nothing() {
    let sequential = |differences: &[f64]| {
        Sequential::of(differences).is_some_and(|test| test.e_value() >= 20.0)
    };
    let naive = |differences: &[f64]| {
        PairedT::of(differences).is_some_and(|test| test.p_difference() < 0.05)
    };
    let (kept, lost) = (ever(0.0, sequential), ever(0.0, naive));
    assert!(kept < 0.05, "{kept}");
    assert!(lost > 0.15, "a t test at every look claims falsely in {lost}");
    let found = ever(1.0, sequential);
    assert!(found > 0.95, "{found}");
    // The interval holds the truth at all looks together.
    let missed = |differences: &[f64]| {
        let test = Sequential::of(differences).unwrap();
        test.interval(0.05).is_some_and(|(low, high)| low > 1.0 || high < 1.0)
    };
    let missed = ever(1.0, missed);
    assert!(missed < 0.05, "{missed}");
}
