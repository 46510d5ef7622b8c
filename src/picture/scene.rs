//! What stands on the page, as numbers: boxes, circles, lines and texts.

use super::text::{self, Weight};

/// A point of the page, pixels from its upper left corner.
pub type Point = (f64, f64);

/// A thing on the page. Its class gives it its colours.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A box with round corners.
    Box {
        /// Upper left corner.
        at: Point,
        /// Width and height.
        size: Point,
        /// Of its corners.
        radius: f64,
        /// Of the style sheet.
        class: &'static str,
    },
    /// A circle.
    Circle {
        /// Its centre.
        at: Point,
        /// Its radius.
        radius: f64,
        /// Of the style sheet.
        class: &'static str,
    },
    /// A line through points, its corners rounded.
    Line {
        /// Two or more.
        points: Vec<Point>,
        /// Whether it ends in an arrow.
        arrow: bool,
    },
    /// A line of text.
    Text(Text),
    /// Things that belong together, with what is told of them on hover.
    Group {
        /// Of the style sheet.
        class: String,
        /// Told on hover.
        title: String,
        /// The things.
        items: Vec<Item>,
    },
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Its baseline, at its start, middle or end.
    pub at: Point,
    /// Which of these.
    pub anchor: Anchor,
    /// How it looks.
    pub look: Look,
    /// What it says.
    pub text: String,
}

/// Which point of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// The looks of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Of the picture.
    Title,
    /// Of a stage.
    Stage,
    /// Of a block.
    Block,
    /// Of a node.
    Name,
    /// What a node does.
    Operation,
    /// Numbers, shapes, and what else is said aside.
    Small,
    /// The sign in a join.
    Sign,
}

impl Look {
    /// The size of its font, pixels.
    pub fn size(self) -> f64 {
        match self {
            Self::Title => 17.0,
            Self::Stage | Self::Sign => 13.0,
            Self::Block | Self::Name | Self::Operation => 11.0,
            Self::Small => 9.5,
        }
    }

    /// The weight of its font.
    pub fn weight(self) -> Weight {
        match self {
            Self::Title | Self::Stage | Self::Block | Self::Name | Self::Sign => Weight::Bold,
            Self::Operation | Self::Small => Weight::Regular,
        }
    }

    /// Its class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Title => "t-title",
            Self::Stage => "t-stage",
            Self::Block => "t-block",
            Self::Name => "t-name",
            Self::Operation => "t-op",
            Self::Small => "t-small",
            Self::Sign => "t-sign",
        }
    }

    /// An upper bound for the width of a text, pixels.
    pub fn width(self, text: &str) -> f64 {
        text::width(text, self.size(), self.weight())
    }
}

impl Item {
    /// A text.
    pub fn text(at: Point, anchor: Anchor, look: Look, text: impl Into<String>) -> Self {
        Self::Text(Text { at, anchor, look, text: text.into() })
    }

    /// A line that ends in an arrow.
    pub fn arrow(points: Vec<Point>) -> Self {
        Self::Line { points, arrow: true }
    }

    /// The same thing elsewhere.
    #[must_use]
    pub fn moved(mut self, by: Point) -> Self {
        let shift = |at: &mut Point| *at = (at.0 + by.0, at.1 + by.1);
        match &mut self {
            Self::Box { at, .. } | Self::Circle { at, .. } => shift(at),
            Self::Line { points, .. } => points.iter_mut().for_each(shift),
            Self::Text(text) => shift(&mut text.at),
            Self::Group { items, .. } => {
                let moved = std::mem::take(items).into_iter().map(|item| item.moved(by));
                *items = moved.collect();
            }
        }
        self
    }
}
