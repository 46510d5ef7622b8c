//! Seeds that are added while pairs are close, with a trainer that only pretends: who is trained with
//! which seeds, what is decided, and what a second start does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use resweep::progress::Progress;
use resweep::records::{
    Access, Environment, EpochRow, Layout, Row, RunId, SeedsRow, Store, last_decisions,
};
use resweep::spec::until_resolved::{SeedsMetric, UntilResolved};
use resweep::sweep::{
    Job, OneByOne, Outcome, Run, RunLog, Start, Stop, Summary, Trained, Trainer, Work, execute,
};

#[path = "common/made.rs"]
mod made;

/// How an experiment pretends: its accuracy by seed; none where it has an error.
type Fate = Option<f64>;

/// Pretends to train; notes what it was asked to.
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
    ) -> Result<Trained, Self::Error> {
        let id = &work.run.id;
        self.trained.push(format!("{}{}", id.experiment, id.seed));
        let top1 = work.run.payload.ok_or_else(|| std::io::Error::other("no memory"))?;
        log.epoch(row(id, top1));
        let (restored_epoch, latency_ms, peak_memory_mb) = (None, None, None);
        Ok(Trained { outcome: Outcome::Completed, restored_epoch, latency_ms, peak_memory_mb })
    }
}

fn row(id: &RunId, top1: f64) -> EpochRow {
    EpochRow {
        experiment: id.experiment.clone(),
        seed: id.seed,
        epoch: 1,
        lr: 0.1,
        train_loss: 1.0,
        test_loss: Some(1.0 - top1 / 100.0),
        top1: Some(top1),
        epoch_s: 1.0,
        ..EpochRow::default()
    }
}

fn rule(min: u32, max: u32, detect: Option<f64>) -> UntilResolved {
    UntilResolved { min, max, level: 0.95, detect, metric: SeedsMetric::Top1 }
}

/// Experiments `a`, `b`, ... with their fates by seed.
fn job(fates: &[Vec<Fate>], rule: &UntilResolved, baseline: Option<&str>) -> Job<Fate> {
    let names: Vec<String> =
        (0..fates.len()).map(|at| char::from(b'a' + at as u8).to_string()).collect();
    let run = |(name, fate): (&String, &Vec<Fate>), seed: u64| Run {
        id: RunId { experiment: name.clone(), seed, spec_hash: format!("{name:0>64}") },
        epochs: 1,
        spec: String::new(),
        facts: made::facts(),
        payload: fate[seed as usize],
    };
    let runs = rule.seeds().into_iter().flat_map(|seed| {
        names.iter().zip(fates).map(move |own| run(own, seed)).collect::<Vec<_>>()
    });
    let mut layout = Layout::plain(&names.iter().map(String::as_str).collect::<Vec<_>>());
    layout.baseline = baseline.map(str::to_owned);
    Job {
        name: "grows".into(),
        environment: Environment::default(),
        layout,
        runs: runs.collect(),
        halving: None,
        until_resolved: Some(rule.clone()),
        stop: Stop::default(),
    }
}

fn sweep(results: &Path, job: &Job<Fate>, mock: &mut Mock, start: Start) -> Summary {
    let store = Store::open(results, &job.name, Access::Alone).unwrap();
    execute(job, &mut OneByOne(mock), &store, &mut (), start).unwrap()
}

/// Noise of standard deviation 1 around a mean, by seed.
fn around(mean: f64, seeds: usize, stream: u64) -> Vec<Fate> {
    let mut random = ChaCha8Rng::seed_from_u64(stream);
    let noise = StandardNormal.sample_iter(&mut random).take(seeds);
    noise.map(|noise: f64| Some(mean + noise)).collect()
}

/// How often each experiment was trained.
fn counts(mock: &Mock) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    mock.trained
        .iter()
        .for_each(|run| *counts.entry(run.chars().next().unwrap()).or_default() += 1);
    counts
}

fn decisions(results: &Path) -> Vec<String> {
    let rows = last_decisions(&results.join("grows"));
    rows.iter()
        .map(|row| format!("{}{} {} {}", row.experiment, row.other, row.decision, row.n))
        .collect()
}

