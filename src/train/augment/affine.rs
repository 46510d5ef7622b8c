//! Shears, shifts and turns, as torchvision's `affine` and `rotate` with nearest neighbours and
//! black outside.

use tch::{Kind, TchError, Tensor};

use crate::data::SIDE;

/// Where the pixel at (x, y) of the result comes from: (ax + by + c, dx + ey + f), in pixels from
/// the centre.
pub type Matrix = [f64; 6];

/// Half an image: the distance of its corner from the centre.
const HALF: f64 = SIDE as f64 / 2.0;

/// Columns shift by `by` for each row below the top.
pub fn shear_x(by: f64) -> Matrix {
    [1.0, by, HALF * by, 0.0, 1.0, 0.0]
}

/// Rows shift by `by` for each column right of the left edge.
pub fn shear_y(by: f64) -> Matrix {
    [1.0, 0.0, 0.0, by, 1.0, HALF * by]
}

/// The image moves right and down by so many pixels.
pub fn translate(right: f64, down: f64) -> Matrix {
    [1.0, 0.0, -right, 0.0, 1.0, -down]
}

/// The image turns counter-clockwise about its centre by an angle in radians.
pub fn rotate(angle: f64) -> Matrix {
    let (sin, cos) = angle.sin_cos();
    [cos, -sin, 0.0, sin, cos, 0.0]
}

/// Samples images `[batch, channels, height, width]` of bytes by matrices `[batch, 6]`.
///
/// # Errors
/// What libtorch reports.
pub fn apply(pixels: &Tensor, matrices: &Tensor) -> Result<Tensor, TchError> {
    let (count, side, device) = (pixels.size()[0], SIDE as i64, pixels.device());
    let line = Tensor::f_linspace(0.5 - HALF, HALF - 0.5, side, (Kind::Float, device))?;
    let x = line.f_view([1, side])?.f_expand([side, side], false)?;
    let y = line.f_view([side, 1])?.f_expand([side, side], false)?;
    let places = Tensor::f_stack(&[&x, &y, &x.f_ones_like()?], -1)?.f_view([1, side * side, 3])?;
    let matrices = matrices.f_view([count, 2, 3])?.f_transpose(1, 2)?.f_div_scalar(HALF)?;
    let grid = places.f_expand([count, side * side, 3], false)?.f_bmm(&matrices)?;
    let images = pixels.f_to_kind(Kind::Float)?;
    let (nearest, zeros) = (1, 0);
    let grid = grid.f_view([count, side, side, 2])?;
    images.f_grid_sampler(&grid, nearest, zeros, false)?.f_round()?.f_to_kind(Kind::Uint8)
}
