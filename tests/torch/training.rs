//! Training: it learns, repeats itself byte for byte, and stops where the loss is lost.

use std::path::Path;

use resweep::data::shapes10;
use resweep::experiment;
use resweep::model::Model;
use resweep::plan::Plan;
use resweep::spec::data::{Data, DataSet, Normalize};
use resweep::spec::load::Loader;
use resweep::spec::train::{Decay, Train};
use resweep::train::batches::DeviceImages;
use resweep::train::fit::{Epoch, Step, Stopped, Watch, fit};
use tch::Device;

fn plan() -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
    experiment::network(&Loader::default(), &path, &["params.width=4".to_string()], None).unwrap()
}

fn recipe(lr: f64, epochs: u32) -> Train {
    let text = format!(
        "(
            epochs: {epochs}, batch: 48, eval_batch: 64,
            optimizer: Sgd(lr: {lr:?}, momentum: 0.9, nesterov: true, weight_decay: 0.0005),
            schedule: Cosine(), warmup_epochs: 1, label_smoothing: 0.1,
            augment: [RandomCrop(padding: 2), HorizontalFlip()],
        )"
    );
    ron::from_str(&text).unwrap()
}

#[derive(Default)]
struct Seen {
    epochs: Vec<Epoch>,
    steps: Vec<(u32, u64, u64)>,
}

impl Watch for Seen {
    fn step(&mut self, step: &Step) {
        self.steps.push((step.epoch, step.step, step.images));
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.epochs.push(*epoch);
    }
}

fn train(recipe: &Train, seed: u64) -> (Model, Seen, Result<(), Stopped>) {
    let data = shapes10::generate(300, 100, 0);
    let spec = Data {
        set: DataSet::Shapes10 { seed: 0 },
        train: None,
        test: None,
        resize: None,
        normalize: None,
    };
    let normalize = Normalize { mean: (0.39, 0.39, 0.39), std: (0.22, 0.22, 0.22) };
    let set = |images| DeviceImages::new(images, &spec, normalize, Device::Cpu).unwrap();
    let model = Model::new(plan(), seed, Device::Cpu).unwrap();
    let mut seen = Seen::default();
    let result = fit(&model, recipe, seed, &set(&data.train), &set(&data.test), &mut seen);
    (model, seen, result)
}

#[test]
fn the_loss_falls_and_the_last_batch_counts() {
    let (_, seen, result) = train(&recipe(0.05, 6), 0);
    result.unwrap();
    let losses: Vec<f64> = seen.epochs.iter().map(|epoch| epoch.loss).collect();
    assert_eq!(losses.len(), 6);
    assert!(losses[5] < losses[0] - 0.05, "{losses:?}");
    // 300 images in batches of 48: six of 48 and one of 12.
    assert_eq!(seen.steps[5..8], [(1, 6, 288), (1, 7, 300), (2, 1, 48)]);
    let lr = seen.epochs.last().unwrap().lr;
    assert!(lr > 0.0 && lr < 0.001, "cosine ends near 0: {lr}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (first, seen, _) = train(&recipe(0.05, 2), 3);
    let (again, seen_again, _) = train(&recipe(0.05, 2), 3);
    let (other, _, _) = train(&recipe(0.05, 2), 4);
    let losses =
        |seen: &Seen| seen.epochs.iter().map(|e| (e.loss, e.test.loss)).collect::<Vec<_>>();
    assert_eq!(losses(&seen), losses(&seen_again));
    let same = |a: &Model, b: &Model| a.weights().zip(b.weights()).all(|(a, b)| a.1.equal(b.1));
    assert!(same(&first, &again));
    assert!(!same(&first, &other));
}

#[test]
fn a_loss_that_is_lost_ends_the_run() {
    let (_, _, result) = train(&recipe(1e30, 3), 0);
    match result {
        Err(Stopped::Diverged { epoch, loss }) => assert!(epoch <= 3 && !loss.is_finite()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_optimiser_trains() {
    for optimizer in [
        "Adam(lr: 0.003)",
        "AdamW(lr: 0.003)",
        "RmsProp(lr: 0.002, momentum: 0.5)",
        "Lion(lr: 0.001, weight_decay: 0.1)",
        "Muon(lr: 0.02, others: AdamW(lr: 0.003))",
        "Lookahead(inner: Sgd(lr: 0.1, momentum: 0.9), alpha: 0.8)",
    ] {
        let optimizer = ron::from_str(optimizer).unwrap();
        let recipe = Train { optimizer, decay: Decay::WeightsOnly, ..recipe(0.1, 4) };
        let (_, seen, result) = train(&recipe, 0);
        result.unwrap();
        assert!(seen.epochs[3].loss < seen.epochs[0].loss - 0.05, "{:?}", recipe.optimizer);
    }
}
