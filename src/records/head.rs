//! The row of a run from its record, or the rows of its epochs, each without the other: the epochs are most
//! of a record, and to list and to compare runs none of them is needed.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::rows::{EpochRow, RunRow};
use super::store::read;
use crate::regular;

/// The line that comes after the row, as records are written. In no text of the row there is a line
/// break, which RON writes as `\n`.
const AFTER: &[u8] = b"\n    epochs: [";
/// How records end.
const END_TEXT: &str = "],\n)\n";
/// Rows are shorter than that, unless a run failed for a long reason.
const USUAL: usize = 4096;

/// The row of the run in a record's file.
///
/// # Errors
/// What reading it reports, and `InvalidData` for what is no record.
pub(super) fn row(path: &Path) -> io::Result<RunRow> {
    let mut file = regular::open(path)?;
    match head(&mut file)?.as_deref().map(parsed) {
        Some(Some(row)) if is_whole(&mut file)? => Ok(row),
        // It is written in another way, or broken: then the whole says what is wrong.
        _ => read(path).map(|record| record.run),
    }
}

/// The rows of the epochs in a record's file, without that of the run.
///
/// # Errors
/// As for [`row`].
pub(super) fn epochs(path: &Path) -> io::Result<Vec<EpochRow>> {
    let text = regular::read_to_string(path)?;
    let after = std::str::from_utf8(AFTER).unwrap_or_default();
    let rest = text.split_once(after).and_then(|(_, rest)| rest.strip_suffix(END_TEXT));
    match rest.and_then(|rows| ron::from_str(&format!("[{rows}]")).ok()) {
        Some(epochs) => Ok(epochs),
        None => read(path).map(|record| record.epochs),
    }
}

/// What stands before the epochs; none where no line begins with them.
fn head(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(USUAL);
    loop {
        let before = bytes.len();
        let more = file.by_ref().take(USUAL as u64).read_to_end(&mut bytes)?;
        // The line may have begun in what was read before.
        let from = before.saturating_sub(AFTER.len());
        let found = bytes[from..].windows(AFTER.len()).position(|window| window == AFTER);
        match found {
            Some(place) => {
                bytes.truncate(from + place);
                return Ok(Some(bytes));
            }
            None if more == 0 => return Ok(None),
            None => {}
        }
    }
}

#[derive(Deserialize)]
struct Head {
    run: RunRow,
}

fn parsed(head: &[u8]) -> Option<RunRow> {
    let text = format!("{})", std::str::from_utf8(head).ok()?);
    ron::from_str::<Head>(&text).ok().map(|head| head.run)
}

/// Whether the file ends as a record does.
fn is_whole(file: &mut File) -> io::Result<bool> {
    const END: &[u8] = END_TEXT.as_bytes();
    match file.seek(SeekFrom::End(-(END.len() as i64))) {
        Err(error) if error.kind() == ErrorKind::InvalidInput => return Ok(false),
        sought => sought?,
    };
    let mut end = [0; END.len()];
    file.read_exact(&mut end)?;
    Ok(end == END)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::records::{Record, RunId};

    /// A record as the store writes it, and its file.
    fn kept() -> (tempfile::TempDir, std::path::PathBuf, Record) {
        use crate::records::{Access, Ending, Environment, EpochRow, Facts, Span, Status, Store};
        let folder = tempfile::tempdir().unwrap();
        let id = RunId { experiment: "net".into(), seed: 1, spec_hash: "a".repeat(64) };
        let facts = Facts {
            params: 1,
            macs: 2,
            activation_bytes: None,
            precision: "fp32".into(),
            batch: 3,
            train_images: 4,
            test_images: 5,
        };
        let reason = format!("it said\n    epochs: [ {}", "and so on ".repeat(USUAL / 8));
        let ending = Ending { reason: Some(reason), ..Ending::of(Status::Failed) };
        let span = Span { started: std::time::UNIX_EPOCH, wall: std::time::Duration::ZERO };
        let epoch = EpochRow {
            experiment: "net".into(),
            seed: 1,
            epoch: 1,
            lr: 0.1,
            train_loss: 2.0,
            epoch_s: 1.0,
            ..EpochRow::default()
        };
        let record = Record::new(&id, &facts, &Environment::default(), vec![epoch], ending, span);
        let store = Store::open(folder.path(), "sweep", Access::Alone).unwrap();
        store.save(&record).unwrap();
        let path = store.run(&id).file(crate::saved::RunFile::Record);
        (folder, path, record)
    }

    #[test]
    fn the_row_is_that_of_the_whole_record() {
        let (_folder, path, record) = kept();
        assert_eq!(row(&path).unwrap(), record.run);
        let mut file = File::open(&path).unwrap();
        assert!(parsed(&head(&mut file).unwrap().unwrap()).is_some(), "the short way is taken");
        assert!(is_whole(&mut file).unwrap());
        assert_eq!(epochs(&path).unwrap(), record.epochs);
    }

    #[test]
    fn a_record_that_is_written_in_another_way_is_read_too() {
        let (_folder, path, record) = kept();
        std::fs::write(&path, ron::to_string(&record).unwrap()).unwrap();
        assert_eq!(row(&path).unwrap(), record.run);
        assert_eq!(epochs(&path).unwrap().len(), record.epochs.len());
    }

    #[test]
    fn a_record_that_ends_early_is_none() {
        let (_folder, path, _) = kept();
        let text = std::fs::read_to_string(&path).unwrap();
        for length in [0, 3, text.len() - 3] {
            std::fs::write(&path, &text[..length]).unwrap();
            assert_eq!(row(&path).unwrap_err().kind(), ErrorKind::InvalidData, "{length}");
        }
    }
}
