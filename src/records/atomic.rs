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
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = temporary(folder)?;
    write(file.path())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// A nameless-to-be file in `folder`, as readable as any file that the user creates.
///
/// # Errors
/// A folder that cannot be written.
pub fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes a rename in `folder` outlast a crash. Elsewhere than on Unix a folder cannot be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
