//! The data set of a sweep.

use serde::{Deserialize, Serialize};

use super::error::{Problem, SpecError};
use super::network::Task;
use super::tree::Tree;
use crate::op::Shape;

/// Which images, how many, and how they are prepared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The data set.
    #[serde(default)]
    pub set: DataSet,
    /// The number of training images, the first of the set; all of CIFAR-10, 5,000 of shapes10.
    #[serde(default)]
    pub train: Option<u32>,
    /// The number of test images, the first of the set; all of CIFAR-10, 2,000 of shapes10.
    #[serde(default)]
    pub test: Option<u32>,
    /// The side in pixels to which images are resized (bilinear), after augmentation.
    #[serde(default)]
    pub resize: Option<u32>,
    /// Mean and standard deviation that images are normalised with; those of the set by default.
    #[serde(default)]
    pub normalize: Option<Normalize>,
}

/// A data set of ten classes of 32x32 RGB images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "data set"), deny_unknown_fields)]
pub enum DataSet {
    /// CIFAR-10 (Krizhevsky 2009): 50,000 and 10,000 photographs.
    #[default]
    Cifar10,
    /// Drawn shapes and textures, made by a formula: nothing to download.
    Shapes10 {
        /// Other seeds draw other images.
        #[serde(default)]
        seed: u64,
    },
}

/// `(x - mean) / std` for each channel, of pixels from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Red, green, blue.
    pub mean: (f64, f64, f64),
    /// Red, green, blue.
    pub std: (f64, f64, f64),
}

impl Data {
    /// What the types cannot say.
    ///
    /// # Errors
    /// The first value out of its range, at its place in `tree`.
    pub fn check(&self, tree: &Tree) -> Result<(), SpecError> {
        let std = self.normalize.map_or((1.0, 1.0, 1.0), |normalize| normalize.std);
        let faults = [
            (self.train == Some(0), "train", "there are no training images", "use 1 or more"),
            (self.test == Some(0), "test", "there are no test images", "use 1 or more"),
            (
                self.resize.is_some_and(|side| side > 4096),
                "resize",
                "`resize` is above 4096",
                "use a smaller side",
            ),
            (
                !(std.0 > 0.0 && std.1 > 0.0 && std.2 > 0.0),
                "normalize.std",
                "a standard deviation is not above 0",
                "pixels are from 0 to 1: a common value is 0.25",
            ),
        ];
        match faults.into_iter().find(|fault| fault.0) {
            None => Ok(()),
            Some((_, path, reason, help)) => {
                let problem = Problem::Value { reason: reason.into(), help: help.into() };
                Err(SpecError::at(tree.find(path), problem))
            }
        }
    }

    /// All of CIFAR-10, resized to a network's input.
    pub fn for_input(input: Shape) -> Self {
        let resize = match input {
            Shape::Maps(_, side, _) if side != 32 => Some(side as u32),
            _ => None,
        };
        Self { set: DataSet::Cifar10, train: None, test: None, resize, normalize: None }
    }

    /// What networks are given and asked for.
    pub fn task(&self) -> Task {
        let side = self.resize.map_or(32, u64::from);
        Task { input: (3, side, side), classes: 10 }
    }
}
