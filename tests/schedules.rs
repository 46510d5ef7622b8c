//! Learning rates against PyTorch's schedulers (`tests/golden/schedule.csv`).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use resweep::spec::train::{Decay, Eval, Optimizer, Schedule, Train};
use resweep::train::schedule::Rates;

const STEPS: u64 = 50;
const STEPS_PER_EPOCH: u64 = 5;

fn rates(schedule: Schedule, warmup_epochs: f64) -> Vec<f64> {
    let recipe = Train {
        epochs: (STEPS / STEPS_PER_EPOCH) as u32,
        batch: 1,
        eval_batch: 1,
        optimizer: Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.0 },
        decay: Decay::All,
        schedule,
        warmup_epochs,
        label_smoothing: 0.0,
        augment: Vec::new(),
        eval: Eval::default(),
    };
    let rates = Rates::new(&recipe, STEPS_PER_EPOCH);
    (0..STEPS).map(|step| rates.at(step)).collect()
}

#[test]
fn every_step_has_pytorchs_rate() {
    let mut golden: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/schedule.csv");
    for row in csv::Reader::from_path(path).unwrap().deserialize() {
        let (case, _, lr): (String, u64, f64) = row.unwrap();
        golden.entry(case).or_default().push(lr);
    }
    let step = |milestones: &[u32]| Schedule::Step { milestones: milestones.to_vec(), gamma: 0.1 };
    let cases = [
        ("constant", rates(Schedule::Constant, 0.0)),
        ("step", rates(step(&[3, 6, 9]), 0.0)),
        ("multistep", rates(step(&[5, 8]), 0.0)),
        ("cosine", rates(Schedule::Cosine { min_lr: 0.0 }, 0.0)),
        ("warmup_cosine", rates(Schedule::Cosine { min_lr: 0.0 }, 2.0)),
    ];
    for (case, ours) in cases {
        let wanted = &golden[case];
        assert_eq!(wanted.len(), STEPS as usize, "{case}");
        for (step, (ours, wanted)) in ours.iter().zip(wanted).enumerate() {
            assert!(
                (ours / wanted - 1.0).abs() < 1e-12,
                "{case}, step {step}: {ours} is not {wanted}"
            );
        }
    }
}

#[test]
fn a_run_shorter_than_its_warm_up_ends_on_the_way_up() {
    let rates = rates(Schedule::Cosine { min_lr: 0.0 }, 20.0);
    assert!((rates[49] - 0.05).abs() < 1e-12);
    assert!(rates.is_sorted());
}
