//! `sweep SPEC`: train and evaluate every experiment, and write the tables.

use std::cmp::Reverse;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use super::jobs::{self, Question};
use super::plan::{loader_of, ready, report, rows};
use super::{interrupt, prepare, slow};
use crate::cli::{Rerun, SweepArgs};
use crate::data::Dataset;
use crate::device::Resolved;
use crate::experiment::{Experiment, Experiments};
use crate::machine;
use crate::progress::Progress;
use crate::records::{Access, Environment, Facts, RunId, Status, Store};
use crate::saved;
use crate::spec::data::Data;
use crate::sweep::{Job, OneByOne, Run, Start, Stop, Summary, execute};
use crate::train::runner::{Keeping, Runner, Task};

/// Runs a sweep.
pub fn run(args: &SweepArgs) -> ExitCode {
    if args.dry_run {
        return super::dry_run::run(args);
    }
    let loader = loader_of(args);
    let experiments = match ready(&loader, args) {
        Ok(experiments) => experiments,
        Err(errors) => return report(&loader, &errors),
    };
    eprint!("{}", super::dry_run::warnings(&experiments));
    match sweep(args, experiments) {
        Ok(summary) if summary.is_stopped => ExitCode::from(interrupt::EXIT_CODE),
        Ok(summary) if summary.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => super::fail(&error),
    }
}

fn sweep(args: &SweepArgs, experiments: Experiments) -> Result<Summary, super::Error> {
    if args.share && experiments.halving.is_some() {
        return Err(super::Error::SharedHalving);
    }
    if args.share && experiments.until_resolved.is_some() {
        return Err(super::Error::SharedSeeds);
    }
    let (devices, folder) = (prepare::devices(&args.device)?, args.data.as_deref());
    let device = &devices[0];
    for experiment in &experiments.list {
        prepare::precision(device, experiment.train.precision)?;
    }
    let access = if args.share { Access::Shared } else { Access::Alone };
    let store = Store::open(&args.results, &experiments.name, access)?;
    let (sizes, first) = sizes(&experiments, folder)?;
    let mut environment = prepare::environment(&devices, &experiments.overrides);
    environment.machine = machine::lasting();
    let mut job = job(&experiments, &sizes, environment, device)?;
    slow::warn(&experiments, device);
    if !args.no_weights {
        eprint!("{}", room(&experiments));
    }
    let start = match args.rerun {
        _ if args.fresh => Start::Fresh,
        Some(Rerun::Failed) => Start::Rerun(Status::Failed),
        Some(Rerun::Diverged) => Start::Rerun(Status::Diverged),
        None => Start::Resume,
    };
    let mut processes = jobs::processes(&devices, args);
    let question = Question { args, job: &job, store: &store, start, devices: &devices };
    let split = jobs::settle(&question, &mut processes)?;
    job.environment.threads = split.threads;
    interrupt::as_sweep(&job.stop).map_err(super::Error::Worker)?;
    let mut progress = Progress::on_stderr();
    // A GPU that has failed once fails its process for good, so there it has one of its own.
    let summary = if split.jobs > 1 || device.device.is_cuda() {
        // The processes load their own.
        drop(first);
        if split.jobs > 1 {
            largest_first(&mut job.runs);
        }
        processes.set_split(split);
        execute(&job, &mut processes, &store, &mut progress, start)?
    } else {
        drop(processes);
        tch::set_num_threads(split.threads as i32);
        let keeping = keeping(args.no_weights, args.checkpoint_every);
        let runner = runner(device, folder, first).keeping(keeping);
        let mut runner = runner.stopped_by(job.stop.clone());
        execute(&job, &mut OneByOne(&mut runner), &store, &mut progress, start)?
    };
    print!("{}", summary.text());
    println!("{}", tables_line(store.folder(), &job));
    println!("Runs: {}", saved::runs(store.folder()).display());
    print!("{}", left(&summary));
    Ok(summary)
}

/// What is left to be done, and how.
fn left(summary: &Summary) -> String {
    let runs = if summary.left == 1 { "run is" } else { "runs are" };
    match (summary.left, summary.is_stopped) {
        (0, _) => String::new(),
        (left, true) => {
            format!("Stopped: {left} {runs} not over; the same command goes on where it was\n")
        }
        (left, false) => format!("{left} {runs} not over: other processes have them\n"),
    }
}

