//! Golden files: texts as they were when a person last read them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The names of a folder's files, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Compares texts with the `.txt` files of a folder, or writes them with `RESWEEP_BLESS=1`.
pub struct Golden {
    folder: PathBuf,
    seen: Vec<String>,
    differences: String,
}

impl Golden {
    /// The golden texts of a folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), seen: Vec::new(), differences: String::new() }
    }

    /// Compares one text; [`Golden::finish`] tells.
    pub fn check(&mut self, name: &str, text: &str) {
        self.seen.push(name.into());
        let path = self.folder.join(name);
        let text = format!("{}\n", text.trim_end());
        if std::env::var_os("RESWEEP_BLESS").is_some() {
            return std::fs::write(path, text).unwrap();
        }
        let wanted = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        if wanted != text {
            let _ = writeln!(self.differences, "{name} was:\n{wanted}\nand is now:\n{text}");
        }
    }

    /// Fails where a text differs, and where one is left that nothing was compared with.
    pub fn finish(self) {
        let left: Vec<_> = files(&self.folder)
            .into_iter()
            .filter(|name| name.ends_with(".txt") && !self.seen.contains(name))
            .collect();
        assert!(self.differences.is_empty(), "{}RESWEEP_BLESS=1 accepts", self.differences);
        assert!(left.is_empty(), "nothing makes these any more: {left:?}");
    }
}
