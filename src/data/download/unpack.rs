//! Unpacking an archive aside and renaming the folder into place.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::EntryType;

use super::writing;
use crate::data::{DataError, EntryProblem};

type Tar = tar::Archive<GzDecoder<BufReader<File>>>;

/// Unpacks the `.tar.gz` file `packed`, which holds the one folder `name`, to `cache/name`. Where
/// that is there by now, unpacked by another process, it is left as it is.
///
/// # Errors
///
/// Where an entry has `..` or an absolute path or is a link, the archive is damaged or lacks the
/// folder, or the disk refuses; nothing is left behind then.
pub(super) fn unpack(packed: &Path, name: &str, cache: &Path) -> Result<PathBuf, DataError> {
    let aside = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(cache);
    let aside = aside.map_err(writing(cache))?;
    unpack_entries(packed, aside.path())?;
    let (folder, target) = (aside.path().join(name), cache.join(name));
    match fs::rename(&folder, &target) {
        Err(_) if target.is_dir() => Ok(target),
        Err(_) if !folder.is_dir() => {
            let source = io::Error::other(format!("there is no folder {name} in it"));
            Err(DataError::Unpack { archive: packed.to_owned(), source })
        }
        renamed => renamed.map_err(writing(&target)).map(|()| target),
    }
}

fn unpack_entries(packed: &Path, into: &Path) -> Result<(), DataError> {
    let damaged = |source| DataError::Unpack { archive: packed.to_owned(), source };
    let mut tar = open(packed).map_err(damaged)?;
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        if let Some(problem) = problem_of(&path, entry.header().entry_type()) {
            let entry = path.display().to_string();
            return Err(DataError::BadEntry { archive: packed.to_owned(), entry, problem });
        }
        entry.unpack_in(into).map_err(damaged)?;
    }
    Ok(())
}

fn open(packed: &Path) -> io::Result<Tar> {
    Ok(tar::Archive::new(GzDecoder::new(BufReader::new(File::open(packed)?))))
}

/// Why an entry may not be unpacked, if so.
fn problem_of(path: &Path, kind: EntryType) -> Option<EntryProblem> {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if !path.components().all(inside) {
        return Some(EntryProblem::Outside);
    }
    let harmless = kind.is_file() || kind.is_dir() || kind.is_pax_global_extensions();
    (!harmless).then_some(EntryProblem::Kind)
}
