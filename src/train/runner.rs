//! The trainer that a sweep is given: one model a run, images moved to the device once.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tch::{Device, TchError};

use super::batches::DeviceImages;
use super::checkpoint::{Checkpoints, Moment};
use super::evaluate::latency_ms;
use super::fit::{self, Course, Reached, Sets, Stopped, Then};
use super::meter;
use super::precision;
use super::predictions::Predictions;
use super::saved::{FileError, Keeper, Misfit, Saved};
use super::split::split;
use super::whiten::whiten;
use crate::data::Dataset;
use crate::experiment::Teacher;
use crate::model::Model;
use crate::model::state::StateError;
use crate::plan::Plan;
use crate::records::{EpochRow, RunId, atomic};
use crate::saved::{RunFile, RunFolder};
use crate::spec::data::{Data, Normalize};
use crate::spec::train::Train;
use crate::sweep::{Outcome, Point, Run, RunLog, StepReport, Stop, Trained, Trainer, Work};

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
    pub(super) device: Device,
    load: Load<'a>,
    keeping: Keeping,
    /// Says that runs are to stop.
    stop: Stop,
    /// The images of the latest run; those of the next are often the same.
    images: Option<Prepared>,
}

/// What is kept of runs in their folders.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Whether final weights are.
    pub weights: bool,
    /// Least time between two checkpoints within an epoch.
    pub checkpoint_every: Duration,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { weights: true, checkpoint_every: Duration::from_secs(120) }
    }
}

/// Images on the device.
pub(super) struct Prepared {
    data: Data,
    pub(super) train: DeviceImages,
    validation: Option<DeviceImages>,
    pub(super) test: DeviceImages,
}

impl Prepared {
    pub(super) fn sets(&self) -> Sets<'_> {
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
        let (keeping, stop) = (Keeping::default(), Stop::default());
        Self { device, load, keeping, stop, images: None }
    }

    /// Says what is kept of runs that have a folder.
    pub fn keeping(self, keeping: Keeping) -> Self {
        Self { keeping, ..self }
    }

    /// Has runs stop when that is said, each with a checkpoint.
    pub fn stopped_by(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The images of a run, on the device; those of another data set are freed first.
    pub(super) fn images(&mut self, data: &Data) -> Result<&Prepared, RunError> {
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
        let (keeping, stop) = (self.keeping, self.stop.clone());
        let images = self.images(data)?;
        meter::reset_peak_memory(device);
        precision::set_up(train.precision, device)?;
        let teacher = teacher.as_deref().map(|it| loaded(it, train, device)).transpose()?;
        let model = || fresh(run, images, device);
        let begin = |model| {
            let course = Course::new(model, train, run.id.seed, images.sets())?;
            course.of_spec(&run.id.spec_hash).taught_by(teacher.as_ref())
        };
        let (first, second);
        first = model()?;
        let mut course = begin(&first)?;
        let model = match restored(leg.folder.as_ref(), &mut course, log) {
            Ok(()) => &first,
            // What does not fit may have changed the run in part.
            Err(why) => {
                log.say(&format!("{why}; it is trained from its start"));
                second = model()?;
                course = begin(&second)?;
                &second
            }
        };
        let seen = train.images_per_epoch(images.train.len() as u64) as i64;
        // Weights, and two numbers for each of an optimiser; averages come in addition.
        let bytes = 3 * 4 * plan.params();
        let every = keeping.checkpoint_every;
        let checkpoints = leg.folder.clone().map(|it| Checkpoints::new(it, every, bytes));
        let (tests, stop) = (images.test.len(), &stop);
        let mut teller = Teller { run, log, images: seen, tests, checkpoints, stop };
        teller.recall(&course);
        let reached = course.train(leg.until.unwrap_or(train.epochs), &mut teller)?;
        let peak_memory_mb = meter::peak_memory_mb(device);
        let on_the_way = |outcome| {
            let (restored_epoch, latency_ms) = (None, None);
            Ok(Trained { outcome, restored_epoch, latency_ms, peak_memory_mb })
        };
        if reached == Reached::Stop {
            return on_the_way(Outcome::Stopped);
        }
        if let (false, Some(checkpoints)) = (course.is_over(), &mut teller.checkpoints) {
            checkpoints.write(&Keeper::save(|keeper| course.keep(keeper))?)?;
            return on_the_way(Outcome::Paused);
        }
        let latency_ms = Some(latency_ms(model, &images.test)?);
        let outcome = match course.stopped() {
            Some(reason) => Outcome::StoppedEarly { reason },
            None => Outcome::Completed,
        };
        let restored_epoch = course.restored();
        drop(course);
        if let Some(folder) = &leg.folder {
            let weights = |path: &Path| model.save(path).map_err(text);
            if keeping.weights {
                keep(folder.file(RunFile::Weights), weights)?;
            }
            let predictions = Predictions::of(model, &images.test, i64::from(train.eval_batch))?;
            let predictions = |path: &Path| predictions.save(path).map_err(text);
            keep(folder.file(RunFile::Predictions), predictions)?;
        }
        Ok(Trained { outcome, restored_epoch, latency_ms, peak_memory_mb })
    }
}

