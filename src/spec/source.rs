//! Texts that specs are read from, and places in them.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A range of bytes in one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub(crate) source: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    pub(crate) fn new(source: u32, start: usize, end: usize) -> Self {
        // A spec file is refused above 1 MiB, so that offsets fit.
        Self { source, start: start as u32, end: end.max(start) as u32 }
    }

    /// The part of this span from `start` to `end`, in bytes relative to it.
    pub(crate) fn part(self, start: usize, end: usize) -> Self {
        Self::new(self.source, self.start as usize + start, self.start as usize + end)
    }
}

/// One text: a file, or the argument of a `--set`.
#[derive(Debug)]
pub struct Source {
    /// What a person calls it: the path as it was given, or `--set train.epochs=1`.
    pub name: String,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, byte: u32) -> (usize, usize) {
        let before = &self.text[..floor_boundary(&self.text, byte as usize)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The bytes of a span, widened to whole characters.
    pub(crate) fn characters(&self, span: Span) -> std::ops::Range<usize> {
        let start = floor_boundary(&self.text, span.start as usize);
        let end = (span.end as usize).clamp(start, self.text.len());
        let end = (end..=self.text.len()).find(|&at| self.text.is_char_boundary(at));
        start..end.unwrap_or(self.text.len())
    }

    /// The byte of a line and column as [`Source::position`] counts them.
    pub(crate) fn offset(&self, line: usize, column: usize) -> usize {
        let line_start: usize =
            self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = &self.text[line_start..];
        let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |c| c.0);
        line_start + within
    }
}

/// Every text read so far. Spans point into it.
#[derive(Debug, Default)]
pub struct Sources {
    all: RefCell<Vec<Rc<Source>>>,
}

impl Sources {
    pub(crate) fn add(&self, name: String, folder: &Path, text: String) -> u32 {
        let mut all = self.all.borrow_mut();
        all.push(Rc::new(Source { name, folder: folder.to_path_buf(), text }));
        (all.len() - 1) as u32
    }

    /// Shows another text of the same length in the place of one.
    pub(crate) fn show(&self, id: u32, text: &str) {
        let mut all = self.all.borrow_mut();
        let Source { name, folder, .. } = &*all[id as usize];
        let (name, folder) = (name.clone(), folder.clone());
        all[id as usize] = Rc::new(Source { name, folder, text: text.into() });
    }

    /// The text that a span points into.
    pub fn of(&self, span: Span) -> Rc<Source> {
        self.get(span.source)
    }

    pub(crate) fn get(&self, id: u32) -> Rc<Source> {
        Rc::clone(&self.all.borrow()[id as usize])
    }

    /// `path:line:column` of the start of a span.
    pub fn locate(&self, span: Span) -> String {
        let source = self.of(span);
        let (line, column) = source.position(span.start);
        format!("{}:{line}:{column}", source.name)
    }
}

fn floor_boundary(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_offsets_agree() {
        let text = "é: 1\n  b: 2\n".to_string();
        let source = Source { name: "x".into(), folder: PathBuf::new(), text };
        for (byte, wanted) in [(0, (1, 1)), (2, (1, 2)), (6, (2, 1)), (8, (2, 3))] {
            assert_eq!(source.position(byte), wanted);
            assert_eq!(source.offset(wanted.0, wanted.1), byte as usize);
        }
    }
}
