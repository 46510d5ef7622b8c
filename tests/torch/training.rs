//! Training: it learns, repeats itself byte for byte, and stops where the loss is lost.

use std::path::Path;

use resweep::data::shapes10;
use resweep::experiment;
use resweep::model::Model;
use resweep::plan::Plan;
use resweep::spec::data::{Data, DataSet, Normalize};
use resweep::spec::load::Loader;
use resweep::spec::train::{Augment, Decay, Ema, Eval, Swa, Train, Views};
use resweep::train::batches::DeviceImages;
use resweep::train::fit::{Epoch, Sets, Step, Stopped, Watch, fit};
use resweep::train::split::split;
use resweep::train::statistics;
use tch::{Device, Kind, Tensor};

pub fn plan() -> Plan {
    network("resnet18.ron", &["params.width=4"])
}

fn network(file: &str, set: &[&str]) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models").join(file);
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    experiment::network(&Loader::default(), &path, &set, None).unwrap()
}

pub fn recipe(lr: f64, epochs: u32) -> Train {
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
pub struct Seen {
    pub epochs: Vec<Epoch>,
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
    train_model(Model::new(plan(), seed, Device::Cpu).unwrap(), recipe, seed)
}

/// 300 images to train on, 60 that are held out, and 100 to test on.
pub fn images() -> [DeviceImages; 3] {
    let data = shapes10::generate(360, 100, 0);
    let spec = Data { set: DataSet::Shapes10 { seed: 0 }, ..Data::default() };
    let normalize = Normalize { mean: (0.39, 0.39, 0.39), std: (0.22, 0.22, 0.22) };
    let set = |images| DeviceImages::new(images, &spec, normalize, Device::Cpu).unwrap();
    let (train, held_out) = split(data.train, &Data { validation: Some(60), ..spec.clone() });
    [set(&train), set(&held_out.unwrap()), set(&data.test)]
}

fn train_model(model: Model, recipe: &Train, seed: u64) -> (Model, Seen, Result<(), Stopped>) {
    let [train, validation, test] = images();
    let mut seen = Seen::default();
    let sets = Sets { train: &train, validation: Some(&validation), test: &test };
    let result = fit(&model, recipe, seed, sets, &mut seen);
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
fn images_that_fill_no_batch_can_be_left_out() {
    let (_, seen, result) = train(&Train { drop_last: true, ..recipe(0.05, 2) }, 0);
    result.unwrap();
    // 300 images in batches of 48: six of 48.
    assert_eq!(seen.steps.len(), 12);
    assert_eq!(seen.steps[5..7], [(1, 6, 288), (2, 1, 48)]);
    for epoch in &seen.epochs {
        let right = epoch.top1 / 100.0 * 288.0;
        assert!((right - right.round()).abs() < 1e-6, "{right} of 288 images");
    }
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

#[test]
fn mixed_images_train() {
    let augment = vec![
        Augment::AlternatingFlip,
        Augment::Mixup { alpha: 0.2, p: 0.5 },
        Augment::CutMix { alpha: 1.0, p: 0.1 },
    ];
    let (_, seen, result) = train(&Train { augment, ..recipe(0.05, 12) }, 0);
    result.unwrap();
    let losses: Vec<f64> = seen.epochs.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[11] < losses[0] - 0.05, "{losses:?}");
}

#[test]
fn held_out_images_and_views_are_evaluated() {
    let plain = train(&recipe(0.05, 2), 0).1;
    assert!(plain.epochs.iter().all(|epoch| epoch.tta.is_none()));
    // 60 held-out images: every accuracy is a multiple of 1/60.
    let top1 = plain.epochs[1].validation.unwrap().top1 * 0.6;
    assert!((top1 - top1.round()).abs() < 1e-9, "{top1}");
    let eval = Eval { views: Views::Flip };
    let seen = train(&Train { eval, ..recipe(0.05, 2) }, 0).1;
    assert_eq!(seen.epochs[0].tta, None, "views are seen after the last epoch");
    assert!((0.0..=100.0).contains(&seen.epochs[1].tta.unwrap()));
    let seen = |seen: &Seen| seen.epochs.iter().map(|e| (e.loss, e.test.top1)).collect::<Vec<_>>();
    let with = train(&Train { eval, ..recipe(0.05, 2) }, 0).1;
    assert_eq!(seen(&plain), seen(&with), "the headline does not hang on the views");
}

/// Without batch statistics a batch in parts is the batch, also where the last part is smaller: 300
/// images in 7 parts are six times 43 and 42.
#[test]
fn a_batch_in_parts_makes_the_same_step() {
    let plan = network("resnet18_group_norm.ron", &["params.width=16", "params.groups=4"]);
    let model = || Model::new(plan.clone(), 0, Device::Cpu).unwrap();
    let whole = Train { batch: 300, warmup_epochs: 0.0, ..recipe(0.1, 1) };
    let parts = Train { accumulate: 7, ..whole.clone() };
    let (start, (whole, seen, _), (parts, seen_parts, _)) =
        (model(), train_model(model(), &whole, 0), train_model(model(), &parts, 0));
    assert!((seen.epochs[0].loss - seen_parts.epochs[0].loss).abs() < 1e-5);
    let far = |a: &Tensor, b: &Tensor| (a - b).square().sum(Kind::Double).sqrt().double_value(&[]);
    let all = whole.weights().zip(parts.weights()).zip(start.weights());
    let shares = all.map(|((a, b), c)| far(a.1, b.1) / far(a.1, c.1));
    let worst = shares.fold(0.0, f64::max);
    assert!(worst < 1e-3, "{worst} of a step");
}

#[test]
fn averages_are_evaluated_beside_the_weights() {
    let averages = Train {
        ema: Some(Ema { decay: 0.9, every: 1, from: 0.3 }),
        swa: Some(Swa { from: 0.5, every: 1 }),
        ..recipe(0.05, 4)
    };
    let (model, seen, result) = train(&averages, 0);
    result.unwrap();
    let (plain_model, plain, _) = train(&recipe(0.05, 4), 0);
    let same = model.weights().zip(plain_model.weights()).all(|(a, b)| a.1.equal(b.1));
    assert!(same, "averages change nothing about training");
    let begun: Vec<bool> = seen.epochs.iter().map(|epoch| epoch.ema.is_some()).collect();
    // The average begins after 8.4 of 28 steps.
    assert_eq!(begun, [false, true, true, true]);
    let done: Vec<bool> = seen.epochs.iter().map(|epoch| epoch.swa.is_some()).collect();
    assert_eq!(done, [false, false, false, true]);
    let last = seen.epochs[3];
    assert_eq!(last.test.top1, plain.epochs[3].test.top1);
    for average in [last.ema.unwrap(), last.swa.unwrap()] {
        assert!(average.loss.is_finite() && average.loss != last.test.loss);
        assert!(average.loss < 2.0 * last.test.loss + 1.0, "{average:?} beside {last:?}");
    }
}

/// An average of one state of the weights is that state.
#[test]
fn an_average_of_the_last_step_alone_is_the_model() {
    let alone = Train { ema: Some(Ema { decay: 0.9, every: 14, from: 0.6 }), ..recipe(0.05, 2) };
    let (_, seen, _) = train(&alone, 0);
    assert_eq!(seen.epochs[0].ema, None);
    let last = seen.epochs[1];
    let ema = last.ema.unwrap();
    assert_eq!((ema.loss, ema.top1), (last.test.loss, last.test.top1));
}

/// Taken over all images at once, running statistics are those that the forward pass of training
/// uses; over batches of one size the means are the same.
#[test]
fn statistics_are_the_means_over_the_batches() {
    let model = Model::new(plan(), 0, Device::Cpu).unwrap();
    let [train, ..] = images();
    let (inputs, _) = train.in_order(0, 300).unwrap();
    let plain = Train { augment: Vec::new(), ..recipe(0.05, 1) };
    let take = |batch| {
        let recipe = Train { batch, ..plain.clone() };
        statistics::recompute(&model, &recipe, 0, &train).unwrap();
        model.weights().find(|(w, _)| w.name == "bn1.running_mean").unwrap().1.copy()
    };
    let whole = take(300);
    let evaluated = tch::no_grad(|| model.forward(&inputs, false).unwrap());
    let trained = tch::no_grad(|| model.forward(&inputs, true).unwrap());
    let apart = (&evaluated - &trained).abs().max().double_value(&[]);
    let size = trained.abs().max().double_value(&[]);
    assert!(apart < 2e-3 * size, "{apart} of {size}");
    let apart = (take(100) - &whole).abs().max().double_value(&[]);
    assert!(apart < 1e-4 * whole.abs().max().double_value(&[]), "{apart}");
}
