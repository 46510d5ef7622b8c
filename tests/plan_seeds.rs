//! `plan-seeds` over folders that the tests write: the numbers are those of statsmodels, and what it
//! cannot know it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use clap::Parser as _;
use resweep::cli::PlanSeedsArgs;
use resweep::commands::plan_seeds;
use resweep::experiment::{self, Experiments};
use resweep::records::{
    Access, Ending, Environment, EpochRow, Facts, Record, RunId, Span, Status, Store,
};
use resweep::spec::load::Loader;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: PlanSeedsArgs,
}

const SPEC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/shortcuts.ron");

fn experiments() -> Experiments {
    experiment::sweep(&Loader::default(), Path::new(SPEC), &[]).unwrap()
}

fn told(results: &Path, more: &str) -> Result<String, String> {
    let args = ["plan-seeds", SPEC, "--results", results.to_str().unwrap()];
    let args = Cli::try_parse_from(args.into_iter().chain(more.split(' '))).unwrap().args;
    plan_seeds::text(&args, &experiments())
}

/// A run of 100 seconds that ended with this accuracy.
fn run(store: &Store, (name, hash): (&str, &str), seed: u64, top1: f64) {
    let id = RunId { experiment: name.into(), seed, spec_hash: hash.into() };
    let facts = Facts {
        params: 1,
        macs: 1,
        activation_bytes: None,
        precision: "fp32".into(),
        batch: 1,
        train_images: 1,
        test_images: 1,
    };
    let row = EpochRow {
        experiment: name.into(),
        seed,
        epoch: 1,
        lr: 0.1,
        train_loss: 1.0,
        test_loss: Some(1.0),
        top1: Some(top1),
        epoch_s: 90.0,
        ..EpochRow::default()
    };
    let span = Span { started: UNIX_EPOCH, wall: Duration::from_secs(100) };
    let (on, ending) = (Environment::default(), Ending::of(Status::Ok));
    store.save(&Record::new(&id, &facts, &on, vec![row], ending, span)).unwrap();
}

/// So many seeds, an even number, of which the differences from the plain network vary with a standard
/// deviation of 1 and 2.
fn recorded(seeds: u64) -> tempfile::TempDir {
    let results = tempfile::tempdir().unwrap();
    let store = Store::open(results.path(), "shortcuts", Access::Alone).unwrap();
    let experiments = experiments();
    let shift = ((seeds - 1) as f64 / seeds as f64).sqrt();
    for (seed, sign) in (0..seeds).zip([1.0, -1.0].into_iter().cycle()) {
        for (experiment, spread) in experiments.list.iter().zip([0.0, 1.0, 2.0]) {
            let own = (experiment.name.as_str(), experiment.hash.as_str());
            run(&store, own, seed, 60.0 + sign * spread * shift);
        }
    }
    // A run of another spec does not count.
    run(&store, ("plain20", &"0".repeat(64)), 9, 1.0);
    results
}

/// statsmodels: `TTestPower().solve_power(effect_size=1 / 1, alpha=0.025, power=0.8)` is 12.15, with half
/// the effect 40.58. The upper end of the deviation is `sqrt(3 / chi2.ppf(0.025, 3))` = 3.7285 times the
/// estimate, and of effects of 1 / 3.7285 and 1 / 7.4571 it takes 134.7 and 531.1.
#[test]
fn the_seeds_are_those_of_statsmodels() {
    let results = recorded(4);
    let text = told(results.path(), "--detect 1").unwrap();
    let cells = |pair: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.contains(pair)).unwrap();
        line.split_whitespace().skip(3).map(str::to_owned).collect()
    };
    assert_eq!(cells("resnet20-a against plain20"), ["1.000", "4", "pairs", "13", "135"], "{text}");
    assert_eq!(cells("resnet20-b against plain20"), ["2.000", "4", "pairs", "41", "532"], "{text}");
    assert!(text.contains("difference of 1 point is found with a power of 0.8"), "{text}");
    assert!(text.contains("corrected for 2 pairs"), "{text}");
    // 3 experiments less 4 runs each, of 100 seconds.
    assert!(text.contains("41 seeds do for every pair: --set seeds=41"), "{text}");
    assert!(text.contains("111 runs are missing: 3h as before, one by one"), "{text}");
    fs::write(results.path().join("shortcuts/jobs.ron"), "(jobs: 3, threads: 1, device: \"cpu\")")
        .unwrap();
    let text = told(results.path(), "--detect 1").unwrap();
    assert!(text.contains("111 runs are missing: 62m as before, 3 side by side"), "{text}");
}

/// The upper end is `sqrt(1 / chi2.ppf(0.025, 1))` = 31.91 times the estimate; statsmodels has 271.4 seeds
/// for an effect of 6 / 31.91, and 1,077.9 for one of 6 / 63.82.
#[test]
fn two_seeds_tell_little_of_how_much_a_difference_varies() {
    let text = told(recorded(2).path(), "--detect 6").unwrap();
    let at_most = |pair: &str| {
        let line = text.lines().find(|line| line.contains(pair)).unwrap();
        let (_, counts) = line.split_once("2 pairs").unwrap();
        counts.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(at_most("resnet20-a against plain20"), "272", "{text}");
    assert_eq!(at_most("resnet20-b against plain20"), "> 1000", "{text}");
}

#[test]
fn what_is_not_known_is_said() {
    let results = tempfile::tempdir().unwrap();
    let refused = told(results.path(), "--detect 1").unwrap_err();
    assert!(refused.contains("--set seeds=3`") && refused.contains("--std 0.2"), "{refused}");
    // statsmodels: `TTestIndPower().solve_power(effect_size=2, alpha=0.025, power=0.8)` is 6.20.
    let given = told(results.path(), "--detect 1 --std 0.5").unwrap();
    assert!(given.contains("7 seeds do for every pair"), "{given}");
    assert!(
        given.contains("How long that takes is not known: there is no run of plain20"),
        "{given}"
    );
    let refused = told(results.path(), "--detect 1 --metric top").unwrap_err();
    assert!(refused.contains("no metric `top`") && refused.contains("top1"), "{refused}");
    let far = told(results.path(), "--detect 0.001 --std 0.5").unwrap();
    assert!(far.contains("more than 1000 seeds"), "{far}");
}
