use serde::{Deserialize, Serialize};

use super::window::{Rest, Window};
use super::{Misfit, Operation, Shape, Size2, is_false};

/// Maximum over windows; `torch.nn.MaxPool2d`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2d {
    /// Sides of a window, pixels: a number, or `(height, width)`.
    pub kernel: Size2,
    /// Step between windows, pixels; by default the side of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Size2>,
    /// Pixels added on every side, at most half a window; they never win. 0 by default.
    #[serde(default = "Size2::zero")]
    pub padding: Size2,
    /// Step between the pixels that a window reads; 1 by default.
    #[serde(default = "Size2::one", skip_serializing_if = "is_dense")]
    pub dilation: Size2,
    /// Whether pixels that are left after the last full window get one more; `false` by default.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ceil_mode: bool,
}

/// What was always so before it could be said is not written, so that specs keep their hashes.
fn is_dense(dilation: &Size2) -> bool {
    *dilation == Size2::one()
}

impl MaxPool2d {
    fn window(&self) -> Window {
        Window {
            kernel: self.kernel,
            stride: self.stride.unwrap_or(self.kernel),
            padding: self.padding,
            dilation: self.dilation,
            rest: Rest::of(self.ceil_mode),
        }
    }
}

impl Operation for MaxPool2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        self.window().pool(inputs)
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let Window { kernel, stride, padding, dilation, .. } = self.window();
        call.inputs[0].f_max_pool2d(
            kernel.dims(),
            stride.dims(),
            padding.dims(),
            dilation.dims(),
            self.ceil_mode,
        )
    }
}
