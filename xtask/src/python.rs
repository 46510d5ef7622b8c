//! A Python with PyTorch, which resweep is compared with.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::handover::workspace;
use crate::libtorch::VERSION;
use crate::setup::{self, Kind, SetupError};

/// Why there is no PyTorch.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// The Python that was named.
    #[error(
        "--python {}: {reason}; name a Python in which torch {VERSION} is installed (`pip install \
         torch=={VERSION}`), or leave --python out to have it installed", program.display()
    )]
    Named {
        /// The program.
        program: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The environment that set-up made.
    #[error("PyTorch in {} does not work: {reason}; remove the folder to have it installed again, or name a Python with --python", site.display())]
    Installed {
        /// The folder.
        site: PathBuf,
        /// What it said.
        reason: String,
    },
    /// Set-up.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// A Python, and where it finds PyTorch where that is not its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    program: PathBuf,
    site: Option<PathBuf>,
    /// As PyTorch tells it, such as `2.11.0+cu130`.
    pub torch: String,
}

impl Python {
    /// The Python that is named; else `python3` with the libtorch that resweep is built with, where
    /// that is a whole PyTorch; else with one that is installed into the cache.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(named: Option<&Path>, libtorch: &Path) -> Result<Self, PythonError> {
        if let Some(program) = named {
            let named = |reason| PythonError::Named { program: program.to_path_buf(), reason };
            return Self::probe(program, None).map_err(named);
        }
        let program = Path::new("python3");
        let beside = libtorch.parent().map(Path::to_path_buf);
        if let Ok(found) = Self::probe(program, beside) {
            return Ok(found);
        }
        eprintln!(
            "PyTorch needs NVIDIA's libraries to be imported, also on a CPU. (--python names a Python that has it.)"
        );
        let site = setup::environment(Kind::Cuda)?;
        let installed = |reason| PythonError::Installed { site: site.clone(), reason };
        Self::probe(program, Some(site.clone())).map_err(installed)
    }

    /// Asks for the version of torch.
    fn probe(program: &Path, site: Option<PathBuf>) -> Result<Self, String> {
        let mut python = Self { program: program.to_path_buf(), site, torch: String::new() };
        let output = python
            .command()
            .args(["-c", "import torch; print(torch.__version__)"])
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(last_line(&output.stderr));
        }
        python.torch = last_line(&output.stdout);
        match python.torch.split('+').next() == Some(VERSION) {
            true => Ok(python),
            false => {
                Err(format!("it has torch {}, and {VERSION} is what resweep has", python.torch))
            }
        }
    }

    /// The version of Python itself.
    pub fn version(&self) -> String {
        let output = self.command().arg("--version").output();
        output.map(|output| last_line(&output.stdout)).unwrap_or_default()
    }

    /// Python with PyTorch.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_remove("PYTHONHOME").env("PYTHONDONTWRITEBYTECODE", "1");
        match &self.site {
            Some(site) => command.env("PYTHONPATH", site),
            None => command.env_remove("PYTHONPATH"),
        };
        // A PyTorch finds its own libraries, and must not find those of another.
        match std::env::var_os("LD_LIBRARY_PATH").map(|path| without_libtorch(&path)) {
            Some(path) if !path.is_empty() => command.env("LD_LIBRARY_PATH", path),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
        command
    }

    /// The same, with a script of tests/reference.
    pub fn script(&self, name: &str) -> Command {
        let mut command = self.command();
        command.arg(workspace().join("tests/reference").join(name));
        command
    }
}

#[cfg(test)]
impl Python {
    /// A Python that is not there.
    pub fn unknown() -> Self {
        Self { program: "/nowhere/python".into(), site: None, torch: String::new() }
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_string()
}

fn without_libtorch(path: &std::ffi::OsStr) -> OsString {
    let others =
        std::env::split_paths(path).filter(|folder| !folder.join("libtorch_cpu.so").exists());
    std::env::join_paths(others).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fake(folder: &Path, says: &str) -> PathBuf {
        let program = folder.join("python");
        std::fs::write(&program, format!("#!/bin/sh\n{says}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        program
    }

    #[test]
    fn a_python_with_the_version_is_taken_and_others_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let good = fake(folder.path(), "echo 2.11.0+cpu");
        assert_eq!(Python::find(Some(&good), Path::new("/")).unwrap().torch, "2.11.0+cpu");
        let told = |says: &str| {
            let program = fake(folder.path(), says);
            Python::find(Some(&program), Path::new("/")).unwrap_err().to_string()
        };
        assert!(told("echo 2.10.0").contains("it has torch 2.10.0"));
        let missing = told("echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1");
        assert!(missing.contains("No module named 'torch'; name a Python"), "{missing}");
        let nowhere = Python::find(Some(Path::new("/nowhere/python")), Path::new("/")).unwrap_err();
        assert!(nowhere.to_string().contains("--python /nowhere/python"));
    }

    #[test]
    fn the_libraries_of_another_libtorch_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("libtorch_cpu.so"), "").unwrap();
        let path = std::env::join_paths([folder.path(), Path::new("/usr/lib")]).unwrap();
        assert_eq!(without_libtorch(&path), "/usr/lib");
    }
}
