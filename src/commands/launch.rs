//! `sweep SPEC --launcher slurm`: hand the runs of a sweep to a cluster. They are trained by
//! [`super::task`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::dataset::{self, DatasetError};
use super::plan::{loader_of, print, ready, report, rows};
use crate::cli::{DeviceChoice, JobsChoice, Rerun, SlurmArgs, SweepArgs, program};
use crate::cluster::{
    self, Array, Planned, PlannedRun, Queued, Request, Rules, Script, SlurmError, Submission,
    SubmissionError,
};
use crate::data::cifar10;
use crate::experiment::{Experiment, Experiments};
use crate::records::{Access, Record, RunId, Status, Store, StoreError, atomic};
use crate::saved;
use crate::spec::data::{Data, DataSet};
use crate::spec::train::Precision;

/// Submits what is due of a sweep, or prints what would be submitted; `program` is what the tasks run,
/// this one where none is named.
pub fn run(args: &SweepArgs, program: Option<PathBuf>) -> ExitCode {
    let loader = loader_of(args);
    let experiments = match ready(&loader, args) {
        Ok(experiments) => experiments,
        Err(errors) => return report(&loader, &errors),
    };
    eprint!("{}", super::dry_run::warnings(&experiments));
    match launch(args, &experiments, program) {
        Ok(text) => print(&text),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Why a sweep is not submitted.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    #[error("cannot write {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error(
        "train.precision is Tf32, which GPUs alone have, and --device is cpu; leave the one or the \
         other out"
    )]
    NoTf32,
    #[error("the program that the tasks would run cannot be found: {0}")]
    Program(io::Error),
}

impl LaunchError {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Dataset(error) => error.exit_code(),
            Self::Slurm(SlurmError::Absent(_)) | Self::NoTf32 => 2,
            _ => 1,
        }
    }
}

fn launch(
    args: &SweepArgs,
    experiments: &Experiments,
    program: Option<PathBuf>,
) -> Result<String, LaunchError> {
    let is_tf32 = |it: &Experiment| it.train.precision == Precision::Tf32;
    if args.train.device.first() == DeviceChoice::Cpu && experiments.list.iter().any(is_tf32) {
        return Err(LaunchError::NoTf32);
    }
    let program = program.map_or_else(std::env::current_exe, Ok).map_err(LaunchError::Program)?;
    let results = std::path::absolute(&args.train.results).map_err(LaunchError::Program)?;
    let sweep = saved::folder(&results, &experiments.name);
    let launch = Launch { args, experiments, results, sweep, program };
    if args.dry_run { launch.described() } else { launch.submitted() }
}

/// A sweep that is to be submitted.
struct Launch<'a> {
    args: &'a SweepArgs,
    experiments: &'a Experiments,
    /// The folder of results, from the root.
    results: PathBuf,
    /// That of the sweep in it.
    sweep: PathBuf,
    program: PathBuf,
}

/// Which runs are to be submitted, and which are not.
struct Due {
    runs: Vec<PlannedRun>,
    over: usize,
    queued: BTreeMap<RunId, Queued>,
}

