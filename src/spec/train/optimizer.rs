//! Optimisers.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// An optimiser, as PyTorch's of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename = "optimizer", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent; `torch.optim.SGD`.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Share of the last step that goes on.
        #[serde(default)]
        momentum: f64,
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
}

fn betas() -> (f64, f64) {
    (0.9, 0.999)
}

fn eps() -> f64 {
    1e-8
}

fn adamw_decay() -> f64 {
    0.01
}

impl Optimizer {
    /// The full learning rate.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } | Self::AdamW { lr, .. } => *lr,
        }
    }

    /// The weight decay.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::AdamW { weight_decay, .. } => *weight_decay,
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

impl Optimizer {
    pub(super) fn faults(&self) -> Vec<Fault> {
        let rates = "common values are 0.1 for Sgd and 0.001 for Adam";
        let (weight_decay, decays) = (self.weight_decay(), "a common value is 0.0005");
        let mut faults = unmet(&[
            (self.lr() > 0.0, "optimizer.lr", "`lr` is not above 0", rates),
            (weight_decay >= 0.0, "optimizer.weight_decay", "`weight_decay` is below 0", decays),
        ]);
        faults.extend(match *self {
            Self::Sgd { momentum, nesterov, .. } => momentum_faults(momentum, nesterov),
            Self::Adam { betas, eps, .. } | Self::AdamW { betas, eps, .. } => {
                averages_faults(betas, eps)
            }
        });
        faults
    }
}

fn momentum_faults(momentum: f64, nesterov: bool) -> Vec<Fault> {
    unmet(&[
        (
            (0.0..1.0).contains(&momentum),
            "optimizer.momentum",
            "`momentum` is not from 0 to below 1",
            "a common value is 0.9",
        ),
        (
            !nesterov || momentum > 0.0,
            "optimizer.nesterov",
            "`nesterov` needs a momentum",
            "add `momentum: 0.9`",
        ),
    ])
}

fn averages_faults(betas: (f64, f64), eps: f64) -> Vec<Fault> {
    let (good, reason) = (0.0..1.0, "`betas` are not from 0 to below 1");
    let help = "common are `betas: (0.9, 0.999)`";
    unmet(&[
        (good.contains(&betas.0), "optimizer.betas.0", reason, help),
        (good.contains(&betas.1), "optimizer.betas.1", reason, help),
        (eps > 0.0, "optimizer.eps", "`eps` is not above 0", "a common value is 0.00000001"),
    ])
}
