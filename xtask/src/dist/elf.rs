//! What a program needs of other libraries, as `readelf` tells it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DistError, program};

/// The libraries that a program needs, and those that these need, as far as they are in the folders;
/// others are the system's.
///
/// # Errors
/// What keeps one from being read.
pub fn closure(binary: &Path, folders: &[PathBuf]) -> Result<Vec<PathBuf>, DistError> {
    let (mut found, mut open) = (BTreeSet::new(), vec![binary.to_owned()]);
    while let Some(file) = open.pop() {
        for library in needed(&dynamic(&file)?) {
            let place = folders.iter().map(|folder| folder.join(&library)).find(|it| it.exists());
            match place {
                Some(place) if found.insert(place.clone()) => open.push(place),
                None if is_libtorchs(&library) => {
                    let folder = folders.first().cloned().unwrap_or_default();
                    return Err(DistError::Library { of: file, library, folder });
                }
                _ => {}
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Whether no system has a library.
fn is_libtorchs(library: &str) -> bool {
    ["libtorch", "libc10", "libcu"].iter().any(|start| library.starts_with(start))
}

fn dynamic(file: &Path) -> Result<String, DistError> {
    program("readelf", Command::new("readelf").arg("--dynamic").arg(file).env("LC_ALL", "C"))
}

/// ` 0x0000000000000001 (NEEDED)             Shared library: [libc10.so]`.
fn needed(dynamic: &str) -> Vec<String> {
    let lines = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    let name = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned());
    lines.filter_map(name).collect()
}

/// The oldest GNU C library that a program runs with.
///
/// # Errors
/// What keeps it from being read.
pub fn glibc(file: &Path) -> Result<Option<String>, DistError> {
    let mut readelf = Command::new("readelf");
    let versions = readelf.arg("--version-info").arg("--wide").arg(file).env("LC_ALL", "C");
    Ok(newest(&program("readelf", versions)?))
}

/// The newest of the versions `GLIBC_2.34`.
fn newest(versions: &str) -> Option<String> {
    let numbers = |version: &str| -> Option<Vec<u32>> {
        version.split('.').map(|number| number.parse().ok()).collect()
    };
    let words = versions.split(|c: char| c.is_whitespace() || c == '(' || c == ')');
    let all = words.filter_map(|word| word.strip_prefix("GLIBC_"));
    let newest = all.filter_map(|version| Some((numbers(version)?, version))).max()?;
    Some(newest.1.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_readelf_says_is_read() {
        let text = " 0x01 (NEEDED)             Shared library: [libc10.so]\n \
                    0x1d (RUNPATH)            Library runpath: [/x]\n \
                    0x01 (NEEDED)             Shared library: [libm.so.6]\n";
        assert_eq!(needed(text), ["libc10.so", "libm.so.6"]);
        let text = "0x0010:   Name: GLIBC_2.9  Flags: none  Version: 4\n  2 (GLIBC_2.34)  3 (GLIBC_PRIVATE)";
        assert_eq!(newest(text).unwrap(), "2.34");
        assert_eq!(newest(""), None);
    }

    /// This test is a program too, which needs the system's libraries alone.
    #[test]
    fn a_program_of_the_system_needs_no_library_of_libtorch() {
        let own = std::env::current_exe().unwrap();
        assert!(needed(&dynamic(&own).unwrap()).iter().any(|name| name.starts_with("libc.so")));
        assert_eq!(closure(&own, &["/no/such/folder".into()]).unwrap(), Vec::<PathBuf>::new());
        assert!(glibc(&own).unwrap().is_some());
    }
}
