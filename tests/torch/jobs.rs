//! Several runs at once, in processes of their own, as a user sees them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

type Row = BTreeMap<String, String>;

/// The quick sweep on few images, with these options.
fn command(results: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("resweep"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RESWEEP_DATA");
    // As many as on any machine.
    command.env("OMP_NUM_THREADS", "2");
    command.args(["sweep", "experiments/quick.ron", "--device", "cpu", "--results"]).arg(results);
    command.args(["--set", "train.batch=50", "--set", "data.test=60"]).args(options);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

const FEW: [&str; 4] = ["--set", "data.train=100", "--set", "train.epochs=2"];
/// As long as the test needs.
const LONG: [&str; 4] = ["--set", "data.train=1000", "--set", "train.epochs=1000"];

fn sweep(results: &Path, options: &[&str]) -> Output {
    command(results, &[&FEW, options].concat()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(results: &Path, name: &str) -> Vec<Row> {
    rows_of(&results.join("quick"), name)
}

/// The rows of a table of a sweep without what is measured by a clock or of the process.
pub fn rows_of(sweep: &Path, name: &str) -> Vec<Row> {
    let path = sweep.join(name);
    let mut rows: Vec<Row> =
        csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect();
    let measured = |name: &str| {
        let timed = name.ends_with("_s") || name.contains("_s_");
        timed || ["started", "latency_ms", "peak_memory_mb"].contains(&name)
    };
    rows.iter_mut().for_each(|row| row.retain(|name, _| !measured(name)));
    rows
}

#[test]
fn runs_side_by_side_have_the_results_of_runs_one_by_one() {
    let (alone, beside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let one_by_one = sweep(alone.path(), &["--jobs", "1", "--threads", "1"]);
    assert!(one_by_one.status.success(), "{}", stderr(&one_by_one));
    // The threads of the machine are shared: 1 each.
    let at_once = sweep(beside.path(), &["--jobs", "2"]);
    assert!(at_once.status.success(), "{}", stderr(&at_once));
    assert!(stderr(&at_once).contains("jobs 2 with 1 thread each"), "{}", stderr(&at_once));
    for table in ["runs.csv", "epochs.csv", "accuracy.csv", "timing.csv"] {
        assert_eq!(rows(alone.path(), table), rows(beside.path(), table), "{table}");
    }
    let runs = rows(beside.path(), "runs.csv");
    let seeds: Vec<_> = runs.iter().map(|run| (&*run["experiment"], &*run["seed"])).collect();
    let (small, large) = ("resnet18-thin", "resnet50-thin");
    assert_eq!(seeds, [(small, "0"), (small, "1"), (large, "0"), (large, "1")]);
    assert!(runs.iter().all(|run| run["threads"] == "1" && run["status"] == "ok"), "{runs:?}");

    // Nothing is done twice, and a new seed has as many threads as those that are done.
    let again = sweep(beside.path(), &["--set", "seeds=3"]);
    assert!(stderr(&again).contains("as ") && stderr(&again).contains("jobs.ron says"));
    assert!(stderr(&again).contains("4 of them already finished"), "{}", stderr(&again));
    assert!(rows(beside.path(), "runs.csv").iter().all(|run| run["threads"] == "1"));
}

/// Processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    text.unwrap_or_default().split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// Waits until something is there.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(300), "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn workers(sweep: &Child, count: usize) -> Vec<u32> {
    wait_for("a worker", || Some(children(sweep.id())).filter(|all| all.len() == count))
}

#[test]
fn a_run_whose_process_is_killed_is_trained_by_another() {
    let folder = TempDir::new().unwrap();
    let options = ["--jobs", "2", "--set", "data.train=400", "--set", "train.epochs=3"];
    let sweep = command(folder.path(), &options).spawn().unwrap();
    kill(workers(&sweep, 2)[0]);
    let output = sweep.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stderr(&output);
    assert_eq!(told.matches("signal 9 (SIGKILL").count(), 1, "{told}");
    assert!(told.contains("goes on from its last checkpoint, once more"), "{told}");
    let runs = rows(folder.path(), "runs.csv");
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| run["status"] == "ok" && run["epochs"] == "3"), "{runs:?}");
}

#[test]
fn workers_end_with_their_sweep() {
    let folder = TempDir::new().unwrap();
    let options = [&LONG[..], &["--jobs", "2"]].concat();
    let mut sweep = command(folder.path(), &options).spawn().unwrap();
    let workers = workers(&sweep, 2);
    // They have to be asked to end with it first.
    std::thread::sleep(Duration::from_secs(2));
    sweep.kill().unwrap();
    sweep.wait().unwrap();
    wait_for("the end of the workers", || workers.iter().all(|&pid| !is_alive(pid)).then_some(()));
}

#[test]
fn how_runs_share_the_threads_is_measured_once() {
    let folder = TempDir::new().unwrap();
    let kept: PathBuf = folder.path().join("quick/jobs.ron");
    let first = until(command(folder.path(), &LONG), "kept in");
    assert!(first.contains("measuring") && first.contains("for training"), "{first}");
    let text = std::fs::read_to_string(&kept).unwrap();
    let ron::Value::Map(kept) = ron::from_str(&text).unwrap() else { panic!("{text}") };
    let number = |name: &str| {
        let value = &kept[&ron::Value::String(name.into())];
        value.clone().into_rust::<u32>().unwrap()
    };
    assert!([(1, 2), (2, 1)].contains(&(number("jobs"), number("threads"))), "{text}");
    assert_eq!(text.matches("images_per_s").count(), 2, "{text}");

    let second = until(command(folder.path(), &LONG), "jobs.ron says");
    assert!(!second.contains("measuring"), "{second}");
}

/// Runs a sweep until it says something; all that it said until then.
fn until(mut command: Command, word: &str) -> String {
    let mut sweep = command.spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(sweep.stderr.take().unwrap()).lines() {
        said += &(line.unwrap() + "\n");
        if said.contains(word) {
            break;
        }
    }
    sweep.kill().unwrap();
    sweep.wait().unwrap();
    assert!(said.contains(word), "{said}");
    said
}
