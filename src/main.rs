//! The `resweep` binary: the commands that run networks. `cargo xtask` builds it and passes on its
//! arguments.

use std::process::ExitCode;

use clap::Parser;
use resweep::cli::Command;
use resweep::{commands, device};

/// A declarative experiment runner for residual networks.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // Before anything asks libtorch for CUDA: the answer is kept.
    device::load_cuda();
    device::keep_allocator_memory();
    match Cli::parse().command {
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Show(args) => commands::show::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Rerun(args) => commands::rerun::run(&args),
        Command::Bisect(args) => commands::bisect::run(&args),
        Command::Retrace(args) => commands::bisect::retrace::run(&args),
        Command::Classes(args) => commands::classes::run(&args),
        Command::Disagree(args) => commands::disagree::run(&args),
        Command::PlanSeeds(args) => commands::plan_seeds::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Status(args) => commands::status::run(&args),
        Command::Collect(args) => commands::collect::run(&args),
        Command::Task(args) => commands::task::run(&args),
        Command::Worker(args) => commands::worker::run(&args),
        Command::BenchWorker(args) => commands::bench_worker::run(&args),
    }
}
