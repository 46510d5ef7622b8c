//! Erased rectangles.

use rand::Rng;
use rand_distr::StandardNormal;
use tch::{Kind, TchError, Tensor};

use super::Circumstances;
use super::draw::{Erasing, Rectangle, square};
use crate::data::{CHANNELS, IMAGE_BYTES, SIDE};
use crate::spec::train::Erased;

/// A rectangle of every image, and what it holds afterwards.
#[derive(Debug)]
pub struct Erase {
    /// Top, bottom, left, right, `[images, 4]`.
    rectangles: Tensor,
    value: Value,
}

/// What erased pixels hold, in units of a byte.
#[derive(Debug)]
enum Value {
    Black,
    /// `[1, 1, 1, channels]`.
    Mean(Tensor),
    /// Noise for every image, from its place of a pool, times `scale`, plus `mean`.
    Noise {
        pool: Tensor,
        starts: Tensor,
        mean: Tensor,
        scale: Tensor,
    },
}

/// Numbers in a pool of noise. One pool serves an epoch: another for every image would cost a
/// draw for each of its pixels.
const POOL: usize = 1 << 17;

impl Erase {
    /// A square for each image, filled with the mean colour.
    pub(super) fn cutout(
        size: i64,
        of: &Circumstances<'_>,
        random: &mut impl Rng,
    ) -> Result<Self, TchError> {
        let value = Value::Mean(of.normalize.0.shallow_clone());
        Self::of(of.order.iter().map(|_| square(size, random)), value, of)
    }

    /// A rectangle for some of the images.
    pub(super) fn random(
        shape: Erasing,
        value: Erased,
        of: &Circumstances<'_>,
        random: &mut impl Rng,
    ) -> Result<Self, TchError> {
        let value = match value {
            Erased::Black => Value::Black,
            Erased::Mean => Value::Mean(of.normalize.0.shallow_clone()),
            Erased::Noise => noise(of, random)?,
        };
        Self::of(of.order.iter().map(|_| shape.rectangle(random)), value, of)
    }

    fn of(
        rectangles: impl Iterator<Item = Rectangle>,
        value: Value,
        of: &Circumstances<'_>,
    ) -> Result<Self, TchError> {
        let numbers: Vec<i64> =
            rectangles.flat_map(|r| [r.top, r.bottom, r.left, r.right]).collect();
        Ok(Self { rectangles: of.tensor(&numbers)?.f_view([-1, 4])?, value })
    }

    pub(super) fn apply(
        &self,
        pixels: &Tensor,
        start: i64,
        count: i64,
    ) -> Result<Tensor, TchError> {
        // Rows whole, columns and channels in one: long stretches of memory are quick.
        let rows = pixels.f_contiguous()?.f_view([count, SIDE as i64, ROW])?;
        let mask = self.mask(start, count)?;
        let floats = || rows.f_to_kind(Kind::Float);
        let erased = match &self.value {
            Value::Black => rows.f_masked_fill(&mask, 0)?,
            Value::Mean(mean) => row(mean)?.f_where_self(&mask, &floats()?)?,
            Value::Noise { pool, starts, mean, scale } => {
                let places = Tensor::f_arange(IMAGE_BYTES as i64, (Kind::Int64, pool.device()))?
                    .f_view([1, SIDE as i64, ROW])?
                    .f_add(&starts.f_narrow(0, start, count)?.f_view([count, 1, 1])?)?;
                let noise = pool.f_take(&places)?.f_mul(&row(scale)?)?.f_add(&row(mean)?)?;
                noise.f_where_self(&mask, &floats()?)?
            }
        };
        erased.f_view(pixels.size().as_slice())
    }

    /// Which pixels are erased, `[count, height, width * channels]`.
    fn mask(&self, start: i64, count: i64) -> Result<Tensor, TchError> {
        let (side, long) = (SIDE as i64, (Kind::Int64, self.rectangles.device()));
        let rectangles = self.rectangles.f_narrow(0, start, count)?;
        let edge = |index| rectangles.f_select(1, index)?.f_view([count, 1, 1]);
        let within = |at: &Tensor, first, end| {
            at.f_ge_tensor(&edge(first)?)?.f_logical_and(&at.f_lt_tensor(&edge(end)?)?)
        };
        let rows = Tensor::f_arange(side, long)?.f_view([1, side, 1])?;
        let columns = Tensor::f_arange(ROW, long)?.f_view([1, 1, ROW])?;
        let columns = columns.f_div_scalar_mode(CHANNELS as i64, "floor")?;
        within(&rows, 0, 1)?.f_logical_and(&within(&columns, 2, 3)?)
    }
}

/// Numbers in a row of an image.
const ROW: i64 = (SIDE * CHANNELS) as i64;

/// A number for each channel, for every pixel of a row: `[1, 1, width * channels]`.
fn row(channels: &Tensor) -> Result<Tensor, TchError> {
    channels
        .f_view([1, 1, 1, CHANNELS as i64])?
        .f_repeat([1, 1, SIDE as i64, 1])?
        .f_view([1, 1, ROW])
}

fn noise(of: &Circumstances<'_>, random: &mut impl Rng) -> Result<Value, TchError> {
    let pool: Vec<f32> = (0..POOL + IMAGE_BYTES).map(|_| random.sample(StandardNormal)).collect();
    let starts: Vec<i64> = of.order.iter().map(|_| random.random_range(0..POOL as i64)).collect();
    Ok(Value::Noise {
        pool: of.tensor(&pool)?,
        starts: of.tensor(&starts)?,
        mean: of.normalize.0.shallow_clone(),
        scale: of.normalize.1.shallow_clone(),
    })
}
