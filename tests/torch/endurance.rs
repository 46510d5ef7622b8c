//! A sweep of many tiny runs in one process: its memory and its open files do not grow with their number.
//! `RESWEEP_ENDURANCE=500` has it train so many.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// What a process has at one time.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Runs that are over.
    runs: usize,
    /// Resident memory, bytes.
    memory: u64,
    /// Open files.
    files: usize,
}

impl Sample {
    /// Of a process; none once it has ended.
    fn of(child: &Child, runs: &Path) -> Option<Self> {
        let proc = PathBuf::from(format!("/proc/{}", child.id()));
        let status = std::fs::read_to_string(proc.join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        let files = std::fs::read_dir(proc.join("fd")).ok()?.count();
        let records = std::fs::read_dir(runs).into_iter().flatten().flatten();
        let runs = records.filter(|run| run.path().join("record.ron").exists()).count();
        Some(Self { runs, memory: 1024 * kibibytes, files })
    }
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
fn memory_and_open_files_do_not_grow_with_the_number_of_runs() {
    let asked = std::env::var("RESWEEP_ENDURANCE").ok();
    let count: usize = asked.map_or(60, |count| count.parse().unwrap());
    let folder = TempDir::new().unwrap();
    let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
    let spec = folder.path().join("many.ron");
    let text = format!(
        "Sweep(
            networks: [(name: \"thin\", network: {network:?}, with: {{\"width\": 4}})],
            seeds: {count},
            data: (set: Shapes10(seed: 0), train: 100, test: 50),
            train: (epochs: 2, batch: 50, optimizer: Sgd(lr: 0.05)),
        )"
    );
    std::fs::write(&spec, text).unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("resweep"))
        .args(["sweep", spec.to_str().unwrap(), "--device", "cpu", "--jobs", "1", "--threads", "1"])
        .arg("--results")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let runs = folder.path().join("many/runs");
    let mut samples = Vec::new();
    while child.try_wait().unwrap().is_none() {
        samples.extend(Sample::of(&child, &runs));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());
    // The first runs fill what the allocator keeps.
    let (early, late) = (count / 4..count / 2, 3 * count / 4..count);
    let of = |range: &std::ops::Range<usize>| {
        let range = range.clone();
        samples.iter().filter(move |sample| range.contains(&sample.runs))
    };
    let memory = [&early, &late].map(|range| median(of(range).map(|sample| sample.memory)));
    let files = [&early, &late].map(|range| of(range).map(|sample| sample.files).max().unwrap());
    println!(
        "{count} runs: memory {memory:?} bytes and at most {files:?} open files, early and late"
    );
    let growth = memory[1].saturating_sub(memory[0]);
    assert!(growth < 16_000_000, "memory grew by {growth} bytes: {memory:?}");
    assert!(files[1] <= files[0] + 2, "more files are open: {files:?}");
}
