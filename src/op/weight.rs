//! The weights of operations: one declaration counts parameters and creates tensors.

use serde::{Deserialize, Serialize};

use super::Shape;

/// A parameter or a buffer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weight {
    /// Its name as in PyTorch's state dict, such as `weight`; the plan puts the node's path before.
    pub name: String,
    /// Its size along each dimension.
    pub dims: Vec<u64>,
    /// What it is for.
    pub role: Role,
    /// Its value before training.
    pub init: Init,
    /// Whether training leaves it as it began.
    #[serde(skip_serializing_if = "super::is_false")]
    pub frozen: bool,
}

impl Weight {
    pub(crate) fn new(name: &str, dims: &[u64], role: Role, init: Init) -> Self {
        Self { name: name.into(), dims: dims.to_vec(), role, init, frozen: false }
    }

    /// Whether training changes it by gradients.
    pub fn is_trained(&self) -> bool {
        self.role.is_parameter() && !self.frozen
    }

    /// How many numbers it has; saturates.
    pub fn numel(&self) -> u64 {
        self.dims.iter().fold(1, |product, &dim| product.saturating_mul(dim))
    }
}

/// What a weight is for. Optimisers treat roles differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Role {
    /// The kernel of a convolution.
    Convolution,
    /// The matrix of a linear layer.
    Linear,
    /// The bias of a convolution or linear layer.
    Bias,
    /// Scale or shift of a normalisation.
    Norm,
    /// A learned factor, or the learned slope of an activation.
    Scale,
    /// A running statistic: saved, not trained.
    Buffer,
}

impl Role {
    /// Whether it is counted as a parameter, trained or frozen.
    pub fn is_parameter(self) -> bool {
        self != Self::Buffer
    }
}

/// A value before training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All this value.
    Constant {
        /// The value.
        value: f64,
    },
    /// Uniform in `[-bound, bound)`.
    Uniform {
        /// The largest magnitude.
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean 0, nothing beyond the bound.
    TruncNormal {
        /// Standard deviation before it is cut off.
        std: f64,
        /// The largest magnitude.
        bound: f64,
    },
    /// As a matrix of `dims[0]` rows: rows or columns at right angles.
    Orthogonal {
        /// Their length.
        gain: f64,
    },
    /// In each group, filter `i` hands on channel `i` of its group, as long as there is one.
    Dirac {
        /// Of the convolution.
        groups: u64,
        /// The filters that are left.
        others: Others,
    },
    /// Whitening filters and their negatives. Until the training images are seen, uniform.
    Whiten {
        /// How many images it takes.
        images: u32,
        /// Added to variances.
        eps: f64,
        /// Until then, the largest magnitude.
        bound: f64,
    },
}

/// The filters that a partial identity leaves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Others {
    /// All 0.
    Zeros,
    /// Uniform in `[-bound, bound)`.
    Uniform {
        /// The largest magnitude.
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
}

impl Init {
    /// All `value`; 0 and 1 by their own names.
    pub(crate) fn constant(value: f64) -> Self {
        match value {
            0.0 => Self::Zeros,
            1.0 => Self::Ones,
            value => Self::Constant { value },
        }
    }
}

/// What a learned number is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "unit")]
pub enum Per {
    /// One number for the whole layer.
    #[default]
    Layer,
    /// One number for each channel, or for each feature of a vector.
    Channel,
}

impl Per {
    /// Learned numbers for this shape, which all start from one value: a weight called `weight`.
    pub(crate) fn weight(self, shape: Shape, init: f64) -> Weight {
        let count = match self {
            Self::Layer => 1,
            Self::Channel => shape.channels(),
        };
        Weight::new("weight", &[count], Role::Scale, Init::constant(init))
    }
}

/// The rule for initial weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "initialisation")]
pub enum InitScheme {
    /// As torchvision's ResNet: convolutions Kaiming normal by fan-out (He et al. 2015, section
    /// 2.2), normalisations 1 and 0, linear layers PyTorch's default.
    #[default]
    Torchvision,
    /// PyTorch's default for every layer: uniform with bound `1 / sqrt(fan_in)`.
    Pytorch,
}

impl InitScheme {
    /// For a convolution kernel.
    pub(crate) fn convolution(self, fan_in: u64, fan_out: u64) -> Init {
        match self {
            Self::Torchvision => Init::Normal { std: (2.0 / fan_out as f64).sqrt() },
            Self::Pytorch => self.linear(fan_in),
        }
    }

    /// For the matrix of a linear layer, and for biases: Kaiming uniform with `a = sqrt(5)`, which
    /// comes to the bound `1 / sqrt(fan_in)`.
    pub(crate) fn linear(self, fan_in: u64) -> Init {
        Init::Uniform { bound: Self::bound(fan_in) }
    }

    /// The bound of PyTorch's default.
    pub(crate) fn bound(fan_in: u64) -> f64 {
        1.0 / (fan_in as f64).sqrt()
    }
}
