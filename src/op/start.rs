//! Initial weights that a node of a spec chooses for itself: the functions of `torch.nn.init`, the
//! partial identity of airbench, and whitening by the training images.

use serde::{Deserialize, Serialize};

use super::{Init, InitScheme, Misfit, Others};

/// The rule for the initial kernel or matrix of one layer, in place of the network's `init`; its bias
/// goes on following that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename(deserialize = "initial weight"), deny_unknown_fields)]
pub enum Start {
    /// Normal, its standard deviation the gain of the nonlinearity over `sqrt(fan)` (He et al. 2015);
    /// `torch.nn.init.kaiming_normal_`.
    KaimingNormal {
        /// Which connections the variance is kept over.
        #[serde(default)]
        mode: Fan,
        /// What follows the layer.
        #[serde(default)]
        nonlinearity: Nonlinearity,
    },
    /// Uniform with the same standard deviation; `kaiming_uniform_`.
    KaimingUniform {
        /// Which connections the variance is kept over.
        #[serde(default)]
        mode: Fan,
        /// What follows the layer.
        #[serde(default)]
        nonlinearity: Nonlinearity,
    },
    /// Normal, its standard deviation `gain * sqrt(2 / (fan_in + fan_out))` (Glorot and Bengio 2010);
    /// `xavier_normal_`.
    XavierNormal {
        /// A factor.
        #[serde(default = "one")]
        gain: f64,
    },
    /// Uniform with the same standard deviation; `xavier_uniform_`.
    XavierUniform {
        /// A factor.
        #[serde(default = "one")]
        gain: f64,
    },
    /// Normal with mean 0; `normal_`.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean 0, of which nothing is drawn beyond a bound; `trunc_normal_`.
    TruncNormal {
        /// Standard deviation before it is cut off.
        std: f64,
        /// The largest magnitude, no multiple of `std`.
        #[serde(default = "two")]
        bound: f64,
    },
    /// Uniform between `-bound` and `bound`; `uniform_`.
    Uniform {
        /// The largest magnitude.
        bound: f64,
    },
    /// All 0.
    Zeros,
    /// All one value.
    Constant {
        /// The value.
        value: f64,
    },
    /// Rows or columns at right angles, `gain` long (Saxe et al. 2014); `orthogonal_`. A kernel is
    /// taken as the matrix `[out, in * height * width]`.
    Orthogonal {
        /// A factor.
        #[serde(default = "one")]
        gain: f64,
    },
    /// The first filters of a convolution, as many as it has input channels, hand on their own
    /// channel; `dirac_`.
    Dirac {
        /// What the other filters hold: 0 as in PyTorch, or what they would without `Dirac`
        /// (Jordan 2024, airbench).
        #[serde(default)]
        others: OtherFilters,
    },
    /// Filters that make the patches of training images white, and then the same with the other
    /// sign: `out` is twice the numbers of a patch. For a convolution that reads the images
    /// themselves (Jordan 2024, airbench, after Page 2019).
    Whiten {
        /// How many training images the patches are taken from, the first of the set.
        #[serde(default = "five_thousand")]
        images: u32,
        /// Added to the variances that are divided by.
        #[serde(default = "small")]
        eps: f64,
    },
}

/// Which connections a variance is kept over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "fan"))]
pub enum Fan {
    /// Those into an output: keeps activations as large.
    #[default]
    FanIn,
    /// Those out of an input: keeps gradients as large.
    FanOut,
}

/// What follows a layer, for the gain of its initial weights; `torch.nn.init.calculate_gain`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "nonlinearity"), deny_unknown_fields)]
pub enum Nonlinearity {
    /// None; a gain of 1.
    Linear,
    /// Also a gain of 1.
    Sigmoid,
    /// 5 / 3.
    Tanh,
    /// `sqrt(2)`.
    #[default]
    Relu,
    /// `sqrt(2 / (1 + slope^2))`.
    LeakyRelu {
        /// Its slope below 0.
        slope: f64,
    },
    /// 3 / 4.
    Selu,
}

/// What the filters hold that `Dirac` does not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "value of other filters"))]
pub enum OtherFilters {
    /// 0.
    #[default]
    Zeros,
    /// What the network's `init` draws.
    Drawn,
}

fn one() -> f64 {
    1.0
}

fn two() -> f64 {
    2.0
}

fn five_thousand() -> u32 {
    5000
}

fn small() -> f64 {
    5e-4
}

/// The layer that a rule is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer {
    /// Connections into an output, as PyTorch counts them.
    pub(super) fan_in: u64,
    /// Connections out of an input, as PyTorch counts them.
    pub(super) fan_out: u64,
    /// Of a convolution; 1 of a linear layer.
    pub(super) groups: u64,
    /// What its weight is without a rule of its own.
    pub(super) usual: Init,
}

impl Nonlinearity {
    fn gain(self) -> f64 {
        match self {
            Self::Linear | Self::Sigmoid => 1.0,
            Self::Tanh => 5.0 / 3.0,
            Self::Relu => 2.0_f64.sqrt(),
            Self::LeakyRelu { slope } => (2.0 / (1.0 + slope * slope)).sqrt(),
            Self::Selu => 0.75,
        }
    }
}

