//! How fast a network trains here: some steps of its recipe on images made up.

use std::time::Instant;

use rand::{Rng, RngCore};
use tch::Device;

use super::batches::DeviceImages;
use super::fit::{self, Sets, Stopped, Watch, fit};
use super::precision::arithmetic;
use super::runner::Task;
use crate::data::{CLASSES, IMAGE_BYTES, Images};
use crate::model::Model;
use crate::random::{Purpose, generator};
use crate::spec::data::Normalize;
use crate::spec::train::{Eval, Train};

/// A network that is warm.
pub struct Warm {
    task: Task,
    model: Model,
    recipe: Train,
    device: Device,
    /// Seconds that a step took.
    step_s: f64,
}

/// Multiply-accumulates of a step's forward pass, beyond which fewer images than the recipe's batch
/// go into it: what is compared are the ways to share threads, and that in seconds.
const MACS_OF_A_STEP: u64 = 8_000_000_000;
/// Fewer images than these do not go into a step, unless the recipe says so.
const FEWEST: u64 = 8;

impl Warm {
    /// Makes a network and trains its first steps.
    ///
    /// # Errors
    /// What training reports. A loss that is lost is none: it costs no time.
    pub fn new(task: Task, device: Device) -> Result<Self, Stopped> {
        let model = Model::new(task.plan.as_ref().clone(), 0, device)?
            .computing_with(arithmetic(task.train.precision));
        let most = (MACS_OF_A_STEP / task.plan.macs().max(1)).max(FEWEST);
        let batch = task.train.batch.min(u32::try_from(most).unwrap_or(u32::MAX));
        let accumulate = task.train.accumulate.min(batch);
        // What comes after the last epoch is no step, and a teacher adds the same to all ways.
        let (epochs, swa, eval, distill) = (1, None, Eval::default(), None);
        let recipe = Train { epochs, batch, accumulate, swa, eval, distill, ..task.train.clone() };
        let mut warm = Self { task, model, recipe, device, step_s: 0.0 };
        warm.step_s = warm.steps(2)?;
        Ok(warm)
    }

    /// Images trained a second, measured for about so many seconds.
    ///
    /// # Errors
    /// What training reports.
    pub fn images_per_s(&self, seconds: f64) -> Result<f64, Stopped> {
        let steps = (seconds / self.step_s.max(1e-6)).ceil().clamp(2.0, 10_000.0);
        let most = MOST_BYTES / IMAGE_BYTES as u64 / u64::from(self.recipe.batch);
        let step_s = self.steps((steps as u64).min(most.max(2)))?;
        Ok(f64::from(self.recipe.batch) / step_s)
    }

    /// Seconds of a step, the mean of so many after the first.
    fn steps(&self, steps: u64) -> Result<f64, Stopped> {
        let data = &self.task.data;
        let normalize = data.normalize.unwrap_or(PLAIN);
        let on_device = |images| DeviceImages::new(&made_up(images), data, normalize, self.device);
        let (train, test) = (on_device((steps + 1) * u64::from(self.recipe.batch))?, on_device(1)?);
        let sets = Sets { train: &train, validation: None, test: &test };
        let mut clock = Clock::default();
        match fit(&self.model, &self.recipe, 0, sets, &mut clock) {
            Ok(()) | Err(Stopped::Diverged { .. }) => {}
            Err(error) => return Err(error),
        }
        super::meter::synchronize(self.device);
        Ok(clock.seconds())
    }
}

/// Not more images than these are made up, bytes.
const MOST_BYTES: u64 = 256 << 20;

/// As good as any, for images that are none.
const PLAIN: Normalize = Normalize { mean: (0.5, 0.5, 0.5), std: (0.3, 0.3, 0.3) };

/// Images of noise.
fn made_up(count: u64) -> Images {
    let mut random = generator(0, Purpose::Order, 0);
    let mut pixels = vec![0; count as usize * IMAGE_BYTES];
    random.fill_bytes(&mut pixels);
    let labels = (0..count).map(|_| random.random_range(0..CLASSES as u8)).collect();
    Images { pixels, labels }
}

/// Notes when steps ended.
#[derive(Default)]
struct Clock {
    first: Option<Instant>,
    last: Option<Instant>,
    steps: u32,
}

impl Clock {
    fn seconds(&self) -> f64 {
        match (self.first, self.last) {
            (Some(first), Some(last)) if self.steps > 1 => {
                (last - first).as_secs_f64() / f64::from(self.steps - 1)
            }
            _ => 0.0,
        }
    }
}

impl Watch for Clock {
    fn step(&mut self, _: &fit::Step) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.steps += 1;
    }

    fn epoch(&mut self, _: &fit::Epoch) {}
}
