//! Building the `resweep` binary and becoming it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::setup::{self, SetupError};

/// Why the binary cannot run.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// No libtorch.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// torch-sys compiles C++.
    #[error(
        "there is no C++ compiler (c++, g++ or clang++ in PATH, or $CXX), and tch needs one; `apt install g++`"
    )]
    NoCompiler,
    /// The build.
    #[error("resweep could not be built (cargo's words are above)")]
    Build,
    /// A program that cannot be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The reason.
        source: io::Error,
    },
}

/// Finds libtorch, builds the binary, and runs it with this process's arguments in its place, so
/// that signals and the exit code are its own.
///
/// # Errors
/// Why it does not run.
pub fn run() -> Result<ExitCode, HandoverError> {
    let libtorch = setup::libtorch()?;
    let binary = build(&libtorch)?;
    let source = Command::new(&binary).args(std::env::args_os().skip(1)).exec();
    Err(HandoverError::Start { program: binary.display().to_string(), source })
}

/// Builds the binary.
///
/// # Errors
/// Why it is not there.
pub fn build(libtorch: &Path) -> Result<PathBuf, HandoverError> {
    compiler().ok_or(HandoverError::NoCompiler)?;
    let binary = binary();
    let mut cargo = cargo(libtorch);
    cargo.args(["build", "--release", "--package", "resweep", "--bin", "resweep"]);
    if binary.exists() {
        cargo.arg("--quiet");
    } else {
        eprintln!("Building resweep (once, some minutes) ...");
    }
    match cargo.status() {
        Ok(status) if status.success() => Ok(binary),
        Ok(_) => Err(HandoverError::Build),
        Err(source) => Err(HandoverError::Start { program: "cargo".into(), source }),
    }
}

/// A copy of the binary, for commands that start it again and again: a build beside them does not
/// change what they run.
#[derive(Debug)]
pub struct Kept {
    /// Removed with it.
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Kept {
    /// Builds the binary and copies it.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn build(libtorch: &Path) -> Result<Self, HandoverError> {
        let binary = build(libtorch)?;
        let failed =
            |source| HandoverError::Start { program: binary.display().to_string(), source };
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = folder.path().join("resweep");
        std::fs::copy(&binary, &path).map_err(failed)?;
        Ok(Self { _folder: folder, path })
    }

    /// The copy.
    pub fn command(&self) -> Command {
        Command::new(&self.path)
    }
}

/// cargo in the workspace, with libtorch.
pub fn cargo(libtorch: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut cargo = Command::new(program);
    cargo.current_dir(workspace()).env("LIBTORCH", libtorch).env("CARGO_TARGET_DIR", target());
    // torch-sys would look at these first.
    for rival in ["LIBTORCH_USE_PYTORCH", "LIBTORCH_INCLUDE", "LIBTORCH_LIB", "LIBTORCH_STATIC"] {
        cargo.env_remove(rival);
    }
    // What the cargo that runs this program has set for it: build scripts that look at it would run
    // again, and all that hangs on them, whenever plain cargo and `cargo xtask` take turns.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

fn is_of_package(variable: &std::ffi::OsStr) -> bool {
    let name = variable.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Where the binary is, or will be.
pub fn binary() -> PathBuf {
    target().join("release/resweep")
}

/// The folder of what is built.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| workspace().join("target")),
        None => workspace().join("target"),
    }
}

/// A C++ compiler as the `cc` crate looks for one.
pub fn compiler() -> Option<PathBuf> {
    if let Some(compiler) = std::env::var_os("CXX") {
        return Some(compiler.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["c++", "g++", "clang++"];
    let all = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    all.into_iter().find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Cargo has set them for this test, too.
    #[test]
    fn a_build_does_not_see_the_package_that_runs_it() {
        let ours = std::env::var_os("CARGO_PKG_NAME");
        assert!(ours.is_some());
        let command = super::cargo(Path::new("/lib"));
        let seen = |wanted: &str| command.get_envs().find(|(name, _)| *name == wanted);
        assert_eq!(seen("CARGO_PKG_NAME"), Some(("CARGO_PKG_NAME".as_ref(), None)));
        assert_eq!(seen("LIBTORCH"), Some(("LIBTORCH".as_ref(), Some("/lib".as_ref()))));
    }
}
