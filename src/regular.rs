//! Reading files that came from someone else: regular files alone.
//!
//! A pipe to which nobody writes would be waited for, and some devices never end; both may stand in a
//! folder of results or of images that came from anyone, or a link that leads to one.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// No text that is read whole is longer; the largest are records, with some hundreds of bytes an epoch.
const MOST_TEXT: u64 = 1 << 30;

/// Opens a regular file to read it.
///
/// # Errors
/// A path that is a folder, a pipe or a device; else what the system says.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    look(path.as_ref())?;
    File::open(path)
}

/// The bytes of a regular file.
///
/// # Errors
/// As for [`open`].
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    look(path.as_ref())?;
    fs::read(path)
}

/// The text of a regular file of at most 1 GiB.
///
/// # Errors
/// As for [`open`], and what is longer or not UTF-8.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    match look(path.as_ref())? {
        length if length > MOST_TEXT => Err(invalid("it is longer than 1 GiB")),
        _ => fs::read_to_string(path),
    }
}

/// A text from a file that anyone may have written, on a line of a terminal: without the characters that
/// steer one.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The length of a file that is a regular one.
fn look(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    match metadata.is_file() {
        true => Ok(metadata.len()),
        false if metadata.is_dir() => Err(invalid("it is a folder")),
        false => Err(invalid("it is no file but a pipe or a device")),
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, reason)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_text_does_not_steer_a_terminal() {
        assert_eq!(shown("node7\u{1b}[2J\nü"), "node7\u{fffd}[2J\u{fffd}ü");
    }

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
        let long = File::create(path("long")).unwrap();
        long.set_len(MOST_TEXT + 1).unwrap();
        assert!(read_to_string(path("long")).unwrap_err().to_string().contains("longer"));
        assert_eq!(read(path("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
