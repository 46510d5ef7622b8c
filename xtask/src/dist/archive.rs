//! Files to one `.tar.gz`: the same files give the same bytes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use resweep::records::atomic;
use tar::{Builder, EntryType, Header};

use super::DistError;

/// An archive that is put together; all that is in it lies in one folder.
pub struct Archive {
    folder: String,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    mode: u32,
    from: From,
}

enum From {
    Bytes(Vec<u8>),
    File(PathBuf),
    Folder(PathBuf),
}

impl Archive {
    /// An empty one.
    pub fn new(folder: &str) -> Self {
        Self { folder: folder.into(), entries: Vec::new() }
    }

    /// Adds a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.add(name, 0o644, From::Bytes(text.as_bytes().to_vec()));
    }

    /// Adds a program.
    pub fn program(&mut self, name: &str, bytes: &[u8]) {
        self.add(name, 0o755, From::Bytes(bytes.to_vec()));
    }

    /// Adds a file.
    pub fn file(&mut self, name: &str, path: &Path) {
        self.add(name, 0o644, From::File(path.into()));
    }

    /// Adds a folder with all that is in it.
    pub fn folder(&mut self, name: &str, path: &Path) {
        self.add(name, 0o755, From::Folder(path.into()));
    }

    fn add(&mut self, name: &str, mode: u32, from: From) {
        self.entries.push(Entry { name: format!("{}/{name}", self.folder), mode, from });
    }

    /// Writes it, in place of an earlier one; its size in bytes.
    ///
    /// # Errors
    /// The file that cannot be read, or that the archive cannot be written.
    pub fn write(&self, output: &Path) -> Result<u64, DistError> {
        let mut fault = None;
        let written = atomic::replace_by(output, |path| {
            let file = BufWriter::new(File::options().write(true).truncate(true).open(path)?);
            let mut builder = Builder::new(GzEncoder::new(file, Compression::default()));
            for entry in &self.entries {
                entry.append(&mut builder).inspect_err(|_| fault = entry.path())?;
            }
            builder.into_inner()?.finish()?.flush()
        });
        let fault = fault.unwrap_or_else(|| output.to_owned());
        written.map_err(DistError::file(&fault))?;
        Ok(std::fs::metadata(output).map_err(DistError::file(output))?.len())
    }
}

impl Entry {
    fn path(&self) -> Option<PathBuf> {
        match &self.from {
            From::Bytes(_) => None,
            From::File(path) | From::Folder(path) => Some(path.clone()),
        }
    }

    fn append<W: Write>(&self, builder: &mut Builder<W>) -> io::Result<()> {
        match &self.from {
            From::Bytes(bytes) => {
                append(builder, &self.name, self.mode, bytes.len() as u64, &mut bytes.as_slice())
            }
            From::File(path) => append_file(builder, &self.name, self.mode, path),
            From::Folder(path) => append_folder(builder, &self.name, path),
        }
    }
}

fn append<W: Write>(
    builder: &mut Builder<W>,
    name: &str,
    mode: u32,
    size: u64,
    bytes: &mut dyn io::Read,
) -> io::Result<()> {
    // Neither who made it nor when is in it.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_size(size);
    builder.append_data(&mut header, name, bytes)
}

fn append_file<W: Write>(
    builder: &mut Builder<W>,
    name: &str,
    mode: u32,
    path: &Path,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    append(builder, name, mode, file.metadata()?.len(), &mut file)
}

fn append_folder<W: Write>(builder: &mut Builder<W>, name: &str, path: &Path) -> io::Result<()> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        match path.is_dir() {
            true => append_folder(builder, &name, &path)?,
            false => append_file(builder, &name, 0o644, &path)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("specs/models");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("b.ron"), "b").unwrap();
        std::fs::write(inner.join("a.ron"), "a").unwrap();
        let mut archive = Archive::new("it-1");
        archive.program("run", b"#!/bin/sh\necho ran\n");
        archive.folder("specs", &folder.path().join("specs"));
        let (first, second) = (folder.path().join("1"), folder.path().join("2"));
        let size = archive.write(&first).unwrap();
        assert_eq!(size, archive.write(&second).unwrap());
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());

        let file = flate2::read::GzDecoder::new(File::open(&first).unwrap());
        tar::Archive::new(file).unpack(folder.path()).unwrap();
        let output = std::process::Command::new(folder.path().join("it-1/run")).output().unwrap();
        assert_eq!(output.stdout, b"ran\n");
        assert_eq!(std::fs::read(folder.path().join("it-1/specs/models/b.ron")).unwrap(), b"b");

        archive.file("none", Path::new("/no/such/file"));
        let error = archive.write(&first).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/file: "), "{error}");
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    }
}
