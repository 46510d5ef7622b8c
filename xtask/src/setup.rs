//! Finding libtorch, or installing it into a folder of its own.
//!
//! An environment is installed beside its place and renamed when it is whole, so one that is there
//! is complete, and what an interrupted set-up left is removed by the next.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::libtorch::{self, Unfit, VERSION};
use crate::pip::{Installer, Pip, PipError};

/// Which libraries come with libtorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the CPU needs.
    Cpu,
    /// NVIDIA's libraries too.
    Cuda,
}

impl Kind {
    /// What pip is asked for. libtorch's wheel is built for CUDA 13 and loads two small libraries
    /// of it on every machine.
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &[
                "--no-deps",
                "torch==2.11.0",
                "nvidia-cuda-runtime==13.0.96",
                "nvidia-cuda-cupti==13.0.85",
            ],
            Self::Cuda => &["torch==2.11.0"],
        }
    }

    /// The disk space it takes, downloads included.
    pub fn room(self) -> &'static str {
        match self {
            Self::Cpu => "3 GB",
            Self::Cuda => "8 GB",
        }
    }

    fn announcement(self) -> &'static str {
        match self {
            Self::Cpu => "torch and two libraries of CUDA's runtime, 0.54 GB",
            Self::Cuda => "torch and NVIDIA's CUDA 13 libraries, 2.7 GB",
        }
    }

    fn folder(self) -> String {
        match self {
            Self::Cpu => format!("libtorch-{VERSION}-cpu"),
            Self::Cuda => format!("libtorch-{VERSION}-cuda"),
        }
    }

    /// The environments that can serve.
    fn candidates(self) -> &'static [Self] {
        match self {
            Self::Cpu => &[Self::Cpu, Self::Cuda],
            Self::Cuda => &[Self::Cuda],
        }
    }

    /// What an environment must hold beside libtorch itself.
    fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &["nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13"],
            Self::Cuda => &[
                "nvidia/cu13/lib/libcudart.so.13",
                "nvidia/cu13/lib/libcublas.so.13",
                "nvidia/cudnn/lib/libcudnn.so.9",
                "nvidia/nccl/lib/libnccl.so.2",
            ],
        }
    }
}

/// Why there is no libtorch.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// `LIBTORCH` names a folder that cannot serve.
    #[error("LIBTORCH: {0}")]
    Variable(Unfit),
    /// pip went through, and yet it is not whole.
    #[error("pip reported success, but {0}; remove the folder and try again")]
    Incomplete(String),
    /// pip.
    #[error(transparent)]
    Pip(#[from] PipError),
    /// Nowhere to put it.
    #[error(
        "there is no cache folder: neither XDG_CACHE_HOME nor HOME is set; set one, or LIBTORCH"
    )]
    NoCache,
    /// The disk.
    #[error("{}: {source}; set XDG_CACHE_HOME to a folder that can be written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// The libtorch to build with: `LIBTORCH` where it is set, else the environment in the cache,
/// installed first where it is not there.
///
/// # Errors
/// Why there is none.
pub fn libtorch() -> Result<PathBuf, SetupError> {
    find(None)
}

