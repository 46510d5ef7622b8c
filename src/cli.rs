//! The command line, declared once and shared by `cargo xtask` (which checks it before anything
//! is downloaded or compiled) and by the `resweep` binary (which does the work).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

/// What the `resweep` binary does.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Train and evaluate every experiment of a sweep, and write its tables to CSV.
    Sweep(Box<SweepArgs>),
    /// Evaluate one network with weights from a safetensors file.
    Eval(EvalArgs),
    /// Print or draw a network, list the experiments of a sweep, or compare two networks.
    Plan(PlanArgs),
    /// Print a network with every node and number, or every experiment of a sweep, resolved.
    Show(ShowArgs),
    /// Read and plan every spec under some paths, and tell what is wrong.
    Check(CheckArgs),
    /// Tell which experiments of a sweep really differ, by how much and at what cost.
    Compare(CompareArgs),
    /// Train a run again, and tell whether it came out equal.
    Rerun(RerunArgs),
    /// Name the first step at which two runs part, and the tensor.
    Bisect(BisectArgs),
    /// Train a run step by step as it is told on the input; for `bisect`'s own use.
    #[command(hide = true)]
    Retrace(RetraceArgs),
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
    /// Train the runs of one task of a cluster; for the task's own use.
    #[command(hide = true)]
    Task(TaskArgs),
    /// Train what a sweep says on the input; for the sweep's own use.
    #[command(hide = true)]
    Worker(WorkerArgs),
    /// What `cargo xtask bench` times; it says when on stdin.
    #[command(hide = true)]
    BenchWorker(BenchWorkerArgs),
}

/// `resweep sweep`.
#[derive(Debug, Clone, Args)]
pub struct SweepArgs {
    /// The sweep, a RON file such as experiments/depth.ron.
    pub spec: PathBuf,
    /// Change one field for this invocation, as in `train.epochs=1` or `data.train=2000`.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// How runs are trained.
    #[command(flatten)]
    pub train: TrainArgs,
    /// Train every run again, also those that are recorded as finished.
    #[arg(long)]
    pub fresh: bool,
    /// Train the runs again from their start that are recorded so; others are kept. Without it, a run
    /// that failed goes on from its last checkpoint.
    #[arg(long, value_name = "WHICH", value_enum, conflicts_with_all = ["fresh", "share"])]
    pub rerun: Option<Rerun>,
    /// Share the runs with other processes that are started with this, on this machine or on others
    /// with the same folder of results.
    #[arg(long, conflicts_with = "fresh")]
    pub share: bool,
    /// List what would run, with its axes, parameters, MACs and activations, and run nothing; with
    /// --launcher, print what would be submitted.
    #[arg(long)]
    pub dry_run: bool,
    /// Have a scheduler train the runs on the machines of a cluster.
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "share")]
    pub launcher: Option<Launcher>,
    /// What Slurm is asked for.
    #[command(flatten)]
    pub slurm: SlurmArgs,
}

/// How a command trains runs.
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The device to train on: auto, cpu, cuda or cuda:N; or several GPUs, as cuda:0,cuda:1, among which
    /// the runs are shared.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoices,
    /// CPU threads within an operation; by default as many as there are, shared among the runs
    /// that train at the same time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Runs that train at the same time: a number, or auto. On a CPU auto measures for some seconds
    /// whether several runs with fewer threads each are faster; on GPUs it is one on each.
    #[arg(long, value_name = "N", default_value = "auto")]
    pub jobs: JobsChoice,
    /// The folder under which `<sweep name>/` is written.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Least time between two checkpoints of a run within an epoch, seconds; there is one after an
    /// epoch too. None takes more than 2 % of the time since the last; 0 writes one after every
    /// step, whatever it takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0, value_parser = seconds)]
    pub checkpoint_every: f64,
    /// Keep no final weights of runs, which take 4 bytes a parameter each.
    #[arg(long)]
    pub no_weights: bool,
}

/// Who trains the runs of a sweep on other machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Launcher {
    /// A Slurm cluster: a task of a job array for each run.
    Slurm,
}

