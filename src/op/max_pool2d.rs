use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps, windows};

/// Maximum over square windows; `torch.nn.MaxPool2d`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2d {
    /// Side of a window, pixels.
    pub kernel: u64,
    /// Step between windows, pixels; by default the side of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<u64>,
    /// Pixels added on every side, at most half a window; they never win.
    #[serde(default)]
    pub padding: u64,
}

impl MaxPool2d {
    fn stride(&self) -> u64 {
        self.stride.unwrap_or(self.kernel)
    }
}

impl Operation for MaxPool2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        if self.kernel == 0 || self.stride() == 0 {
            return Err(Misfit::new("`kernel` or `stride` is 0", "both must be 1 or more"));
        }
        if self.padding > self.kernel / 2 {
            let reason =
                format!("padding {} is more than half the kernel {}", self.padding, self.kernel);
            return Err(Misfit::new(reason, "use a smaller `padding`"));
        }
        let side = |side| windows(side, self.kernel, self.stride(), self.padding, 1);
        Ok(Shape::Maps(channels, side(height)?, side(width)?))
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let (kernel, stride, padding) =
            (self.kernel as i64, self.stride() as i64, self.padding as i64);
        call.inputs[0].f_max_pool2d(
            [kernel, kernel],
            [stride, stride],
            [padding, padding],
            [1, 1],
            false,
        )
    }
}
