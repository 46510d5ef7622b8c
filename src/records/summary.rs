//! Tables to what is printed at the end of a sweep.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

use super::halving::Decision;
use super::rows::{AccuracyRow, RunRow, Status, TimingRow};
use super::seeds::{SeedsDecision, SeedsRow};
use super::tables::Tables;

/// The summary of a sweep: a line per experiment, rounded for reading, and under it the runs that
/// diverged or failed, with their reasons. A spread is shown from two runs on, and the difference
/// from the baseline where there is one.
pub fn summary(tables: &Tables) -> String {
    let mut table = Table::new();
    let columns = || COLUMNS.iter().filter(|column| column.is_shown(tables));
    table
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns().map(|column| column.title));
    for rows in tables.accuracy.iter().zip(&tables.timing) {
        table.add_row(columns().map(|column| (column.cell)(rows.0, rows.1)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let compared = tables
        .baseline
        .as_ref()
        .map(|name| format!("\n{VS_BASELINE}: top-1 less that of {name}, in percentage points"));
    let compared = compared.unwrap_or_default();
    let stops = stops(tables);
    format!("{}\n{NOTE}{compared}{stops}\n{}", table.trim_fmt(), troubles(&tables.runs))
}

const NOTE: &str = "top-1 after the last epoch; ± sample standard deviation over the n runs";
const VS_BASELINE: &str = "vs baseline";

/// A column of the summary.
struct SummaryColumn {
    title: &'static str,
    cell: fn(&AccuracyRow, &TimingRow) -> String,
}

impl SummaryColumn {
    fn is_shown(&self, tables: &Tables) -> bool {
        self.title != VS_BASELINE || tables.baseline.is_some()
    }
}

const COLUMNS: [SummaryColumn; 10] = [
    SummaryColumn { title: "experiment", cell: |row, _| row.experiment.clone() },
    SummaryColumn { title: "n", cell: |row, _| row.n.to_string() },
    SummaryColumn { title: "top-1 %", cell: |row, _| spread(row.top1_mean, row.top1_std, 2) },
    SummaryColumn {
        title: VS_BASELINE,
        cell: |row, _| {
            row.top1_vs_baseline.map(|points| format!("{points:+.2}")).unwrap_or_default()
        },
    },
    SummaryColumn {
        title: "test loss",
        cell: |row, _| spread(row.test_loss_mean, row.test_loss_std, 3),
    },
    SummaryColumn { title: "params (M)", cell: |row, _| rounded(row.params as f64 / 1e6, 3) },
    SummaryColumn { title: "GMACs", cell: |row, _| rounded(row.macs as f64 / 1e9, 3) },
    SummaryColumn {
        title: "train img/s",
        cell: |_, timing| spread(timing.train_images_per_s, None, 0),
    },
    SummaryColumn { title: "s/epoch", cell: |_, timing| spread(timing.epoch_s_mean, None, 2) },
    SummaryColumn { title: "latency (ms)", cell: |_, timing| spread(timing.latency_ms, None, 2) },
];

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

/// What was stopped before its end, as planned: lines, each with a line break before it.
fn stops(tables: &Tables) -> String {
    let early: u32 = tables.accuracy.iter().map(|row| row.stopped_early).sum();
    let ended: u32 = tables.accuracy.iter().map(|row| row.n).sum();
    let early = (early > 0).then(|| {
        format!(
            "\n{early} of {ended} runs stopped early: stopped_epoch and stop_reason in runs.csv"
        )
    });
    let rows = tables.halving.iter().flatten();
    let dropped = rows.filter(|row| row.decision == Decision::Dropped);
    let dropped = dropped.map(|row| {
        let value = row
            .value
            .map_or("no run left".into(), |value| format!("{} {}", row.metric, rounded(value, 4)));
        format!(
            "\n{} was dropped at rung {}, epoch {}: {value}",
            row.experiment, row.rung, row.epoch
        )
    });
    early.into_iter().chain(dropped).chain(pairs(tables)).collect()
}

/// How the pairs ended for which seeds were added.
fn pairs(tables: &Tables) -> Vec<String> {
    let rows = tables.seeds.iter().flatten();
    let ended = rows.filter(|row| row.decision != SeedsDecision::Open);
    let line = |row: &SeedsRow| {
        let (a, b, n) = (&row.experiment, &row.other, row.n);
        let difference = row.difference.map(|by| format!(" ({by:+.2})")).unwrap_or_default();
        let said = match row.decision {
            SeedsDecision::Better => format!("{a} is better than {b}"),
            SeedsDecision::Worse => format!("{a} is worse than {b}"),
            SeedsDecision::Equal => format!("{a} and {b} are equal within what matters"),
            _ => format!("{a} is not resolved from {b}"),
        };
        format!("\n{said}{difference}, after {n} seeds")
    };
    ended.map(line).collect()
}

/// A line for each run that did not end well.
fn troubles(runs: &[RunRow]) -> String {
    let mut text = String::new();
    let is_bad = |run: &&RunRow| matches!(run.status, Status::Diverged | Status::Failed);
    for run in runs.iter().filter(is_bad) {
        let reason = run.reason.as_deref().unwrap_or("no reason given");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} seed {} {}: {reason}", run.experiment, run.seed, run.status);
    }
    text
}
