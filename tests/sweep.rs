//! Sweeps with a trainer that only pretends: which runs are trained, what is kept when they fail,
//! what a second start does, and what the display says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressDrawTarget;
use resweep::progress::Progress;
use resweep::records::{
    Access, Environment, EpochRow, Layout, RunId, RunRow, Status, Store, StoreError,
};
use resweep::sweep::{
    Job, Observer, OneByOne, Outcome, Outline, Planned, Point, Run, RunLog, Start, StepReport,
    Stop, Summary, SweepError, Trained, Trainer, Warning, Work, execute,
};

#[path = "common/made.rs"]
mod made;

use made::facts;

/// How a pretended run goes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Completes,
    DivergesIn(u32),
    FailsIn(u32),
    PanicsIn(u32),
    StopsAfter(u32),
    IsNeverTested,
    TurnsToNanUnnoticed,
}

/// Pretends to train; notes what it was asked to.
#[derive(Default)]
struct Mock {
    trained: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("the forward pass failed")]
struct MockError {
    source: std::io::Error,
}

impl Trainer<Fate> for Mock {
    type Error = MockError;

    fn train(&mut self, work: &Work<'_, Fate>, log: &mut RunLog<'_>) -> Result<Trained, MockError> {
        let run = work.run;
        self.trained.push(format!("{}/{}", run.id.experiment, run.id.seed));
        let mut outcome = Outcome::Completed;
        for epoch in 1..=run.epochs {
            log.step(&StepReport { epoch, step: 1, steps: 2, images_per_s: None, loss: None });
            match run.payload {
                Fate::FailsIn(when) if when == epoch => {
                    let text = "CUDA out of memory\nframe #0: c10::Error\nframe #1: main";
                    return Err(MockError { source: std::io::Error::other(text) });
                }
                Fate::PanicsIn(when) if when == epoch => panic!("index {epoch} out of bounds\nat"),
                Fate::DivergesIn(when) if when == epoch => outcome = Outcome::Diverged { epoch },
                Fate::StopsAfter(last) if epoch > last => break,
                _ => {}
            }
            log.epoch(row(run, epoch));
            if outcome != Outcome::Completed {
                break;
            }
        }
        let (latency_ms, peak_memory_mb) = (Some(1.5), Some(100.0));
        Ok(Trained { outcome, restored_epoch: None, latency_ms, peak_memory_mb })
    }
}

fn row(run: &Run<Fate>, epoch: u32) -> EpochRow {
    let broken = match run.payload {
        Fate::DivergesIn(when) => when == epoch,
        Fate::TurnsToNanUnnoticed => epoch == 2,
        _ => false,
    };
    let top1 = 50.0 + 10.0 * f64::from(epoch) + run.id.seed as f64;
    let top1 = (!broken && run.payload != Fate::IsNeverTested).then_some(top1);
    EpochRow {
        experiment: run.id.experiment.clone(),
        seed: run.id.seed,
        epoch,
        lr: 0.1,
        train_loss: if broken { f64::NAN } else { 1.0 / f64::from(epoch) },
        train_top1: Some(60.0),
        test_loss: top1.map(|_| 0.75),
        top1,
        epoch_s: 12.25,
        eval_s: Some(0.5),
        train_images_per_s: Some(812.4),
        eval_images_per_s: Some(5_000.0),
        ..EpochRow::default()
    }
}

fn run(experiment: &str, seed: u64, payload: Fate) -> Run<Fate> {
    let facts = facts();
    let spec_hash = format!("{experiment}-hash-of-the-spec");
    let id = RunId { experiment: experiment.to_owned(), seed, spec_hash };
    Run { id, epochs: 3, spec: "a spec".into(), facts, payload }
}

fn job(fates: &[(&str, u64, Fate)]) -> Job<Fate> {
    let environment = Environment {
        device: "cpu".to_owned(),
        threads: 2,
        code_version: "0.1.0".to_owned(),
        ..Environment::default()
    };
    let runs = fates.iter().map(|(experiment, seed, fate)| run(experiment, *seed, *fate)).collect();
    let mut names: Vec<&str> = fates.iter().map(|fate| fate.0).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    Job {
        name: "depth".to_owned(),
        environment,
        layout: Layout::plain(&names),
        runs,
        halving: None,
        until_resolved: None,
        stop: Stop::default(),
    }
}

