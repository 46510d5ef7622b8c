//! libtorch from PyPI, by the pip of the machine.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::libtorch::VERSION;
use crate::setup::Kind;

/// Puts libtorch into a folder.
pub trait Installer {
    /// Installs into `target`, with temporary files in `temporary`.
    ///
    /// # Errors
    /// Why it cannot.
    fn install(&self, kind: Kind, target: &Path, temporary: &Path) -> Result<(), PipError>;
}

/// Why pip cannot install libtorch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipError {
    /// No Python.
    #[error(
        "`python3` cannot be run ({0}); install Python 3.10 to 3.14 with pip, or set LIBTORCH to a libtorch {VERSION}"
    )]
    NoPython(String),
    /// A Python that torch has no wheel for.
    #[error(
        "`python3` is Python {0}, and torch {VERSION} has wheels for 3.10 to 3.14; put such a Python first in PATH, or set LIBTORCH to a libtorch {VERSION}"
    )]
    PythonVersion(String),
    /// No pip.
    #[error(
        "`python3 -m pip` does not work; install pip (`apt install python3-pip`, or `python3 -m ensurepip --user`), or set LIBTORCH to a libtorch {VERSION}"
    )]
    NoPip,
    /// pip failed.
    #[error(
        "pip could not install torch {VERSION} (its words are above); is there a network, and room for {room}? Run the command again, or set LIBTORCH to a libtorch {VERSION}"
    )]
    Failed {
        /// How much room it takes.
        room: &'static str,
    },
}

/// `python3 -m pip`.
#[derive(Debug, Clone, Copy)]
pub struct Pip;

impl Installer for Pip {
    fn install(&self, kind: Kind, target: &Path, temporary: &Path) -> Result<(), PipError> {
        check_python()?;
        // `--target` needs no virtual environment, and leaves the machine's Python alone.
        let status = Command::new("python3")
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-warn-conflicts"])
            .args(["--root-user-action=ignore", "--no-compile", "--target"])
            .arg(target)
            .args(kind.packages())
            // /tmp may be small, and pip moves what it unpacks.
            .env("TMPDIR", temporary)
            // Settings of the user that `--target` cannot be combined with.
            .env("PIP_USER", "0")
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .stdin(Stdio::null())
            // What this program prints to stdout is for other programs.
            .stdout(std::io::stderr())
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(PipError::Failed { room: kind.room() }),
        }
    }
}

fn check_python() -> Result<(), PipError> {
    let code = "import sys; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new("python3")
        .args(["-c", code])
        .output()
        .map_err(|error| PipError::NoPython(error.to_string()))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if !has_wheel(&version) {
        return Err(PipError::PythonVersion(version));
    }
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    match pip.is_ok_and(|output| output.status.success()) {
        true => Ok(()),
        false => Err(PipError::NoPip),
    }
}

fn has_wheel(version: &str) -> bool {
    let minor = version.strip_prefix("3.").and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| (10..=14).contains(&minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_with_a_wheel() {
        let good: Vec<&str> = ["3.9", "3.10", "3.14", "3.15", "2.7", ""]
            .into_iter()
            .filter(|v| has_wheel(v))
            .collect();
        assert_eq!(good, ["3.10", "3.14"]);
    }
}