/// What a task of a sweep asks Slurm for.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Slurm")]
pub struct SlurmArgs {
    /// The partition.
    #[arg(long, value_name = "NAME", value_parser = one_word, requires = "launcher")]
    pub partition: Option<String>,
    /// The time limit of a task, as in 4:00:00. What is not over by then is requeued, and goes on from
    /// its checkpoint.
    #[arg(long, value_name = "TIME", value_parser = one_word, requires = "launcher")]
    pub time: Option<String>,
    /// Generic resources of a task, as in gpu:1.
    #[arg(long, value_name = "LIST", value_parser = one_word, requires = "launcher")]
    pub gres: Option<String>,
    /// The account to charge.
    #[arg(long, value_name = "NAME", value_parser = one_word, requires = "launcher")]
    pub account: Option<String>,
    /// The quality of service.
    #[arg(long, value_name = "NAME", value_parser = one_word, requires = "launcher")]
    pub qos: Option<String>,
    /// Memory of a task, as in 16G.
    #[arg(long, value_name = "SIZE", value_parser = one_word, requires = "launcher")]
    pub mem: Option<String>,
    /// CPU cores of a task; as many threads train, unless --threads says otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "launcher")]
    pub cpus_per_task: Option<u32>,
    /// Any other option of sbatch, as in --sbatch=--constraint=a100.
    #[arg(long, value_name = "OPTION", value_parser = one_option, requires = "launcher", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// A line of shell that each task runs first, as in 'module load cuda'.
    #[arg(long, value_name = "COMMAND", requires = "launcher")]
    pub setup: Vec<String>,
    /// Runs of a task, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), requires = "launcher")]
    pub runs_per_task: u32,
    /// The most tasks that Slurm runs at the same time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "launcher")]
    pub max_running: Option<u32>,
}

/// `resweep task`.
#[derive(Debug, Clone, Args)]
pub struct TaskArgs {
    /// The folder of the submission, such as results/depth/slurm/1.
    pub submission: PathBuf,
    /// Which of its tasks; the first is 0.
    pub index: usize,
    /// How runs are trained.
    #[command(flatten)]
    pub train: TrainArgs,
}

/// `resweep status` and `resweep collect`.
#[derive(Debug, Clone, Args)]
pub struct SubmittedArgs {
    /// The folder of a sweep's results, such as results/depth, or the name of the sweep.
    pub results: PathBuf,
}

/// A value that Slurm reads as one word of a line.
fn one_word(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        true => Err("it is one word, without spaces".into()),
        false => Ok(text.into()),
    }
}

/// An option of sbatch with its value.
fn one_option(text: &str) -> Result<String, String> {
    match text.starts_with("--") && !text.contains(char::is_control) {
        true => Ok(text.into()),
        false => Err("write an option as sbatch has it, as --sbatch=--constraint=a100".into()),
    }
}

/// `resweep eval`.
#[derive(Debug, Clone, Args)]
pub struct EvalArgs {
    /// The network, a RON file such as experiments/models/resnet18.ron.
    pub network: PathBuf,
    /// The weights: a safetensors file with the names of a PyTorch state dict.
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Write one row an image: index, label, predicted and the logits.
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Change one field for this invocation.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Images per batch.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,
    /// The device to evaluate on: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// CPU threads within an operation; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
}

/// `resweep plan`.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// A network or a sweep, a RON file.
    pub spec: PathBuf,
    /// Another network, to compare with the first; goes with --diff.
    #[arg(value_name = "OTHER", requires = "diff")]
    pub other: Option<PathBuf>,
    /// Tell what differs between two networks.
    #[arg(long, requires = "other", conflicts_with_all = ["format", "unfold"])]
    pub diff: bool,
    /// How to tell the plan; dot and svg draw one network.
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
    /// Draw every block of this stage, or of all stages, where blocks that repeat are drawn as one
    /// otherwise; with --format svg.
    #[arg(long, value_name = "STAGE", num_args = 0..=1, default_missing_value = EVERY_STAGE)]
    pub unfold: Vec<String>,
    /// Write to a file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Change one field for this invocation, in both networks with --diff.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// What `--unfold` without a stage stands for.
pub const EVERY_STAGE: &str = "*";

