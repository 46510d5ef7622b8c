use serde::{Deserialize, Serialize};

use super::start::Layer;
use super::window::{Rest, Window, nonzero};
use super::{Freeze, InitScheme, Misfit, Operation, Role, Shape, Size2, Start, Weight, maps, one};
#[cfg(feature = "torch")]
use crate::shim;

/// Two-dimensional convolution; `torch.nn.Conv2d`. With `groups` it is grouped (Xie et al. 2017,
/// *ResNeXt*), with as many groups as channels depthwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Output channels.
    pub out: u64,
    /// Sides of the kernel, pixels: a number, or `(height, width)` such as `(1, 7)`.
    pub kernel: Size2,
    /// Step between windows, pixels; 1 by default.
    #[serde(default = "Size2::one")]
    pub stride: Size2,
    /// Zeros added on every side, pixels; by default as many as keep the size at stride 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<Size2>,
    /// Step between the pixels that a kernel reads; 1 by default.
    #[serde(default = "Size2::one")]
    pub dilation: Size2,
    /// Groups of channels that are convolved apart; 1 by default.
    #[serde(default = "one")]
    pub groups: u64,
    /// Whether a bias is added; none by default, since a normalisation mostly follows.
    #[serde(default)]
    pub bias: bool,
    /// Initial kernel; by default as the network's `init` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Start>,
    /// What training leaves as it began; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Freeze>,
}

impl Conv2d {
    fn window(&self) -> Window {
        let Self { kernel, stride, dilation, .. } = *self;
        let same =
            |kernel: u64, dilation: u64| dilation.saturating_mul(kernel.saturating_sub(1)) / 2;
        let padding = self.padding.unwrap_or_else(|| Size2 {
            height: same(kernel.height, dilation.height),
            width: same(kernel.width, dilation.width),
        });
        Window { kernel, stride, padding, dilation, rest: Rest::Dropped }
    }

    /// As a kernel takes it.
    #[cfg(feature = "torch")]
    pub(crate) fn geometry(&self) -> shim::Window {
        let Window { stride, padding, dilation, .. } = self.window();
        shim::Window {
            stride: stride.dims(),
            padding: padding.dims(),
            dilation: dilation.dims(),
            groups: self.groups as i64,
        }
    }

    fn check(&self, channels: u64) -> Result<(), Misfit> {
        for (name, count) in [("out", self.out), ("groups", self.groups)] {
            nonzero(name, count.into())?;
        }
        for (what, count) in [("input", channels), ("output", self.out)] {
            if count % self.groups != 0 {
                let reason =
                    format!("{} groups do not divide {count} {what} channels", self.groups);
                return Err(Misfit::new(reason, "choose a divisor of both channel counts"));
            }
        }
        Freeze::check(self.frozen, self.bias)?;
        self.init.map_or(Ok(()), |init| {
            init.check()?;
            self.check_whitening(init, channels)
        })
    }

    /// Whitening filters are as many as a patch has numbers, and their negatives.
    fn check_whitening(&self, init: Start, channels: u64) -> Result<(), Misfit> {
        let wanted = channels.saturating_mul(self.kernel.area()).saturating_mul(2);
        match init {
            Start::Whiten { .. } if self.groups != 1 => Err(Misfit::new(
                "`Whiten` is for a convolution without groups",
                "leave `groups` out",
            )),
            Start::Whiten { .. } if self.out != wanted => Err(Misfit::new(
                format!("`Whiten` makes {wanted} filters, `out` is {}", self.out),
                format!("write `out: {wanted}`: 2 x channels x height x width of a patch"),
            )),
            _ => Ok(()),
        }
    }
}

impl Operation for Conv2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        self.check(channels)?;
        self.window().over(self.out, (height, width))
    }

    fn weights(&self, inputs: &[Shape], scheme: InitScheme) -> Vec<Weight> {
        let [Shape::Maps(channels, ..)] = inputs else { return Vec::new() };
        let area = self.kernel.area();
        let fan_in = (channels / self.groups).saturating_mul(area);
        // PyTorch's fan-out of a kernel is its first dimension times its area, groups or not.
        let fan_out = self.out.saturating_mul(area);
        let dims = [self.out, channels / self.groups, self.kernel.height, self.kernel.width];
        let usual = scheme.convolution(fan_in, fan_out);
        let layer = Layer { fan_in, fan_out, groups: self.groups, usual };
        let init = self.init.map_or(usual, |init| init.init(layer));
        let mut weights = vec![Weight::new("weight", &dims, Role::Convolution, init)];
        if self.bias {
            weights.push(Weight::new("bias", &[self.out], Role::Bias, scheme.linear(fan_in)));
        }
        Freeze::mark(self.frozen, &mut weights);
        weights
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        let [Shape::Maps(channels, ..)] = inputs else { return 0 };
        let per_output = (channels / self.groups).saturating_mul(self.kernel.area());
        per_output.saturating_mul(output.numel())
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let Some(weight) = call.weights.first() else {
            return Err(super::miscounted(call.weights));
        };
        shim::conv2d(call.inputs[0], weight, call.weights.get(1), self.geometry())
    }
}
