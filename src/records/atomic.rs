//! Files that are replaced as a whole: a reader and a crash see the old one or the new one.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file, so that the new content outlasts a crash.
///
/// # Errors
/// What the disk reports; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |temporary| {
        File::options().write(true).truncate(true).open(temporary)?.write_all(bytes)
    })
}

/// As [`replace`], with what `write` writes to the path that it is given.
///
/// # Errors
/// What `write` or the disk reports; the old file is then still there.
pub fn replace_by(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    place(path, None, write)
}

/// As [`replace_by`], and the old file is kept as `before`, in the same folder. A crash leaves the
/// old one by the one name or by the other.
///
/// # Errors
/// As for [`replace_by`].
pub fn rotate_by(
    path: &Path,
    before: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    place(path, Some(before), write)
}

fn place(
    path: &Path,
    before: Option<&Path>,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    let file = temporary(folder)?;
    write(file.path())?;
    file.as_file().sync_all()?;
    match before.map(|before| std::fs::rename(path, before)) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    file.persist(path)?;
    sync_folder(folder)
}

/// The folder that a file is in, which a bare name is in too.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Replaces a file as a whole, without waiting for the disk: after a crash of the machine it may be
/// the old one.
///
/// # Errors
/// What the disk reports; the old file is then still there.
pub fn replace_soon(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary(folder_of(path))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// Removes what a process that was killed was writing in a folder; only where no other writes there.
pub fn tidy(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(WRITING) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// How names of files begin that are being written.
const WRITING: &str = ".writing-";

/// A nameless-to-be file in `folder`, as readable as any file that the user creates.
///
/// # Errors
/// A folder that cannot be written.
pub fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    temporary_as(WRITING, folder)
}

/// The same, whose name begins so.
pub(super) fn temporary_as(prefix: &str, folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes a rename in `folder` outlast a crash. Elsewhere than on Unix a folder cannot be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