impl Launch<'_> {
    /// What would be submitted; where there is no Slurm, to one as it comes.
    fn described(&self) -> Result<String, LaunchError> {
        let queue = or_instead(cluster::queue(), BTreeMap::new());
        let size = or_instead(cluster::max_array_size(), 1001);
        let due = self.due(&cluster::queued(&self.sweep, &queue)?);
        let submission = self.submission(&due.runs);
        let folder = cluster::folder(&self.sweep).join("N");
        let data =
            cifar10::at_hand(&cifar10::Sources::from_environment(self.args.train.data.as_deref()));
        let arguments = self.arguments(data.ok().filter(|_| self.is_all_cifar10()).as_deref());
        let script = self.script(&folder, &self.program, &arguments);
        let mut text = format!("{script}\n# {}\n", self.counted(&due));
        let mut after = None;
        for (first, count) in arrays(submission.tasks.len(), size) {
            let options = cluster::arguments((first, count), self.at_once(), after).join(" ");
            let _ = writeln!(text, "# sbatch {options} {}/task.sh {first}", folder.display());
            after = self.at_once().and(Some("<the job before>"));
        }
        Ok(text)
    }

    fn submitted(&self) -> Result<String, LaunchError> {
        let queue = cluster::queue()?;
        let size = cluster::max_array_size()?;
        let data = self.located()?;
        // Refused while a process has the sweep for itself.
        let store = Store::open(&self.results, &self.experiments.name, Access::Part)?;
        let due = self.due(&cluster::queued(&self.sweep, &queue)?);
        self.planned().save(&self.sweep)?;
        if due.runs.is_empty() {
            return Ok(format!("{}\n{}", self.counted(&due), self.commands()));
        }
        for run in due.runs.iter().filter(|run| self.is_fresh(store.peek(&run.id()).as_ref())) {
            store.supersede(&run.id())?;
        }
        let submission = self.submission(&due.runs);
        let folder = submission.save(&self.sweep)?;
        let program = self.kept_program()?;
        let arguments = self.arguments(data.as_deref());
        let text = self.script(&folder, &program, &arguments);
        let script = folder.join("task.sh");
        atomic::replace(&script, text.as_bytes()).map_err(unwritable(&script))?;
        let mut all: Vec<Array> = Vec::new();
        for (first, count) in arrays(submission.tasks.len(), size) {
            let after = all.last().filter(|_| self.at_once().is_some());
            let after = after.map(|array| array.job.as_str());
            let job = cluster::submit(&script, (first, count), self.at_once(), after)?;
            all.push(Array { job, first, count });
            Array::save(&all, &folder)?;
        }
        Ok(self.told(&due, &submission, &all, &folder))
    }

    fn told(&self, due: &Due, submission: &Submission, all: &[Array], folder: &Path) -> String {
        let jobs: Vec<&str> = all.iter().map(|array| array.job.as_str()).collect();
        let (tasks, job) = (submission.tasks.len(), if jobs.len() == 1 { "job" } else { "jobs" });
        let task = if tasks == 1 { "task" } else { "tasks" };
        format!(
            "{}\nSubmitted {tasks} {task} as {job} {}; what they print: {}/log\n{}",
            self.counted(due),
            jobs.join(", "),
            folder.display(),
            self.commands()
        )
    }

    /// `depth: 12 runs to train, 3 over, 4 in the queue`.
    fn counted(&self, due: &Due) -> String {
        let upper = if self.rules().until_resolved.is_some() { "up to " } else { "" };
        let (name, count) = (&self.experiments.name, runs(due.runs.len()));
        let mut text = format!("{name}: {upper}{count} to train");
        if due.over > 0 {
            let _ = write!(text, ", {} over", due.over);
        }
        if !due.queued.is_empty() {
            let _ = write!(text, ", {} in the queue already", due.queued.len());
        }
        text
    }

    fn commands(&self) -> String {
        let (folder, program) = (self.sweep.display(), program());
        format!(
            "How they stand: {program} status {folder}\nTables, at any time: {program} collect {folder}\n"
        )
    }

    /// All runs, every experiment with its first seed before any with its second.
    fn runs(&self) -> Vec<PlannedRun> {
        let Experiments { seeds, list, .. } = self.experiments;
        let run = |seed| {
            list.iter().map(move |it| {
                let (experiment, spec_hash) = (it.name.clone(), it.hash.clone());
                PlannedRun::of(RunId { experiment, seed, spec_hash }, it.train.epochs)
            })
        };
        seeds.iter().flat_map(|&seed| run(seed)).collect()
    }

    fn rules(&self) -> Rules {
        Rules {
            halving: self.experiments.halving.clone(),
            until_resolved: self.experiments.until_resolved.clone(),
        }
    }

    fn planned(&self) -> Planned {
        Planned { layout: rows::layout(self.experiments), runs: self.runs(), rules: self.rules() }
    }

    /// The runs that are neither over nor in the queue. Where a rule decides on the way, all of them, or
    /// none while their task is in the queue.
    fn due(&self, queued: &BTreeMap<RunId, Queued>) -> Due {
        let all = self.runs();
        let ids: BTreeSet<RunId> = all.iter().map(PlannedRun::id).collect();
        let queued: BTreeMap<RunId, Queued> = queued
            .iter()
            .filter(|(id, _)| ids.contains(id))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect();
        if self.rules().are_there() {
            let runs = if queued.is_empty() { all } else { Vec::new() };
            return Due { runs, over: 0, queued };
        }
        let total = all.len();
        let record = |run: &PlannedRun| crate::records::peek(&self.sweep, &run.id());
        let is_over = |run: &PlannedRun| {
            record(run).is_some_and(|it| it.is_finished() && !self.is_fresh(Some(&it)))
        };
        let runs: Vec<PlannedRun> = all
            .into_iter()
            .filter(|run| !queued.contains_key(&run.id()) && !is_over(run))
            .collect();
        let over = total - runs.len() - queued.len();
        Due { runs, over, queued }
    }

    /// Whether a run is trained from its start again.
    fn is_fresh(&self, record: Option<&Record>) -> bool {
        let status = record.map(|record| record.run.status);
        match self.args.rerun {
            _ if self.args.fresh => true,
            Some(Rerun::Failed) => status == Some(Status::Failed),
            Some(Rerun::Diverged) => status == Some(Status::Diverged),
            None => false,
        }
    }

    fn submission(&self, due: &[PlannedRun]) -> Submission {
        let rules = self.rules();
        let per_task =
            if rules.are_there() { due.len() } else { self.args.slurm.runs_per_task as usize };
        let names: BTreeSet<&str> = due.iter().map(|run| run.experiment.as_str()).collect();
        let specs = self.experiments.list.iter().filter(|it| names.contains(it.name.as_str()));
        Submission {
            sweep: self.experiments.name.clone(),
            overrides: self.experiments.overrides.clone(),
            layout: rows::layout(self.experiments),
            rules,
            specs: specs.map(|it| (it.name.clone(), it.resolved.clone())).collect(),
            tasks: due.chunks(per_task.max(1)).map(<[_]>::to_vec).collect(),
        }
    }

    fn is_all_cifar10(&self) -> bool {
        let is_cifar10 = |data: &Data| matches!(data.set, DataSet::Cifar10);
        self.experiments.list.iter().all(|it| is_cifar10(&it.data))
    }

    /// Finds the images, and downloads them where they are not there: tasks may not reach beyond the
    /// cluster. The folder of CIFAR-10, where all experiments train on it.
    fn located(&self) -> Result<Option<PathBuf>, LaunchError> {
        let folder = self.args.train.data.as_deref();
        dataset::sizes(self.experiments.list.iter().map(|it| &it.data), folder)?;
        if !self.is_all_cifar10() {
            return Ok(None);
        }
        let folder = cifar10::locate(folder).map_err(DatasetError::from)?;
        std::path::absolute(folder).map(Some).map_err(LaunchError::Program)
    }

    fn at_once(&self) -> Option<u32> {
        self.args.slurm.max_running
    }

    /// What each task is told beside its number and its threads.
    fn arguments(&self, data: Option<&Path>) -> Vec<String> {
        let train = &self.args.train;
        let path = |path: &Path| path.display().to_string();
        let mut all = vec!["--results".into(), path(&self.results)];
        all.extend(["--device".into(), self.device()]);
        all.extend(data.into_iter().flat_map(|data| ["--data".into(), path(data)]));
        if let JobsChoice::Exactly(jobs) = train.jobs {
            all.extend(["--jobs".into(), jobs.to_string()]);
        }
        all.extend(["--checkpoint-every".into(), train.checkpoint_every.to_string()]);
        all.extend(train.no_weights.then(|| "--no-weights".into()));
        all
    }

    /// A task that has a GPU is not to train on the CPU where the GPU cannot be used.
    fn device(&self) -> String {
        let SlurmArgs { gres, sbatch, .. } = &self.args.slurm;
        let has_gpu = gres.iter().chain(sbatch).any(|option| option.contains("gpu"));
        match self.args.train.device.first() {
            DeviceChoice::Auto if has_gpu => "cuda".into(),
            _ => self.args.train.device.to_string(),
        }
    }

    fn script(&self, folder: &Path, program: &Path, arguments: &[String]) -> String {
        let script = Script {
            sweep: &self.experiments.name,
            submission: folder,
            program,
            request: &request(&self.args.slurm),
            arguments,
            threads: self.args.train.threads,
        };
        script.to_string()
    }

    /// A copy of the program, so that a build does not change what tasks run that wait; itself where
    /// libtorch is beside it, which it finds there.
    fn kept_program(&self) -> Result<PathBuf, LaunchError> {
        let beside = self.program.parent().map(|folder| folder.join("lib/libtorch_cpu.so"));
        if beside.is_some_and(|library| library.exists()) {
            return Ok(self.program.clone());
        }
        let hash = saved::sha256(&self.program).map_err(LaunchError::Program)?;
        let name = format!("resweep-{}", &hash[..saved::HASH_IN_NAME]);
        let kept = cluster::folder(&self.sweep).join(name);
        if !kept.exists() {
            let copy = |to: &Path| std::fs::copy(&self.program, to).map(drop);
            atomic::replace_by(&kept, copy).map_err(unwritable(&kept))?;
        }
        Ok(kept)
    }
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> LaunchError {
    let path = path.to_owned();
    |source| LaunchError::Unwritable { path, source }
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".into() } else { format!("{count} runs") }
}

