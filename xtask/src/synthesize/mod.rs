//! `cargo xtask synthesize`: a folder of results as a large sweep leaves it, without the training. It is
//! there to measure what commands take over many runs.
//!
//! The sweep engine itself writes the folder (`resweep::sweep::execute`), with a trainer that makes its
//! numbers up. So a second start is what every start of a sweep is: finished runs are kept.

mod invent;
mod measure;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use resweep::cluster::{Planned, PlannedRun, Rules, SubmissionError};
use resweep::commands::plan::{rendered, rows};
use resweep::data::shapes10;
use resweep::experiment::{self, Experiments};
use resweep::records::{Access, Environment, Facts, RunId, RunRow, Store};
use resweep::spec::load::Loader;
use resweep::sweep::{
    Job, Observer, OneByOne, Outline, Run, Start, Stop, SweepError, Warning, execute,
};

use invent::Inventor;

/// `cargo xtask synthesize`.
#[derive(Debug, Clone, Args)]
pub struct SynthesizeArgs {
    /// Experiments of the sweep: networks of several widths with different learning rates.
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    experiments: u32,
    /// Runs of each experiment.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: u32,
    /// Epochs of each run.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    epochs: u32,
    /// Test images, of each of which every run says something: 4 bytes a run.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    images: u32,
    /// The folder under which `synthetic/` and the sweep, `synthetic.ron`, are written.
    #[arg(long, value_name = "DIR", default_value = "target/synthetic")]
    results: PathBuf,
    /// Then run every command that reads results over the folder, and tell the time and the memory that
    /// each takes.
    #[arg(long)]
    measure: bool,
}

/// Why nothing is made up, or not all.
#[derive(Debug, thiserror::Error)]
pub enum SynthesizeError {
    /// The folder has records of another sweep.
    #[error(
        "{} is a sweep with other numbers, and its records are beside it; remove {} first, or name \
         another folder with --results", spec.display(), results.display()
    )]
    Others {
        /// The spec that is there.
        spec: PathBuf,
        /// The folder of results.
        results: PathBuf,
    },
    /// The disk refuses.
    #[error("cannot write {}: {why}; name another folder with --results", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Only a defect of this program leads here.
    #[error("the sweep that is to be made up cannot be planned:\n{0}")]
    Spec(String),
    /// The sweep.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// What `status` and `collect` read.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// What is measured.
    #[error(transparent)]
    Measure(#[from] measure::MeasureError),
}

impl SynthesizeError {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Others { .. }) { 2 } else { 1 }
    }
}

