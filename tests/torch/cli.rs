//! The binary as a user runs it.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use resweep::data::{cifar10, shapes10};
use resweep::experiment;
use resweep::model::Model;
use resweep::spec::load::Loader;
use tch::{Device, Kind, Tensor};
use tempfile::TempDir;

pub fn resweep(args: &[&str]) -> Output {
    Command::cargo_bin("resweep")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("RESWEEP_DATA")
        .args(args)
        .output()
        .unwrap()
}

const TINY: [&str; 10] = [
    "--set",
    "train.epochs=1",
    "--set",
    "train.batch=50",
    "--set",
    "data.train=100",
    "--set",
    "data.test=60",
    "--device",
    "cpu",
];

fn sweep(results: &Path, more: &[&str]) -> Output {
    let mut args = vec!["sweep", "experiments/quick.ron", "--results", results.to_str().unwrap()];
    args.extend(TINY);
    args.extend(more);
    resweep(&args)
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn table(results: &Path, name: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    table_of(results, "quick", name)
}

/// The rows of a sweep's table.
pub fn table_of(
    results: &Path,
    sweep: &str,
    name: &str,
) -> Vec<std::collections::BTreeMap<String, String>> {
    let path = results.join(sweep).join(name);
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_sweep_writes_its_tables_and_is_not_done_twice() {
    let folder = TempDir::new().unwrap();
    let results = folder.path();
    let output = sweep(results, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("resnet18-thin") && text.contains('±'), "{text}");

    let runs = table(results, "runs.csv");
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!(run["status"], "ok");
        assert_eq!(run["libtorch_version"], "2.11.0");
        assert_eq!(run["train_images"], "100");
        assert!(run["overrides"].contains("train.epochs=1"), "{run:?}");
        for number in
            ["top1", "train_images_per_s", "eval_images_per_s", "latency_ms", "peak_memory_mb"]
        {
            assert!(run[number].parse::<f64>().unwrap() >= 0.0, "{number} in {run:?}");
        }
        // One epoch has no spread: empty, not 0.
        assert_eq!(run["epoch_s_std"], "");
    }
    let accuracy = table(results, "accuracy.csv");
    assert_eq!(accuracy.iter().map(|row| row["n"].as_str()).collect::<Vec<_>>(), ["2", "2"]);
    assert_eq!(accuracy[0]["params"], "176402");
    assert_eq!(table(results, "epochs.csv").len(), 4);
    assert_eq!(table(results, "timing.csv")[0]["device"], "cpu");

    let before = std::fs::read(results.join("quick/runs.csv")).unwrap();
    let again = sweep(results, &[]);
    assert!(stderr(&again).contains("4 of them already finished"), "{}", stderr(&again));
    assert_eq!(std::fs::read(results.join("quick/runs.csv")).unwrap(), before);

    let runs: Vec<_> =
        std::fs::read_dir(results.join("quick/runs")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(runs.len(), 4);
    runs.iter().for_each(|run| the_folder_of_a_run_is_whole(run));
}

/// The resolved spec runs again as it is, and is the same run; nothing but what is kept is there.
fn the_folder_of_a_run_is_whole(run: &Path) {
    let mut files: Vec<_> = std::fs::read_dir(run)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let all = [
        "environment.ron",
        "epochs.csv",
        "log.txt",
        "predictions.safetensors",
        "record.ron",
        "spec.ron",
        "weights.safetensors",
    ];
    assert_eq!(files, all);
    let spec = experiment::sweep(&Loader::default(), &run.join("spec.ron"), &[]).unwrap();
    let name = run.file_name().unwrap().to_string_lossy().into_owned();
    let (one, seed) = (&spec.list[0], spec.seeds[0]);
    assert_eq!(spec.name, "quick");
    assert_eq!(name, format!("{}-seed{seed}-{}", one.name, &one.hash[..12]));
    assert_eq!(spec.seeds.len(), 1);
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    assert!(read("environment.ron").contains("libtorch_version: Some(\"2.11.0\")"));
    assert!(read("environment.ron").contains("\"kernel\": "));
    assert_eq!(read("epochs.csv").lines().count(), 2);
    let log = read("log.txt");
    assert!(log.contains(" starts\n") && log.ends_with(" ended ok: no complaint\n"), "{log}");

    let tensors = Tensor::read_safetensors(run.join("predictions.safetensors")).unwrap();
    let of = |name: &str| &tensors.iter().find(|(found, _)| found == name).unwrap().1;
    let (labels, predicted, loss) = (of("labels"), of("predicted"), of("loss"));
    let kinds = [labels, predicted, loss].map(Tensor::kind);
    assert_eq!(kinds, [Kind::Uint8, Kind::Uint8, Kind::Half]);
    assert_eq!(labels.size(), [60]);
    let record = read("record.ron");
    let number = |name: &str| -> f64 {
        let line = record.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        let text = line.split("Some(").nth(1).unwrap();
        text[..text.find(')').unwrap()].parse().unwrap()
    };
    let right = labels.eq_tensor(predicted).to_kind(Kind::Double).mean(Kind::Double);
    assert!((100.0 * right.double_value(&[]) - number("top1:")).abs() < 1e-9);
    let mean = loss.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    assert!((mean - number("test_loss:")).abs() < 2e-3 * mean, "{mean}");
}

#[test]
fn one_diverged_run_does_not_cost_the_others() {
    let folder = TempDir::new().unwrap();
    let spec = folder.path().join("two.ron");
    let root = env!("CARGO_MANIFEST_DIR");
    // Without normalisation layers a huge learning rate is fatal; with them the other one lives.
    let text = format!(
        "Sweep(name: \"quick\", networks: [
            (name: \"bare\", network: Network(
                stem: [(\"conv\", Conv2d(out: 4, kernel: 3, stride: 4)), (\"relu\", Relu())],
                head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))],
                init: Pytorch)),
            (name: \"thin\", network: \"{root}/experiments/models/resnet18.ron\", with: {{\"width\": 4}}),
        ], data: (set: Shapes10(seed: 1), train: 200, test: 50),
        train: (epochs: 3, batch: 20, optimizer: Sgd(lr: 1000000.0, momentum: 0.9)))"
    );
    std::fs::write(&spec, text).unwrap();
    let results = folder.path().join("results");
    let output = resweep(&[
        "sweep",
        spec.to_str().unwrap(),
        "--results",
        results.to_str().unwrap(),
        "--device",
        "cpu",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let runs = table(&results, "runs.csv");
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["status"], "diverged", "{runs:?}");
    assert_eq!(runs[0]["top1"], "");
    assert!(runs[0]["reason"].contains("the loss became"), "{runs:?}");
    assert_eq!(runs[1]["experiment"], "thin");
}

