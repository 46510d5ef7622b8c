//! Sweeps whose runs are trained by processes that only pretend: what becomes of a run whose process
//! dies, and of the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use resweep::records::{Access, EpochRow, Facts, Layout, RunId, RunRow, Status, Store};
use resweep::sweep::{
    End, Job, Observer, Outcome, Outline, Run, Split, Start, StepReport, Stop, Trained, Warning,
    execute,
};
use resweep::worker::{Message, Processes, line};

#[path = "common/made.rs"]
mod made;

use made::environment;

/// Goes by a word in its orders. What it tells of a run is in a file.
const WORKER: &str = r#"
while read -r order; do
    case "$order" in
        *KILLED*) head -n 2 "$0"; kill -9 $$ ;;
        *ONCE*) if mkdir "$0.once" 2> /dev/null; then head -n 2 "$0"; kill -9 $$; fi; cat "$0" ;;
        *STICKY*) if mkdir "$0.sticky" 2> /dev/null; then touch "$0.$$"
                echo 'Ended(Failed("CUDA error: an illegal memory access was encountered"))'
            elif [ -e "$0.$$" ]; then echo 'Ended(Failed("not by a new process"))'
            else cat "$0"; fi ;;
        *EXITS*) echo 'the reason' >&2; echo 'frame #0: main' >&2; exit 3 ;;
        *GARBLES*) echo 'libtorch says hello'; cat "$0" ;;
        *FAILS*) echo 'Ended(Failed("no such layer"))' ;;
        Prepare*SLOW*) echo 'Ended(Failed("out of memory"))' ;;
        Prepare*) echo Ready ;;
        Measure*) echo 'Pace(12.5)' ;;
        *) cat "$0" ;;
    esac
done
"#;

fn epoch(epoch: u32) -> EpochRow {
    EpochRow {
        experiment: "any".into(),
        epoch,
        lr: 0.1,
        train_loss: 1.0 / 3.0,
        test_loss: Some(1.0),
        top1: Some(70.0 + f64::from(epoch)),
        epoch_s: 1.0,
        ..EpochRow::default()
    }
}

/// A folder with what workers tell and what a sweep leaves.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let step =
            StepReport { epoch: 1, step: 1, steps: 2, images_per_s: Some(9.0), loss: Some(2.0) };
        let outcome = Outcome::Completed;
        let (latency_ms, peak_memory_mb) = (Some(0.25), None);
        let trained = Trained { outcome, restored_epoch: None, latency_ms, peak_memory_mb };
        let messages = [
            Message::Step(step),
            Message::Epoch(Box::new(epoch(1))),
            Message::Epoch(Box::new(epoch(2))),
            Message::Ended(End::Trained(trained)),
        ];
        let text: String = messages.iter().map(|message| line(message).unwrap()).collect();
        std::fs::write(folder.path().join("messages"), text).unwrap();
        Self { folder }
    }

    fn messages(&self) -> PathBuf {
        self.folder.path().join("messages")
    }

    /// Runs a sweep of experiments by these names, each with the word that makes its fate.
    fn sweep(&self, fates: &[&str], jobs: u32) -> (Vec<RunRow>, Scribe) {
        let messages = self.messages();
        let mut pool = pool(&messages, jobs);
        let store = Store::open(self.folder.path(), "sweep", Access::Alone).unwrap();
        let mut scribe = Scribe::default();
        let summary = execute(&job(fates), &mut pool, &store, &mut scribe, Start::Fresh).unwrap();
        (summary.tables.runs, scribe)
    }
}

fn name(at: usize, fate: &str) -> String {
    format!("{at}-{fate}")
}

fn pool(messages: &Path, jobs: u32) -> Processes<'_> {
    let starter = move |_: Split, _: usize| {
        let mut command = Command::new("sh");
        command.args(["-c", WORKER]).arg(messages);
        command
    };
    Processes::new(Box::new(starter), Split { jobs, threads: 1 })
}

