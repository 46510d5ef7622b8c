//! Reading files that came from someone else: regular files alone.
//!
//! A pipe to which nobody writes would be waited for, and some devices never end; both may stand in a
//! folder of results or of images that came from anyone, or a link that leads to one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens a regular file to read it.
///
/// # Errors
/// A path that is a folder, a pipe or a device; else what the system says.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    let metadata = fs::metadata(path)?;
    let reason = match metadata.is_file() {
        true => return File::open(path),
        false if metadata.is_dir() => "it is a folder",
        false => "it is no file but a pipe or a device",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, reason))
}

/// The bytes of a regular file.
///
/// # Errors
/// As for [`open`].
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::with_capacity(file.metadata().map_or(0, |known| known.len() as usize));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a regular file.
///
/// # Errors
/// As for [`open`], and what is not UTF-8.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn regular_files_alone_are_read_and_nothing_else_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "some").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink("/dev/zero", path("endless")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        assert!(made.unwrap().success());
        for name in ["file", "link"] {
            assert_eq!(read(path(name)).unwrap(), b"some");
            assert_eq!(read_to_string(path(name)).unwrap(), "some");
        }
        for (name, said) in [("endless", "device"), ("pipe", "pipe"), ("", "folder")] {
            assert!(read(path(name)).unwrap_err().to_string().contains(said), "{name}");
        }
        assert_eq!(read(path("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
