//! The runs of a sweep that have begun and have no record.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::experiment::{self, Experiment};
use crate::records::{EpochRow, Unreadable};
use crate::regular;
use crate::report::Unfinished;
use crate::saved::{self, RunFile};
use crate::spec::load::Loader;

/// Reads them; files of theirs that cannot be read are named.
pub(super) fn unfinished(sweep: &Path, unreadable: &mut Vec<Unreadable>) -> Vec<Unfinished> {
    folders(sweep).iter().filter_map(|folder| read(folder, unreadable)).collect()
}

/// Whether there are any.
pub(super) fn has_any(sweep: &Path) -> bool {
    !folders(sweep).is_empty()
}

/// The folders of runs that have no record, sorted.
fn folders(sweep: &Path) -> Vec<PathBuf> {
    let has = |folder: &Path, file: RunFile| folder.join(file.name()).exists();
    let entries = fs::read_dir(saved::runs(sweep)).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.retain(|folder| {
        let is_aside = folder.extension().is_some_and(|it| it == "superseded");
        let has_begun = || has(folder, RunFile::Spec) || has(folder, RunFile::Epochs);
        !is_aside && !has(folder, RunFile::Record) && has_begun()
    });
    folders.sort();
    folders
}

fn read(folder: &Path, unreadable: &mut Vec<Unreadable>) -> Option<Unfinished> {
    let epochs = epochs(folder).unwrap_or_else(|fault| {
        unreadable.push(fault);
        Vec::new()
    });
    let spec = folder.join(RunFile::Spec.name());
    let planned = planned(&spec);
    let named = epochs.first().map(|row| (row.experiment.clone(), row.seed));
    let (experiment, seed) =
        named.or_else(|| planned.as_ref().map(|(it, seed)| (it.name.clone(), *seed)))?;
    let name = folder.file_name()?.to_string_lossy();
    let begun = fs::metadata(spec).and_then(|known| known.modified());
    Some(Unfinished {
        experiment,
        seed,
        hash: name.rsplit('-').next().unwrap_or_default().to_owned(),
        begun: begun.unwrap_or(SystemTime::UNIX_EPOCH),
        planned: planned.as_ref().map(|(it, _)| it.train.epochs),
        costs: planned.as_ref().map(|(it, _)| (it.plan.macs(), it.plan.params())),
        epochs,
        folder: folder.to_owned(),
    })
}

/// What a run trains, and its seed.
fn planned(spec: &Path) -> Option<(Experiment, u64)> {
    let sweep = experiment::sweep(&Loader::default(), spec, &[]).ok()?;
    let seed = sweep.seeds.first().copied()?;
    sweep.list.into_iter().next().map(|own| (own, seed))
}

/// The epochs that were trained; none before the first has ended.
fn epochs(folder: &Path) -> Result<Vec<EpochRow>, Unreadable> {
    let path = folder.join(RunFile::Epochs.name());
    let bytes = match regular::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Unreadable { path, why: error.to_string() }),
        Ok(bytes) => bytes,
    };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: Result<Vec<EpochRow>, csv::Error> = reader.deserialize().collect();
    let is_table = reader.headers().is_ok_and(|names| names.iter().any(|name| name == "epoch"));
    match rows {
        Ok(rows) if is_table => Ok(rows),
        Ok(_) => Err(Unreadable { path, why: "it is no table of epochs".into() }),
        Err(error) => Err(Unreadable { path, why: error.to_string() }),
    }
}
