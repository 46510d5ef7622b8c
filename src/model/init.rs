//! Initial weights, drawn by our own generator: libtorch's is shared by the whole process, and
//! tch's defaults are not PyTorch's.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{TchError, Tensor};

use crate::op::{Init, Weight};

/// The value of a weight before training, on the CPU.
pub(super) fn draw(weight: &Weight, random: &mut ChaCha8Rng) -> Result<Tensor, TchError> {
    let count = weight.numel() as usize;
    let values: Vec<f32> = match weight.init {
        Init::Zeros => vec![0.0; count],
        Init::Ones => vec![1.0; count],
        Init::Constant { value } => vec![value as f32; count],
        Init::Uniform { bound } => {
            let bound = bound as f32;
            (0..count).map(|_| (random.random::<f32>() * 2.0 - 1.0) * bound).collect()
        }
        Init::Normal { std } => {
            let normal = |_| {
                let draw: f64 = StandardNormal.sample(random);
                (draw * std) as f32
            };
            (0..count).map(normal).collect()
        }
    };
    let dims: Vec<i64> = weight.dims.iter().map(|&dim| dim as i64).collect();
    Tensor::f_from_slice(&values)?.f_view(dims.as_slice())
}
