//! Learning rates: pure functions of the step.

use std::f64::consts::PI;

use crate::spec::train::{Anneal, Schedule, Train};

/// The learning rate of every step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    full: f64,
    warmup_steps: u64,
    steps_per_epoch: u64,
    steps: u64,
    schedule: Schedule,
}

impl Rates {
    /// The rates of a recipe with so many steps an epoch.
    pub fn new(recipe: &Train, steps_per_epoch: u64) -> Self {
        Self {
            full: recipe.optimizer.lr(),
            warmup_steps: (recipe.warmup_epochs * steps_per_epoch as f64).round() as u64,
            steps_per_epoch,
            steps: u64::from(recipe.epochs) * steps_per_epoch,
            schedule: recipe.schedule.clone(),
        }
    }

    /// The rates of a schedule without a warm-up, from `full` on over so many epochs.
    pub fn alone(schedule: &Schedule, full: f64, epochs: u32, steps_per_epoch: u64) -> Self {
        let (warmup_steps, schedule) = (0, schedule.clone());
        let steps = u64::from(epochs) * steps_per_epoch;
        Self { full, warmup_steps, steps_per_epoch, steps, schedule }
    }

    /// The steps of the run.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The rate of a step, counted from 0. In the warm-up of `w` steps it is `(step + 1) / w` of
    /// the full rate; after it, the schedule runs over the steps that are left.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.full * (step + 1) as f64 / self.warmup_steps as f64;
        }
        match self.schedule {
            Schedule::Constant => self.full,
            Schedule::Step { ref milestones, gamma } => {
                let epoch = self.epoch(step);
                let passed = milestones.iter().filter(|&&m| epoch >= u64::from(m)).count();
                self.full * gamma.powi(passed as i32)
            }
            Schedule::StepEvery { epochs, gamma } => {
                self.full * gamma.powi((self.epoch(step) / u64::from(epochs.max(1))) as i32)
            }
            Schedule::Exponential { gamma } => self.full * gamma.powi(self.epoch(step) as i32),
            Schedule::Cosine { min_lr } => half_wave(self.full, min_lr, self.share(step)),
            Schedule::CosineRestarts { period, mult, min_lr } => {
                let first = u64::from(period.max(1)) * self.steps_per_epoch.max(1);
                let share = share_of_wave(step - self.warmup_steps, first, u64::from(mult.max(1)));
                half_wave(self.full, min_lr, share)
            }
            Schedule::Polynomial { power, min_lr } => {
                min_lr + (self.full - min_lr) * (1.0 - self.share(step)).powf(power)
            }
            Schedule::OneCycle { pct_start, div, final_div, anneal } => {
                let first = self.full / div;
                let way = Cycle { anneal, rates: [first, self.full, first / final_div] };
                way.at(step as f64, pct_start * self.steps as f64 - 1.0, self.steps as f64 - 1.0)
            }
            Schedule::Triangular { start, peak, end } => {
                let steps = self.steps as f64;
                let rates = [start, 1.0, end].map(|share| share * self.full);
                let way = Cycle { anneal: Anneal::Linear, rates };
                way.at(step as f64, (peak * steps).floor(), steps)
            }
        }
    }

    /// The epoch of a step, both counted from 0.
    fn epoch(&self, step: u64) -> u64 {
        step / self.steps_per_epoch.max(1)
    }

    /// The share of the steps after the warm-up that are done.
    fn share(&self, step: u64) -> f64 {
        let left = self.steps.saturating_sub(self.warmup_steps).max(1) as f64;
        (step - self.warmup_steps) as f64 / left
    }
}

/// How far a step is through its wave, where the first has `length` steps and each other `mult`
/// times as many as the one before.
fn share_of_wave(mut step: u64, mut length: u64, mult: u64) -> f64 {
    if mult == 1 {
        step %= length;
    }
    while step >= length {
        step -= length;
        length = length.saturating_mul(mult);
    }
    step as f64 / length as f64
}

fn half_wave(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * share).cos())
}

/// A way up and a way down.
struct Cycle {
    anneal: Anneal,
    /// At the start, at the peak, at the end.
    rates: [f64; 3],
}

impl Cycle {
    /// The rate of a step, where `peak` and `end` are the steps of the highest and the last rate.
    /// A peak before the first step leaves only a part of the way down, as in PyTorch.
    fn at(&self, step: f64, peak: f64, end: f64) -> f64 {
        let [start, highest, last] = self.rates;
        let (from, to, share) = match step < peak {
            true => (start, highest, step / peak),
            false => (highest, last, (step - peak) / (end - peak).max(f64::MIN_POSITIVE)),
        };
        match self.anneal {
            Anneal::Cosine => half_wave(from, to, share),
            Anneal::Linear => from + (to - from) * share,
        }
    }
}
