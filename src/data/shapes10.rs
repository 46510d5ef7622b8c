//! shapes10: a procedural data set of ten classes of figures, drawn in 32x32 colour pixels.
//!
//! It stands in for CIFAR-10 where there is none: examples, tests and first trials need no
//! download. An image shows one figure of its class somewhere, in any rotation, size, stretch and
//! colour, lighter than the cluttered ground behind it, among small distractors, with blur, noise
//! and now and then a bar across it. Colour says nothing about the class. Some pairs are easily
//! confused on purpose: disc, pentagon and square, triangle and crescent, stripes and checker.
//!
//! The same seed gives the same bytes on every machine: each image has a random stream of its own,
//! and the drawing uses only operations that IEEE 754 rounds exactly (no sine, no exponential).

mod canvas;
mod figure;
mod random;
mod scene;

use std::collections::HashSet;

use rayon::prelude::*;

use super::{CHANNELS, CLASSES, Dataset, IMAGE_BYTES, Images};
use figure::Figure;
use random::{Random, Stream};

/// The name of the data set in specs and results.
pub const NAME: &str = "shapes10";
/// Mean of red, green and blue, in 0 to 1, measured over 50,000 images of seed 0.
pub const MEAN: [f32; CHANNELS] = [0.3875, 0.3871, 0.3878];
/// Standard deviation of red, green and blue, in 0 to 1, measured over 50,000 images of seed 0.
pub const STD: [f32; CHANNELS] = [0.2228, 0.2227, 0.2226];
/// The classes in label order.
pub const CLASS_NAMES: [&str; CLASSES] = [
    "disc", "ring", "triangle", "square", "pentagon", "cross", "star", "crescent", "stripes",
    "checker",
];

/// Draws `train` training images and `test` test images, in parallel. No image is in both.
///
/// Every ten images in a row hold each class once, in shuffled order. The first images are the
/// same however many are asked for, and on however many threads they are drawn.
#[must_use]
pub fn generate(train: usize, test: usize, seed: u64) -> Dataset {
    Dataset {
        name: NAME.to_owned(),
        classes: CLASS_NAMES.map(str::to_owned).to_vec(),
        train: draw(Split::Train, train, seed, |_| true),
        test: draw(Split::Test, test, seed, |_| true),
    }
}

/// The first `n` test images, of which those at some places alone are drawn, and the others left black: to
/// show a few of ten thousand.
#[must_use]
pub fn some_of_test(n: usize, seed: u64, places: &[u32]) -> Images {
    let places: HashSet<usize> = places.iter().map(|place| *place as usize).collect();
    draw(Split::Test, n, seed, |index| places.contains(&index))
}

/// Which of the two sets of images, each with random streams of its own.
#[derive(Debug, Clone, Copy)]
enum Split {
    Train,
    Test,
}

fn draw(split: Split, n: usize, seed: u64, is_drawn: impl Fn(usize) -> bool + Sync) -> Images {
    let labels = labels(split, n, seed);
    let mut pixels = vec![0; n * IMAGE_BYTES];
    let images = pixels.par_chunks_exact_mut(IMAGE_BYTES).zip(&labels).enumerate();
    images.filter(|(index, _)| is_drawn(*index)).for_each(|(index, (image, &label))| {
        let mut random = Random::new(seed, Stream::Image(split, index as u64));
        scene::draw(Figure::ALL[usize::from(label)], &mut random, image);
    });
    Images { pixels, labels }
}

/// The labels of the first `n` images: one shuffle of the classes after another.
fn labels(split: Split, n: usize, seed: u64) -> Vec<u8> {
    let shuffles = (0..n.div_ceil(CLASSES)).flat_map(|index| {
        let mut classes: [u8; CLASSES] = std::array::from_fn(|class| class as u8);
        Random::new(seed, Stream::Labels(split, index as u64)).shuffle(&mut classes);
        classes
    });
    shuffles.take(n).collect()
}
