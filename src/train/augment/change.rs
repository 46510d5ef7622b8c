//! Changes of colour and geometry, one for each image of a batch.

use tch::{TchError, Tensor};

use super::affine::{self, Matrix};
use super::{colour, copied, upload};

/// A change of one image; each is torchvision's function of nearly the same name, on bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// None.
    Identity,
    /// Pixels come from other places; see [`affine`].
    Affine(Matrix),
    /// `adjust_brightness`: times this factor.
    Brightness(f64),
    /// `adjust_contrast`: the distance from the mean grey of the image, times this factor.
    Contrast(f64),
    /// `adjust_saturation`: the distance from the grey of the pixel, times this factor.
    Saturation(f64),
    /// `adjust_hue`: the hue turned by this part of a whole turn.
    Hue(f64),
    /// `adjust_sharpness`: the distance from the smoothed image, times this factor.
    Sharpness(f64),
    /// `posterize`: so many high bits of every byte stay.
    Posterize(u32),
    /// `solarize`: bytes from this one on are turned into 255 less themselves.
    Solarize(f64),
    /// `autocontrast`: each channel stretched to 0 to 255.
    AutoContrast,
    /// `equalize`: each channel's histogram made flat.
    Equalize,
}

/// The kinds of changes but the identity, in the order of [`Change`].
const KINDS: usize = 10;

impl Change {
    /// Its place among [`KINDS`], and its numbers; none for the identity.
    fn parts(self) -> Option<(usize, Vec<f32>)> {
        let one = |number: f64| vec![number as f32];
        // As in Python, what is left to 1 is computed before the factor is rounded to 32 bits.
        let blend = |factor: f64| vec![factor as f32, (1.0 - factor) as f32];
        Some(match self {
            Self::Identity => return None,
            Self::Affine(matrix) => (0, matrix.map(|number| number as f32).to_vec()),
            Self::Brightness(factor) => (1, one(factor)),
            Self::Contrast(factor) => (2, blend(factor)),
            Self::Saturation(factor) => (3, blend(factor)),
            Self::Hue(turn) => (4, one(turn)),
            Self::Sharpness(factor) => (5, blend(factor)),
            Self::Posterize(bits) => (6, one(2_f64.powi(8 - bits as i32))),
            Self::Solarize(from) => (7, one(from)),
            Self::AutoContrast => (8, one(0.0)),
            Self::Equalize => (9, one(0.0)),
        })
    }
}

/// Images that change in the same way.
#[derive(Debug, Default)]
struct Group {
    /// Their places in the batch.
    places: Vec<i64>,
    /// The numbers of their changes, one after another.
    numbers: Vec<f32>,
}

/// Changes every image of a batch `[batch, channels, height, width]` of bytes in its own way.
/// Which image changes how is known on the host: each kind is computed once, on its images alone.
///
/// # Errors
/// What libtorch reports.
pub fn apply(pixels: &Tensor, changes: &[Change]) -> Result<Tensor, TchError> {
    let mut groups: [Group; KINDS] = Default::default();
    for (place, change) in (0..).zip(changes) {
        if let Some((kind, numbers)) = change.parts() {
            groups[kind].places.push(place);
            groups[kind].numbers.extend(numbers);
        }
    }
    let mut result = copied(pixels)?;
    for (kind, group) in groups.iter().enumerate().filter(|(_, group)| !group.places.is_empty()) {
        let places = upload(&Tensor::f_from_slice(&group.places)?, pixels.device())?;
        let numbers = Tensor::f_from_slice(&group.numbers)?;
        let numbers = upload(&numbers, pixels.device())?.f_view([places.size()[0], 1, 1, -1])?;
        let changed = changed(kind, &pixels.f_index_select(0, &places)?, &numbers)?;
        let _ = result.f_index_copy_(0, &places, &changed)?;
    }
    Ok(result)
}

/// Images `[batch, channels, height, width]` of one kind of change, with their numbers `[batch, 1, 1, 1]`; six in the last place for a
/// matrix, and two for a blend: the factor and what is left to 1.
fn changed(kind: usize, pixels: &Tensor, numbers: &Tensor) -> Result<Tensor, TchError> {
    match kind {
        0 => affine::apply(pixels, numbers),
        1 => colour::brightness(pixels, numbers),
        2 => colour::contrast(pixels, numbers),
        3 => colour::saturation(pixels, numbers),
        4 => colour::hue(pixels, numbers),
        5 => colour::sharpness(pixels, numbers),
        6 => colour::posterize(pixels, numbers),
        7 => colour::solarize(pixels, numbers),
        8 => colour::autocontrast(pixels),
        _ => colour::equalize(pixels),
    }
}
