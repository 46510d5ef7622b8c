//! A folder of results with a sweep whose runs the tests write.
#![allow(dead_code)]

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use half::f16;
use resweep::records::{
    Access, Ending, Environment, EpochRow, Facts, Record, RunId, Span, Status, Store,
};
use resweep::saved::RunFile;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

/// Where runs of tests start: 2023-11-14T22:13:20Z.
pub const STARTED: u64 = 1_700_000_000;

pub struct Results {
    pub root: tempfile::TempDir,
    pub store: Store,
}

impl Results {
    pub fn new(sweep: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), sweep, Access::Alone).unwrap();
        Self { root, store }
    }

    /// The folder of the sweep.
    pub fn path(&self) -> PathBuf {
        self.store.folder().to_path_buf()
    }

    /// A run that ended so, with these accuracies after its epochs.
    pub fn run(&self, experiment: &str, seed: u64, status: Status, top1: &[f64]) -> RunId {
        let id = RunId { experiment: experiment.into(), seed, spec_hash: "a".repeat(64) };
        let epochs = (1..).zip(top1).map(|(number, top1)| epoch(&id, number, *top1)).collect();
        let started = UNIX_EPOCH + Duration::from_secs(STARTED);
        let span = Span { started, wall: Duration::from_secs(70) };
        let on = Environment {
            device: "cpu".into(),
            threads: 2,
            code_version: "1.2.3".into(),
            ..Environment::default()
        };
        let record = Record::new(&id, &facts(experiment), &on, epochs, Ending::of(status), span);
        self.store.save(&record).unwrap();
        id
    }

    /// A run that ended well and kept what it said; its loss is 0.5 where it is right, else 2.5.
    pub fn predict(&self, experiment: &str, seed: u64, labels: &[u8], predicted: &[u8]) -> RunId {
        let right = labels.iter().zip(predicted).filter(|(label, own)| label == own).count();
        let top1 = 100.0 * right as f64 / labels.len() as f64;
        let id = self.run(experiment, seed, Status::Ok, &[top1]);
        self.keep(&id, labels, predicted);
        id
    }

    /// Keeps what a run said.
    pub fn keep(&self, id: &RunId, labels: &[u8], predicted: &[u8]) {
        let loss = |(label, own)| f16::from_f32(if label == own { 0.5 } else { 2.5 }).to_le_bytes();
        let loss: Vec<u8> = labels.iter().zip(predicted).flat_map(loss).collect();
        let n = labels.len();
        let tensors = [
            ("labels", TensorView::new(Dtype::U8, vec![n], labels).unwrap()),
            ("predicted", TensorView::new(Dtype::U8, vec![n], predicted).unwrap()),
            ("loss", TensorView::new(Dtype::F16, vec![n], &loss).unwrap()),
        ];
        let path = self.store.run(id).file(RunFile::Predictions);
        serialize_to_file(tensors, &None::<HashMap<String, String>>, &path).unwrap();
    }

    /// Keeps the spec of a run, tested on `data`, such as `set: Shapes10(seed: 0)`.
    pub fn spec(&self, id: &RunId, data: &str) {
        let network = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/models/resnet18.ron");
        let text = format!(
            "Sweep(name: \"made\", networks: [{network:?}], data: ({data}), train: (epochs: 2, batch: 10, \
             optimizer: Sgd(lr: 0.1, momentum: 0.9), augment: [HorizontalFlip()]))"
        );
        fs::write(self.store.run(id).file(RunFile::Spec), text).unwrap();
    }

    /// A text without the place of the folder.
    pub fn tidy(&self, text: &str) -> String {
        text.replace(self.root.path().to_str().unwrap(), "RESULTS")
    }
}

fn facts(experiment: &str) -> Facts {
    let size: u64 = experiment.bytes().filter(u8::is_ascii_digit).map(|b| u64::from(b - 48)).sum();
    Facts {
        params: 1_000_000 * size,
        macs: 50_000_000 * size,
        activation_bytes: None,
        precision: "fp32".into(),
        batch: 10,
        train_images: 100,
        test_images: 100,
    }
}

fn epoch(id: &RunId, epoch: u32, top1: f64) -> EpochRow {
    EpochRow {
        experiment: id.experiment.clone(),
        seed: id.seed,
        epoch,
        lr: 0.1 / f64::from(epoch),
        train_loss: 2.0 / f64::from(epoch),
        test_loss: Some(2.0 - top1 / 100.0),
        top1: Some(top1),
        epoch_s: 20.5,
        eval_s: Some(1.25),
        train_images_per_s: Some(100.0 / 20.5),
        ..EpochRow::default()
    }
}
