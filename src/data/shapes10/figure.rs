//! The ten figures as signed distances: negative within, positive without, in units of the
//! figure's radius, about the origin.

/// A class of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Disc,
    Ring,
    Triangle,
    Square,
    Pentagon,
    Cross,
    Star,
    Crescent,
    Stripes,
    Checker,
}

impl Figure {
    /// All figures in label order.
    pub(super) const ALL: [Self; super::CLASSES] = [
        Self::Disc,
        Self::Ring,
        Self::Triangle,
        Self::Square,
        Self::Pentagon,
        Self::Cross,
        Self::Star,
        Self::Crescent,
        Self::Stripes,
        Self::Checker,
    ];
    /// The outlines that a patch of texture may have.
    pub(super) const OUTLINES: [Self; 4] =
        [Self::Disc, Self::Triangle, Self::Square, Self::Pentagon];
}

/// What varies among the figures of a class, apart from place and colour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sketch {
    /// The class.
    pub figure: Figure,
    /// The outline of the patch, where the class is a texture.
    pub outline: Figure,
    /// The period of the texture; the width of a ring and the bite of a crescent follow it too.
    pub period: f32,
    /// The shift of the texture along its first and second axis.
    pub phase: [f32; 2],
}

impl Sketch {
    /// The distance of a point from the edge of the figure.
    pub(super) fn distance(&self, p: [f32; 2]) -> f32 {
        let [x, y] = [p[0] + self.phase[0], p[1] + self.phase[1]];
        match self.figure {
            Figure::Ring => (norm(p) - 0.75).abs() - 0.35 * self.period,
            Figure::Crescent => {
                let bite = [p[0] - 0.9 * self.period - 0.1, p[1]];
                disc(p, 0.95).max(-disc(bite, 0.8))
            }
            Figure::Stripes => self.patch(p).max(stripe(x, self.period)),
            Figure::Checker => {
                let (a, b) = (stripe(x, self.period), stripe(y, self.period));
                self.patch(p).max(a.min(b).max(-a.max(b)))
            }
            plain => solid(plain, p),
        }
    }

    fn patch(&self, p: [f32; 2]) -> f32 {
        solid(self.outline, p)
    }
}

/// The figures that have one form only; a disc for the others.
fn solid(figure: Figure, p: [f32; 2]) -> f32 {
    match figure {
        Figure::Triangle => polygon(&TRIANGLE, p),
        Figure::Square => polygon(&SQUARE, p),
        Figure::Pentagon => polygon(&PENTAGON, p),
        Figure::Cross => polygon(&CROSS, p),
        Figure::Star => polygon(&STAR, p),
        _ => disc(p, 0.9),
    }
}

fn norm([x, y]: [f32; 2]) -> f32 {
    (x * x + y * y).sqrt()
}

fn disc(p: [f32; 2], radius: f32) -> f32 {
    norm(p) - radius
}

/// Parallel bands, as wide as the gaps between them.
fn stripe(x: f32, period: f32) -> f32 {
    let turns = x / period;
    ((turns - turns.floor() - 0.5).abs() - 0.25) * period
}

/// Source: Inigo Quilez, *2D distance functions*, "Polygon".
fn polygon(corners: &[[f32; 2]], [px, py]: [f32; 2]) -> f32 {
    let (mut square, mut sign) = (f32::MAX, 1.0);
    let mut from = corners[corners.len() - 1];
    for &to in corners {
        let (ex, ey) = (from[0] - to[0], from[1] - to[1]);
        let (wx, wy) = (px - to[0], py - to[1]);
        let along = ((wx * ex + wy * ey) / (ex * ex + ey * ey)).clamp(0.0, 1.0);
        let (bx, by) = (wx - ex * along, wy - ey * along);
        square = square.min(bx * bx + by * by);
        let sides = [py >= to[1], py < from[1], ex * wy > ey * wx];
        if sides == [true; 3] || sides == [false; 3] {
            sign = -sign;
        }
        from = to;
    }
    sign * square.sqrt()
}

const TRIANGLE: [[f32; 2]; 3] = [[0.0, -1.0], [0.866, 0.5], [-0.866, 0.5]];
const SQUARE: [[f32; 2]; 4] = [[-0.78, -0.78], [0.78, -0.78], [0.78, 0.78], [-0.78, 0.78]];
const PENTAGON: [[f32; 2]; 5] =
    [[0.0, -1.0], [0.951, -0.309], [0.588, 0.809], [-0.588, 0.809], [-0.951, -0.309]];
const CROSS: [[f32; 2]; 12] = [
    [-0.3, -1.0],
    [0.3, -1.0],
    [0.3, -0.3],
    [1.0, -0.3],
    [1.0, 0.3],
    [0.3, 0.3],
    [0.3, 1.0],
    [-0.3, 1.0],
    [-0.3, 0.3],
    [-1.0, 0.3],
    [-1.0, -0.3],
    [-0.3, -0.3],
];
/// Five points at radius 1.05, five notches at 0.45.
const STAR: [[f32; 2]; 10] = [
    [0.0, -1.05],
    [0.265, -0.364],
    [0.999, -0.324],
    [0.428, 0.139],
    [0.617, 0.849],
    [0.0, 0.45],
    [-0.617, 0.849],
    [-0.428, 0.139],
    [-0.999, -0.324],
    [-0.265, -0.364],
];
