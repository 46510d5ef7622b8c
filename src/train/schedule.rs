//! Learning rates: pure functions of the step.

use crate::spec::train::{Schedule, Train};

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

    /// The rate of a step, counted from 0. In the warm-up of `w` steps it is `(step + 1) / w` of
    /// the full rate; after it, the schedule runs over the steps that are left.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.full * (step + 1) as f64 / self.warmup_steps as f64;
        }
        match &self.schedule {
            Schedule::Constant => self.full,
            Schedule::Step { milestones, gamma } => {
                let epoch = step / self.steps_per_epoch.max(1);
                let passed = milestones.iter().filter(|&&m| epoch >= u64::from(m)).count();
                self.full * gamma.powi(passed as i32)
            }
            Schedule::Cosine { min_lr } => {
                let left = self.steps.saturating_sub(self.warmup_steps).max(1) as f64;
                let share = (step - self.warmup_steps) as f64 / left;
                min_lr + (self.full - min_lr) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }
        }
    }
}
