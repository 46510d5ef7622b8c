//! Telling on stderr how far a download is: a bar on a terminal, else a line every tenth.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::Archive;

/// The progress of one download.
pub(super) enum Progress {
    /// A bar that redraws itself.
    Bar(ProgressBar),
    /// Plain lines, for logs.
    Lines {
        /// The bytes of the archive.
        total: u64,
        /// The tenth that was told last.
        told: u64,
    },
}

impl Progress {
    /// Announces the download of an archive.
    pub(super) fn new(archive: &Archive) -> Self {
        eprintln!("downloading {} ({} MiB)", archive.url, archive.bytes >> 20);
        if !io::stderr().is_terminal() {
            return Self::Lines { total: archive.bytes, told: 0 };
        }
        let template = "{bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::Bar(ProgressBar::new(archive.bytes).with_style(style))
    }

    /// Tells that so many bytes are there.
    pub(super) fn at(&mut self, have: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(have),
            Self::Lines { total, told } => {
                let tenth = have * 10 / (*total).max(1);
                if tenth != *told && tenth <= 10 {
                    eprintln!("  {}% of {} MiB", tenth * 10, *total >> 20);
                    *told = tenth;
                }
            }
        }
    }
}
