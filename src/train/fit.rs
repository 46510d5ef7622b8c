//! The training loop.

use std::time::Instant;

use rand::Rng;
use serde::{Deserialize, Serialize};
use tch::{Device, TchError};

use super::average::Averages;
use super::batches::{self, DeviceImages};
use super::checkpoint::Moment;
use super::distill::Lesson;
use super::early_stop::EarlyStopping;
use super::evaluate::{Evaluation, Sums, evaluate, top1_of_views};
use super::meter;
use super::optim::Optim;
use super::pass::Pass;
use super::replay::{Batches, Replay};
use super::saved::{Keeper, Misfit, Saved};
use super::schedule::Rates;
use crate::device;
use crate::model::Model;
use crate::random::{Purpose, generator};
use crate::spec::train::Train;

pub use super::pass::loss;

/// An epoch that is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub number: u32,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Mean training loss, nats.
    pub loss: f64,
    /// Accuracy on the training images as they were seen, percent; against the class with the
    /// largest share where images were mixed.
    pub top1: f64,
    /// Training time, seconds.
    pub seconds: f64,
    /// On the test set, after it.
    pub test: Evaluation,
    /// On the held-out training images, after it.
    pub validation: Option<Evaluation>,
    /// Accuracy on the test set by several views of every image, with the weights that the run ends
    /// with, percent.
    pub tta: Option<f64>,
    /// The moving average of the weights on the test set.
    pub ema: Option<Evaluation>,
    /// The equal average of the weights on the test set, after the last epoch.
    pub swa: Option<Evaluation>,
}

/// The images of a run.
#[derive(Debug, Clone, Copy)]
pub struct Sets<'a> {
    /// To train on.
    pub train: &'a DeviceImages,
    /// Training images that are held out, to choose by.
    pub validation: Option<&'a DeviceImages>,
    /// To test on.
    pub test: &'a DeviceImages,
}

/// A step that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// From 1.
    pub epoch: u32,
    /// Steps done in this epoch.
    pub step: u64,
    /// Steps in every epoch.
    pub steps: u64,
    /// Images done in this epoch.
    pub images: u64,
    /// Seconds since the epoch began.
    pub seconds: f64,
    /// Mean loss of the epoch so far; none on a device that would have to be waited for.
    pub loss: Option<f64>,
    /// Its learning rate.
    pub lr: f64,
    /// Whether its passes were a replayed CUDA graph.
    pub is_replayed: bool,
}

/// Told what happens while a model trains.
pub trait Watch {
    /// A step is done. Called at every step: must be quick.
    fn step(&mut self, step: &Step);
    /// An epoch is done.
    fn epoch(&mut self, epoch: &Epoch);
    /// Something that a person should know, and that does not stop training.
    fn note(&mut self, _text: &str) {}
    /// How it is to go on. Asked after every step and every epoch but the last: must be quick.
    fn then(&mut self, _moment: Moment) -> Then {
        Then::GoOn
    }
    /// Is given the state of the run, where it has asked for it. The tensors are those of the run:
    /// they are to be written before this returns.
    fn save(&mut self, _state: &Saved) {}
}

/// How training is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// At once.
    GoOn,
    /// When the state is saved.
    Save,
    /// Not at all, when the state is saved.
    Stop,
}

/// How far training came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// As far as was asked for, or to the run's end.
    End,
    /// Less far, since the watch said so. The run goes on from the state that was saved.
    Stop,
}

/// Why training stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The loss is no longer a finite number.
    #[error(
        "the loss became {loss} in epoch {epoch}; a lower learning rate or a longer warm-up may help"
    )]
    Diverged {
        /// From 1.
        epoch: u32,
        /// `NaN` or `inf`.
        loss: f64,
    },
    /// The state could not be taken down.
    #[error(transparent)]
    State(#[from] Misfit),
    /// libtorch.
    #[error("{}", crate::torch_error::first_line(.0))]
    Torch(#[from] TchError),
}

/// Trains a model by a recipe, and evaluates it after every epoch.
///
/// No step waits for the device: losses are summed there and read once an epoch. On the CPU, where
/// reading is free, a loss that is not finite stops the run at its step.
///
/// # Errors
/// A loss that is not finite, and what libtorch reports.
pub fn fit(
    model: &Model,
    recipe: &Train,
    seed: u64,
    sets: Sets<'_>,
    watch: &mut dyn Watch,
) -> Result<(), Stopped> {
    let mut course = Course::new(model, recipe, seed, sets)?.taught_by(None)?;
    course.train(recipe.epochs, watch).map(|_| ())
}

/// A run under way.
#[derive(Debug)]
pub struct Course<'a> {
    model: &'a Model,
    recipe: &'a Train,
    lesson: Option<Lesson<'a>>,
    spec_hash: String,
    seed: u64,
    sets: Sets<'a>,
    /// Of an epoch.
    steps: u64,
    rates: Rates,
    optim: Optim,
    averages: Averages,
    early_stop: Option<EarlyStopping>,
    replay: Replay,
    /// Whether the network draws random numbers in training.
    is_random: bool,
    /// The epochs that are done.
    done: Vec<Epoch>,
    /// The epoch under way.
    partial: Partial,
}

