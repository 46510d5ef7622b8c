use serde::{Deserialize, Serialize};

/// `1 / (1 + exp(-x))`, which opens and closes gates; `torch.nn.Sigmoid`. Works in place where
/// nothing else reads its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

activation!(Sigmoid, fresh: f_sigmoid, in_place: f_sigmoid_);
