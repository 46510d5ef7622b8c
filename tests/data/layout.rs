//! Reading and writing the binary layout.

use std::fs;
use std::path::Path;

use resweep::data::{DataError, Dataset, IMAGE_BYTES, Images, MetaProblem, cifar10, shapes10};

use super::{says, small, written};

const RECORD: usize = cifar10::RECORD_BYTES;

#[test]
fn what_is_written_is_read_back() {
    let parent = tempfile::tempdir().unwrap();
    for (train, test) in [(5, 1), (23, 11), (100, 20)] {
        let dataset = shapes10::generate(train, test, 3);
        let dir = parent.path().join(format!("{train}/{}", cifar10::FOLDER));
        cifar10::write(&dataset, &dir).unwrap();
        assert_eq!(cifar10::load(&dir).unwrap(), dataset);
        assert_eq!(cifar10::load(dir.parent().unwrap()).unwrap(), dataset);
    }
}

#[test]
fn pixels_are_planes_in_the_file_and_channels_last_in_memory() {
    let (_parent, folder) = written();
    let mut record = vec![0; RECORD];
    record[0] = 7;
    (record[1 + 33], record[1 + 1024 + 33], record[1 + 2048 + 33]) = (10, 20, 30);
    fs::write(folder.join("test_batch.bin"), record).unwrap();
    let test = cifar10::load(&folder).unwrap().test;
    assert_eq!(test.labels, [7]);
    assert_eq!(test.pixels[33 * 3..34 * 3], [10, 20, 30]);
    assert_eq!(test.pixels.iter().filter(|&&byte| byte != 0).count(), 3);
}

#[test]
fn the_name_follows_the_classes_else_the_folder() {
    let (parent, folder) = written();
    assert_eq!(cifar10::load(&folder).unwrap().name, "cifar10");
    let mut own = small(5, 1);
    own.classes[3] = "lynx".into();
    let dir = parent.path().join("felines");
    cifar10::write(&own, &dir).unwrap();
    let own = cifar10::load(&dir).unwrap();
    assert_eq!(own.name, "felines");
    assert_eq!(own.normalization(), own.train.normalization());
}

#[test]
fn train_files_of_unequal_size_are_read_in_order() {
    let (_parent, folder) = written();
    fs::write(folder.join("data_batch_2.bin"), vec![4; RECORD * 9]).unwrap();
    let train = cifar10::load(&folder).unwrap().train;
    assert_eq!((train.len(), &train.labels[4..13]), (25, [4; 9].as_slice()));
}

/// What [`cifar10::load`] says once `spoil` has been at a good folder.
#[track_caller]
fn spoilt(spoil: impl FnOnce(&Path)) -> DataError {
    let (_parent, folder) = written();
    spoil(&folder);
    cifar10::load(&folder).unwrap_err()
}

#[test]
fn a_truncated_file_is_told_with_its_bytes() {
    let error = spoilt(|folder| {
        fs::write(folder.join("data_batch_3.bin"), vec![0; 2 * RECORD + 100]).unwrap();
    });
    assert!(matches!(error, DataError::Truncated { bytes: 6246, .. }));
    says(&error, &["data_batch_3.bin", "6246 bytes", "2 whole", "100 bytes over", "30730000"]);
}

#[test]
fn a_file_without_records_is_refused() {
    let error = spoilt(|folder| fs::write(folder.join("test_batch.bin"), "").unwrap());
    assert!(matches!(error, DataError::WrongCount { found: 0, .. }));
    says(&error, &["test_batch.bin", "0 records", "unpack the archive again"]);
}

#[test]
fn the_official_set_is_wanted_whole() {
    let error = spoilt(|folder| {
        for i in 1..=5 {
            let records = if i == 4 { 9_999 } else { 10_000 };
            fs::write(folder.join(format!("data_batch_{i}.bin")), vec![0; records * RECORD])
                .unwrap();
        }
    });
    assert!(matches!(error, DataError::WrongCount { found: 9_999, expected: 10_000, .. }));
    says(&error, &["data_batch_4.bin", "9999 records", "30730000 bytes", "official set"]);
}

#[test]
fn a_label_out_of_range_is_told_with_its_record() {
    let error = spoilt(|folder| {
        let path = folder.join("data_batch_5.bin");
        let mut bytes = fs::read(&path).unwrap();
        bytes[2 * RECORD] = 10;
        fs::write(path, bytes).unwrap();
    });
    assert!(matches!(error, DataError::Label { record: 2, label: 10, .. }));
    says(&error, &["data_batch_5.bin", "record 2", "byte 6146", "label 10", "0 to 9"]);
}

#[test]
fn the_first_of_several_faults_is_told() {
    let error = spoilt(|folder| {
        for i in [4, 2, 5] {
            fs::write(folder.join(format!("data_batch_{i}.bin")), "short").unwrap();
        }
    });
    says(&error, &["data_batch_2.bin"]);
}

#[test]
fn every_missing_file_is_named() {
    for file in ["data_batch_1.bin", "data_batch_5.bin", "test_batch.bin", "batches.meta.txt"] {
        let error = spoilt(|folder| fs::remove_file(folder.join(file)).unwrap());
        assert!(matches!(error, DataError::MissingFile { file: missing, .. } if missing == file));
        says(&error, &[file, "is missing", "cs.toronto.edu"]);
    }
}

#[test]
fn an_unreadable_file_is_told() {
    let error = spoilt(|folder| {
        fs::remove_file(folder.join("data_batch_1.bin")).unwrap();
        fs::create_dir(folder.join("data_batch_1.bin")).unwrap();
    });
    assert!(matches!(error, DataError::Unreadable { .. }));
    says(&error, &["data_batch_1.bin", "cannot be read"]);
}

