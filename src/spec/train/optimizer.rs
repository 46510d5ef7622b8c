//! Optimisers.

use serde::{Deserialize, Serialize};

mod faults;

/// An optimiser, as PyTorch's of the same name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "optimizer", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent; `torch.optim.SGD`.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Share of the last step that goes on.
        #[serde(default)]
        momentum: f64,
        /// Share of the gradient that the momentum leaves out.
        #[serde(default, skip_serializing_if = "is_zero")]
        dampening: f64,
        /// Nesterov's form of momentum.
        #[serde(default)]
        nesterov: bool,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Kingma and Ba 2015; `torch.optim.Adam`.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the averages of gradient and squared gradient.
        #[serde(default = "betas")]
        betas: (f64, f64),
        /// Added to the denominator.
        #[serde(default = "eps")]
        eps: f64,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Loshchilov and Hutter 2019: weight decay apart from the gradient; `torch.optim.AdamW`.
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the averages of gradient and squared gradient.
        #[serde(default = "betas")]
        betas: (f64, f64),
        /// Added to the denominator.
        #[serde(default = "eps")]
        eps: f64,
        /// Share of the weights, times the learning rate, that each step takes away.
        #[serde(default = "adamw_decay")]
        weight_decay: f64,
    },
    /// Tieleman and Hinton 2012; `torch.optim.RMSprop`.
    RmsProp {
        /// Learning rate.
        lr: f64,
        /// Decay of the averages.
        #[serde(default = "alpha")]
        alpha: f64,
        /// Added to the denominator.
        #[serde(default = "eps")]
        eps: f64,
        /// Share of the last step that goes on.
        #[serde(default)]
        momentum: f64,
        /// Divide by the standard deviation of the gradient instead of its root mean square.
        #[serde(default)]
        centered: bool,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Chen et al. 2023, algorithm 2: the sign of an average of gradients. Rates are some 3 to 10
    /// times below AdamW's, and weight decays as much above.
    Lion {
        /// Learning rate.
        lr: f64,
        /// Share of the average in a step, and its decay.
        #[serde(default = "lion_betas")]
        betas: (f64, f64),
        /// Share of the weights, times the learning rate, that each step takes away.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Jordan et al. 2024, for kernels and matrices but the head's: the average of gradients made
    /// nearly orthogonal; `torch.optim.Muon`. The kernel of a convolution is taken as the matrix
    /// `[out, in * height * width]`.
    Muon {
        /// Learning rate.
        lr: f64,
        /// Decay of the average of gradients.
        #[serde(default = "muon_momentum")]
        momentum: f64,
        /// Nesterov's form of momentum.
        #[serde(default = "yes")]
        nesterov: bool,
        /// Share of the weights, times the learning rate, that each step takes away.
        #[serde(default = "muon_decay")]
        weight_decay: f64,
        /// Steps of the Newton-Schulz iteration.
        #[serde(default = "five")]
        steps: u32,
        /// What the step is multiplied by.
        #[serde(default)]
        scale: MuonScale,
        /// What the iteration computes with.
        #[serde(default)]
        precision: MuonPrecision,
        /// What happens to the norms of weights.
        #[serde(default)]
        weights: MuonWeights,
        /// The optimiser of all other parameters. Its learning rate goes with the schedule as
        /// Muon's does.
        others: Box<Optimizer>,
    },
    /// Zhang et al. 2019: after every so many steps of another optimiser, slow weights go a part of
    /// the way to where it went, and it goes on from there. A run ends at the slow weights.
    Lookahead {
        /// The other optimiser.
        inner: Box<Optimizer>,
        /// Its steps between two of the slow weights.
        #[serde(default = "five")]
        every: u32,
        /// The part of the way that the slow weights go.
        #[serde(default = "half")]
        alpha: f64,
        /// The part at the end of the run, which is gone to as the third power of the share of
        /// steps that are done (airbench); `alpha` throughout by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alpha_end: Option<f64>,
    },
}

/// What a step of Muon is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "scale of Muon"))]
pub enum MuonScale {
    /// `sqrt(max(1, rows / columns))`.
    #[default]
    Original,
    /// `0.2 * sqrt(max(rows, columns))`, the size of a step of AdamW (Liu et al. 2025).
    MatchAdamW,
}

/// What Muon's iteration computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "precision of Muon"))]
pub enum MuonPrecision {
    /// bfloat16, as its authors and PyTorch do.
    #[default]
    Bf16,
    /// float32.
    Fp32,
}

/// What Muon does to the norms of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "handling of norms"))]
pub enum MuonWeights {
    /// Nothing.
    #[default]
    Free,
    /// Before each step it sets them to the square root of the number of rows (airbench94_muon).
    Normalized,
}

fn betas() -> (f64, f64) {
    (0.9, 0.999)
}

fn lion_betas() -> (f64, f64) {
    (0.9, 0.99)
}

fn eps() -> f64 {
    1e-8
}

fn alpha() -> f64 {
    0.99
}

fn adamw_decay() -> f64 {
    0.01
}

fn muon_momentum() -> f64 {
    0.95
}

fn muon_decay() -> f64 {
    0.1
}

fn five() -> u32 {
    5
}

fn half() -> f64 {
    0.5
}

fn yes() -> bool {
    true
}

/// What was always so before it could be said is not written, so that specs keep their hashes.
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Optimizer {
    /// The full learning rate; of a wrapper, that of the optimiser within.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd { lr, .. }
            | Self::Adam { lr, .. }
            | Self::AdamW { lr, .. }
            | Self::RmsProp { lr, .. }
            | Self::Lion { lr, .. }
            | Self::Muon { lr, .. } => *lr,
            Self::Lookahead { inner, .. } => inner.lr(),
        }
    }

    /// The weight decay; of a wrapper, that of the optimiser within.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::AdamW { weight_decay, .. }
            | Self::RmsProp { weight_decay, .. }
            | Self::Lion { weight_decay, .. }
            | Self::Muon { weight_decay, .. } => *weight_decay,
            Self::Lookahead { inner, .. } => inner.weight_decay(),
        }
    }
}

impl Optimizer {
    /// Whether its momentum leaves out a share of the gradient, which its first step does not.
    pub(super) fn dampens(&self) -> bool {
        match self {
            Self::Sgd { momentum, dampening, .. } => *momentum > 0.0 && *dampening > 0.0,
            Self::Muon { others: inner, .. } | Self::Lookahead { inner, .. } => inner.dampens(),
            _ => false,
        }
    }
}

/// What weight decay applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "choice for weight decay"))]
pub enum Decay {
    /// Every parameter, as PyTorch's optimisers do by default.
    #[default]
    All,
    /// Kernels and matrices, but not biases or the scales and shifts of normalisations.
    WeightsOnly,
}
