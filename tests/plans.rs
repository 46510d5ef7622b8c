//! The shipped specs: they plan, and have the sizes that their networks are known for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use resweep::experiment;
use resweep::plan::{Plan, table};
use resweep::spec::load::Loader;

#[path = "common/clock.rs"]
mod clock;

use clock::processor_time;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name)
}

fn network(name: &str) -> Plan {
    let loader = Loader::default();
    experiment::network(&loader, &path(&format!("models/{name}.ron")), &[], None)
        .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)))
}

fn sweep(path: &Path) -> experiment::Experiments {
    let loader = Loader::default();
    experiment::sweep(&loader, path, &[]).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render(&loader.sources)).collect::<String>())
    })
}

#[test]
fn networks_have_their_known_sizes() {
    let known = [
        ("resnet18", 11_173_962, "0.555", 11_689_512),
        ("resnet34", 21_282_122, "1.159", 21_797_672),
        ("resnet50", 23_520_842, "1.298", 25_557_032),
        ("resnet101", 42_512_970, "2.510", 44_549_160),
        ("resnet152", 58_156_618, "3.722", 60_192_808),
    ];
    for (name, cifar, gmacs, imagenet) in known {
        let plan = network(name);
        assert_eq!(plan.params(), cifar, "{name}");
        assert_eq!(format!("{:.3}", plan.macs() as f64 / 1e9), gmacs, "{name}");
        assert_eq!(network(&format!("{name}_imagenet")).params(), imagenet, "{name}");
    }
}

/// `tests/golden/params.csv` was counted by PyTorch.
#[test]
fn params_and_macs_are_those_that_pytorch_counts() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/params.csv");
    let mut rows = 0;
    for row in csv::Reader::from_path(golden).unwrap().deserialize() {
        let (name, form, params, macs): (String, String, u64, u64) = row.unwrap();
        let suffix = if form == "cifar" { "" } else { "_imagenet" };
        let plan = network(&format!("{name}{suffix}"));
        assert_eq!((plan.params(), plan.macs()), (params, macs), "{name} {form}");
        rows += 1;
    }
    assert_eq!(rows, 7);
}

#[test]
fn every_shipped_sweep_plans_within_a_second() {
    let started = Instant::now();
    let depth = sweep(&path("depth.ron"));
    assert!(started.elapsed().as_secs_f64() < 1.0, "{:?}", started.elapsed());
    assert_eq!((depth.list.len(), depth.seeds.len()), (5, 3));
    for name in ["article.ron", "quick.ron", "parity.ron", "axes.ron"] {
        assert!(!sweep(&path(name)).list.is_empty(), "{name}");
    }
}

/// The best of some attempts. Planning waits for nothing, so the time of the processor is what an idle
/// machine would take.
#[test]
fn a_thousand_layers_are_planned_at_once() {
    let mut best = f64::INFINITY;
    for _ in 0..10 {
        let (loader, started) = (Loader::default(), processor_time());
        let file = path("models/preact_bottleneck.ron");
        let depth = ["params.depth=1001".to_string()];
        let plan = experiment::network(&loader, &file, &depth, None).unwrap();
        best = best.min(processor_time() - started);
        assert_eq!(plan.steps.len(), 3_338);
    }
    assert!(best < 0.05, "{best} s");
}

/// A resolved spec names no file, and is the same experiment.
#[test]
fn resolved_specs_are_the_same_experiments() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["depth.ron", "article.ron", "quick.ron", "axes.ron"] {
        for experiment in sweep(&path(name)).list {
            assert!(!experiment.resolved.contains(".ron"), "{name}");
            let file = folder.path().join("resolved.ron");
            std::fs::write(&file, &experiment.resolved).unwrap();
            let again = sweep(&file);
            assert_eq!(again.list[0].hash, experiment.hash, "{name} {}", experiment.name);
            assert_eq!(again.list[0].name, experiment.name);
        }
    }
}

/// Comments and layout are no part of an experiment; every number is.
#[test]
fn the_hash_is_of_what_determines_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let original = &sweep(&path("quick.ron")).list[0];
    let hash_of = |change: &dyn Fn(String) -> String| {
        let file = folder.path().join("changed.ron");
        std::fs::write(&file, change(original.resolved.clone())).unwrap();
        sweep(&file).list[0].hash.clone()
    };
    let commented = hash_of(&|text| format!("// a comment\n{}", text.replace(": ", " : ")));
    assert_eq!(commented, original.hash);
    for (from, to) in [
        ("lr: 0.05", "lr: 0.06"),
        ("seed: 0", "seed: 1"),
        ("kernel: 3", "kernel: 5"),
        ("train: 4000", "train: 4001"),
    ] {
        assert!(original.resolved.contains(from), "{from} is not in\n{}", original.resolved);
        assert_ne!(hash_of(&|text| text.replacen(from, to, 1)), original.hash, "{from}");
    }
}

#[test]
fn the_tables_are_as_they_were() {
    let layers = table::layers(&network("resnet18"));
    insta::assert_snapshot!("resnet18_layers", layers);
    let depth = sweep(&path("depth.ron"));
    let rows = depth.list.iter().map(|experiment| (experiment.name.as_str(), &experiment.plan));
    insta::assert_snapshot!("depth_table", table::experiments(rows));
}

/// Nodes of one name are alternatives: what reads the name reads the one that is not left out.
#[test]
fn of_the_nodes_of_one_name_the_one_that_is_not_left_out_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("choice.ron");
    let text = r#"Network(
        params: { "kernel": 3 },
        stem: [
            ("conv", Conv2d(out: 8, kernel: 3, when: "kernel == 3")),
            ("relu", Relu(from: "conv")),
            ("conv", Conv2d(from: "input", out: 16, kernel: 5, when: "kernel == 5")),
            ("pool", GlobalAvgPool(from: "relu")),
        ],
        head: [("fc", Linear(out: "classes"))],
    )"#;
    std::fs::write(&file, text).unwrap();
    let weights = |kernel: u64| -> Vec<(String, Vec<u64>)> {
        let loader = Loader::default();
        let set = [format!("params.kernel={kernel}")];
        let plan = experiment::network(&loader, &file, &set, None)
            .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)));
        plan.weights.iter().map(|weight| (weight.name.clone(), weight.dims.clone())).collect()
    };
    let wanted = |conv: &[(&str, &[u64])], features: u64| {
        let fc: [(&str, &[u64]); 2] = [("fc.weight", &[10, features]), ("fc.bias", &[10])];
        let all = conv.iter().chain(&fc);
        all.map(|(name, dims)| (name.to_string(), dims.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(weights(3), wanted(&[("conv.weight", &[8, 3, 3, 3])], 8));
    assert_eq!(weights(5), wanted(&[("conv.weight", &[16, 3, 5, 5])], 16));
    assert_eq!(weights(1), wanted(&[], 3));
}
