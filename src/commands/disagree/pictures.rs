//! The images on which two experiments disagree, drawn.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use crate::cli::DisagreeArgs;
use crate::commands::sheet::csv;
use crate::data::{IMAGE_BYTES, Images, SIDE};
use crate::picture::sheet::contact_sheet;
use crate::records::DisagreeRow;
use crate::saved::file_name;

/// Draws the images of the rows, and writes the rows beside them; says where.
pub(super) fn write(
    asked: &Path,
    images: &Images,
    rows: &[DisagreeRow],
    args: &DisagreeArgs,
) -> Result<Vec<String>, Error> {
    if rows.is_empty() {
        return Err(Error::NoPictures);
    }
    let image = |row: &DisagreeRow| {
        let from = row.image as usize * IMAGE_BYTES;
        images.pixels.get(from..from + IMAGE_BYTES).unwrap_or_default()
    };
    let views: Vec<&[u8]> = rows.iter().map(image).collect();
    let sheet = contact_sheet(&views, SIDE).map_err(|error| Error::Rows(error.to_string()))?;
    let path = place(asked, args)?;
    let beside = path.with_extension("csv");
    put(&path, &sheet)?;
    put(&beside, csv(rows).map_err(Error::Rows)?.as_bytes())?;
    Ok(vec![format!(
        "The images, row by row in this order: {}; the list: {}",
        path.display(),
        beside.display()
    )])
}

/// The file: as it is asked for, or named by the experiments in the folder that is.
fn place(asked: &Path, args: &DisagreeArgs) -> Result<PathBuf, Error> {
    if asked.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        return Ok(asked.to_owned());
    }
    let unwritable = |why| Error::Unwritable { path: asked.to_owned(), why };
    fs::create_dir_all(asked).map_err(unwritable)?;
    Ok(asked.join(file_name(&format!("{}-against-{}", args.first, args.second)) + ".png"))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|why| Error::Unwritable { path: path.to_owned(), why })
}
