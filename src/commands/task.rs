//! `task SUBMISSION INDEX`: train the runs of one task of a cluster. It is started by the script of
//! [`super::launch`], and stops with a checkpoint on SIGTERM.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::dataset;
use super::jobs::{self, Question};
use super::session::{Session, experiment_of, run_of};
use super::sweep::{exit_code, told};
use super::{Error, interrupt, prepare};
use crate::cli::{JobsChoice, TaskArgs};
use crate::cluster::{PlannedRun, Submission};
use crate::experiment::{self, Experiment};
use crate::machine;
use crate::progress::lines;
use crate::records::{Access, Claim, Store};
use crate::saved::RunFolder;
use crate::sweep::{Job, Run, Split, Start, Stop, Summary};
use crate::train::runner::Task;

/// Trains what is due of a task.
pub fn run(args: &TaskArgs) -> ExitCode {
    match work(args) {
        // A task that can do nothing before it has to stop would be requeued for ever.
        Ok(summary) if summary.is_stopped && summary.trained == 0 => {
            eprintln!(
                "error: was told to stop before a run had begun; more --time, or a later signal, \
                 lets it come further"
            );
            ExitCode::FAILURE
        }
        Ok(summary) => exit_code(&summary),
        Err(error) => super::fail(&error),
    }
}

fn work(args: &TaskArgs) -> Result<Summary, Error> {
    let stop = Stop::default();
    interrupt::as_task(&stop).map_err(Error::Worker)?;
    let submission = Submission::open(&args.submission)?;
    let Some(runs) = submission.tasks.get(args.index) else {
        let (index, tasks) = (args.index, submission.tasks.len());
        return Err(Error::NoTask { submission: args.submission.clone(), index, tasks });
    };
    let train = &args.train;
    if let Some(threads) = train.threads {
        tch::set_num_threads(threads as i32);
    }
    let devices = prepare::devices(&train.device)?;
    let is_whole = submission.rules.are_there();
    let access = if is_whole { Access::Alone } else { Access::Part };
    let store = Store::open(&train.results, &submission.sweep, access)?;
    let session = Session { args: train, devices: &devices, store: &store, start: Start::Resume };
    let (mut job, first) = job(&submission, runs, &session, stop)?;
    let mut processes = session.processes();
    let split = match (is_whole, train.jobs) {
        (true, _) => jobs::settle(&Question { session: &session, job: &job }, &mut processes)?,
        (_, JobsChoice::Exactly(jobs)) => Split::of(jobs, threads()),
        _ => Split::of(devices.len() as u32, threads()),
    };
    let mut summary = session.train(&mut job, split, processes, first)?;
    while summary.left > 0 && !summary.is_stopped && is_one_free(&job, &store) {
        summary = session.train(&mut job, split, session.processes(), None)?;
    }
    match is_whole {
        true => print!("{}", told(&summary, &store, &job)),
        false => println!("{} taken up, {} not over", lines::runs(summary.trained), summary.left),
    }
    Ok(summary)
}

fn threads() -> u32 {
    tch::get_num_threads().max(1) as u32
}

/// The runs of a task, and the images of the first.
fn job(
    submission: &Submission,
    runs: &[PlannedRun],
    session: &Session<'_>,
    stop: Stop,
) -> Result<(Job<Task>, Option<dataset::Loaded>), Error> {
    let mut experiments: BTreeMap<&str, Experiment> = BTreeMap::new();
    for run in runs {
        if !experiments.contains_key(run.experiment.as_str()) {
            let experiment = experiment(submission, run, &session.args.results);
            let experiment = experiment
                .map_err(|why| Error::TaskSpec { experiment: run.experiment.clone(), why })?;
            experiments.insert(&run.experiment, experiment);
        }
    }
    let specs = runs.iter().filter_map(|run| experiments.get(run.experiment.as_str()));
    let (sizes, first) = dataset::sizes(specs.map(|it| &it.data), session.args.data.as_deref())?;
    let of = |run: &PlannedRun| -> Result<Option<Run<Task>>, Error> {
        let Some(experiment) = experiments.get(run.experiment.as_str()) else { return Ok(None) };
        let spec = spec(submission, run);
        let precision = prepare::precision(&session.devices[0], experiment.train.precision)?;
        Ok(Some(run_of(experiment, (run.seed, spec), &sizes, precision)))
    };
    let runs = runs.iter().filter_map(|run| of(run).transpose()).collect::<Result<_, _>>()?;
    let mut environment = prepare::environment(session.devices, &submission.overrides);
    environment.machine = machine::lasting();
    let Submission { sweep, layout, rules, .. } = submission.clone();
    let (halving, until_resolved) = (rules.halving, rules.until_resolved);
    Ok((Job { name: sweep, environment, layout, runs, halving, until_resolved, stop }, first))
}

/// The resolved spec of a run alone.
fn spec(submission: &Submission, run: &PlannedRun) -> String {
    let resolved = submission.specs.get(&run.experiment).map_or("", String::as_str);
    experiment::alone(resolved, &submission.sweep, run.seed)
}

fn experiment(
    submission: &Submission,
    run: &PlannedRun,
    results: &Path,
) -> Result<Experiment, String> {
    let experiment = experiment_of(&spec(submission, run), results)?;
    match experiment.hash == run.spec_hash {
        true => Ok(experiment),
        false => Err("it is read as another experiment; submit the sweep again".into()),
    }
}

/// Whether a run that another process had is free, which was waited for: until it is seen to be at work,
/// or was silent for so long that it is gone.
fn is_one_free(job: &Job<Task>, store: &Store) -> bool {
    let is_open = |run: &&Run<Task>| !store.peek(&run.id).is_some_and(|it| it.is_finished());
    job.runs.iter().filter(is_open).any(|run| is_free(&store.run(&run.id), &job.stop))
}

fn is_free(run: &RunFolder, stop: &Stop) -> bool {
    let mut before: Option<Duration> = None;
    while !stop.is_set() {
        let Ok(Some(seen)) = Claim::seen(run) else { return true };
        if !seen.is_live() {
            return true;
        }
        if seen.silent.is_none() || before.is_some_and(|before| seen.silent < Some(before)) {
            return false;
        }
        before = seen.silent;
        std::thread::sleep(LOOK);
    }
    false
}

/// How often a claim is looked at.
const LOOK: Duration = Duration::from_secs(5);