impl Start {
    /// The value of the layer's weight.
    pub(super) fn init(self, layer: Layer) -> Init {
        let Layer { fan_in, fan_out, groups, usual } = layer;
        let kaiming = |mode, nonlinearity: Nonlinearity| {
            let fan = if mode == Fan::FanIn { fan_in } else { fan_out };
            nonlinearity.gain() / (fan as f64).sqrt()
        };
        let xavier = |gain: f64| gain * (2.0 / (fan_in as f64 + fan_out as f64)).sqrt();
        let uniform = |std: f64| Init::Uniform { bound: 3.0_f64.sqrt() * std };
        match self {
            Self::KaimingNormal { mode, nonlinearity } => {
                Init::Normal { std: kaiming(mode, nonlinearity) }
            }
            Self::KaimingUniform { mode, nonlinearity } => uniform(kaiming(mode, nonlinearity)),
            Self::XavierNormal { gain } => Init::Normal { std: xavier(gain) },
            Self::XavierUniform { gain } => uniform(xavier(gain)),
            Self::Normal { std } => Init::Normal { std },
            Self::TruncNormal { std, bound } => Init::TruncNormal { std, bound },
            Self::Uniform { bound } => Init::Uniform { bound },
            Self::Zeros => Init::Zeros,
            Self::Constant { value } => Init::constant(value),
            Self::Orthogonal { gain } => Init::Orthogonal { gain },
            Self::Dirac { others } => {
                let others = match (others, usual) {
                    (OtherFilters::Zeros, _) => Others::Zeros,
                    (OtherFilters::Drawn, Init::Normal { std }) => Others::Normal { std },
                    (OtherFilters::Drawn, _) => {
                        Others::Uniform { bound: InitScheme::bound(fan_in) }
                    }
                };
                Init::Dirac { groups, others }
            }
            Self::Whiten { images, eps } => {
                Init::Whiten { images, eps, bound: InitScheme::bound(fan_in) }
            }
        }
    }

    /// Numbers that draw nothing sensible.
    pub(super) fn check(self) -> Result<(), Misfit> {
        let demand = |met: bool, reason: &str, help: &str| match met {
            true => Ok(()),
            false => Err(Misfit::new(format!("`init`: {reason}"), help)),
        };
        let above = |value: f64| value > 0.0 && value.is_finite();
        match self {
            Self::XavierNormal { gain }
            | Self::XavierUniform { gain }
            | Self::Orthogonal { gain } => {
                demand(above(gain), "`gain` is not above 0", "the usual gain is 1")
            }
            Self::Normal { std } => {
                demand(above(std), "`std` is not above 0", "a common value is 0.01")
            }
            Self::TruncNormal { std, bound } => {
                demand(above(std), "`std` is not above 0", "a common value is 0.02")?;
                demand(above(bound), "`bound` is not above 0", "a common value is 2")
            }
            Self::Uniform { bound } => {
                demand(above(bound), "`bound` is not above 0", "a common value is 0.1")
            }
            Self::Whiten { images, eps } => {
                demand(images > 0, "`images` is 0", "airbench takes 5000")?;
                demand(above(eps), "`eps` is not above 0", "airbench has 0.0005")
            }
            Self::Constant { value } => {
                demand(value.is_finite(), "`value` is no finite number", "use a number")
            }
            Self::KaimingNormal { .. }
            | Self::KaimingUniform { .. }
            | Self::Zeros
            | Self::Dirac { .. } => Ok(()),
        }
    }

    /// Its name where it is for convolutions alone.
    pub(super) fn of_kernels(self) -> Option<&'static str> {
        match self {
            Self::Dirac { .. } => Some("Dirac"),
            Self::Whiten { .. } => Some("Whiten"),
            _ => None,
        }
    }
}

/// What training leaves as it began. It is in the state dict, and counts as a parameter, as one with
/// `requires_grad = False` does in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename(deserialize = "part to freeze"))]
pub enum Freeze {
    /// The kernel, the matrix, or the scale of a normalisation.
    Weight,
    /// The bias, or the shift of a normalisation.
    Bias,
    /// Both.
    All,
}

impl Freeze {
    /// Marks the weights of a layer: its weight first, then its bias.
    pub(super) fn mark(freeze: Option<Self>, weights: &mut [super::Weight]) {
        let marks = match freeze {
            None => [false, false],
            Some(Self::Weight) => [true, false],
            Some(Self::Bias) => [false, true],
            Some(Self::All) => [true, true],
        };
        weights.iter_mut().zip(marks).for_each(|(weight, mark)| weight.frozen = mark);
    }

    /// A layer without a bias has none to freeze.
    pub(super) fn check(freeze: Option<Self>, bias: bool) -> Result<(), Misfit> {
        match freeze {
            Some(Self::Bias | Self::All) if !bias => Err(Misfit::new(
                "`frozen` names a bias, and there is none",
                "write `frozen: Weight`, or add `bias: true`",
            )),
            _ => Ok(()),
        }
    }
}