/// The network of a run before its first step.
pub(super) fn fresh(run: &Run<Task>, images: &Prepared, device: Device) -> Result<Model, RunError> {
    let Task { plan, train, .. } = &run.payload;
    let model = Model::new(plan.as_ref().clone(), run.id.seed, device)?
        .computing_with(precision::arithmetic(train.precision));
    whiten(&model, &images.train)?;
    Ok(model)
}

/// Brings a run to its latest checkpoint; one without is at its start. Else why it cannot be brought
/// there.
fn restored(
    folder: Option<&RunFolder>,
    course: &mut Course<'_>,
    log: &mut RunLog<'_>,
) -> Result<(), Misfit> {
    let (saved, words) = folder.map(Checkpoints::read).unwrap_or_default();
    let instead = match &saved {
        Some(_) => "the checkpoint before it is used",
        None => "the run is trained from its start",
    };
    words.iter().for_each(|word| log.say(&format!("{word}; {instead}")));
    match saved {
        Some(saved) => Keeper::restore(saved, |keeper| course.keep(keeper)),
        None => Ok(()),
    }
}

/// Writes a file of a run that has trained to its end, as a whole. Where that fails the run does: it
/// has a checkpoint to go on from when there is room again.
fn keep(path: PathBuf, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), RunError> {
    let written = atomic::replace_by(&path, write);
    written.map_err(|source| FileError::Unwritable { path, source }.into())
}

fn text(error: impl Error) -> io::Error {
    io::Error::other(error.to_string())
}

/// A teacher, which computes as its pupil does.
pub(super) fn loaded(
    teacher: &Teacher,
    train: &Train,
    device: Device,
) -> Result<Model, StateError> {
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

/// Turns what the loop tells into rows, and its states into checkpoints.
struct Teller<'a, 'log> {
    run: &'a Run<Task>,
    log: &'a mut RunLog<'log>,
    images: i64,
    tests: i64,
    /// None where nothing is kept of the run.
    checkpoints: Option<Checkpoints>,
    stop: &'a Stop,
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

    fn then(&mut self, moment: Moment) -> Then {
        match &self.checkpoints {
            _ if self.stop.is_set() => Then::Stop,
            Some(checkpoints) if checkpoints.is_due(moment) => Then::Save,
            _ => Then::GoOn,
        }
    }

    fn save(&mut self, state: &Saved) {
        let written = self.checkpoints.as_mut().map(|checkpoints| checkpoints.write(state));
        if let Some(Err(error)) = written {
            self.log.say(&format!("{error}; an earlier checkpoint is kept"));
        }
    }
}

impl Teller<'_, '_> {
    /// Tells what a run that goes on has behind it.
    fn recall(&mut self, course: &Course<'_>) {
        let (epochs, steps) = course.point();
        if (epochs, steps) != (0, 0) {
            self.log.go_on(Point { epochs, steps });
        }
        course.epochs().iter().for_each(|epoch| self.log.recall(self.row(epoch)));
    }

    fn row(&self, epoch: &fit::Epoch) -> EpochRow {
        row(&self.run.id, epoch, (self.images, self.tests))
    }
}

/// An epoch as it is recorded; of so many training and test images.
pub(super) fn row(id: &RunId, epoch: &fit::Epoch, (images, tests): (i64, i64)) -> EpochRow {
    EpochRow {
        experiment: id.experiment.clone(),
        seed: id.seed,
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
        train_images_per_s: Some(images as f64 / epoch.seconds),
        eval_images_per_s: Some(tests as f64 / epoch.test.seconds),
    }
}