#[test]
fn seeds_go_to_pairs_that_are_close() {
    let folder = tempfile::tempdir().unwrap();
    let fates = [around(50.0, 12, 1), around(50.0, 12, 2), around(90.0, 12, 3)];
    let job = job(&fates, &rule(3, 12, None), None);
    let mut mock = Mock::default();
    let summary = sweep(folder.path(), &job, &mut mock, Start::Resume);
    let trained = counts(&mock);
    assert_eq!((trained[&'a'], trained[&'b']), (12, 12));
    assert!(trained[&'c'] < 8, "{trained:?}");
    let told = decisions(folder.path());
    assert_eq!(told.len(), 3);
    assert!(told.contains(&"ba undecided 12".into()), "{told:?}");
    assert!(told.iter().filter(|it| it.contains(" better ")).count() == 2, "{told:?}");
    assert!(summary.text().contains("c is better than a (+"), "{}", summary.text());
    assert!(summary.text().contains("b is not resolved from a"), "{}", summary.text());
    assert_eq!((summary.left, summary.is_clean()), (0, true));
    // All runs of a round are over before the next is decided.
    let first: Vec<&str> = mock.trained[..9].iter().map(String::as_str).collect();
    assert_eq!(first, ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
}

#[test]
fn runs_that_are_added_are_not_counted_against_those_that_were_planned() {
    let folder = tempfile::tempdir().unwrap();
    let fates = [around(50.0, 5, 1), around(50.0, 5, 2)];
    let job = job(&fates, &rule(3, 5, None), None);
    let store = Store::open(folder.path(), &job.name, Access::Alone).unwrap();
    let mut lines = Vec::new();
    let mut progress = Progress::plain(&mut lines);
    execute(&job, &mut OneByOne(&mut Mock::default()), &store, &mut progress, Start::Resume)
        .unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert!(text.contains("(run 6 of 6, ") && text.contains("(run 10, "), "{text}");
}

#[test]
fn pairs_within_what_matters_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    let fates = [around(50.0, 30, 4), around(50.1, 30, 5)];
    let job = job(&fates, &rule(3, 30, Some(3.0)), None);
    let mut mock = Mock::default();
    sweep(folder.path(), &job, &mut mock, Start::Resume);
    assert!(mock.trained.len() < 40, "{}", mock.trained.len());
    let told = decisions(folder.path());
    assert!(told[0].starts_with("ba equal"), "{told:?}");
}

#[test]
fn with_a_baseline_the_others_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let fates = [around(50.0, 9, 6), around(90.0, 9, 7), around(90.0, 9, 8)];
    let job = job(&fates, &rule(3, 9, None), Some("a"));
    let mut mock = Mock::default();
    sweep(folder.path(), &job, &mut mock, Start::Resume);
    let told = decisions(folder.path());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|it| it.contains("better")), "{told:?}");
    assert!(mock.trained.len() < 27, "{:?}", mock.trained);
}

#[test]
fn an_experiment_that_never_ends_well_is_not_fed() {
    let folder = tempfile::tempdir().unwrap();
    let fates = [around(50.0, 20, 9), vec![None; 20]];
    let job = job(&fates, &rule(3, 20, None), None);
    let mut mock = Mock::default();
    let summary = sweep(folder.path(), &job, &mut mock, Start::Resume);
    assert_eq!(mock.trained.len(), 6);
    assert_eq!(decisions(folder.path()), ["ba undecided 0"]);
    assert!(!summary.is_clean());
    // A second start tries those that failed again, and no more.
    let mut again = Mock::default();
    sweep(folder.path(), &job, &mut again, Start::Resume);
    assert_eq!(again.trained, ["b0", "b1", "b2"]);
}

/// The tables of a sweep without what is measured.
fn tables(results: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(results.join("grows").join(name)).unwrap();
    let unmeasured = |text: String| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let kept: Vec<usize> = (reader.headers().unwrap().iter().enumerate())
            .filter(|(_, name)| !["started", "wall_s"].contains(name))
            .map(|(at, _)| at)
            .collect();
        let line = |row: csv::StringRecord| {
            kept.iter().map(|at| row[*at].to_owned()).collect::<Vec<_>>().join(",")
        };
        reader.records().map(|row| line(row.unwrap())).collect::<Vec<_>>().join("\n")
    };
    [SeedsRow::FILE, "accuracy.csv", "epochs.csv", "runs.csv"]
        .map(|name| unmeasured(read(name)))
        .join("\n\n")
}

#[test]
fn a_sweep_that_is_killed_anywhere_decides_as_it_would_have() {
    let whole = tempfile::tempdir().unwrap();
    let fates = [around(50.0, 8, 10), around(51.0, 8, 11), around(60.0, 8, 12)];
    let job = job(&fates, &rule(3, 8, None), None);
    let mut mock = Mock::default();
    sweep(whole.path(), &job, &mut mock, Start::Resume);
    let (all, wanted) = (mock.trained.len(), tables(whole.path()));
    for kill in 0..all {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Mock::default();
        let mut stopping = Stopping { inner: &mut first, left: kill, stop: Stop::default() };
        let cut = Job { stop: stopping.stop.clone(), ..job.clone() };
        let store = Store::open(folder.path(), &job.name, Access::Alone).unwrap();
        let summary =
            execute(&cut, &mut OneByOne(&mut stopping), &store, &mut (), Start::Resume).unwrap();
        drop(store);
        assert!(summary.is_stopped, "{kill}");
        let mut rest = Mock::default();
        sweep(folder.path(), &job, &mut rest, Start::Resume);
        assert_eq!(tables(folder.path()), wanted, "after {kill} of {all} runs");
    }
}

/// Has the sweep stop after so many runs.
struct Stopping<'a> {
    inner: &'a mut Mock,
    left: usize,
    stop: Stop,
}

impl Trainer<Fate> for Stopping<'_> {
    type Error = std::io::Error;

    fn train(
        &mut self,
        work: &Work<'_, Fate>,
        log: &mut RunLog<'_>,
    ) -> Result<Trained, Self::Error> {
        if self.left == 0 {
            self.stop.set();
            let (restored_epoch, latency_ms, peak_memory_mb) = (None, None, None);
            let outcome = Outcome::Stopped;
            return Ok(Trained { outcome, restored_epoch, latency_ms, peak_memory_mb });
        }
        self.left -= 1;
        self.inner.train(work, log)
    }
}
