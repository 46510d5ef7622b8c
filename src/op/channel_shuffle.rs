use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, check_groups, maps};

/// Deals the channels of each group out to all groups, so that grouped convolutions exchange what
/// they know (Zhang et al. 2018, *ShuffleNet*); `torch.nn.ChannelShuffle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelShuffle {
    /// Groups of neighbouring channels; a divisor of their number.
    pub groups: u64,
}

impl Operation for ChannelShuffle {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, ..) = maps(inputs)?;
        check_groups(self.groups, channels).map(|()| inputs[0])
    }

    /// With one group, or one channel a group, the result may be the input itself.
    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let grouped = call.inputs[0].f_unflatten(1, [self.groups as i64, -1])?;
        grouped.f_transpose(1, 2)?.f_flatten(1, 2)
    }
}
