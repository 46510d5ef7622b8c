//! A data set in CIFAR-10's binary layout.

use std::fs;

use resweep::data::{CLASSES, DataError, Dataset, cifar10, shapes10};

/// The files of records; the one of class names comes before them.
const FILES: usize = 6;

/// Reads bytes as a data set: up to the first zero byte the file of class names, and the rest in equal
/// parts the files of records. One that is read is written, and read again the same.
pub fn drive(bytes: &[u8]) -> Result<Dataset, DataError> {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join(cifar10::FOLDER);
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let records = bytes.get(end + 1..).unwrap_or_default();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("batches.meta.txt"), &bytes[..end]).unwrap();
    let names = (1..FILES).map(|number| format!("data_batch_{number}.bin"));
    for (at, name) in names.chain(["test_batch.bin".to_owned()]).enumerate() {
        let part = |at: usize| records.len() * at / FILES;
        fs::write(folder.join(name), &records[part(at)..part(at + 1)]).unwrap();
    }
    let _ = cifar10::class_names(parent.path()).map_err(told);
    let read = cifar10::load(parent.path()).map_err(told)?;
    assert_eq!((read.classes.len(), read.train.per_class().len()), (CLASSES, CLASSES));
    assert!(read.normalization().std.iter().all(|std| std.is_finite()));
    let again = parent.path().join("again");
    cifar10::write(&read, &again).unwrap();
    let (again, read) = (cifar10::load(&again).unwrap(), read);
    assert_eq!((&again.train, &again.test), (&read.train, &read.test));
    Ok(read)
}

/// Every message has words.
fn told(error: DataError) -> DataError {
    assert!(!error.to_string().is_empty(), "{error:?}");
    error
}

/// A data set of one image a file, under some names of classes.
pub fn seeds() -> Vec<Vec<u8>> {
    let record = |label: usize| [vec![label as u8], vec![7; cifar10::RECORD_BYTES - 1]].concat();
    let records: Vec<u8> = (0..FILES).flat_map(record).collect();
    let named = |names: &[&str]| [names.join("\n").into_bytes(), vec![0], records.clone()].concat();
    let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let mut cut = named(&digits);
    cut.pop();
    vec![named(&cifar10::CLASS_NAMES), named(&shapes10::CLASS_NAMES), named(&digits), cut]
}
