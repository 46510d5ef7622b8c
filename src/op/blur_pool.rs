use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps};

/// Every `stride`-th pixel of the blurred input, which keeps a shift of the image from changing the
/// result much (Zhang 2019, *Making Convolutional Networks Shift-Invariant Again*);
/// `antialiased_cnns.BlurPool`. The filter is the binomial one, `1 2 1` for a kernel of 3, and the
/// border is reflected. There are no weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlurPool {
    /// Side of the filter, pixels, 2 to 7; 3 by default.
    #[serde(default = "three")]
    pub kernel: u64,
    /// Step between the pixels that are kept; 2 by default.
    #[serde(default = "two")]
    pub stride: u64,
}

fn three() -> u64 {
    3
}

fn two() -> u64 {
    2
}

impl BlurPool {
    /// Pixels added before and after, of which reflection has fewer than the input.
    fn padding(&self) -> (u64, u64) {
        ((self.kernel - 1) / 2, self.kernel / 2)
    }
}

impl Operation for BlurPool {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        if !(2..=7).contains(&self.kernel) {
            let reason = format!("`kernel` is {}, outside 2 to 7", self.kernel);
            return Err(Misfit::new(reason, "a common value is 3"));
        }
        if self.stride == 0 {
            return Err(Misfit::new("`stride` is 0", "it must be 1 or more"));
        }
        let (least, side) = (self.padding().1 + 1, height.min(width));
        if side < least {
            return Err(Misfit::new(
                format!("a kernel of {} needs a side of {least}, there is {side}", self.kernel),
                "use a smaller kernel, or fewer strides before it",
            ));
        }
        Ok(Shape::Maps(channels, height.div_ceil(self.stride), width.div_ceil(self.stride)))
    }

    /// The binomial filter is `kernel - 1` means of two neighbours, one after another.
    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let (before, after) = self.padding();
        let (before, after) = (before as i64, after as i64);
        let mut blurred = call.inputs[0].f_reflection_pad2d([before, after, before, after])?;
        for step in 2..=self.kernel {
            let stride = if step == self.kernel { self.stride as i64 } else { 1 };
            blurred =
                blurred.f_avg_pool2d([2, 2], [stride, stride], [0, 0], false, true, None::<i64>)?;
        }
        Ok(blurred)
    }
}
