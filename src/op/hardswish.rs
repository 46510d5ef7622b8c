use serde::{Deserialize, Serialize};

/// `x min(max(x + 3, 0), 6) / 6`, SiLU from straight pieces (Howard et al. 2019, *Searching for
/// MobileNetV3*); `torch.nn.Hardswish`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardswish {}

activation!(Hardswish, fresh: f_hardswish);
