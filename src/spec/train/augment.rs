//! Random changes of training images.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// A random change of a training image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename = "augmentation", deny_unknown_fields)]
pub enum Augment {
    /// A window of the full size at a random place of the padded image; `RandomCrop`.
    RandomCrop {
        /// Pixels added on every side.
        padding: u32,
        /// What they hold.
        #[serde(default)]
        fill: Fill,
    },
    /// Left and right change places; `RandomHorizontalFlip`.
    HorizontalFlip {
        /// Probability.
        #[serde(default = "half")]
        p: f64,
    },
}

/// What the padding of a crop holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "fill")]
pub enum Fill {
    /// Black.
    #[default]
    Zero,
    /// The image mirrored at its edge, the edge pixel not repeated.
    Reflect,
}

fn half() -> f64 {
    0.5
}

impl Augment {
    /// What is wrong with the augmentation at this place of the list.
    pub(super) fn faults(&self, at: usize) -> Vec<Fault> {
        let faults = match *self {
            Self::RandomCrop { padding, fill } => unmet(&[
                (
                    fill != Fill::Reflect || padding < 32,
                    "padding",
                    "`padding` mirrors more than the image has",
                    "use at most 31 pixels",
                ),
                (
                    padding <= 256,
                    "padding",
                    "`padding` is more than 256 pixels",
                    "a common value is 4",
                ),
            ]),
            Self::HorizontalFlip { p } => unmet(&[(
                (0.0..=1.0).contains(&p),
                "p",
                "`p` is no probability",
                "use a number from 0 to 1",
            )]),
        };
        let within = |fault: Fault| Fault { path: format!("augment.{at}.{}", fault.path), ..fault };
        faults.into_iter().map(within).collect()
    }
}
