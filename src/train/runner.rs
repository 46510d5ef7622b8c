//! The trainer that a sweep is given: one model a run, images moved to the device once.

use std::error::Error;
use std::io;
use std::path::Path;
use std::rc::Rc;

use tch::{Device, TchError};

use super::batches::DeviceImages;
use super::evaluate::latency_ms;
use super::fit::{self, Course, Sets, Stopped};
use super::meter;
use super::precision;
use super::saved::{self, FileError, Keeper, Misfit};
use super::split::split;
use super::whiten::whiten;
use crate::data::Dataset;
use crate::experiment::Teacher;
use crate::model::Model;
use crate::model::state::StateError;
use crate::plan::Plan;
use crate::records::{EpochRow, RunId, Store};
use crate::spec::data::{Data, Normalize};
use crate::spec::train::Train;
use crate::sweep::{Leg, Outcome, Run, RunLog, StepReport, Trained, Trainer, Work};

/// What a run trains.
#[derive(Debug, Clone)]
pub struct Task {
    /// The network.
    pub plan: Rc<Plan>,
    /// The recipe.
    pub train: Train,
    /// The images.
    pub data: Data,
    /// The run that it learns from.
    pub teacher: Option<Rc<Teacher>>,
}

/// Loads the images that a spec asks for.
pub type Load<'a> = Box<dyn FnMut(&Data) -> Result<Dataset, Box<dyn Error>> + 'a>;

/// Trains runs on one device.
pub struct Runner<'a> {
    device: Device,
    load: Load<'a>,
    /// Where final weights are kept.
    weights: Option<Store>,
    /// The images of the latest run; those of the next are often the same.
    images: Option<Prepared>,
}

/// Images on the device.
struct Prepared {
    data: Data,
    train: DeviceImages,
    validation: Option<DeviceImages>,
    test: DeviceImages,
}

impl Prepared {
    fn sets(&self) -> Sets<'_> {
        Sets { train: &self.train, validation: self.validation.as_ref(), test: &self.test }
    }
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Training stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The teacher could not be loaded.
    #[error(transparent)]
    Teacher(#[from] StateError),
    /// The images could not be loaded.
    #[error(transparent)]
    Images(Box<dyn Error>),
    /// Its state could not be taken down.
    #[error(transparent)]
    State(#[from] Misfit),
    /// Its state could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<TchError> for RunError {
    fn from(error: TchError) -> Self {
        Self::Stopped(error.into())
    }
}

impl<'a> Runner<'a> {
    /// A trainer that loads images where a run asks for others than the one before.
    pub fn new(device: Device, load: Load<'a>) -> Self {
        Self { device, load, weights: None, images: None }
    }

    /// Keeps the final weights of runs that train to their end, where there is a store for them.
    pub fn keeping_weights(self, weights: Option<Store>) -> Self {
        Self { weights, ..self }
    }

    /// The images of a run, on the device; those of another data set are freed first.
    fn images(&mut self, data: &Data) -> Result<&Prepared, RunError> {
        let prepared = match self.images.take().filter(|images| images.data == *data) {
            Some(prepared) => prepared,
            None => self.prepare(data)?,
        };
        Ok(self.images.insert(prepared))
    }

    fn prepare(&mut self, data: &Data) -> Result<Prepared, RunError> {
        let loaded = (self.load)(data).map_err(RunError::Images)?;
        let (train, held_out) = split(loaded.train, data);
        let loaded = Dataset { train, ..loaded };
        let normalize = normalize(data, &loaded);
        let on_device = |images| DeviceImages::new(images, data, normalize, self.device);
        let (train, test) = (on_device(&loaded.train)?, on_device(&loaded.test)?);
        let validation = held_out.as_ref().map(on_device).transpose()?;
        Ok(Prepared { data: data.clone(), train, validation, test })
    }

    fn run(&mut self, work: &Work<'_, Task>, log: &mut RunLog<'_>) -> Result<Trained, RunError> {
        let (run, leg) = (work.run, &work.leg);
        let (device, Task { plan, train, data, teacher }) = (self.device, &run.payload);
        let images = self.images(data)?;
        meter::reset_peak_memory(device);
        precision::set_up(train.precision, device)?;
        let teacher = teacher.as_deref().map(|it| loaded(it, train, device)).transpose()?;
        let model = || -> Result<Model, RunError> {
            let model = Model::new(plan.as_ref().clone(), run.id.seed, device)?
                .computing_with(precision::arithmetic(train.precision));
            whiten(&model, &images.train)?;
            Ok(model)
        };
        let begin = |model| {
            Course::new(model, train, run.id.seed, images.sets())?.taught_by(teacher.as_ref())
        };
        let (first, second);
        first = model()?;
        let mut course = begin(&first)?;
        let model = match restored(leg, run, &mut course) {
            Ok(()) => &first,
            // What does not fit may have changed the run in part.
            Err(why) => {
                log.say(&why);
                second = model()?;
                course = begin(&second)?;
                &second
            }
        };
        let seen = train.images_per_epoch(images.train.len() as u64) as i64;
        let mut teller = Teller { run, log, images: seen, tests: images.test.len() };
        course.epochs().iter().for_each(|epoch| teller.recall(epoch));
        course.train(leg.until.unwrap_or(train.epochs), &mut teller)?;
        let peak_memory_mb = meter::peak_memory_mb(device);
        if let (false, Some(path)) = (course.is_over(), &leg.state) {
            let state = Keeper::save(|keeper| keep(keeper, run, &mut course))?;
            saved::write(path, &state)?;
            let (restored_epoch, latency_ms) = (None, None);
            let outcome = Outcome::Paused;
            return Ok(Trained { outcome, restored_epoch, latency_ms, peak_memory_mb });
        }
        let latency_ms = Some(latency_ms(model, &images.test)?);
        let outcome = match course.stopped() {
            Some(reason) => Outcome::StoppedEarly { reason },
            None => Outcome::Completed,
        };
        let restored_epoch = course.restored();
        drop(course);
        self.keep(&run.id, model);
        Ok(Trained { outcome, restored_epoch, latency_ms, peak_memory_mb })
    }
}

/// Brings a run to where it waited; one that did not wait is at its start. Else why it cannot be
/// brought there.
fn restored(leg: &Leg, run: &Run<Task>, course: &mut Course<'_>) -> Result<(), String> {
    let Some(path) = &leg.state else { return Ok(()) };
    let why = |error: &dyn Error| format!("{error}; it is trained from its start");
    match saved::read(path) {
        Err(FileError::Missing { .. }) => Ok(()),
        Err(error) => Err(why(&error)),
        Ok(saved) => {
            let restored = Keeper::restore(saved, |keeper| keep(keeper, run, course));
            restored.map_err(|error| why(&error))
        }
    }
}

/// All that decides how a run goes on, and whose it is.
fn keep(keeper: &mut Keeper, run: &Run<Task>, course: &mut Course<'_>) -> Result<(), Misfit> {
    keeper.same("spec_hash", &run.id.spec_hash)?;
    course.keep(keeper)
}

impl Runner<'_> {
    /// Keeps weights; a run that has trained to its end is not given up where that fails.
    fn keep(&self, id: &RunId, model: &Model) {
        let Some(store) = &self.weights else { return };
        let write =
            |path: &Path| model.save(path).map_err(|error| io::Error::other(error.to_string()));
        if let Err(error) = store.save_weights(id, write) {
            eprintln!("warning: {error}; the run goes on record without its weights");
        }
    }
}

