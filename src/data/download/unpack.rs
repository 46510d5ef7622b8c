//! Unpacking an archive aside and renaming the folder into place.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::EntryType;

use super::writing;
use crate::data::{DataError, EntryProblem};

type Tar = tar::Archive<Bounded<GzDecoder<BufReader<File>>>>;

/// Unpacks the `.tar.gz` file `packed`, which holds the one folder `name`, to `cache/name`. Where
/// that is there by now, unpacked by another process, it is left as it is.
///
/// # Errors
///
/// Where an entry has `..` or an absolute path, is a link or stands twice, the archive is damaged, lacks
/// the folder or unpacks to far more than it has, or the disk refuses; nothing is left behind then.
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
        let (path, kind) =
            (entry.path().map_err(damaged)?.into_owned(), entry.header().entry_type());
        let to = into.join(&path);
        let twice = || (kind.is_file() && to.exists()).then_some(EntryProblem::Twice);
        if let Some(problem) = problem_of(&path, kind).or_else(twice) {
            // Whatever a name has in it, it is shown.
            let entry = path.display().to_string().escape_debug().to_string();
            return Err(DataError::BadEntry { archive: packed.to_owned(), entry, problem });
        }
        place(&mut entry, kind, &to).map_err(damaged)?;
    }
    // What follows the last entry is read too, so that an end that is cut off is told.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(damaged)?;
    Ok(())
}

/// Writes an entry to its place: its bytes, and nothing else that is said of it.
fn place(entry: &mut impl Read, kind: EntryType, to: &Path) -> io::Result<()> {
    match to.parent() {
        _ if kind.is_dir() => return fs::create_dir_all(to),
        _ if !kind.is_file() => return Ok(()),
        Some(parent) => fs::create_dir_all(parent)?,
        None => {}
    }
    let mut file = File::options().write(true).create_new(true).open(to)?;
    io::copy(entry, &mut file).map(drop)
}

fn open(packed: &Path) -> io::Result<Tar> {
    let file = File::open(packed)?;
    let most = file.metadata()?.len().saturating_mul(MOST_GROWTH).saturating_add(MOST_BESIDE);
    let file = GzDecoder::new(BufReader::new(file));
    Ok(tar::Archive::new(Bounded { file, left: most, most }))
}

/// An archive unpacks to no more than so many times its length, and so many bytes beside: one of images
/// hardly grows, while one that is made to fill a disk grows a thousandfold.
const MOST_GROWTH: u64 = 20;
const MOST_BESIDE: u64 = 16 << 20;

/// A file that ends in an error where it unpacks to more than it may.
struct Bounded<R> {
    file: R,
    left: u64,
    most: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("it unpacks to more than {} MiB", self.most >> 20))
        })?;
        Ok(read)
    }
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
