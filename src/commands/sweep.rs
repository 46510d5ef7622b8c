//! `sweep SPEC`: train and evaluate every experiment, and write the tables.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use super::plan::{loader_of, ready, report, rows};
use super::{pace, prepare};
use crate::cli::SweepArgs;
use crate::data::Dataset;
use crate::device::Resolved;
use crate::experiment::{Experiment, Experiments};
use crate::progress::Progress;
use crate::records::{Environment, Facts, RunId, Store};
use crate::spec::data::Data;
use crate::sweep::{Job, Run, Start, execute};
use crate::train::runner::{Runner, Task};

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
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => super::fail(&error),
    }
}

/// Whether every run ended well.
fn sweep(args: &SweepArgs, experiments: Experiments) -> Result<bool, super::Error> {
    let device = prepare::device(args.device, args.threads)?;
    for experiment in &experiments.list {
        prepare::precision(&device, experiment.train.precision)?;
    }
    let store = Store::open(&args.results, &experiments.name)?;
    let (sizes, mut first) = sizes(&experiments, args.data.as_deref())?;
    let load = |data: &Data| match first.take().filter(|(spec, _)| spec == data) {
        Some((_, loaded)) => Ok(loaded),
        None => {
            let loaded = prepare::data(data, args.data.as_deref());
            loaded.map_err(|error| Box::new(error) as Box<dyn Error>)
        }
    };
    let mut runner = Runner::new(device.device, Box::new(load));
    if !args.no_weights {
        runner = runner.keeping_weights(store.clone());
        eprint!("{}", room(&experiments));
    }
    let environment = prepare::environment(&device, &experiments.overrides);
    let job = job(&experiments, &sizes, environment, &device)?;
    for experiment in &experiments.list {
        store.save_spec(&experiment.name, &experiment.hash, &experiment.resolved)?;
    }
    pace::warn(&experiments, &device);
    let start = if args.fresh { Start::Fresh } else { Start::Resume };
    let summary = execute(&job, &mut runner, &store, &mut Progress::on_stderr(), start)?;
    print!("{}", summary.text());
    println!("{}", tables_line(store.folder()));
    if !args.no_weights {
        println!("Weights: {}", store.weights().display());
    }
    Ok(summary.is_clean())
}

/// A word on large weights before they fill the disk.
fn room(experiments: &Experiments) -> String {
    let weights = experiments.list.iter().flat_map(|it| &it.plan.weights);
    let numbers: f64 = weights.map(|weight| weight.numel() as f64).sum();
    let seeds = experiments.seeds.len();
    let (runs, gigabytes) = (experiments.list.len() * seeds, numbers * 4e-9 * seeds as f64);
    match gigabytes < 1.0 {
        true => String::new(),
        false => format!(
            "final weights of {runs} runs take {gigabytes:.1} GB of disk; --no-weights keeps none\n"
        ),
    }
}

fn tables_line(folder: &Path) -> String {
    format!("Tables: {0}/accuracy.csv, timing.csv, runs.csv, epochs.csv", folder.display())
}

/// A data spec with the numbers of training and test images that it comes to.
type Size = (Data, u64, u64);

/// A data spec with its images.
type Loaded = (Data, Dataset);

/// Loads every data set once, so that one that cannot be used is told before anything trains, and
/// keeps the first, which the first run needs.
fn sizes(
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

fn job(
    experiments: &Experiments,
    sizes: &[Size],
    environment: Environment,
    device: &Resolved,
) -> Result<Job<Task>, super::Error> {
    // Every experiment gets its first seed before any gets its second: a first comparison is soon
    // there.
    let runs = experiments.seeds.iter().flat_map(|&seed| {
        experiments.list.iter().map(move |experiment| run_of(experiment, seed, sizes, device))
    });
    let runs = runs.collect::<Result<_, _>>()?;
    let (name, layout) = (experiments.name.clone(), rows::layout(experiments));
    Ok(Job { name, environment, layout, runs })
}

fn run_of(
    experiment: &Experiment,
    seed: u64,
    sizes: &[Size],
    device: &Resolved,
) -> Result<Run<Task>, super::Error> {
    let Experiment { name, plan, train, data, hash, teacher, .. } = experiment;
    let teacher = teacher.clone().and_then(Result::ok);
    let size = sizes.iter().find(|size| size.0 == *data);
    Ok(Run {
        id: RunId { experiment: name.clone(), seed, spec_hash: hash.clone() },
        facts: Facts {
            params: plan.params(),
            macs: plan.macs(),
            activation_bytes: Some(plan.activation_bytes()),
            precision: prepare::precision(device, train.precision)?.into(),
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
    })
}
