//! Synthetic results: every command reads them, as it would those of a real sweep, and none of them takes
//! time or space that grows with the square of the runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use resweep::records::Folder;
use resweep::saved::RunFile;

/// A folder, in memory where there is such a place: every run that ends is waited for on a disk.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

fn xtask(words: &[&str]) -> Command {
    let mut command = Command::cargo_bin("xtask").unwrap();
    command.args(words);
    command
}

fn told(words: &[&str]) -> String {
    let output = xtask(words).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// Makes up so many runs, and gives the folder of their sweep.
fn synthesize(results: &Path, experiments: &str, seeds: &str) -> (PathBuf, String) {
    let results = results.to_str().unwrap();
    let numbers =
        ["--experiments", experiments, "--seeds", seeds, "--epochs", "2", "--images", "200"];
    let said = told(&[&["synthesize", "--results", results], &numbers[..]].concat());
    (Path::new(results).join("synthetic"), said)
}

const TABLES: [&str; 4] = ["accuracy.csv", "timing.csv", "runs.csv", "epochs.csv"];

fn tables(sweep: &Path) -> Vec<String> {
    TABLES.iter().map(|name| fs::read_to_string(sweep.join(name)).unwrap()).collect()
}

#[test]
fn every_command_reads_them() {
    let results = folder();
    let (sweep, said) = synthesize(results.path(), "30", "3");
    assert!(said.starts_with("90 synthetic runs in ") && said.contains("90 written now, 0 kept"));
    let path = sweep.to_str().unwrap();
    let spec = results.path().join("synthetic.ron");
    let spec = spec.to_str().unwrap();
    let names: Vec<String> = tables(&sweep)[0]
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 30);
    let (first, second) = (names[0].as_str(), names[1].as_str());

    assert!(told(&["sweep", spec, "--dry-run"]).contains("30 experiments x 3 seeds = 90 runs"));
    assert!(told(&["compare", path, first, second]).contains("McNemar"));
    let csv = told(&["compare", path, "--format", "csv"]);
    assert_eq!(csv.lines().count(), 1 + 30 * 29 / 2);
    assert!(told(&["classes", path, first, second]).contains("disc"));
    assert!(told(&["disagree", path, first, second]).contains(first));
    let plan =
        told(&["plan-seeds", spec, "--detect", "1", "--results", results.path().to_str().unwrap()]);
    assert!(plan.contains("corrected for 435 pairs"), "{plan}");
    let events = results.path().join("events");
    let exported = told(&["export", path, "--to", "tensorboard", events.to_str().unwrap()]);
    assert!(exported.starts_with("Wrote 90 runs of synthetic for TensorBoard"), "{exported}");

    told(&["report", path]);
    let page = fs::read_to_string(sweep.join("report.html")).unwrap();
    assert!(page.contains("The first table has all 30 experiments. Those 24 with the highest"));
    assert!(names.iter().all(|name| page.contains(name.as_str())), "the first table has all");
    assert_eq!(page.matches("<summary>The spec of ").count(), 24);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
}

#[test]
fn they_say_that_they_are_synthetic() {
    let results = folder();
    let (sweep, _) = synthesize(results.path(), "2", "1");
    let note = fs::read_to_string(sweep.join("SYNTHETIC.txt")).unwrap();
    assert!(note.contains("Nothing was trained"), "{note}");
    for run in Folder::open(&sweep).unwrap().runs {
        assert!(run.row.code_version.starts_with("synthetic, by resweep "), "{:?}", run.row);
        for file in [RunFile::Environment, RunFile::Log] {
            assert!(fs::read_to_string(run.file(file)).unwrap().contains("made"), "{file:?}");
        }
    }
    told(&["report", sweep.to_str().unwrap()]);
    let page = fs::read_to_string(sweep.join("report.html")).unwrap();
    assert!(page.contains("nothing was trained: `cargo xtask synthesize` made these records up"));
}

#[test]
fn a_second_start_keeps_all_and_tables_follow_from_the_records() {
    let results = folder();
    let (sweep, _) = synthesize(results.path(), "4", "3");
    let first = tables(&sweep);
    TABLES.iter().for_each(|name| fs::remove_file(sweep.join(name)).unwrap());
    let (_, said) = synthesize(results.path(), "4", "3");
    assert!(said.contains("0 written now, 12 kept"), "{said}");
    assert_eq!(tables(&sweep), first);

    let other = ["synthesize", "--seeds", "5", "--results", results.path().to_str().unwrap()];
    let refused = xtask(&other).assert().code(2).get_output().stderr.clone();
    let refused = String::from_utf8(refused).unwrap();
    assert!(refused.contains("is a sweep with other numbers") && refused.contains("--results"));
}

/// 200 experiments are 19,900 pairs. Work by the square of the pairs, or of the rows of pairs, takes
/// minutes; what it takes now is some seconds without optimisation on a busy machine.
#[test]
fn work_grows_with_the_pairs_and_not_with_their_square() {
    let results = folder();
    let (sweep, _) = synthesize(results.path(), "200", "3");
    let path = sweep.to_str().unwrap();
    let spec = results.path().join("synthetic.ron");
    let root = results.path().to_str().unwrap();
    let commands = [
        vec!["compare", path, "--format", "csv"],
        vec!["compare", path],
        vec!["classes", path],
        vec!["plan-seeds", spec.to_str().unwrap(), "--detect", "1", "--results", root],
        vec!["report", path],
    ];
    for words in commands {
        let begun = Instant::now();
        let said = told(&words);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(60), "{words:?} took {took:?}");
        let is_listed = words.ends_with(&["csv"]);
        assert!(is_listed || said.len() < 500_000, "{words:?} printed {} bytes", said.len());
    }
    let page = fs::metadata(sweep.join("report.html")).unwrap().len();
    assert!(page < 4_000_000, "{page} bytes");
}
