//! The record: `results/bench/<machine>.csv`, and the machine beside it.

use std::path::{Path, PathBuf};

use resweep::records::BenchRow;

use crate::machine;
use crate::python::Python;
use crate::record::{self, RecordError};

/// The record of a machine. A row replaces an older one of the same measurement; all other rows stay,
/// and the file is not touched before there is a new row.
#[derive(Debug)]
pub struct Table {
    folder: PathBuf,
    path: Option<PathBuf>,
}

impl Table {
    /// A record under `results`.
    pub fn new(results: &Path) -> Self {
        Self { folder: results.join("bench"), path: None }
    }

    /// The file, once there is a row.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Writes the table with a new row, and describes the machine with the first.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn add(&mut self, row: BenchRow, python: &Python) -> Result<(), RecordError> {
        let name = machine::name(&row.device_name, row.threads);
        let path = self.folder.join(format!("{name}.csv"));
        let about = about(&row);
        let rows = record::merged(record::older(&path)?, vec![row], measure_the_same);
        record::write(&path, &rows)?;
        if self.path.is_none() {
            let text = machine::description(python, &about);
            record::text(&path.with_extension("txt"), text.as_bytes())?;
        }
        self.path = Some(path);
        Ok(())
    }
}

fn measure_the_same(a: &BenchRow, b: &BenchRow) -> bool {
    let key = |row: &BenchRow| {
        let BenchRow { device, threads, network, mode, batch, precision, peer, .. } = row.clone();
        (device, threads, network, mode, batch, precision, peer)
    };
    key(a) == key(b)
}

/// What a row tells of the machine.
fn about(row: &BenchRow) -> Vec<(&'static str, String)> {
    vec![
        ("device", format!("{} ({})", row.device_name, row.device)),
        ("threads", row.threads.to_string()),
        ("resweep", row.code_version.clone()),
        ("first row", row.measured.clone()),
    ]
}

/// A row for people.
pub fn line(row: &BenchRow, form: Option<&str>) -> String {
    let form = form.filter(|_| row.peer.starts_with("compile")).map(|form| format!(" ({form})"));
    let memory = match (row.memory_mb, row.peer_memory_mb) {
        (Some(ours), Some(peer)) => format!("   memory {ours:.0} to {peer:.0} MB"),
        _ => String::new(),
    };
    format!(
        "{} {} b{} {}: {:.1} img/s to {:.1} of {}{}, ratio {:.3} ({:.3} to {:.3})   share of gemm \
         {:.2} to {:.2}{memory}",
        row.network,
        row.mode,
        row.batch,
        row.precision,
        row.images_per_s,
        row.peer_images_per_s,
        row.peer,
        form.unwrap_or_default(),
        row.ratio,
        row.ratio_min,
        row.ratio_max,
        row.share_of_gemm,
        row.peer_share_of_gemm,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    fn row(peer: &str, ratio: f64) -> BenchRow {
        let name = "Some CPU @ 2.00GHz".into();
        BenchRow { device_name: name, threads: 2, peer: peer.into(), ratio, ..BenchRow::default() }
    }

    #[test]
    fn a_row_replaces_its_older_one_and_no_other() {
        let results = tempfile::tempdir().unwrap();
        let python = Python::unknown();
        let mut first = Table::new(results.path());
        first.add(row("nchw", 1.0), &python).unwrap();
        first.add(row("compile", 2.0), &python).unwrap();
        let path = first.path().unwrap().to_path_buf();
        assert_eq!(path, results.path().join("bench/some-cpu-2.00ghz-2-threads.csv"));
        assert!(path.with_extension("txt").exists());

        let mut second = Table::new(results.path());
        assert_eq!(second.path(), None);
        second.add(row("nchw", 3.0), &python).unwrap();
        let rows: Vec<BenchRow> = record::read(&fs::read_to_string(&path).unwrap()).unwrap();
        let ratios: Vec<_> = rows.iter().map(|row| (row.peer.as_str(), row.ratio)).collect();
        assert_eq!(ratios, [("nchw", 3.0), ("compile", 2.0)]);
        assert_eq!(rows[0].memory_mb, None);
        let files = fs::read_dir(results.path().join("bench")).unwrap().count();
        assert_eq!(files, 2, "no partial file stays");
    }

    #[test]
    fn a_table_with_other_columns_is_kept_aside() {
        let results = tempfile::tempdir().unwrap();
        let path = results.path().join("bench/some-cpu-2.00ghz-2-threads.csv");
        fs::create_dir(results.path().join("bench")).unwrap();
        fs::write(&path, "device,speed\ncpu,1\n").unwrap();
        Table::new(results.path()).add(row("nchw", 1.0), &Python::unknown()).unwrap();
        let old = fs::read_to_string(path.with_extension("csv.old")).unwrap();
        assert_eq!(old, "device,speed\ncpu,1\n");
    }
}
