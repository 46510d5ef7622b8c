//! The order of measurements, and the figures that follow from them.

use resweep::records::BenchRow;
use resweep::statistics::{median, range};
use serde::Deserialize;

use super::cases::Case;
use super::worker::WorkerError;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Sample {
    /// How long the steps took.
    pub seconds: f64,
    /// How many.
    pub steps: u64,
    /// The most memory during them.
    pub peak_bytes: Option<u64>,
}

/// What can be timed.
pub trait Timer {
    /// Times so many steps.
    ///
    /// # Errors
    /// Why it cannot.
    fn time(&mut self, steps: u64) -> Result<Sample, WorkerError>;
}

/// What multiplies matrices.
pub trait Product {
    /// Its rate, GFLOP/s.
    ///
    /// # Errors
    /// Why it cannot.
    fn gflops(&mut self) -> Result<f64, WorkerError>;
}

/// What all rounds gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// For each side a sample a round.
    pub sides: Vec<Vec<Sample>>,
    /// A matrix product a round.
    pub gflops: Vec<f64>,
}

/// Measures the sides one after another, `rounds` times, about `seconds` each; every other round goes
/// backwards, so that a machine that gets slower or quicker favours no side. The matrix product comes
/// first in each round.
///
/// # Errors
/// A side that fails.
pub fn alternate(
    sides: &mut [&mut dyn Timer],
    product: &mut dyn Product,
    rounds: u32,
    seconds: f64,
) -> Result<Measured, WorkerError> {
    let mut steps = Vec::new();
    for side in sides.iter_mut() {
        let trial = side.time(2)?;
        steps.push(steps_for(seconds, &trial));
    }
    let mut measured = Measured { sides: vec![Vec::new(); sides.len()], gflops: Vec::new() };
    for round in 0..rounds {
        measured.gflops.push(product.gflops()?);
        for place in 0..sides.len() {
            let side = if round % 2 == 0 { place } else { sides.len() - 1 - place };
            let sample = sides[side].time(steps[side])?;
            measured.sides[side].push(sample);
        }
        eprintln!("  round {} of {rounds}", round + 1);
    }
    Ok(measured)
}

/// As many steps as take about so long, 2 or more.
fn steps_for(seconds: f64, trial: &Sample) -> u64 {
    let step = trial.seconds / trial.steps.max(1) as f64;
    (seconds / step.max(1e-6)).ceil().clamp(2.0, 1e6) as u64
}

/// A side's samples, and what was resident before its network was made.
pub type Side<'a> = (&'a Vec<Sample>, Option<u64>);

/// The figures of resweep and of one peer; what they do not say is empty.
pub fn figures(case: &Case, [ours, peer]: [Side<'_>; 2], gflops: &[f64]) -> BenchRow {
    let rates = |side: Side<'_>| -> Vec<f64> {
        let rate = |sample: &Sample| case.batch as f64 * sample.steps as f64 / sample.seconds;
        side.0.iter().map(rate).collect()
    };
    let (our_rates, peer_rates) = (rates(ours), rates(peer));
    let ratios = each(&our_rates, &peer_rates, |ours, peer| ours / peer);
    let share = |rates: &[f64]| {
        middle(&each(rates, gflops, |rate, gflops| rate * case.flops / 1e9 / gflops))
    };
    let ([low, high], [peer_low, peer_high]) = (ends(&our_rates), ends(&peer_rates));
    let [ratio_min, ratio_max] = ends(&ratios);
    let (memory, peer_memory) = (own_memory(ours), own_memory(peer));
    let is_training = case.mode == resweep::cli::BenchMode::Training;
    BenchRow {
        network: case.network.name().into(),
        mode: case.mode.name().into(),
        batch: case.batch,
        precision: case.precision.name().into(),
        rounds: ratios.len() as u32,
        images_per_s: middle(&our_rates),
        images_per_s_min: low,
        images_per_s_max: high,
        peer_images_per_s: middle(&peer_rates),
        peer_images_per_s_min: peer_low,
        peer_images_per_s_max: peer_high,
        ratio: middle(&ratios),
        ratio_min,
        ratio_max,
        gemm_gflops: middle(gflops),
        share_of_gemm: share(&our_rates),
        peer_share_of_gemm: share(&peer_rates),
        memory_mb: memory,
        peer_memory_mb: peer_memory,
        memory_ratio: memory.zip(peer_memory).map(|(ours, peer)| ours / peer),
        total_memory_mb: total_memory(ours),
        peer_total_memory_mb: total_memory(peer),
        epoch_s: is_training.then(|| 50_000.0 / middle(&our_rates)),
        ..BenchRow::default()
    }
}

