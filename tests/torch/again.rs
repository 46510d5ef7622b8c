//! Runs that are trained again: whether they come out equal, and where two part.

use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::cli::{resweep, stderr};

/// Trains a thin network for two epochs of 4 steps; its folder.
fn train(results: &Path, more: &[&str]) -> PathBuf {
    let mut args = vec!["sweep", "experiments/quick.ron", "--results", results.to_str().unwrap()];
    let sets = [
        "train.epochs=2",
        "train.batch=50",
        "train.warmup_epochs=0",
        "data.train=200",
        "data.test=60",
        "seeds=[3]",
        "networks=[(name: \"thin\", network: \"experiments/models/resnet18.ron\", with: {\"width\": 4})]",
    ];
    args.extend(sets.iter().chain(more).flat_map(|set| ["--set", set]));
    args.extend(["--device", "cpu", "--threads", "1", "--jobs", "1"]);
    let output = resweep(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut runs = std::fs::read_dir(results.join("quick/runs")).unwrap();
    runs.next().unwrap().unwrap().path()
}

fn told(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}{}", stderr(output));
    text
}

fn rerun(run: &Path, more: &[&str], code: i32) -> String {
    told(&resweep(&[&["rerun", run.to_str().unwrap()], more].concat()), code)
}

fn bisect(first: &Path, second: &Path, more: &[&str], code: i32) -> String {
    let runs = ["bisect", first.to_str().unwrap(), second.to_str().unwrap()];
    told(&resweep(&[&runs, more].concat()), code)
}

#[test]
fn a_run_that_is_trained_again_comes_out_equal_or_is_told_apart() {
    let folder = TempDir::new().unwrap();
    let run = train(folder.path(), &[]);
    let text = rerun(&run, &[], 0);
    assert!(
        text.contains("came out equal") && text.contains("weights      byte for byte"),
        "{text}"
    );

    // One bit of one weight, and one loss on record.
    let weights = run.join("weights.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let record = std::fs::read_to_string(run.join("record.ron")).unwrap();
    let lossy = record.replacen("train_loss: Some(", "train_loss: Some(1", 1);
    std::fs::write(run.join("record.ron"), lossy.replacen("lr: 0.0", "lr: 0.1", 1)).unwrap();
    let kept = TempDir::new().unwrap();
    let text = rerun(&run, &["--keep", kept.path().to_str().unwrap()], 1);
    for wanted in
        ["1 tensor differs", "1 of ", "first in epoch 1: lr is ", "did not come out equal"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let again = kept.path().join("quick/runs").join(run.file_name().unwrap());
    assert!(text.contains(&format!("bisect {} {}", run.display(), again.display())), "{text}");
    let text = bisect(&run, &again, &[], 0);
    for wanted in [
        "8 steps are the same to the last bit",
        "A did not come out as on record in epoch 1: lr is ",
        "B came out as on record, as far as epoch 2",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn the_first_step_and_tensor_are_named_at_which_two_runs_part() {
    let folder = TempDir::new().unwrap();
    let made = |name: &str, sets: &[&str]| train(&folder.path().join(name), sets);
    let step = |gamma: &str| format!("train.schedule=Step(milestones: [1], gamma: {gamma})");
    let first = made("a", &[&step("0.1")]);

    let text = bisect(&first, &made("rate", &[&step("0.5")]), &[], 1);
    for wanted in [
        "They part in step 1 of epoch 2, where their learning rates are 0.005",
        "First: conv1.weight, ",
        "batch 0 of 2, activations 0 of ",
        "gradients 0 of ",
        "Their specs differ:\n",
        "A came out as on record, as far as epoch 1\n",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }

    let crop = "train.augment=[RandomCrop(padding: 3)]";
    let keep = folder.path().join("tensors");
    let other = made("crop", &[&step("0.1"), crop]);
    let text = bisect(&first, &other, &["--keep", keep.to_str().unwrap()], 1);
    assert!(text.contains("They part in step 1 of epoch 1; until then"), "{text}");
    assert!(text.contains("First: the images, ") && text.contains("batch 1 of 2"), "{text}");
    assert!(keep.join("a.safetensors").exists() && keep.join("b.safetensors").exists());

    let text = bisect(&first, &made("seed", &[&step("0.1"), "seeds=[4]"]), &[], 1);
    assert!(text.contains("They part before the first step"), "{text}");
    assert!(text.contains("First: conv1.weight, 108 of 108 values differ"), "{text}");

    let longer = made("longer", &[&step("0.1"), "train.epochs=3"]);
    let text = bisect(&first, &longer, &[], 1);
    assert!(text.contains("They are the same for 8 steps, then B alone goes on"), "{text}");
    let text = bisect(&first, &longer, &["--steps", "5"], 0);
    assert!(text.contains("5 steps are the same to the last bit, and no more"), "{text}");
}

#[test]
fn a_run_that_was_dropped_is_trained_again_as_far_as_it_came() {
    let folder = TempDir::new().unwrap();
    let results = folder.path().to_str().unwrap();
    let mut args = vec!["sweep", "experiments/halving.ron", "--results", results];
    let sets = [
        "train.epochs=3",
        "train.batch=50",
        "data=(set: Shapes10(seed: 0), train: 160, test: 40, validation: 60)",
        "seeds=[0]",
        "halving=Halving(rungs: [1], eta: 6)",
    ];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    args.extend(["--device", "cpu", "--threads", "1", "--jobs", "1"]);
    let output = resweep(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let runs = std::fs::read_dir(folder.path().join("halving/runs")).unwrap();
    let runs: Vec<PathBuf> = runs.map(|run| run.unwrap().path()).collect();
    let was = |run: &PathBuf| std::fs::read_to_string(run.join("record.ron")).unwrap();
    let dropped = runs.iter().find(|run| was(run).contains("status: dropped")).unwrap();
    let text = rerun(dropped, &[], 0);
    assert!(text.contains("status       dropped") && text.contains("all 1 rows"), "{text}");
}

#[test]
fn what_is_no_run_or_cannot_be_trained_here_is_refused() {
    let folder = TempDir::new().unwrap();
    let run = train(folder.path(), &[]);
    let refused = |args: &[&str], wanted: &str| {
        let output = resweep(args);
        told(&output, 2);
        assert!(stderr(&output).contains(wanted), "{wanted}: {}", stderr(&output));
    };
    let (sweep, path) = (folder.path().join("quick"), run.to_str().unwrap());
    refused(&["rerun", sweep.to_str().unwrap()], "name the folder of one of its runs (1), such as");
    refused(&["rerun", "/none"], "there is no folder /none");
    refused(&["bisect", path, "/none"], "there is no folder /none");
    let environment = std::fs::read_to_string(run.join("environment.ron")).unwrap();
    let elsewhere = environment.replace("device: \"cpu\"", "device: \"tpu\"");
    std::fs::write(run.join("environment.ron"), elsewhere).unwrap();
    refused(&["rerun", path], "the run was trained on `tpu`, which is no device here");
    std::fs::remove_file(run.join("record.ron")).unwrap();
    refused(&["rerun", path], "has not ended; the command that began its sweep goes on with it");
}
