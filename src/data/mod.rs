//! The data sets: ten classes of 32x32 colour images, held as bytes in memory.
//!
//! | module | what it does |
//! |---|---|
//! | [`cifar10`] | finds, reads and writes the binary layout of CIFAR-10 |
//! | [`download`] | fetches an archive, checks it and unpacks it |
//! | [`shapes10`] | draws a procedural data set that needs no download |
//!
//! Nothing here knows of tensors: the bytes are in the order the device wants them, and turning
//! them into floats is the trainer's work.

mod error;

pub mod cifar10;
pub mod download;
pub mod shapes10;

pub use error::{DataError, EntryProblem, MetaProblem, Origin};

/// Height and width of every image, in pixels.
pub const SIDE: usize = 32;
/// Colour channels of every image: red, green, blue.
pub const CHANNELS: usize = 3;
/// Bytes of one image.
pub const IMAGE_BYTES: usize = SIDE * SIDE * CHANNELS;
/// Classes of every data set; labels run from 0 to 9.
pub const CLASSES: usize = 10;

/// A data set: what to train on, what to test on, and what the labels mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// What results call it: `cifar10`, `shapes10`, or the name of the folder it was read from.
    pub name: String,
    /// The name of each label, in label order; always [`CLASSES`] of them.
    pub classes: Vec<String>,
    /// The training images.
    pub train: Images,
    /// The test images.
    pub test: Images,
}

impl Dataset {
    /// The normalisation that the data set is used with: the published constants where it is
    /// CIFAR-10 or shapes10, else what its training images measure.
    #[must_use]
    pub fn normalization(&self) -> Normalization {
        match self.name.as_str() {
            cifar10::NAME => Normalization { mean: cifar10::MEAN, std: cifar10::STD },
            shapes10::NAME => Normalization { mean: shapes10::MEAN, std: shapes10::STD },
            _ => self.train.normalization(),
        }
    }
}

/// Images with their labels, as unsigned bytes in N x H x W x C order (channels last).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images {
    /// [`IMAGE_BYTES`] bytes an image, rows from the top, red, green and blue of a pixel together.
    pub pixels: Vec<u8>,
    /// One label an image, less than [`CLASSES`].
    pub labels: Vec<u8>,
}

impl Images {
    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first `n` images, or all of them where there are fewer.
    #[must_use]
    pub fn take(mut self, n: usize) -> Self {
        self.labels.truncate(n);
        self.pixels.truncate(n.saturating_mul(IMAGE_BYTES));
        self
    }

    /// The images at the places that are `true`, and the others, both in their order. Images
    /// beyond the places given count as others.
    #[must_use]
    pub fn partition(&self, places: &[bool]) -> (Self, Self) {
        let (mut chosen, mut others) = (Self::default(), Self::default());
        let images = self.pixels.chunks_exact(IMAGE_BYTES).zip(&self.labels);
        for (place, (pixels, &label)) in images.enumerate() {
            let to = if places.get(place) == Some(&true) { &mut chosen } else { &mut others };
            to.pixels.extend_from_slice(pixels);
            to.labels.push(label);
        }
        (chosen, others)
    }

    /// How many images each class has, in label order. Labels out of range are not counted.
    #[must_use]
    pub fn per_class(&self) -> [usize; CLASSES] {
        let mut counts = [0; CLASSES];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    }

    /// Measures mean and standard deviation of each channel over all pixels of all images.
    /// Without images the result normalises nothing: mean 0, deviation 1.
    #[must_use]
    pub fn normalization(&self) -> Normalization {
        let channel = |c| moments(self.pixels.iter().skip(c).step_by(CHANNELS));
        let [red, green, blue] = [channel(0), channel(1), channel(2)];
        Normalization { mean: [red.0, green.0, blue.0], std: [red.1, green.1, blue.1] }
    }
}

/// What is subtracted from a channel and what it is divided by, pixels being in 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalization {
    /// Mean of red, green and blue.
    pub mean: [f32; CHANNELS],
    /// Standard deviation of red, green and blue.
    pub std: [f32; CHANNELS],
}

/// Mean and standard deviation of bytes, in units of 255. The sums are exact.
fn moments<'a>(bytes: impl Iterator<Item = &'a u8>) -> (f32, f32) {
    let (mut n, mut sum, mut squares) = (0_u64, 0_u64, 0_u64);
    for &byte in bytes {
        n += 1;
        sum += u64::from(byte);
        squares += u64::from(byte).pow(2);
    }
    if n == 0 {
        return (0.0, 1.0);
    }
    let (mean, square) = (sum as f64 / n as f64, squares as f64 / n as f64);
    ((mean / 255.0) as f32, ((square - mean * mean).max(0.0).sqrt() / 255.0) as f32)
}
