//! A run trained again step by step, to find where it parts from another: after each step a digest of
//! its state, and on demand every tensor of the step.

use std::path::{Path, PathBuf};

use tch::{TchError, Tensor};

use super::batches::{self, Targets};
use super::checkpoint::Moment;
use super::distill::Lesson;
use super::fit::{self, Course, Then, step_seed};
use super::pass::loss;
use super::precision;
use super::runner::{Prepared, RunError, Runner, Task, fresh, loaded, row};
use super::saved::{Keeper, Saved};
use crate::model::Model;
use crate::records::EpochRow;
use crate::sweep::Run;

/// A state of a run: that after a step, or that before the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    /// From 1.
    pub epoch: u32,
    /// Steps of this epoch that are done.
    pub step: u64,
    /// The learning rate of the step; none before the first.
    pub lr: Option<f64>,
}

/// What is wanted of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The next.
    Next,
    /// All tensors of its step, in this file; then nothing more.
    Tell(PathBuf),
    /// Nothing more.
    End,
}

/// Is told how a run goes that is trained again.
pub trait Steps {
    /// A state, with the digest of its tensors.
    fn at(&mut self, at: At, digest: String) -> Wish;
    /// The file that was asked for is written; the names of its tensors in the order in which they
    /// came to be, what is made from others after these.
    fn told(&mut self, names: Vec<String>);
    /// An epoch is done.
    fn epoch(&mut self, row: EpochRow);
}

impl Runner<'_> {
    /// Trains a run again from its start, for as long as that is wanted.
    ///
    /// # Errors
    /// As for training it.
    pub fn retrace(&mut self, run: &Run<Task>, steps: &mut dyn Steps) -> Result<(), RunError> {
        let (device, Task { train, data, teacher, .. }) = (self.device, &run.payload);
        let images = self.images(data)?;
        precision::set_up(train.precision, device)?;
        let teacher = teacher.as_deref().map(|it| loaded(it, train, device)).transpose()?;
        let model = fresh(run, images, device)?;
        let course = Course::new(&model, train, run.id.seed, images.sets())?;
        let mut course = course.taught_by(teacher.as_ref())?;
        let lesson = Lesson::of(train, teacher.as_ref())?;
        let before = model.weights().map(|(_, weight)| copy(weight)).collect::<Result<_, _>>()?;
        let mut trace = Trace {
            run,
            images,
            model: &model,
            lesson,
            before,
            steps,
            last: None,
            fault: None,
            is_over: false,
        };
        let start = Keeper::save(|keeper| course.keep(keeper))?;
        trace.look(&start, At { epoch: 1, step: 0, lr: None });
        let trained = match trace.is_over {
            true => Ok(()),
            false => course.train(train.epochs, &mut trace).map(|_| ()),
        };
        match trace.fault {
            Some(fault) => Err(fault.into()),
            None => Ok(trained?),
        }
    }
}

/// A run under way.
struct Trace<'a> {
    run: &'a Run<Task>,
    images: &'a Prepared,
    model: &'a Model,
    lesson: Option<Lesson<'a>>,
    /// The weights before the step in hand.
    before: Vec<Tensor>,
    steps: &'a mut dyn Steps,
    last: Option<At>,
    fault: Option<TchError>,
    is_over: bool,
}

impl fit::Watch for Trace<'_> {
    fn step(&mut self, step: &fit::Step) {
        self.last = Some(At { epoch: step.epoch, step: step.step, lr: Some(step.lr) });
    }

    fn epoch(&mut self, epoch: &fit::Epoch) {
        let seen = self.run.payload.train.images_per_epoch(self.images.train.len() as u64) as i64;
        self.steps.epoch(row(&self.run.id, epoch, (seen, self.images.test.len())));
    }

    fn then(&mut self, moment: Moment) -> Then {
        match moment {
            _ if self.is_over => Then::Stop,
            Moment::Step => Then::Save,
            Moment::Epoch => Then::GoOn,
        }
    }

    fn save(&mut self, state: &Saved) {
        if let (false, Some(at)) = (self.is_over, self.last) {
            self.look(state, at);
        }
    }
}

