//! The table of `cargo xtask bench`.

use super::table;

table! {
    /// resweep against one way of PyTorch, measured in alternation.
    #[derive(Default)]
    pub struct BenchRow in "bench.csv" {
        /// `cpu` or `cuda:N`.
        device: String,
        /// The model of that device.
        device_name: String,
        /// CPU threads within an operation, on both sides.
        threads: u32,
        /// The network.
        network: String,
        /// `training`, or `evaluation` without gradients.
        mode: String,
        /// Images in a batch.
        batch: u32 ["images"],
        /// Number format of the arithmetic, on both sides.
        precision: String,
        /// PyTorch eager in NCHW (`nchw`), eager in channels_last (`channels_last`), `torch.compile` in whichever of both formats is quicker (`compile`), or the same with CUDA graphs (`compile_graphs`).
        peer: String,
        /// Rounds; each measures both sides and the matrix product once.
        rounds: u32,
        /// Images per second of resweep, median of the rounds.
        images_per_s: f64 ["images/s"],
        /// The slowest round.
        images_per_s_min: f64 ["images/s"],
        /// The quickest round.
        images_per_s_max: f64 ["images/s"],
        /// Images per second of PyTorch, median of the rounds.
        peer_images_per_s: f64 ["images/s"],
        /// Its slowest round.
        peer_images_per_s_min: f64 ["images/s"],
        /// Its quickest round.
        peer_images_per_s_max: f64 ["images/s"],
        /// Images per second of resweep over those of PyTorch in the same round, median of the rounds: above 1 resweep is quicker.
        ratio: f64,
        /// The lowest of the rounds.
        ratio_min: f64,
        /// The highest of the rounds.
        ratio_max: f64,
        /// The quickest large matrix product in the same precision within a second, median of the rounds.
        gemm_gflops: f64 ["GFLOP/s"],
        /// What the multiply-accumulates of resweep come to as a share of the matrix product beside them, median of the rounds; two operations a MAC, and training counts as three forward passes.
        share_of_gemm: f64,
        /// The same of PyTorch.
        peer_share_of_gemm: f64,
        /// Whether the passes of a training step of resweep were a replayed CUDA graph; empty on the CPU and for an evaluation.
        cuda_graph: Option<bool>,
        /// Peak memory of resweep while it was timed: on a GPU of tensors and CUDA graphs; on the CPU what was resident, less what was resident before the network was made (libraries and images).
        memory_mb: Option<f64> ["MB"],
        /// The same of PyTorch.
        peer_memory_mb: Option<f64> ["MB"],
        /// `memory_mb` over `peer_memory_mb`: below 1 resweep needs less.
        memory_ratio: Option<f64>,
        /// Peak resident memory of resweep with all its libraries; empty on a GPU.
        total_memory_mb: Option<f64> ["MB"],
        /// The same of PyTorch.
        peer_total_memory_mb: Option<f64> ["MB"],
        /// Time of an epoch of 50,000 images at `images_per_s`; empty for an evaluation.
        epoch_s: Option<f64> ["s"],
        /// Largest difference of the logits to PyTorch's with the same weights in float32 on the CPU, relative to the largest logit: that before one step of training or that after it, whichever is larger.
        logits_difference: f64,
        /// Norm of the difference of one training step to PyTorch's with the same weights and images in float32 on the CPU, relative to the norm of the step.
        step_difference: f64,
        /// Version of resweep that was measured.
        code_version: String,
        /// Version and build of PyTorch.
        torch_version: String,
        /// When the row was measured: RFC 3339, UTC.
        measured: String,
    }
}
