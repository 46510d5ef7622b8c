//! What is measured: networks, modes and batches.

use std::path::PathBuf;

use clap::ValueEnum;
use resweep::cli::{BenchMode, BenchPrecision};
use resweep::experiment;
use resweep::spec::load::Loader;

use super::BenchError;
use crate::handover::workspace;

/// A network that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Network {
    /// ResNet-18 in the CIFAR form.
    #[value(name = "resnet18")]
    Resnet18,
    /// ResNet-50 in the CIFAR form.
    #[value(name = "resnet50")]
    Resnet50,
    /// The wide residual network WRN-16-8.
    #[value(name = "wrn16_8")]
    Wrn16x8,
    /// The thin ResNet-20: small tensors, where overhead counts.
    #[value(name = "resnet20")]
    Resnet20,
}

impl Network {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Resnet18, Self::Resnet50, Self::Wrn16x8, Self::Resnet20];

    /// As the command line, the peer and the table have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resnet18 => "resnet18",
            Self::Resnet50 => "resnet50",
            Self::Wrn16x8 => "wrn16_8",
            Self::Resnet20 => "resnet20",
        }
    }

    /// Its spec.
    pub fn spec(self) -> PathBuf {
        let file = match self {
            Self::Resnet18 => "resnet18",
            Self::Resnet50 => "resnet50",
            Self::Wrn16x8 => "wrn",
            Self::Resnet20 => "cifar_resnet",
        };
        workspace().join(format!("experiments/models/{file}.ron"))
    }

    /// Images in a batch where nothing else is said.
    fn batch(self, mode: BenchMode) -> u32 {
        match (mode, self) {
            (BenchMode::Evaluation, _) => 250,
            (_, Self::Resnet50 | Self::Wrn16x8) => 64,
            _ => 128,
        }
    }

    /// Multiply-accumulates of a forward pass of one image.
    fn macs(self) -> Result<u64, BenchError> {
        let loader = Loader::default();
        let plan = experiment::network(&loader, &self.spec(), &[], None);
        plan.map(|plan| plan.macs())
            .map_err(|error| BenchError::Spec(error.render(&loader.sources)))
    }
}

/// A way of PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Eager, in PyTorch's default format.
    Nchw,
    /// Eager, images and weights channels_last.
    #[value(name = "channels_last")]
    ChannelsLast,
    /// `torch.compile`, in the quicker format.
    Compile,
    /// The same with CUDA graphs: its mode `reduce-overhead`. For GPUs alone.
    #[value(name = "compile_graphs")]
    CompileGraphs,
}

impl Peer {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Nchw, Self::ChannelsLast, Self::Compile, Self::CompileGraphs];

    /// Whether it is the same as another on a CPU.
    pub fn is_for_gpus(self) -> bool {
        self == Self::CompileGraphs
    }

    /// As the command line, the peer and the table have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "nchw",
            Self::ChannelsLast => "channels_last",
            Self::Compile => "compile",
            Self::CompileGraphs => "compile_graphs",
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing to measure on both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// The network.
    pub network: Network,
    /// Training or evaluation.
    pub mode: BenchMode,
    /// Images in a batch.
    pub batch: u32,
    /// The number format.
    pub precision: BenchPrecision,
    /// Operations that one image costs.
    pub flops: f64,
}

/// Every network in every mode and precision.
///
/// # Errors
/// A spec that does not plan.
pub fn of(
    networks: &[Network],
    modes: &[BenchMode],
    precisions: &[BenchPrecision],
    batch: Option<u32>,
) -> Result<Vec<Case>, BenchError> {
    let mut cases = Vec::new();
    for &network in networks {
        let forward = 2.0 * network.macs()? as f64;
        for &mode in modes {
            let batch = batch.unwrap_or(network.batch(mode));
            // The gradients of weights and of inputs cost as much as the results, each.
            let flops = if mode == BenchMode::Training { 3.0 * forward } else { forward };
            let case = |&precision| Case { network, mode, batch, precision, flops };
            cases.extend(precisions.iter().map(case));
        }
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn operations_are_those_of_the_plans() {
        let modes = [BenchMode::Training, BenchMode::Evaluation];
        let fp32 = [BenchPrecision::Fp32];
        let cases = of(&[Network::Resnet18, Network::Wrn16x8], &modes, &fp32, None).unwrap();
        let told: Vec<_> = cases.iter().map(|c| (c.batch, (c.flops / 1e7).round())).collect();
        assert_eq!(told, [(128, 333.0), (250, 111.0), (64, 929.0), (250, 310.0)]);
        assert_eq!(of(&[Network::Resnet20], &modes[..1], &fp32, Some(7)).unwrap()[0].batch, 7);
    }

    /// The peer's file has every network by its name.
    #[test]
    fn both_sides_have_every_network() {
        let path = workspace().join("tests/reference/peer_networks.py");
        let text = std::fs::read_to_string(path).unwrap();
        for network in Network::ALL {
            assert!(text.contains(&format!("\"{network}\": ")), "{network}");
        }
    }
}