/// How a plan is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people, with totals.
    #[default]
    Table,
    /// A row a step of a network, a row an experiment of a sweep.
    Csv,
    /// The same with totals, numbers as numbers.
    Json,
    /// Text for Graphviz.
    Dot,
    /// A picture.
    Svg,
}

/// `resweep show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// A network or a sweep, a RON file.
    pub spec: PathBuf,
    /// Change one field for this invocation.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// `resweep check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Spec files, or folders of them.
    #[arg(default_value = "experiments")]
    pub paths: Vec<PathBuf>,
}

/// `resweep plan-seeds`.
#[derive(Debug, Clone, Args)]
pub struct PlanSeedsArgs {
    /// The sweep, a RON file such as experiments/depth.ron.
    pub spec: PathBuf,
    /// The difference that is to be found: percentage points of an accuracy, nats of a loss.
    #[arg(long, value_name = "POINTS", value_parser = positive)]
    pub detect: f64,
    /// How surely it is to be found.
    #[arg(long, default_value_t = 0.8, value_parser = share)]
    pub power: f64,
    /// The level of the tests, before the correction for all pairs.
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    pub level: f64,
    /// The standard deviation over the seeds of an experiment, where runs are not there to tell it.
    #[arg(long, value_name = "X", value_parser = positive)]
    pub std: Option<f64>,
    /// What is compared: a column of runs.csv such as top1, val_top1 or test_loss.
    #[arg(long, default_value = "top1")]
    pub metric: String,
    /// The folder under which the results of the sweep are.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Change one field for this invocation.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// `resweep report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The folder of a sweep's results, such as results/depth, or the name of the sweep.
    pub results: PathBuf,
    /// The file to write; by default report.html in that folder.
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    pub output: Option<PathBuf>,
    /// Write every chart as SVG and as PNG to this folder too.
    #[arg(long, value_name = "DIR", conflicts_with = "watch")]
    pub plots: Option<PathBuf>,
    /// Serve the page on 127.0.0.1, to be read in a browser, and follow the sweep while it trains.
    #[arg(long)]
    pub watch: bool,
    /// The port to serve on; 0 takes one that is free.
    #[arg(long, value_name = "N", default_value_t = 8123, requires = "watch")]
    pub port: u16,
    /// The experiment that the others are set against in the first table; by default the sweep's
    /// baseline, else the one with the fewest MACs.
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
    /// The folder that holds cifar-10-batches-bin, or is it, for the pictures of test images.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The level of the intervals; tests are at 1 less it.
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    pub level: f64,
    /// How surely a true difference would be found with the number of seeds that is told.
    #[arg(long, default_value_t = 0.8, value_parser = share)]
    pub power: f64,
}

