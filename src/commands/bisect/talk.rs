//! What is said between `bisect` and the two processes that train the runs again, a line of RON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::records::EpochRow;

/// What a process is told once it has said where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    /// To do the next step.
    Next,
    /// To write all tensors of this step to a file, say [`Said::Told`], and end.
    Tell(PathBuf),
}

/// What a process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Said {
    /// Where the run is, with the digest of its state: before its first step, and after each.
    At(Point),
    /// An epoch is trained and evaluated.
    Epoch(Box<EpochRow>),
    /// The names of the tensors that are written, in the order in which they came to be.
    Told(Vec<String>),
    /// The run is at its end, and how it came to it where that is not its last epoch.
    Ended(Option<String>),
}

/// A state of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// From 1.
    pub epoch: u32,
    /// Steps of this epoch that are done.
    pub step: u64,
    /// The learning rate of the step; none before the first.
    pub lr: Option<f64>,
    /// SHA-256 of all tensors of the state, hexadecimal.
    pub digest: String,
}
