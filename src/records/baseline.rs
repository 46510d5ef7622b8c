//! What a sweep sets its experiments against, read from its table of accuracies.

use std::path::Path;

use super::column::Row;
use super::rows::AccuracyRow;
use crate::regular;

/// The `baseline` of the sweep whose folder this is: the one experiment with a mean and no difference from
/// the baseline. None where the sweep names none or it has no mean yet, and where the table cannot be read.
#[must_use]
pub fn baseline_of(sweep: &Path) -> Option<String> {
    let mut reader = csv::Reader::from_reader(regular::open(sweep.join(AccuracyRow::FILE)).ok()?);
    let header = reader.headers().ok()?.clone();
    let column = |name: &str| header.iter().position(|own| own == name);
    let (experiment, mean) = (column("experiment")?, column("top1_mean")?);
    let difference = column("top1_vs_baseline")?;
    let rows: Vec<csv::StringRecord> = reader.records().map_while(Result::ok).collect();
    let has = |row: &csv::StringRecord, at: usize| row.get(at).is_some_and(|cell| !cell.is_empty());
    rows.iter().find(|row| has(row, difference))?;
    let mut own = rows.iter().filter(|row| has(row, mean) && !has(row, difference));
    let found = own.next()?.get(experiment)?.to_owned();
    own.next().is_none().then_some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_differs_from_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(folder.path().join(AccuracyRow::FILE), text).unwrap();
            baseline_of(folder.path())
        };
        let header = "experiment,depth,top1_mean,top1_vs_baseline\n";
        let read = |rows: &str| read(&format!("{header}{rows}"));
        assert_eq!(read("a,1,50,\nb,2,60,10\nc,3,,\n").as_deref(), Some("a"));
        assert_eq!(read("a,1,50,\nb,2,60,\n"), None, "no baseline");
        assert_eq!(read("a,1,50,\nb,2,60,1\nc,3,60,\n"), None, "two that differ from nothing");
        assert_eq!(read("a,1,50,\n"), None);
        assert_eq!(baseline_of(&folder.path().join("elsewhere")), None);
    }
}
