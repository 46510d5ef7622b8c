//! What is seen while runs train: means over the seeds, epoch by epoch.

use super::Group;
use super::chart::{Chart, Point, Series, Stray};
use crate::records::{EpochRow, RunRow};
use crate::statistics::mean;

/// A column of `epochs.csv` that is drawn.
struct Drawn {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    value: fn(&EpochRow) -> Option<f64>,
}

const DRAWN: [Drawn; 5] = [
    Drawn { id: "top1", title: "Test accuracy", unit: "top-1 (%)", value: |row| row.top1 },
    Drawn {
        id: "val_top1",
        title: "Accuracy on held-out training images",
        unit: "top-1 (%)",
        value: |row| row.val_top1,
    },
    Drawn {
        id: "train_loss",
        title: "Training loss",
        unit: "cross-entropy (nats)",
        value: |row| Some(row.train_loss),
    },
    Drawn {
        id: "test_loss",
        title: "Test loss",
        unit: "cross-entropy (nats)",
        value: |row| row.test_loss,
    },
    Drawn {
        id: "lr",
        title: "Learning rate",
        unit: "at the last step of the epoch",
        value: |row| Some(row.lr),
    },
];

/// Most points of a line.
const MOST: u32 = 200;

/// A chart for each column that any run has.
pub(super) fn charts(groups: &[Group]) -> Vec<Chart> {
    let charts = DRAWN.iter().map(|drawn| chart(drawn, groups));
    charts.filter(|chart| !chart.is_empty()).collect()
}

fn chart(drawn: &Drawn, groups: &[Group]) -> Chart {
    let all = groups.iter().enumerate().map(|(number, group)| series(drawn, number, group));
    let series: Vec<Series> = all.filter(|series| !series.is_empty()).collect();
    let last = |series: &Series| {
        let point = series.points.last();
        point.map(|point| format!("{}: {}", series.name, point.said))
    };
    let last: Vec<String> = series.iter().filter_map(last).collect();
    let strays: Vec<&str> =
        series.iter().flat_map(|series| &series.strays).map(|stray| stray.said.as_str()).collect();
    let mut about = format!(
        "{} by epoch, means over the seeds with the range of the seeds as a band.",
        drawn.title
    );
    for (what, told) in [("At the end", last.join("; ")), ("In no mean", strays.join("; "))] {
        if !told.is_empty() {
            about += &format!(" {what} {told}.");
        }
    }
    Chart {
        id: format!("curve-{}", drawn.id),
        title: drawn.title.into(),
        about,
        x: "epoch".into(),
        y: drawn.unit.into(),
        log: false,
        whole: true,
        series,
        front: Vec::new(),
    }
}

fn series(drawn: &Drawn, number: usize, group: &Group) -> Series {
    let last = group.sound().filter_map(|rows| rows.last()).map(|row| row.epoch).max();
    let last = last.unwrap_or(0);
    let every = last.div_ceil(MOST).max(1);
    let epochs = (1..=last).filter(|epoch| epoch % every == 0 || *epoch == last || *epoch == 1);
    let points = epochs.filter_map(|epoch| point(drawn, epoch, group)).collect();
    let strays = group.strays().filter_map(|(run, rows)| stray(drawn, run, rows)).collect();
    Series { number, name: group.name.clone(), line: true, points, strays }
}

/// A run that diverged or failed.
fn stray(drawn: &Drawn, run: &RunRow, rows: &[EpochRow]) -> Option<Stray> {
    let point = |row: &EpochRow| Some((f64::from(row.epoch), (drawn.value)(row)?));
    let points: Vec<(f64, f64)> =
        rows.iter().filter_map(point).filter(|(_, y)| y.is_finite()).collect();
    let said = format!("{}, seed {}, {}", run.experiment, run.seed, run.status);
    (!points.is_empty()).then_some(Stray { points, said })
}

fn point(drawn: &Drawn, epoch: u32, group: &Group) -> Option<Point> {
    // Epochs are numbered from 1 without gaps.
    let row = |rows: &[EpochRow]| rows.get(epoch as usize - 1).and_then(drawn.value);
    let values: Vec<f64> =
        group.sound().filter_map(row).filter(|value| value.is_finite()).collect();
    let y = mean(&values)?;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = (values.len() > 1).then_some((low, high));
    let range = spread.map(|(low, high)| format!(", {low:.4} to {high:.4}")).unwrap_or_default();
    let said = format!("epoch {epoch}, {y:.4} (n {}{range})", values.len());
    Some(Point { x: f64::from(epoch), y, spread, said })
}
