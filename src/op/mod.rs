//! Operations: the nodes of a network. Each file holds one operation whole: its fields as a spec
//! writes them, its output shape, its weights, its multiply-accumulates, its forward pass.
//!
//! To add an operation, write its file and add its line to [`operations!`] below.

#[macro_use]
mod activation;
mod adaptive_avg_pool2d;
mod adaptive_max_pool2d;
mod add;
mod affine;
mod avg_pool2d;
mod batch_norm;
mod blur_pool;
mod channel_conv;
mod channel_pad;
mod channel_shuffle;
mod concat;
mod conv2d;
mod drop_path;
mod dropout;
mod flatten;
mod gelu;
mod global_avg_pool;
mod global_max_pool;
mod group_norm;
mod hardsigmoid;
mod hardswish;
mod layer_norm;
mod leaky_relu;
mod linear;
mod max_pool2d;
mod mish;
mod mul;
mod prelu;
mod relu;
mod relu6;
mod scale;
mod shape;
mod sigmoid;
mod silu;
mod size2;
mod slice;
mod softmax;
mod start;
mod subsample;
mod tanh;
mod upsample;
mod weight;
mod window;

use serde::{Deserialize, Serialize};

pub use channel_pad::Place;
pub use gelu::Approximation;
pub use shape::{Arity, Shape};
pub(crate) use size2::SIZE2;
pub use size2::Size2;
pub use start::{Fan, Freeze, Nonlinearity, OtherFilters, Start};
pub use upsample::Mode;
pub use weight::{Init, InitScheme, Others, Per, Role, Weight};

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

    /// Whether the result must not be overwritten: the backward pass needs it, or it may share
    /// memory with the input.
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
            "place it before the pooling that removes height and width, or pool with \
             `AdaptiveAvgPool2d(out: 1)`, which keeps them",
        )),
    }
}

/// Groups must be divisors of the channels.
fn check_groups(groups: u64, channels: u64) -> Result<(), Misfit> {
    match groups {
        0 => Err(Misfit::new("`groups` is 0", "it must be 1 or more")),
        _ if channels.is_multiple_of(groups) => Ok(()),
        _ => Err(Misfit::new(
            format!("{groups} groups do not divide {channels} channels"),
            "choose a divisor of the channels",
        )),
    }
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

fn yes() -> bool {
    true
}

fn is_false(value: &bool) -> bool {
    !value
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
    /// Means over so many windows.
    AdaptiveAvgPool2d in adaptive_avg_pool2d;
    /// Maxima over so many windows.
    AdaptiveMaxPool2d in adaptive_max_pool2d;
    /// Sum of its inputs.
    Add in add;
    /// A fixed factor, and a fixed number added.
    Affine in affine;
    /// Mean over windows.
    AvgPool2d in avg_pool2d;
    /// Normalisation over the batch.
    BatchNorm2d in batch_norm;
    /// Every so many pixels of the blurred input.
    BlurPool in blur_pool;
    /// Convolution along the channels of a vector.
    ChannelConv in channel_conv;
    /// Channels of zeros beside those of its input.
    ChannelPad in channel_pad;
    /// Channels dealt out to all groups.
    ChannelShuffle in channel_shuffle;
    /// Its inputs one after another.
    Concat in concat;
    /// Two-dimensional convolution.
    Conv2d in conv2d;
    /// Stochastic depth.
    DropPath in drop_path;
    /// Random zeros in training.
    Dropout in dropout;
    /// Feature maps as a vector.
    Flatten in flatten;
    /// `x` times the normal distribution's share below `x`.
    Gelu in gelu;
    /// Mean over height and width.
    GlobalAvgPool in global_avg_pool;
    /// Maximum over height and width.
    GlobalMaxPool in global_max_pool;
    /// Normalisation over groups of channels.
    GroupNorm in group_norm;
    /// `min(max(x + 3, 0), 6) / 6`.
    Hardsigmoid in hardsigmoid;
    /// `x min(max(x + 3, 0), 6) / 6`.
    Hardswish in hardswish;
    /// Normalisation over the channels.
    LayerNorm in layer_norm;
    /// `max(x, 0)` with a slope below 0.
    LeakyRelu in leaky_relu;
    /// Fully connected layer.
    Linear in linear;
    /// Maximum over windows.
    MaxPool2d in max_pool2d;
    /// `x tanh(softplus(x))`.
    Mish in mish;
    /// Product of its inputs.
    Mul in mul;
    /// `max(x, 0)` with a learned slope below 0.
    Prelu in prelu;
    /// `max(x, 0)`.
    Relu in relu;
    /// `min(max(x, 0), 6)`.
    Relu6 in relu6;
    /// Times a learned factor.
    Scale in scale;
    /// `1 / (1 + exp(-x))`.
    Sigmoid in sigmoid;
    /// `x sigmoid(x)`.
    Silu in silu;
    /// Some of the channels.
    Slice in slice;
    /// `exp(x)` over its sum along the channels.
    Softmax in softmax;
    /// Every so many rows and columns.
    Subsample in subsample;
    /// Hyperbolic tangent.
    Tanh in tanh;
    /// Feature maps of a multiple of the size.
    Upsample in upsample;
}
