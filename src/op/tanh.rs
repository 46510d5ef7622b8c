use serde::{Deserialize, Serialize};

/// Hyperbolic tangent; `torch.nn.Tanh`. Works in place where nothing else reads its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tanh {}

activation!(Tanh, fresh: f_tanh, in_place: f_tanh_);