const GOOD: [(&str, u64, Fate); 4] = [
    ("r20", 0, Fate::Completes),
    ("r20", 1, Fate::Completes),
    ("r8", 0, Fate::Completes),
    ("r8", 1, Fate::DivergesIn(2)),
];

/// A results folder of its own for one test.
struct Bench {
    results: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { results: tempfile::tempdir().unwrap() }
    }

    fn store(&self) -> Store {
        Store::open(self.results.path(), "depth", Access::Alone).unwrap()
    }

    /// Runs a job; returns the summary and the runs that were trained.
    fn execute(&self, job: &Job<Fate>, start: Start) -> (Summary, Vec<String>) {
        let mut mock = Mock::default();
        let summary =
            execute(job, &mut OneByOne(&mut mock), &self.store(), &mut (), start).unwrap();
        (summary, mock.trained)
    }

    fn folder(&self) -> PathBuf {
        self.results.path().join("depth")
    }

    /// The four tables, without the two columns that tell the time of day and the wall time.
    fn tables(&self) -> BTreeMap<String, String> {
        let names = ["accuracy.csv", "timing.csv", "runs.csv", "epochs.csv"];
        names.map(|name| (name.to_owned(), timeless(&self.folder().join(name)))).into()
    }

    fn records(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder().join("runs")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

fn timeless(table: &Path) -> String {
    let mut reader = csv::Reader::from_path(table).unwrap();
    let header = reader.headers().unwrap().clone();
    let timeless = |row: &csv::StringRecord| {
        let cells =
            header.iter().zip(row).filter(|(name, _)| !["started", "wall_s"].contains(name));
        cells.map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>().join(",")
    };
    let rows: Vec<String> = reader.records().map(|row| timeless(&row.unwrap())).collect();
    format!("{}\n{}", timeless(&header), rows.join("\n"))
}

fn find<'a>(summary: &'a Summary, experiment: &str) -> &'a RunRow {
    summary.tables.runs.iter().find(|row| row.experiment == experiment).unwrap()
}

#[test]
fn every_run_is_trained_in_order_and_in_the_tables() {
    let bench = Bench::new();
    let (summary, trained) = bench.execute(&job(&GOOD[..3]), Start::Resume);
    assert_eq!(trained, ["r20/0", "r20/1", "r8/0"]);
    assert!(summary.is_clean());
    assert_eq!((summary.trained, summary.kept), (3, 0));
    assert_eq!(summary.tables.epochs.len(), 9);
    assert_eq!(bench.records().len(), 3);
    assert!(bench.records()[0].ends_with("r20-seed0-r20-hash-of-"));
    let accuracy = fs::read_to_string(bench.folder().join("accuracy.csv")).unwrap();
    assert!(accuracy.contains("r20,2,0,0,0,80.5,"), "{accuracy}");
}

#[test]
fn one_bad_run_never_costs_the_others() {
    let bench = Bench::new();
    let fates = [
        ("errs", 0, Fate::FailsIn(2)),
        ("panics", 0, Fate::PanicsIn(3)),
        ("diverges", 0, Fate::DivergesIn(2)),
        ("good", 0, Fate::Completes),
    ];
    let (summary, trained) = bench.execute(&job(&fates), Start::Resume);
    assert_eq!(trained.len(), 4);
    assert!(!summary.is_clean());
    let told = |name: &str| {
        let row = find(&summary, name);
        (row.status, row.reason.as_deref().unwrap_or_default(), row.epochs)
    };
    let reason = "the forward pass failed: CUDA out of memory";
    assert_eq!(told("errs"), (Status::Failed, reason, 1));
    assert_eq!(told("panics"), (Status::Failed, "panicked: index 3 out of bounds", 2));
    let reason = "the loss became NaN or infinite in epoch 2";
    assert_eq!(told("diverges"), (Status::Diverged, reason, 2));
    assert_eq!(told("good"), (Status::Ok, "", 3));
    let epochs = |name: &str| summary.tables.epochs.iter().filter(|e| e.experiment == name).count();
    assert_eq!((epochs("errs"), epochs("panics"), epochs("diverges")), (1, 2, 2));
    assert!(summary.text().contains("panics seed 0 failed: panicked: index 3 out of bounds"));
}