/// What is kept of runs, as the command line says.
pub(super) fn keeping(no_weights: bool, checkpoint_every: f64) -> Keeping {
    let checkpoint_every = Duration::from_secs_f64(checkpoint_every);
    Keeping { weights: !no_weights, checkpoint_every }
}

/// A word on large weights before they fill the disk.
fn room(experiments: &Experiments) -> String {
    let weights = experiments.list.iter().flat_map(|it| &it.plan.weights);
    let numbers: f64 = weights.map(|weight| weight.numel() as f64).sum();
    let seeds = experiments.seeds.len();
    let (runs, gigabytes) = (experiments.list.len() * seeds, numbers * 4e-9 * seeds as f64);
    let upper = if experiments.until_resolved.is_some() { "up to " } else { "" };
    match gigabytes < 1.0 {
        true => String::new(),
        false => format!(
            "final weights of {upper}{runs} runs take {upper}{gigabytes:.1} GB of disk; --no-weights keeps none\n"
        ),
    }
}

/// The order in which runs side by side are over soonest, the seeds one after the other as before.
fn largest_first(runs: &mut [Run<Task>]) {
    let work = |run: &Run<Task>| run.facts.macs as u128 * u128::from(run.epochs);
    for runs in runs.chunk_by_mut(|a, b| a.id.seed == b.id.seed) {
        runs.sort_by_key(|run| Reverse(work(run)));
    }
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
            let loaded = prepare::data(data, folder);
            loaded.map_err(|error| Box::new(error) as Box<dyn Error>)
        }
    };
    Runner::new(device.device, Box::new(load))
}

fn tables_line<T>(folder: &Path, job: &Job<T>) -> String {
    let rungs = if job.halving.is_some() { ", halving.csv" } else { "" };
    let seeds = if job.until_resolved.is_some() { ", seeds.csv" } else { "" };
    let folder = folder.display();
    format!("Tables: {folder}/accuracy.csv, timing.csv, runs.csv, epochs.csv{rungs}{seeds}")
}

/// A data spec with the numbers of training and test images that it comes to.
pub(super) type Size = (Data, u64, u64);

/// A data spec with its images.
pub(super) type Loaded = (Data, Dataset);

/// Loads every data set once, so that one that cannot be used is told before anything trains, and
/// keeps the first, which the first run needs.
pub(super) fn sizes(
    experiments: &Experiments,
    folder: Option<&Path>,
) -> Result<(Vec<Size>, Option<Loaded>), super::Error> {
    let (mut sizes, mut first): (Vec<Size>, _) = (Vec::new(), None);
    for Experiment { data, .. } in &experiments.list {
        if !sizes.iter().any(|size| size.0 == *data) {
            let loaded = prepare::data(data, folder)?;
            let held_out = data.validation.unwrap_or(0) as usize;
            let train = loaded.train.len().saturating_sub(held_out);
            sizes.push((data.clone(), train as u64, loaded.test.len() as u64));
            first.get_or_insert((data.clone(), loaded));
        }
    }
    Ok((sizes, first))
}

/// The runs of a sweep, and what they share.
pub(super) fn job(
    experiments: &Experiments,
    sizes: &[Size],
    environment: Environment,
    device: &Resolved,
) -> Result<Job<Task>, super::Error> {
    // Every experiment gets its first seed before any gets its second: a first comparison is soon
    // there.
    let runs = experiments.seeds.iter().flat_map(|&seed| {
        experiments.list.iter().map(move |experiment| {
            let precision = prepare::precision(device, experiment.train.precision)?;
            let spec = experiment.alone(&experiments.name, seed);
            Ok(run_of(experiment, (seed, spec), sizes, precision))
        })
    });
    let runs = runs.collect::<Result<_, super::Error>>()?;
    let (name, layout) = (experiments.name.clone(), rows::layout(experiments));
    let (halving, stop) = (experiments.halving.clone(), Stop::default());
    let until_resolved = experiments.until_resolved.clone();
    Ok(Job { name, environment, layout, runs, halving, until_resolved, stop })
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
