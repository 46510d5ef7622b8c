//! `sweep SPEC`: train and evaluate every experiment, and write the tables.

use std::path::Path;
use std::process::ExitCode;

use super::dataset::{self, Size};
use super::jobs::{self, Question};
use super::plan::{loader_of, ready, report, rows};
use super::session::{Session, run_of};
use super::{interrupt, prepare, slow};
use crate::cli::{Rerun, SweepArgs};
use crate::device::Resolved;
use crate::experiment::Experiments;
use crate::machine;
use crate::records::{Access, Environment, Status, Store};
use crate::saved;
use crate::sweep::{Job, Start, Stop, Summary};
use crate::train::runner::Task;

/// Runs a sweep.
pub fn run(args: &SweepArgs) -> ExitCode {
    if args.launcher.is_some() {
        return super::launch::run(args, None);
    }
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
        Ok(summary) => exit_code(&summary),
        Err(error) => super::fail(&error),
    }
}

/// How a sweep, or a part of it, went.
pub(super) fn exit_code(summary: &Summary) -> ExitCode {
    match (summary.is_stopped, summary.is_clean()) {
        (true, _) => ExitCode::from(interrupt::EXIT_CODE),
        (_, true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn sweep(args: &SweepArgs, experiments: Experiments) -> Result<Summary, super::Error> {
    if args.share && experiments.halving.is_some() {
        return Err(super::Error::SharedHalving);
    }
    if args.share && experiments.until_resolved.is_some() {
        return Err(super::Error::SharedSeeds);
    }
    let (train, folder) = (&args.train, args.train.data.as_deref());
    let devices = prepare::devices(&train.device)?;
    let device = &devices[0];
    for experiment in &experiments.list {
        prepare::precision(device, experiment.train.precision)?;
    }
    let access = if args.share { Access::Shared } else { Access::Alone };
    let store = Store::open(&train.results, &experiments.name, access)?;
    let (sizes, first) = dataset::sizes(experiments.list.iter().map(|it| &it.data), folder)?;
    let mut environment = prepare::environment(&devices, &experiments.overrides);
    environment.machine = machine::lasting();
    let mut job = job(&experiments, &sizes, environment, device)?;
    slow::warn(&experiments, device);
    if !train.no_weights {
        eprint!("{}", room(&experiments));
    }
    let start = start(args);
    let session = Session { args: train, devices: &devices, store: &store, start };
    let mut processes = session.processes();
    let split = jobs::settle(&Question { session: &session, job: &job }, &mut processes)?;
    interrupt::as_sweep(&job.stop).map_err(super::Error::Worker)?;
    let summary = session.train(&mut job, split, processes, first)?;
    print!("{}", told(&summary, &store, &job));
    Ok(summary)
}

/// What becomes of runs that have a record.
fn start(args: &SweepArgs) -> Start {
    match args.rerun {
        _ if args.fresh => Start::Fresh,
        Some(Rerun::Failed) => Start::Rerun(Status::Failed),
        Some(Rerun::Diverged) => Start::Rerun(Status::Diverged),
        None => Start::Resume,
    }
}

/// What is printed at the end of a sweep.
pub(super) fn told<T>(summary: &Summary, store: &Store, job: &Job<T>) -> String {
    format!(
        "{}{}\nRuns: {}\n{}",
        summary.text(),
        tables_line(store.folder(), job),
        saved::runs(store.folder()).display(),
        left(summary)
    )
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

fn tables_line<T>(folder: &Path, job: &Job<T>) -> String {
    let rungs = if job.halving.is_some() { ", halving.csv" } else { "" };
    let seeds = if job.until_resolved.is_some() { ", seeds.csv" } else { "" };
    let folder = folder.display();
    format!("Tables: {folder}/accuracy.csv, timing.csv, runs.csv, epochs.csv{rungs}{seeds}")
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
