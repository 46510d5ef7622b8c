//! What becomes of a sweep that is stopped, started twice, or short of disk, memory or data: nothing
//! is lost, and it says a clear word.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use resweep::data::{cifar10, shapes10};
use tempfile::TempDir;

use crate::cli::{resweep, stderr, table_of};

/// Two thin networks with two seeds, each of 16 steps.
const SMALL: [&str; 12] = [
    "--set",
    "train.epochs=4",
    "--set",
    "train.batch=50",
    "--set",
    "data.train=200",
    "--set",
    "data.test=60",
    "--device",
    "cpu",
    "--threads",
    "1",
];

fn args(results: &Path, more: &[&str]) -> Vec<String> {
    let mut args = vec!["sweep", "experiments/quick.ron", "--results", results.to_str().unwrap()];
    args.extend(SMALL);
    args.extend(more);
    if !more.contains(&"--jobs") {
        args.extend(["--jobs", "1"]);
    }
    args.into_iter().map(str::to_owned).collect()
}

fn sweep(results: &Path, more: &[&str]) -> Output {
    resweep(&args(results, more).iter().map(String::as_str).collect::<Vec<_>>())
}

fn start(results: &Path, more: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("resweep"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args(results, more))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The folders of the runs, sorted.
fn runs(results: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(results.join("quick/runs")).into_iter().flatten();
    let mut runs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    runs
}

/// What must not depend on interruptions: weights, predictions, and the columns that measure nothing.
fn left(results: &Path) -> Vec<(String, Vec<u8>)> {
    let mut left = Vec::new();
    for run in runs(results) {
        for file in ["weights.safetensors", "predictions.safetensors", "spec.ron"] {
            let path = run.join(file);
            let name = path.strip_prefix(results).unwrap().display().to_string();
            left.push((name, std::fs::read(path).unwrap()));
        }
    }
    for row in table_of(results, "quick", "epochs.csv") {
        let columns = ["experiment", "seed", "epoch", "lr", "train_loss", "test_loss", "top1"];
        left.push(("epochs".into(), columns.map(|column| row[column].clone()).join(",").into()));
    }
    left
}

/// Waits until there is something; what it is.
fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Whether a run has told of an epoch.
fn has_epoch(results: &Path) -> Option<()> {
    let log = |run: &PathBuf| std::fs::read_to_string(run.join("log.txt")).unwrap_or_default();
    runs(results).iter().any(|run| log(run).contains("epoch 1:")).then_some(())
}

#[test]
fn a_sweep_that_is_stopped_goes_on_where_it_was() {
    let (whole, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let output = sweep(whole.path(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    for (name, jobs) in [("-INT", "1"), ("-TERM", "2")] {
        let results = folder.path().join(jobs);
        let more = ["--jobs", jobs, "--checkpoint-every", "1000"];
        let child = start(&results, &more);
        wait_for("an epoch", || has_epoch(&results));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let words = stderr(&output);
        assert_eq!(output.status.code(), Some(130), "{words}");
        assert!(words.contains("stopping after the step in hand"), "{words}");
        assert!(words.contains("stopped, with a checkpoint"), "{words}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("the same command goes on where it was"), "{text}");
        let checkpoint = |run: &PathBuf| run.join("checkpoint.safetensors").exists();
        assert!(runs(&results).iter().any(checkpoint));

        let output = sweep(&results, &more);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains("goes on from its checkpoint"), "{}", stderr(&output));
        assert!(!runs(&results).iter().any(checkpoint));
        assert!(left(&results) == left(whole.path()), "{name}");
    }
}

#[test]
fn a_sweep_that_is_killed_goes_on_and_a_spoilt_checkpoint_is_told() {
    let (whole, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    assert!(sweep(whole.path(), &[]).status.success());
    let results = folder.path();
    let more = ["--checkpoint-every", "0"];
    let mut child = start(results, &more);
    let earlier = |run: &PathBuf| run.join("checkpoint.before.safetensors").exists();
    wait_for("a second checkpoint", || runs(results).iter().any(earlier).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    let run = runs(results).into_iter().find(earlier).unwrap();
    // The kill may have come between the two names.
    let latest = run.join("checkpoint.safetensors");
    if let Ok(bytes) = std::fs::read(&latest) {
        std::fs::write(&latest, &bytes[..bytes.len() / 2]).unwrap();
    }
    let output = sweep(results, &more);
    assert!(output.status.success(), "{}", stderr(&output));
    let words = stderr(&output);
    assert!(words.contains("; the checkpoint before it is used"), "{words}");
    std::fs::remove_file(run.join("checkpoint.corrupt")).unwrap();
    assert!(left(results) == left(whole.path()));
}

#[test]
fn a_second_process_is_refused_and_told_who_has_the_folder() {
    let folder = TempDir::new().unwrap();
    let mut child = start(folder.path(), &[]);
    wait_for("a run", || (!runs(folder.path()).is_empty()).then_some(()));
    let output = sweep(folder.path(), &[]);
    let holder = format!("is in use by process {} on ", child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&holder), "{}", stderr(&output));
    assert!(stderr(&output).contains("--share"), "{}", stderr(&output));
    assert!(sweep(folder.path(), &[]).status.success(), "the lock goes with its process");
}

#[test]
fn processes_share_the_runs_where_all_are_asked_to() {
    let (whole, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    assert!(sweep(whole.path(), &[]).status.success());
    let results = folder.path();
    let children = [start(results, &["--share"]), start(results, &["--share"])];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert!(left(results) == left(whole.path()));
    for run in runs(results) {
        let log = std::fs::read_to_string(run.join("log.txt")).unwrap();
        assert_eq!(log.matches(" starts\n").count(), 1, "{log}");
    }
    assert_eq!(table_of(results, "quick", "runs.csv").len(), 4);
    let edited = std::fs::read_dir(results.join("quick")).unwrap();
    let edited =
        edited.filter(|it| it.as_ref().unwrap().path().to_string_lossy().contains("edited"));
    assert_eq!(edited.count(), 0, "what the other has written is no change by a person");
    let output = resweep(&["sweep", "experiments/halving.ron", "--share"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("decides by all runs together"), "{}", stderr(&output));
}

/// Runs a script with mounts of its own; none where this user may not.
fn mounted(script: &str, variables: &[(&str, &Path)]) -> Option<Output> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("RESWEEP", assert_cmd::cargo::cargo_bin("resweep"));
    command.envs(variables.iter().map(|(name, path)| (name, path)));
    match command.output() {
        Ok(output) if output.status.code() != Some(77) => Some(output),
        _ => {
            eprintln!("skipped: this user may not mount a file system");
            None
        }
    }
}

#[test]
fn a_full_disk_costs_no_result() {
    let (whole, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    assert!(sweep(whole.path(), &[]).status.success());
    let (disk, copy) = (folder.path().join("disk"), folder.path().join("copy"));
    std::fs::create_dir(&disk).unwrap();
    let args = args(&disk, &[]).join(" ");
    let script = format!(
        "mount -t tmpfs -o size=3m tmpfs \"$DISK\" 2> /dev/null || exit 77
         \"$RESWEEP\" {args}; first=$?
         mount -o remount,size=100m \"$DISK\"
         \"$RESWEEP\" {args} 2> /dev/null; second=$?
         cp -r \"$DISK\" \"$COPY\"
         echo \"exit codes $first $second\""
    );
    let variables = [("DISK", disk.as_path()), ("COPY", copy.as_path())];
    let Some(output) = mounted(&script, &variables) else { return };
    let (words, text) = (stderr(&output), String::from_utf8_lossy(&output.stdout).into_owned());
    assert!(text.contains("exit codes 1 0"), "{text}\n{words}");
    assert!(words.contains("No space left on device"), "{words}");
    assert!(left(&copy) == left(whole.path()));
}

#[test]
fn a_read_only_folder_is_told_before_anything_trains() {
    let folder = TempDir::new().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=1m,ro tmpfs \"$DISK\" 2> /dev/null || exit 77
         exec \"$RESWEEP\" {}",
        args(folder.path(), &[]).join(" ")
    );
    let Some(output) = mounted(&script, &[("DISK", folder.path())]) else { return };
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("name a folder that can be written with --results"));
    assert!(!stderr(&output).contains("epoch 1"), "{}", stderr(&output));
}

#[test]
fn want_of_memory_costs_its_run_alone() {
    let folder = TempDir::new().unwrap();
    // A batch of all images in a wide network takes tens of GB, and the process may have six.
    let text = format!(
        "Sweep(name: \"quick\", networks: [(name: \"r18\",
            network: \"{}/experiments/models/resnet18.ron\", with: {{\"width\": 4}})],
        axes: [Cases(name: \"case\", cases: {{
            \"small\": {{\"with.width\": 4}},
            \"large\": {{\"with.width\": 64, \"train.batch\": 4000}},
            \"again\": {{\"with.width\": 5}},
        }})],
        data: (set: Shapes10(seed: 1), train: 4000, test: 50),
        train: (epochs: 1, batch: 50, optimizer: Sgd(lr: 0.01)))",
        env!("CARGO_MANIFEST_DIR")
    );
    let spec = folder.path().join("spec.ron");
    std::fs::write(&spec, text).unwrap();
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 6000000; exec \"$RESWEEP\" sweep \"$SPEC\" --results \"$RESULTS\""])
        .env("RESWEEP", assert_cmd::cargo::cargo_bin("resweep"))
        .env("SPEC", &spec)
        .env("RESULTS", folder.path())
        .output()
        .unwrap();
    let words = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    let runs = table_of(folder.path(), "quick", "runs.csv");
    let told: Vec<_> = runs.iter().map(|run| run["status"].as_str()).collect();
    assert_eq!(told, ["ok", "failed", "ok"], "{words}");
    assert!(runs[1]["reason"].contains("memory"), "{runs:?}");
}

#[test]
fn data_that_is_gone_costs_no_record() {
    let folder = TempDir::new().unwrap();
    let (data, results) = (folder.path().join("cifar-10-batches-bin"), folder.path());
    cifar10::write(&shapes10::generate(200, 60, 0), &data).unwrap();
    let more = |seeds: &'static str| {
        let data = data.to_str().unwrap();
        vec!["--set", "data.set=Cifar10", "--set", seeds, "--data", data]
    };
    assert!(sweep(results, &more("seeds=1")).status.success());
    let before = std::fs::read(results.join("quick/runs.csv")).unwrap();
    std::fs::remove_file(data.join("data_batch_1.bin")).unwrap();
    let output = sweep(results, &more("seeds=2"));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("data_batch_1.bin"), "{}", stderr(&output));
    assert_eq!(std::fs::read(results.join("quick/runs.csv")).unwrap(), before);
}
