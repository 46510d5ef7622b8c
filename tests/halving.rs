//! Successive halving with a trainer that only pretends: who is trained how far, what is kept, and
//! what a second start does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use resweep::records::{
    Access, Decision, Environment, EpochRow, HalvingRow, Layout, RunId, RunRow, Status, Store,
};
use resweep::saved::RunFile;
use resweep::spec::halving::Halving;
use resweep::spec::train::Metric;
use resweep::sweep::{
    Job, Observer, OneByOne, Outcome, Outline, Run, RunLog, Start, Stop, Summary, Trained, Trainer,
    Work, execute,
};

#[path = "common/made.rs"]
mod made;

use made::facts;

/// The epochs of every run.
const EPOCHS: u32 = 9;

/// How a pretended run goes: its accuracy rises by 1 an epoch from here.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fate {
    start: f64,
    /// The epoch in which it has an error.
    fails_in: Option<u32>,
    /// The epoch in which it diverges.
    diverges_in: Option<u32>,
    /// The epoch after which it stops early.
    stops_after: Option<u32>,
}

fn from(start: f64) -> Fate {
    Fate { start, fails_in: None, diverges_in: None, stops_after: None }
}

/// Pretends to train; notes what it was asked to. A state is the number of epochs that are done.
#[derive(Default)]
struct Mock {
    trained: Vec<String>,
}

impl Trainer<Fate> for Mock {
    type Error = std::io::Error;

    fn train(
        &mut self,
        work: &Work<'_, Fate>,
        log: &mut RunLog<'_>,
    ) -> Result<Trained, std::io::Error> {
        let (run, fate, state) = (work.run, work.run.payload, checkpoint(work));
        let text = fs::read_to_string(&state).ok();
        let done = text.map_or(0, |text| text.parse().unwrap());
        let until = work.leg.until.unwrap_or(run.epochs);
        let name = format!("{}/{}", run.id.experiment, run.id.seed);
        self.trained.push(format!("{name} {}-{until}", done + 1));
        (1..=done).for_each(|epoch| log.recall(row(run, epoch)));
        let end = |outcome| Trained {
            outcome,
            restored_epoch: None,
            latency_ms: None,
            peak_memory_mb: Some(100.0),
        };
        for epoch in done + 1..=until {
            if fate.fails_in == Some(epoch) {
                return Err(std::io::Error::other("out of memory"));
            }
            if fate.diverges_in == Some(epoch) {
                return Ok(end(Outcome::Diverged { epoch }));
            }
            log.epoch(row(run, epoch));
            if fate.stops_after == Some(epoch) {
                return Ok(end(Outcome::StoppedEarly { reason: "no gain".into() }));
            }
        }
        if until < run.epochs {
            fs::write(state, until.to_string())?;
            return Ok(end(Outcome::Paused));
        }
        Ok(end(Outcome::Completed))
    }
}

fn checkpoint(work: &Work<'_, Fate>) -> std::path::PathBuf {
    work.leg.folder.as_ref().unwrap().file(RunFile::Checkpoint)
}

fn row(run: &Run<Fate>, epoch: u32) -> EpochRow {
    let top1 = run.payload.start + f64::from(epoch);
    EpochRow {
        experiment: run.id.experiment.clone(),
        seed: run.id.seed,
        epoch,
        lr: 0.1,
        train_loss: 1.0 / f64::from(epoch),
        train_top1: Some(60.0),
        test_loss: Some(0.75),
        top1: Some(top1 + 1.0),
        val_loss: Some(1.0 - top1 / 100.0),
        val_top1: Some(top1),
        epoch_s: 12.25,
        eval_s: Some(0.5),
        train_images_per_s: Some(812.5),
        eval_images_per_s: Some(5_000.0),
        ..EpochRow::default()
    }
}

fn run(experiment: &str, seed: u64, payload: Fate) -> Run<Fate> {
    let facts = facts();
    let id =
        RunId { experiment: experiment.to_owned(), seed, spec_hash: format!("{experiment:x>12}") };
    Run { id, epochs: EPOCHS, spec: String::new(), facts, payload }
}

fn halving(rungs: &[u32], eta: f64) -> Option<Halving> {
    Some(Halving { rungs: rungs.to_vec(), eta, metric: Metric::ValTop1 })
}

