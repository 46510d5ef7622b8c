//! The tables of `cargo xtask certify`.

use super::table;

table! {
    /// Whether resweep and PyTorch agree on one figure of one recipe.
    pub struct CertifyRow in "certify.csv" {
        /// The network and recipe: a file of experiments/certify.
        recipe: String,
        /// What is compared after the last epoch: `top1` (%), `test_loss` or `train_loss` (nats).
        figure: String,
        /// Runs of resweep, of different seeds.
        n: u32 ["runs"],
        /// Their mean.
        mean: f64,
        /// Their sample standard deviation (n - 1).
        std: f64,
        /// Runs of PyTorch.
        peer_n: u32 ["runs"],
        /// Their mean.
        peer_mean: f64,
        /// Their sample standard deviation.
        peer_std: f64,
        /// `mean` less `peer_mean`.
        difference: f64,
        /// Lower end of Welch's 95 % confidence interval of the difference.
        difference_low: f64,
        /// Upper end of the same.
        difference_high: f64,
        /// Two-sided probability of so large a difference where there is none (Welch's t test).
        p_difference: f64,
        /// What counts as equal: a difference below this.
        margin: f64,
        /// Probability of so small a difference where it is as large as the margin: the larger of two one-sided Welch tests (TOST).
        p_equivalence: f64,
        /// `agree` (p_equivalence below 0.05), `differ` (the interval leaves out 0 and p_equivalence is no less than 0.05), or `unresolved` at this n.
        verdict: String,
        /// Version of resweep.
        code_version: String,
        /// Version and build of PyTorch.
        torch_version: String,
        /// When the runs ended: RFC 3339, UTC.
        measured: String,
    }
}

table! {
    /// One training of either side.
    pub struct CertifyRunRow in "certify_runs.csv" {
        /// The network and recipe: a file of experiments/certify.
        recipe: String,
        /// `resweep` or `pytorch`.
        side: String,
        /// Seed of the run; the two sides draw different numbers from it.
        seed: u64,
        /// Test accuracy after the last epoch.
        top1: f64 ["%"],
        /// Mean cross-entropy on the test images after the last epoch.
        test_loss: f64 ["nats"],
        /// Mean training loss over the last epoch.
        train_loss: f64 ["nats"],
    }
}