fn job(fates: &[&str]) -> Job<()> {
    let names: Vec<String> = fates.iter().enumerate().map(|(at, fate)| name(at, fate)).collect();
    let environment = environment();
    let layout = Layout::plain(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let runs = names.iter().map(|n| run(n)).collect();
    Job {
        name: "sweep".into(),
        environment,
        layout,
        runs,
        halving: None,
        stop: Stop::default(),
        until_resolved: None,
    }
}

fn run(experiment: &str) -> Run<()> {
    let facts = Facts {
        params: 1,
        macs: 1,
        activation_bytes: None,
        precision: "fp32".into(),
        batch: 1,
        train_images: 1,
        test_images: 1,
    };
    let id = RunId { experiment: experiment.into(), seed: 0, spec_hash: "0".into() };
    let spec = experiment.split_once('-').unwrap().1.to_owned();
    Run { id, epochs: 2, spec, facts, payload: () }
}

/// Counts runs under way, and writes warnings down.
#[derive(Default)]
struct Scribe {
    live: usize,
    most: usize,
    warnings: Vec<String>,
}

impl Observer for Scribe {
    fn started(&mut self, _: &Outline) {
        self.live += 1;
        self.most = self.most.max(self.live);
    }
    fn finished(&mut self, _: &Outline, _: &RunRow) {
        self.live -= 1;
    }
    fn warned(&mut self, warning: &Warning<'_>) {
        self.warnings.push(warning.to_string());
    }
}

fn told(runs: &[RunRow]) -> Vec<(Status, u32, &str)> {
    let reason = |run: &RunRow| run.reason.as_ref().map_or("", |reason| reason.as_str()).to_owned();
    let leak = |text: String| &*Box::leak(text.into_boxed_str());
    runs.iter().map(|run| (run.status, run.epochs, leak(reason(run)))).collect()
}

#[test]
fn runs_are_trained_side_by_side() {
    let (runs, scribe) = Bench::new().sweep(&["ok"; 7], 3);
    assert_eq!(told(&runs), [(Status::Ok, 2, ""); 7]);
    assert_eq!((scribe.most, scribe.live), (3, 0));
    assert!(runs.iter().all(|run| run.top1 == Some(72.0) && run.latency_ms == Some(0.25)));
    assert!(runs.iter().all(|run| run.train_loss == Some(1.0 / 3.0)), "bit for bit");
}

#[test]
fn a_process_that_dies_costs_its_run_alone() {
    let fates = ["ok", "KILLED", "ok", "EXITS", "ok", "FAILS", "KILLED", "ok"];
    let (runs, scribe) = Bench::new().sweep(&fates, 2);
    let ok = (Status::Ok, 2, "");
    let killed = "its process was ended by signal 9 (SIGKILL: by someone, or by the kernel for \
                  want of memory)";
    let failed = |epochs, reason| (Status::Failed, epochs, reason);
    let exited = "its process ended early, with exit code 3: the reason";
    let wanted = [
        ok,
        failed(1, killed),
        ok,
        failed(0, exited),
        ok,
        failed(0, "no such layer"),
        failed(1, killed),
        ok,
    ];
    assert_eq!(told(&runs), wanted);
    assert!(
        scribe.warnings.iter().any(|line| line.ends_with("the reason")),
        "{:?}",
        scribe.warnings
    );
}

#[test]
fn a_run_whose_process_died_is_tried_once_more() {
    let (runs, scribe) = Bench::new().sweep(&["ok", "ONCE", "STICKY", "ok"], 2);
    assert_eq!(told(&runs), [(Status::Ok, 2, ""); 4]);
    let told = |name: &str| scribe.warnings.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!((told("1-ONCE"), told("2-STICKY")), (1, 1), "{:?}", scribe.warnings);
    assert!(
        scribe.warnings.iter().all(|line| line.ends_with("once more")),
        "{:?}",
        scribe.warnings
    );
    assert_eq!(scribe.live, 0);
}

/// Stops the sweep when it is told that a process died.
struct Stopper(Stop);

impl Observer for Stopper {
    fn warned(&mut self, _: &Warning<'_>) {
        self.0.set();
    }
}

#[test]
fn a_sweep_that_stops_tries_nothing_again() {
    let bench = Bench::new();
    let messages = bench.messages();
    let mut pool = pool(&messages, 1);
    let store = Store::open(bench.folder.path(), "sweep", Access::Alone).unwrap();
    let job = job(&["ONCE", "ok"]);
    let mut stopper = Stopper(job.stop.clone());
    let summary = execute(&job, &mut pool, &store, &mut stopper, Start::Fresh).unwrap();
    let [(status, epochs, reason)] = told(&summary.tables.runs)[..] else { panic!("{summary:?}") };
    assert_eq!((status, epochs), (Status::Failed, 0), "it goes on with the next start");
    assert!(reason.contains("signal 9"), "{reason}");
}

#[test]
fn devices_are_shared_evenly() {
    let bench = Bench::new();
    let messages = bench.messages();
    let given = std::cell::RefCell::new(Vec::new());
    let starter = |_: Split, device: usize| {
        given.borrow_mut().push(device);
        let mut command = Command::new("sh");
        command.args(["-c", WORKER]).arg(&messages);
        command
    };
    let split = Split { jobs: 5, threads: 1 };
    let mut pool = Processes::new(Box::new(starter), split).on(2);
    pool.pace(&run("0-ok"), split, 1.0).unwrap();
    drop(pool);
    assert_eq!(*given.borrow(), [0, 1, 0, 1, 0]);
}

#[test]
fn what_is_no_message_is_passed_on() {
    let (runs, scribe) = Bench::new().sweep(&["GARBLES"], 2);
    assert_eq!(told(&runs), [(Status::Ok, 2, "")]);
    assert_eq!(scribe.warnings, ["0-GARBLES seed 0 says: libtorch says hello"]);
}

#[test]
fn a_process_that_cannot_be_started_fails_its_run() {
    let bench = Bench::new();
    let store = Store::open(bench.folder.path(), "sweep", Access::Alone).unwrap();
    let starter = |_: Split, _: usize| Command::new("/nonexistent/resweep");
    let split = Split { jobs: 2, threads: 1 };
    let mut pool = Processes::new(Box::new(starter), split);
    let job = job(&["ok", "ok"]);
    let summary = execute(&job, &mut pool, &store, &mut (), Start::Fresh).unwrap();
    let told = told(&summary.tables.runs);
    assert_eq!(told.len(), 2);
    for (status, _, reason) in told {
        assert_eq!(status, Status::Failed);
        assert!(reason.starts_with("no process could be started for it: "), "{reason}");
    }
}

#[test]
fn speeds_are_measured_by_all_processes() {
    let bench = Bench::new();
    let messages = bench.messages();
    let fates = ["ok", "SLOW", "KILLED"];
    let mut pool = pool(&messages, 1);
    let split = Split { jobs: 3, threads: 1 };
    let run = |at: usize| run(&name(at, fates[at]));
    assert_eq!(pool.pace(&run(0), split, 1.0).unwrap(), 12.5);
    assert_eq!(pool.pace(&run(1), split, 1.0).unwrap_err().to_string(), "out of memory");
    let killed = pool.pace(&run(2), split, 1.0).unwrap_err().to_string();
    assert!(killed.contains("signal 9"), "{killed}");
    assert_eq!(pool.pace(&run(0), split, 1.0).unwrap(), 12.5, "others can be measured after it");
}