/// Experiments `a`, `b`, ... with the fates of their seeds.
fn job(experiments: &[&[Fate]], halving: Option<Halving>) -> Job<Fate> {
    let environment = Environment {
        device: "cpu".to_owned(),
        threads: 2,
        code_version: "0.1.0".to_owned(),
        ..Environment::default()
    };
    let names: Vec<String> =
        (0..experiments.len()).map(|at| char::from(b'a' + at as u8).to_string()).collect();
    let seeds = experiments.iter().map(|fates| fates.len()).max().unwrap();
    let runs = (0..seeds).flat_map(|seed| {
        let own = names.iter().zip(experiments);
        own.filter_map(move |(name, fates)| Some(run(name, seed as u64, *fates.get(seed)?)))
    });
    let runs = runs.collect();
    let layout = Layout::plain(&names.iter().map(String::as_str).collect::<Vec<_>>());
    Job {
        name: "halves".to_owned(),
        environment,
        layout,
        runs,
        halving,
        stop: Stop::default(),
        until_resolved: None,
    }
}

/// Six experiments with one seed; `d` is the best, `b` the next.
fn six() -> Vec<Vec<Fate>> {
    [10.0, 50.0, 30.0, 60.0, 20.0, 40.0].map(|start| vec![from(start)]).to_vec()
}

fn slices(experiments: &[Vec<Fate>]) -> Vec<&[Fate]> {
    experiments.iter().map(Vec::as_slice).collect()
}

