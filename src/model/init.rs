//! Initial weights, drawn by our own generator: libtorch's is shared by the whole process, and
//! tch's defaults are not PyTorch's.

use std::f64::consts::SQRT_2;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Kind, TchError, Tensor};

use crate::op::{Init, Others, Weight};

/// The value of a weight before training, on the CPU.
pub(super) fn draw(weight: &Weight, random: &mut ChaCha8Rng) -> Result<Tensor, TchError> {
    let count = weight.numel() as usize;
    let dims: Vec<i64> = weight.dims.iter().map(|&dim| dim as i64).collect();
    let shaped = |values: Vec<f32>| Tensor::f_from_slice(&values)?.f_view(dims.as_slice());
    match weight.init {
        Init::Zeros => shaped(vec![0.0; count]),
        Init::Ones => shaped(vec![1.0; count]),
        Init::Constant { value } => shaped(vec![value as f32; count]),
        Init::Uniform { bound } | Init::Whiten { bound, .. } => {
            shaped(uniform(count, bound, random))
        }
        Init::Normal { std } => shaped(normal(count, std, random)),
        Init::TruncNormal { std, bound } => truncated(count, (std, bound), random)?.f_view(&*dims),
        Init::Orthogonal { gain } => orthogonal(&dims, gain, random)?.f_view(&*dims),
        Init::Dirac { groups, others } => {
            let mut values = match others {
                Others::Zeros => vec![0.0; count],
                Others::Uniform { bound } => uniform(count, bound, random),
                Others::Normal { std } => normal(count, std, random),
            };
            pass_channels_on(&mut values, &weight.dims, groups);
            shaped(values)
        }
    }
}

fn uniform(count: usize, bound: f64, random: &mut ChaCha8Rng) -> Vec<f32> {
    let bound = bound as f32;
    (0..count).map(|_| (random.random::<f32>() * 2.0 - 1.0) * bound).collect()
}

fn normal(count: usize, std: f64, random: &mut ChaCha8Rng) -> Vec<f32> {
    let draw = |_| {
        let draw: f64 = StandardNormal.sample(random);
        (draw * std) as f32
    };
    (0..count).map(draw).collect()
}

/// Through the inverse of the distribution, as `torch.nn.init.trunc_normal_` does.
fn truncated(
    count: usize,
    (std, bound): (f64, f64),
    random: &mut ChaCha8Rng,
) -> Result<Tensor, TchError> {
    let draws: Vec<f64> = (0..count).map(|_| random.random::<f64>() * 2.0 - 1.0).collect();
    let most = Tensor::from(bound / (std * SQRT_2)).f_erf()?;
    let standard = Tensor::f_from_slice(&draws)?.f_mul(&most)?.f_erfinv()?;
    standard.f_mul_scalar(std * SQRT_2)?.f_clamp(-bound, bound)?.f_to_kind(Kind::Float)
}

/// The orthogonal part of a matrix of normal numbers `[rows, columns]`, which is equally likely to
/// be any (Mezzadri 2007), as `torch.nn.init.orthogonal_`.
fn orthogonal(dims: &[i64], gain: f64, random: &mut ChaCha8Rng) -> Result<Tensor, TchError> {
    let rows = dims.first().copied().unwrap_or(1);
    let columns: i64 = dims.iter().skip(1).product();
    let numbers = normal((rows * columns) as usize, 1.0, random);
    let matrix =
        Tensor::f_from_slice(&numbers)?.f_view([rows, columns])?.f_to_kind(Kind::Double)?;
    let is_wide = rows < columns;
    let tall = if is_wide { matrix.f_tr()? } else { matrix };
    let (q, r) = Tensor::f_linalg_qr(&tall, "reduced")?;
    let q = q.f_mul(&r.f_diagonal(0, 0, 1)?.f_sign()?)?;
    let q = if is_wide { q.f_tr()? } else { q };
    q.f_mul_scalar(gain)?.f_to_kind(Kind::Float)?.f_contiguous()
}

/// In each group, sets filter `i` of a kernel `[out, in, height, width]` to 1 in the middle of
/// channel `i` and to 0 elsewhere.
fn pass_channels_on(values: &mut [f32], dims: &[u64], groups: u64) {
    let [out, channels, height, width] =
        [0, 1, 2, 3].map(|at| dims.get(at).map_or(1, |&d| d as usize));
    let groups = groups.max(1) as usize;
    let (area, of_group) = (height * width, out / groups);
    for group in 0..groups {
        for channel in 0..of_group.min(channels) {
            let start = (group * of_group + channel) * channels * area;
            let filter = &mut values[start..start + channels * area];
            filter.fill(0.0);
            filter[channel * area + height / 2 * width + width / 2] = 1.0;
        }
    }
}