/// A teacher, which computes as its pupil does.
fn loaded(teacher: &Teacher, train: &Train, device: Device) -> Result<Model, StateError> {
    let mut model = Model::new(teacher.plan.clone(), 0, device)?
        .computing_with(precision::arithmetic(train.precision));
    model.load(&teacher.weights)?;
    Ok(model)
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

impl Trainer<Task> for Runner<'_> {
    type Error = RunError;

    fn train(&mut self, work: &Work<'_, Task>, log: &mut RunLog<'_>) -> Result<Trained, RunError> {
        match self.run(work, log) {
            Err(RunError::Stopped(Stopped::Diverged { epoch, .. })) => {
                let outcome = Outcome::Diverged { epoch };
                let nothing = (None, None, None);
                let (restored_epoch, latency_ms, peak_memory_mb) = nothing;
                Ok(Trained { outcome, restored_epoch, latency_ms, peak_memory_mb })
            }
            other => other,
        }
    }
}

/// Turns what the loop tells into rows.
struct Teller<'a, 'log> {
    run: &'a Run<Task>,
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
        self.log.epoch(self.row(epoch));
    }

    fn note(&mut self, text: &str) {
        self.log.say(text);
    }
}

impl Teller<'_, '_> {
    fn recall(&mut self, epoch: &fit::Epoch) {
        self.log.recall(self.row(epoch));
    }

    fn row(&self, epoch: &fit::Epoch) -> EpochRow {
        EpochRow {
            experiment: self.run.id.experiment.clone(),
            seed: self.run.id.seed,
            epoch: epoch.number,
            lr: epoch.lr,
            train_loss: epoch.loss,
            train_top1: Some(epoch.top1),
            test_loss: Some(epoch.test.loss),
            top1: Some(epoch.test.top1),
            val_loss: epoch.validation.map(|validation| validation.loss),
            val_top1: epoch.validation.map(|validation| validation.top1),
            top1_tta: epoch.tta,
            top1_ema: epoch.ema.map(|ema| ema.top1),
            top1_swa: epoch.swa.map(|swa| swa.top1),
            epoch_s: epoch.seconds,
            eval_s: Some(epoch.test.seconds),
            train_images_per_s: Some(self.images as f64 / epoch.seconds),
            eval_images_per_s: Some(self.tests as f64 / epoch.test.seconds),
        }
    }
}
