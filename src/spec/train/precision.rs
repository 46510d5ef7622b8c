//! What networks compute with.

use serde::{Deserialize, Serialize};

/// The number format of a network's arithmetic, in training and in evaluation. Weights, optimiser,
/// running statistics and the loss are float32 in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "precision"))]
pub enum Precision {
    /// float32 on the CPU; on a GPU the same with convolutions in TF32, as PyTorch has it when
    /// nothing is said.
    #[default]
    Auto,
    /// float32 everywhere, also on a GPU.
    Fp32,
    /// TF32 for convolutions and matrix products: float32 whose factors have 10 bits after the
    /// point. GPUs alone have it.
    Tf32,
    /// `torch.autocast` with bfloat16: convolutions and matrix products in bfloat16, what loses
    /// digits in float32.
    Bf16,
    /// `torch.autocast` with float16, and the loss scaled as by `torch.amp.GradScaler` (65,536 at
    /// first, halved where a gradient is not finite, doubled after 2,000 steps without). A step
    /// whose gradients are not finite changes nothing; schedule and averages count it.
    Fp16,
    /// Every operation in bfloat16, also those that autocast leaves in float32, on copies of the
    /// float32 weights; scales and shifts of BatchNorm stay float32. A network of convolutions, BatchNorm
    /// and ReLU comes out as with `Bf16`, on a CPU to the last digit.
    PureBf16,
}

impl Precision {
    /// Whether it computes in 16 bits.
    pub fn is_half(self) -> bool {
        matches!(self, Self::Bf16 | Self::Fp16 | Self::PureBf16)
    }
}