#[test]
fn a_run_is_ok_only_with_all_its_epochs_and_a_test() {
    let bench = Bench::new();
    let fates = [
        ("short", 0, Fate::StopsAfter(1)),
        ("untested", 0, Fate::IsNeverTested),
        ("nan", 0, Fate::TurnsToNanUnnoticed),
    ];
    let (summary, _) = bench.execute(&job(&fates), Start::Resume);
    let told = |name: &str| (find(&summary, name).status, find(&summary, name).reason.as_deref());
    assert_eq!(told("short"), (Status::Failed, Some("the trainer reported 1 of 3 epochs")));
    let reason = "the trainer reported no test accuracy after the last epoch";
    assert_eq!(told("untested"), (Status::Failed, Some(reason)));
    let reason = "the loss became NaN or infinite in epoch 2";
    assert_eq!(told("nan"), (Status::Diverged, Some(reason)));
}

#[test]
fn a_second_start_keeps_what_is_finished_and_tries_failed_runs_again() {
    let bench = Bench::new();
    let mut fates = GOOD;
    fates[1].2 = Fate::FailsIn(3);
    bench.execute(&job(&fates), Start::Resume);
    let (summary, trained) = bench.execute(&job(&GOOD), Start::Resume);
    assert_eq!(trained, ["r20/1"]);
    assert_eq!((summary.trained, summary.kept), (1, 3));
    assert!(!summary.is_clean(), "the divergence that was kept still counts");
    let untouched = bench.tables();
    let (_, trained) = bench.execute(&job(&GOOD), Start::Resume);
    assert!(trained.is_empty());
    assert_eq!(bench.tables(), untouched);
}

#[test]
fn a_fresh_start_trains_everything_and_loses_no_record() {
    let bench = Bench::new();
    bench.execute(&job(&GOOD), Start::Resume);
    let (summary, trained) = bench.execute(&job(&GOOD), Start::Fresh);
    assert_eq!((trained.len(), summary.kept), (4, 0));
    let superseded = bench.records().iter().filter(|p| p.extension().is_some()).count();
    assert_eq!((superseded, bench.records().len()), (4, 8));
}

/// Kills the sweep when run number `at` starts.
struct Killer {
    at: usize,
    started: usize,
}

impl Observer for Killer {
    fn started(&mut self, _run: &Outline) {
        assert!(self.started < self.at, "killed");
        self.started += 1;
    }
}

#[test]
fn a_sweep_killed_anywhere_ends_with_the_tables_of_one_that_was_not() {
    let whole = Bench::new();
    whole.execute(&job(&GOOD), Start::Resume);
    for at in 0..GOOD.len() {
        let bench = Bench::new();
        let mut killer = Killer { at, started: 0 };
        let (mut mock, job) = (Mock::default(), job(&GOOD));
        let dead = catch_unwind(AssertUnwindSafe(|| {
            execute(&job, &mut OneByOne(&mut mock), &bench.store(), &mut killer, Start::Resume)
        }));
        assert!(dead.is_err());
        let rows = fs::read_to_string(bench.folder().join("runs.csv")).unwrap().lines().count();
        assert_eq!(rows, at + 1, "the tables hold every run that ended");
        let (summary, trained) = bench.execute(&job, Start::Resume);
        assert_eq!((trained.len(), summary.kept), (GOOD.len() - at, at));
        assert_eq!(bench.tables(), whole.tables());
    }
}

#[test]
fn the_tables_do_not_depend_on_the_order_of_training() {
    let (ours, other) = (Bench::new(), Bench::new());
    ours.execute(&job(&GOOD), Start::Resume);
    let reversed: Vec<_> = GOOD.into_iter().rev().collect();
    other.execute(&job(&reversed), Start::Resume);
    // The experiments stand in the order of the sweep that is run last.
    other.execute(&job(&GOOD), Start::Resume);
    assert_eq!(ours.tables(), other.tables());
}

#[test]
fn records_of_another_spec_stay_out_of_the_tables() {
    let bench = Bench::new();
    let mut before = job(&GOOD[..1]);
    before.runs[0].id.spec_hash = "an older spec".to_owned();
    bench.execute(&before, Start::Resume);
    let (summary, trained) = bench.execute(&job(&GOOD[..1]), Start::Resume);
    assert_eq!(trained, ["r20/0"]);
    assert_eq!((summary.tables.runs.len(), bench.records().len()), (1, 2));
}

/// Writes down what it is told.
#[derive(Default)]
struct Scribe(Vec<String>);