/// `resweep rerun`.
#[derive(Debug, Clone, Args)]
pub struct RerunArgs {
    /// The folder of the run, such as results/quick/runs/resnet18-thin-seed0-....
    pub run: PathBuf,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The device to train on: auto, cpu, cuda or cuda:N; by default the one on record.
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    /// CPU threads within an operation; by default as many as on record. The last digits hang on
    /// them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Keep the repetition under this folder of results; by default it goes once it is compared.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `resweep bisect`.
#[derive(Debug, Clone, Args)]
pub struct BisectArgs {
    /// The folder of a run, such as results/quick/runs/resnet18-thin-seed0-....
    #[arg(value_name = "RUN_A")]
    pub first: PathBuf,
    /// The folder of another.
    #[arg(value_name = "RUN_B")]
    pub second: PathBuf,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The device to train both on: auto, cpu, cuda or cuda:N; by default that on record of each.
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    /// CPU threads within an operation, of both; by default as many as on record of each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Look no further than so many steps.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// Keep what both have at the step where they part, a safetensors file each, in this folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `resweep retrace`.
#[derive(Debug, Clone, Args)]
pub struct RetraceArgs {
    /// The folder of the run.
    pub run: PathBuf,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The device to train on.
    #[arg(long)]
    pub device: DeviceChoice,
    /// CPU threads within an operation.
    #[arg(long, value_name = "N")]
    pub threads: u32,
    /// The process that it works for.
    #[arg(long, value_name = "PID")]
    pub parent: u32,
}

/// `resweep compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// The folder of a sweep's results, such as results/depth, or the name of the sweep.
    pub results: PathBuf,
    /// An experiment to compare with another; without any, every two are compared.
    #[arg(value_name = "A", requires = "second")]
    pub first: Option<String>,
    /// The experiment that it is compared with.
    #[arg(value_name = "B")]
    pub second: Option<String>,
    /// Compare every other experiment with this one alone.
    #[arg(long, value_name = "NAME", conflicts_with = "first")]
    pub baseline: Option<String>,
    /// The level of the intervals; tests are at 1 less it.
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    pub level: f64,
    /// How surely a true difference would be found with the number of seeds that is told.
    #[arg(long, default_value_t = 0.8, value_parser = share)]
    pub power: f64,
    /// What to compare: a column of runs.csv such as top1, top1_tta, val_top1 or test_loss.
    #[arg(long, default_value = "top1")]
    pub metric: String,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
    /// Write to a file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a comparison is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people.
    #[default]
    Table,
    /// A row a pair.
    Csv,
    /// The same tables for a page, the best in bold where that is resolved.
    Markdown,
    /// The same for the package booktabs.
    Latex,
    /// Everything, with a row for every seed whose images were compared.
    Json,
}

/// `resweep classes`.
#[derive(Debug, Clone, Args)]
pub struct ClassesArgs {
    /// The folder of a sweep's results, such as results/depth, or the name of the sweep.
    pub results: PathBuf,
    /// The experiments to tell of; all by default.
    #[arg(value_name = "EXPERIMENT")]
    pub experiments: Vec<String>,
    /// Tell what each experiment takes for what, instead of accuracies.
    #[arg(long)]
    pub confusion: bool,
    /// The level at which an experiment is called better in a class: 1 less that of the tests.
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    pub level: f64,
    /// The folder of the images, where its classes have other names than CIFAR-10's.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t)]
    pub format: TableFormat,
    /// Write to a file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `resweep disagree`.
#[derive(Debug, Clone, Args)]
pub struct DisagreeArgs {
    /// The folder of a sweep's results, such as results/depth, or the name of the sweep.
    pub results: PathBuf,
    /// An experiment.
    #[arg(value_name = "A")]
    pub first: String,
    /// The experiment that it is compared with.
    #[arg(value_name = "B")]
    pub second: String,
    /// They disagree where one is right in at least this share of its seeds, and the other wrong in at
    /// least this share of its own.
    #[arg(long, value_name = "SHARE", default_value_t = 0.75, value_parser = most)]
    pub share: f64,
    /// How many images to list, the clearest first.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=400))]
    pub top: u32,
    /// Draw the images, enlarged, row by row in the order of the list, and write the list beside them as
    /// CSV: a file that ends in .png, or a folder.
    #[arg(long, value_name = "FILE.png|DIR")]
    pub pictures: Option<PathBuf>,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t)]
    pub format: TableFormat,
    /// Write to a file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `resweep export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The folder of a sweep's results, such as results/depth, or the name of the sweep.
    pub results: PathBuf,
    /// What to write for.
    #[arg(long, value_enum)]
    pub to: ExportTo,
    /// The folder to write to: the --logdir of TensorBoard, the mlruns of MLflow. What is there of the
    /// same runs is replaced, all else is kept.
    pub folder: PathBuf,
}

/// Programs that runs are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportTo {
    /// Event files, one a run.
    Tensorboard,
    /// A file store.
    Mlflow,
}

/// How tables are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people.
    #[default]
    Table,
    /// Rows, with all digits.
    Csv,
    /// For a page.
    Markdown,
    /// For the package booktabs.
    Latex,
    /// Everything.
    Json,
}

/// `resweep worker`.
#[derive(Debug, Clone, Args)]
pub struct WorkerArgs {
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The device to train on.
    #[arg(long)]
    pub device: DeviceChoice,
    /// The folder of results, where teachers are looked for.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Keep no final weights of runs.
    #[arg(long)]
    pub no_weights: bool,
    /// Least time between two checkpoints of a run within an epoch, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0, value_parser = seconds)]
    pub checkpoint_every: f64,
    /// The process of the sweep, with which the worker ends.
    #[arg(long, value_name = "PID")]
    pub parent: u32,
}

