use serde::{Deserialize, Serialize};

/// `max(x, 0)` (Nair and Hinton 2010); `torch.nn.ReLU`. Works in place where nothing else reads its
/// input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

activation!(Relu, fresh: f_relu, in_place: f_relu_);
