//! Where two runs differ, by what is kept of them.

use super::column::Row;
use super::record::Environment;
use super::rows::EpochRow;

/// The first cell of `epochs.csv` in which two runs differ, measured columns aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellDifference {
    /// The epoch.
    pub epoch: u32,
    /// The column; `epoch` where one run has no such epoch.
    pub column: &'static str,
    /// The cell of the first run; empty where it has none.
    pub first: String,
    /// The cell of the second run.
    pub second: String,
}

/// The first difference between the epochs of two runs, whatever they are called; none where all
/// cells are the same.
pub fn first_difference(first: &[EpochRow], second: &[EpochRow]) -> Option<CellDifference> {
    let shared = first.iter().zip(second).find_map(|(first, second)| cell(first, second));
    shared.or_else(|| {
        let longer = first.get(second.len()).or_else(|| second.get(first.len()))?;
        let has = |epochs: &[EpochRow]| epochs.iter().any(|row| row.epoch == longer.epoch);
        let of = |epochs: &[EpochRow]| {
            if has(epochs) { longer.epoch.to_string() } else { String::new() }
        };
        let (epoch, column) = (longer.epoch, "epoch");
        Some(CellDifference { epoch, column, first: of(first), second: of(second) })
    })
}

fn cell(first: &EpochRow, second: &EpochRow) -> Option<CellDifference> {
    let cells = first.cells().into_iter().zip(second.cells());
    let compared = EpochRow::COLUMNS.iter().zip(cells);
    let mut compared = compared.filter(|(column, _)| {
        !column.is_measured() && column.name != "experiment" && column.name != "seed"
    });
    let (column, (own, other)) = compared.find(|(_, (own, other))| own != other)?;
    Some(CellDifference { epoch: first.epoch, column: column.name, first: own, second: other })
}

/// What two runs were not trained with and on alike: what it is, and how each has it.
pub fn environments(first: &Environment, second: &Environment) -> Vec<[String; 3]> {
    let (first, second) = (facts(first), facts(second));
    let mut names: Vec<&String> = first.iter().chain(&second).map(|(name, _)| name).collect();
    names.dedup();
    let value = |facts: &[(String, String)], name: &str| {
        let found = facts.iter().find(|(own, _)| own == name);
        found.map_or_else(|| "not known".to_owned(), |(_, value)| value.clone())
    };
    let mut found: Vec<[String; 3]> = Vec::new();
    for name in names {
        let (own, other) = (value(&first, name), value(&second, name));
        if own != other && !found.iter().any(|[known, ..]| known == name) {
            found.push([name.replace('_', " "), own, other]);
        }
    }
    found
}

/// Everything that is known of an environment, in words.
fn facts(it: &Environment) -> Vec<(String, String)> {
    let named = [
        ("resweep", Some(it.code_version.clone())),
        ("tch", it.tch_version.clone()),
        ("libtorch", it.libtorch_version.clone()),
        ("device", Some(it.device.clone())),
        ("device name", it.device_name.clone()),
        ("threads", Some(it.threads.to_string())),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    named.chain(it.machine.clone()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(epoch: u32, loss: f64, seconds: f64) -> EpochRow {
        EpochRow {
            experiment: format!("{seconds}"),
            seed: epoch.into(),
            epoch,
            lr: 0.1,
            train_loss: loss,
            top1: Some(50.0),
            epoch_s: seconds,
            ..EpochRow::default()
        }
    }

    #[test]
    fn epochs_are_compared_cell_by_cell_times_aside() {
        let first = [row(1, 2.0, 1.0), row(2, 1.5, 1.0)];
        assert_eq!(first_difference(&first, &[row(1, 2.0, 9.0), row(2, 1.5, 8.0)]), None);
        let other = first_difference(&first, &[row(1, 2.0, 1.0), row(2, 1.25, 1.0)]).unwrap();
        assert_eq!((other.epoch, other.column), (2, "train_loss"));
        assert_eq!((other.first.as_str(), other.second.as_str()), ("1.5", "1.25"));
        let shorter = first_difference(&first, &first[..1]).unwrap();
        assert_eq!((shorter.epoch, shorter.column), (2, "epoch"));
        assert_eq!((shorter.first.as_str(), shorter.second.as_str()), ("2", ""));
    }

    #[test]
    fn environments_are_compared_fact_by_fact() {
        let mut first = Environment { threads: 2, ..Environment::default() };
        let mut second = Environment { threads: 1, ..Environment::default() };
        second.machine.insert("cpu".into(), "B".into());
        let told = |a: &Environment, b: &Environment| {
            environments(a, b).iter().map(|it| it.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(told(&first, &second), ["threads 2 1", "cpu not known B"]);
        first = second.clone();
        assert!(told(&first, &second).is_empty());
    }
}