/// Runs that are to be trained again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rerun {
    /// Those that ended with an error.
    Failed,
    /// Those whose loss became NaN or infinite.
    Diverged,
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    match number.is_finite() && number > 0.0 {
        true => Ok(number),
        false => Err("give a number above 0, such as 0.2".into()),
    }
}

/// A probability that a person asks for.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.5..=0.9999).contains(share));
    share.ok_or_else(|| "write a share from 0.5 to 0.9999, such as 0.95".into())
}

/// A share of seeds.
fn most(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.5..=1.0).contains(share));
    share.ok_or_else(|| "write a share from 0.5 to 1, such as 0.75".into())
}

/// A time that a person waits for.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=1e6).contains(seconds));
    seconds.ok_or_else(|| "write seconds, from 0 to 1000000".into())
}

/// How many runs train at the same time, as asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobsChoice {
    /// What is fastest.
    Auto,
    /// So many.
    Exactly(u32),
}

impl FromStr for JobsChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(jobs @ 1..=1024)) => Ok(Self::Exactly(jobs)),
            _ => Err("write auto, or how many runs train at the same time, 1 to 1024".into()),
        }
    }
}

/// `resweep bench-worker`.
#[derive(Debug, Clone, Args)]
pub struct BenchWorkerArgs {
    /// The network, a RON file.
    pub network: PathBuf,
    /// Change one field for this invocation.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// What to time.
    #[arg(long, value_enum, default_value_t)]
    pub mode: BenchMode,
    /// Images per step.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub batch: u32,
    /// The number format; libtorch's own by default.
    #[arg(long, value_enum)]
    pub precision: Option<BenchPrecision>,
    /// Write what one step does to a folder, for the peer to compute again, and end.
    #[arg(long, value_name = "DIR")]
    pub check: Option<PathBuf>,
    /// The device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// CPU threads within an operation; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
}

/// What the bench times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum BenchMode {
    /// Steps of training.
    #[default]
    Training,
    /// Batches of an evaluation.
    Evaluation,
}

/// Number formats that both sides of the bench have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchPrecision {
    /// float32, on a GPU without TF32.
    Fp32,
    /// TF32 for convolutions and matrix products; GPUs alone have it.
    Tf32,
    /// Autocast with bfloat16.
    Bf16,
}

impl BenchPrecision {
    /// As the command line and the tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

impl BenchMode {
    /// As the command line and the tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Evaluation => "evaluation",
        }
    }
}

/// Where tensors live, as asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA where there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// One GPU by its index.
    Cuda(usize),
}

/// The devices of a sweep: one, or several GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChoices(pub Vec<DeviceChoice>);

impl DeviceChoices {
    /// The first of them.
    #[must_use]
    pub fn first(&self) -> DeviceChoice {
        self.0.first().copied().unwrap_or(DeviceChoice::Auto)
    }
}

impl fmt::Display for DeviceChoices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(DeviceChoice::to_string).collect();
        f.write_str(&all.join(","))
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceChoices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all: Vec<DeviceChoice> =
            text.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>()?;
        let is_gpu = |choice: &DeviceChoice| matches!(choice, DeviceChoice::Cuda(_));
        if all.len() > 1 && !all.iter().all(is_gpu) {
            return Err("several devices are GPUs, as cuda:0,cuda:1; of others write one".into());
        }
        match all.iter().enumerate().find(|(at, one)| all[..*at].contains(one)) {
            Some((_, DeviceChoice::Cuda(index))) => Err(format!("cuda:{index} stands twice")),
            _ => Ok(Self(all)),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let index = text.strip_prefix("cuda:").map(str::parse);
        match (text, index) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda(0)),
            (_, Some(Ok(index))) => Ok(Self::Cuda(index)),
            _ => Err(format!("no device is called `{text}`; write auto, cpu, cuda or cuda:N")),
        }
    }
}

/// What a person writes before the name of a command: `cargo xtask`, or this program as it was called where
/// cargo did not start it, as from an archive.
pub fn program() -> String {
    match std::env::var_os("CARGO") {
        Some(_) => "cargo xtask".into(),
        None => std::env::args().next().unwrap_or_else(|| "resweep".into()),
    }
}
