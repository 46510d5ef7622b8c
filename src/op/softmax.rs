use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// `exp(x)` over its sum: along the channels of feature maps, for each pixel, or along a vector;
/// `torch.nn.Softmax(dim=1)`. With `branches`, the channels are so many runs of one length, and the
/// numbers of one place in all runs are weighed against each other: attention over branches (Li et
/// al. 2019, *Selective Kernel Networks*, section 3.1; Zhang et al. 2020, *ResNeSt*).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// Runs of channels that are weighed against each other; by default every channel against every
    /// other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<u64>,
}

impl Operation for Softmax {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (Shape::Maps(channels, ..) | Shape::Features(channels)) = inputs[0];
        match self.branches {
            Some(branches) if branches == 0 || !channels.is_multiple_of(branches) => {
                let reason = format!("{branches} branches do not divide {channels} channels");
                Err(Misfit::new(reason, "concatenate one run of channels for each branch"))
            }
            _ => Ok(inputs[0]),
        }
    }

    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let input = call.inputs[0];
        let Some(branches) = self.branches else {
            return input.f_softmax(1, None::<tch::Kind>);
        };
        let size = input.size();
        let runs = [&[size[0], branches as i64, -1], &size[2..]].concat();
        input.f_reshape(runs)?.f_softmax(1, None::<tch::Kind>)?.f_reshape(size)
    }
}
