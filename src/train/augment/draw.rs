//! What is drawn for one image: rectangles, changes of colour, the operation of TrivialAugment.

use std::f64::consts::TAU;

use rand::Rng;
use rand::seq::SliceRandom;

use super::affine;
use super::change::Change;
use crate::data::SIDE;
use crate::spec::train::Space;

/// Rows from `top` to before `bottom`, columns from `left` to before `right`; empty where nothing
/// is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rectangle {
    /// First row.
    pub top: i64,
    /// The row after the last.
    pub bottom: i64,
    /// First column.
    pub left: i64,
    /// The column after the last.
    pub right: i64,
}

/// The square of Cutout around a random pixel, cut off at the edge.
pub fn square(size: i64, random: &mut impl Rng) -> Rectangle {
    let side = SIDE as i64;
    let mut range = || {
        let start = random.random_range(0..side) - size / 2;
        (start.max(0), (start + size).min(side))
    };
    let ((top, bottom), (left, right)) = (range(), range());
    Rectangle { top, bottom, left, right }
}

/// The fields of RandomErasing.
#[derive(Debug, Clone, Copy)]
pub struct Erasing {
    /// Probability.
    pub p: f64,
    /// Least and greatest share of the area.
    pub scale: (f64, f64),
    /// Least and greatest height per width.
    pub ratio: (f64, f64),
}

impl Erasing {
    /// torchvision's `RandomErasing.get_params`: ten attempts at a rectangle that is smaller than
    /// the image both ways; without success nothing is erased.
    pub fn rectangle(&self, random: &mut impl Rng) -> Rectangle {
        const ATTEMPTS: usize = 10;
        if !random.random_bool(self.p) {
            return Rectangle::default();
        }
        let side = SIDE as i64;
        let logs = (self.ratio.0.ln(), self.ratio.1.ln());
        for _ in 0..ATTEMPTS {
            let area = (side * side) as f64 * between(self.scale, random);
            let ratio = between(logs, random).exp();
            let height = (area * ratio).sqrt().round_ties_even() as i64;
            let width = (area / ratio).sqrt().round_ties_even() as i64;
            if height < side && width < side {
                let top = random.random_range(0..=side - height);
                let left = random.random_range(0..=side - width);
                return Rectangle { top, bottom: top + height, left, right: left + width };
            }
        }
        Rectangle::default()
    }
}

/// The fields of ColorJitter.
#[derive(Debug, Clone, Copy)]
pub struct Jitter {
    /// Factors of brightness differ from 1 by up to this.
    pub brightness: f64,
    /// The same for contrast.
    pub contrast: f64,
    /// The same for saturation.
    pub saturation: f64,
    /// Parts of a whole turn of the hue, to either side.
    pub hue: f64,
}

impl Jitter {
    /// The changes of `count` images: a round for each kind that there is, in an order of its own
    /// for each image.
    pub fn rounds(&self, count: usize, random: &mut impl Rng) -> Vec<Vec<Change>> {
        let images: Vec<Vec<Change>> = (0..count).map(|_| self.changes(random)).collect();
        let kinds = images.first().map_or(0, Vec::len);
        (0..kinds).map(|round| images.iter().map(|image| image[round]).collect()).collect()
    }

    fn changes(&self, random: &mut impl Rng) -> Vec<Change> {
        let mut changes = Vec::with_capacity(4);
        let mut factor = |by: f64, change: fn(f64) -> Change| {
            if by > 0.0 {
                changes.push(change(between(((1.0 - by).max(0.0), 1.0 + by), random)));
            }
        };
        factor(self.brightness, Change::Brightness);
        factor(self.contrast, Change::Contrast);
        factor(self.saturation, Change::Saturation);
        if self.hue > 0.0 {
            changes.push(Change::Hue(between((-self.hue, self.hue), random)));
        }
        changes.shuffle(random);
        changes
    }
}

/// How strong the operations of TrivialAugment become.
struct Greatest {
    shear: f64,
    pixels: f64,
    degrees: f64,
    factor: f64,
    bits: f64,
}

/// One operation of TrivialAugment: one of 14, of 31 strengths, of two signs.
pub fn trivial(space: Space, random: &mut impl Rng) -> Change {
    const STRENGTHS: u32 = 31;
    let most = match space {
        Space::Wide => {
            Greatest { shear: 0.99, pixels: 32.0, degrees: 135.0, factor: 0.99, bits: 6.0 }
        }
        Space::Narrow => {
            Greatest { shear: 0.3, pixels: 10.0, degrees: 30.0, factor: 0.9, bits: 4.0 }
        }
    };
    let operation = random.random_range(0..14);
    let strength = f64::from(random.random_range(0..STRENGTHS)) / f64::from(STRENGTHS - 1);
    let sign = if random.random_bool(0.5) { -1.0 } else { 1.0 };
    let (by, factor) = (sign * strength, 1.0 + sign * strength * most.factor);
    match operation {
        0 => Change::Identity,
        1 => Change::Affine(affine::shear_x(by * most.shear)),
        2 => Change::Affine(affine::shear_y(by * most.shear)),
        3 => Change::Affine(affine::translate((by * most.pixels).trunc(), 0.0)),
        4 => Change::Affine(affine::translate(0.0, (by * most.pixels).trunc())),
        5 => Change::Affine(affine::rotate(by * most.degrees / 360.0 * TAU)),
        6 => Change::Brightness(factor),
        7 => Change::Saturation(factor),
        8 => Change::Contrast(factor),
        9 => Change::Sharpness(factor),
        10 => Change::Posterize(8 - (strength * most.bits).round_ties_even() as u32),
        11 => Change::Solarize(255.0 * (1.0 - strength)),
        12 => Change::AutoContrast,
        _ => Change::Equalize,
    }
}

/// Uniform between two numbers, which may be equal.
fn between((least, most): (f64, f64), random: &mut impl Rng) -> f64 {
    least + (most - least) * random.random::<f64>()
}
