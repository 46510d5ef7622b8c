use serde::{Deserialize, Serialize};

/// `min(max(x + 3, 0), 6) / 6`, the sigmoid from straight pieces (Howard et al. 2019, *Searching for
/// MobileNetV3*, where it gates); `torch.nn.Hardsigmoid`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardsigmoid {}

activation!(Hardsigmoid, fresh: f_hardsigmoid);