impl Observer for Scribe {
    fn planned(&mut self, plan: &Planned) {
        self.0.push(format!("{} due, {} kept", plan.due.len(), plan.kept.len()));
    }
    fn warned(&mut self, warning: &Warning<'_>) {
        self.0.push(warning.to_string());
    }
    fn ended(&mut self) {
        self.0.push("ended".to_owned());
    }
}

#[test]
fn a_corrupt_record_is_told_set_aside_and_trained_again() {
    let bench = Bench::new();
    bench.execute(&job(&GOOD), Start::Resume);
    let whole = bench.tables();
    let broken = bench.records()[1].join("record.ron");
    fs::write(&broken, "(run: (experiment: \"r20\", seed: 1,").unwrap();
    let (mut mock, mut scribe) = (Mock::default(), Scribe::default());
    execute(&job(&GOOD), &mut OneByOne(&mut mock), &bench.store(), &mut scribe, Start::Resume)
        .unwrap();
    assert_eq!(mock.trained, ["r20/1"]);
    assert_eq!(bench.tables(), whole);
    assert!(bench.records()[1].join("record.ron.corrupt").exists());
    let [warning, plan, ended] = scribe.0.as_slice() else { panic!("{:?}", scribe.0) };
    assert!(warning.contains(&*broken.to_string_lossy()) && warning.contains("1:35"), "{warning}");
    assert_eq!((plan.as_str(), ended.as_str()), ("1 due, 3 kept", "ended"));
}

/// Puts a folder in the place of a table while a run is trained, and takes it away again.
struct Blocker {
    table: PathBuf,
    warnings: Vec<String>,
    mend: bool,
}

impl Observer for Blocker {
    fn started(&mut self, run: &Outline) {
        if run.id.seed == 0 {
            fs::remove_file(&self.table).unwrap();
            fs::create_dir(&self.table).unwrap();
        } else if self.mend {
            fs::remove_dir(&self.table).unwrap();
        }
    }
    fn warned(&mut self, warning: &Warning<'_>) {
        self.warnings.push(warning.to_string());
    }
}

#[test]
fn a_table_that_cannot_be_written_loses_no_record() {
    for mend in [true, false] {
        let bench = Bench::new();
        let table = bench.folder().join("runs.csv");
        let mut blocker = Blocker { table: table.clone(), warnings: Vec::new(), mend };
        let (mut mock, job) = (Mock::default(), job(&GOOD[..2]));
        let summary =
            execute(&job, &mut OneByOne(&mut mock), &bench.store(), &mut blocker, Start::Resume)
                .unwrap();
        assert_eq!(bench.records().len(), 2);
        assert_eq!(blocker.warnings.len(), if mend { 1 } else { 2 });
        assert!(blocker.warnings[0].contains(&*table.to_string_lossy()));
        assert_eq!((summary.is_clean(), summary.unwritten.is_none()), (mend, mend));
        assert_eq!(summary.tables.runs.len(), 2);
    }
}

#[test]
fn a_table_that_cannot_be_written_at_the_start_is_an_error_before_training() {
    let bench = Bench::new();
    let store = bench.store();
    let table = bench.folder().join("runs.csv");
    fs::create_dir(&table).unwrap();
    let mut mock = Mock::default();
    let error =
        execute(&job(&GOOD), &mut OneByOne(&mut mock), &store, &mut (), Start::Resume).unwrap_err();
    assert!(matches!(&error, SweepError::Store(StoreError::Write { path, .. }) if *path == table));
    assert!(mock.trained.is_empty());
}

#[test]
fn two_runs_with_one_row_are_refused() {
    let bench = Bench::new();
    let twice = job(&[GOOD[0], GOOD[2], GOOD[0]]);
    let mut mock = Mock::default();
    let error = execute(&twice, &mut OneByOne(&mut mock), &bench.store(), &mut (), Start::Resume)
        .unwrap_err();
    assert!(matches!(&error, SweepError::Duplicate { experiment, seed: 0 } if experiment == "r20"));
    assert!(mock.trained.is_empty());
}

/// Passes everything on but the wall time, which no snapshot can hold.
struct Untimed<O>(O);

impl<O: Observer> Observer for Untimed<O> {
    fn planned(&mut self, plan: &Planned) {
        self.0.planned(plan);
    }
    fn started(&mut self, run: &Outline) {
        self.0.started(run);
    }
    fn step(&mut self, run: &Outline, step: &StepReport) {
        self.0.step(run, step);
    }
    fn epoch(&mut self, run: &Outline, row: &EpochRow) {
        self.0.epoch(run, row);
    }
    fn finished(&mut self, run: &Outline, row: &RunRow) {
        self.0.finished(run, &RunRow { wall_s: 38.25, ..row.clone() });
    }
    fn ended(&mut self) {
        self.0.ended();
    }
}

