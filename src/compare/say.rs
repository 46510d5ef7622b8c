//! Rows to sentences.

use super::metric::difference_unit;
use crate::records::{CompareRow, Verdict};

/// What is to be said of a pair in words; `unit` is that of the metric.
pub fn sentence(row: &CompareRow, unit: &str, power: f64) -> String {
    let said =
        format!("{} {} {}: {}", row.experiment, relation(row.verdict), row.other, found(row, unit));
    let needed = needed(row, unit, power).map(|needed| format!("; {needed}"));
    let images = images(row).map(|images| format!(". {images}"));
    format!("{said}{}{}", needed.unwrap_or_default(), images.unwrap_or_default())
}

fn relation(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "is better than",
        Verdict::Worse => "is worse than",
        Verdict::NotResolved => "is not resolved from",
    }
}

/// The difference, and what it rests on.
fn found(row: &CompareRow, unit: &str) -> String {
    let unit = difference_unit(unit);
    let why = row.why.as_ref().map(|why| format!(", but {why}")).unwrap_or_default();
    let Some(difference) = row.difference else {
        return row.why.clone().unwrap_or_default();
    };
    let Some(test) = &row.test else { return format!("{difference:+.2} {unit}{why}") };
    let over = match test.as_str() {
        "Welch" => format!("Welch's t over {} and {} runs", row.n, row.other_n),
        _ => format!("{test} over {} seeds", row.n),
    };
    format!("{difference:+.2} {unit} by {over}{why}")
}

/// The seeds that would tell, of a pair that is not resolved.
fn needed(row: &CompareRow, unit: &str, power: f64) -> Option<String> {
    let is_fixed = row.test.as_deref() != Some(super::sequential::TEST);
    row.p.filter(|_| row.verdict == Verdict::NotResolved && is_fixed)?;
    let difference = row.difference?.abs();
    let seeds = match row.seeds_needed {
        Some(seeds) => format!("{seeds} seeds a side"),
        None => "more than 1000 seeds a side".into(),
    };
    let unit = difference_unit(unit);
    Some(format!("if {difference:.2} {unit} is the truth, {seeds} show it with a power of {power}"))
}

/// What the images say of these runs.
fn images(row: &CompareRow) -> Option<String> {
    (row.mcnemar_seeds > 0).then(|| {
        format!(
            "Image by image {} of {} pairs of runs differ for it, {} against it",
            row.mcnemar_better, row.mcnemar_seeds, row.mcnemar_worse
        )
    })
}
