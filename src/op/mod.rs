//! Operations: the nodes of a network. Each file holds one operation whole: its fields as a spec
//! writes them, its output shape, its weights, its multiply-accumulates, its forward pass.
//!
//! To add an operation, write its file and add its line to [`operations!`] below.

mod add;
mod batch_norm;
mod conv2d;
mod global_avg_pool;
mod linear;
mod max_pool2d;
mod relu;
mod weight;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use weight::{Init, InitScheme, Role, Weight};

/// An operation of a network: what the planner asks for, and the forward pass.
pub trait Operation {
    /// How many nodes it reads.
    fn arity(&self) -> Arity {
        Arity::Exactly(1)
    }

    /// The shape of its result, without the batch.
    ///
    /// # Errors
    /// Inputs that it cannot take.
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit>;

    /// Its weights in state-dict order, parameters and buffers.
    fn weights(&self, _inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        Vec::new()
    }

    /// Multiply-accumulates for one image. By the usual convention (fvcore, torchvision's tables)
    /// only convolutions and linear layers count.
    fn macs(&self, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }

    /// Whether the result may take the place of the first input in memory.
    fn in_place(&self) -> bool {
        false
    }

    /// Whether training draws random numbers in it. They come from libtorch's generator, which the
    /// training loop seeds for every step.
    fn is_random(&self) -> bool {
        false
    }

    /// Whether the backward pass needs the result, which then must not be overwritten.
    fn keeps_output(&self) -> bool {
        false
    }

    /// The forward pass.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    #[cfg(feature = "torch")]
    fn forward(&self, call: &Call<'_>) -> Result<tch::Tensor, tch::TchError>;
}

/// What a forward pass is given.
#[cfg(feature = "torch")]
pub struct Call<'a> {
    /// The inputs in order, batch first.
    pub inputs: &'a [&'a tch::Tensor],
    /// The weights in the order of [`Operation::weights`].
    pub weights: &'a [tch::Tensor],
    /// Whether batch statistics are used and updated.
    pub training: bool,
    /// Whether the first input may be overwritten.
    pub in_place: bool,
}

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

/// Inputs that an operation cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What does not fit.
    pub reason: String,
    /// What to change.
    pub help: Option<String>,
}

impl Misfit {
    /// A misfit with a remedy.
    pub fn new(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self { reason: reason.into(), help: Some(help.into()) }
    }
}

/// The one input as feature maps.
fn maps(inputs: &[Shape]) -> Result<(u64, u64, u64), Misfit> {
    match inputs {
        [Shape::Maps(channels, height, width)] => Ok((*channels, *height, *width)),
        _ => Err(Misfit::new(
            format!(
                "it wants feature maps, its input is a vector of {}",
                inputs.first().copied().map_or(0, Shape::numel)
            ),
            "place it before the pooling that removes height and width",
        )),
    }
}

/// The number of places a window takes along one side, as in PyTorch:
/// `floor((side + 2 padding - dilation (kernel - 1) - 1) / stride) + 1`.
fn windows(
    side: u64,
    kernel: u64,
    stride: u64,
    padding: u64,
    dilation: u64,
) -> Result<u64, Misfit> {
    let reach = dilation.saturating_mul(kernel - 1).saturating_add(1);
    let padded = side.saturating_add(padding.saturating_mul(2));
    if reach > padded {
        return Err(Misfit::new(
            format!(
                "a kernel that spans {reach} does not fit an input of {side} with padding {padding}"
            ),
            "use a smaller kernel, more padding, or fewer strides before it",
        ));
    }
    Ok((padded - reach) / stride + 1)
}

/// Only a defect of this program leads here: plan and model disagree about an operation.
#[cfg(feature = "torch")]
fn miscounted(weights: &[tch::Tensor]) -> tch::TchError {
    tch::TchError::Torch(format!(
        "an operation was given {} weights that it does not have",
        weights.len()
    ))
}

fn one() -> u64 {
    1
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident in $module:ident;)*) => {
        /// An operation as a spec names it.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename = "operation")]
        pub enum Op {
            $($(#[$doc])* $name($module::$name),)*
        }

        impl Op {
            /// The name as a spec writes it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// What the operation can do.
            pub fn operation(&self) -> &dyn Operation {
                match self { $(Self::$name(op) => op,)* }
            }
        }

        $(pub use $module::$name;)*
    };
}

operations! {
    /// Sum of its inputs.
    Add in add;
    /// Normalisation over the batch.
    BatchNorm2d in batch_norm;
    /// Two-dimensional convolution.
    Conv2d in conv2d;
    /// Mean over height and width.
    GlobalAvgPool in global_avg_pool;
    /// Fully connected layer.
    Linear in linear;
    /// Maximum over windows.
    MaxPool2d in max_pool2d;
    /// `max(x, 0)`.
    Relu in relu;
}
