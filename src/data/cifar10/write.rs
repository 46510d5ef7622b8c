//! Writing a data set in CIFAR-10's binary layout.

use std::fs;
use std::io;
use std::path::Path;

use super::{FILES, FOLDER, META, RECORD_BYTES, TRAIN_FILES};
use crate::data::{CHANNELS, CLASSES, DataError, Dataset, IMAGE_BYTES, Images, SIDE};

/// Writes a data set in the binary layout to the new folder `dir`, so that [`load`](super::load)
/// reads it back. The training images are spread evenly over the five files, the earlier ones
/// having one more where they do not divide. The folder appears complete or not at all.
///
/// # Errors
///
/// Where `dir` is there already and not empty, the disk refuses, or the layout cannot hold the
/// data set: it wants ten class names of one line each, at least five training images and one test
/// image, and labels from 0 to 9.
pub fn write(dataset: &Dataset, dir: &Path) -> Result<(), DataError> {
    check(dataset)?;
    let refused = |source| DataError::Write { path: dir.to_owned(), source };
    if dir.exists() && dir.read_dir().map_err(refused)?.next().is_some() {
        return Err(DataError::Occupied { path: dir.to_owned() });
    }
    write_aside(dataset, dir).map_err(refused)
}

/// Writes to a new folder beside `dir` and renames it when it is complete.
fn write_aside(dataset: &Dataset, dir: &Path) -> io::Result<()> {
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent)?;
    let aside = tempfile::Builder::new().prefix(".resweep-").tempdir_in(parent)?;
    let folder = aside.path().join(FOLDER);
    fs::create_dir(&folder)?;
    write_files(dataset, &folder)?;
    fs::rename(&folder, dir)
}

fn write_files(dataset: &Dataset, folder: &Path) -> io::Result<()> {
    let mut start = 0;
    for (i, file) in FILES[..TRAIN_FILES].iter().enumerate() {
        let end = start + (dataset.train.len() + TRAIN_FILES - 1 - i) / TRAIN_FILES;
        fs::write(folder.join(file), encode(&dataset.train, start, end))?;
        start = end;
    }
    fs::write(folder.join(FILES[TRAIN_FILES]), encode(&dataset.test, 0, dataset.test.len()))?;
    fs::write(folder.join(META), dataset.classes.join("\n") + "\n\n")
}

/// The records of the images from `start` to before `end`: labels, and pixels as planes of colour.
fn encode(images: &Images, start: usize, end: usize) -> Vec<u8> {
    let mut records = Vec::with_capacity((end - start) * RECORD_BYTES);
    let pixels = &images.pixels[start * IMAGE_BYTES..end * IMAGE_BYTES];
    for (image, &label) in pixels.chunks_exact(IMAGE_BYTES).zip(&images.labels[start..end]) {
        records.push(label);
        for channel in 0..CHANNELS {
            records.extend(image.iter().skip(channel).step_by(CHANNELS));
        }
    }
    records
}

/// Checks that the layout can hold the data set.
fn check(dataset: &Dataset) -> Result<(), DataError> {
    let refuse = |reason| Err(DataError::NotWritable { name: dataset.name.clone(), reason });
    if let Some(reason) = unfit_classes(&dataset.classes) {
        return refuse(reason);
    }
    if dataset.train.len() < TRAIN_FILES || dataset.test.is_empty() {
        let (train, test) = (dataset.train.len(), dataset.test.len());
        return refuse(format!(
            "it wants {TRAIN_FILES} training images and 1 test image at least, and there are \
             {train} and {test}"
        ));
    }
    for (split, images) in [("training", &dataset.train), ("test", &dataset.test)] {
        if let Some(reason) = unfit_images(split, images) {
            return refuse(reason);
        }
    }
    Ok(())
}

fn unfit_classes(classes: &[String]) -> Option<String> {
    if classes.len() != CLASSES {
        return Some(format!("it wants {CLASSES} classes, and there are {}", classes.len()));
    }
    let unfit = |name: &&String| name.is_empty() || name.trim() != *name || name.contains('\n');
    let name = classes.iter().find(unfit)?;
    Some(format!("the class name {name:?} is blank or not one trimmed line"))
}

fn unfit_images(split: &str, images: &Images) -> Option<String> {
    let (bytes, expected) = (images.pixels.len(), images.len() * IMAGE_BYTES);
    if bytes != expected {
        let n = images.len();
        return Some(format!(
            "the {n} {split} images of {SIDE}x{SIDE} pixels have {bytes} bytes, not {expected}"
        ));
    }
    let index = images.labels.iter().position(|&label| usize::from(label) >= CLASSES)?;
    Some(format!("{split} image {index} has the label {}", images.labels[index]))
}
