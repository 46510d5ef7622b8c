//! A GPU computes what the CPU does, with its steps replayed as a CUDA graph. Where there is no GPU,
//! there is nothing to compare.

use std::path::Path;
use std::process::{Command, Stdio};

use resweep::cli::DeviceChoice;
use resweep::device;
use serde_json::Value;
use tch::Tensor;

use crate::cli::{resweep, stderr, table_of};

fn has_gpu() -> bool {
    device::load_cuda();
    let found = device::resolve(DeviceChoice::Cuda(0));
    if let Err(why) = &found {
        eprintln!("not tested: {why}");
    }
    found.is_ok()
}

fn worker(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resweep"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["bench-worker", "experiments/models/resnet18.ron", "--set", "params.width=16"])
        .args(["--batch", "32", "--precision", "fp32"])
        .args(args);
    command
}

/// All weights before and after a step.
fn step(device: &str) -> [Tensor; 2] {
    let folder = tempfile::tempdir().unwrap();
    let check = folder.path().to_str().unwrap();
    assert!(worker(&["--device", device, "--check", check]).status().unwrap().success());
    ["start", "after"].map(|name| {
        let path = folder.path().join(format!("{name}.safetensors"));
        let mut weights = Tensor::read_safetensors(path).unwrap();
        weights.sort_by(|(a, _), (b, _)| a.cmp(b));
        let flat: Vec<Tensor> = weights.iter().map(|(_, weight)| weight.reshape([-1])).collect();
        Tensor::cat(&flat, 0)
    })
}

#[test]
fn a_replayed_step_is_that_of_the_cpu() {
    if !has_gpu() {
        return;
    }
    let session = worker(&["--device", "cuda"]).stdin(Stdio::null()).output().unwrap();
    let ready: Value = serde_json::from_slice(&session.stdout).unwrap();
    assert_eq!(ready["cuda_graph"], true, "{ready}");
    let ([start, after], [same_start, after_there]) = (step("cpu"), step("cuda"));
    assert_eq!(start, same_start);
    let norm = |tensor: Tensor| tensor.norm().double_value(&[]);
    let (far, size) = (norm(&after - after_there), norm(after - start));
    assert!(far < 0.01 * size, "{far} of {size}");
}

/// The losses of two short runs.
fn losses(results: &Path, device: &str, set: &[&str]) -> Vec<f64> {
    let folder = results.join(device);
    let mut args = vec!["sweep", "experiments/quick.ron", "--device", device, "--results"];
    args.push(folder.to_str().unwrap());
    let short = ["train.epochs=2", "seeds=1", "data.train=500", "data.test=60", "train.batch=48"];
    // At larger steps rounding grows to other losses.
    let slow = ["train.optimizer=Sgd(lr: 0.005, momentum: 0.9)"];
    short.iter().chain(&slow).chain(set).for_each(|&set| args.extend(["--set", set]));
    let output = resweep(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("without a CUDA graph"), "{}", stderr(&output));
    let rows = table_of(&folder, "quick", "epochs.csv");
    rows.iter().map(|row| row["train_loss"].parse().unwrap()).collect()
}

#[test]
fn runs_on_a_gpu_lose_what_they_do_on_the_cpu() {
    if !has_gpu() {
        return;
    }
    for set in [
        &["train.precision=Fp32"][..],
        &["train.precision=Fp32", "train.augment=[Mixup(alpha: 0.2), CutMix(alpha: 1.0)]"],
        &["train.precision=Fp32", "train.accumulate=2"],
        // Parameters that have had their epochs leave the graph.
        &["train.precision=Fp32", "train.groups=(norm: (epochs: 1))"],
        &["train.precision=Bf16"],
        &["train.precision=Fp16"],
        &["train.precision=PureBf16"],
    ] {
        let results = tempfile::tempdir().unwrap();
        let (cpu, gpu) = (losses(results.path(), "cpu", set), losses(results.path(), "cuda", set));
        assert_eq!(cpu.len(), gpu.len());
        for (a, b) in cpu.iter().zip(&gpu) {
            assert!((a - b).abs() < 0.05 * a, "{set:?}: {cpu:?} on the CPU, {gpu:?} on the GPU");
        }
    }
}

/// A run for which there is not enough memory on the GPU costs itself alone.
#[test]
fn want_of_memory_on_a_gpu_costs_its_run_alone() {
    if !has_gpu() {
        return;
    }
    let results = tempfile::tempdir().unwrap();
    let path = results.path().to_str().unwrap();
    // The first convolution alone gives 20,000 images of 1,024 channels of 32 x 32 pixels: 84 GB, twice
    // with its normalisation.
    let networks = "networks=[(name: \"wide\", network: \"experiments/models/resnet18.ron\", with: \
                    {\"width\": 1024}), (name: \"thin\", network: \
                    \"experiments/models/resnet18.ron\", with: {\"width\": 4})]";
    let sets = [networks, "train.epochs=1", "train.batch=20000", "data.train=20000", "seeds=1"];
    let mut args = vec!["sweep", "experiments/quick.ron", "--results", path, "--device", "cuda"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let output = resweep(&args);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let runs = table_of(results.path(), "quick", "runs.csv");
    let ended = |name: &str| runs.iter().find(|run| run["experiment"] == name).unwrap();
    assert_eq!(ended("wide")["status"], "failed");
    assert!(ended("wide")["reason"].contains("out of memory"), "{runs:?}");
    assert_eq!(ended("thin")["status"], "ok", "{runs:?}");
}
