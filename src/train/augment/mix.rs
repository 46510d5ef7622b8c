//! Mixup and CutMix: images and targets of a batch mixed with those of the image before each.
//!
//! The images of a batch stand in random order, so the image before is a random partner; this is
//! how torchvision's `MixUp` and `CutMix` pair them.

use rand::Rng;
use rand_distr::{Beta, Distribution};
use tch::{TchError, Tensor};

use super::copied;
use crate::spec::train::Augment;

/// How a batch is mixed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mix {
    /// `lambda` of the image, the rest of the one before.
    Blend {
        /// From 0 to 1.
        lambda: f64,
    },
    /// A rectangle comes from the image before. `lambda` sets its area, and the place is that of
    /// its middle, before it is cut off at the edge; both as shares of a side.
    Paste {
        /// From 0 to 1.
        lambda: f64,
        /// Row and column, from 0 to below 1.
        place: (f64, f64),
    },
}

impl Mix {
    /// Draws how a batch is mixed; none where it is not, or `augment` does not mix.
    pub fn draw(augment: Augment, random: &mut impl Rng) -> Option<Self> {
        match augment {
            Augment::Mixup { alpha, p } if random.random_bool(p) => {
                Some(Self::Blend { lambda: beta(alpha, random) })
            }
            Augment::CutMix { alpha, p } if random.random_bool(p) => {
                let lambda = beta(alpha, random);
                Some(Self::Paste { lambda, place: (random.random(), random.random()) })
            }
            _ => None,
        }
    }

    /// Mixes images `[batch, channels, height, width]` and shares of classes `[batch, classes]`.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn apply(self, images: &Tensor, shares: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        match self {
            Self::Blend { lambda } => Ok((blend(images, lambda)?, blend(shares, lambda)?)),
            Self::Paste { lambda, place } => {
                let size = images.size();
                let half = 0.5 * (1.0 - lambda).sqrt();
                let (top, height) = span(place.0, half, size[2]);
                let (left, width) = span(place.1, half, size[3]);
                let mixed = copied(images)?;
                let window = |of: &Tensor| of.f_narrow(2, top, height)?.f_narrow(3, left, width);
                window(&mixed)?.f_copy_(&window(&before(images)?)?)?;
                let pasted = (height * width) as f64 / (size[2] * size[3]) as f64;
                Ok((mixed, blend(shares, 1.0 - pasted)?))
            }
        }
    }
}

fn beta(alpha: f64, random: &mut impl Rng) -> f64 {
    // The spec's check leaves no alpha that the distribution refuses.
    Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(random))
}

/// Start and length of a rectangle's rows or columns: `half` a side each way from its middle.
fn span(middle: f64, half: f64, side: i64) -> (i64, i64) {
    let (middle, half) = ((middle * side as f64) as i64, (half * side as f64) as i64);
    let (start, end) = ((middle - half).max(0), (middle + half).min(side));
    (start, end - start)
}

/// Each the one before it, the first the last.
fn before(batch: &Tensor) -> Result<Tensor, TchError> {
    batch.f_roll([1], [0])
}

fn blend(batch: &Tensor, lambda: f64) -> Result<Tensor, TchError> {
    before(batch)?.f_mul_scalar(1.0 - lambda)?.f_add(&batch.f_mul_scalar(lambda)?)
}
