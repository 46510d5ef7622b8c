use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps};

/// Every `stride`-th row and column, from the first: `x[:, :, ::stride, ::stride]`. With
/// `ChannelPad` it is the shortcut without weights (He et al. 2016, section 3.3, option A).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subsample {
    /// Step between the rows and columns that are kept, pixels.
    pub stride: u64,
}

impl Operation for Subsample {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        if self.stride == 0 {
            return Err(Misfit::new("`stride` is 0", "it must be 1 or more"));
        }
        Ok(Shape::Maps(channels, height.div_ceil(self.stride), width.div_ceil(self.stride)))
    }

    /// The result is a part of the input's memory, which others may read.
    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let stride = self.stride as i64;
        let rows = call.inputs[0].f_slice(2, None::<i64>, None::<i64>, stride)?;
        rows.f_slice(3, None::<i64>, None::<i64>, stride)
    }
}
