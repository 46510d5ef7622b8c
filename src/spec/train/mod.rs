//! The recipe: how networks are trained.

mod augment;
mod averages;
mod distill;
mod early_stop;
mod eval;
mod fault;
mod groups;
mod optimizer;
mod precision;
mod schedule;

use serde::{Deserialize, Serialize};

use crate::spec::error::{Problem, SpecError};
use crate::spec::tree::Tree;

use fault::{Fault, unmet, within};

pub use augment::{Augment, Erased, Fill, Space};
pub use averages::{Ema, Swa};
pub use distill::{Distill, Teacher};
pub use early_stop::{EarlyStop, Metric};
pub use eval::{Eval, Views};
pub use groups::{Group, Groups};
pub use optimizer::{Decay, MuonPrecision, MuonScale, MuonWeights, Optimizer};
pub use precision::Precision;
pub use schedule::{Anneal, Schedule};

/// A training recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step; the last step of an epoch takes what is left.
    pub batch: u32,
    /// Whether images that fill no batch are left out of an epoch, other images in each; `drop_last`
    /// of `torch.utils.data.DataLoader`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drop_last: bool,
    /// Images per step of an evaluation.
    #[serde(default = "eval_batch")]
    pub eval_batch: u32,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// What weight decay applies to.
    #[serde(default)]
    pub decay: Decay,
    /// Parameters with a learning rate or weight decay of their own.
    #[serde(default, skip_serializing_if = "Groups::are_none")]
    pub groups: Groups,
    /// The most that the norm of all gradients together may be; above it they are scaled down;
    /// `torch.nn.utils.clip_grad_norm_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// A batch goes through the network in so many parts, whose gradients are added up before the
    /// step: less memory, and without batch statistics the same step.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub accumulate: u32,
    /// A moving average of the weights, evaluated beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<Ema>,
    /// An equal average of the weights after the last epochs, evaluated at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swa: Option<Swa>,
    /// What ends a run before its last epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<EarlyStop>,
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
    /// A saved run to learn from beside the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distill: Option<Distill>,
    /// Random changes of training images, in order.
    #[serde(default)]
    pub augment: Vec<Augment>,
    /// What is evaluated beside the accuracy of single images.
    #[serde(default, skip_serializing_if = "is_default")]
    pub eval: Eval,
    /// What the network computes with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
}

/// Whether a field says what it would say left out: then the hash of an experiment is that of a
/// spec from before there was such a field.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn eval_batch() -> u32 {
    250
}

fn one() -> u32 {
    1
}

/// What was always so before it could be said is not written, so that specs keep their hashes.
fn is_one(value: &u32) -> bool {
    *value == 1
}

impl Train {
    /// What the types cannot say: ranges, and fields that need each other.
    ///
    /// # Errors
    /// Every value out of its range, at its place in `tree`.
    pub fn check(&self, tree: &Tree) -> Result<(), SpecError> {
        let augment = (0..).zip(&self.augment).flat_map(|(at, augment)| augment.faults(at));
        let of_optimizer = within("optimizer", self.optimizer.faults());
        let of_parts = of_optimizer.into_iter().chain(self.schedule.faults());
        let of_parts = of_parts.chain(within("groups", self.groups.faults()));
        let of_ema = self.ema.map_or_else(Vec::new, |ema| within("ema", ema.faults()));
        let of_swa = self.swa.map_or_else(Vec::new, |swa| within("swa", swa.faults()));
        let of_distill = self.distill.as_ref();
        let of_distill = of_distill.map_or_else(Vec::new, |it| within("distill", it.faults()));
        let of_stop = self.early_stop.map_or_else(Vec::new, |stop| stop.faults());
        let of_stop = within("early_stop", of_stop);
        let of_parts = of_parts.chain(of_ema).chain(of_swa).chain(of_distill).chain(of_stop);
        let faults = self.faults().into_iter().chain(of_parts).chain(augment);
        let told = faults.map(|Fault { path, reason, help }| {
            let problem = Problem::Value { reason: reason.into(), help: help.into() };
            SpecError::at(tree.find(&path), problem)
        });
        SpecError::all(told).map_or(Ok(()), Err)
    }

    /// The steps of an epoch over so many images.
    pub fn steps_per_epoch(&self, images: u64) -> u64 {
        let batch = u64::from(self.batch).max(1);
        if self.drop_last { images / batch } else { images.div_ceil(batch) }
    }

    /// The images that an epoch over so many sees.
    pub fn images_per_epoch(&self, images: u64) -> u64 {
        images.min(self.steps_per_epoch(images).saturating_mul(u64::from(self.batch)))
    }

    /// What a recipe and so many training images cannot do together.
    ///
    /// # Errors
    /// A batch that these do not fill, where such are left out.
    pub fn check_images(&self, tree: &Tree, images: u64) -> Result<(), SpecError> {
        if self.steps_per_epoch(images) > 0 {
            return Ok(());
        }
        let reason = format!("`drop_last` leaves out all {images} images: they fill no batch");
        let help = format!("use a `batch` of at most {images}, or leave `drop_last` out");
        Err(SpecError::at(tree.find("drop_last"), Problem::Value { reason, help }))
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
                self.clip_norm.is_none_or(|norm| norm > 0.0),
                "clip_norm",
                "`clip_norm` is not above 0",
                "a common value is 1",
            ),
            (
                (1..=self.batch.max(1)).contains(&self.accumulate),
                "accumulate",
                "`accumulate` is not from 1 to the number of images in a batch",
                "a batch of 128 in 4 parts takes 32 images at a time",
            ),
            (
                (0.0..=1e6).contains(&self.warmup_epochs),
                "warmup_epochs",
                "`warmup_epochs` is below 0 or above a million",
                "common values are 1 to 5 epochs",
            ),
            (
                self.warmup_epochs == 0.0 || !self.schedule.rises(),
                "warmup_epochs",
                "the schedule begins with a rise of its own",
                "leave `warmup_epochs` out, and let the schedule say how long the rate rises",
            ),
            (
                self.precision != Precision::Fp16 || !self.optimizer.dampens(),
                "precision",
                "Fp16 may skip the first step, which `dampening` treats apart",
                "use `Bf16`, which skips none, or leave `dampening` out",
            ),
        ])
    }
}