impl Trace<'_> {
    fn look(&mut self, state: &Saved, at: At) {
        if let Err(fault) = self.looked(state, at) {
            (self.fault, self.is_over) = (Some(fault), true);
        }
    }

    fn looked(&mut self, state: &Saved, at: At) -> Result<(), TchError> {
        match self.steps.at(at, state.digest()?) {
            Wish::Next => {
                let mut pairs = self.before.iter_mut().zip(self.model.weights());
                return pairs.try_for_each(|(before, (_, now))| assign(before, now));
            }
            Wish::Tell(path) => {
                let names = self.tell(&path, state, at)?;
                self.steps.told(names);
            }
            Wish::End => {}
        }
        self.is_over = true;
        Ok(())
    }

    /// Writes all tensors of a step to a file, and gives their names in the order in which they come
    /// to be.
    fn tell(&self, path: &Path, state: &Saved, at: At) -> Result<Vec<String>, TchError> {
        let mut found = Vec::new();
        if at.step > 0 {
            self.step_again(at, &mut found)?;
        }
        let of_part = |part: &str| {
            let tensors = state.tensors.iter().filter(move |(name, _)| name.starts_with(part));
            tensors.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect::<Vec<_>>()
        };
        let weights = self.model.weights();
        let mut weights: Vec<_> = weights
            .map(|(it, tensor)| (format!("weights.{}", it.name), tensor.shallow_clone()))
            .collect();
        if at.step == 0 {
            // Nothing has come of them yet.
            found.append(&mut weights);
        }
        found.extend(of_part("optim."));
        found.append(&mut weights);
        found.extend(["averages.", "early_stop.", "sums."].iter().flat_map(|part| of_part(part)));
        let flat = |(name, tensor): &(String, Tensor)| {
            Ok((name.clone(), tensor.f_detach()?.f_contiguous()?))
        };
        let flat = found.iter().map(flat).collect::<Result<Vec<_>, TchError>>()?;
        Tensor::write_safetensors(&flat, path)?;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    /// What a step makes on its way, from the weights before it: batch, activations, loss, gradients.
    fn step_again(&self, at: At, found: &mut Vec<(String, Tensor)>) -> Result<(), TchError> {
        let (seed, train) = (self.run.id.seed, &self.run.payload.train);
        let images = &self.images.train;
        let order = images.epoch(&train.augment, seed, at.epoch)?;
        let start = (at.step as i64 - 1) * i64::from(train.batch);
        let count = i64::from(train.batch).min(images.len() - start);
        let again = Again { trace: self, order: &order, count };
        tch::manual_seed(step_seed(seed, at.epoch, at.step - 1));
        let part = (count as u64).div_ceil(u64::from(train.accumulate.max(1))).max(1) as i64;
        let weights = self.leaves()?;
        let model = self.model.with(weights);
        for (number, from) in (1..).zip((0..count).step_by(part as usize)) {
            let is_whole = part >= count;
            let suffix = if is_whole { String::new() } else { format!(" of part {number}") };
            again.pass(&model, (start + from, part.min(count - from)), &suffix, found)?;
        }
        // The gradient of the last layer is made first.
        for (weight, tensor) in model.weights().collect::<Vec<_>>().into_iter().rev() {
            let gradient = tensor.grad();
            if gradient.defined() {
                found.push((format!("gradients.{}", weight.name), gradient));
            }
        }
        Ok(())
    }

    /// The weights before the step, to be differentiated by where the step trains them.
    fn leaves(&self) -> Result<Vec<Tensor>, TchError> {
        let leaf = |(before, (_, now)): (&Tensor, (_, &Tensor))| {
            copy(before)?.f_set_requires_grad(now.requires_grad())
        };
        self.before.iter().zip(self.model.weights()).map(leaf).collect()
    }
}

/// A step that is done once more.
struct Again<'t, 'a> {
    trace: &'t Trace<'a>,
    order: &'t batches::Epoch<'t>,
    /// Images of the step.
    count: i64,
}

impl Again<'_, '_> {
    /// Images from `start` on, forward and backward.
    fn pass(
        &self,
        model: &Model,
        (start, own): (i64, i64),
        suffix: &str,
        found: &mut Vec<(String, Tensor)>,
    ) -> Result<(), TchError> {
        let train = &self.trace.run.payload.train;
        let (images, targets) = self.order.batch(start, own)?;
        let Targets { labels, shares } = &targets;
        found.push((format!("batch.images{suffix}"), images.shallow_clone()));
        found.push((format!("batch.labels{suffix}"), labels.shallow_clone()));
        let shares = shares.iter().map(|it| (format!("batch.shares{suffix}"), it.shallow_clone()));
        found.extend(shares);
        let logits = model.forward_told(&images, true, |name, tensor| {
            found.push((format!("activations.{name}{suffix}"), copy(&tensor.f_detach()?)?));
            Ok(())
        })?;
        let mut loss = loss(&logits, &targets, train.label_smoothing)?;
        if let Some(lesson) = &self.trace.lesson {
            loss = lesson.loss(&images, &logits, &loss)?;
        }
        found.push((format!("loss{suffix}"), loss.f_detach()?));
        if loss.requires_grad() {
            loss.f_mul_scalar(own as f64 / self.count as f64)?.f_backward()?;
        }
        Ok(())
    }
}

/// A tensor of its own with the same values and strides.
fn copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_detach()?.f_zeros_like()?;
    assign(&mut copy, tensor)?;
    Ok(copy)
}

fn assign(to: &mut Tensor, from: &Tensor) -> Result<(), TchError> {
    to.f_copy_(&from.f_detach()?)
}