#[test]
fn malformed_class_names_are_told() {
    let meta = |text: &[u8]| {
        let error = spoilt(|folder| fs::write(folder.join("batches.meta.txt"), text).unwrap());
        says(&error, &["batches.meta.txt", "ten names", "airplane, automobile"]);
        match error {
            DataError::Meta { problem, .. } => problem,
            other => panic!("{other}"),
        }
    };
    assert_eq!(meta(b"\xff\xfe"), MetaProblem::NotText);
    assert_eq!(meta(b"cat\n\ndog\n"), MetaProblem::Count(2));
    assert_eq!(meta(b"a\nb\nc\nd\ne\nf\ng\nh\na\nj\n"), MetaProblem::Twice("a".into()));
}

/// What [`cifar10::load`] says of a folder that holds these files.
fn folder_with(files: &[&str]) -> DataError {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        fs::write(dir.path().join(file), "").unwrap();
    }
    cifar10::load(dir.path()).unwrap_err()
}

#[test]
fn folders_of_something_else_are_told_apart() {
    let empty = folder_with(&[]);
    assert!(matches!(empty, DataError::EmptyFolder { .. }));
    says(&empty, &["is empty", "cs.toronto.edu"]);

    let python = folder_with(&["data_batch_1", "batches.meta", "test_batch"]);
    assert!(matches!(python, DataError::PythonVersion { .. }));
    says(&python, &["Python version", "binary version is wanted", "cifar-10-binary.tar.gz"]);

    let hundred = folder_with(&["train.bin", "test.bin", "fine_label_names.txt"]);
    assert!(matches!(hundred, DataError::Cifar100 { .. }));
    says(&hundred, &["CIFAR-100", "cifar-10-binary.tar.gz"]);

    let packed = folder_with(&["cifar-10-binary.tar.gz"]);
    assert!(matches!(packed, DataError::StillPacked { .. }));
    says(&packed, &["still packed", "tar xzf"]);

    let other = folder_with(&["notes.txt"]);
    assert!(matches!(other, DataError::NotCifar10 { .. }));
    says(&other, &["data_batch_1.bin to data_batch_5.bin, test_batch.bin"]);
}

#[test]
fn paths_that_are_no_folder_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let load = |name: &str| cifar10::load(&dir.path().join(name)).unwrap_err();
    fs::write(dir.path().join("notes.txt"), "").unwrap();
    fs::write(dir.path().join("cifar-10-binary.tar.gz"), "").unwrap();
    assert!(matches!(load("nowhere"), DataError::Absent { .. }));
    says(&load("nowhere"), &["nowhere", "no such folder", "cifar-10-batches-bin"]);
    assert!(matches!(load("notes.txt"), DataError::NotAFolder { .. }));
    says(&load("notes.txt"), &["notes.txt", "is not a folder"]);
    assert!(matches!(load("cifar-10-binary.tar.gz"), DataError::StillPacked { .. }));
}

/// Why a data set cannot be written once `spoil` has been at it.
fn unwritable(spoil: impl FnOnce(&mut Dataset)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut dataset = small(10, 10);
    spoil(&mut dataset);
    match cifar10::write(&dataset, &dir.path().join("set")).unwrap_err() {
        DataError::NotWritable { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn what_the_layout_cannot_hold_is_refused() {
    let reason = unwritable(|set| set.classes.truncate(9));
    assert_eq!(reason, "it wants 10 classes, and there are 9");
    let reason = unwritable(|set| set.classes[1] = "two\nlines".into());
    assert!(reason.contains("two\\nlines"));
    let reason = unwritable(|set| set.train = set.train.clone().take(4));
    assert!(reason.contains("there are 4 and 10"));
    let reason = unwritable(|set| set.test = Images::default());
    assert!(reason.contains("there are 10 and 0"));
    let reason = unwritable(|set| set.train.pixels.truncate(IMAGE_BYTES));
    assert!(reason.contains("have 3072 bytes, not 30720"));
    let reason = unwritable(|set| set.test.labels[3] = 10);
    assert_eq!(reason, "test image 3 has the label 10");
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let (_parent, folder) = written();
    let error = cifar10::write(&small(10, 10), &folder).unwrap_err();
    assert!(matches!(error, DataError::Occupied { .. }));
    says(&error, &["not empty", "name a new folder"]);
    assert_eq!(cifar10::load(&folder).unwrap().train.len(), 20);
}

#[test]
fn a_refused_write_names_the_folder() {
    let (_parent, folder) = written();
    let below_a_file = folder.join("test_batch.bin").join("set");
    let error = cifar10::write(&small(10, 10), &below_a_file).unwrap_err();
    assert!(matches!(error, DataError::Write { .. }));
    says(&error, &["test_batch.bin/set", "cannot be written"]);
}

#[test]
fn images_can_be_cut_counted_and_measured() {
    let images = small(20, 10).train;
    assert_eq!(images.per_class(), [2; 10]);
    let first = images.clone().take(7);
    assert_eq!((first.len(), first.pixels.len()), (7, 7 * IMAGE_BYTES));
    assert_eq!(first.pixels, images.pixels[..7 * IMAGE_BYTES]);
    assert_eq!(images.clone().take(usize::MAX), images);
    assert!(images.take(0).is_empty());
    let two = Images { pixels: vec![0, 51, 255, 255, 51, 255], labels: vec![] }.normalization();
    assert_eq!((two.mean, two.std), ([0.5, 0.2, 1.0], [0.5, 0.0, 0.0]));
}
