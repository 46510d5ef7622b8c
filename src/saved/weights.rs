//! A safetensors file without its tensors: the header says what is in it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::regular;

use super::header::{self, Entries};

/// What keeps weights on the disk from being those of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Faults {
    /// The file cannot be read, or is no safetensors file, or only the beginning of one.
    Unreadable(String),
    /// Every name or shape that differs.
    Misfit(Vec<String>),
}

/// Compares a file with the weights of a network, their names and dimensions in order; none where it
/// fits.
pub fn faults<'a>(
    path: &Path,
    weights: impl Iterator<Item = (&'a str, &'a [u64])>,
) -> Option<Faults> {
    let mut found = match read(path) {
        Ok(found) => found,
        Err(error) => return Some(Faults::Unreadable(error.to_string())),
    };
    let mut faults = Vec::new();
    for (name, dims) in weights {
        match found.remove(name) {
            None => faults.push(format!("`{name}` is missing")),
            Some(entry) if entry.dtype != "F32" => {
                faults.push(format!("`{name}` is {}, not F32", entry.dtype));
            }
            Some(entry) if entry.shape != dims => faults.push(format!(
                "`{name}` is {:?} in the file and {dims:?} in the network",
                entry.shape
            )),
            Some(_) => {}
        }
    }
    faults.extend(found.keys().map(|name| format!("the network has no `{name}`")));
    (!faults.is_empty()).then_some(Faults::Misfit(faults))
}

/// Looks whether a file has the header of a safetensors file and is as long as that says, before a
/// library that would end the program otherwise reads it.
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &Path) -> io::Result<()> {
    read(path).map(drop)
}

fn read(path: &Path) -> io::Result<Entries> {
    let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut file = regular::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| invalid(header::NONE))?;
    let length = u64::from_le_bytes(length);
    let size = file.seek(SeekFrom::End(0))?;
    if length > header::LONGEST || length + 8 > size {
        return Err(invalid(header::EARLY));
    }
    file.seek(SeekFrom::Start(8))?;
    let mut text = vec![0; length as usize];
    file.read_exact(&mut text)?;
    header::entries(&text, size).map_err(invalid)
}

/// The SHA-256 of a file, hexadecimal.
///
/// # Errors
/// What reading it reports.
pub fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    io::copy(&mut file, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

/// A hash as it is written everywhere: hexadecimal.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn file(header: &str, data: usize) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    const HEADER: &str = r#"{"__metadata__":{"by":"a"},
        "a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "a.bias":{"dtype":"F16","shape":[2],"data_offsets":[24,28]}}"#;

    fn compare(file: &tempfile::NamedTempFile, weights: &[(&str, &[u64])]) -> Option<Faults> {
        faults(file.path(), weights.iter().copied())
    }

    #[test]
    fn names_formats_and_shapes_are_compared() {
        let file = file(HEADER, 28);
        let told = |weights: &[(&str, &[u64])]| match compare(&file, weights) {
            Some(Faults::Misfit(faults)) => faults.join("; "),
            other => format!("{other:?}"),
        };
        assert_eq!(
            told(&[("a.weight", &[3, 2]), ("b", &[1])]),
            "`a.weight` is [2, 3] in the file and [3, 2] in the network; `b` is missing; \
             the network has no `a.bias`"
        );
        assert_eq!(told(&[("a.weight", &[2, 3]), ("a.bias", &[2])]), "`a.bias` is F16, not F32");
    }

    #[test]
    fn a_file_that_fits_has_no_faults() {
        let header = r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#;
        assert_eq!(compare(&file(header, 16), &[("w", &[4])]), None);
        let unreadable = |file, why: &str| match compare(&file, &[("w", &[4])]) {
            Some(Faults::Unreadable(reason)) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{other:?}"),
        };
        unreadable(file(header, 15), "its length");
        unreadable(file("{", 0), "no safetensors file");
        unreadable(file(r#"{"w":3}"#, 0), "no safetensors file");
        let short = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(short.path(), [255; 9]).unwrap();
        unreadable(short, "no safetensors file");
    }

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(file.path()).unwrap(), wanted);
    }
}
