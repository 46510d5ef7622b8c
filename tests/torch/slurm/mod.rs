//! A sweep on a cluster: on a real Slurm where it can run, and on one that is played, for what that
//! refuses.

mod machine;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::cli::stderr;
use crate::jobs::rows_of;
use machine::Machine;

/// A thin network with four seeds, each of 100 steps.
fn spec(folder: &Path) -> PathBuf {
    let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
    let text = format!(
        "Sweep(
            networks: [(name: \"thin\", network: {network:?}, with: {{\"width\": 8}})],
            seeds: 4,
            data: (set: Shapes10(seed: 0), train: 200, test: 60),
            train: (epochs: 25, batch: 50, optimizer: Sgd(lr: 0.05)),
        )"
    );
    let path = folder.join("cluster.ron");
    std::fs::write(&path, text).unwrap();
    path
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("resweep"));
    command.env_remove("RESWEEP_DATA").args(arguments);
    command
}

/// A sweep, with what its results hang on.
fn sweep(spec: &Path, results: &Path, more: &[&str]) -> Command {
    let mut command = command(&["sweep", spec.to_str().unwrap()]);
    command.args(["--results", results.to_str().unwrap(), "--device", "cpu", "--threads", "1"]);
    command.args(more);
    command
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    stdout(&output)
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the runs of a sweep leave that must not hang on how they were trained.
fn left(sweep: &Path) -> Vec<(String, Vec<u8>)> {
    let mut runs: Vec<PathBuf> =
        std::fs::read_dir(sweep.join("runs")).unwrap().map(|it| it.unwrap().path()).collect();
    runs.sort();
    let files = ["weights.safetensors", "predictions.safetensors", "spec.ron"];
    let all = runs.iter().flat_map(|run| files.map(|file| run.join(file)));
    all.map(|path| {
        let name = path.strip_prefix(sweep).unwrap().display().to_string();
        (name, std::fs::read(path).unwrap())
    })
    .collect()
}

/// The log of the run with a seed.
fn log(sweep: &Path, seed: usize) -> String {
    let start = format!("thin-seed{seed}-");
    let runs = std::fs::read_dir(sweep.join("runs")).into_iter().flatten().flatten();
    let run = runs
        .map(|it| it.path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&start));
    run.map_or(String::new(), |run| {
        std::fs::read_to_string(run.join("log.txt")).unwrap_or_default()
    })
}

/// The seed of the run that trains on a node and is past its first epoch, with its place in the queue.
fn on(slurm: &Machine, sweep: &Path, node: &str) -> Option<(usize, String)> {
    let queue = slurm.said("squeue", &["-h", "-r", "-t", "R", "-w", node, "-o", "%F %K"]);
    let (job, index) = queue.trim().split_once(' ')?;
    // The first array has three tasks, the second the rest.
    let first = if job == "1" { 0 } else { 3 };
    let seed = first + index.parse::<usize>().unwrap();
    log(sweep, seed).contains("epoch 1:").then(|| (seed, format!("{job}_{index}")))
}

fn wait_on(slurm: &Machine, sweep: &Path, node: &str) -> (usize, String) {
    slurm.wait_for(&format!("a run on {node}"), |slurm| on(slurm, sweep, node).is_some());
    on(slurm, sweep, node).unwrap()
}