/// One seed of the quick sweep on few images, with these changes.
fn with_axes(results: &Path, sets: &[&str]) -> Output {
    let mut args = vec!["sweep", "experiments/quick.ron", "--results", results.to_str().unwrap()];
    args.extend(["--device", "cpu"]);
    let few = ["train.batch=50", "data.test=60", "seeds=1"];
    args.extend(sets.iter().copied().chain(few).flat_map(|set| ["--set", set]));
    resweep(&args)
}

#[test]
fn experiments_of_axes_train_with_their_own_recipe_and_images() {
    let folder = TempDir::new().unwrap();
    let results = folder.path();
    let axes = "axes=[Grid({\"data.train\": [100, 150], \"train.epochs\": [1, 2]})]";
    let baseline = "baseline=\"resnet18-thin,train=100,epochs=1\"";
    let output = with_axes(results, &[axes, baseline]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("vs baseline"));
    let runs = table(results, "runs.csv");
    assert_eq!(runs.len(), 8);
    for run in &runs {
        assert_eq!(run["train"], run["train_images"], "{run:?}");
        assert_eq!(run["axis_epochs"], run["epochs"], "{run:?}");
    }
    assert_eq!(table(results, "epochs.csv").len(), 2 * (1 + 2 + 1 + 2));
    let accuracy = table(results, "accuracy.csv");
    assert_eq!(accuracy[0]["top1_vs_baseline"], "");
    let number = |row: usize, name: &str| accuracy[row][name].parse::<f64>().unwrap();
    let difference = number(5, "top1_mean") - number(0, "top1_mean");
    assert_eq!(number(5, "top1_vs_baseline"), difference);

    // The images of a run do not depend on those of the run before it.
    let alone = TempDir::new().unwrap();
    let last = "axes=[Grid({\"data.train\": [100], \"train.epochs\": [2]})]";
    let output = with_axes(alone.path(), &[last]);
    assert!(output.status.success(), "{}", stderr(&output));
    let again = table(alone.path(), "runs.csv");
    assert_eq!(again[0]["train_loss"], runs[1]["train_loss"]);
    assert_eq!(again[0]["spec_hash"], runs[1]["spec_hash"]);
}

