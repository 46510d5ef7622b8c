//! How the runs of a sweep share the machine: as it was asked for, as before, or as is measured to
//! be fastest.

use std::process::Command;

use serde::{Deserialize, Serialize};

use super::session::Session;
use super::{Error, prepare};
use crate::cli::{JobsChoice, TrainArgs};
use crate::device::{self, Resolved};
use crate::progress::lines;
use crate::records::Record;
use crate::sweep::{
    Calibration, Cost, Job, Measured, Run, Split, Start, Stopwatch, calibrate, is_short, too_large,
};
use crate::worker::Processes;

/// The file in the folder of a sweep that keeps how its runs share the machine.
const FILE: &str = "jobs.ron";

/// Seconds for which the speed of a network is measured in one way to share the threads.
const SECONDS: f64 = 0.5;

/// How OpenMP's threads wait.
const WAITING: &str = "OMP_WAIT_POLICY";

/// What `jobs.ron` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Runs that train at the same time.
    jobs: u32,
    /// CPU threads of each within an operation.
    threads: u32,
    /// `cpu` or `cuda:N`.
    device: String,
    /// Threads that were shared.
    of_threads: u32,
    /// What was measured; nothing where it was asked for.
    measured: Vec<Measured>,
}

/// A sweep that is about to start.
pub(super) struct Question<'a, T> {
    pub session: &'a Session<'a>,
    pub job: &'a Job<T>,
}

/// How the runs that are due share the threads of this machine.
///
/// All runs of a sweep have the same number of threads, on which their last digits hang: it is that
/// of the runs that are finished, unless another is asked for.
pub(super) fn settle<T>(
    question: &Question<'_, T>,
    pool: &mut Processes<'_>,
) -> Result<Split, Error> {
    let threads = tch::get_num_threads().max(1) as u32;
    let State { due, finished } = question.state();
    let fixed = question.session.args.threads;
    match (question.session.args.jobs, question.kept(threads, fixed)) {
        _ if due.is_empty() => Ok(Split { jobs: 1, threads: fixed.unwrap_or(threads) }),
        (JobsChoice::Exactly(jobs), _) => {
            let split = fixed.map_or(Split::of(jobs, threads), |threads| Split { jobs, threads });
            question.asked(split, threads, &due, &finished)
        }
        (JobsChoice::Auto, Some(kept)) if question.session.start != Start::Fresh => {
            eprintln!("jobs {}, as {} says", told(kept), question.path());
            Ok(kept)
        }
        (JobsChoice::Auto, _) => {
            let fixed = fixed.or_else(|| question.threads_of(&finished));
            question.measure(threads, fixed, &due, pool)
        }
    }
}

/// What is to do, and what was done.
struct State<'a, T> {
    due: Vec<&'a Run<T>>,
    finished: Vec<Record>,
}

impl<'a, T> Question<'a, T> {
    fn state(&self) -> State<'a, T> {
        let mut state: State<'a, T> = State { due: Vec::new(), finished: Vec::new() };
        for run in &self.job.runs {
            match self.session.store.peek(&run.id).filter(Record::is_finished) {
                Some(record)
                    if self.session.start != Start::Fresh
                        && self.session.start != Start::Rerun(record.run.status) =>
                {
                    state.finished.push(record);
                }
                _ => state.due.push(run),
            }
        }
        if let Some(rule) = &self.job.until_resolved {
            state.due = surely(&state.due, rule.min);
        }
        state
    }

    fn path(&self) -> String {
        self.session.store.folder().join(FILE).display().to_string()
    }

    /// What is kept from before, where it is for this machine.
    fn kept(&self, of_threads: u32, fixed: Option<u32>) -> Option<Split> {
        let kept: Kept = ron::from_str(&self.session.store.note(FILE)?).ok()?;
        let same =
            kept.device == prepare::names(self.session.devices) && kept.of_threads == of_threads;
        let same = same && fixed.is_none_or(|threads| threads == kept.threads);
        same.then_some(Split { jobs: kept.jobs.max(1), threads: kept.threads.max(1) })
    }

    /// The number of threads that all finished runs had on this device.
    fn threads_of(&self, finished: &[Record]) -> Option<u32> {
        let device = prepare::names(self.session.devices);
        let mut all = finished.iter().filter(|record| record.run.device == device);
        let threads = all.next()?.run.threads;
        all.all(|record| record.run.threads == threads).then_some(threads)
    }

    /// Takes what is asked for, and says what is to be said of it.
    fn asked(
        &self,
        split: Split,
        of_threads: u32,
        due: &[&Run<T>],
        finished: &[Record],
    ) -> Result<Split, Error> {
        if split.jobs > 1 {
            eprintln!("jobs {}", told(split));
        }
        let large = too_large(&costs(due), split.jobs, device::free_memory());
        if let Some(large) = large.filter(|_| split.jobs > 1) {
            eprintln!("warning: {large}");
        }
        if let Some(other) = self.threads_of(finished).filter(|other| *other != split.threads) {
            eprintln!(
                "warning: finished runs of this sweep had {other} threads, on which the last \
                 digits of results hang; --threads {other} keeps to it"
            );
        }
        self.keep(split, of_threads, Vec::new())?;
        Ok(split)
    }

    fn keep(&self, split: Split, of_threads: u32, measured: Vec<Measured>) -> Result<(), Error> {
        let (Split { jobs, threads }, device) = (split, prepare::names(self.session.devices));
        let kept = Kept { jobs, threads, device, of_threads, measured };
        let text = ron::ser::to_string_pretty(&kept, ron::ser::PrettyConfig::new().new_line("\n"));
        let text = text.map_err(|error| Error::Worker(std::io::Error::other(error)))?;
        Ok(self.session.store.save_note(FILE, &(text + "\n"))?)
    }

    /// Measures, where that pays, and keeps what is best.
    fn measure(
        &self,
        threads: u32,
        fixed: Option<u32>,
        due: &[&Run<T>],
        pool: &mut Processes<'_>,
    ) -> Result<Split, Error> {
        let costs = costs(due);
        let candidates = Split::candidates(threads, fixed, due.len());
        let alone = candidates.first().copied().unwrap_or(Split { jobs: 1, threads });
        if self.session.devices.iter().any(|device| device.device.is_cuda()) {
            let split = Split::of(self.session.devices.len() as u32, threads);
            return Ok(Split { threads: fixed.unwrap_or(split.threads), ..split });
        }
        if candidates.len() < 2 || is_short(&costs, threads) {
            return Ok(alone);
        }
        eprintln!("jobs: measuring how the runs share {threads} threads best ...");
        let mut watch = Probes { due, pool };
        let found = calibrate(&costs, &candidates, device::free_memory(), &mut watch);
        let (split, outcome) = (found.split, outcome(&found));
        self.keep(split, threads, found.measured)?;
        eprintln!("{outcome}; kept in {}", self.path());
        Ok(split)
    }
}

