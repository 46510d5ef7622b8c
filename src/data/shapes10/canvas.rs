//! A picture of 32x32 colours that is painted on, then developed to bytes.

use super::super::{CHANNELS, SIDE};
use super::random::Random;

/// Red, green and blue, nominally in 0 to 1.
pub(super) type Colour = [f32; CHANNELS];

/// The picture.
pub(super) struct Canvas([[Colour; SIDE]; SIDE]);

/// The part of the picture that a painted form reaches, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// The middle, across and down.
    pub centre: [f32; 2],
    /// The most that the form extends from the middle.
    pub radius: f32,
}

impl Canvas {
    /// A picture whose colour at each pixel, across and down, is given.
    pub(super) fn filled(colour: impl Fn(f32, f32) -> Colour) -> Self {
        let at = |row: usize, column: usize| colour(middle(column), middle(row));
        Self(std::array::from_fn(|row| std::array::from_fn(|column| at(row, column))))
    }

    /// Paints a form: `distance` is that of a pixel's middle from its edge, in pixels, negative
    /// within. Pixels that the edge crosses are covered in part.
    pub(super) fn paint(
        &mut self,
        reach: Reach,
        distance: impl Fn(f32, f32) -> f32,
        colour: impl Fn(f32, f32) -> Colour,
    ) {
        let columns = span(reach.centre[0], reach.radius);
        for row in span(reach.centre[1], reach.radius) {
            for column in columns.clone() {
                let (x, y) = (middle(column), middle(row));
                let cover = (0.5 - distance(x, y)).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = &mut self.0[row][column];
                    *pixel = mix(*pixel, colour(x, y), cover);
                }
            }
        }
    }

    /// The colour of the pixel at a point.
    pub(super) fn at(&self, [x, y]: [f32; 2]) -> Colour {
        let index = |v: f32| (v.max(0.0) as usize).min(SIDE - 1);
        self.0[index(y)][index(x)]
    }

    /// Mixes each pixel with its blurred neighbourhood (weights 1, 2, 1 along both axes).
    pub(super) fn blur(&mut self, strength: f32) {
        let near = |i: usize| [i.saturating_sub(1), i, i, (i + 1).min(SIDE - 1)];
        let across = Self(std::array::from_fn(|row| {
            std::array::from_fn(|column| mean(near(column).map(|c| self.0[row][c])))
        }));
        for row in 0..SIDE {
            for column in 0..SIDE {
                let blurred = mean(near(row).map(|r| across.0[r][column]));
                self.0[row][column] = mix(self.0[row][column], blurred, strength);
            }
        }
    }

    /// Adds noise of this deviation to every value and writes the picture as bytes, channels last.
    pub(super) fn develop(&self, noise: f32, random: &mut Random, bytes: &mut [u8]) {
        let values = self.0.as_flattened().as_flattened();
        for (byte, value) in bytes.iter_mut().zip(values) {
            let value = value + noise * random.bell();
            *byte = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
}

/// The colour that is `part` of the way from `from` to `to`.
pub(super) fn mix(from: Colour, to: Colour, part: f32) -> Colour {
    std::array::from_fn(|c| from[c] + (to[c] - from[c]) * part)
}

fn mean(colours: [Colour; 4]) -> Colour {
    let [p, q, r, s] = colours;
    std::array::from_fn(|c| (p[c] + q[c] + r[c] + s[c]) * 0.25)
}

/// Where the middle of a pixel is.
fn middle(index: usize) -> f32 {
    index as f32 + 0.5
}

/// The pixels that may be covered within `radius` of `centre`, along one axis.
fn span(centre: f32, radius: f32) -> std::ops::Range<usize> {
    let start = (centre - radius - 1.0).clamp(0.0, SIDE as f32) as usize;
    let end = (centre + radius + 2.0).clamp(0.0, SIDE as f32) as usize;
    start..end
}
