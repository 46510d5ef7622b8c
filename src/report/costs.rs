//! Accuracy against what it costs.

use super::chart::{Chart, Point, Series};
use super::{Group, Report, group};
use crate::records::StandingRow;

/// What an experiment costs in one way.
struct Cost {
    id: &'static str,
    title: &'static str,
    axis: &'static str,
    /// Whether it is a time, which hangs on the device.
    timed: bool,
    value: fn(&Group, &StandingRow) -> Option<f64>,
}

const COSTS: [Cost; 4] = [
    Cost {
        id: "params",
        title: "Accuracy against parameters",
        axis: "parameters (millions)",
        timed: false,
        value: |_, row| Some(row.params as f64 / 1e6),
    },
    Cost {
        id: "macs",
        title: "Accuracy against multiply-accumulates",
        axis: "MACs of one image (billions)",
        timed: false,
        value: |_, row| Some(row.macs as f64 / 1e9),
    },
    Cost {
        id: "train",
        title: "Accuracy against training time",
        axis: "training time of a run (s)",
        timed: true,
        value: |_, row| row.train_s,
    },
    Cost {
        id: "latency",
        title: "Accuracy against latency",
        axis: "forward pass of one image (ms)",
        timed: true,
        value: |group, _| group.latency_ms(),
    },
];

/// From this factor between the highest and the lowest on, an axis goes by factors.
const WIDE: f64 = 20.0;

/// Whether times of experiments can be set against one another.
pub(super) fn are_timed_alike(report: &Report) -> bool {
    group::are_timed_alike(&report.groups)
}

/// A chart for each cost that is known of any experiment.
pub(super) fn charts(report: &Report) -> Vec<Chart> {
    let told = COSTS.iter().filter(|cost| !cost.timed || are_timed_alike(report));
    let charts = told.map(|cost| chart(cost, report));
    charts.filter(|chart| !chart.is_empty()).collect()
}

fn chart(cost: &Cost, report: &Report) -> Chart {
    let all = report.groups.iter().enumerate();
    let mut series: Vec<Series> =
        all.filter_map(|(place, group)| series(cost, report, place, group)).collect();
    let front = front(&series);
    // Of many experiments those that are told of in detail, and those on the front.
    let is_on = |own: &Series| own.points.iter().any(|point| front.contains(&(point.x, point.y)));
    series.retain(|own| report.shown.contains(&own.number) || is_on(own));
    let mut further = report.shown.len()..;
    for own in &mut series {
        let number = report.shown.iter().position(|place| *place == own.number);
        own.number = number.or_else(|| further.next()).unwrap_or_default();
    }
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point.x);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let told: Vec<String> = series
        .iter()
        .filter_map(|series| Some(format!("{}: {}", series.name, series.points.first()?.said)))
        .collect();
    let about = format!("{}. {}.", cost.title, told.join("; "));
    Chart {
        id: format!("cost-{}", cost.id),
        title: cost.title.into(),
        about,
        x: cost.axis.into(),
        y: match report.unit() {
            "%" => "top-1 (%), ± standard deviation".into(),
            unit => format!("{unit}, ± standard deviation"),
        },
        whole: false,
        steep: false,
        bounded: true,
        log: least > 0.0 && most > WIDE * least,
        front,
        series,
    }
}

fn series(cost: &Cost, report: &Report, place: usize, group: &Group) -> Option<Series> {
    let comparison = report.comparison.as_ref()?;
    let row = comparison.standing.iter().find(|row| row.experiment == group.name)?;
    let (x, y) = ((cost.value)(group, row)?, row.mean?);
    let spread = row.std.map(|std| (y - std, y + std));
    let std = row.std.map(|std| format!(" ± {std:.2}")).unwrap_or_default();
    let said = format!("{y:.2}{std} {} (n {}) at {x:.4} {}", report.unit(), row.n, cost.axis);
    let points = vec![Point { x, y, spread, said }];
    // By its place among all; it is numbered when it is known which are drawn.
    let (number, name) = (place, group.name.clone());
    Some(Series { number, name, line: false, points, strays: Vec::new() })
}

/// The means that none of as little cost is above, by their cost.
fn front(series: &[Series]) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> =
        series.iter().flat_map(|series| &series.points).map(|point| (point.x, point.y)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut best = f64::NEG_INFINITY;
    points.retain(|(_, y)| {
        let is_on = *y > best;
        best = best.max(*y);
        is_on
    });
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_nothing_cheaper_beats() {
        let one = |x, y| {
            let points = vec![Point { x, y, spread: None, said: String::new() }];
            Series { line: false, points, ..Series::default() }
        };
        let series =
            [one(3.0, 70.0), one(1.0, 60.0), one(2.0, 59.0), one(3.0, 71.0), one(4.0, 71.0)];
        assert_eq!(front(&series), [(1.0, 60.0), (3.0, 71.0)]);
        assert!(front(&[]).is_empty());
    }
}
