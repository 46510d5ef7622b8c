//! Tables to what is printed at the end of a sweep.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

use super::rows::{AccuracyRow, RunRow, Status, TimingRow};
use super::tables::Tables;

/// The summary of a sweep: a line per experiment, rounded for reading, and under it the runs that
/// diverged or failed, with their reasons. A spread is shown from two runs on.
pub fn summary(tables: &Tables) -> String {
    let mut table = Table::new();
    table
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER);
    for (accuracy, timing) in tables.accuracy.iter().zip(&tables.timing) {
        table.add_row(line(accuracy, timing));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{}\n{NOTE}\n{}", table.trim_fmt(), troubles(&tables.runs))
}

const NOTE: &str = "top-1 after the last epoch; ± sample standard deviation over the n runs";

const HEADER: [&str; 9] = [
    "experiment",
    "n",
    "top-1 %",
    "test loss",
    "params (M)",
    "GMACs",
    "train img/s",
    "s/epoch",
    "latency (ms)",
];

/// The cells under [`HEADER`].
fn line(accuracy: &AccuracyRow, timing: &TimingRow) -> [String; 9] {
    [
        accuracy.experiment.clone(),
        accuracy.n.to_string(),
        spread(accuracy.top1_mean, accuracy.top1_std, 2),
        spread(accuracy.test_loss_mean, accuracy.test_loss_std, 3),
        rounded(accuracy.params as f64 / 1e6, 3),
        rounded(accuracy.macs as f64 / 1e9, 3),
        spread(timing.train_images_per_s, None, 0),
        spread(timing.epoch_s_mean, None, 2),
        spread(timing.latency_ms, None, 2),
    ]
}

/// `mean ± std`, `mean` without a spread, empty without a mean.
fn spread(mean: Option<f64>, std: Option<f64>, decimals: usize) -> String {
    match (mean, std) {
        (Some(mean), Some(std)) => {
            format!("{} ± {}", rounded(mean, decimals), rounded(std, decimals))
        }
        (Some(mean), None) => rounded(mean, decimals),
        (None, _) => String::new(),
    }
}

fn rounded(number: f64, decimals: usize) -> String {
    format!("{number:.decimals$}")
}

/// A line for each run that did not end well.
fn troubles(runs: &[RunRow]) -> String {
    let mut text = String::new();
    for run in runs.iter().filter(|run| run.status != Status::Ok) {
        let reason = run.reason.as_deref().unwrap_or("no reason given");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} seed {} {}: {reason}", run.experiment, run.seed, run.status);
    }
    text
}