#[test]
fn a_precision_is_recorded_and_tf32_needs_a_gpu() {
    let folder = TempDir::new().unwrap();
    let tf32 = sweep(folder.path(), &["--set", "train.precision=Tf32"]);
    assert_eq!(tf32.status.code(), Some(2));
    assert!(stderr(&tf32).contains("which GPUs alone have"), "{}", stderr(&tf32));
    let bf16 = sweep(folder.path(), &["--set", "train.precision=Bf16", "--set", "seeds=1"]);
    assert!(bf16.status.success(), "{}", stderr(&bf16));
    let runs = table(folder.path(), "runs.csv");
    assert!(runs.len() == 2 && runs.iter().all(|run| run["precision"] == "bf16"), "{runs:?}");
}

#[test]
fn a_sweep_with_halving_says_what_it_dropped() {
    let folder = TempDir::new().unwrap();
    let results = folder.path();
    let mut args = vec!["sweep", "experiments/halving.ron", "--results", results.to_str().unwrap()];
    let sets = [
        "seeds=1",
        "halving.rungs=[1, 2]",
        "train.epochs=3",
        "train.batch=50",
        "data.train=160",
        "data.validation=60",
        "data.test=60",
    ];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    args.extend(["--device", "cpu"]);
    let output = resweep(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.matches(" was dropped at rung 1, epoch 1: val_top1 ").count(), 4, "{text}");
    assert_eq!(text.matches(" was dropped at rung 2, epoch 2: val_top1 ").count(), 1, "{text}");
    assert!(text.contains("runs.csv, epochs.csv, halving.csv\n"), "{text}");
    assert!(stderr(&output).contains("  sweep at most "), "{}", stderr(&output));
    let table = |name: &str| -> Vec<std::collections::BTreeMap<String, String>> {
        let path = results.join("halving").join(name);
        csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
    };
    let (runs, rungs) = (table("runs.csv"), table("halving.csv"));
    assert_eq!((runs.len(), rungs.len()), (6, 6 + 2));
    for (status, count) in [("ok", 1), ("dropped", 5)] {
        assert_eq!(runs.iter().filter(|run| run["status"] == status).count(), count, "{runs:?}");
    }
    for run in runs.iter().filter(|run| run["status"] == "dropped") {
        assert!(run["stop_reason"].starts_with("rung ") && run["top1"].is_empty(), "{run:?}");
        assert_eq!(run["stopped_epoch"], run["epochs"]);
    }
    assert!(rungs.iter().all(|row| row["width"] == "4" || row["width"] == "8"));

    args.push("--dry-run");
    let output = resweep(&args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rungs = "halving by val_top1: 6 experiments to epoch 1, 2 to epoch 2, 1 to the end\n\
                 at most 9 epochs, of 18 without halving\n";
    assert!(text.ends_with(rungs), "{text}");
}

/// What to run next is told by the name that the program was called by.
#[test]
fn hints_are_commands_that_are_there() {
    let spec = "experiments/shortcuts.ron";
    let folder = TempDir::new().unwrap();
    let args = ["plan-seeds", spec, "--detect", "1", "--results", folder.path().to_str().unwrap()];
    assert!(stderr(&resweep(&args)).contains(&format!("`cargo xtask sweep {spec} ")));
    let mut alone = Command::cargo_bin("resweep").unwrap();
    let name = alone.get_program().to_str().unwrap().to_owned();
    alone.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("CARGO").args(args);
    let told = stderr(&alone.output().unwrap());
    assert!(told.contains(&format!("`{name} sweep {spec} ")), "{told}");
}

#[test]
fn mistakes_have_exit_code_2_and_failures_1() {
    let folder = TempDir::new().unwrap();
    let typo = sweep(folder.path(), &["--set", "train.epoch=1"]);
    assert_eq!(typo.status.code(), Some(2));
    assert!(stderr(&typo).contains("did you mean `epochs`?"), "{}", stderr(&typo));
    assert_eq!(sweep(folder.path(), &["--device", "tpu"]).status.code(), Some(2));
    if !Path::new("/dev/nvidia0").exists() {
        let cuda = resweep(&["sweep", "experiments/quick.ron", "--device", "cuda"]);
        assert_eq!(cuda.status.code(), Some(2));
        assert!(stderr(&cuda).contains("no NVIDIA driver"), "{}", stderr(&cuda));
    }
    let real = |data: &str| sweep(folder.path(), &["--set", "data.set=Cifar10", "--data", data]);
    let absent = real("/nonexistent");
    assert_eq!(absent.status.code(), Some(2));
    assert!(stderr(&absent).contains("/nonexistent"), "{}", stderr(&absent));
    // Of a data set that is there a file is not.
    std::fs::write(folder.path().join("data_batch_1.bin"), "").unwrap();
    let torn = real(folder.path().to_str().unwrap());
    assert_eq!(torn.status.code(), Some(1), "{}", stderr(&torn));
    assert!(stderr(&torn).contains("data_batch_2.bin"), "{}", stderr(&torn));
}

#[test]
fn eval_prints_accuracy_and_writes_every_logit() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("cifar-10-batches-bin");
    cifar10::write(&shapes10::generate(50, 70, 0), &data).unwrap();
    let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
    let plan = experiment::network(&Loader::default(), &network, &["params.width=4".into()], None)
        .unwrap();
    let weights = folder.path().join("weights.safetensors");
    Model::new(plan, 0, Device::Cpu).unwrap().save(&weights).unwrap();

    let predictions = folder.path().join("out.csv");
    let mut args =
        vec!["eval", "experiments/models/resnet18.ron", "--set", "params.width=4", "--weights"];
    args.extend([weights.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    args.extend([
        "--predictions",
        predictions.to_str().unwrap(),
        "--batch",
        "32",
        "--device",
        "cpu",
    ]);
    let output = resweep(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut reader = csv::Reader::from_path(&predictions).unwrap();
    assert_eq!(reader.headers().unwrap().len(), 13);
    let rows: Vec<Vec<f64>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 70);
    let mut right = 0;
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row[0], index as f64);
        let best = (0..10).max_by(|&a, &b| row[3 + a].total_cmp(&row[3 + b])).unwrap();
        assert_eq!(row[2], best as f64);
        right += u32::from(row[1] == row[2]);
    }
    let top1 = format!("top-1 {:.2} %", f64::from(right) / 0.7);
    assert!(text.starts_with(&top1), "{text} is not {top1}");

    // Without the parameter it is another network.
    let wrong: Vec<&str> =
        args.iter().copied().filter(|a| *a != "--set" && *a != "params.width=4").collect();
    let output = resweep(&wrong);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("conv1.weight"), "{}", stderr(&output));
}
