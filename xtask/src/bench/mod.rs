//! `cargo xtask bench`: resweep against PyTorch, in alternation.
//!
//! Both sides are processes that build a network once and then time steps when they are told to;
//! [`rounds`] tells them, one after another, round after round, with a matrix product beside them.

mod cases;
mod rounds;
mod table;
mod worker;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;
use resweep::cli::{BenchMode, BenchPrecision, DeviceChoice};
use resweep::records::BenchRow;

use crate::handover::{HandoverError, Kept};
use crate::machine;
use crate::python::{Python, PythonError};
use crate::record::RecordError;
use cases::{Case, Network, Peer};
use rounds::{Measured, Timer, alternate, figures};
use table::Table;
use worker::{Checked, Ready, Worker, WorkerError};

/// `cargo xtask bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// The device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// CPU threads within an operation; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,
    /// The networks, joined by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Network::ALL)]
    networks: Vec<Network>,
    /// training, evaluation or both, joined by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [BenchMode::Training, BenchMode::Evaluation])]
    modes: Vec<BenchMode>,
    /// What to compare with, joined by commas; all that the device has by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    peers: Vec<Peer>,
    /// Images in a batch; each network and mode has its own by default.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: Option<u32>,
    /// fp32, tf32 or bf16, joined by commas; fp32 on the CPU, tf32 and bf16 on a GPU by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    precisions: Vec<BenchPrecision>,
    /// How often both sides are measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long one measurement takes, about.
    #[arg(long, default_value_t = 8.0, value_name = "S")]
    seconds: f64,
    /// A Python with torch 2.11.0; found or installed by default.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The folder under which `bench/` is written.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

/// Why nothing, or not all, was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The binary.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// PyTorch.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// A process that measures.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A spec.
    #[error("{0}")]
    Spec(String),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What is asked for, and the device at hand does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// TF32 on a CPU.
    #[error("--precisions tf32: GPUs alone have it; use fp32 or bf16, or --device cuda")]
    Tf32,
    /// CUDA graphs on a CPU.
    #[error("--peers compile_graphs: GPUs alone have CUDA graphs; use compile, or --device cuda")]
    CompileGraphs,
}

