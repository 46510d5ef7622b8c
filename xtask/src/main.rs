//! temp
use clap::Parser;
#[derive(Parser)]
struct A {
    #[command(subcommand)]
    c: resweep::cli::Command,
}
fn main() -> std::process::ExitCode {
    match A::parse().c {
        resweep::cli::Command::Plan(a) => resweep::commands::plan::run(&a),
        _ => std::process::ExitCode::FAILURE,
    }
}
