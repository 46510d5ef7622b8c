use serde::{Deserialize, Serialize};

/// `min(max(x, 0), 6)` (Howard et al. 2017, *MobileNets*); `torch.nn.ReLU6`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu6 {}

activation!(Relu6, fresh: f_relu6);