/// Writes the folder; runs that are there already are kept.
///
/// # Errors
/// [`SynthesizeError`].
pub fn run(args: &SynthesizeArgs) -> Result<ExitCode, SynthesizeError> {
    let spec = write_spec(args)?;
    let experiments = planned(&spec)?;
    let store =
        Store::open(&args.results, &experiments.name, Access::Alone).map_err(SweepError::Store)?;
    store.save_note(NOTE, SYNTHETIC).map_err(SweepError::Store)?;
    let job = job(&experiments, args);
    let labels = shapes10::some_of_test(args.images as usize, 0, &[]).labels;
    let mut inventor = Inventor::new(labels);
    let mut told = Told { begun: Instant::now(), runs: job.runs.len(), ended: 0 };
    let summary = execute(&job, &mut OneByOne(&mut inventor), &store, &mut told, Start::Resume)?;
    println!(
        "{} synthetic runs in {}: {} written now, {} kept, in {:.1} s",
        job.runs.len(),
        store.folder().display(),
        summary.trained,
        summary.kept,
        told.begun.elapsed().as_secs_f64()
    );
    println!("Their sweep: {}", spec.display());
    let folder = store.folder().to_owned();
    submitted(&job).save(&folder)?;
    drop((store, summary, job));
    if args.measure {
        let pair = [0, 1].map(|at| experiments.list.get(at).map(|own| own.name.clone()));
        print!("{}", measure::table(&folder, &spec, &args.results, pair)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// The file beside the tables that says what they are.
const NOTE: &str = "SYNTHETIC.txt";
const SYNTHETIC: &str = "The records and tables in this folder are synthetic: `cargo xtask synthesize` made them \
                         up to measure what commands take over many runs. Nothing was trained.\n";

/// The sweep as a file of its own.
fn write_spec(args: &SynthesizeArgs) -> Result<PathBuf, SynthesizeError> {
    let numbers = [
        ("EXPERIMENTS", args.experiments),
        ("SEEDS", args.seeds),
        ("IMAGES", args.images),
        ("EPOCHS", args.epochs),
    ];
    let template = include_str!("sweep.ron").to_owned();
    let text = numbers
        .iter()
        .fold(template, |text, (name, number)| text.replace(name, &number.to_string()));
    let path = args.results.join("synthetic.ron");
    match fs::read_to_string(&path) {
        Ok(there) if there == text => Ok(path),
        Ok(_) => Err(SynthesizeError::Others { spec: path, results: args.results.clone() }),
        Err(_) => put(&path, &text).map(|()| path),
    }
}

fn put(path: &Path, text: &str) -> Result<(), SynthesizeError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|why| SynthesizeError::Unwritable { path: path.to_owned(), why })
}

fn planned(spec: &Path) -> Result<Experiments, SynthesizeError> {
    let loader = Loader::default();
    experiment::sweep(&loader, spec, &[])
        .map_err(|errors| SynthesizeError::Spec(rendered(&loader, &errors)))
}

/// The runs, in the order in which `sweep` would train them.
fn job(experiments: &Experiments, args: &SynthesizeArgs) -> Job<()> {
    let runs = experiments.seeds.iter().flat_map(|&seed| {
        experiments.list.iter().map(move |own| Run {
            id: RunId { experiment: own.name.clone(), seed, spec_hash: own.hash.clone() },
            epochs: own.train.epochs,
            spec: own.alone(&experiments.name, seed),
            facts: Facts {
                params: own.plan.params(),
                macs: own.plan.macs(),
                activation_bytes: Some(own.plan.activation_bytes()),
                precision: "fp32".into(),
                batch: own.train.batch,
                train_images: own.data.train.unwrap_or(0).into(),
                test_images: args.images.into(),
            },
            payload: (),
        })
    });
    Job {
        name: experiments.name.clone(),
        environment: environment(),
        layout: rows::layout(experiments),
        runs: runs.collect(),
        halving: None,
        until_resolved: None,
        stop: Stop::default(),
    }
}

/// The same as `--launcher slurm` keeps them, for `status` and `collect`.
fn submitted(job: &Job<()>) -> Planned {
    let run = |run: &Run<()>| PlannedRun::of(run.id.clone(), run.epochs);
    Planned {
        layout: job.layout.clone(),
        runs: job.runs.iter().map(run).collect(),
        rules: Rules::default(),
    }
}

/// What every record says it was trained with: nothing.
fn environment() -> Environment {
    let what = "nothing was trained: `cargo xtask synthesize` made these records up";
    Environment {
        device: "cpu".into(),
        device_name: Some("none, synthetic records".into()),
        threads: 1,
        code_version: format!("synthetic, by resweep {}", env!("CARGO_PKG_VERSION")),
        machine: [("synthetic".to_owned(), what.to_owned())].into(),
        ..Environment::default()
    }
}

/// Says how far it is.
struct Told {
    begun: Instant,
    runs: usize,
    ended: usize,
}

impl Observer for Told {
    fn finished(&mut self, _run: &Outline, _row: &RunRow) {
        self.ended += 1;
        if self.ended.is_multiple_of(1000) {
            let seconds = self.begun.elapsed().as_secs_f64();
            eprintln!("{} of {} runs, {seconds:.0} s", self.ended, self.runs);
        }
    }

    fn warned(&mut self, warning: &Warning<'_>) {
        // Every run says that it is synthetic, in its log.
        if !matches!(warning, Warning::Said { .. }) {
            eprintln!("warning: {warning}");
        }
    }
}
