//! `cargo xtask dist`: one archive that runs on a machine without Rust.
//!
//! | file | what it does |
//! |---|---|
//! | `elf` | what a program needs of other libraries |
//! | `licences` | the words of all whose code is in the program |
//! | `archive` | files to one `.tar.gz` |

mod archive;
mod elf;
mod licences;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;

use crate::handover::{self, HandoverError};
use crate::setup::{self, SetupError};
use archive::Archive;

/// `cargo xtask dist`.
#[derive(Debug, Args)]
pub struct DistArgs {
    /// The file to write; by default target/resweep-<version>-<machine>-linux.tar.gz.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Put the libraries of libtorch for the CPU in it; it is then some 130 MB, and 500 MB unpacked.
    #[arg(long)]
    with_libtorch: bool,
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum DistError {
    /// No libtorch.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// No program.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A program that it takes.
    #[error("`{program}` is needed and {why}; `apt install binutils` brings strip and readelf")]
    Program {
        /// The program.
        program: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The list of crates.
    #[error("cargo does not tell which crates are in the program: {0}")]
    Metadata(String),
    /// A library of libtorch.
    #[error("{} needs {library}, which is not in {}", of.display(), folder.display())]
    Library {
        /// What needs it.
        of: PathBuf,
        /// Its name.
        library: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
}

impl DistError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}

/// Builds the program and writes the archive.
///
/// # Errors
/// Why it is not written.
pub fn run(args: &DistArgs) -> Result<ExitCode, DistError> {
    let libtorch = setup::libtorch()?;
    let binary = handover::build(&libtorch)?;
    let name = name();
    let output =
        args.output.clone().unwrap_or_else(|| handover::target().join(format!("{name}.tar.gz")));
    let mut parts = Parts::of(&binary)?;
    parts.licences = licences::crates(&libtorch)?;
    if args.with_libtorch {
        parts.libraries = elf::closure(&binary, &folders(&libtorch))?;
        parts.licences.extend(licences::libtorch(&libtorch)?);
    }
    let size = parts.write(&name, &output)?;
    println!("{} ({} MB)", output.display(), size.div_ceil(1_000_000));
    Ok(ExitCode::SUCCESS)
}

/// The folder in the archive, and its name.
fn name() -> String {
    format!("resweep-{}-{}-linux", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)
}

/// Where libraries of libtorch are: its own folder, and those of NVIDIA's beside it.
fn folders(libtorch: &Path) -> Vec<PathBuf> {
    let nvidia = libtorch.join("../nvidia");
    let beside = std::fs::read_dir(nvidia).into_iter().flatten().flatten();
    let mut folders = vec![libtorch.join("lib")];
    folders.extend(beside.map(|entry| entry.path().join("lib")));
    folders
}

/// What goes into an archive.
struct Parts {
    /// The program without what only debuggers need.
    program: Vec<u8>,
    /// The oldest GNU C library that it runs with.
    glibc: Option<String>,
    libraries: Vec<PathBuf>,
    /// Names of files with their texts.
    licences: Vec<(String, String)>,
}

impl Parts {
    fn of(binary: &Path) -> Result<Self, DistError> {
        let folder = tempfile::tempdir().map_err(DistError::file(binary))?;
        let stripped = folder.path().join("resweep");
        let mut strip = Command::new("strip");
        program("strip", strip.arg("-o").arg(&stripped).arg(binary))?;
        let program = std::fs::read(&stripped).map_err(DistError::file(&stripped))?;
        let glibc = elf::glibc(&stripped)?;
        Ok(Self { program, glibc, libraries: Vec::new(), licences: Vec::new() })
    }

    /// Writes the archive; its size in bytes.
    fn write(&self, name: &str, output: &Path) -> Result<u64, DistError> {
        let root = handover::workspace();
        let mut archive = Archive::new(name);
        archive.text("README.txt", &self.readme());
        archive.program("resweep", &self.program);
        for file in ["README.md", "LICENSE"] {
            archive.file(file, &root.join(file));
        }
        archive.folder("experiments", &root.join("experiments"));
        for (file, text) in &self.licences {
            archive.text(&format!("licences/{file}"), text);
        }
        for library in &self.libraries {
            let file = library.file_name().unwrap_or_default().to_string_lossy();
            archive.file(&format!("lib/{file}"), library);
        }
        archive.write(output)
    }

    fn readme(&self) -> String {
        let glibc = self.glibc.as_deref().unwrap_or("that of the machine it was built on");
        let libtorch = match self.libraries.is_empty() {
            true => WITHOUT_LIBTORCH,
            false => WITH_LIBTORCH,
        };
        format!(
            "resweep {}\n\n    ./resweep sweep experiments/quick.ron\n\n{}\n{libtorch}\n{NEEDS} {glibc}.\n",
            env!("CARGO_PKG_VERSION"),
            COMMANDS
        )
    }
}

const COMMANDS: &str = "\
README.md is the manual: write `./resweep` where it writes `cargo xtask`. The commands `bench`, `certify`,
`verify-resume`, `synthesize`, `docs`, `setup`, `test` and `dist` are for those who build it. experiments/
has the specs, licences/ the words of those whose work is in the program.
";

const WITH_LIBTORCH: &str = "\
lib/ has libtorch 2.11.0 for the CPU. For NVIDIA GPUs replace it by a link to the libraries of PyTorch 2.11.0:

    mv lib lib-cpu
    python3 -m venv torch && torch/bin/pip install torch==2.11.0
    ln -s torch/lib/python3*/site-packages/torch/lib lib
";

const WITHOUT_LIBTORCH: &str = "\
It needs the libraries of PyTorch 2.11.0, which has those for the CPU and for NVIDIA GPUs, under the name lib
beside this file:

    python3 -m venv torch && torch/bin/pip install torch==2.11.0
    ln -s torch/lib/python3*/site-packages/torch/lib lib
";

const NEEDS: &str = "\
Beside it the program needs the C++ library of GCC (libstdc++6) and the GNU C library, at least";

/// Has a program do its work; what it prints.
fn program(name: &'static str, command: &mut Command) -> Result<String, DistError> {
    let failed = |why: String| DistError::Program { program: name, why };
    let output =
        command.output().map_err(|error| failed(format!("cannot be started ({error})")))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(failed(format!("says: {said}")))
        }
    }
}
