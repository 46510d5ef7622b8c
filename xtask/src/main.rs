//! `cargo xtask`: every command of resweep. It builds without libtorch, finds or installs it, builds
//! the `resweep` binary, and hands over.
//!
//! What needs no tensors (`plan`, and checking a sweep before anything is downloaded) runs here, in
//! process and at once.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use resweep::cli::{
    BisectArgs, CheckArgs, ClassesArgs, CompareArgs, DeviceChoice, DisagreeArgs, EvalArgs,
    ExportArgs, PlanArgs, PlanSeedsArgs, ReportArgs, RerunArgs, ShowArgs, SubmittedArgs, SweepArgs,
};
use resweep::commands;
use resweep::commands::kept::Ready;

mod bench;
mod certify;
mod checks;
mod dist;
mod docs;
mod handover;
mod libtorch;
mod machine;
mod pip;
mod python;
mod record;
mod setup;
mod synthesize;
mod verify_resume;

/// The commands of resweep.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Train and evaluate every experiment of a sweep, and write its tables to CSV.
    Sweep(Box<SweepArgs>),
    /// Evaluate one network with weights from a safetensors file.
    Eval(EvalArgs),
    /// Print or draw a network, list the experiments of a sweep, or compare two networks.
    Plan(PlanArgs),
    /// Print a network with every node and number, or every experiment of a sweep, resolved.
    Show(ShowArgs),
    /// Read and plan every spec under some paths (experiments by default), and tell what is wrong.
    Check(CheckArgs),
    /// Tell which experiments of a sweep really differ, by how much and at what cost.
    Compare(CompareArgs),
    /// Train a run again, and tell whether it came out equal.
    Rerun(RerunArgs),
    /// Name the first step at which two runs part, and the tensor.
    Bisect(BisectArgs),
    /// Tell how well experiments know each class, and what they take for what.
    Classes(ClassesArgs),
    /// List, and show, the test images on which two experiments disagree.
    Disagree(DisagreeArgs),
    /// Tell how many seeds it takes to find a difference, and how long that is.
    PlanSeeds(PlanSeedsArgs),
    /// Write one page on a sweep that stands by itself, or serve it while the sweep trains.
    Report(ReportArgs),
    /// Write the runs of a sweep for TensorBoard or MLflow.
    Export(ExportArgs),
    /// Tell how the runs of a sweep on a cluster stand.
    Status(SubmittedArgs),
    /// Write the tables of a sweep that a cluster has trained.
    Collect(SubmittedArgs),
    /// Measure resweep against PyTorch in alternation: training and evaluation of four networks.
    Bench(bench::BenchArgs),
    /// Train short budgets with resweep and with PyTorch, and test that their results agree.
    Certify(certify::CertifyArgs),
    /// Kill a sweep at random instants, have it go on, and compare what it leaves with an
    /// uninterrupted one, byte for byte.
    VerifyResume(verify_resume::VerifyArgs),
    /// Write a folder of results with the made-up records of many runs, to measure what commands take
    /// over it.
    Synthesize(synthesize::SynthesizeArgs),
    /// Run every check and test: formatting, lints, unit, integration and documentation tests.
    Test {
        /// Run the tests of the C++ shim alone, built anew with AddressSanitizer, which finds reads and
        /// writes beyond what is allocated.
        #[arg(long)]
        sanitize: bool,
        /// Passed on to the test programs, such as a name to filter by.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Write the pages that are made from the code and the specs: `experiments/REFERENCE.md`, and
    /// the tables of `experiments/README.md`.
    Docs,
    /// Make one archive that runs on a machine without Rust: the program, specs, licences, and libtorch
    /// where it is asked for.
    Dist(dist::DistArgs),
    /// Find or install libtorch, and say where it is. The other commands do it by themselves.
    Setup(SetupArgs),
}

/// `cargo xtask setup`.
#[derive(Debug, clap::Args)]
struct SetupArgs {
    /// The smallest set-up, for the CPU alone.
    #[arg(long, conflicts_with = "cuda")]
    cpu: bool,
    /// With NVIDIA's libraries, also where no GPU is seen.
    #[arg(long)]
    cuda: bool,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Task::Plan(args) => commands::plan::run(&args),
        Task::Show(args) => commands::show::run(&args),
        Task::Check(args) => commands::check::run(&args),
        Task::Compare(args) => commands::compare::run(&args),
        Task::Classes(args) => commands::classes::run(&args),
        Task::Disagree(args) => commands::disagree::run(&args),
        Task::PlanSeeds(args) => commands::plan_seeds::run(&args),
        Task::Report(args) => commands::report::run(&args),
        Task::Export(args) => commands::export::run(&args),
        Task::Status(args) => commands::status::run(&args),
        Task::Collect(args) => commands::collect::run(&args),
        Task::Sweep(args) if args.dry_run && args.launcher.is_some() => {
            commands::launch::run(&args, Some(handover::binary()))
        }
        Task::Sweep(args) if args.launcher.is_some() => {
            hand_over(commands::plan::check_sweep(&args))
        }
        Task::Sweep(args) if args.dry_run => commands::dry_run::run(&args),
        // A mistake in a spec is told before anything is downloaded or compiled.
        Task::Sweep(args) => hand_over(
            commands::plan::check_sweep(&args)
                .and_then(|()| check_device(args.train.device.first())),
        ),
        Task::Eval(args) => {
            hand_over(commands::plan::check_network(&args).and_then(|()| check_device(args.device)))
        }
        Task::Rerun(args) => hand_over(
            Ready::ended(&args.run).and_then(|_| args.device.map_or(Ok(()), check_device)),
        ),
        Task::Bisect(args) => hand_over(
            Ready::open(&args.first)
                .and_then(|_| Ready::open(&args.second))
                .and_then(|_| args.device.map_or(Ok(()), check_device)),
        ),
        Task::Bench(args) => match check_device(args.device) {
            Ok(()) => report(bench::run(&args)),
            Err(code) => code,
        },
        Task::Certify(args) => report(certify::run(&args)),
        Task::VerifyResume(args) => report(verify_resume::run(&args)),
        Task::Synthesize(args) => synthesize::run(&args).unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }),
        Task::Test { sanitize: true, args } => report(checks::sanitize(&args)),
        Task::Test { args, .. } => report(checks::run(&args)),
        Task::Docs => report(docs::run()),
        Task::Dist(args) => report(dist::run(&args)),
        Task::Setup(args) => report(setup::explicit(args.kind())),
    }
}

impl SetupArgs {
    fn kind(&self) -> Option<setup::Kind> {
        match (self.cpu, self.cuda) {
            (true, _) => Some(setup::Kind::Cpu),
            (_, true) => Some(setup::Kind::Cuda),
            _ => None,
        }
    }
}

/// The binary does the rest where nothing is wrong so far.
fn hand_over(checked: Result<(), ExitCode>) -> ExitCode {
    match checked {
        Ok(()) => report(handover::run()),
        Err(code) => code,
    }
}

/// A GPU that cannot be there is told before minutes of set-up.
fn check_device(choice: DeviceChoice) -> Result<(), ExitCode> {
    if matches!(choice, DeviceChoice::Cuda(_)) && !setup::has_driver() {
        eprintln!(
            "error: --device cuda: there is no NVIDIA driver on this machine; use --device cpu or auto"
        );
        return Err(ExitCode::from(2));
    }
    Ok(())
}

/// Tells an error, if there is one.
fn report<E: std::fmt::Display>(result: Result<ExitCode, E>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