#[test]
fn a_cluster_trains_a_sweep_though_a_node_is_drained_and_jobs_are_requeued_and_cancelled() {
    let Some(slurm) = Machine::start(3) else { return };
    let (whole, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let spec = spec(folder.path());
    done(&mut sweep(&spec, whole.path(), &["--jobs", "2"]));
    let whole = whole.path().join("cluster");

    let results = folder.path().join("results of all");
    let cluster = results.join("cluster");
    let submit = || {
        let mut command =
            sweep(&spec, &results, &["--launcher", "slurm", "--checkpoint-every", "1"]);
        done(slurm.known_to(&mut command))
    };
    let text = submit();
    assert!(text.contains("Submitted 4 tasks as jobs 1, 2"), "{text}");

    // A node is drained, and its job requeued: it goes on elsewhere.
    let (drained, job) = wait_on(&slurm, &cluster, "n2");
    slurm.told("scontrol", &["update", "nodename=n2", "state=drain", "reason=test"]);
    slurm.told("scontrol", &["requeue", &job]);
    // The time of a job is over: Slurm says so to its script.
    let (late, job) = wait_on(&slurm, &cluster, "n1");
    slurm.told("scancel", &["--batch", "--signal=USR1", &job]);
    slurm.wait_for("a checkpoint", |_| log(&cluster, late).contains("was stopped"));
    // A job is cancelled for good, and what is left is submitted again.
    slurm
        .wait_for("another run", |it| on(it, &cluster, "n1").is_some_and(|(seed, _)| seed != late));
    let (cancelled, job) = on(&slurm, &cluster, "n1").unwrap();
    slurm.told("scancel", &[&job]);
    slurm.wait_for("the end of a cancelled job", |it| {
        it.said("squeue", &["-h", "-r", "-j", &job]).is_empty()
    });
    let mut status = command(&["status", cluster.to_str().unwrap()]);
    let text = done(slurm.known_to(&mut status));
    assert!(text.contains("1 run is neither over nor in the queue"), "{text}");
    let text = submit();
    assert!(text.contains("1 run to train"), "{text}");
    assert!(text.contains("Submitted 1 task as job "), "{text}");
    slurm.told("scontrol", &["update", "nodename=n2", "state=resume"]);
    slurm.wait_for("the end of all jobs", |it| it.said("squeue", &["-h"]).is_empty());

    let text = done(slurm.known_to(&mut command(&["status", cluster.to_str().unwrap()])));
    assert!(text.contains("4 runs: 4 ok"), "{text}");
    done(&mut command(&["collect", cluster.to_str().unwrap()]));
    for seed in [drained, late, cancelled] {
        let log = log(&cluster, seed);
        assert!(log.contains("goes on after epoch"), "seed {seed}:\n{log}");
    }
    assert!(left(&cluster) == left(&whole));
    for table in ["runs.csv", "epochs.csv", "accuracy.csv", "timing.csv"] {
        assert_eq!(rows_of(&cluster, table), rows_of(&whole, table), "{table}");
    }
    let claims = std::fs::read_dir(cluster.join("runs")).unwrap().flat_map(|run| {
        std::fs::read_dir(run.unwrap().path()).unwrap().map(|it| it.unwrap().file_name())
    });
    let claims: Vec<_> =
        claims.filter(|name| name.to_string_lossy().starts_with("claim")).collect();
    assert!(claims.is_empty(), "{claims:?}");
    let text = submit();
    assert!(text.starts_with("cluster: 0 runs to train, 4 over"), "{text}");
}

/// A folder with programs of Slurm that note what they are asked, and a queue that is made up.
fn played() -> TempDir {
    let folder = TempDir::new().unwrap();
    let programs = [
        (
            "sbatch",
            "echo \"$@\" >> asked; [ -e full ] && { echo 'QOSMaxSubmitJobPerUserLimit' >&2; exit 1; }; echo \"$(wc -l < asked);test\"",
        ),
        ("squeue", "cat queue"),
        ("scontrol", "echo 'MaxArraySize            = 2'"),
    ];
    for (name, text) in programs {
        let path = folder.path().join(name);
        let script = format!("#!/bin/sh\ncd {}\n{text}\n", folder.path().display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::write(folder.path().join("queue"), "").unwrap();
    folder
}

#[test]
fn what_is_submitted_is_what_is_neither_over_nor_in_the_queue() {
    let (folder, slurm) = (TempDir::new().unwrap(), played());
    let (spec, results) = (spec(folder.path()), folder.path().join("results"));
    let path = format!("{}:{}", slurm.path().display(), std::env::var("PATH").unwrap());
    let submit = |more: &[&str]| {
        let more = [&["--launcher", "slurm"], more].concat();
        sweep(&spec, &results, &more).env("PATH", &path).output().unwrap()
    };
    let output = submit(&["--max-running", "1", "--gres", "gpu:1", "--sbatch=--nice=5"]);
    assert!(stdout(&output).contains("Submitted 4 tasks as jobs 1, 2"), "{output:?}");
    let first = results.join("cluster/slurm/1");
    let asked = std::fs::read_to_string(slurm.path().join("asked")).unwrap();
    let script = first.join("task.sh").display().to_string();
    assert_eq!(
        asked.lines().collect::<Vec<_>>(),
        [
            format!("--array=0-1%1 --parsable {script} 0"),
            format!("--array=0-1%1 --dependency=afterany:1 --parsable {script} 2"),
        ]
    );
    let text = std::fs::read_to_string(&script).unwrap();
    for line in ["#SBATCH --gres=gpu:1", "#SBATCH --nice=5", "#SBATCH --requeue"] {
        assert!(text.lines().any(|it| it == line), "{line}:\n{text}");
    }
    assert!(Command::new("bash").args(["-n", &script]).status().unwrap().success());

    // Two wait and one trains: one was cancelled.
    std::fs::write(
        slurm.path().join("queue"),
        "1|1|RUNNING|n1|None\n2|0|PENDING||Dependency\n2|1|PENDING||Dependency\n",
    )
    .unwrap();
    let output = submit(&["--runs-per-task", "3"]);
    let text = stdout(&output);
    assert!(text.contains("1 run to train, 3 in the queue already"), "{text}");
    assert!(text.contains("Submitted 1 task as job 3"), "{text}");
    let tasks = std::fs::read_to_string(results.join("cluster/slurm/2/tasks.ron")).unwrap();
    assert_eq!(tasks.matches("\"thin\", seed: ").count(), 1, "{tasks}");
    assert!(tasks.contains("\"thin\", seed: 0"), "{tasks}");

    // Slurm takes no more: what to do is told.
    std::fs::write(slurm.path().join("queue"), "").unwrap();
    std::fs::write(slurm.path().join("full"), "").unwrap();
    let output = submit(&[]);
    assert_eq!(output.status.code(), Some(1));
    let words = stderr(&output);
    assert!(words.contains("QOSMaxSubmitJobPerUserLimit; where it is the number"), "{words}");

    // A program of its own, so that a build does not change what waits.
    let kept = std::fs::read_dir(results.join("cluster/slurm")).unwrap();
    let kept = kept
        .filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().starts_with("resweep-"));
    assert_eq!(kept.count(), 1);
}

#[test]
fn a_task_trains_its_runs_alone_and_stops_with_a_checkpoint() {
    let (folder, slurm) = (TempDir::new().unwrap(), played());
    let (spec, results) = (spec(folder.path()), folder.path().join("results"));
    let path = format!("{}:{}", slurm.path().display(), std::env::var("PATH").unwrap());
    done(
        sweep(&spec, &results, &["--launcher", "slurm", "--runs-per-task", "2"]).env("PATH", &path),
    );
    let cluster = results.join("cluster");
    let task = |index: &str| {
        let submission = cluster.join("slurm/1").display().to_string();
        let mut command = command(&["task", &submission, index, "--device", "cpu"]);
        command.args(["--threads", "1", "--results"]).arg(&results);
        command
    };
    let output = task("2").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("has 2 tasks, and none of number 2"), "{output:?}");

    let mut child = task("0").spawn().unwrap();
    let begun = std::time::Instant::now();
    while !log(&cluster, 0).contains("epoch 1:") {
        assert!(begun.elapsed().as_secs() < 60);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // While it trains the sweep is not for one process alone; and its scheduler may say it twice.
    let output = sweep(&spec, &results, &[]).output().unwrap();
    assert!(stderr(&output).contains("is in use by process"), "{output:?}");
    for _ in 0..2 {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(log(&cluster, 0).contains("was stopped, with a checkpoint"));
    done(&mut task("0"));
    assert!(log(&cluster, 0).contains("goes on after epoch"));
    assert!(log(&cluster, 1).contains("ended ok"));
    assert_eq!(log(&cluster, 2), "");
    assert!(!cluster.join("runs.csv").exists(), "a task writes no tables");
    done(&mut command(&["collect", cluster.to_str().unwrap()]));
    assert_eq!(rows_of(&cluster, "runs.csv").len(), 2);
}
