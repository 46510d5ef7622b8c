//! What flows along the edges of a network, and how many edges end in an operation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many nodes an operation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// This many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
}

impl Arity {
    /// Whether so many inputs are right.
    pub fn admits(self, count: usize) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
        }
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(1) => f.write_str("one input"),
            Self::Exactly(count) => write!(f, "{count} inputs"),
            Self::AtLeast(least) => write!(f, "{least} or more inputs"),
        }
    }
}

/// The shape of what flows along an edge, without the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// Feature maps: channels, height, width.
    Maps(u64, u64, u64),
    /// A vector of features.
    Features(u64),
}

impl Shape {
    /// In words.
    pub fn describe(self) -> String {
        match self {
            Self::Maps(..) => format!("feature maps of {self}"),
            Self::Features(_) => format!("a vector of {self}"),
        }
    }

    /// Its channels; of a vector, its features.
    pub fn channels(self) -> u64 {
        match self {
            Self::Maps(channels, ..) | Self::Features(channels) => channels,
        }
    }

    /// How many numbers it has.
    pub fn numel(self) -> u64 {
        match self {
            Self::Maps(channels, height, width) => {
                channels.saturating_mul(height).saturating_mul(width)
            }
            Self::Features(features) => features,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maps(channels, height, width) => write!(f, "{channels}x{height}x{width}"),
            Self::Features(features) => write!(f, "{features}"),
        }
    }
}
