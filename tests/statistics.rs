//! Welch's test and the equivalence test against scipy (tests/reference/statistics_golden.py).
#![allow(clippy::unwrap_used)]

use resweep::statistics::{Welch, mean, median, range, variance};

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ').map(|number| number.parse().unwrap()).collect()
}

fn assert_close(ours: f64, theirs: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3),
        "{what}: {ours} is not {theirs}"
    );
}

#[test]
fn welch_and_equivalence_are_scipys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/statistics.csv");
    let mut cases = 0;
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let wanted = |at: usize| row[at].parse::<f64>().unwrap();
        let welch = Welch::of(&numbers(&row[0]), &numbers(&row[1])).unwrap();
        assert_close(welch.difference, wanted(3), "difference");
        assert_close(welch.freedom, wanted(4), "degrees of freedom");
        assert_close(welch.p_difference(), wanted(5), "p");
        let (low, high) = welch.interval(0.95);
        assert_close(low, wanted(6), "lower end");
        assert_close(high, wanted(7), "upper end");
        assert_close(welch.p_equivalence(wanted(2)), wanted(8), "p of equivalence");
        cases += 1;
    }
    assert_eq!(cases, 5);
}

#[test]
fn what_a_sample_does_not_tell_is_missing() {
    assert_eq!((mean(&[]), median(&[]), range(&[]), variance(&[1.0])), (None, None, None, None));
    assert_eq!(Welch::of(&[1.0], &[1.0, 2.0]), None);
    assert_eq!(Welch::of(&[1.0, 1.0], &[2.0, 2.0]), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    assert_eq!(range(&[3.0, -1.0, 2.0]), Some((-1.0, 3.0)));
}
