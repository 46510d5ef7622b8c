//! Crops and flips: pixels that change their places.

use rand::Rng;
use tch::{Kind, TchError, Tensor};

use super::Circumstances;
use crate::data::SIDE;
use crate::random::{Purpose, generator};
use crate::spec::train::Fill;

/// A window of every padded image.
#[derive(Debug)]
pub struct Crop {
    padding: i64,
    fill: Fill,
    /// Rows and columns at which the windows start, `[images]` each.
    starts: (Tensor, Tensor),
}

impl Crop {
    /// Draws the windows; all places are equally likely.
    pub(super) fn new(
        padding: u32,
        fill: Fill,
        of: &Circumstances<'_>,
        random: &mut impl Rng,
    ) -> Result<Self, TchError> {
        let last = 2 * i64::from(padding);
        let mut offsets = || {
            let offsets: Vec<i64> =
                of.order.iter().map(|_| random.random_range(0..=last)).collect();
            of.tensor(&offsets)
        };
        let starts = (offsets()?, offsets()?);
        Ok(Self { padding: i64::from(padding), fill, starts })
    }

    pub(super) fn apply(
        &self,
        pixels: &Tensor,
        start: i64,
        count: i64,
    ) -> Result<Tensor, TchError> {
        let padded = pad(pixels, self.padding, self.fill)?;
        let rows = self.starts.0.f_narrow(0, start, count)?;
        windows(&padded, &rows, &self.starts.1.f_narrow(0, start, count)?)
    }
}

/// Images `[batch, height, width, channels]` with a margin.
pub(in crate::train) fn pad(pixels: &Tensor, padding: i64, fill: Fill) -> Result<Tensor, TchError> {
    match fill {
        Fill::Zero => pixels.f_constant_pad_nd([0, 0, padding, padding, padding, padding]),
        Fill::Reflect => {
            let side = SIDE as i64;
            let mirror = |at: i64| {
                let at = at.abs();
                if at >= side { 2 * (side - 1) - at } else { at }
            };
            let places: Vec<i64> = (-padding..side + padding).map(mirror).collect();
            let places = super::upload(&Tensor::f_from_slice(&places)?, pixels.device())?;
            pixels.f_index_select(1, &places)?.f_index_select(2, &places)
        }
    }
}

/// From each padded image the window that starts at its row and column. A row of a window is one
/// stretch of memory: of all the stretches of that length there are, those are selected.
fn windows(padded: &Tensor, rows: &Tensor, columns: &Tensor) -> Result<Tensor, TchError> {
    let padded = padded.f_contiguous()?;
    let [count, height, width, channels] = padded.size4()?.into();
    let (side, long) = (SIDE as i64, (Kind::Int64, padded.device()));
    let images = Tensor::f_arange(count, long)?.f_mul_scalar(height)?.f_add(rows)?;
    let rows = images.f_view([count, 1])?.f_add(&Tensor::f_arange(side, long)?)?;
    let pixels = rows.f_mul_scalar(width)?.f_add(&columns.f_view([count, 1])?)?;
    let starts = pixels.f_mul_scalar(channels)?.f_view([-1])?;
    let (stretch, all) = (side * channels, padded.numel() as i64);
    let stretches = padded.f_as_strided([all - stretch + 1, stretch], [1, 1], 0)?;
    stretches.f_index_select(0, &starts)?.f_view([count, side, side, channels])
}

/// Images of which some are mirrored.
#[derive(Debug)]
pub struct Flip {
    /// Whether to flip, `[images]`.
    flags: Tensor,
}

impl Flip {
    /// A coin for every image.
    pub(super) fn random(
        p: f64,
        of: &Circumstances<'_>,
        random: &mut impl Rng,
    ) -> Result<Self, TchError> {
        let flags: Vec<bool> = of.order.iter().map(|_| random.random_bool(p)).collect();
        Ok(Self { flags: of.tensor(&flags)? })
    }

    /// Every image in every second epoch. Its coin is thrown once a run, so that an epoch needs
    /// nothing of those before it.
    pub(super) fn alternating(of: &Circumstances<'_>) -> Result<Self, TchError> {
        let mut random = generator(of.seed, Purpose::Flip, 0);
        let odd = of.epoch % 2 == 1;
        let sides: Vec<bool> = of.order.iter().map(|_| random.random_bool(0.5) ^ odd).collect();
        let side = |&image: &i64| sides.get(image as usize).copied().unwrap_or_default();
        let flags: Vec<bool> = of.order.iter().map(side).collect();
        Ok(Self { flags: of.tensor(&flags)? })
    }

    pub(super) fn apply(
        &self,
        pixels: &Tensor,
        start: i64,
        count: i64,
    ) -> Result<Tensor, TchError> {
        let flags = self.flags.f_narrow(0, start, count)?.f_view([count, 1, 1, 1])?;
        pixels.f_flip([2])?.f_where_self(&flags, pixels)
    }
}