/// `cargo xtask setup`: the same, and says where it is.
///
/// # Errors
/// Why there is none.
pub fn explicit(kind: Option<Kind>) -> Result<ExitCode, SetupError> {
    let path = find(kind)?;
    println!("libtorch {VERSION} is in {}", path.display());
    println!("For cargo without xtask: export LIBTORCH={}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// The folder of an environment in the cache, a folder of Python packages, installed first where it is
/// not there.
///
/// # Errors
/// Why it is not.
pub fn environment(kind: Kind) -> Result<PathBuf, SetupError> {
    let torch = find(Some(kind))?;
    Ok(torch.parent().map_or(torch.clone(), Path::to_path_buf))
}

fn find(kind: Option<Kind>) -> Result<PathBuf, SetupError> {
    // Who asks for a kind means the environment, not a libtorch of his own.
    if let (Some(path), None) = (std::env::var_os("LIBTORCH").filter(|path| !path.is_empty()), kind)
    {
        let path = PathBuf::from(path);
        libtorch::check(&path).map_err(SetupError::Variable)?;
        return Ok(path);
    }
    let cache = dirs::cache_dir().ok_or(SetupError::NoCache)?.join("resweep");
    in_cache(&cache, kind.unwrap_or_else(kind_of_machine), &Pip)
}

fn kind_of_machine() -> Kind {
    if has_driver() { Kind::Cuda } else { Kind::Cpu }
}

/// Whether this machine has an NVIDIA driver.
pub fn has_driver() -> bool {
    let signs = ["/dev/nvidia0", "/dev/nvidiactl", "/proc/driver/nvidia/version"];
    signs.iter().any(|path| Path::new(path).exists())
}

/// The environment in a cache folder, installed where it is not there or broken.
fn in_cache(cache: &Path, kind: Kind, installer: &dyn Installer) -> Result<PathBuf, SetupError> {
    let whole = |kind: &&Kind| fault(&cache.join(kind.folder()), **kind).is_none();
    if let Some(kind) = kind.candidates().iter().find(whole) {
        return Ok(cache.join(kind.folder()).join("torch"));
    }
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| SetupError::Io { path, source }
    };
    fs::create_dir_all(cache).map_err(at(cache))?;
    // A second set-up waits for the first, and then finds its work done.
    let lock_path = cache.join("setup.lock");
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    if lock.try_lock().is_err() {
        eprintln!("Waiting for another set-up of libtorch to end ...");
        lock.lock().map_err(at(&lock_path))?;
        if let Some(kind) = kind.candidates().iter().find(whole) {
            return Ok(cache.join(kind.folder()).join("torch"));
        }
    }
    install(cache, kind, installer)
}

fn install(cache: &Path, kind: Kind, installer: &dyn Installer) -> Result<PathBuf, SetupError> {
    let place = cache.join(kind.folder());
    // Named by process: a pip that outlives its killed parent writes to a folder of its own.
    let process = std::process::id();
    let partial = cache.join(format!("{}.partial-{process}", kind.folder()));
    let temporary = cache.join(format!("{}.temporary-{process}", kind.folder()));
    if let (true, Some(fault)) = (place.exists(), fault(&place, kind)) {
        eprintln!("{} is not whole ({fault}); it is installed again.", place.display());
    }
    remove(&place)?;
    remove_leftovers(cache)?;
    fs::create_dir_all(&temporary)
        .map_err(|source| SetupError::Io { path: temporary.clone(), source })?;
    eprintln!("Setting up libtorch {VERSION} (once): downloads {} from PyPI", kind.announcement());
    eprintln!("to {}.", place.display());
    installer.install(kind, &partial, &temporary)?;
    if let Some(fault) = fault(&partial, kind) {
        return Err(SetupError::Incomplete(fault));
    }
    fs::rename(&partial, &place)
        .map_err(|source| SetupError::Io { path: place.clone(), source })?;
    remove(&temporary)?;
    Ok(place.join("torch"))
}

fn remove_leftovers(cache: &Path) -> Result<(), SetupError> {
    let entries = fs::read_dir(cache)
        .map_err(|source| SetupError::Io { path: cache.to_path_buf(), source })?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("libtorch-")
            && (name.contains(".partial-") || name.contains(".temporary-"))
        {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), SetupError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(SetupError::Io { path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}

/// What an environment lacks.
fn fault(environment: &Path, kind: Kind) -> Option<String> {
    if let Err(unfit) = libtorch::check(&environment.join("torch")) {
        return Some(unfit.to_string());
    }
    let missing = kind.libraries().iter().find(|library| !environment.join(library).exists())?;
    Some(format!("{missing} is missing in {}", environment.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::cell::Cell;

    use super::*;

    /// Writes an environment without downloading one.
    #[derive(Default)]
    struct Fake {
        calls: Cell<u32>,
        /// Die half-way, as a killed process does.
        dies: Cell<bool>,
    }

    impl Installer for Fake {
        fn install(&self, kind: Kind, target: &Path, _: &Path) -> Result<(), PipError> {
            self.calls.set(self.calls.get() + 1);
            fs::create_dir_all(target.join("torch/lib")).unwrap();
            if self.dies.get() {
                return Err(PipError::Failed { room: kind.room() });
            }
            crate::libtorch::fake::wheel(target, "2.11.0+cu130");
            for library in kind.libraries() {
                fs::create_dir_all(target.join(library).parent().unwrap()).unwrap();
                fs::write(target.join(library), "").unwrap();
            }
            Ok(())
        }
    }

    #[test]
    fn it_is_installed_once() {
        let (cache, fake) = (tempfile::tempdir().unwrap(), Fake::default());
        let path = in_cache(cache.path(), Kind::Cpu, &fake).unwrap();
        assert_eq!(path, cache.path().join("libtorch-2.11.0-cpu/torch"));
        assert_eq!(in_cache(cache.path(), Kind::Cpu, &fake).unwrap(), path);
        assert_eq!(fake.calls.get(), 1);
        let names: Vec<_> =
            fs::read_dir(cache.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the environment and the lock: {names:?}");
    }

    #[test]
    fn an_interrupted_set_up_is_repaired_by_the_next() {
        let (cache, fake) = (tempfile::tempdir().unwrap(), Fake::default());
        fake.dies.set(true);
        assert!(matches!(in_cache(cache.path(), Kind::Cpu, &fake), Err(SetupError::Pip(_))));
        assert!(!cache.path().join("libtorch-2.11.0-cpu").exists());
        // What a process that was killed leaves.
        fs::create_dir(cache.path().join("libtorch-2.11.0-cpu.partial-1")).unwrap();
        fake.dies.set(false);
        in_cache(cache.path(), Kind::Cpu, &fake).unwrap();
        let names: Vec<_> =
            fs::read_dir(cache.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the environment and the lock: {names:?}");
    }

    #[test]
    fn a_broken_environment_is_installed_again() {
        let (cache, fake) = (tempfile::tempdir().unwrap(), Fake::default());
        let path = in_cache(cache.path(), Kind::Cuda, &fake).unwrap();
        fs::remove_file(path.join("../nvidia/cudnn/lib/libcudnn.so.9")).unwrap();
        in_cache(cache.path(), Kind::Cuda, &fake).unwrap();
        assert_eq!(fake.calls.get(), 2);
    }

    #[test]
    fn a_machine_without_gpu_takes_the_cuda_environment_where_it_is_there() {
        let (cache, fake) = (tempfile::tempdir().unwrap(), Fake::default());
        let path = in_cache(cache.path(), Kind::Cuda, &fake).unwrap();
        assert_eq!(in_cache(cache.path(), Kind::Cpu, &fake).unwrap(), path);
    }

    #[test]
    fn a_file_in_the_place_of_the_cache_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        fs::write(&cache, "").unwrap();
        let error = in_cache(&cache, Kind::Cpu, &Fake::default()).unwrap_err();
        assert!(matches!(error, SetupError::Io { .. }), "{error}");
    }
}
