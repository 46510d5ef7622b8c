//! Whether a folder holds the libtorch that tch is made for.

use std::path::{Path, PathBuf};

/// tch 0.24.0 is made for this version and no other.
pub const VERSION: &str = "2.11.0";

/// Why a folder cannot serve as libtorch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No folder.
    #[error("{} is no folder", .0.display())]
    NoFolder(PathBuf),
    /// No file that tells the version.
    #[error(
        "{} holds no libtorch: there is neither version.py nor build-version; LIBTORCH must name \
         the folder `torch` of a Python environment, or an unpacked libtorch archive", .0.display()
    )]
    NoVersion(PathBuf),
    /// Another version.
    #[error(
        "{} holds libtorch {found}, and resweep needs {VERSION} exactly; unset LIBTORCH to have it \
         installed, or `pip install torch=={VERSION}` there", path.display()
    )]
    Version {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// A part is missing.
    #[error("{} is incomplete: {part} is missing; install torch=={VERSION} there again", path.display())]
    Part {
        /// The folder.
        path: PathBuf,
        /// The missing file or folder.
        part: &'static str,
    },
}

/// Checks version and parts of a libtorch folder: that of a PyPI wheel, or an unpacked archive.
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &Path) -> Result<(), Unfit> {
    if !path.is_dir() {
        return Err(Unfit::NoFolder(path.to_path_buf()));
    }
    let found = version(path).ok_or_else(|| Unfit::NoVersion(path.to_path_buf()))?;
    if found.split('+').next() != Some(VERSION) {
        return Err(Unfit::Version { path: path.to_path_buf(), found });
    }
    let parts = ["lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h"];
    match parts.into_iter().find(|part| !path.join(part).exists()) {
        Some(part) => Err(Unfit::Part { path: path.to_path_buf(), part }),
        None => Ok(()),
    }
}

/// The version as the folder tells it, such as `2.11.0+cu130`.
fn version(path: &Path) -> Option<String> {
    let wheel = || {
        let text = std::fs::read_to_string(path.join("version.py")).ok()?;
        let line = text.lines().find(|line| line.starts_with("__version__"))?;
        let value = line.split_once('=')?.1.trim();
        Some(value.trim_matches(['\'', '"']).to_string())
    };
    let archive =
        || Some(std::fs::read_to_string(path.join("build-version")).ok()?.trim().to_string());
    wheel().or_else(archive)
}

#[cfg(test)]
pub mod fake {
    //! Folders that look like libtorch.
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    /// Writes a folder `torch` with the parts that are checked.
    pub fn wheel(site: &Path, version: &str) {
        let torch = site.join("torch");
        for part in ["lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h"] {
            std::fs::create_dir_all(torch.join(part).parent().unwrap()).unwrap();
            std::fs::write(torch.join(part), "").unwrap();
        }
        let text =
            format!("from typing import Optional\n__version__ = '{version}'\ndebug = False\n");
        std::fs::write(torch.join("version.py"), text).unwrap();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn wheels_and_archives_of_the_version_are_taken() {
        let site = tempfile::tempdir().unwrap();
        let torch = site.path().join("torch");
        fake::wheel(site.path(), "2.11.0+cu130");
        assert_eq!(check(&torch), Ok(()));
        std::fs::remove_file(torch.join("version.py")).unwrap();
        std::fs::write(torch.join("build-version"), "2.11.0+cpu\n").unwrap();
        assert_eq!(check(&torch), Ok(()));
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let site = tempfile::tempdir().unwrap();
        let torch = site.path().join("torch");
        assert_eq!(check(&torch), Err(Unfit::NoFolder(torch.clone())));
        std::fs::create_dir(&torch).unwrap();
        assert_eq!(check(&torch), Err(Unfit::NoVersion(torch.clone())));
        fake::wheel(site.path(), "2.9.1");
        let found = "2.9.1".to_string();
        assert_eq!(check(&torch), Err(Unfit::Version { path: torch.clone(), found }));
        fake::wheel(site.path(), "2.11.0");
        std::fs::remove_file(torch.join("lib/libc10.so")).unwrap();
        assert_eq!(check(&torch), Err(Unfit::Part { path: torch, part: "lib/libc10.so" }));
    }
}
