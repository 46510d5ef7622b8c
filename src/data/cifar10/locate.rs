//! Where CIFAR-10 is: where the user says, else in the cache, else downloaded to it.

use std::env;
use std::path::{Path, PathBuf};

use super::{FOLDER, folder};
use crate::data::download::{self, Archive};
use crate::data::{DataError, Origin};

/// The environment variable that names the folder of CIFAR-10.
const VARIABLE: &str = "RESWEEP_DATA";

/// Finds the folder of CIFAR-10: `explicit` (the option `--data`), else the environment variable
/// `RESWEEP_DATA`, else the cache, else the download of 162 MiB to the cache.
///
/// # Errors
///
/// Where the folder that was named is unfit (no other place is tried then), or nothing is named and
/// the download fails.
pub fn locate(explicit: Option<&Path>) -> Result<PathBuf, DataError> {
    locate_among(&Sources::from_environment(explicit))
}

/// Finds the folder of CIFAR-10 among the given sources, the first that is named.
///
/// # Errors
///
/// As [`locate`].
pub fn locate_among(sources: &Sources) -> Result<PathBuf, DataError> {
    if let Some(folder) = named(sources)? {
        return Ok(folder);
    }
    let cache = sources.cache.as_ref().ok_or(DataError::NoCache)?.join("resweep");
    download::fetch(&sources.archive, &cache)
}

/// Finds the folder of CIFAR-10 as [`locate_among`] does, and downloads nothing.
///
/// # Errors
///
/// Where the folder that was named is unfit, or there is none.
pub fn at_hand(sources: &Sources) -> Result<PathBuf, DataError> {
    named(sources)?.ok_or(DataError::NotAtHand)
}

/// The first folder that is named, or the cache where it has the data.
fn named(sources: &Sources) -> Result<Option<PathBuf>, DataError> {
    if let Some(dir) = &sources.explicit {
        return resolve(dir, Origin::Explicit).map(Some);
    }
    if let Some(dir) = &sources.variable {
        return resolve(dir, Origin::Variable).map(Some);
    }
    let cache = sources.cache.as_ref().map(|cache| cache.join("resweep").join(FOLDER));
    cache.filter(|cache| cache.exists()).map(|cache| resolve(&cache, Origin::Cache)).transpose()
}

/// The places where CIFAR-10 may be, in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What the command line names.
    pub explicit: Option<PathBuf>,
    /// What the environment variable `RESWEEP_DATA` names.
    pub variable: Option<PathBuf>,
    /// The user's cache folder, `$XDG_CACHE_HOME` or `~/.cache` on Linux.
    pub cache: Option<PathBuf>,
    /// What is downloaded to `<cache>/resweep` where it is not there yet.
    pub archive: Archive,
}

impl Sources {
    /// The sources of this process: its environment, its user's cache, the official address. A
    /// variable that is set but empty counts as not set.
    #[must_use]
    pub fn from_environment(explicit: Option<&Path>) -> Self {
        let variable = env::var_os(VARIABLE).filter(|value| !value.is_empty());
        Self {
            explicit: explicit.map(Path::to_owned),
            variable: variable.map(PathBuf::from),
            cache: dirs::cache_dir(),
            archive: Archive::CIFAR10,
        }
    }
}

fn resolve(dir: &Path, origin: Origin) -> Result<PathBuf, DataError> {
    folder::resolve(dir).map_err(|cause| DataError::Source { origin, cause: Box::new(cause) })
}
