//! `worker`: the other end of [`crate::worker`]. Trains what it is told to on its input, and says
//! on its output how it goes.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::session::{experiment_of, keeping, run_of, runner};
use super::{Error, interrupt, prepare};
use crate::cli::WorkerArgs;
use crate::device::Resolved;
use crate::records::{EpochRow, StoreError};
use crate::sweep::{End, Point, Run, StepReport, Stop, Watch, Work, attempt};
use crate::train::pace::Warm;
use crate::train::runner::{Runner, Task};
use crate::worker::{Assignment, Message, Order, line};

/// Works until its input ends.
pub fn run(args: &WorkerArgs) -> ExitCode {
    match work(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}

fn work(args: &WorkerArgs) -> Result<(), Error> {
    let mut teller = Teller::new(args.parent)?;
    let device = prepare::take(args.device)?;
    let stop = Stop::default();
    interrupt::as_worker(&stop).map_err(Error::Worker)?;
    let keeping = keeping(args.no_weights, args.checkpoint_every);
    let runner = runner(&device, args.data.as_deref(), None).keeping(keeping).stopped_by(stop);
    let mut worker = Worker { runner, device: &device, results: &args.results, warm: None };
    for text in io::stdin().lock().lines() {
        let order = ron::from_str(&text.map_err(Error::Worker)?);
        let order = order.map_err(|error| Error::Worker(io::Error::other(error)))?;
        worker.follow(order, &mut teller);
    }
    Ok(())
}

/// What a worker has.
struct Worker<'a> {
    runner: Runner<'a>,
    device: &'a Resolved,
    /// Where teachers are looked for.
    results: &'a Path,
    /// What is to be measured.
    warm: Option<Warm>,
}

impl Worker<'_> {
    fn follow(&mut self, order: Order, teller: &mut Teller) {
        let told = match order {
            Order::Train(assignment) => match self.run_by(&assignment) {
                Ok(run) => {
                    let work = Work { run: &run, leg: assignment.leg };
                    Message::Ended(attempt(&mut self.runner, &work, 0, teller))
                }
                Err(reason) => failed(reason),
            },
            Order::Prepare(assignment) => self.prepare(&assignment),
            Order::Measure(seconds) => {
                match self.warm.take().map(|warm| warm.images_per_s(seconds)) {
                    Some(Ok(pace)) => Message::Pace(pace),
                    Some(Err(error)) => failed(error.to_string()),
                    None => failed("nothing is ready to be measured".into()),
                }
            }
        };
        teller.tell(&told);
    }

    fn prepare(&mut self, assignment: &Assignment) -> Message {
        let run = match self.run_by(assignment) {
            Ok(run) => run,
            Err(reason) => return failed(reason),
        };
        match Warm::new(run.payload, self.device.device) {
            Ok(warm) => {
                self.warm = Some(warm);
                Message::Ready
            }
            Err(error) => failed(error.to_string()),
        }
    }
}

impl Worker<'_> {
    /// The run of an assignment, whose threads are set.
    fn run_by(&self, assignment: &Assignment) -> Result<Run<Task>, String> {
        tch::set_num_threads(assignment.threads as i32);
        let experiment = experiment_of(&assignment.spec, self.results)?;
        if experiment.hash != assignment.hash {
            return Err("its resolved spec is read as another experiment".into());
        }
        let spec = assignment.spec.clone();
        Ok(run_of(&experiment, (assignment.seed, spec), &[], ""))
    }
}

fn failed(reason: String) -> Message {
    Message::Ended(End::Failed(reason))
}

/// Keeps the output for what is told to the process that started this one: whatever else writes to
/// it goes to standard error. From now on this process ends with that one.
pub(super) fn own_output(parent: u32) -> Result<File, Error> {
    let output = rustix::io::dup(rustix::stdio::stdout());
    let output = output.map_err(|error| Error::Worker(error.into()))?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())
        .map_err(|error| Error::Worker(error.into()))?;
    let kill = Some(rustix::process::Signal::KILL);
    rustix::process::set_parent_process_death_signal(kill)
        .map_err(|error| Error::Worker(error.into()))?;
    // It may have ended before that.
    match rustix::process::getppid().map(|id| id.as_raw_nonzero().get()) {
        Some(id) if id.unsigned_abs() == parent => Ok(output.into()),
        _ => Err(Error::Worker(io::Error::other("the process that it works for is gone"))),
    }
}

/// Tells the sweep how it goes.
struct Teller {
    output: File,
    /// When a step was last told.
    told: Option<Instant>,
}

/// Least time between two steps that are told.
const BETWEEN_STEPS: Duration = Duration::from_millis(100);

impl Teller {
    fn new(parent: u32) -> Result<Self, Error> {
        Ok(Self { output: own_output(parent)?, told: None })
    }

    /// Where it cannot be told there is nobody any more, and the process ends with its input.
    fn tell(&mut self, message: &Message) {
        if let Ok(text) = line(message) {
            let _ = self.output.write_all(text.as_bytes());
        }
    }
}

impl Watch for Teller {
    fn started(&mut self, _: usize) {}

    fn step(&mut self, _: usize, step: &StepReport) {
        if self.told.is_none_or(|told| told.elapsed() >= BETWEEN_STEPS) {
            self.told = Some(Instant::now());
            self.tell(&Message::Step(*step));
        }
    }

    fn epoch(&mut self, _: usize, row: EpochRow) {
        self.tell(&Message::Epoch(Box::new(row)));
    }

    fn went_on(&mut self, _: usize, from: Point) {
        self.tell(&Message::WentOn(from));
    }

    fn recalled(&mut self, _: usize, row: EpochRow) {
        self.tell(&Message::Recalled(Box::new(row)));
    }

    fn said(&mut self, _: Option<usize>, line: &str) {
        self.tell(&Message::Said(line.to_owned()));
    }

    fn ended(&mut self, _: usize, _: End) -> Result<(), StoreError> {
        Ok(())
    }
}
