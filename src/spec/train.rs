//! The recipe: how networks are trained.

use serde::{Deserialize, Serialize};

use super::error::{Problem, SpecError};
use super::tree::Tree;

/// A training recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step; the last step of an epoch takes what is left.
    pub batch: u32,
    /// Images per step of an evaluation.
    #[serde(default = "eval_batch")]
    pub eval_batch: u32,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// What weight decay applies to.
    #[serde(default)]
    pub decay: Decay,
    /// How the learning rate goes on after the warm-up.
    #[serde(default)]
    pub schedule: Schedule,
    /// Epochs, also a fraction, in which the learning rate rises linearly to its full value. A run
    /// that is shorter than its warm-up ends on the way up.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// The share of the target that is spread over all classes (Szegedy et al. 2016, section 7).
    #[serde(default)]
    pub label_smoothing: f64,
    /// Random changes of training images, in order.
    #[serde(default)]
    pub augment: Vec<Augment>,
}

fn eval_batch() -> u32 {
    250
}

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

/// How the learning rate goes on after the warm-up. A function of the step alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename = "schedule", deny_unknown_fields)]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// Times `gamma` from each of these epochs on (counted from 0); `MultiStepLR`.
    Step {
        /// Epochs, ascending.
        milestones: Vec<u32>,
        /// The factor.
        #[serde(default = "tenth")]
        gamma: f64,
    },
    /// Half a cosine wave from the full rate to `min_lr` over the steps that are left
    /// (Loshchilov and Hutter 2017); `CosineAnnealingLR`, stepped every batch.
    Cosine {
        /// The rate at the end.
        #[serde(default)]
        min_lr: f64,
    },
}

fn tenth() -> f64 {
    0.1
}

/// A random change of a training image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename = "augmentation", deny_unknown_fields)]
pub enum Augment {
    /// A window of the full size at a random place of the padded image; `RandomCrop`.
    RandomCrop {
        /// Pixels added on every side.
        padding: u32,
        /// What they hold.
        #[serde(default)]
        fill: Fill,
    },
    /// Left and right change places; `RandomHorizontalFlip`.
    HorizontalFlip {
        /// Probability.
        #[serde(default = "half")]
        p: f64,
    },
}

/// What the padding of a crop holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "fill")]
pub enum Fill {
    /// Black.
    #[default]
    Zero,
    /// The image mirrored at its edge, the edge pixel not repeated.
    Reflect,
}

fn half() -> f64 {
    0.5
}

impl Train {
    /// What the types cannot say: ranges, and fields that need each other.
    ///
    /// # Errors
    /// Every value out of its range, at its place in `tree`.
    pub fn check(&self, tree: &Tree) -> Result<(), SpecError> {
        let augment = (0..).zip(&self.augment).flat_map(|(at, augment)| augment.faults(at));
        let of_parts = self.optimizer.faults().into_iter().chain(self.schedule.faults());
        let faults = self.faults().into_iter().chain(of_parts).chain(augment);
        let told = faults.map(|Fault { path, reason, help }| {
            let problem = Problem::Value { reason: reason.into(), help: help.into() };
            SpecError::at(tree.find(&path), problem)
        });
        SpecError::all(told).map_or(Ok(()), Err)
    }

    fn faults(&self) -> Vec<Fault> {
        unmet(&[
            (self.epochs > 0, "epochs", "`epochs` is 0", "train for 1 epoch or more"),
            (self.batch > 0, "batch", "`batch` is 0", "a common value is 128"),
            (self.eval_batch > 0, "eval_batch", "`eval_batch` is 0", "a common value is 250"),
            (
                (0.0..1.0).contains(&self.label_smoothing),
                "label_smoothing",
                "`label_smoothing` is not from 0 to below 1",
                "a common value is 0.1",
            ),
            (
                (0.0..=1e6).contains(&self.warmup_epochs),
                "warmup_epochs",
                "`warmup_epochs` is below 0 or above a million",
                "common values are 1 to 5 epochs",
            ),
        ])
    }
}

/// Where in the recipe, what is wrong, and what to write.
struct Fault {
    path: String,
    reason: &'static str,
    help: &'static str,
}

/// The demands that are not met: whether each is, where, what is wrong, and what to write.
fn unmet(demands: &[(bool, &str, &'static str, &'static str)]) -> Vec<Fault> {
    let unmet = demands.iter().filter(|demand| !demand.0);
    unmet.map(|&(_, path, reason, help)| Fault { path: path.into(), reason, help }).collect()
}

impl Optimizer {
    fn faults(&self) -> Vec<Fault> {
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

impl Schedule {
    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Constant => Vec::new(),
            Self::Step { milestones, gamma } => unmet(&[
                (
                    milestones.is_sorted_by(|a, b| a < b),
                    "schedule.milestones",
                    "`milestones` are not ascending",
                    "list the epochs in order, each once",
                ),
                (*gamma > 0.0, "schedule.gamma", "`gamma` is not above 0", "a common value is 0.1"),
            ]),
            Self::Cosine { min_lr } => unmet(&[(
                *min_lr >= 0.0,
                "schedule.min_lr",
                "`min_lr` is below 0",
                "use 0 or more",
            )]),
        }
    }
}

impl Augment {
    /// What is wrong with the augmentation at this place of the list.
    fn faults(&self, at: usize) -> Vec<Fault> {
        let faults = match *self {
            Self::RandomCrop { padding, fill } => unmet(&[
                (
                    fill != Fill::Reflect || padding < 32,
                    "padding",
                    "`padding` mirrors more than the image has",
                    "use at most 31 pixels",
                ),
                (
                    padding <= 256,
                    "padding",
                    "`padding` is more than 256 pixels",
                    "a common value is 4",
                ),
            ]),
            Self::HorizontalFlip { p } => unmet(&[(
                (0.0..=1.0).contains(&p),
                "p",
                "`p` is no probability",
                "use a number from 0 to 1",
            )]),
        };
        let within = |fault: Fault| Fault { path: format!("augment.{at}.{}", fault.path), ..fault };
        faults.into_iter().map(within).collect()
    }
}
