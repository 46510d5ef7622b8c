//! CIFAR-10 in its binary layout: five training files, one test file, one file of class names.
//!
//! A record is one label byte and 3,072 pixel bytes: 1,024 of red, then of green, then of blue,
//! each row by row from the top. Source: Krizhevsky, *Learning Multiple Layers of Features from
//! Tiny Images*, 2009, and <https://www.cs.toronto.edu/~kriz/cifar.html>.

mod folder;
mod locate;
mod write;

use std::path::Path;

use rayon::prelude::*;

use super::{CHANNELS, DataError, Dataset, IMAGE_BYTES, Images, MetaProblem, SIDE, shapes10};
use crate::regular;

pub use locate::{Sources, at_hand, locate, locate_among};
pub use write::write;

/// The name of the data set in specs and results.
pub const NAME: &str = "cifar10";
/// The folder that the official archive unpacks to.
pub const FOLDER: &str = "cifar-10-batches-bin";
/// The official address of the archive.
pub const URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
/// Records of each file of the official set.
pub const RECORDS: usize = 10_000;
/// Bytes of a record: its label and its pixels.
pub const RECORD_BYTES: usize = 1 + IMAGE_BYTES;
/// Mean of red, green and blue over the official training images, in 0 to 1.
pub const MEAN: [f32; CHANNELS] = [0.4914, 0.4822, 0.4465];
/// Standard deviation of red, green and blue over the official training images, in 0 to 1.
pub const STD: [f32; CHANNELS] = [0.2470, 0.2435, 0.2616];
/// The classes in label order.
pub const CLASS_NAMES: [&str; super::CLASSES] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The files of records: five of training images, then the one of test images.
pub(super) const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// The file of class names.
const META: &str = "batches.meta.txt";
/// How many of [`FILES`] are for training.
const TRAIN_FILES: usize = 5;

/// Reads a data set in the binary layout. `dir` is the folder of the files, or the one that holds
/// `cifar-10-batches-bin`. Files are read and decoded in parallel.
///
/// All seven files must be there, each of the six with one whole record or more. Where the class
/// names are CIFAR-10's and one training file has the official 10,000 records, this is the
/// official set and every file must have 10,000; any other set may be of any size, such as those
/// that [`write()`] makes.
///
/// The data set is named `cifar10` or `shapes10` where it has their classes, else by its folder.
///
/// # Errors
///
/// Where the folder is missing or holds something else, or a file is unreadable, truncated, of the
/// wrong size, or has a label out of range; of several the first in the order of the files.
pub fn load(dir: &Path) -> Result<Dataset, DataError> {
    let folder = folder::resolve(dir)?;
    let classes = read_classes(&folder.join(META))?;
    let read: Vec<_> = FILES.par_iter().map(|file| read_records(&folder.join(file))).collect();
    let files = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    if classes == CLASS_NAMES {
        check_official(&folder, &files)?;
    }
    let name = name_of(&classes, &folder);
    let (train, test) = files.split_at(TRAIN_FILES);
    Ok(Dataset { name, classes, train: decode(train), test: decode(test) })
}

/// The names of the classes of a data set in the binary layout, in label order.
///
/// # Errors
///
/// Where the folder is missing or holds something else, or the file of names does.
pub fn class_names(dir: &Path) -> Result<Vec<String>, DataError> {
    read_classes(&folder::resolve(dir)?.join(META))
}

fn name_of(classes: &[String], folder: &Path) -> String {
    if classes == CLASS_NAMES {
        NAME.to_owned()
    } else if classes == shapes10::CLASS_NAMES {
        shapes10::NAME.to_owned()
    } else {
        folder.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned())
    }
}

/// Reads the class names: ten lines that are not blank.
fn read_classes(path: &Path) -> Result<Vec<String>, DataError> {
    let problem = |problem| DataError::Meta { path: path.to_owned(), problem };
    let text = String::from_utf8(read(path)?).map_err(|_| problem(MetaProblem::NotText))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() != super::CLASSES {
        return Err(problem(MetaProblem::Count(names.len())));
    }
    match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        Some((_, name)) => Err(problem(MetaProblem::Twice(name.clone()))),
        None => Ok(names),
    }
}

/// Reads a file of records and checks all that can be checked of it alone.
fn read_records(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = read(path)?;
    if bytes.len() % RECORD_BYTES != 0 {
        return Err(DataError::Truncated { path: path.to_owned(), bytes: bytes.len() as u64 });
    }
    if bytes.is_empty() {
        return Err(DataError::WrongCount { path: path.to_owned(), found: 0, expected: RECORDS });
    }
    let mut labels = bytes.iter().step_by(RECORD_BYTES);
    match labels.position(|&label| usize::from(label) >= super::CLASSES) {
        None => Ok(bytes),
        Some(record) => {
            let label = bytes[record * RECORD_BYTES];
            Err(DataError::Label { path: path.to_owned(), record, label })
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    regular::read(path).map_err(|source| DataError::Unreadable { path: path.to_owned(), source })
}

/// Checks that every file has the official number of records where a training file has it. This
/// finds a file that was cut between two records.
fn check_official(folder: &Path, files: &[Vec<u8>]) -> Result<(), DataError> {
    let count = |file: &Vec<u8>| file.len() / RECORD_BYTES;
    if !files.iter().take(TRAIN_FILES).any(|file| count(file) == RECORDS) {
        return Ok(());
    }
    match FILES.iter().zip(files).find(|(_, file)| count(file) != RECORDS) {
        None => Ok(()),
        Some((name, file)) => Err(DataError::WrongCount {
            path: folder.join(name),
            found: count(file),
            expected: RECORDS,
        }),
    }
}

/// Turns records into images, from planes of colour to channels last.
fn decode(files: &[Vec<u8>]) -> Images {
    let records: Vec<&[u8]> = files.iter().flat_map(|f| f.chunks_exact(RECORD_BYTES)).collect();
    let mut pixels = vec![0; records.len() * IMAGE_BYTES];
    pixels
        .par_chunks_exact_mut(IMAGE_BYTES)
        .zip(&records)
        .for_each(|(image, record)| interleave(&record[1..], image));
    Images { pixels, labels: records.iter().map(|record| record[0]).collect() }
}

/// Three planes of colour to pixels of three colours.
fn interleave(planes: &[u8], image: &mut [u8]) {
    let (red, rest) = planes.split_at(SIDE * SIDE);
    let (green, blue) = rest.split_at(SIDE * SIDE);
    let colours = red.iter().zip(green).zip(blue);
    for (pixel, ((&r, &g), &b)) in image.chunks_exact_mut(CHANNELS).zip(colours) {
        pixel.copy_from_slice(&[r, g, b]);
    }
}
