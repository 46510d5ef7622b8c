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
use crate::progress;
use crate::records::{Environment, Facts, RunId, Store, summary};
use crate::spec::load::Loader;
use crate::sweep::{Job, Run, execute};
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
    let job = job(&experiments, &data, environment, args.fresh);
    let mut display = progress::display();
    let outcome = execute(&job, &store, &mut runner, display.as_mut())?;
    drop(display);
    print!("{}", summary(&outcome.tables));
    println!("{}", tables_line(store.folder()));
    Ok(outcome.clean)
}

fn tables_line(folder: &Path) -> String {
    format!("Tables: {0}/accuracy.csv, timing.csv, runs.csv, epochs.csv", folder.display())
}

fn job(
    experiments: &Experiments,
    data: &Dataset,
    environment: Environment,
    fresh: bool,
) -> Job<Rc<Plan>> {
    // Every experiment gets its first seed before any gets its second: a first comparison is soon
    // there.
    let runs = experiments.seeds.iter().flat_map(|&seed| {
        experiments.list.iter().map(move |experiment| run_of(experiments, experiment, seed, data))
    });
    Job {
        experiments: experiments.list.iter().map(|experiment| experiment.name.clone()).collect(),
        runs: runs.collect(),
        environment,
        fresh,
    }
}

fn run_of(
    experiments: &Experiments,
    experiment: &Experiment,
    seed: u64,
    data: &Dataset,
) -> Run<Rc<Plan>> {
    let plan = &experiment.plan;
    Run {
        id: RunId { experiment: experiment.name.clone(), seed, spec_hash: experiment.hash.clone() },
        facts: Facts {
            params: plan.params(),
            macs: plan.macs(),
            activation_bytes: Some(plan.activation_bytes()),
            precision: "fp32".into(),
            batch: experiments.train.batch,
            train_images: data.train.len() as u64,
            test_images: data.test.len() as u64,
        },
        epochs: experiments.train.epochs,
        resolved: experiment.resolved.clone(),
        payload: Rc::new(plan.clone()),
    }
}
