//! Images on the device: uint8, whole, and prepared there batch by batch.

use rand::seq::SliceRandom;
use tch::{Device, Kind, TchError, Tensor};

use super::augment::mix::Mix;
use super::augment::place::pad;
use super::augment::{Circumstances, Draw};
use crate::data::{CHANNELS, CLASSES, Images, SIDE};
use crate::random::{Purpose, generator};
use crate::spec::data::{Data, Normalize};
use crate::spec::train::{Augment, Fill, Views};

/// Images of a split on the device.
#[derive(Debug)]
pub struct DeviceImages {
    /// `[images, height, width, channels]`, uint8.
    pixels: Tensor,
    /// `[images]`, int64.
    labels: Tensor,
    /// Mean and standard deviation times 255, `[1, channels, 1, 1]` each.
    normalize: (Tensor, Tensor),
    /// The side to resize to.
    resize: Option<i64>,
}

/// A batch: images `[batch, channels, height, width]`, float32, channels_last; labels `[batch]`,
/// int64.
pub type Batch = (Tensor, Tensor);

impl DeviceImages {
    /// Moves images to a device.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn new(
        images: &Images,
        data: &Data,
        normalize: Normalize,
        device: Device,
    ) -> Result<Self, TchError> {
        let (side, channels) = (SIDE as i64, CHANNELS as i64);
        let count = images.labels.len() as i64;
        let pixels = Tensor::f_from_slice(&images.pixels)?.f_view([count, side, side, channels])?;
        let labels = Tensor::f_from_slice(&images.labels)?.f_to_kind(Kind::Int64)?;
        let row = |values: (f64, f64, f64)| {
            let values = [values.0, values.1, values.2].map(|value| (value * 255.0) as f32);
            Tensor::f_from_slice(&values)?.f_view([1, 3, 1, 1])?.f_to_device(device)
        };
        Ok(Self {
            pixels: pixels.f_to_device(device)?,
            labels: labels.f_to_device(device)?,
            normalize: (row(normalize.mean)?, row(normalize.std)?),
            resize: data.resize.map(i64::from),
        })
    }

    /// How many images.
    pub fn len(&self) -> i64 {
        self.labels.size()[0]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images from `start` on in file order, at most `count`, without augmentation.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn in_order(&self, start: i64, count: i64) -> Result<Batch, TchError> {
        let count = count.min(self.len() - start);
        let images = self.finish(&self.pixels.f_narrow(0, start, count)?)?;
        Ok((images, self.labels.f_narrow(0, start, count)?))
    }

    /// The images from `start` on in file order, at most `count`, seen in several ways: each view
    /// with its weight and its images, as those of a [`Batch`]; and the labels.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn views(
        &self,
        start: i64,
        count: i64,
        views: Views,
    ) -> Result<(Vec<(f64, Tensor)>, Tensor), TchError> {
        let count = count.min(self.len() - start);
        let pixels = self.pixels.f_narrow(0, start, count)?;
        let side = SIDE as i64;
        let seen = match views {
            Views::One => vec![(1.0, pixels)],
            Views::Flip => vec![(0.5, pixels.f_flip([2])?), (0.5, pixels)],
            Views::FlipShift => {
                let padded = pad(&pixels, 1, Fill::Reflect)?;
                let moved = |by| padded.f_narrow(1, by, side)?.f_narrow(2, by, side);
                let with_mirror = |weight, view: Tensor| {
                    Ok::<_, TchError>([(weight, view.f_flip([2])?), (weight, view)])
                };
                let moved = [with_mirror(0.125, moved(0)?)?, with_mirror(0.125, moved(2)?)?];
                with_mirror(0.25, pixels)?.into_iter().chain(moved.into_iter().flatten()).collect()
            }
        };
        let finish =
            |(weight, view): (f64, Tensor)| Ok((weight, self.finish(&view.f_contiguous()?)?));
        let seen = seen.into_iter().map(finish).collect::<Result<_, TchError>>()?;
        Ok((seen, self.labels.f_narrow(0, start, count)?))
    }

    /// The order and augmentation of an epoch, drawn from the run's seed.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn epoch(&self, augment: &[Augment], seed: u64, epoch: u32) -> Result<Epoch<'_>, TchError> {
        let mut order: Vec<i64> = (0..self.len()).collect();
        order.shuffle(&mut generator(seed, Purpose::Order, epoch));
        let device = self.pixels.device();
        let last = |row: &Tensor| row.f_permute([0, 2, 3, 1]);
        let normalize = (last(&self.normalize.0)?, last(&self.normalize.1)?);
        let of = Circumstances { seed, epoch, order: &order, device, normalize };
        let mut random = generator(seed, Purpose::Augment, epoch);
        let draws = augment.iter().map(|&augment| Draw::new(augment, &of, &mut random));
        let draws = draws.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let order = Tensor::f_from_slice(&order)?.f_to_device(device)?;
        let mixes = augment.iter().copied().filter(Augment::mixes).collect();
        Ok(Epoch { images: self, order, draws, mixes, seed, epoch })
    }

    /// uint8 pixels as normalised floats of the network's size.
    fn finish(&self, pixels: &Tensor) -> Result<Tensor, TchError> {
        let images = pixels.f_permute([0, 3, 1, 2])?.f_to_kind(Kind::Float)?;
        let mut images = match self.resize {
            Some(side) => images.f_upsample_bilinear2d([side, side], false, None, None)?,
            None => images,
        };
        images.f_sub_(&self.normalize.0)?.f_div_(&self.normalize.1)
    }
}

