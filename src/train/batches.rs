//! Images on the device: uint8, whole, and prepared there batch by batch.

use rand::Rng;
use rand::seq::SliceRandom;
use tch::{Device, Kind, TchError, Tensor};

use crate::data::{CHANNELS, Images, SIDE};
use crate::random::{Purpose, generator};
use crate::spec::data::{Data, Normalize};
use crate::spec::train::{Augment, Fill};

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

    /// The order and augmentation of an epoch, drawn from the run's seed.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn epoch(&self, augment: &[Augment], seed: u64, epoch: u32) -> Result<Epoch<'_>, TchError> {
        let count = self.len() as usize;
        let mut order: Vec<i64> = (0..count as i64).collect();
        order.shuffle(&mut generator(seed, Purpose::Order, epoch));
        let device = self.pixels.device();
        let mut random = generator(seed, Purpose::Augment, epoch);
        let draws = augment.iter().map(|&change| Draw::new(change, count, &mut random, device));
        Ok(Epoch {
            images: self,
            order: Tensor::f_from_slice(&order)?.f_to_device(device)?,
            draws: draws.collect::<Result<_, _>>()?,
        })
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
}

impl Epoch<'_> {
    /// The images from `start` on in this epoch's order, at most `count`, augmented.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn batch(&self, start: i64, count: i64) -> Result<Batch, TchError> {
        let count = count.min(self.images.len() - start);
        let chosen = self.order.f_narrow(0, start, count)?;
        let mut pixels = self.images.pixels.f_index_select(0, &chosen)?;
        for draw in &self.draws {
            pixels = draw.apply(&pixels, start, count)?;
        }
        Ok((self.images.finish(&pixels)?, self.images.labels.f_index_select(0, &chosen)?))
    }
}

/// A change with its random numbers for every image of an epoch.
#[derive(Debug)]
enum Draw {
    /// Rows and columns at which the windows start, `[images]` each.
    Crop { padding: i64, fill: Fill, rows: Tensor, columns: Tensor },
    /// Whether to flip, `[images]`.
    Flip { flags: Tensor },
}

impl Draw {
    fn new(
        change: Augment,
        count: usize,
        random: &mut impl Rng,
        device: Device,
    ) -> Result<Self, TchError> {
        match change {
            Augment::RandomCrop { padding, fill } => {
                let last = 2 * i64::from(padding);
                let mut offsets = || {
                    let offsets: Vec<i64> =
                        (0..count).map(|_| random.random_range(0..=last)).collect();
                    Tensor::f_from_slice(&offsets)?.f_to_device(device)
                };
                Ok(Self::Crop {
                    padding: i64::from(padding),
                    fill,
                    rows: offsets()?,
                    columns: offsets()?,
                })
            }
            Augment::HorizontalFlip { p } => {
                let flags: Vec<bool> = (0..count).map(|_| random.random_bool(p)).collect();
                Ok(Self::Flip { flags: Tensor::f_from_slice(&flags)?.f_to_device(device)? })
            }
        }
    }

    /// Changes a batch `[batch, height, width, channels]` of uint8.
    fn apply(&self, pixels: &Tensor, start: i64, count: i64) -> Result<Tensor, TchError> {
        match self {
            Self::Crop { padding, fill, rows, columns } => {
                let padded = pad(pixels, *padding, *fill)?;
                let rows = rows.f_narrow(0, start, count)?;
                windows(&padded, &rows, &columns.f_narrow(0, start, count)?)
            }
            Self::Flip { flags } => {
                let flags = flags.f_narrow(0, start, count)?.f_view([count, 1, 1, 1])?;
                pixels.f_flip([2])?.f_where_self(&flags, pixels)
            }
        }
    }
}

fn pad(pixels: &Tensor, padding: i64, fill: Fill) -> Result<Tensor, TchError> {
    match fill {
        Fill::Zero => pixels.f_constant_pad_nd([0, 0, padding, padding, padding, padding]),
        Fill::Reflect => {
            let side = SIDE as i64;
            let mirror = |at: i64| {
                let at = at.abs();
                if at >= side { 2 * (side - 1) - at } else { at }
            };
            let places: Vec<i64> = (-padding..side + padding).map(mirror).collect();
            let places = Tensor::f_from_slice(&places)?.f_to_device(pixels.device())?;
            pixels.f_index_select(1, &places)?.f_index_select(2, &places)
        }
    }
}

/// From each padded image the window that starts at its row and column.
fn windows(padded: &Tensor, rows: &Tensor, columns: &Tensor) -> Result<Tensor, TchError> {
    let (count, side, long) = (rows.size()[0], SIDE as i64, (Kind::Int64, padded.device()));
    let within = Tensor::f_arange(side, long)?;
    let images = Tensor::f_arange(count, long)?.f_view([count, 1, 1])?;
    let rows = rows.f_view([count, 1, 1])?.f_add(&within.f_view([1, side, 1])?)?;
    let columns = columns.f_view([count, 1, 1])?.f_add(&within.f_view([1, 1, side])?)?;
    padded.f_index(&[Some(images), Some(rows), Some(columns)])
}