/// A results folder of its own for one test.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> Store {
        Store::open(self.0.path(), "halves", Access::Alone).unwrap()
    }

    fn execute(&self, job: &Job<Fate>, start: Start) -> (Summary, Vec<String>) {
        let mut mock = Mock::default();
        let summary =
            execute(job, &mut OneByOne(&mut mock), &self.store(), &mut (), start).unwrap();
        (summary, mock.trained)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("halves").join(name)
    }

    fn states(&self) -> usize {
        let runs = fs::read_dir(self.path("runs")).into_iter().flatten();
        runs.filter(|run| {
            let run = run.as_ref().unwrap().path();
            run.extension().is_none() && run.join(RunFile::Checkpoint.name()).exists()
        })
        .count()
    }

    /// The tables, without the two columns that tell the time of day and the wall time.
    fn tables(&self) -> Vec<String> {
        let names = ["accuracy.csv", "timing.csv", "runs.csv", "epochs.csv", "halving.csv"];
        names.map(|name| timeless(&self.path(name))).to_vec()
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

fn statuses(summary: &Summary) -> String {
    let told =
        |run: &RunRow| format!("{}{} {} {}", run.experiment, run.seed, run.status, run.epochs);
    summary.tables.runs.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// `a1` for an experiment that was kept at rung 1, `-a1` for one that was dropped.
fn decisions(summary: &Summary) -> String {
    let told = |row: &HalvingRow| match row.decision {
        Decision::Kept => format!("{}{}", row.experiment, row.rung),
        Decision::Dropped => format!("-{}{}", row.experiment, row.rung),
    };
    summary.tables.halving.iter().flatten().map(told).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_best_third_goes_on_from_each_rung() {
    let bench = Bench::new();
    let job = job(&slices(&six()), halving(&[1, 3], 3.0));
    let (summary, trained) = bench.execute(&job, Start::Resume);
    let wanted = [
        "a/0 1-1", "b/0 1-1", "c/0 1-1", "d/0 1-1", "e/0 1-1", "f/0 1-1", "b/0 2-3", "d/0 2-3",
        "d/0 4-9",
    ];
    assert_eq!(trained, wanted);
    let wanted = "a0 dropped 1, b0 dropped 3, c0 dropped 1, d0 ok 9, e0 dropped 1, f0 dropped 1";
    assert_eq!(statuses(&summary), wanted);
    assert_eq!(decisions(&summary), "-a1 b1 -c1 d1 -e1 -f1 -b2 d2");
    assert!(summary.is_clean(), "what halving drops is no failure");
    assert_eq!((summary.trained, summary.kept), (6, 0));
    assert_eq!(bench.states(), 0, "no state is left");

    let b = &summary.tables.runs[1];
    let reason =
        "rung 2 of 2: mean val_top1 53 of 1 run is rank 2 of 2; 1 went on, the last with 63";
    assert_eq!((b.stopped_epoch, b.stop_reason.as_deref()), (Some(3), Some(reason)));
    assert_eq!((b.top1, b.reason.as_deref()), (None, None), "it has no headline");
    let accuracy: Vec<_> =
        summary.tables.accuracy.iter().map(|row| (row.n, row.failed, row.dropped)).collect();
    assert_eq!(accuracy[..4], [(0, 0, 1), (0, 0, 1), (0, 0, 1), (1, 0, 0)]);
    let rows = summary.tables.halving.as_ref().unwrap();
    assert_eq!((rows[2].value, rows[2].rank, rows[2].threshold), (Some(31.0), Some(4), Some(51.0)));
    let text = summary.text();
    assert!(text.contains("c was dropped at rung 1, epoch 1: val_top1 31.0000"), "{text}");
    let csv = fs::read_to_string(bench.path("halving.csv")).unwrap();
    let first = "experiment,rung,epoch,metric,n,value,rank,threshold,decision\n\
                 a,1,1,val_top1,1,11,6,51,dropped\n";
    assert!(csv.starts_with(first), "{csv}");
}

#[test]
fn the_row_of_one_that_goes_on_is_that_of_one_that_never_waited() {
    let (halved, whole) = (Bench::new(), Bench::new());
    let experiments = six();
    let (halved, _) =
        halved.execute(&job(&slices(&experiments), halving(&[1, 3], 3.0)), Start::Resume);
    let (whole, _) = whole.execute(&job(&slices(&experiments), None), Start::Resume);
    let row = |summary: &Summary| {
        let row = summary.tables.runs.iter().find(|run| run.experiment == "d").unwrap().clone();
        RunRow { started: String::new(), wall_s: 0.0, ..row }
    };
    assert_eq!(row(&halved), row(&whole));
    let epochs = |summary: &Summary| -> Vec<EpochRow> {
        summary.tables.epochs.iter().filter(|row| row.experiment == "d").cloned().collect()
    };
    assert_eq!(epochs(&halved), epochs(&whole));
    assert_eq!(whole.tables.halving, None);
}

#[test]
fn seeds_count_together() {
    let fates = [[from(10.0), from(50.0)], [from(40.0), from(18.0)], [from(35.0), from(26.0)]];
    let (summary, trained) = Bench::new()
        .execute(&job(&fates.each_ref().map(|f| &f[..]), halving(&[2], 3.0)), Start::Resume);
    assert_eq!(decisions(&summary), "-a1 -b1 c1");
    assert_eq!(trained[6..], ["c/0 3-9", "c/1 3-9"]);
    let rows = summary.tables.halving.unwrap();
    let values: Vec<_> = rows.iter().map(|row| (row.n, row.value)).collect();
    assert_eq!(values, [(2, Some(32.0)), (2, Some(31.0)), (2, Some(32.5))]);
}

#[test]
fn failed_and_diverged_runs_are_in_no_mean() {
    let fails = Fate { fails_in: Some(2), ..from(90.0) };
    let diverges = Fate { diverges_in: Some(1), ..from(90.0) };
    let late = Fate { diverges_in: Some(5), ..from(70.0) };
    let fates = [[fails, from(20.0)], [diverges, fails], [late, from(30.0)]];
    let (summary, trained) = Bench::new()
        .execute(&job(&fates.each_ref().map(|f| &f[..]), halving(&[2, 4], 1.5)), Start::Resume);
    assert_eq!(decisions(&summary), "a1 -b1 c1 -a2 c2");
    let wanted = "a0 failed 1, a1 dropped 4, b0 diverged 0, b1 failed 1, c0 diverged 4, c1 ok 9";
    assert_eq!(statuses(&summary), wanted);
    assert_eq!(trained.iter().filter(|run| run.starts_with("a/0")).count(), 1, "failed once");
    let rows = summary.tables.halving.as_ref().unwrap();
    assert_eq!((rows[1].n, rows[1].value, rows[1].rank), (0, None, None));
    assert!(!summary.is_clean());
}

#[test]
fn one_that_stopped_early_is_ranked_by_its_end() {
    let stops = Fate { stops_after: Some(2), ..from(51.0) };
    let fates = [[stops], [from(49.0)], [from(10.0)]];
    let (summary, trained) = Bench::new()
        .execute(&job(&fates.each_ref().map(|f| &f[..]), halving(&[1, 3], 1.5)), Start::Resume);
    // 53 at its end after epoch 2, against 52 after epoch 3.
    assert_eq!(decisions(&summary), "a1 b1 -c1 a2 -b2");
    assert_eq!(statuses(&summary), "a0 ok 2, b0 dropped 3, c0 dropped 1");
    assert_eq!(trained.len(), 5);
    let row = &summary.tables.accuracy[0];
    assert_eq!((row.n, row.stopped_early, row.dropped), (1, 1, 0));
}

/// Kills the sweep at the event of this number.
struct Killer {
    at: usize,
    seen: usize,
}

impl Killer {
    fn event(&mut self) {
        assert!(self.seen < self.at, "killed");
        self.seen += 1;
    }
}

impl Observer for Killer {
    fn started(&mut self, _: &Outline) {
        self.event();
    }
    fn resumed(&mut self, _: &Outline, _: &RunRow) {
        self.event();
    }
    fn epoch(&mut self, _: &Outline, _: &EpochRow) {
        self.event();
    }
    fn paused(&mut self, _: &Outline, _: &RunRow) {
        self.event();
    }
    fn decided(&mut self, _: &[HalvingRow]) {
        self.event();
    }
    fn finished(&mut self, _: &Outline, _: &RunRow) {
        self.event();
    }
}

#[test]
fn a_sweep_killed_anywhere_ends_with_the_tables_of_one_that_was_not() {
    let experiments = [
        vec![from(10.0)],
        vec![from(50.0), Fate { diverges_in: Some(2), ..from(50.0) }],
        vec![from(60.0)],
    ];
    let mut job = job(&slices(&experiments), halving(&[1, 2], 1.5));
    job.runs.iter_mut().for_each(|run| run.epochs = 3);
    let whole = Bench::new();
    let (_, trained) = whole.execute(&job, Start::Resume);
    let mut killed = 0;
    for at in 0.. {
        let bench = Bench::new();
        let mut killer = Killer { at, seen: 0 };
        let mut mock = Mock::default();
        // A panic within an epoch is that of the trainer, and fails its run; all others end the sweep.
        let ended = catch_unwind(AssertUnwindSafe(|| {
            execute(&job, &mut OneByOne(&mut mock), &bench.store(), &mut killer, Start::Resume)
        }));
        let (_, again) = bench.execute(&job, Start::Resume);
        if ended.is_err() {
            killed += 1;
            assert_eq!(bench.tables(), whole.tables(), "killed at event {at}");
            assert_eq!(bench.states(), 0);
            let all: BTreeSet<&String> = mock.trained.iter().chain(&again).collect();
            assert_eq!(
                all,
                trained.iter().collect(),
                "nothing is trained anew but what was in hand"
            );
        }
        if killer.seen < at {
            break;
        }
    }
    assert!(killed > 20, "{killed}");
}

#[test]
fn a_second_start_does_nothing_and_tries_what_failed() {
    let bench = Bench::new();
    let mut experiments = six();
    experiments[2] = vec![Fate { fails_in: Some(1), ..from(99.0) }];
    experiments[3] = vec![Fate { fails_in: Some(5), ..from(60.0) }];
    let rule = halving(&[1, 3], 3.0);
    let (summary, _) = bench.execute(&job(&slices(&experiments), rule.clone()), Start::Resume);
    assert_eq!(decisions(&summary), "-a1 b1 -c1 d1 -e1 -f1 -b2 d2");
    assert_eq!(bench.states(), 1, "a failed run keeps the state that it went on from");

    // The decision against `c` stays; `d` goes on from its last rung.
    let (summary, trained) = bench.execute(&job(&slices(&six()), rule.clone()), Start::Resume);
    assert_eq!(trained, ["d/0 4-9"]);
    assert_eq!(decisions(&summary), "-a1 b1 -c1 d1 -e1 -f1 -b2 d2");
    assert_eq!((summary.kept, bench.states()), (5, 0));
    let before = bench.tables();
    let (_, trained) = bench.execute(&job(&slices(&six()), rule), Start::Resume);
    assert!(trained.is_empty(), "{trained:?}");
    assert_eq!(bench.tables(), before);
}

#[test]
fn other_rungs_decide_anew_and_none_train_all_to_their_end() {
    let bench = Bench::new();
    let experiments = six();
    bench.execute(&job(&slices(&experiments), halving(&[1, 3], 3.0)), Start::Resume);
    let (summary, trained) =
        bench.execute(&job(&slices(&experiments), halving(&[3], 2.0)), Start::Resume);
    assert_eq!(decisions(&summary), "-a1 b1 -c1 d1 -e1 f1");
    // Those that were dropped at epoch 1 start anew; `b` has its three epochs.
    assert_eq!(trained, ["a/0 1-3", "c/0 1-3", "e/0 1-3", "f/0 1-3", "b/0 1-9", "f/0 4-9"]);
    let (summary, trained) = bench.execute(&job(&slices(&experiments), None), Start::Resume);
    assert_eq!(trained, ["a/0 1-9", "c/0 1-9", "e/0 1-9"]);
    assert!(summary.tables.runs.iter().all(|run| run.status == Status::Ok));
    assert!(!bench.path("halving.csv").exists(), "a table of another sweep is none of this one");
}

#[test]
fn a_fresh_start_forgets_states_and_decisions() {
    let bench = Bench::new();
    let mut experiments = six();
    experiments[3] = vec![Fate { fails_in: Some(5), ..from(60.0) }];
    let rule = halving(&[1, 3], 3.0);
    bench.execute(&job(&slices(&experiments), rule.clone()), Start::Resume);
    let (summary, trained) = bench.execute(&job(&slices(&six()), rule), Start::Fresh);
    assert_eq!((trained.len(), bench.states()), (9, 0));
    assert_eq!(decisions(&summary), "-a1 b1 -c1 d1 -e1 -f1 -b2 d2");
}
