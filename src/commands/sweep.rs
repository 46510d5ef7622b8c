//! `sweep SPEC`: train and evaluate every experiment, and write the tables.

use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use super::plan::report;
use super::prepare;
use crate::cli::SweepArgs;
use crate::data::Dataset;
use crate::experiment::{self, Experiment, Experiments};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::records::{Environment, Facts, RunId, Store};
use crate::spec::load::Loader;
use crate::sweep::{Job, Run, Start, execute};
use crate::train::runner::Runner;

/// Runs a sweep.
pub fn run(args: &SweepArgs) -> ExitCode {
    let loader = Loader::default();
    let experiments = match experiment::sweep(&loader, &args.spec, &args.set) {
        Ok(experiments) => experiments,
        Err(errors) => return report(&loader, &errors),
    };
    match sweep(args, experiments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => super::fail(&error),
    }
}

/// Whether every run ended well.
fn sweep(args: &SweepArgs, experiments: Experiments) -> Result<bool, super::Error> {
    let device = prepare::device(args.device, args.threads)?;
    let store = Store::open(&args.results, &experiments.name)?;
    let data = prepare::data(&experiments.data, args.data.as_deref())?;
    let mut runner =
        Runner::new(device.device, experiments.train.clone(), &experiments.data, &data)?;
    let environment = prepare::environment(&device, &experiments.overrides);
    let job = job(&experiments, &data, environment, prepare::precision(&device));
    for experiment in &experiments.list {
        store.save_spec(&experiment.name, &experiment.hash, &experiment.resolved)?;
    }
    let start = if args.fresh { Start::Fresh } else { Start::Resume };
    let summary = execute(&job, &mut runner, &store, &mut Progress::on_stderr(), start)?;
    print!("{}", summary.text());
    println!("{}", tables_line(store.folder()));
    Ok(summary.is_clean())
}

fn tables_line(folder: &Path) -> String {
    format!("Tables: {0}/accuracy.csv, timing.csv, runs.csv, epochs.csv", folder.display())
}

fn job(
    experiments: &Experiments,
    data: &Dataset,
    environment: Environment,
    precision: &str,
) -> Job<Rc<Plan>> {
    // Every experiment gets its first seed before any gets its second: a first comparison is soon
    // there.
    let runs = experiments.seeds.iter().flat_map(|&seed| {
        experiments
            .list
            .iter()
            .map(move |experiment| run_of(experiments, experiment, seed, data, precision))
    });
    Job { name: experiments.name.clone(), environment, runs: runs.collect() }
}

fn run_of(
    experiments: &Experiments,
    experiment: &Experiment,
    seed: u64,
    data: &Dataset,
    precision: &str,
) -> Run<Rc<Plan>> {
    let plan = &experiment.plan;
    Run {
        id: RunId { experiment: experiment.name.clone(), seed, spec_hash: experiment.hash.clone() },
        facts: Facts {
            params: plan.params(),
            macs: plan.macs(),
            activation_bytes: Some(plan.activation_bytes()),
            precision: precision.into(),
            batch: experiments.train.batch,
            train_images: data.train.len() as u64,
            test_images: data.test.len() as u64,
        },
        epochs: experiments.train.epochs,
        payload: Rc::new(plan.clone()),
    }
}
