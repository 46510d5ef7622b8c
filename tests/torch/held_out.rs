//! Held-out images never train, and are evaluated.

use std::collections::HashSet;
use std::rc::Rc;

use resweep::data::{Dataset, IMAGE_BYTES, shapes10};
use resweep::records::{Access, EpochRow, Facts, Found, Layout, RunId, RunRow, Store};
use resweep::spec::data::{Data, DataSet, Normalize};
use resweep::spec::train::{Eval, Train, Views};
use resweep::sweep::{Job, OneByOne, Run, Start, Stop, execute};
use resweep::train::runner::{Runner, Task};
use resweep::train::split::split;
use tch::Device;

use crate::made::environment;
use crate::training::{plan, recipe};

fn data() -> Data {
    let normalize = Normalize { mean: (0.39, 0.39, 0.39), std: (0.22, 0.22, 0.22) };
    Data {
        set: DataSet::Shapes10 { seed: 0 },
        normalize: Some(normalize),
        validation: Some(40),
        ..Data::default()
    }
}

fn job() -> Job<Task> {
    let train = Train { eval: Eval { views: Views::FlipShift }, ..recipe(0.05, 2) };
    let plan = plan();
    let facts = Facts {
        params: plan.params(),
        macs: plan.macs(),
        activation_bytes: None,
        precision: "fp32".into(),
        batch: train.batch,
        train_images: 160,
        test_images: 50,
    };
    let id = RunId { experiment: "one".into(), seed: 0, spec_hash: "0".repeat(64) };
    let payload = Task { plan: Rc::new(plan), train, data: data(), teacher: None };
    let environment = environment();
    let runs = vec![Run { id, epochs: 2, spec: String::new(), facts, payload }];
    Job {
        name: "held_out".into(),
        environment,
        layout: Layout::plain(&["one"]),
        runs,
        halving: None,
        until_resolved: None,
        stop: Stop::default(),
    }
}

/// The rows of a run on these images.
fn run(images: &Dataset) -> (RunRow, Vec<EpochRow>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "held_out", Access::Alone).unwrap();
    let mut runner = Runner::new(Device::Cpu, Box::new(|_| Ok(images.clone())));
    let _ = execute(&job(), &mut OneByOne(&mut runner), &store, &mut (), Start::Fresh).unwrap();
    let Found::Record(record) = store.find(&job().runs[0].id).unwrap() else { panic!("no record") };
    (record.run, record.epochs)
}

#[test]
fn what_is_held_out_does_not_train() {
    let images = shapes10::generate(200, 50, 0);
    let held_out = split(images.train.clone(), &data()).1.unwrap();
    let held_out: HashSet<&[u8]> = held_out.pixels.chunks(IMAGE_BYTES).collect();
    assert_eq!(held_out.len(), 40);
    let mut blacked = images.clone();
    for image in blacked.train.pixels.chunks_mut(IMAGE_BYTES) {
        if held_out.contains(&*image) {
            image.fill(0);
        }
    }
    let ((run_as_is, as_is), (_, blacked)) = (run(&images), run(&blacked));
    assert_eq!((as_is.len(), blacked.len()), (2, 2));
    for (a, b) in as_is.iter().zip(&blacked) {
        assert_eq!((a.train_loss, a.train_top1), (b.train_loss, b.train_top1));
        assert_eq!((a.test_loss, a.top1, a.top1_tta), (b.test_loss, b.top1, b.top1_tta));
        assert_ne!(a.val_loss, b.val_loss);
        assert!(a.val_top1.is_some() && a.top1_tta.is_some() == (a.epoch == 2));
    }
    assert_eq!(run_as_is.val_top1, as_is[1].val_top1);
    assert_eq!(run_as_is.top1_tta, as_is[1].top1_tta);
}
