//! Successive halving end to end: who goes on does so as if it had never waited.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use resweep::data::shapes10;
use resweep::records::{Access, Decision, EpochRow, Facts, Layout, RunId, RunRow, Status, Store};
use resweep::saved::RunFile;
use resweep::spec::data::{Data, DataSet};
use resweep::spec::halving::Halving;
use resweep::spec::train::{Metric, Train};
use resweep::sweep::{Job, Observer, OneByOne, Outline, Run, Start, Stop, Summary, execute};
use resweep::train::runner::{Runner, Task};
use tch::Device;

use crate::made::environment;
use crate::saved::{plan, recipe};

const NAMES: [&str; 3] = ["low", "middle", "high"];
const RATES: [f64; 3] = [0.0003, 0.003, 0.03];

fn job(halving: Option<Halving>) -> Job<Task> {
    let data = Data { set: DataSet::Shapes10 { seed: 0 }, validation: Some(60), ..Data::default() };
    let plan = Rc::new(plan());
    let facts = Facts {
        params: plan.params(),
        macs: plan.macs(),
        activation_bytes: None,
        precision: "fp32".into(),
        batch: 20,
        train_images: 180,
        test_images: 40,
    };
    let run = |(name, lr): (&str, f64), seed| {
        let fields = format!("optimizer: AdamW(lr: {lr:?}), augment: [RandomCrop(padding: 2)]");
        let train = Train { ema: Some(ron::from_str("(decay: 0.9)").unwrap()), ..recipe(&fields) };
        let id = RunId { experiment: name.into(), seed, spec_hash: format!("{name:0>64}") };
        let payload = Task { plan: Rc::clone(&plan), train, data: data.clone(), teacher: None };
        Run { id, epochs: 4, spec: String::new(), facts: facts.clone(), payload }
    };
    let all = |seed| NAMES.into_iter().zip(RATES).map(move |of| run(of, seed)).collect::<Vec<_>>();
    let runs = [all(0), all(1)].concat();
    let environment = environment();
    let layout = Layout::plain(&NAMES);
    Job {
        name: "halves".into(),
        environment,
        layout,
        runs,
        halving,
        stop: Stop::default(),
        until_resolved: None,
    }
}

fn rungs() -> Option<Halving> {
    Some(Halving { rungs: vec![1, 3], eta: 3.0, metric: Metric::ValLoss })
}

fn sweep(results: &Path, halving: Option<Halving>, observer: &mut dyn Observer) -> Summary {
    let images = shapes10::generate(240, 40, 0);
    let mut runner = Runner::new(Device::Cpu, Box::new(|_| Ok(images.clone())));
    let store = Store::open(results, "halves", Access::Alone).unwrap();
    let pool = &mut OneByOne(&mut runner);
    execute(&job(halving), pool, &store, observer, Start::Resume).unwrap()
}

/// The rows of an experiment, times aside.
fn rows_of(summary: &Summary, experiment: &str) -> (Vec<RunRow>, Vec<EpochRow>) {
    let tables = &summary.tables;
    let run = |row: &RunRow| RunRow {
        started: String::new(),
        train_s: None,
        eval_s: None,
        epoch_s_mean: None,
        epoch_s_std: None,
        train_images_per_s: None,
        eval_images_per_s: None,
        latency_ms: None,
        peak_memory_mb: None,
        wall_s: 0.0,
        ..row.clone()
    };
    let epoch = |row: &EpochRow| EpochRow {
        epoch_s: 0.0,
        eval_s: None,
        train_images_per_s: None,
        eval_images_per_s: None,
        ..row.clone()
    };
    let runs = tables.runs.iter().filter(|row| row.experiment == experiment).map(run).collect();
    let epochs = tables.epochs.iter().filter(|row| row.experiment == experiment).map(epoch);
    (runs, epochs.collect())
}

fn states(results: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(results.join("halves/runs")).into_iter().flatten();
    let state = |run: PathBuf| run.join(RunFile::Checkpoint.name());
    entries.map(|entry| state(entry.unwrap().path())).filter(|path| path.exists()).collect()
}

/// Kills the sweep, or spoils the states of waiting runs, when the second phase begins.
struct AtTheRung<'a> {
    results: &'a Path,
    spoil: bool,
}

impl Observer for AtTheRung<'_> {
    fn resumed(&mut self, _: &Outline, row: &RunRow) {
        assert!(self.spoil, "killed");
        assert_eq!(row.status, Status::Paused);
        for path in states(self.results) {
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn who_goes_on_ends_as_one_that_never_waited() {
    let folders = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let [whole, halved, killed, spoiled] = folders.each_ref().map(|folder| folder.path());
    let whole = sweep(whole, None, &mut ());
    let summary = sweep(halved, rungs(), &mut ());
    let last = summary.tables.halving.as_ref().unwrap().last().unwrap();
    assert_eq!((last.rung, last.decision, last.n), (2, Decision::Kept, 2));
    let survivor = last.experiment.as_str();
    for run in &summary.tables.runs {
        let wanted =
            if run.experiment == survivor { (Status::Ok, 4) } else { (Status::Dropped, 1) };
        assert_eq!((run.status, run.epochs), wanted, "{}", run.experiment);
    }
    let left = |summary: &Summary| rows_of(summary, survivor);
    assert_eq!(left(&summary), left(&whole));
    assert!(states(halved).is_empty());

    let mut kill = AtTheRung { results: killed, spoil: false };
    let dead = catch_unwind(AssertUnwindSafe(|| sweep(killed, rungs(), &mut kill)));
    assert!(dead.is_err());
    assert_eq!(states(killed).len(), 2, "two runs wait, and four were dropped");
    assert_eq!(left(&sweep(killed, rungs(), &mut ())), left(&whole));

    // A state that was changed is told by its hash, and its run is trained anew.
    let mut spoil = AtTheRung { results: spoiled, spoil: true };
    assert_eq!(left(&sweep(spoiled, rungs(), &mut spoil)), left(&whole));
}
