use serde::{Deserialize, Serialize};

use super::{InitScheme, Misfit, Operation, Role, Shape, Weight, maps, one, windows};

/// Two-dimensional convolution with a square kernel; `torch.nn.Conv2d`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Output channels.
    pub out: u64,
    /// Side of the kernel, pixels.
    pub kernel: u64,
    /// Step between windows, pixels.
    #[serde(default = "one")]
    pub stride: u64,
    /// Zeros added on every side, pixels; by default as many as keep the size at stride 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<u64>,
    /// Step between the pixels that a kernel reads.
    #[serde(default = "one")]
    pub dilation: u64,
    /// Groups of channels that are convolved apart.
    #[serde(default = "one")]
    pub groups: u64,
    /// Whether a bias is added; none by default, since a normalisation mostly follows.
    #[serde(default)]
    pub bias: bool,
}

impl Conv2d {
    fn padding(&self) -> u64 {
        self.padding
            .unwrap_or_else(|| self.dilation.saturating_mul(self.kernel.saturating_sub(1)) / 2)
    }

    fn check(&self, channels: u64) -> Result<(), Misfit> {
        let sizes = [
            ("out", self.out),
            ("kernel", self.kernel),
            ("stride", self.stride),
            ("dilation", self.dilation),
            ("groups", self.groups),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(Misfit::new(format!("`{name}` is 0"), "it must be 1 or more"));
        }
        for (what, count) in [("input", channels), ("output", self.out)] {
            if count % self.groups != 0 {
                let reason =
                    format!("{} groups do not divide {count} {what} channels", self.groups);
                return Err(Misfit::new(reason, "choose a divisor of both channel counts"));
            }
        }
        Ok(())
    }
}

impl Operation for Conv2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        self.check(channels)?;
        let side = |side| windows(side, self.kernel, self.stride, self.padding(), self.dilation);
        Ok(Shape::Maps(self.out, side(height)?, side(width)?))
    }

    fn weights(&self, inputs: &[Shape], scheme: InitScheme) -> Vec<Weight> {
        let [Shape::Maps(channels, ..)] = inputs else { return Vec::new() };
        let area = self.kernel.saturating_mul(self.kernel);
        let fan_in = (channels / self.groups).saturating_mul(area);
        // PyTorch's fan-out of a kernel is its first dimension times its area, groups or not.
        let fan_out = self.out.saturating_mul(area);
        let dims = [self.out, channels / self.groups, self.kernel, self.kernel];
        let init = scheme.convolution(fan_in, fan_out);
        let mut weights = vec![Weight::new("weight", &dims, Role::Convolution, init)];
        if self.bias {
            weights.push(Weight::new("bias", &[self.out], Role::Bias, scheme.linear(fan_in)));
        }
        weights
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        let [Shape::Maps(channels, ..)] = inputs else { return 0 };
        let per_output =
            (channels / self.groups).saturating_mul(self.kernel).saturating_mul(self.kernel);
        per_output.saturating_mul(output.numel())
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let Some(weight) = call.weights.first() else {
            return Err(super::miscounted(call.weights));
        };
        let (stride, padding) = (self.stride as i64, self.padding() as i64);
        call.inputs[0].f_conv2d(
            weight,
            call.weights.get(1),
            [stride, stride],
            [padding, padding],
            [self.dilation as i64, self.dilation as i64],
            self.groups as i64,
        )
    }
}
