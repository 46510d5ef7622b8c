//! Whether two samples of runs agree.

use resweep::records::{CertifyRow, CertifyRunRow};
use resweep::statistics::{Welch, mean, variance};

/// Equal within the margin.
pub const AGREE: &str = "agree";
/// Not equal.
pub const DIFFER: &str = "differ";
/// These runs cannot tell.
pub const UNRESOLVED: &str = "unresolved";

/// So unlikely must a difference beyond the margin be, for the two to agree.
const EQUIVALENCE: f64 = 0.05;
/// So unlikely must chance be, for the two to differ. Lower, as there are many rows and one that
/// differs fails the command.
const DIFFERENCE: f64 = 0.01;

/// What is compared, and what counts as equal.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    name: &'static str,
    /// In the figure's own unit.
    margin: f64,
    of: fn(&CertifyRunRow) -> f64,
    decimals: usize,
}

/// Every figure: accuracy in percent within 2 points, losses in nats within 0.05.
pub const FIGURES: [Figure; 3] = [
    Figure { name: "top1", margin: 2.0, of: |run| run.top1, decimals: 2 },
    Figure { name: "test_loss", margin: 0.05, of: |run| run.test_loss, decimals: 4 },
    Figure { name: "train_loss", margin: 0.05, of: |run| run.train_loss, decimals: 4 },
];

/// Compares a figure of both sides; `about` has what is known of the runs beside it.
pub fn judge(
    figure: &Figure,
    ours: &[CertifyRunRow],
    theirs: &[CertifyRunRow],
    about: &CertifyRow,
) -> CertifyRow {
    let values = |runs: &[CertifyRunRow]| runs.iter().map(figure.of).collect::<Vec<f64>>();
    let (a, b) = (values(ours), values(theirs));
    let mean = |sample: &[f64]| mean(sample).unwrap_or(f64::NAN);
    let std = |sample: &[f64]| variance(sample).map_or(f64::NAN, f64::sqrt);
    let welch = Welch::of(&a, &b);
    let difference = mean(&a) - mean(&b);
    let (low, high) = welch.map_or((difference, difference), |welch| welch.interval(0.95));
    // Runs that are all alike leave nothing to chance.
    let sure = |is_so: bool| if is_so { 0.0 } else { 1.0 };
    let p_difference = welch.map_or(sure(difference != 0.0), |welch| welch.p_difference());
    let p_equivalence = welch
        .map_or(sure(difference.abs() < figure.margin), |welch| welch.p_equivalence(figure.margin));
    CertifyRow {
        figure: figure.name.into(),
        n: a.len() as u32,
        mean: mean(&a),
        std: std(&a),
        peer_n: b.len() as u32,
        peer_mean: mean(&b),
        peer_std: std(&b),
        difference,
        difference_low: low,
        difference_high: high,
        p_difference,
        margin: figure.margin,
        p_equivalence,
        verdict: verdict(p_difference, p_equivalence).into(),
        ..about.clone()
    }
}

/// A figure that is no number is neither: it differs.
fn verdict(p_difference: f64, p_equivalence: f64) -> &'static str {
    match (p_difference, p_equivalence) {
        (_, p) if p < EQUIVALENCE => AGREE,
        (p, _) if p < DIFFERENCE || p.is_nan() => DIFFER,
        _ => UNRESOLVED,
    }
}

/// A row for people.
pub fn line(row: &CertifyRow) -> String {
    let figure = FIGURES.iter().find(|figure| figure.name == row.figure);
    let decimals = figure.map_or(4, |figure| figure.decimals);
    format!(
        "{} {}: {:.decimals$} ± {:.decimals$} (n {}) to {:.decimals$} ± {:.decimals$} (n {}), difference \
         {:+.decimals$} [{:+.decimals$}, {:+.decimals$}]: {}",
        row.recipe,
        row.figure,
        row.mean,
        row.std,
        row.n,
        row.peer_mean,
        row.peer_std,
        row.peer_n,
        row.difference,
        row.difference_low,
        row.difference_high,
        row.verdict,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(top1: &[f64]) -> Vec<CertifyRunRow> {
        let run = |(seed, &top1): (usize, &f64)| CertifyRunRow {
            recipe: "r".into(),
            side: "resweep".into(),
            seed: seed as u64,
            top1,
            test_loss: top1 / 100.0,
            train_loss: 1.0,
        };
        top1.iter().enumerate().map(run).collect()
    }

    fn of(figure: &Figure, a: &[f64], b: &[f64]) -> CertifyRow {
        judge(figure, &runs(a), &runs(b), &CertifyRow::default())
    }

    #[test]
    fn means_agree_differ_or_cannot_be_told() {
        let [top1, test_loss, train_loss] = &FIGURES;
        let near = of(top1, &[40.0, 41.0, 40.5, 39.5], &[40.2, 40.8, 40.4, 39.8]);
        assert_eq!((near.verdict.as_str(), near.n, near.margin), (AGREE, 4, 2.0));
        assert!(near.difference_low < 0.0 && near.difference_high > 0.0);
        let far = of(top1, &[40.0, 41.0, 40.5, 39.5], &[45.2, 45.8, 45.4, 44.8]);
        assert_eq!(far.verdict, DIFFER);
        assert!((far.difference + 5.05).abs() < 1e-9, "{}", far.difference);
        let wide = of(top1, &[30.0, 50.0, 41.0, 39.5], &[45.2, 30.8, 45.4, 54.8]);
        assert_eq!(wide.verdict, UNRESOLVED);
        assert_eq!(of(test_loss, &[40.0, 41.0, 40.5], &[40.2, 40.8, 40.4]).verdict, AGREE);
        // Alike to the last digit: nothing varies.
        let alike = of(train_loss, &[40.0, 41.0], &[50.0, 51.0]);
        assert_eq!((alike.verdict.as_str(), alike.p_equivalence), (AGREE, 0.0));
        assert_eq!(of(top1, &[f64::NAN, 40.0], &[40.0, 41.0]).verdict, DIFFER);
    }

    #[test]
    fn a_small_difference_that_is_certain_is_still_within_the_margin() {
        let row = of(&FIGURES[0], &[40.0, 40.01, 40.02], &[40.5, 40.51, 40.52]);
        assert!(row.p_difference < 0.001, "{}", row.p_difference);
        assert_eq!(row.verdict, AGREE);
        let text = line(&CertifyRow { recipe: "r".into(), ..row });
        assert!(text.starts_with("r top1: 40.01 ± 0.01 (n 3) to 40.51 ± 0.01"), "{text}");
        assert!(text.ends_with(": agree"), "{text}");
    }
}
