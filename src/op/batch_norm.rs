use serde::{Deserialize, Serialize};

use super::{Init, InitScheme, Misfit, Operation, Role, Shape, Weight, maps};

/// Normalisation of each channel over the batch (Ioffe and Szegedy 2015); `torch.nn.BatchNorm2d`.
///
/// Running statistics are updated in training and used in evaluation; the running variance is the
/// unbiased one, as in PyTorch. The count of batches is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm2d {
    /// Added to the variance.
    #[serde(default = "eps")]
    pub eps: f64,
    /// The share of the newest batch in the running statistics.
    #[serde(default = "momentum")]
    pub momentum: f64,
}

fn eps() -> f64 {
    1e-5
}

fn momentum() -> f64 {
    0.1
}

impl Operation for BatchNorm2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        if self.eps <= 0.0 {
            return Err(Misfit::new("`eps` is not above 0", "a common value is 0.00001"));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Misfit::new("`momentum` is outside 0 to 1", "a common value is 0.1"));
        }
        maps(inputs).map(|_| inputs[0])
    }

    fn weights(&self, inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        let channels = match inputs {
            [Shape::Maps(channels, ..)] => [*channels],
            _ => return Vec::new(),
        };
        vec![
            Weight::new("weight", &channels, Role::Norm, Init::Ones),
            Weight::new("bias", &channels, Role::Norm, Init::Zeros),
            Weight::new("running_mean", &channels, Role::Buffer, Init::Zeros),
            Weight::new("running_var", &channels, Role::Buffer, Init::Ones),
        ]
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let [weight, bias, mean, var] = call.weights else {
            return Err(super::miscounted(call.weights));
        };
        let (weight, bias, mean, var) = (Some(weight), Some(bias), Some(mean), Some(var));
        let cudnn = true;
        call.inputs[0].f_batch_norm(
            weight,
            bias,
            mean,
            var,
            call.training,
            self.momentum,
            self.eps,
            cudnn,
        )
    }
}
