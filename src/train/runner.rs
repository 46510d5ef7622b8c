//! The trainer that a sweep is given: one model a run, images moved to the device once.

use std::rc::Rc;

use tch::{Device, TchError};

use super::batches::DeviceImages;
use super::evaluate::latency_ms;
use super::fit::{self, Stopped, fit};
use super::meter;
use crate::data::Dataset;
use crate::model::Model;
use crate::plan::Plan;
use crate::records::EpochRow;
use crate::spec::data::{Data, Normalize};
use crate::spec::train::Train;
use crate::sweep::{Outcome, Run, RunLog, StepReport, Trained, Trainer};

/// Trains runs on one device.
#[derive(Debug)]
pub struct Runner {
    device: Device,
    recipe: Train,
    train: DeviceImages,
    test: DeviceImages,
}

impl Runner {
    /// A trainer for a recipe, with the images on the device.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn new(
        device: Device,
        recipe: Train,
        spec: &Data,
        data: &Dataset,
    ) -> Result<Self, TchError> {
        let normalize = normalize(spec, data);
        Ok(Self {
            device,
            recipe,
            train: DeviceImages::new(&data.train, spec, normalize, device)?,
            test: DeviceImages::new(&data.test, spec, normalize, device)?,
        })
    }

    fn run(&self, run: &Run<Rc<Plan>>, log: &mut RunLog<'_>) -> Result<Trained, Stopped> {
        meter::reset_peak_memory(self.device);
        let model = Model::new(run.payload.as_ref().clone(), run.id.seed, self.device)?;
        let mut teller = Teller { run, log, images: self.train.len(), tests: self.test.len() };
        fit(&model, &self.recipe, run.id.seed, &self.train, &self.test, &mut teller)?;
        let peak_memory_mb = meter::peak_memory_mb(self.device);
        let latency_ms = Some(latency_ms(&model, &self.test)?);
        Ok(Trained { outcome: Outcome::Completed, latency_ms, peak_memory_mb })
    }
}

/// The spec's normalisation, or the data set's own.
pub fn normalize(spec: &Data, data: &Dataset) -> Normalize {
    spec.normalize.unwrap_or_else(|| {
        let own = data.normalization();
        let row = |values: [f32; 3]| {
            let [r, g, b] = values.map(f64::from);
            (r, g, b)
        };
        Normalize { mean: row(own.mean), std: row(own.std) }
    })
}

impl Trainer<Rc<Plan>> for Runner {
    type Error = Stopped;

    fn train(&mut self, run: &Run<Rc<Plan>>, log: &mut RunLog<'_>) -> Result<Trained, Stopped> {
        match self.run(run, log) {
            Err(Stopped::Diverged { epoch, .. }) => {
                let outcome = Outcome::Diverged { epoch };
                Ok(Trained { outcome, latency_ms: None, peak_memory_mb: None })
            }
            other => other,
        }
    }
}

/// Turns what the loop tells into rows.
struct Teller<'a, 'log> {
    run: &'a Run<Rc<Plan>>,
    log: &'a mut RunLog<'log>,
    images: i64,
    tests: i64,
}

impl fit::Watch for Teller<'_, '_> {
    fn step(&mut self, step: &fit::Step) {
        self.log.step(&StepReport {
            epoch: step.epoch,
            step: step.step as u32,
            steps: step.steps as u32,
            images_per_s: Some(step.images as f64 / step.seconds),
            loss: step.loss,
        });
    }

    fn epoch(&mut self, epoch: &fit::Epoch) {
        self.log.epoch(EpochRow {
            experiment: self.run.id.experiment.clone(),
            seed: self.run.id.seed,
            epoch: epoch.number,
            lr: epoch.lr,
            train_loss: epoch.loss,
            train_top1: Some(epoch.top1),
            test_loss: Some(epoch.test.loss),
            top1: Some(epoch.test.top1),
            epoch_s: epoch.seconds,
            eval_s: Some(epoch.test.seconds),
            train_images_per_s: Some(self.images as f64 / epoch.seconds),
            eval_images_per_s: Some(self.tests as f64 / epoch.test.seconds),
        });
    }
}
