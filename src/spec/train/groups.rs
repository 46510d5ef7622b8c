//! Parameters that are optimised in their own way, by what they are for.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet, within};
use super::schedule::Schedule;

/// What differs from the rest for some of the parameters. A parameter belongs to the narrowest group
/// that is written down: the matrix of the head to `head` before `linear`, a shift to `shift`
/// before `norm`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename = "groups", deny_unknown_fields)]
pub struct Groups {
    /// Kernels of convolutions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convolution: Option<Group>,
    /// Matrices of linear layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<Group>,
    /// The kernel or matrix of the first layer that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Group>,
    /// The kernel or matrix of the last layer that has one, which the logits come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Group>,
    /// Biases of convolutions and linear layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Group>,
    /// Scales and shifts of normalisations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm: Option<Group>,
    /// Shifts of normalisations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<Group>,
    /// Learned factors, and learned slopes of activations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Group>,
}

/// How the parameters of a group are optimised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "group", deny_unknown_fields)]
pub struct Group {
    /// Times the learning rate; 0 leaves the parameters as they began.
    #[serde(default = "one")]
    pub lr: f64,
    /// The weight decay in place of the optimiser's; `decay` says nothing about it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// The parameters are trained in so many first epochs alone, and then stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// How their learning rate goes on, over their own epochs, in place of the recipe's warm-up and
    /// schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

fn one() -> f64 {
    1.0
}

impl Groups {
    /// Whether all parameters go with the rest.
    pub(super) fn are_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let groups = [
            ("convolution", &self.convolution),
            ("linear", &self.linear),
            ("first", &self.first),
            ("head", &self.head),
            ("bias", &self.bias),
            ("norm", &self.norm),
            ("shift", &self.shift),
            ("scale", &self.scale),
        ];
        let faults = |(name, group): (&str, &Option<Group>)| {
            group.as_ref().map_or_else(Vec::new, |group| within(name, group.faults()))
        };
        groups.into_iter().flat_map(faults).collect()
    }
}

impl Group {
    fn faults(&self) -> Vec<Fault> {
        let factor = "it is a factor: 1 is the optimiser's rate, 0 none at all";
        let mut faults = self.schedule.as_ref().map_or_else(Vec::new, Schedule::faults);
        faults.extend(unmet(&[
            (self.lr >= 0.0, "lr", "`lr` is below 0", factor),
            (
                self.weight_decay.is_none_or(|decay| decay >= 0.0),
                "weight_decay",
                "`weight_decay` is below 0",
                "use 0 or more, or leave it out for the optimiser's",
            ),
            (
                self.epochs != Some(0),
                "epochs",
                "`epochs` is 0",
                "use 1 or more; `lr: 0` leaves parameters as they began",
            ),
        ]));
        faults
    }
}
