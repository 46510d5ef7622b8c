//! What is seen while runs train: means over the seeds, epoch by epoch.

use super::Group;
use super::chart::{Chart, Point, Series, Stray};
use crate::records::{EpochRow, RunRow};

/// A column of `epochs.csv` that is drawn.
struct Drawn {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    is_loss: bool,
    value: fn(&EpochRow) -> Option<f64>,
}

const DRAWN: [Drawn; 5] = [
    Drawn {
        id: "top1",
        title: "Test accuracy",
        unit: "top-1 (%)",
        is_loss: false,
        value: |row| row.top1,
    },
    Drawn {
        id: "val_top1",
        title: "Accuracy on held-out training images",
        unit: "top-1 (%)",
        is_loss: false,
        value: |row| row.val_top1,
    },
    Drawn {
        id: "train_loss",
        title: "Training loss",
        unit: "cross-entropy (nats)",
        is_loss: true,
        value: |row| Some(row.train_loss),
    },
    Drawn {
        id: "test_loss",
        title: "Test loss",
        unit: "cross-entropy (nats)",
        is_loss: true,
        value: |row| row.test_loss,
    },
    Drawn {
        id: "lr",
        title: "Learning rate",
        unit: "at the last step of the epoch",
        is_loss: false,
        value: |row| Some(row.lr),
    },
];

/// Most points of a line.
const MOST: u32 = 200;

/// A chart for each column that any run has.
pub(super) fn charts(groups: &[&Group]) -> Vec<Chart> {
    let charts = (0..DRAWN.len()).map(|at| chart(at, groups));
    charts.filter(|chart| !chart.is_empty()).collect()
}

fn chart(at: usize, groups: &[&Group]) -> Chart {
    let drawn = &DRAWN[at];
    let all = groups.iter().enumerate().map(|(number, group)| series(at, number, group));
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
    let steep = drawn.is_loss && is_steep(&series);
    Chart {
        id: format!("curve-{}", drawn.id),
        title: drawn.title.into(),
        about,
        x: "epoch".into(),
        y: if steep { format!("{}, log scale", drawn.unit) } else { drawn.unit.into() },
        log: false,
        steep,
        bounded: !drawn.is_loss,
        whole: true,
        series,
        front: Vec::new(),
    }
}

/// From this factor between the highest and the lowest on, losses go by factors: else the first epochs
/// flatten all others.
const STEEP: f64 = 20.0;

fn is_steep(series: &[Series]) -> bool {
    let points = || series.iter().flat_map(|series| &series.points);
    let ends = points().map(|point| point.spread.unwrap_or((point.y, point.y)));
    let (low, high) = ends.fold((f64::INFINITY, 0.0_f64), |(low, high), (least, most)| {
        (low.min(least), high.max(most))
    });
    low > 0.0 && high > STEEP * low
}

fn series(at: usize, number: usize, group: &Group) -> Series {
    let curves = &group.curves;
    let (name, points) = (group.name.clone(), curves.points(at));
    let strays = curves.strays.iter().filter_map(|stray| stray.drawn(at)).collect();
    Series { number, name, line: true, points, strays }
}

/// What is drawn of the runs of an experiment. A run is taken in by itself, so that of many runs never all
/// epochs are in memory.
#[derive(Debug, Clone, Default)]
pub struct Curves {
    /// By epoch, the first of which is 1, then by column of [`DRAWN`]: over the runs that neither diverged
    /// nor failed.
    sound: Vec<[Values; DRAWN.len()]>,
    /// The number of the last epoch of any of these.
    last: u32,
    /// The runs that did.
    strays: Vec<StrayRun>,
}

/// The values of some runs at an epoch.
#[derive(Debug, Clone, Copy)]
struct Values {
    n: u32,
    sum: f64,
    low: f64,
    high: f64,
}

/// A run that diverged or failed, its points by column of [`DRAWN`].
#[derive(Debug, Clone)]
struct StrayRun {
    said: String,
    points: [Vec<(f64, f64)>; DRAWN.len()],
}

impl Curves {
    /// Takes in a run that neither diverged nor failed, or is unfinished.
    pub(super) fn add(&mut self, rows: &[EpochRow]) {
        let most = self.sound.len().max(rows.len());
        self.sound.resize(most, [Values::NONE; DRAWN.len()]);
        for (epoch, row) in self.sound.iter_mut().zip(rows) {
            for (values, drawn) in epoch.iter_mut().zip(&DRAWN) {
                values.add((drawn.value)(row));
            }
        }
        self.last = self.last.max(rows.last().map_or(0, |row| row.epoch));
    }

    /// Takes in one that did.
    pub(super) fn add_stray(&mut self, run: &RunRow, rows: &[EpochRow]) {
        let point = |drawn: &Drawn, row: &EpochRow| {
            let y = (drawn.value)(row).filter(|y| y.is_finite())?;
            Some((f64::from(row.epoch), y))
        };
        let points =
            DRAWN.each_ref().map(|drawn| rows.iter().filter_map(|row| point(drawn, row)).collect());
        let said = format!("{}, seed {}, {}", run.experiment, run.seed, run.status);
        self.strays.push(StrayRun { said, points });
    }

    /// Whether a run did.
    pub(super) fn has_strays(&self) -> bool {
        !self.strays.is_empty()
    }

    /// The points of a column, of which there are no more than can be told apart.
    fn points(&self, at: usize) -> Vec<Point> {
        let every = self.last.div_ceil(MOST).max(1);
        let is_drawn =
            |epoch: &u32| epoch.is_multiple_of(every) || *epoch == self.last || *epoch == 1;
        // Epochs are numbered from 1 without gaps.
        let values = |epoch: u32| self.sound.get(epoch as usize - 1)?[at].point(epoch);
        (1..=self.last).filter(is_drawn).filter_map(values).collect()
    }
}

impl Values {
    const NONE: Self = Self { n: 0, sum: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn add(&mut self, value: Option<f64>) {
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        self.n += 1;
        self.sum += value;
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
    }

    fn point(&self, epoch: u32) -> Option<Point> {
        let Self { n, sum, low, high } = *self;
        let y = (n > 0).then(|| sum / f64::from(n))?;
        let spread = (n > 1).then_some((low, high));
        let range =
            spread.map(|(low, high)| format!(", {low:.4} to {high:.4}")).unwrap_or_default();
        let said = format!("epoch {epoch}, {y:.4} (n {n}{range})");
        Some(Point { x: f64::from(epoch), y, spread, said })
    }
}

impl StrayRun {
    fn drawn(&self, at: usize) -> Option<Stray> {
        let points = self.points[at].clone();
        (!points.is_empty()).then(|| Stray { points, said: self.said.clone() })
    }
}
