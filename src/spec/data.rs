//! The data set of a sweep.

use serde::{Deserialize, Serialize};

use super::error::{Problem, SpecError};
use super::network::Task;
use super::tree::Tree;
use crate::op::Shape;

/// Which images, how many, and how they are prepared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    /// The number of training images, of those above, that are held out: none trains, and the
    /// accuracy on them fills `val_top1`, by which the best epoch is then chosen. They are drawn at
    /// random, the same for every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<u32>,
    /// Other seeds hold out other images.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation_seed: u64,
}

/// Left out when it is written: the hash of an experiment is that from before there was the field.
fn is_zero(seed: &u64) -> bool {
    *seed == 0
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
    /// Every value out of its range, at its place in `tree`.
    pub fn check(&self, tree: &Tree) -> Result<(), SpecError> {
        let (most_train, most_test) = self.set.most();
        let faults = [
            count("train", self.train, most_train),
            count("test", self.test, most_test),
            count("resize", self.resize, MAX_SIDE),
            self.held_out(),
            self.normalize.and_then(|normalize| normalize.fault()),
        ];
        let told = faults.into_iter().flatten();
        let told = told.map(|(path, problem)| SpecError::at(tree.find(&path), problem));
        SpecError::all(told).map_or(Ok(()), Err)
    }

    /// A number of held-out images that leaves none to train on.
    fn held_out(&self) -> Option<Fault> {
        let train = self.train.unwrap_or(self.set.usual().0);
        let held_out = self.validation.filter(|held_out| !(1..train).contains(held_out))?;
        let reason = format!("`validation` holds out {held_out} of {train} training images");
        let help = format!("use 1 to {}", train.saturating_sub(1));
        Some(("validation".into(), Problem::Value { reason, help }))
    }

    /// The number of training images that are not held out.
    pub fn train_images(&self) -> u64 {
        let train = self.train.unwrap_or(self.set.usual().0);
        u64::from(train.saturating_sub(self.validation.unwrap_or(0)))
    }

    /// All of CIFAR-10, resized to a network's input.
    pub fn for_input(input: Shape) -> Self {
        let resize = match input {
            Shape::Maps(_, side, _) if side != 32 => Some(side as u32),
            _ => None,
        };
        Self { resize, ..Self::default() }
    }

    /// What networks are given and asked for.
    pub fn task(&self) -> Task {
        let side = self.resize.map_or(32, u64::from);
        Task { input: (3, side, side), classes: 10 }
    }
}

/// Images are not resized to more pixels a side.
const MAX_SIDE: u32 = 4096;

/// A field and what is wrong with it.
type Fault = (String, Problem);

/// A number that is not from 1 to the most there can be.
fn count(field: &str, number: Option<u32>, most: u32) -> Option<Fault> {
    let number = number.filter(|number| !(1..=most).contains(number))?;
    let reason = format!("`{field}` is {number}");
    Some((field.into(), Problem::Value { reason, help: format!("use 1 to {most}") }))
}

impl DataSet {
    /// The numbers of training and test images where a spec gives none.
    pub fn usual(self) -> (u32, u32) {
        match self {
            Self::Cifar10 => (50_000, 10_000),
            Self::Shapes10 { .. } => (5_000, 2_000),
        }
    }

    /// The most training and test images.
    fn most(self) -> (u32, u32) {
        match self {
            Self::Cifar10 => (50_000, 10_000),
            Self::Shapes10 { .. } => (1_000_000, 1_000_000),
        }
    }
}

impl Normalize {
    fn fault(&self) -> Option<Fault> {
        let std = [self.std.0, self.std.1, self.std.2];
        let channel = std.iter().position(|&std| std <= 0.0)?;
        let reason = "a standard deviation is not above 0".into();
        let help = "pixels are from 0 to 1: a common value is 0.25".into();
        Some((format!("normalize.std.{channel}"), Problem::Value { reason, help }))
    }
}
