//! Numbers of runs that were never trained. They follow from the experiment and the seed alone.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use half::f16;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use resweep::records::{EpochRow, atomic};
use resweep::saved::RunFile;
use resweep::sweep::{Outcome, Run, RunLog, Trained, Trainer, Work};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView, serialize};

/// Pretends to train, and leaves what a run leaves.
pub struct Inventor {
    labels: Vec<u8>,
    /// How hard each test image is, 0 to 1, for every network alike.
    hardness: Vec<f64>,
}

/// Of so many runs one diverges.
const DIVERGES: u32 = 100;
/// Classes.
const CLASSES: u8 = 10;

/// Why the files of a run cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum InventError {
    /// The disk refuses.
    #[error("cannot write the files of a run: {0}")]
    Unwritable(#[from] io::Error),
    /// Only a defect of this program leads here.
    #[error("cannot encode tensors: {0}")]
    Tensors(#[from] SafeTensorError),
}

/// What a run says of the test images.
struct Said {
    predicted: Vec<u8>,
    loss: Vec<u8>,
    top1: f64,
    test_loss: f64,
}

impl Inventor {
    /// Of test images with these classes.
    pub fn new(labels: Vec<u8>) -> Self {
        let mut random = StdRng::seed_from_u64(1);
        let hardness = labels.iter().map(|_| share(&mut random)).collect();
        Self { labels, hardness }
    }

    /// The better the network, the harder the images that it knows.
    fn said(&self, skill: f64, random: &mut StdRng) -> Said {
        let mut said = Said { predicted: Vec::new(), loss: Vec::new(), top1: 0.0, test_loss: 0.0 };
        for (label, hardness) in self.labels.iter().zip(&self.hardness) {
            let chance = 1.0 / (1.0 + (8.0 * (hardness - skill)).exp());
            let (drawn, sure) = (share(random), share(random));
            let is_right = drawn < chance;
            let other = random.random_range(1..CLASSES);
            said.predicted.push(if is_right { *label } else { (label + other) % CLASSES });
            let loss = f16::from_f64(if is_right { 0.7 * sure } else { 0.7 + 3.0 * sure });
            said.loss.extend(loss.to_le_bytes());
            said.top1 += f64::from(u8::from(is_right));
            said.test_loss += loss.to_f64();
        }
        let images = self.labels.len() as f64;
        said.top1 *= 100.0 / images;
        said.test_loss /= images;
        said
    }

    fn write(&self, run: &Run<()>, said: &Said, folder: &Path) -> Result<(), InventError> {
        let images = vec![self.labels.len()];
        let predictions = BTreeMap::from([
            ("labels", TensorView::new(Dtype::U8, images.clone(), &self.labels)?),
            ("predicted", TensorView::new(Dtype::U8, images.clone(), &said.predicted)?),
            ("loss", TensorView::new(Dtype::F16, images, &said.loss)?),
        ]);
        let bytes = serialize(predictions, &None)?;
        atomic::replace_soon(&folder.join(RunFile::Predictions.name()), &bytes)?;
        let one = (run.id.seed as f32).to_le_bytes();
        let weights = BTreeMap::from([("synthetic", TensorView::new(Dtype::F32, vec![1], &one)?)]);
        let about = [("about".to_owned(), "synthetic: no weights of a network".to_owned())];
        let bytes = serialize(weights, &Some(about.into()))?;
        Ok(atomic::replace_soon(&folder.join(RunFile::Weights.name()), &bytes)?)
    }
}

impl Trainer<()> for Inventor {
    type Error = InventError;

    fn train(&mut self, work: &Work<'_, ()>, log: &mut RunLog<'_>) -> Result<Trained, InventError> {
        let run = work.run;
        let mut random = self::random(run);
        log.say("synthetic: these numbers are made up, nothing is trained");
        let diverges = random.random_range(0..DIVERGES) == 0;
        let end = if diverges { run.epochs.div_ceil(2) } else { run.epochs };
        let said = self.said(skill(run, &mut random), &mut random);
        for epoch in 1..=end {
            log.epoch(row(run, epoch, &said, diverges && epoch == end, &mut random));
        }
        let outcome = match diverges {
            true => Outcome::Diverged { epoch: end },
            false => Outcome::Completed,
        };
        if let Some(folder) = work.leg.folder.as_ref().filter(|_| !diverges) {
            self.write(run, &said, folder.path())?;
        }
        let latency_ms =
            Some(0.2 + run.facts.macs as f64 / 4e7 * (1.0 + 0.02 * share(&mut random)));
        let peak_memory_mb = Some(60.0 + run.facts.params as f64 / 2.5e5);
        Ok(Trained { outcome, restored_epoch: None, latency_ms, peak_memory_mb })
    }
}

/// What a network of this size with this rate of learning comes to, and what the seed adds.
fn skill(run: &Run<()>, random: &mut StdRng) -> f64 {
    let mut of_experiment = StdRng::seed_from_u64(hash(&run.id.experiment));
    let of_experiment = share(&mut of_experiment) - 0.5;
    let of_seed = share(random) + share(random) - 1.0;
    0.3 + 0.03 * (run.facts.params as f64).log2() + 0.06 * of_experiment + 0.01 * of_seed
}

/// An epoch on the way to what is said in the end.
fn row(run: &Run<()>, epoch: u32, said: &Said, breaks: bool, random: &mut StdRng) -> EpochRow {
    let way = f64::from(epoch) / f64::from(run.epochs);
    let is_last = epoch == run.epochs;
    let short = if is_last { 0.0 } else { (-4.0 * way).exp() };
    let jitter = if is_last { 0.0 } else { share(random) - 0.5 };
    let top1 = said.top1 - (said.top1 - 10.0) * short + jitter;
    let test_loss = said.test_loss + (2.3 - said.test_loss) * short;
    let (images, tests) = (run.facts.train_images as f64, run.facts.test_images as f64);
    let pass = run.facts.macs as f64 / 2e10;
    let (epoch_s, eval_s) = ((1.0 + 0.1 * share(random)) * 3.0 * pass * images, pass * tests);
    EpochRow {
        experiment: run.id.experiment.clone(),
        seed: run.id.seed,
        epoch,
        lr: 0.05 * (1.0 + (std::f64::consts::PI * way).cos()),
        train_loss: if breaks { f64::NAN } else { 0.9 * test_loss },
        train_top1: (!breaks).then_some(top1 + 1.0),
        test_loss: (!breaks).then_some(test_loss),
        top1: (!breaks).then_some(top1),
        epoch_s,
        eval_s: Some(eval_s),
        train_images_per_s: Some(images / epoch_s),
        eval_images_per_s: Some(tests / eval_s),
        ..EpochRow::default()
    }
}

/// The random numbers of a run, which follow from its experiment and seed.
fn random(run: &Run<()>) -> StdRng {
    StdRng::seed_from_u64(hash(&(&run.id.experiment, run.id.seed)))
}

fn hash(value: &impl Hash) -> u64 {
    let mut own = DefaultHasher::new();
    value.hash(&mut own);
    own.finish()
}

/// From 0 to 1.
fn share(random: &mut StdRng) -> f64 {
    random.random()
}