fn each(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

fn middle(values: &[f64]) -> f64 {
    median(values).unwrap_or(f64::NAN)
}

fn ends(values: &[f64]) -> [f64; 2] {
    range(values).map_or([f64::NAN; 2], |(low, high)| [low, high])
}

/// The highest peak of the rounds, bytes.
fn peak(side: Side<'_>) -> Option<u64> {
    side.0.iter().filter_map(|sample| sample.peak_bytes).max()
}

/// The peak less what was there before the network.
fn own_memory(side: Side<'_>) -> Option<f64> {
    Some(peak(side)?.saturating_sub(side.1?) as f64 / 1e6)
}

/// The whole peak; a GPU has no more than its tensors.
fn total_memory(side: Side<'_>) -> Option<f64> {
    side.1.filter(|&base| base > 0).and(peak(side)).map(|bytes| bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::RefCell;

    use resweep::cli::{BenchMode, BenchPrecision};

    use super::*;
    use crate::bench::cases::Network;

    /// Takes so many seconds a step, and writes down when it was asked.
    struct Fake<'a> {
        name: char,
        step: f64,
        asked: &'a RefCell<String>,
    }

    impl Timer for Fake<'_> {
        fn time(&mut self, steps: u64) -> Result<Sample, WorkerError> {
            self.asked.borrow_mut().push_str(&format!("{}{steps} ", self.name));
            Ok(Sample { seconds: self.step * steps as f64, steps, peak_bytes: Some(300) })
        }
    }

    impl Product for Fake<'_> {
        fn gflops(&mut self) -> Result<f64, WorkerError> {
            self.asked.borrow_mut().push_str("gemm ");
            Ok(100.0)
        }
    }

    #[test]
    fn sides_alternate_and_take_about_as_long() {
        let asked = RefCell::new(String::new());
        let fake = |name, step| Fake { name, step, asked: &asked };
        let (mut a, mut b, mut gemm) = (fake('a', 0.5), fake('b', 9.0), fake('g', 0.0));
        let measured = alternate(&mut [&mut a, &mut b], &mut gemm, 3, 8.0).unwrap();
        let wanted = "a2 b2 gemm a16 b2 gemm b2 a16 gemm a16 b2 ";
        assert_eq!(asked.borrow().as_str(), wanted);
        assert_eq!(measured.sides[0].len(), 3);
        assert_eq!(measured.sides[1][2].seconds, 18.0);
        assert_eq!(measured.gflops, [100.0; 3]);
    }

    #[test]
    fn figures_are_medians_over_rounds() {
        let sample = |seconds, peak_bytes| Sample { seconds, steps: 4, peak_bytes };
        let network = Network::Resnet20;
        let precision = BenchPrecision::Fp32;
        let case = Case { network, mode: BenchMode::Training, batch: 50, precision, flops: 2e8 };
        let ours =
            vec![sample(1.0, Some(3_000_000)), sample(2.0, Some(5_000_000)), sample(4.0, None)];
        let peer = vec![sample(2.0, Some(9_000_000)), sample(3.0, None), sample(2.0, None)];
        let both = [(&ours, Some(1_000_000)), (&peer, Some(1_000_000))];
        let row = figures(&case, both, &[100.0, 50.0, 100.0]);
        assert_eq!(
            (row.images_per_s_min, row.images_per_s, row.images_per_s_max),
            (50.0, 100.0, 200.0)
        );
        assert_eq!((row.ratio_min, row.ratio, row.ratio_max), (0.5, 1.5, 2.0));
        // 200, 100 and 50 images/s of 0.2 GFLOP over 100, 50 and 100 GFLOP/s.
        assert!((row.share_of_gemm - 0.4).abs() < 1e-12, "{}", row.share_of_gemm);
        assert_eq!(
            (row.memory_mb, row.peer_memory_mb, row.memory_ratio),
            (Some(4.0), Some(8.0), Some(0.5))
        );
        assert_eq!((row.total_memory_mb, row.epoch_s, row.rounds), (Some(5.0), Some(500.0), 3));

        let evaluation = Case { mode: BenchMode::Evaluation, ..case };
        let on_gpu = [(&ours, Some(0)), (&peer, None)];
        let row = figures(&evaluation, on_gpu, &[1.0; 3]);
        assert_eq!((row.epoch_s, row.total_memory_mb, row.memory_mb), (None, None, Some(5.0)));
        assert_eq!((row.peer_memory_mb, row.memory_ratio), (None, None));
    }
}
