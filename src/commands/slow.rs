//! A word on precisions that are slower than float32 on the device at hand.

use std::time::{Duration, Instant};

use tch::TchError;

use crate::device::Resolved;
use crate::experiment::{Experiment, Experiments};
use crate::spec::train::Precision;
use crate::train::precision::images_per_s;

/// Measurements stop after so long; networks that are left are not warned about.
const MOST: Duration = Duration::from_secs(6);
/// What the steps of one measurement may take.
const TIME: Duration = Duration::from_millis(400);
/// Below this share of float32's speed a precision counts as slower.
const CLOSE: f64 = 0.95;

/// A network that trains more slowly in its precision than in float32.
struct Slow<'a> {
    experiment: &'a Experiment,
    /// Images per second.
    rate: f64,
    fp32: f64,
    /// In batches of so many.
    images: i64,
}

/// Trains each network that is to compute in 16 bits for a moment, and tells where float32 is
/// quicker.
pub fn warn(experiments: &Experiments, device: &Resolved) {
    let started = Instant::now();
    for experiment in distinct(experiments) {
        if started.elapsed() > MOST {
            break;
        }
        // What fails here fails in its run, and is on record there.
        if let Ok(Some(slow)) = measured(experiment, device) {
            eprint!("{}", slow.text());
        }
    }
}

/// One experiment for each network and precision of 16 bits.
fn distinct(experiments: &Experiments) -> Vec<&Experiment> {
    let mut distinct: Vec<&Experiment> = Vec::new();
    for experiment in experiments.list.iter().filter(|it| it.train.precision.is_half()) {
        let is_same = |other: &&Experiment| {
            (other.train.precision, &other.plan) == (experiment.train.precision, &experiment.plan)
        };
        if !distinct.iter().any(is_same) {
            distinct.push(experiment);
        }
    }
    distinct
}

fn measured<'a>(
    experiment: &'a Experiment,
    device: &Resolved,
) -> Result<Option<Slow<'a>>, TchError> {
    let Experiment { plan, train, .. } = experiment;
    let images = images(experiment, device);
    let measure = |precision| images_per_s(plan, precision, device.device, images, TIME);
    let fp32 = measure(Precision::Fp32)?;
    let rate = measure(train.precision)?;
    let slow = Slow { experiment, rate, fp32, images };
    Ok((rate < CLOSE * fp32).then_some(slow))
}

/// The images of a step: a batch on a GPU, where small ones measure overhead alone; on the CPU as
/// many as take a moment also where it has no instructions for the format.
fn images(experiment: &Experiment, device: &Resolved) -> i64 {
    const MACS: u64 = 4_000_000_000;
    let batch = u64::from(experiment.train.batch);
    let few = (MACS / experiment.plan.macs().max(1)).clamp(2, 32);
    match device.device {
        tch::Device::Cpu => few.min(batch) as i64,
        _ => batch as i64,
    }
}

impl Slow<'_> {
    fn text(&self) -> String {
        let Self { experiment, rate, fp32, images } = self;
        let (name, precision) = (&experiment.name, experiment.train.precision);
        let rounded =
            |rate: f64| if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
        let (rate, fp32) = (rounded(*rate), rounded(*fp32));
        format!(
            "warning: {name} trains at {rate} images/s in {precision:?} here, and at {fp32} in Fp32 \
             (forward and backward, {images} images a step); --set train.precision=Fp32 is quicker\n"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::experiment;
    use crate::spec::load::Loader;

    fn sweep(sets: &[&str]) -> Experiments {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quick.ron");
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        experiment::sweep(&Loader::default(), &path, &sets).unwrap()
    }

    #[test]
    fn each_network_is_measured_once_a_precision_of_16_bits() {
        let names = |sets: &[&str]| {
            let experiments = sweep(sets);
            distinct(&experiments).iter().map(|it| it.name.clone()).collect::<Vec<_>>()
        };
        assert!(names(&["train.precision=Fp32"]).is_empty());
        let axes =
            "axes=[Grid({\"train.precision\": [Auto, Bf16, PureBf16], \"train.epochs\": [1, 2]})]";
        let names = names(&[axes]);
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.iter().all(|name| name.contains("16,epochs=1")), "{names:?}");
    }

    #[test]
    fn a_slow_precision_is_told_with_both_speeds() {
        let experiments = sweep(&["train.precision=Bf16"]);
        let experiment = &experiments.list[0];
        let text = Slow { experiment, rate: 2.345, fp32: 40.4, images: 7 }.text();
        assert!(text.contains("resnet18-thin trains at 2.3 images/s in Bf16 here"), "{text}");
        assert!(text.contains("at 40 in Fp32") && text.ends_with("quicker\n"), "{text}");
    }
}