/// What a task asks for, as sbatch has it.
fn request(args: &SlurmArgs) -> Request {
    let named = [
        ("partition", args.partition.clone()),
        ("time", args.time.clone()),
        ("gres", args.gres.clone()),
        ("account", args.account.clone()),
        ("qos", args.qos.clone()),
        ("mem", args.mem.clone()),
        ("cpus-per-task", args.cpus_per_task.map(|cpus| cpus.to_string())),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Request { named: named.collect(), others: args.sbatch.clone(), setup: args.setup.clone() }
}

/// So many tasks in arrays that are no larger than Slurm allows: the first task and the number of each.
fn arrays(tasks: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..tasks).step_by(size.max(1)).map(move |first| (first, size.min(tasks - first)))
}

/// What is taken where Slurm cannot be asked.
fn or_instead<T>(answer: Result<T, SlurmError>, instead: T) -> T {
    answer.unwrap_or_else(|error| {
        if !matches!(error, SlurmError::Absent(_)) {
            eprintln!("warning: {error}");
        }
        instead
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_array_is_larger_than_slurm_allows() {
        let all = |tasks, size| arrays(tasks, size).collect::<Vec<_>>();
        assert_eq!(all(5, 1001), [(0, 5)]);
        assert_eq!(all(5, 2), [(0, 2), (2, 2), (4, 1)]);
        assert_eq!(all(4, 2), [(0, 2), (2, 2)]);
        assert!(all(0, 2).is_empty());
    }
}