/// Of runs whose seeds are added by rule, those that will surely be trained: the first seeds of every
/// experiment, or where all have these, the next.
fn surely<'a, T>(due: &[&'a Run<T>], min: u32) -> Vec<&'a Run<T>> {
    let first: Vec<_> = due.iter().filter(|run| run.id.seed < u64::from(min)).copied().collect();
    let next = due.iter().map(|run| run.id.seed).min();
    match first.is_empty() {
        true => due.iter().filter(|run| Some(run.id.seed) == next).copied().collect(),
        false => first,
    }
}

fn costs<T>(due: &[&Run<T>]) -> Vec<Cost> {
    due.iter().map(|run| Cost::of(&run.facts, run.epochs)).collect()
}

/// Measures by processes of the pool.
struct Probes<'a, 'p, T> {
    due: &'a [&'a Run<T>],
    pool: &'a mut Processes<'p>,
}

impl<T> Stopwatch for Probes<'_, '_, T> {
    fn images_per_s(&mut self, run: usize, split: Split) -> Result<f64, String> {
        let pace = self.pool.pace(self.due[run], split, SECONDS);
        pace.map_err(|error| error.to_string())
    }
}

/// `2 with 1 thread each`.
fn told(split: Split) -> String {
    match split {
        Split { jobs, threads: 1 } => format!("{jobs} with 1 thread each"),
        Split { jobs: 1, threads } => format!("1 with {threads} threads"),
        Split { jobs, threads } => format!("{jobs} with {threads} threads each"),
    }
}

/// `jobs 2 with 1 thread each: 4m for training; 5m by 1 with 2 threads`.
fn outcome(found: &Calibration) -> String {
    let split = |measured: &Measured| Split { jobs: measured.jobs, threads: measured.threads };
    let time = |measured: &Measured| {
        let time = std::time::Duration::try_from_secs_f64(measured.train_s);
        lines::left(time.unwrap_or_default())
    };
    let taken = found.measured.iter().find(|measured| split(measured) == found.split);
    let others = found.measured.iter().filter(|measured| split(measured) != found.split);
    let of_taken = taken.map(|taken| format!(": {} for training", time(taken)));
    let of_others = others.map(|other| format!(", {} by {}", time(other), told(split(other))));
    let ended = found.ended.as_ref().map(|reason| format!("; no more, since {reason}"));
    format!(
        "jobs {}{}{}{}",
        told(found.split),
        of_taken.unwrap_or_default(),
        of_others.collect::<String>(),
        ended.unwrap_or_default()
    )
}

/// The processes of a sweep, none of which is started yet.
pub(super) fn processes<'a>(devices: &[Resolved], args: &'a TrainArgs) -> Processes<'a> {
    let names: Vec<String> = devices.iter().map(prepare::name).collect();
    let count = names.len();
    let of_threads = tch::get_num_threads().max(1) as u32;
    let starter = move |split: Split, device: usize| {
        // The program that runs, also where its file was replaced meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.args(["worker", "--device", &names[device]]);
        command.args(["--parent", &std::process::id().to_string()]);
        command.arg("--results").arg(&args.results);
        if let Some(folder) = &args.data {
            command.arg("--data").arg(folder);
        }
        // Threads that wait spin, at the cost of those that work where there are not enough cores
        // for all: then they are to sleep.
        let is_crowded = split.jobs.saturating_mul(split.threads) > of_threads;
        if is_crowded && std::env::var_os(WAITING).is_none() {
            command.env(WAITING, "passive");
        }
        command.arg("--checkpoint-every").arg(args.checkpoint_every.to_string());
        if args.no_weights {
            command.arg("--no-weights");
        }
        command
    };
    Processes::new(Box::new(starter), Split { jobs: 1, threads: 1 }).on(count)
}