#[test]
fn plain_lines_tell_of_the_sweep() {
    let bench = Bench::new();
    bench.execute(&job(&GOOD[..1]), Start::Resume);
    let fates = [GOOD[0], GOOD[1], ("r8", 0, Fate::DivergesIn(2)), ("r8", 1, Fate::FailsIn(1))];
    let mut lines = Vec::new();
    let mut progress = Untimed(Progress::plain(&mut lines));
    let mut mock = Mock::default();
    execute(&job(&fates), &mut OneByOne(&mut mock), &bench.store(), &mut progress, Start::Resume)
        .unwrap();
    insta::assert_snapshot!("plain_lines", String::from_utf8(lines).unwrap());
}

#[test]
fn who_has_a_run_that_is_left_to_it_is_told() {
    let bench = Bench::new();
    let job = job(&GOOD[..2]);
    let store = Store::open(bench.results.path(), "depth", Access::Shared).unwrap();
    let claim = store.claim(&job.runs[0].id, Arc::default()).unwrap();
    let (mut mock, mut lines) = (Mock::default(), Vec::new());
    let mut progress = Progress::plain(&mut lines);
    execute(&job, &mut OneByOne(&mut mock), &store, &mut progress, Start::Resume).unwrap();
    drop(claim);
    assert_eq!(mock.trained, ["r20/1"]);
    let text = String::from_utf8(lines).unwrap();
    let own = format!("r20 seed 0  is left to process {} on ", std::process::id());
    assert!(text.contains(&own) && text.contains(", which has it since 2"), "{text}");
}

#[test]
fn bars_go_with_a_sweep_from_its_start_to_its_end() {
    let bench = Bench::new();
    let mut bars = Progress::bars(ProgressDrawTarget::hidden());
    let mut mock = Mock::default();
    let summary =
        execute(&job(&GOOD), &mut OneByOne(&mut mock), &bench.store(), &mut bars, Start::Resume);
    assert_eq!(summary.unwrap().trained, 4);
}

/// Goes on after an epoch that an earlier process has trained.
struct GoesOn;

impl Trainer<Fate> for GoesOn {
    type Error = MockError;

    fn train(&mut self, work: &Work<'_, Fate>, log: &mut RunLog<'_>) -> Result<Trained, MockError> {
        log.go_on(Point { epochs: 1, steps: 0 });
        log.recall(row(work.run, 1));
        log.epoch(row(work.run, 2));
        log.epoch(row(work.run, 3));
        let (latency_ms, peak_memory_mb) = (None, None);
        let outcome = Outcome::Completed;
        Ok(Trained { outcome, restored_epoch: None, latency_ms, peak_memory_mb })
    }
}

#[test]
fn a_run_that_goes_on_tells_of_the_time_before() {
    let bench = Bench::new();
    let (job, store) = (job(&GOOD[..1]), bench.store());
    let clock = store.run(&job.runs[0].id).file(resweep::saved::RunFile::Clock);
    fs::create_dir_all(clock.parent().unwrap()).unwrap();
    fs::write(&clock, r#"(started: "2026-01-02T03:04:05Z", wall_s: 1000.0, after: 0)"#).unwrap();
    let summary =
        execute(&job, &mut OneByOne(&mut GoesOn), &store, &mut (), Start::Resume).unwrap();
    let run = &summary.tables.runs[0];
    assert_eq!(run.started, "2026-01-02T03:04:05Z");
    assert!((1000.0..1060.0).contains(&run.wall_s), "{}", run.wall_s);
    assert!(!clock.exists(), "it goes with the checkpoints");
    // One that starts anew tells of its own time alone.
    fs::write(&clock, r#"(started: "2026-01-02T03:04:05Z", wall_s: 1000.0, after: 0)"#).unwrap();
    let mut mock = Mock::default();
    fs::remove_file(store.run(&job.runs[0].id).file(resweep::saved::RunFile::Record)).unwrap();
    let summary = execute(&job, &mut OneByOne(&mut mock), &store, &mut (), Start::Resume).unwrap();
    assert!(summary.tables.runs[0].wall_s < 60.0);
}
