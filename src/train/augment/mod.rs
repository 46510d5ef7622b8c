//! Augmentation on the device, batch by batch. What is random is drawn for all images of an epoch
//! when it begins, from the run's own generators; no batch waits for the device.
//!
//! Images are `[batch, height, width, channels]`, of bytes, or of floats from 0 to 255 once pixels
//! were erased. What torchvision computes on bytes is computed on bytes.

pub mod affine;
pub mod change;
mod colour;
pub mod draw;
mod erase;
pub mod mix;
pub(super) mod place;

use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, TchError, Tensor};

use crate::spec::train::{Augment, Space};
use change::Change;
use erase::Erase;
use place::{Crop, Flip};

/// What an epoch's random numbers are drawn for.
#[derive(Debug)]
pub struct Circumstances<'a> {
    /// The seed of the run.
    pub seed: u64,
    /// From 1.
    pub epoch: u32,
    /// The place in the data set of every image of the epoch, in order.
    pub order: &'a [i64],
    /// Where the images are.
    pub device: Device,
    /// Mean and standard deviation that images are normalised with, in units of a byte,
    /// `[1, 1, 1, channels]` each.
    pub normalize: (Tensor, Tensor),
}

impl Circumstances<'_> {
    /// Numbers that are drawn when the epoch begins, on the device.
    fn tensor<T: tch::kind::Element>(&self, values: &[T]) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(values)?.f_to_device(self.device)
    }
}

/// One augmentation with its random numbers for every image of an epoch.
#[derive(Debug)]
pub enum Draw {
    /// Windows of the padded image.
    Crop(Crop),
    /// Mirrored images.
    Flip(Flip),
    /// Erased rectangles.
    Erase(Erase),
    /// Changes of colour and geometry: one for each image in each round.
    Rounds(Vec<Vec<Change>>),
}

impl Draw {
    /// Draws for an augmentation that changes images one by one; none for one that mixes them.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn new(
        augment: Augment,
        of: &Circumstances<'_>,
        random: &mut ChaCha8Rng,
    ) -> Result<Option<Self>, TchError> {
        let count = of.order.len();
        Ok(Some(match augment {
            Augment::RandomCrop { padding, fill } => {
                Self::Crop(Crop::new(padding, fill, of, random)?)
            }
            Augment::HorizontalFlip { p } => Self::Flip(Flip::random(p, of, random)?),
            Augment::AlternatingFlip => Self::Flip(Flip::alternating(of)?),
            Augment::Cutout { size } => Self::Erase(Erase::cutout(i64::from(size), of, random)?),
            Augment::RandomErasing { p, scale, ratio, value } => {
                let shape = draw::Erasing { p, scale, ratio };
                Self::Erase(Erase::random(shape, value, of, random)?)
            }
            Augment::ColorJitter { brightness, contrast, saturation, hue } => {
                let jitter = draw::Jitter { brightness, contrast, saturation, hue };
                Self::Rounds(jitter.rounds(count, random))
            }
            Augment::TrivialAugment { space } => Self::Rounds(vec![trivial(space, count, random)]),
            Augment::Mixup { .. } | Augment::CutMix { .. } => return Ok(None),
        }))
    }

    /// Changes the images of a batch, which are those of the epoch from `start` on.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn apply(&self, pixels: &Tensor, start: i64) -> Result<Tensor, TchError> {
        let count = pixels.size()[0];
        match self {
            Self::Crop(crop) => crop.apply(pixels, start, count),
            Self::Flip(flip) => flip.apply(pixels, start, count),
            Self::Erase(erase) => erase.apply(pixels, start, count),
            Self::Rounds(rounds) => {
                let batch = start as usize..(start + count) as usize;
                // Planes of one channel: neighbours in memory go through wide registers.
                let planes = bytes(pixels)?.f_permute([0, 3, 1, 2])?.f_contiguous()?;
                let changed = rounds.iter().try_fold(planes, |planes, round| {
                    change::apply(&planes, round.get(batch.clone()).unwrap_or_default())
                })?;
                changed.f_permute([0, 2, 3, 1])?.f_contiguous()
            }
        }
    }
}

fn trivial(space: Space, count: usize, random: &mut ChaCha8Rng) -> Vec<Change> {
    (0..count).map(|_| draw::trivial(space, random)).collect()
}

/// As bytes, rounded where they are floats.
fn bytes(pixels: &Tensor) -> Result<Tensor, TchError> {
    match pixels.kind() {
        Kind::Uint8 => Ok(pixels.shallow_clone()),
        _ => pixels.f_round()?.f_clamp(0.0, 255.0)?.f_to_kind(Kind::Uint8),
    }
}

/// Small numbers onto a device. The host's copy is read before this returns, and nothing that the
/// device was given before is waited for.
fn upload(values: &Tensor, device: Device) -> Result<Tensor, TchError> {
    values.f_to_device_(device, values.kind(), true, false)
}

/// A tensor of its own with the same values and strides.
pub(super) fn copied(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
