//! Folders and files of results that are links: where they lead, as nothing is written elsewhere.
//!
//! A folder of results may have come from anyone. The folder that `--results` names may be a link, as
//! its owner made it; a folder below it may be one to another place below it, and to none outside.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// Where a folder leads that is a link out of `root`, which is canonical; none where it stays inside, or
/// is not there.
pub(super) fn leads_out(root: &Path, folder: &Path) -> Option<PathBuf> {
    let target = fs::read_link(folder).ok()?;
    match folder.canonicalize() {
        Ok(to) if to.starts_with(root) => None,
        Ok(to) => Some(to),
        // It leads to nothing, and would once that is there.
        Err(_) => Some(target),
    }
}

/// Where a file leads that is a link: none of those that are written in place may be one.
pub(super) fn is_link(file: &Path) -> Option<PathBuf> {
    fs::read_link(file).ok()
}

/// Opens no link that took the place of a file, and waits for no pipe that did.
pub(super) fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed());
    }
    options
}