/// One pass over the images in a random order.
#[derive(Debug)]
pub struct Epoch<'a> {
    images: &'a DeviceImages,
    order: Tensor,
    draws: Vec<Draw>,
    /// The augmentations that mix batches, in order.
    mixes: Vec<Augment>,
    seed: u64,
    epoch: u32,
}

/// What a batch is trained towards.
#[derive(Debug)]
pub struct Targets {
    /// The class with the largest share, `[batch]`, int64.
    pub labels: Tensor,
    /// The shares of the classes where images were mixed, `[batch, classes]`, float32.
    pub shares: Option<Tensor>,
}

impl Epoch<'_> {
    /// The images from `start` on in this epoch's order, at most `count`, augmented, with their
    /// targets. Images are as those of a [`Batch`].
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn batch(&self, start: i64, count: i64) -> Result<(Tensor, Targets), TchError> {
        let count = count.min(self.images.len() - start);
        let chosen = self.order.f_narrow(0, start, count)?;
        let mut pixels = self.images.pixels.f_index_select(0, &chosen)?;
        for draw in &self.draws {
            pixels = draw.apply(&pixels, start)?;
        }
        let images = self.images.finish(&pixels)?;
        self.mixed(images, self.images.labels.f_index_select(0, &chosen)?, start)
    }

    /// Mixes a batch, if that is its lot. Its random numbers are its own, whatever the batches
    /// before it drew.
    fn mixed(
        &self,
        mut images: Tensor,
        labels: Tensor,
        start: i64,
    ) -> Result<(Tensor, Targets), TchError> {
        let mut random = generator(self.seed, Purpose::Mix, self.epoch);
        random.set_word_pos(start as u128 * WORDS_OF_A_BATCH);
        let mut shares = None;
        for mix in self.mixes.iter().filter_map(|&augment| Mix::draw(augment, &mut random)) {
            let before = match shares {
                Some(shares) => shares,
                None => one_hot(&labels)?,
            };
            let (mixed, of_mixed) = mix.apply(&images, &before)?;
            (images, shares) = (mixed, Some(of_mixed));
        }
        match shares {
            Some(shares) => {
                let labels = shares.f_argmax(-1, false)?;
                Ok((images, Targets { labels, shares: Some(shares) }))
            }
            None => Ok((images, Targets { labels, shares: None })),
        }
    }
}

/// More than a batch draws to be mixed.
const WORDS_OF_A_BATCH: u128 = 1 << 16;

/// Labels `[batch]` as shares `[batch, classes]`. (`one_hot` would wait for the device.)
fn one_hot(labels: &Tensor) -> Result<Tensor, TchError> {
    let zeros =
        Tensor::f_zeros([labels.size()[0], CLASSES as i64], (Kind::Float, labels.device()))?;
    zeros.f_scatter_value(1, &labels.f_unsqueeze(1)?, 1.0)
}