/// An epoch under way.
#[derive(Debug)]
struct Partial {
    /// Steps done.
    steps: u64,
    /// Time that they took, seconds.
    seconds: f64,
    sums: Sums,
}

impl Partial {
    fn new(device: Device) -> Result<Self, TchError> {
        Ok(Self { steps: 0, seconds: 0.0, sums: Sums::new(device)? })
    }
}

impl<'a> Course<'a> {
    /// A run before its first step.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn new(
        model: &'a Model,
        recipe: &'a Train,
        seed: u64,
        sets: Sets<'a>,
    ) -> Result<Self, TchError> {
        let steps = recipe.steps_per_epoch(sets.train.len() as u64);
        let rates = Rates::new(recipe, steps);
        let optim = Optim::new(recipe, rates.steps(), model)?;
        let averages = Averages::new(recipe, rates.steps(), model)?;
        let early_stop = recipe.early_stop.map(|rule| EarlyStopping::new(rule, model));
        let early_stop = early_stop.transpose()?;
        let is_random = model.plan().steps.iter().any(|step| step.op.operation().is_random());
        let images = recipe.images_per_epoch(sets.train.len() as u64) as i64;
        let batches = Batches::of(images, i64::from(recipe.batch));
        device::search_kernels(model.device(), rates.steps());
        let is_same = !is_random && recipe.accumulate <= 1;
        let replay = Replay::on(model.device(), batches, is_same);
        let (done, partial) = (Vec::new(), Partial::new(model.device())?);
        Ok(Self {
            model,
            recipe,
            lesson: None,
            spec_hash: String::new(),
            seed,
            sets,
            steps,
            rates,
            optim,
            averages,
            early_stop,
            replay,
            is_random,
            done,
            partial,
        })
    }

    /// The same run with the teacher that a recipe with `distill` names; others need none.
    ///
    /// # Errors
    /// A recipe with `distill` and no teacher; what libtorch reports.
    pub fn taught_by(self, teacher: Option<&'a Model>) -> Result<Self, TchError> {
        Ok(Self { lesson: Lesson::of(self.recipe, teacher)?, ..self })
    }

    /// Trains until so many epochs of the recipe's are done, those before a restored state
    /// included, or the run ends early, or the watch stops it. The schedule is that of the whole
    /// recipe.
    ///
    /// # Errors
    /// As for [`fit`].
    pub fn train(&mut self, until: u32, watch: &mut dyn Watch) -> Result<Reached, Stopped> {
        let _stream = self.replay.stream()?;
        let is_left = |course: &Self| !course.is_over() && (course.done.len() as u32) < until;
        while is_left(self) {
            let Some(epoch) = self.epoch(self.done.len() as u32 + 1, watch)? else {
                return Ok(Reached::Stop);
            };
            self.done.push(epoch);
            self.partial = Partial::new(self.model.device())?;
            watch.epoch(&epoch);
            if is_left(self) && self.ask(Moment::Epoch, watch)? == Then::Stop {
                return Ok(Reached::Stop);
            }
        }
        meter::synchronize(self.model.device());
        Ok(Reached::End)
    }

    /// Asks how to go on, and saves the state where that is wanted.
    fn ask(&mut self, moment: Moment, watch: &mut dyn Watch) -> Result<Then, Misfit> {
        let then = watch.then(moment);
        if then != Then::GoOn {
            watch.save(&Keeper::save(|keeper| self.keep(keeper))?);
        }
        Ok(then)
    }

    /// The epochs that are done.
    pub fn epochs(&self) -> &[Epoch] {
        &self.done
    }

    /// Whether the run has come to its end, by its epochs or early.
    pub fn is_over(&self) -> bool {
        self.done.len() as u32 >= self.recipe.epochs || self.stopped().is_some()
    }

    /// Why the run ended early, if it did.
    pub fn stopped(&self) -> Option<String> {
        let epochs = self.done.len() as u32;
        let stops = self.early_stop.as_ref().filter(|_| epochs < self.recipe.epochs);
        stops.filter(|stop| stop.is_over(epochs)).map(|stop| stop.reason(epochs))
    }

    /// The epoch whose weights a run that is over ended with, where the recipe asks for the best.
    pub fn restored(&self) -> Option<u32> {
        self.early_stop.as_ref().filter(|_| self.is_over())?.restored()
    }

    /// How far the run has come: epochs, and steps of the next.
    pub fn point(&self) -> (u32, u64) {
        (self.done.len() as u32, self.partial.steps)
    }

    /// The same run under the hash of its spec: it goes on from no state of another.
    pub fn of_spec(self, hash: &str) -> Self {
        Self { spec_hash: hash.to_owned(), ..self }
    }

    /// All that decides how the run goes on, between two steps. What a run newly draws, saves up
    /// or counts from step to step has its line here.
    ///
    /// Random numbers have none: every generator is derived from seed, purpose, epoch and step
    /// ([`crate::random`]).
    ///
    /// # Errors
    /// When restoring, a state of another run; what libtorch reports.
    pub fn keep(&mut self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.same("spec_hash", &self.spec_hash)?;
        keeper.same("seed", &self.seed)?;
        keeper.value("epochs", &mut self.done)?;
        keeper.value("steps", &mut self.partial.steps)?;
        keeper.value("seconds", &mut self.partial.seconds)?;
        keeper.part("sums", |keeper| self.partial.sums.keep(keeper))?;
        keeper.part("weights", |keeper| {
            let mut weights = self.model.weights();
            weights.try_for_each(|(weight, tensor)| keeper.tensor(&weight.name, tensor))
        })?;
        keeper.part("optim", |keeper| self.optim.keep(keeper))?;
        keeper.part("averages", |keeper| self.averages.keep(keeper))?;
        match &mut self.early_stop {
            Some(stop) => keeper.part("early_stop", |keeper| stop.keep(keeper)),
            None => Ok(()),
        }
    }

    /// Trains an epoch, or what is left of it, and evaluates what came of it; none where the watch
    /// stops it.
    fn epoch(&mut self, number: u32, watch: &mut dyn Watch) -> Result<Option<Epoch>, Stopped> {
        if self.steps_of(number, watch)? == Reached::Stop {
            return Ok(None);
        }
        let started = Instant::now();
        if number == self.recipe.epochs {
            self.optim.finish()?;
        }
        self.averages.after_epoch(number)?;
        let images = self.recipe.images_per_epoch(self.sets.train.len() as u64);
        let (loss, top1) = means(&self.partial.sums, images, number)?;
        let seconds = self.partial.seconds + started.elapsed().as_secs_f64();
        let lr = self.rates.at((u64::from(number) * self.steps).saturating_sub(1));
        let validation = self.validate(number)?;
        let evaluated = self.evaluated(number, validation)?;
        Ok(Some(Epoch { number, lr, loss, top1, seconds, ..evaluated }))
    }

    /// What held-out images say after an epoch, and whether it is thereby the last.
    fn validate(&mut self, number: u32) -> Result<Option<Evaluation>, TchError> {
        let (model, batch) = (self.model, i64::from(self.recipe.eval_batch));
        let Some(images) = self.sets.validation else { return Ok(None) };
        let found = evaluate(model, images, batch)?;
        let Some(stop) = &mut self.early_stop else { return Ok(Some(found)) };
        stop.after(number, &found)?;
        match stop.is_over(number) && number < self.recipe.epochs {
            // What the optimiser does to the weights at the end is done now.
            true if self.optim.finish()? => evaluate(model, images, batch).map(Some),
            _ => Ok(Some(found)),
        }
    }

    /// The steps of an epoch that are not done yet.
    fn steps_of(&mut self, number: u32, watch: &mut dyn Watch) -> Result<Reached, Stopped> {
        let (recipe, train) = (self.recipe, self.sets.train);
        let (device, batch) = (self.model.device(), i64::from(recipe.batch));
        // The time that a checkpoint takes is none of training.
        let (mut started, mut before) = (Instant::now(), self.partial.seconds);
        let order = train.epoch(&recipe.augment, self.seed, number)?;
        while self.partial.steps < self.steps {
            let step = self.partial.steps;
            if self.is_random {
                tch::manual_seed(step_seed(self.seed, number, step));
            }
            let start = step as i64 * batch;
            let count = batch.min(train.len() - start);
            let mut gradients = || self.gradients((&order, start, count), watch);
            match count < batch && step > 0 {
                true => device::without_search(device, gradients)?,
                false => gradients()?,
            }
            let done = u64::from(number - 1) * self.steps + step;
            let lr = self.rates.at(done);
            self.optim.step(lr)?;
            self.averages.after_step(done + 1)?;

            let images = (start + count) as u64;
            let loss = running_loss(&self.partial.sums, device, images)?;
            if let Some(loss) = loss.filter(|loss| !loss.is_finite()) {
                return Err(Stopped::Diverged { epoch: number, loss });
            }
            let seconds = before + started.elapsed().as_secs_f64();
            let is_replayed = self.replay.is_on();
            let (epoch, step, steps) = (number, step + 1, self.steps);
            (self.partial.steps, self.partial.seconds) = (step, seconds);
            watch.step(&Step { epoch, step, steps, images, seconds, loss, lr, is_replayed });
            match self.ask(Moment::Step, watch)? {
                Then::GoOn => {}
                Then::Save => (started, before) = (Instant::now(), seconds),
                Then::Stop => return Ok(Reached::Stop),
            }
        }
        Ok(Reached::End)
    }

    /// What is known of an epoch by evaluation; the rest is empty.
    fn evaluated(&self, number: u32, validation: Option<Evaluation>) -> Result<Epoch, TchError> {
        let Self { model, recipe, sets, averages, .. } = self;
        let batch = i64::from(recipe.eval_batch);
        let test = evaluate(model, sets.test, batch)?;
        let ema = averages.evaluate_ema(model, sets.test, batch)?;
        let (mut tta, mut swa) = (None, None);
        let stop = self.early_stop.as_ref();
        if number == recipe.epochs || stop.is_some_and(|stop| stop.is_over(number)) {
            stop.map_or(Ok(()), EarlyStopping::restore)?;
            tta = top1_of_views(model, sets.test, batch, recipe.eval.views)?;
            swa = averages.evaluate_swa(model, (recipe, self.seed), (sets.train, sets.test))?;
        }
        let (lr, loss, top1, seconds) = (0.0, 0.0, 0.0, 0.0);
        Ok(Epoch { number, lr, loss, top1, seconds, test, validation, tta, ema, swa })
    }
}

