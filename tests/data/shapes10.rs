//! The procedural data set.

use std::collections::HashSet;

use resweep::data::{IMAGE_BYTES, Images, shapes10};
use sha2::{Digest, Sha256};

/// The first 100 training and test images of seed 0. A change here changes every result that was
/// obtained on shapes10, so it needs a new name for the data set.
const GOLDEN: &str = "869b0c9692a41950073efa2cfafe24e442d0a11adad813fabdcc09e9ba4c5efc";

#[test]
fn the_images_are_those_of_always() {
    let dataset = shapes10::generate(100, 100, 0);
    let mut hasher = Sha256::new();
    for images in [&dataset.train, &dataset.test] {
        hasher.update(&images.pixels);
        hasher.update(&images.labels);
    }
    assert_eq!(format!("{:x}", hasher.finalize()), GOLDEN);
}

#[test]
fn the_first_images_are_the_same_however_many_are_asked_for() {
    let many = shapes10::generate(64, 33, 5);
    let few = shapes10::generate(17, 3, 5);
    assert_eq!(many.train.take(17), few.train);
    assert_eq!(many.test.take(3), few.test);
    assert!(shapes10::generate(0, 0, 5).train.is_empty());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| shapes10::generate(50, 50, 2))
    };
    assert_eq!(on(1), on(7));
}

#[test]
fn classes_are_balanced_in_every_ten_and_in_no_fixed_order() {
    let dataset = shapes10::generate(100, 20, 9);
    assert_eq!(dataset.train.per_class(), [10; 10]);
    assert_eq!(dataset.test.per_class(), [2; 10]);
    let runs: HashSet<&[u8]> = dataset.train.labels.chunks(10).collect();
    assert_eq!(runs.len(), 10);
    for run in runs {
        assert_eq!(run.iter().collect::<HashSet<_>>().len(), 10);
    }
}

#[test]
fn no_two_images_are_the_same() {
    let (one, other) = (shapes10::generate(100, 100, 1), shapes10::generate(100, 100, 2));
    let sets = [one.train, one.test, other.train, other.test];
    let images: HashSet<&[u8]> =
        sets.iter().flat_map(|set| set.pixels.chunks(IMAGE_BYTES)).collect();
    assert_eq!(images.len(), 400);
}

#[test]
fn the_constants_are_what_the_images_measure() {
    let measured = shapes10::generate(1000, 0, 0).train.normalization();
    for c in 0..3 {
        assert!((measured.mean[c] - shapes10::MEAN[c]).abs() < 0.02, "{measured:?}");
        assert!((measured.std[c] - shapes10::STD[c]).abs() < 0.02, "{measured:?}");
    }
}

#[test]
fn colour_says_nothing_about_the_class() {
    let images = shapes10::generate(2000, 0, 4).train;
    let of = |class| images_of(&images, class).normalization();
    for class in 0..10 {
        let mean = of(class).mean;
        // Which channel is the strongest is chance: all three agree within the sampling error.
        assert!(mean.iter().all(|value| (value - mean[0]).abs() < 0.05), "{class}: {mean:?}");
    }
}

fn images_of(images: &Images, class: u8) -> Images {
    let mut chosen = Images::default();
    for (image, &label) in images.pixels.chunks(IMAGE_BYTES).zip(&images.labels) {
        if label == class {
            chosen.pixels.extend(image);
            chosen.labels.push(label);
        }
    }
    chosen
}

#[test]
fn some_images_are_drawn_as_all_are() {
    let (all, some) = (shapes10::generate(0, 30, 5).test, shapes10::some_of_test(30, 5, &[3, 17]));
    assert_eq!(some.labels, all.labels);
    let images = all.pixels.chunks(IMAGE_BYTES).zip(some.pixels.chunks(IMAGE_BYTES));
    for (place, (whole, own)) in images.enumerate() {
        let is_drawn = [3, 17].contains(&place);
        assert_eq!(own == whole, is_drawn, "{place}");
        assert!(is_drawn || own.iter().all(|byte| *byte == 0), "{place}");
    }
}
