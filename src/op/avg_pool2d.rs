use serde::{Deserialize, Serialize};

use super::window::{Rest, Window};
use super::{Misfit, Operation, Shape, Size2, is_false, yes};

/// Mean over windows; `torch.nn.AvgPool2d`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPool2d {
    /// Sides of a window, pixels: a number, or `(height, width)`.
    pub kernel: Size2,
    /// Step between windows, pixels; by default the side of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Size2>,
    /// Zeros added on every side, pixels, at most half a window; 0 by default.
    #[serde(default = "Size2::zero")]
    pub padding: Size2,
    /// Whether pixels that are left after the last full window get one more; `false` by default.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ceil_mode: bool,
    /// Whether the added zeros count in the mean; `true` by default.
    #[serde(default = "yes")]
    pub count_include_pad: bool,
}

impl AvgPool2d {
    fn window(&self) -> Window {
        Window {
            kernel: self.kernel,
            stride: self.stride.unwrap_or(self.kernel),
            padding: self.padding,
            dilation: Size2::one(),
            rest: Rest::of(self.ceil_mode),
        }
    }
}

impl Operation for AvgPool2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        self.window().pool(inputs)
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let Window { kernel, stride, padding, .. } = self.window();
        call.inputs[0].f_avg_pool2d(
            kernel.dims(),
            stride.dims(),
            padding.dims(),
            self.ceil_mode,
            self.count_include_pad,
            None::<i64>,
        )
    }
}
