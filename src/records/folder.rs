//! A sweep's folder as it is read afterwards: every run with its record, and on demand what it said of
//! the test images. Nothing is written, locked or set aside.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use half::f16;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors};

use super::head;
use super::rows::{EpochRow, RunRow};
use super::seeds::{SeedsRow, last_decisions};
use crate::regular;
use crate::saved::{self, RunFile};

/// The runs in a sweep's folder.
#[derive(Debug)]
pub struct Folder {
    /// Those whose record can be read, in the order of their folders' names.
    pub runs: Vec<Run>,
    /// Those whose record cannot.
    pub unreadable: Vec<Unreadable>,
    /// The latest decision of every pair, where seeds were added until pairs were resolved.
    pub decisions: Vec<SeedsRow>,
}

/// A run that has ended, or waits.
#[derive(Debug)]
pub struct Run {
    /// Its row of `runs.csv`.
    pub row: RunRow,
    folder: PathBuf,
}

/// What a network says of every test image, in the order of the test set.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The class of each image.
    pub labels: Vec<u8>,
    /// The class with its highest logit.
    pub predicted: Vec<u8>,
    /// Cross-entropy of the label, nats.
    pub loss: Vec<f32>,
}

/// What a network says of every test image, without how sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The class of each image.
    pub labels: Vec<u8>,
    /// The class with its highest logit.
    pub predicted: Vec<u8>,
}

/// A file of a run that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {}: {why}", path.display())]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Folder {
    /// Reads the records of `<sweep>/runs/*/`. Folders that were set aside (`*.superseded`), and those
    /// of runs without a record, are passed over.
    ///
    /// # Errors
    /// [`Unreadable`] where the folder of the runs cannot be listed; one that is not there has none.
    pub fn open(sweep: &Path) -> Result<Self, Unreadable> {
        let runs = saved::runs(sweep);
        let folders = match list(&runs) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(|error| Unreadable { path: runs, why: error.to_string() })?,
        };
        let decisions = last_decisions(sweep);
        let mut found = Self { runs: Vec::new(), unreadable: Vec::new(), decisions };
        let read = |folder: &PathBuf| head::row(&folder.join(RunFile::Record.name()));
        let rows: Vec<io::Result<RunRow>> = folders.par_iter().map(read).collect();
        for (folder, row) in folders.into_iter().zip(rows) {
            let path = folder.join(RunFile::Record.name());
            match row {
                Ok(row) => found.runs.push(Run { row, folder }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => found.unreadable.push(Unreadable { path, why: error.to_string() }),
            }
        }
        Ok(found)
    }
}

/// The folders of runs that count, sorted.
fn list(runs: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(runs)?.collect::<io::Result<Vec<_>>>()?;
    // A link may lead to a folder; what the entry says of anything else saves a look at each.
    let is_folder = |entry: &&fs::DirEntry| match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => kind.is_dir(),
        _ => entry.path().is_dir(),
    };
    let mut folders: Vec<PathBuf> =
        entries.iter().filter(is_folder).map(fs::DirEntry::path).collect();
    folders.retain(|path| path.extension().is_none_or(|e| e != "superseded"));
    folders.sort();
    Ok(folders)
}

impl Run {
    /// A file of its folder, whether it is there or not.
    #[must_use]
    pub fn file(&self, file: RunFile) -> PathBuf {
        self.folder.join(file.name())
    }

    /// Its rows of `epochs.csv`, from its record. Of many runs they are most of what there is to read, and
    /// few ask for them.
    ///
    /// # Errors
    /// [`Unreadable`] where the record cannot be read any more.
    pub fn epochs(&self) -> Result<Vec<EpochRow>, Unreadable> {
        let path = self.file(RunFile::Record);
        head::epochs(&path).map_err(|error| Unreadable { path, why: error.to_string() })
    }

    /// What it said of the test images; none where it kept no such file.
    ///
    /// # Errors
    /// [`Unreadable`] where the file cannot be read or holds something else.
    pub fn predictions(&self) -> Result<Option<Predictions>, Unreadable> {
        self.decoded(Predictions::decode)
    }

    /// The same without the losses, which take most of the time to read.
    ///
    /// # Errors
    /// As for [`Run::predictions`].
    pub fn said(&self) -> Result<Option<Said>, Unreadable> {
        self.decoded(Said::decode)
    }

    fn decoded<T>(&self, decode: fn(&[u8]) -> Result<T, String>) -> Result<Option<T>, Unreadable> {
        let path = self.file(RunFile::Predictions);
        let bytes = match regular::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unreadable { path, why: error.to_string() }),
            Ok(bytes) => bytes,
        };
        decode(&bytes).map(Some).map_err(|why| Unreadable { path, why })
    }
}

impl Predictions {
    /// From the bytes of a safetensors file with `labels` and `predicted` (u8) and `loss` (f16).
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let file = saved::open(bytes)?;
        let columns = Columns::of(&file)?;
        let halves = columns.loss.chunks_exact(2);
        let loss = halves.map(|half| f16::from_le_bytes([half[0], half[1]]).to_f32()).collect();
        let Said { labels, predicted } = columns.said();
        Ok(Self { labels, predicted, loss })
    }

    /// Whether each image was classified rightly.
    pub fn right(&self) -> Vec<bool> {
        self.labels.iter().zip(&self.predicted).map(|(label, own)| label == own).collect()
    }
}

impl Said {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let file = saved::open(bytes)?;
        Columns::of(&file).map(|columns| columns.said())
    }
}

/// The tensors of a file, all of the same length.
struct Columns<'a> {
    labels: &'a [u8],
    predicted: &'a [u8],
    /// Two bytes an image.
    loss: &'a [u8],
}

impl<'a> Columns<'a> {
    fn of(file: &'a SafeTensors<'a>) -> Result<Self, String> {
        let labels = column(file, "labels", Dtype::U8)?;
        let predicted = column(file, "predicted", Dtype::U8)?;
        let loss = column(file, "loss", Dtype::F16)?;
        match predicted.len() == labels.len() && loss.len() == 2 * labels.len() {
            true => Ok(Self { labels, predicted, loss }),
            false => Err("its tensors are not of the same length".into()),
        }
    }

    fn said(&self) -> Said {
        Said { labels: self.labels.to_vec(), predicted: self.predicted.to_vec() }
    }
}

/// The bytes of a tensor of one dimension.
fn column<'a>(file: &'a SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8], String> {
    let tensor = file.tensor(name).map_err(|error: SafeTensorError| match error {
        SafeTensorError::TensorNotFound(_) => format!("it has no tensor `{name}`"),
        error => format!("its tensor `{name}` cannot be read ({error})"),
    })?;
    match (tensor.dtype() == dtype, tensor.shape().len()) {
        (true, 1) => Ok(tensor.data()),
        _ => Err(format!(
            "its tensor `{name}` is {:?} {:?}, where {dtype:?} of one dimension is expected",
            tensor.dtype(),
            tensor.shape()
        )),
    }
}