/// Measures every case, and writes each row when it is done.
///
/// # Errors
/// Why nothing could be measured.
pub fn run(args: &BenchArgs) -> Result<ExitCode, BenchError> {
    // Told before anything is downloaded or compiled.
    let (precisions, peers) = match args.asked(args.is_cuda()) {
        Ok(asked) => asked,
        Err(misuse) => {
            eprintln!("error: {misuse}");
            return Ok(ExitCode::from(2));
        }
    };
    let libtorch = crate::setup::libtorch().map_err(HandoverError::from)?;
    let python = Python::find(args.python.as_deref(), &libtorch)?;
    let binary = Kept::build(&libtorch)?;
    let bench = Bench { args, peers, python, binary };
    let (mut table, mut faults) = (Table::new(&args.results), 0);
    for case in cases::of(&args.networks, &args.modes, &precisions, args.batch)? {
        let (mode, precision) = (case.mode.name(), case.precision.name());
        eprintln!("\n{} {mode} batch {} {precision}", case.network.name(), case.batch);
        match bench.case(&case, &mut table) {
            Ok(warnings) => faults += warnings,
            Err(error @ BenchError::Record(_)) => return Err(error),
            Err(error) => {
                eprintln!("error: {error}");
                faults += 1;
            }
        }
    }
    if let Some(path) = table.path() {
        println!("\nTable: {}", path.display());
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl BenchArgs {
    fn is_cuda(&self) -> bool {
        match self.device {
            DeviceChoice::Cpu => false,
            DeviceChoice::Cuda(_) => true,
            DeviceChoice::Auto => crate::setup::has_driver(),
        }
    }

    /// The precisions and peers to measure; by default those that the device has.
    fn asked(&self, is_cuda: bool) -> Result<(Vec<BenchPrecision>, Vec<Peer>), Misuse> {
        if !is_cuda && self.precisions.contains(&BenchPrecision::Tf32) {
            return Err(Misuse::Tf32);
        }
        if !is_cuda && self.peers.iter().any(|peer| peer.is_for_gpus()) {
            return Err(Misuse::CompileGraphs);
        }
        let precisions = match (self.precisions.as_slice(), is_cuda) {
            ([], true) => vec![BenchPrecision::Tf32, BenchPrecision::Bf16],
            ([], false) => vec![BenchPrecision::Fp32],
            (asked, _) => asked.to_vec(),
        };
        let peers = match self.peers.as_slice() {
            [] => Peer::ALL.into_iter().filter(|peer| is_cuda || !peer.is_for_gpus()).collect(),
            asked => asked.to_vec(),
        };
        Ok((precisions, peers))
    }
}

/// What all cases share.
struct Bench<'a> {
    args: &'a BenchArgs,
    peers: Vec<Peer>,
    python: Python,
    binary: Kept,
}

/// The processes of a case.
struct Sides {
    ours: (Worker, Ready),
    gemm: Worker,
    peers: Vec<(Peer, Worker, Ready)>,
}

impl Bench<'_> {
    /// Measures resweep and every peer in a case; how much was wrong with it.
    fn case(&self, case: &Case, table: &mut Table) -> Result<u32, BenchError> {
        let mut faults = 0;
        let ours = Worker::start("resweep", self.ours(case))?;
        if ours.1.cuda_graph == Some(false) {
            eprintln!("error: its training steps are no CUDA graph");
            faults += 1;
        }
        let checked = self.check(case)?;
        faults += u32::from(checked.is_off());
        let gemm = Worker::start("the matrix product", self.peer(case, &ours.1, &["--gemm"]))?.0;
        let mut peers = Vec::new();
        for &peer in &self.peers {
            let command = self.peer(case, &ours.1, &["--peer", peer.name()]);
            match Worker::start(peer.name(), command) {
                Ok((worker, ready)) => peers.push((peer, worker, ready)),
                Err(error) => {
                    eprintln!("error: {error}");
                    faults += 1;
                }
            }
        }
        self.measure(case, Sides { ours, gemm, peers }, checked, table)?;
        Ok(faults)
    }

    fn measure(
        &self,
        case: &Case,
        sides: Sides,
        checked: Checked,
        table: &mut Table,
    ) -> Result<(), BenchError> {
        let Sides { ours: (mut ours, ready), mut gemm, mut peers } = sides;
        let mut timers: Vec<&mut dyn Timer> = vec![&mut ours];
        timers.extend(peers.iter_mut().map(|(_, worker, _)| worker as &mut dyn Timer));
        let measured = alternate(&mut timers, &mut gemm, self.args.rounds, self.args.seconds)?;
        for ((peer, _, of_peer), samples) in peers.iter().zip(&measured.sides[1..]) {
            let both = [(&measured.sides[0], ready.base_bytes), (samples, of_peer.base_bytes)];
            let row = BenchRow {
                peer: peer.name().into(),
                ..self.row(case, &ready, &checked, both, &measured)
            };
            println!("{}", table::line(&row, of_peer.form.as_deref()));
            table.add(row, &self.python)?;
        }
        Ok(())
    }

    fn row(
        &self,
        case: &Case,
        ready: &Ready,
        checked: &Checked,
        both: [(&Vec<rounds::Sample>, Option<u64>); 2],
        measured: &Measured,
    ) -> BenchRow {
        let figures = figures(case, both, &measured.gflops);
        BenchRow {
            device: ready.device.clone().unwrap_or_default(),
            device_name: ready.device_name.clone().unwrap_or_default(),
            threads: ready.threads.unwrap_or_default(),
            cuda_graph: ready.cuda_graph,
            logits_difference: checked.logits.max(checked.logits_after),
            step_difference: checked.step,
            code_version: ready.version.clone().unwrap_or_default(),
            torch_version: self.python.torch.clone(),
            measured: machine::now(),
            ..figures
        }
    }

    /// What one step comes to on both sides.
    fn check(&self, case: &Case) -> Result<Checked, BenchError> {
        let folder = tempfile::tempdir().map_err(WorkerError::from)?;
        let mut ours = self.worker(case);
        ours.args(["--batch", "32", "--check"]).arg(folder.path());
        worker::finish("resweep", ours)?;
        let mut peer = self.python.script("bench_peer.py");
        peer.args(["--network", case.network.name(), "--device", "cpu", "--check"]);
        peer.arg(folder.path());
        let checked = Checked::read(&worker::finish("PyTorch", peer)?)?;
        eprintln!("  {}", checked.told());
        Ok(checked.within(case.precision.name()))
    }

    fn ours(&self, case: &Case) -> Command {
        let mut command = self.worker(case);
        command.args(["--batch", &case.batch.to_string(), "--mode", case.mode.name()]);
        command
    }

    fn worker(&self, case: &Case) -> Command {
        let mut command = self.binary.command();
        command.arg("bench-worker").arg(case.network.spec()).arg("--device");
        command.arg(device_text(self.args.device));
        command.args(["--precision", case.precision.name()]);
        if let Some(threads) = self.args.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        command
    }

    fn peer(&self, case: &Case, ready: &Ready, more: &[&str]) -> Command {
        let mut command = self.python.script("bench_peer.py");
        command.args(["--network", case.network.name(), "--mode", case.mode.name()]);
        command.args(["--batch", &case.batch.to_string()]);
        command.args(["--precision", case.precision.name()]);
        command.args(["--device", ready.device.as_deref().unwrap_or("cpu")]);
        command.args(["--threads", &ready.threads.unwrap_or(1).to_string()]);
        command.args(more);
        command
    }
}

/// A device as the command line has it.
pub fn device_text(choice: DeviceChoice) -> String {
    match choice {
        DeviceChoice::Auto => "auto".into(),
        DeviceChoice::Cpu => "cpu".into(),
        DeviceChoice::Cuda(index) => format!("cuda:{index}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn asked(args: &[&str], is_cuda: bool) -> Result<(Vec<BenchPrecision>, Vec<Peer>), Misuse> {
        let words = ["bench"].into_iter().chain(args.iter().copied());
        Line::try_parse_from(words).unwrap().bench.asked(is_cuda)
    }

    #[test]
    fn by_default_all_that_a_device_has_is_measured() {
        let (precisions, peers) = asked(&[], false).unwrap();
        assert_eq!(precisions, [BenchPrecision::Fp32]);
        assert_eq!(peers, [Peer::Nchw, Peer::ChannelsLast, Peer::Compile]);
        let (precisions, peers) = asked(&[], true).unwrap();
        assert_eq!(precisions, [BenchPrecision::Tf32, BenchPrecision::Bf16]);
        assert_eq!(peers, Peer::ALL);
        let (precisions, peers) =
            asked(&["--precisions", "bf16", "--peers", "nchw"], false).unwrap();
        assert_eq!((precisions, peers), (vec![BenchPrecision::Bf16], vec![Peer::Nchw]));
    }

    #[test]
    fn what_a_cpu_does_not_have_is_no_measurement() {
        assert_eq!(asked(&["--precisions", "fp32,tf32"], false), Err(Misuse::Tf32));
        let graphs = ["--peers", "compile,compile_graphs"];
        assert_eq!(asked(&graphs, false), Err(Misuse::CompileGraphs));
        assert!(asked(&graphs, true).is_ok());
    }
}
