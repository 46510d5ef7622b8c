//! One image: a ground, distractors, the figure, what hides it, and the camera's faults.

use super::super::{CHANNELS, SIDE};
use super::canvas::{Canvas, Colour, Reach, mix};
use super::figure::{Figure, Sketch};
use super::random::Random;

/// Width and height of the picture, in pixels.
const EXTENT: f32 = SIDE as f32;
/// The knots of the clutter along one axis.
const KNOTS: usize = 6;

/// Draws an image that shows `figure`, to bytes with channels last.
pub(super) fn draw(figure: Figure, random: &mut Random, bytes: &mut [u8]) {
    let mut canvas = ground(random);
    for _ in 0..random.index(4) {
        distractor(&mut canvas, random);
    }
    let pose = Pose::of_figure(random);
    let colour = lighter(canvas.at(pose.centre), 0.3, 0.8, random);
    paint(&mut canvas, pose, sketch(figure, random), shaded(colour, 0.12, random));
    if random.chance(0.5) {
        let through = [0, 1].map(|i| pose.centre[i] + random.between(-0.8, 0.8) * pose.radius);
        bar(&mut canvas, through, random);
    }
    if random.chance(0.5) {
        canvas.blur(random.unit());
    }
    let noise = random.between(0.02, 0.08);
    canvas.develop(noise, random, bytes);
}

/// A ground that runs from one colour to another, with smooth clutter over it.
fn ground(random: &mut Random) -> Canvas {
    let base = [(); CHANNELS].map(|()| random.between(0.05, 0.65));
    let shade = shaded(base, 0.15, random);
    let strength = random.between(0.0, 0.12);
    let mut knots = [[[0.0; CHANNELS]; KNOTS]; KNOTS];
    for value in knots.as_flattened_mut().as_flattened_mut() {
        *value = strength * random.bell();
    }
    Canvas::filled(|x, y| {
        let (base, clutter) = (shade(x, y), clutter(&knots, x, y));
        std::array::from_fn(|c| base[c] + clutter[c])
    })
}

/// The value between the four nearest knots.
fn clutter(knots: &[[Colour; KNOTS]; KNOTS], x: f32, y: f32) -> Colour {
    let scale = (KNOTS - 1) as f32 / EXTENT;
    let (x, y) = (x * scale, y * scale);
    let (column, row) = (x as usize, y as usize);
    let (right, down) = (x - x.floor(), y - y.floor());
    let along = |row: usize| mix(knots[row][column], knots[row][column + 1], right);
    mix(along(row), along(row + 1), down)
}

/// A colour that changes linearly across the picture, by `most` or less from middle to edge.
fn shaded(colour: Colour, most: f32, random: &mut Random) -> impl Fn(f32, f32) -> Colour + use<> {
    let [along, down] = random.direction();
    let change: Colour = std::array::from_fn(|_| random.between(-most, most));
    move |x, y| {
        let part = ((x * 2.0 / EXTENT - 1.0) * along) + ((y * 2.0 / EXTENT - 1.0) * down);
        std::array::from_fn(|c| colour[c] + change[c] * part)
    }
}

/// A colour at a distance between `least` and `most` from another, the distance being Euclidean over
/// values in 0 to 1. Some colour always is, where `most` is less than half a cube's diagonal.
fn contrasting(ground: Colour, least: f32, most: f32, random: &mut Random) -> Colour {
    let ground = ground.map(|value| value.clamp(0.0, 1.0));
    loop {
        let colour: Colour = std::array::from_fn(|_| random.unit());
        let apart: Colour = std::array::from_fn(|c| colour[c] - ground[c]);
        let square: f32 = apart.iter().map(|value| value * value).sum();
        if (least * least..most * most).contains(&square) {
            return colour;
        }
    }
}

/// A colour as [`contrasting`] gives it, mirrored in the ground where it is darker than that.
/// Figures are always the lighter part, or telling them from their ground is all that a small
/// network learns in a few epochs.
fn lighter(ground: Colour, least: f32, most: f32, random: &mut Random) -> Colour {
    let colour = contrasting(ground, least, most, random);
    let change: f32 = (0..CHANNELS).map(|c| colour[c] - ground[c]).sum();
    if change < 0.0 { mix(ground, colour, -1.0) } else { colour }
}

/// Something small that is no class of its own: a little solid figure, or a line.
fn distractor(canvas: &mut Canvas, random: &mut Random) {
    let anywhere = [random.between(0.0, EXTENT), random.between(0.0, EXTENT)];
    if random.chance(0.4) {
        return bar(canvas, anywhere, random);
    }
    let figure = Figure::OUTLINES[random.index(Figure::OUTLINES.len())];
    let pose =
        Pose { centre: anywhere, radius: random.between(1.5, 4.0), ..Pose::of_figure(random) };
    let colour = contrasting(canvas.at(anywhere), 0.15, 0.45, random);
    paint(canvas, pose, sketch(figure, random), move |_, _| colour);
}

/// A straight bar through a point, in any direction.
fn bar(canvas: &mut Canvas, [px, py]: [f32; 2], random: &mut Random) {
    let [dx, dy] = random.direction();
    let (width, length) = (random.between(0.4, 1.4), random.between(4.0, 20.0));
    let colour = contrasting(canvas.at([px, py]), 0.15, 0.45, random);
    let reach = Reach { centre: [px, py], radius: length + width };
    let distance = |x: f32, y: f32| {
        let (x, y) = (x - px, y - py);
        ((x * dx + y * dy).abs() - length).max((y * dx - x * dy).abs() - width)
    };
    canvas.paint(reach, distance, |_, _| colour);
}

fn sketch(figure: Figure, random: &mut Random) -> Sketch {
    Sketch {
        figure,
        outline: Figure::OUTLINES[random.index(Figure::OUTLINES.len())],
        period: random.between(0.45, 0.75),
        phase: [random.unit(), random.unit()],
    }
}

/// Where a figure stands and how.
#[derive(Debug, Clone, Copy)]
struct Pose {
    /// Its middle, in pixels across and down.
    centre: [f32; 2],
    /// The direction of its first axis, a unit vector.
    axis: [f32; 2],
    /// Its radius, in pixels.
    radius: f32,
    /// How much longer the first axis is than the radius, and the second shorter.
    stretch: f32,
}

impl Pose {
    /// A pose of the figure that an image shows; a corner may stick out of the picture.
    fn of_figure(random: &mut Random) -> Self {
        let radius = random.between(8.0, 13.0);
        let margin = radius * 0.85;
        let centre = [(); 2].map(|()| random.between(margin, EXTENT - margin));
        let stretch = random.between(1.0, 1.15);
        Self { centre, axis: random.direction(), radius, stretch }
    }

    /// A point of the picture in the figure's own axes, in units of its radius.
    fn local(&self, x: f32, y: f32) -> [f32; 2] {
        let (x, y) = ((x - self.centre[0]) / self.radius, (y - self.centre[1]) / self.radius);
        let [ax, ay] = self.axis;
        [(x * ax + y * ay) / self.stretch, (y * ax - x * ay) * self.stretch]
    }
}

fn paint(canvas: &mut Canvas, pose: Pose, sketch: Sketch, colour: impl Fn(f32, f32) -> Colour) {
    let reach = Reach { centre: pose.centre, radius: pose.radius * pose.stretch * 1.1 };
    canvas.paint(reach, |x, y| sketch.distance(pose.local(x, y)) * pose.radius, colour);
}
