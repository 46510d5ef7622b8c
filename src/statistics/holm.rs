//! Several tests at once.

/// The probabilities of several tests, each raised so that all of them together find a difference
/// where there is none at most as often as one of them would (Holm 1979). In the order given; one
/// that is no number counts as 1.
#[must_use]
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let known = |p: f64| if p.is_nan() { 1.0 } else { p };
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let mut raised = vec![1.0; probabilities.len()];
    let mut highest: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        let tests_left = (probabilities.len() - place) as f64;
        highest = highest.max(known(probabilities[index]) * tests_left);
        raised[index] = highest.min(1.0);
    }
    raised
}
