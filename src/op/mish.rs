use serde::{Deserialize, Serialize};

/// `x tanh(softplus(x))` (Misra 2019); `torch.nn.Mish`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mish {}

activation!(Mish, fresh: f_mish);
