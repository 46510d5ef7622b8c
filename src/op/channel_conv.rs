use serde::{Deserialize, Serialize};

use super::{InitScheme, Misfit, Operation, Role, Shape, Weight};

/// One-dimensional convolution along the channels of a vector, one kernel for all: the gate of an
/// ECA block (Wang et al. 2020, *ECA-Net*); `torch.nn.Conv1d(1, 1, kernel, padding=kernel // 2,
/// bias=False)` on `[batch, 1, channels]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConv {
    /// How many neighbouring channels are weighed, an odd number.
    pub kernel: u64,
}

impl Operation for ChannelConv {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        if self.kernel.is_multiple_of(2) {
            let reason = format!("`kernel` is {}, an even number", self.kernel);
            return Err(Misfit::new(reason, "use an odd one, which has a middle"));
        }
        match inputs {
            [Shape::Features(_)] => Ok(inputs[0]),
            _ => Err(Misfit::new(
                format!("it wants a vector, its input is {}", inputs[0].describe()),
                "place a `GlobalAvgPool()` before it",
            )),
        }
    }

    fn weights(&self, _inputs: &[Shape], scheme: InitScheme) -> Vec<Weight> {
        let init = scheme.convolution(self.kernel, self.kernel);
        vec![Weight::new("weight", &[1, 1, self.kernel], Role::Convolution, init)]
    }

    fn macs(&self, _inputs: &[Shape], output: Shape) -> u64 {
        self.kernel.saturating_mul(output.numel())
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let [weight] = call.weights else { return Err(super::miscounted(call.weights)) };
        let padding = (self.kernel / 2) as i64;
        let row = call.inputs[0].f_unsqueeze(1)?;
        row.f_conv1d(weight, None::<&tch::Tensor>, [1], [padding], [1], 1)?.f_squeeze_dim(1)
    }
}