/// Mean loss and accuracy in percent of an epoch. Waits for the device.
fn means(sums: &Sums, images: u64, epoch: u32) -> Result<(f64, f64), Stopped> {
    let (loss, correct) = sums.read()?;
    let (loss, top1) = (loss / images as f64, 100.0 * correct / images as f64);
    match loss.is_finite() {
        true => Ok((loss, top1)),
        false => Err(Stopped::Diverged { epoch, loss }),
    }
}

impl Course<'_> {
    /// The gradients of the mean loss over `count` images of an epoch from `start` on, which go
    /// through the network in as many parts as the recipe says.
    fn gradients(
        &mut self,
        (order, start, count): (&batches::Epoch<'_>, i64, i64),
        watch: &mut dyn Watch,
    ) -> Result<(), TchError> {
        let Self { model, recipe, optim, partial, .. } = self;
        let pass = Pass { model, recipe, lesson: self.lesson.as_ref(), optim };
        let part = (count as u64).div_ceil(u64::from(recipe.accumulate.max(1))).max(1) as i64;
        for from in (0..count).step_by(part as usize) {
            let (images, targets) = order.batch(start + from, part.min(count - from))?;
            let own = targets.labels.size()[0];
            let passed = match own == count {
                true => self.replay.pass(&pass, (&images, &targets), |why| watch.note(why))?,
                false => pass.run(&images, &targets, own as f64 / count as f64)?,
            };
            partial.sums.add(&passed.loss.f_mul_scalar(own)?, &passed.logits, &targets.labels)?;
        }
        Ok(())
    }
}

/// The seed of libtorch's generator in a step: any step can be repeated without those before it.
pub(super) fn step_seed(seed: u64, epoch: u32, step: u64) -> i64 {
    let mut random = generator(seed, Purpose::Forward, epoch);
    random.set_word_pos(u128::from(step) * 2);
    random.random::<i64>()
}

fn running_loss(sums: &Sums, device: Device, images: u64) -> Result<Option<f64>, TchError> {
    match device {
        Device::Cpu => Ok(Some(sums.read()?.0 / images as f64)),
        _ => Ok(None),
    }
}
