//! Changes of colour: torchvision's, on batches `[batch, channels, height, width]` of bytes, with a
//! number `[batch, 1, 1, 1]`, or two shares of a blend, for each image.

use tch::{Kind, TchError, Tensor};

use super::copied;

/// The result of a change.
type Changed = Result<Tensor, TchError>;

fn floats(pixels: &Tensor) -> Changed {
    pixels.f_to_kind(Kind::Float)
}

/// Cuts off what is no byte, and what is behind the point.
fn bytes(values: &Tensor) -> Changed {
    values.f_clamp(0.0, 255.0)?.f_to_kind(Kind::Uint8)
}

/// Shares `[batch, 1, 1, 2]` of the image and of another.
fn blend(pixels: &Tensor, other: &Tensor, shares: &Tensor) -> Changed {
    let share = |index| shares.f_narrow(3, index, 1);
    bytes(&floats(pixels)?.f_mul(&share(0)?)?.f_add(&other.f_mul(&share(1)?)?)?)
}

/// `[batch, 1, height, width]`, whole numbers as floats.
fn grey(pixels: &Tensor) -> Changed {
    let pixels = floats(pixels)?;
    let channel = |index, weight: f64| pixels.f_narrow(1, index, 1)?.f_mul_scalar(weight);
    channel(0, 0.2989)?.f_add(&channel(1, 0.587)?)?.f_add(&channel(2, 0.114)?)?.f_floor()
}

pub(super) fn brightness(pixels: &Tensor, factor: &Tensor) -> Changed {
    bytes(&floats(pixels)?.f_mul(factor)?)
}

pub(super) fn contrast(pixels: &Tensor, shares: &Tensor) -> Changed {
    let mean = grey(pixels)?.f_mean_dim([1_i64, 2, 3].as_slice(), true, Kind::Float)?;
    blend(pixels, &mean, shares)
}

pub(super) fn saturation(pixels: &Tensor, shares: &Tensor) -> Changed {
    blend(pixels, &grey(pixels)?, shares)
}

/// Turns the hue by a part of a whole turn: through HSV, each channel then
/// `v - v s max(0, min(k, 4 - k, 1))` with `k = (n + 6 h) mod 6`, n being 5, 3 and 1.
pub(super) fn hue(pixels: &Tensor, turn: &Tensor) -> Changed {
    let pixels = floats(pixels)?;
    let (most, least) = (pixels.f_amax([1], true)?, pixels.f_amin([1], true)?);
    let chroma = most.f_sub(&least)?;
    let divisor = chroma.f_clamp_min(1.0)?;
    let channel = |index| pixels.f_narrow(1, index, 1);
    let (red, green, blue) = (channel(0)?, channel(1)?, channel(2)?);
    let sector = |of: &Tensor, less: &Tensor, start: f64| {
        of.f_sub(less)?.f_div(&divisor)?.f_add_scalar(start)
    };
    let other = sector(&blue, &red, 2.0)?
        .f_where_self(&green.f_eq_tensor(&most)?, &sector(&red, &green, 4.0)?)?;
    let hue = sector(&green, &blue, 0.0)?.f_where_self(&red.f_eq_tensor(&most)?, &other)?;
    let hue = hue.f_add(&turn.f_mul_scalar(6.0)?)?;
    let towards = |n: f64| {
        let k = hue.f_add_scalar(n)?.f_remainder(6.0)?;
        k.f_minimum(&k.f_neg()?.f_add_scalar(4.0)?)?.f_clamp(0.0, 1.0)
    };
    let away = Tensor::f_cat(&[towards(5.0)?, towards(3.0)?, towards(1.0)?], 1)?;
    let turned = most.f_sub(&chroma.f_mul(&away)?)?;
    // torchvision goes through numbers from 0 to 1, and back by 255.999.
    bytes(&turned.f_mul_scalar(255.999 / 255.0)?)
}

/// Blends with the image smoothed by a kernel of ones around a 5; its edge pixels stay.
pub(super) fn sharpness(pixels: &Tensor, shares: &Tensor) -> Changed {
    let pixels = floats(pixels)?;
    let (rows, columns) = (pixels.size()[2], pixels.size()[3]);
    let inner = |top, left| pixels.f_narrow(2, top, rows - 2)?.f_narrow(3, left, columns - 2);
    let mut sum = inner(1, 1)?.f_mul_scalar(4.0)?;
    for (top, left) in (0..3).flat_map(|top| (0..3).map(move |left| (top, left))) {
        sum = sum.f_add(&inner(top, left)?)?;
    }
    let smooth = copied(&pixels)?;
    let mut middle = smooth.f_narrow(2, 1, rows - 2)?.f_narrow(3, 1, columns - 2)?;
    middle.f_copy_(&sum.f_div_scalar(13.0)?.f_round()?)?;
    blend(&pixels, &smooth, shares)
}

/// Rounds down to multiples of a power of two.
pub(super) fn posterize(pixels: &Tensor, multiple: &Tensor) -> Changed {
    bytes(&floats(pixels)?.f_div(multiple)?.f_floor()?.f_mul(multiple)?)
}

pub(super) fn solarize(pixels: &Tensor, from: &Tensor) -> Changed {
    let inverted = pixels.f_bitwise_not()?;
    inverted.f_where_self(&floats(pixels)?.f_ge_tensor(from)?, pixels)
}

pub(super) fn autocontrast(pixels: &Tensor) -> Changed {
    let pixels = floats(pixels)?;
    let (most, least) = (pixels.f_amax([2, 3], true)?, pixels.f_amin([2, 3], true)?);
    let range = most.f_sub(&least)?;
    let scale = range.f_clamp_min(1.0)?.f_reciprocal()?.f_mul_scalar(255.0)?;
    let stretched = pixels.f_sub(&least)?.f_mul(&scale)?;
    // A channel of one value stays as it is.
    bytes(&stretched.f_where_self(&range.f_gt(0.0)?, &pixels)?)
}

/// A table of bytes for every channel of every image, from the sums of its histogram.
pub(super) fn equalize(pixels: &Tensor) -> Changed {
    let size = pixels.size();
    let channels = pixels.f_flatten(0, 1)?.f_flatten(1, 2)?;
    let channels = channels.f_to_kind(Kind::Int64)?;
    let empty = Tensor::f_zeros([channels.size()[0], 256], (Kind::Int64, pixels.device()))?;
    let histogram = empty.f_scatter_add(1, &channels, &channels.f_ones_like()?)?;
    // All pixels but those of the brightest value, over 255 steps.
    let brightest = histogram.f_gather(1, &channels.f_amax([1], true)?, false)?;
    let step = brightest.f_neg()?.f_add_scalar(size[2] * size[3])?;
    let step = step.f_div_scalar_mode(255, "floor")?;
    let half = step.f_div_scalar_mode(2, "floor")?;
    let sums = histogram.f_cumsum(1, Kind::Int64)?.f_add(&half)?;
    let table = sums.f_div_tensor_mode(&step.f_clamp_min(1)?, "floor")?.f_clamp(0, 255)?;
    let table = table.f_narrow(1, 0, 255)?.f_constant_pad_nd([1, 0])?;
    let equal = table.f_gather(1, &channels, false)?;
    equal.f_where_self(&step.f_gt(0)?, &channels)?.f_to_kind(Kind::Uint8)?.f_view(size.as_slice())
}
