use serde::{Deserialize, Serialize};

/// `x sigmoid(x)`, also called swish (Elfwing et al. 2017; Ramachandran et al. 2017);
/// `torch.nn.SiLU`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silu {}

activation!(Silu, fresh: f_silu);
