//! Learning rates against PyTorch's schedulers (`tests/golden/schedule.csv`).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use resweep::spec::train::{Anneal, Schedule, Train};
use resweep::train::schedule::Rates;

const STEPS: u64 = 50;
const STEPS_PER_EPOCH: u64 = 5;

fn rates(schedule: Schedule, warmup_epochs: f64) -> Vec<f64> {
    let epochs = STEPS / STEPS_PER_EPOCH;
    let text = format!("(epochs: {epochs}, batch: 1, optimizer: Sgd(lr: 0.1))");
    let recipe = Train { schedule, warmup_epochs, ..ron::from_str(&text).unwrap() };
    let rates = Rates::new(&recipe, STEPS_PER_EPOCH);
    (0..STEPS).map(|step| rates.at(step)).collect()
}

fn restarts(period: u32, mult: u32, min_lr: f64) -> Schedule {
    Schedule::CosineRestarts { period, mult, min_lr }
}

fn one_cycle(pct_start: f64, div: f64, final_div: f64, anneal: Anneal) -> Schedule {
    Schedule::OneCycle { pct_start, div, final_div, anneal }
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
        ("step_every", rates(Schedule::StepEvery { epochs: 2, gamma: 0.5 }, 0.0)),
        ("exponential", rates(Schedule::Exponential { gamma: 0.8 }, 0.0)),
        ("restarts", rates(restarts(2, 1, 0.001), 0.0)),
        ("restarts_longer", rates(restarts(1, 2, 0.0), 0.0)),
        ("warmup_restarts", rates(restarts(1, 2, 0.0), 2.0)),
        ("polynomial", rates(Schedule::Polynomial { power: 2.0, min_lr: 0.0 }, 0.0)),
        ("linear", rates(Schedule::Polynomial { power: 1.0, min_lr: 0.0 }, 0.0)),
        ("warmup_polynomial", rates(Schedule::Polynomial { power: 0.9, min_lr: 0.0 }, 2.0)),
        ("one_cycle", rates(one_cycle(0.3, 25.0, 1e4, Anneal::Cosine), 0.0)),
        ("one_cycle_linear", rates(one_cycle(0.45, 10.0, 100.0, Anneal::Linear), 0.0)),
        ("triangular", rates(Schedule::Triangular { start: 0.2, peak: 0.23, end: 0.07 }, 0.0)),
        ("triangular_plain", rates(Schedule::Triangular { start: 0.0, peak: 0.3, end: 0.0 }, 0.0)),
    ];
    // Only the late warm-up is none of ours.
    assert_eq!(cases.len() + 1, golden.len());
    for (case, ours) in cases {
        let wanted = &golden[case];
        assert_eq!(wanted.len(), STEPS as usize, "{case}");
        for (step, (ours, wanted)) in ours.iter().zip(wanted).enumerate() {
            assert!(
                (ours - wanted).abs() <= 1e-12 * wanted,
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

#[test]
fn a_polynomial_can_end_above_zero() {
    let rates = rates(Schedule::Polynomial { power: 2.0, min_lr: 0.02 }, 0.0);
    assert!((rates[25] - (0.02 + 0.08 * 0.25)).abs() < 1e-12);
}

/// No share of the run makes a rate that is no number, not even in a run of one step.
#[test]
fn rises_of_any_length_are_finite() {
    for share in [0.0, 0.02, 0.5, 0.999, 1.0] {
        let triangle = Schedule::Triangular { start: 0.0, peak: share, end: 0.0 };
        let cycle = one_cycle(share.min(0.99), 25.0, 1e4, Anneal::Cosine);
        for schedule in [triangle, cycle] {
            let rates = rates(schedule.clone(), 0.0);
            let fit = rates.iter().all(|rate| (0.0..=0.1 + 1e-12).contains(rate));
            assert!(fit, "{schedule:?}: {rates:?}");
        }
    }
}

/// What a recipe says is written down for its hash, and reads back as the same.
#[test]
fn every_choice_of_a_recipe_can_be_written() {
    let muon = "Muon(lr: 0.1, scale: MatchAdamW, precision: Fp32, weights: Normalized, \
                others: RmsProp(lr: 0.1))";
    let text = format!(
        "(
            epochs: 1, batch: 2, accumulate: 2, clip_norm: Some(1), decay: WeightsOnly,
            optimizer: Lookahead(inner: {muon}, alpha_end: Some(0.2)),
            groups: (shift: Some((lr: 64, weight_decay: Some(0)))),
            ema: Some((decay: 0.9)), swa: Some((from: 0.5)),
            schedule: OneCycle(anneal: Linear),
        )"
    );
    let recipe: Train = ron::from_str(&text).unwrap();
    let written = ron::to_string(&recipe).unwrap();
    assert_eq!(ron::from_str::<Train>(&written).unwrap(), recipe);
}
