use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// The channels from `start` to before `end`, of feature maps or a vector: `x[:, start:end]`.
///
/// A split (`torch.chunk`, as in Res2Net, Gao et al. 2019, or ShuffleNet v2, Ma et al. 2018) is
/// several of these that read one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The first channel, from 0; 0 by default.
    #[serde(default)]
    pub start: u64,
    /// One past the last channel; by default all that there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
}

impl Operation for Slice {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let channels = inputs[0].channels();
        let end = self.end.unwrap_or(channels);
        let refuse = |reason: String| {
            Err(Misfit::new(reason, "`start` counts from 0, `end` is one past the last"))
        };
        if end > channels {
            return refuse(format!("`end` is {end}, its input has {channels} channels"));
        }
        if self.start >= end {
            return refuse(format!("`start` is {}, not below the end {end}", self.start));
        }
        Ok(match inputs[0] {
            Shape::Maps(_, height, width) => Shape::Maps(end - self.start, height, width),
            Shape::Features(_) => Shape::Features(end - self.start),
        })
    }

    /// The result is a part of the input's memory, which others may read.
    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        call.inputs[0].f_slice(1, self.start as i64, self.end.map(|end| end as i64), 1)
    }
}
