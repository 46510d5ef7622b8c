//! How a process trains the runs of a sweep, or its part of them.

use std::cmp::Reverse;
use std::error::Error as StdError;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::dataset::{self, Loaded, Size};
use super::{Error, jobs};
use crate::cli::TrainArgs;
use crate::device::Resolved;
use crate::experiment::{self, Experiment};
use crate::progress::Progress;
use crate::records::{Facts, RunId, Store};
use crate::spec::data::Data;
use crate::spec::load::Loader;
use crate::sweep::{Job, OneByOne, Run, Split, Start, Summary, execute};
use crate::train::runner::{Keeping, Runner, Task};
use crate::worker::Processes;

/// What a process trains with.
pub(super) struct Session<'a> {
    pub args: &'a TrainArgs,
    pub devices: &'a [Resolved],
    pub store: &'a Store,
    pub start: Start,
}

impl<'a> Session<'a> {
    /// Processes for runs, none of which is started yet.
    pub(super) fn processes(&self) -> Processes<'a> {
        jobs::processes(self.devices, self.args)
    }

    /// Trains the runs that are due; `first` has images that are loaded already.
    ///
    /// # Errors
    /// What keeps them from being trained or recorded.
    pub(super) fn train(
        &self,
        job: &mut Job<Task>,
        split: Split,
        mut processes: Processes<'_>,
        first: Option<Loaded>,
    ) -> Result<Summary, Error> {
        job.environment.threads = split.threads;
        let mut progress = Progress::on_stderr();
        let device = &self.devices[0];
        // A GPU that has failed once fails its process for good, so there it has one of its own.
        if split.jobs > 1 || device.device.is_cuda() {
            // The processes load their own.
            drop(first);
            if split.jobs > 1 {
                largest_first(&mut job.runs);
            }
            processes.set_split(split);
            return Ok(execute(job, &mut processes, self.store, &mut progress, self.start)?);
        }
        drop(processes);
        tch::set_num_threads(split.threads as i32);
        let keeping = keeping(self.args.no_weights, self.args.checkpoint_every);
        let runner = runner(device, self.args.data.as_deref(), first).keeping(keeping);
        let mut runner = runner.stopped_by(job.stop.clone());
        Ok(execute(job, &mut OneByOne(&mut runner), self.store, &mut progress, self.start)?)
    }
}

/// The order in which runs side by side are over soonest, the seeds one after the other as before.
fn largest_first(runs: &mut [Run<Task>]) {
    let work = |run: &Run<Task>| run.facts.macs as u128 * u128::from(run.epochs);
    for runs in runs.chunk_by_mut(|a, b| a.id.seed == b.id.seed) {
        runs.sort_by_key(|run| Reverse(work(run)));
    }
}

/// What is kept of runs, as the command line says.
pub(super) fn keeping(no_weights: bool, checkpoint_every: f64) -> Keeping {
    let checkpoint_every = Duration::from_secs_f64(checkpoint_every);
    Keeping { weights: !no_weights, checkpoint_every }
}

/// A trainer that has the first images already and loads others.
pub(super) fn runner<'a>(
    device: &Resolved,
    folder: Option<&'a Path>,
    mut first: Option<Loaded>,
) -> Runner<'a> {
    let load = move |data: &Data| match first.take().filter(|(spec, _)| spec == data) {
        Some((_, loaded)) => Ok(loaded),
        None => {
            let loaded = dataset::load(data, folder);
            loaded.map_err(|error| Box::new(error) as Box<dyn StdError>)
        }
    };
    Runner::new(device.device, Box::new(load))
}

/// The experiment of a resolved spec of one run.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn experiment_of(spec: &str, results: &Path) -> Result<Experiment, String> {
    let (loader, path) = (Loader::with_results(results), Path::new("resolved.ron"));
    let told = |error: &dyn std::fmt::Display| format!("its resolved spec cannot be read: {error}");
    loader.text(path, spec.to_owned()).map_err(|error| told(&error))?;
    let mut experiments = experiment::sweep(&loader, path, &[])
        .map_err(|errors| errors.first().map_or_else(String::new, |error| told(error)))?;
    experiments.list.pop().ok_or_else(|| "its resolved spec has no experiment".into())
}

/// A run of an experiment, with its seed and its spec; its facts tell of images where their sizes are
/// known.
pub(super) fn run_of(
    experiment: &Experiment,
    (seed, spec): (u64, String),
    sizes: &[Size],
    precision: &str,
) -> Run<Task> {
    let Experiment { name, plan, train, data, hash, teacher, .. } = experiment;
    let teacher = teacher.clone().and_then(Result::ok);
    let size = sizes.iter().find(|size| size.0 == *data);
    Run {
        id: RunId { experiment: name.clone(), seed, spec_hash: hash.clone() },
        spec,
        facts: Facts {
            params: plan.params(),
            macs: plan.macs(),
            activation_bytes: Some(plan.activation_bytes()),
            precision: precision.into(),
            batch: train.batch,
            train_images: size.map_or(0, |size| size.1),
            test_images: size.map_or(0, |size| size.2),
        },
        epochs: train.epochs,
        payload: Task {
            plan: Rc::new(plan.clone()),
            train: train.clone(),
            data: data.clone(),
            teacher,
        },
    }
}
