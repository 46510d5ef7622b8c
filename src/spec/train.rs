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
    /// Epochs, also a fraction, in which the learning rate rises linearly to its full value.
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
    /// The first value out of its range, at its place in `tree`.
    pub fn check(&self, tree: &Tree) -> Result<(), SpecError> {
        let fault = self
            .fault()
            .or_else(|| self.optimizer.fault())
            .or_else(|| self.schedule.fault())
            .or_else(|| (0..).zip(&self.augment).find_map(|(at, augment)| augment.fault(at)));
        match fault {
            None => Ok(()),
            Some(Fault { path, reason, help }) => {
                let problem = Problem::Value { reason: reason.into(), help: help.into() };
                Err(SpecError::at(tree.find(&path), problem))
            }
        }
    }

    fn fault(&self) -> Option<Fault> {
        let last = f64::from(self.epochs);
        first(&[
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
                (0.0..=last).contains(&self.warmup_epochs),
                "warmup_epochs",
                "`warmup_epochs` is below 0 or above `epochs`",
                "set it to `epochs` or less, or to 0 for no warm-up",
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

/// The first demand that is not met: whether it is, where, what is wrong, and what to write.
fn first(demands: &[(bool, &str, &'static str, &'static str)]) -> Option<Fault> {
    let (_, path, reason, help) = demands.iter().find(|demand| !demand.0)?;
    Some(Fault { path: (*path).into(), reason, help })
}

impl Optimizer {
    fn fault(&self) -> Option<Fault> {
        let rates = "common values are 0.1 for Sgd and 0.001 for Adam";
        let (weight_decay, decays) = (self.weight_decay(), "a common value is 0.0005");
        let common = first(&[
            (self.lr() > 0.0, "optimizer.lr", "`lr` is not above 0", rates),
            (weight_decay >= 0.0, "optimizer.weight_decay", "`weight_decay` is below 0", decays),
        ]);
        common.or_else(|| match *self {
            Self::Sgd { momentum, nesterov, .. } => momentum_fault(momentum, nesterov),
            Self::Adam { betas, eps, .. } | Self::AdamW { betas, eps, .. } => {
                averages_fault(betas, eps)
            }
        })
    }
}

fn momentum_fault(momentum: f64, nesterov: bool) -> Option<Fault> {
    first(&[
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

fn averages_fault(betas: (f64, f64), eps: f64) -> Option<Fault> {
    let (good, reason) = (0.0..1.0, "`betas` are not from 0 to below 1");
    let help = "common are `betas: (0.9, 0.999)`";
    first(&[
        (good.contains(&betas.0), "optimizer.betas.0", reason, help),
        (good.contains(&betas.1), "optimizer.betas.1", reason, help),
        (eps > 0.0, "optimizer.eps", "`eps` is not above 0", "a common value is 0.00000001"),
    ])
}

impl Schedule {
    fn fault(&self) -> Option<Fault> {
        match self {
            Self::Constant => None,
            Self::Step { milestones, gamma } => first(&[
                (
                    milestones.is_sorted_by(|a, b| a < b),
                    "schedule.milestones",
                    "`milestones` are not ascending",
                    "list the epochs in order, each once",
                ),
                (*gamma > 0.0, "schedule.gamma", "`gamma` is not above 0", "a common value is 0.1"),
            ]),
            Self::Cosine { min_lr } => first(&[(
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
    fn fault(&self, at: usize) -> Option<Fault> {
        let fault = match *self {
            Self::RandomCrop { padding, fill } => first(&[
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
            Self::HorizontalFlip { p } => first(&[(
                (0.0..=1.0).contains(&p),
                "p",
                "`p` is no probability",
                "use a number from 0 to 1",
            )]),
        };
        fault.map(|fault| Fault { path: format!("augment.{at}.{}", fault.path), ..fault })
    }
}
