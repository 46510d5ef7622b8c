//! Charts as SVG: whole without a script, and with what one needs to read values off them and to hide
//! series.
//!
//! | file | what stands there |
//! |---|---|
//! | `scale` | numbers to places on an axis, and the numbers that are written there |
//! | `draw` | a chart as SVG |
//! | `legend` | what the colours stand for |
//! | `labels` | names beside points, where there is room |
//! | `style` | colours, dashes and marks |

mod draw;
mod labels;
mod legend;
mod scale;
mod style;

pub use draw::{Form, svg};
pub use style::css;

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Names it among the charts of a page, and as a file.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The same for who cannot see it, with the values that matter.
    pub about: String,
    /// What stands along the x axis, with its unit.
    pub x: String,
    /// What stands along the y axis, with its unit.
    pub y: String,
    /// Whether the x axis goes by factors; where all is above 0 alone.
    pub log: bool,
    /// Whether whole numbers alone are written at the x axis.
    pub whole: bool,
    /// What is drawn.
    pub series: Vec<Series>,
    /// The points that none is better than, by x.
    pub front: Vec<(f64, f64)>,
}

/// What belongs together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Its number on the page: the same in all charts.
    pub number: usize,
    /// What it is called.
    pub name: String,
    /// A line through the points, with their spread as a band; else marks, with their spread as bars.
    pub line: bool,
    /// By x.
    pub points: Vec<Point>,
    /// Thin lines of single runs that are in none of its points.
    pub strays: Vec<Stray>,
}

/// A run by itself. It does not widen the axes, lest a loss without end flatten all others: its line
/// ends where it leaves the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Stray {
    /// By x.
    pub points: Vec<(f64, f64)>,
    /// What is told of it.
    pub said: String,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Along the x axis.
    pub x: f64,
    /// Along the y axis.
    pub y: f64,
    /// The ends of its spread along the y axis.
    pub spread: Option<(f64, f64)>,
    /// What is told of it.
    pub said: String,
}

impl Chart {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(Series::is_empty)
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|series| &series.points)
    }

    fn strays(&self) -> impl Iterator<Item = (f64, f64)> {
        self.series.iter().flat_map(|series| &series.strays).flat_map(|stray| stray.points.clone())
    }

    /// What the x axis holds.
    fn across(&self) -> impl Iterator<Item = f64> {
        self.points().map(|point| point.x).chain(self.strays().map(|(x, _)| x))
    }

    /// What the y axis holds: strays alone where there is nothing else.
    fn down(&self) -> impl Iterator<Item = f64> {
        let ends = |point: &Point| {
            let (low, high) = point.spread.unwrap_or((point.y, point.y));
            [low, high, point.y]
        };
        let only = self.points().next().is_none();
        let strays = self.strays().map(|(_, y)| y).filter(move |_| only);
        self.points().flat_map(ends).chain(strays)
    }
}

impl Series {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.strays.is_empty()
    }
}
