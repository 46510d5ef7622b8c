//! Learning from another network.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// Knowledge distillation (Hinton et al. 2015): the network also learns the logits that a trained one,
/// the teacher, gives for the same images as they are seen, mixed ones too. The loss is
///
/// `alpha * temperature^2 * KL(softmax(teacher / temperature), softmax(logits / temperature))
/// + (1 - alpha) * cross_entropy`,
///
/// means over the batch, as in PyTorch's tutorial (`KLDivLoss(reduction="batchmean")`). It is what
/// `train_loss` tells; evaluation knows no teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "distill", deny_unknown_fields)]
pub struct Distill {
    /// The run that teaches.
    pub teacher: Teacher,
    /// What logits are divided by before the softmax; larger ones show more of what the teacher
    /// makes of the other classes.
    #[serde(default = "four")]
    pub temperature: f64,
    /// The share of the teacher in the loss; the labels have the rest.
    #[serde(default = "most")]
    pub alpha: f64,
}

/// A finished run under the same results folder (`--results`), whose weights were kept. It must take
/// the same images, prepared alike, and know the same classes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename = "teacher", deny_unknown_fields)]
pub struct Teacher {
    /// The name of its sweep.
    pub sweep: String,
    /// The name of its experiment, as tables have it.
    pub experiment: String,
    /// Its seed.
    #[serde(default)]
    pub seed: u64,
    /// The first 12 characters of its spec hash, where several specs trained under these names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

fn four() -> f64 {
    4.0
}

fn most() -> f64 {
    0.9
}

impl Distill {
    pub(super) fn faults(&self) -> Vec<Fault> {
        unmet(&[
            (
                self.temperature > 0.0,
                "temperature",
                "`temperature` is not above 0",
                "common values are 2 to 10",
            ),
            (
                (0.0..=1.0).contains(&self.alpha),
                "alpha",
                "`alpha` is no share of the loss",
                "use a number from 0 to 1, such as 0.9",
            ),
        ])
    }
}
