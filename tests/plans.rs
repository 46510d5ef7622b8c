//! Plans of the shipped specs: sizes against torchvision's, tables, hashes, resolved specs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/golden.rs"]
mod golden;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use resweep::cli::PlanArgs;
use resweep::commands::plan;
use resweep::experiment::{self, Experiments};
use resweep::plan::Plan;
use resweep::spec::error::SpecError;
use resweep::spec::load::Loader;

/// Network, parameters, and thousandths of GMACs where they are known. Parameters of the ImageNet
/// form are torchvision's, for 1,000 classes.
const SIZES: [(&str, u64, Option<u64>); 10] = [
    ("resnet18", 11_173_962, Some(555)),
    ("resnet34", 21_282_122, Some(1_159)),
    ("resnet50", 23_520_842, Some(1_298)),
    ("resnet101", 42_512_970, Some(2_510)),
    ("resnet152", 58_156_618, Some(3_722)),
    ("resnet18_imagenet", 11_689_512, None),
    ("resnet34_imagenet", 21_797_672, None),
    ("resnet50_imagenet", 25_557_032, None),
    ("resnet101_imagenet", 44_549_160, None),
    ("resnet152_imagenet", 60_192_808, None),
];

fn network(name: &str) -> Plan {
    let loader = Loader::default();
    let told = |error: SpecError| error.render(&loader.sources);
    let path = PathBuf::from(format!("experiments/models/{name}.ron"));
    experiment::network(&loader, &path, &[], None).map_err(told).unwrap()
}

fn sweep(path: &Path) -> Experiments {
    let loader = Loader::default();
    experiment::sweep(&loader, path, &[])
        .unwrap_or_else(|errors| panic!("{}", plan::rendered(&loader, &errors)))
}

/// A sweep of one network, all in one text.
fn sweep_of(text: &str) -> Experiments {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.ron");
    std::fs::write(&file, text).unwrap();
    sweep(&file)
}

/// What `plan` prints.
fn printed(path: &str) -> String {
    let loader = Loader::default();
    plan::text(&loader, &PlanArgs { spec: path.into(), set: Vec::new() })
        .unwrap_or_else(|errors| panic!("{}", plan::rendered(&loader, &errors)))
}

#[test]
fn every_shipped_spec_plans() {
    let mut count = 0;
    for folder in ["experiments", "experiments/models"] {
        for file in golden::files(Path::new(folder)) {
            assert!(!printed(&format!("{folder}/{file}")).is_empty());
            count += 1;
        }
    }
    assert!(count >= 13, "{count}");
}

#[test]
fn sizes_are_the_published_ones() {
    for (name, params, gmacs) in SIZES {
        let plan = network(name);
        assert_eq!(plan.params(), params, "{name}");
        if let Some(gmacs) = gmacs {
            assert_eq!((plan.macs() + 500_000) / 1_000_000, gmacs, "{name}");
        }
    }
}

#[test]
fn sizes_are_those_of_the_reference() {
    let text = std::fs::read_to_string("tests/golden/params.csv").unwrap();
    for line in text.lines().skip(1) {
        let [name, form, params, macs] = line.split(',').collect::<Vec<_>>()[..] else { panic!() };
        let plan = network(&file(name, form));
        assert_eq!(plan.params().to_string(), params, "{line}");
        assert_eq!(plan.macs().to_string(), macs, "{line}");
    }
}

#[test]
fn weights_are_those_of_the_reference_key_for_key() {
    let folder = Path::new("tests/golden/state_dict");
    for golden in golden::files(folder) {
        let (name, form) = golden.trim_end_matches(".csv").split_once('_').unwrap();
        let text = std::fs::read_to_string(folder.join(&golden)).unwrap();
        let wanted: Vec<&str> = text.lines().skip(1).collect();
        let plan = network(&file(name, form));
        let found: Vec<String> = plan
            .weights
            .iter()
            .map(|weight| {
                let dims: Vec<String> = weight.dims.iter().map(ToString::to_string).collect();
                format!("{},{}", weight.name, dims.join("x"))
            })
            .collect();
        assert_eq!(found, wanted, "{golden}");
    }
}

fn file(name: &str, form: &str) -> String {
    if form == "cifar" { name.into() } else { format!("{name}_{form}") }
}

#[test]
fn tables_are_as_before() {
    let mut golden = golden::Golden::in_folder("tests/golden/plans");
    golden.check("resnet18.txt", &printed("experiments/models/resnet18.ron"));
    golden.check("depth.txt", &printed("experiments/depth.ron"));
    golden.finish();
}

#[test]
fn planning_the_depth_sweep_takes_no_time() {
    let start = Instant::now();
    let sweep = sweep(Path::new("experiments/depth.ron"));
    let took = start.elapsed();
    assert_eq!(sweep.list.len(), 5);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// A small sweep, and the places where it is changed.
const SMALL: &str = "Sweep(
    networks: [(name: \"small\", network: Network(
        params: { \"width\": 8 },
        stem: [(\"conv1\", Conv2d(out: \"width\", kernel: 3))],
        head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))],
    ))],
    seeds: [0],
    data: (set: Cifar10),
    train: (epochs: 2, batch: 8, optimizer: Sgd(lr: 0.1)),
)";

fn hash(text: &str) -> String {
    sweep_of(text).list.remove(0).hash
}

#[test]
fn the_hash_is_that_of_what_is_said_not_of_how() {
    let wanted = hash(SMALL);
    assert_eq!(wanted.len(), 64);
    let same = [
        SMALL.replace('\n', " "),
        format!("// A comment.\n{}\n", SMALL.replace(",\n", ", // why\n")),
        SMALL.replace("out: \"width\", kernel: 3", "kernel: 3, out: 8"),
        SMALL.replace("out: \"width\"", "out: \"4 * width / 4\""),
        SMALL.replace("Conv2d(", "Conv2d(stride: 1, bias: false, "),
        SMALL.replace("(set: Cifar10)", "()"),
        SMALL.replace("batch: 8", "batch: 8, warmup_epochs: 0, eval_batch: 250"),
        SMALL.replace("seeds: [0]", "seeds: [1, 2]"),
        SMALL.replace("name: \"small\"", "name: \"other\""),
    ];
    for text in same {
        assert_eq!(hash(&text), wanted, "{text}");
    }
}

#[test]
fn the_hash_differs_where_anything_else_does() {
    let changes = [
        ("kernel: 3", "kernel: 5"),
        ("\"width\": 8", "\"width\": 9"),
        ("\"conv1\"", "\"conv2\""),
        ("params: {", "init: Pytorch, params: {"),
        ("epochs: 2", "epochs: 3"),
        ("batch: 8", "batch: 9"),
        ("lr: 0.1", "lr: 0.2"),
        ("lr: 0.1)", "lr: 0.1), decay: WeightsOnly"),
        ("lr: 0.1)", "lr: 0.1), augment: [HorizontalFlip()]"),
        ("Cifar10", "Shapes10(seed: 0)"),
        ("Cifar10", "Shapes10(seed: 1)"),
        ("Cifar10", "Cifar10, train: 100"),
        ("Cifar10", "Cifar10, resize: 64"),
    ];
    let mut hashes = vec![hash(SMALL)];
    for (from, to) in changes {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from}");
        let hash = hash(&text);
        assert!(!hashes.contains(&hash), "{from} -> {to}");
        hashes.push(hash);
    }
}

#[test]
fn resolved_specs_run_again_alone() {
    for file in ["depth", "quick", "article"] {
        for experiment in sweep(Path::new(&format!("experiments/{file}.ron"))).list {
            let again = sweep_of(&experiment.resolved);
            assert_eq!(again.list.len(), 1);
            assert_eq!(again.list[0].hash, experiment.hash, "{}", experiment.resolved);
            assert_eq!(again.list[0].plan, experiment.plan);
            assert_eq!(again.list[0].name, experiment.name);
            assert_eq!(again.list[0].resolved, experiment.resolved);
        }
    }
}

#[test]
fn names_that_look_like_paths_stay_names() {
    let text =
        SMALL.replace("\"small\"", "\"small.ron\"").replace("seeds", "name: \"a.ron\", seeds");
    let experiment = sweep_of(&text).list.remove(0);
    assert_eq!(experiment.name, "small.ron");
    assert_eq!(sweep_of(&experiment.resolved).list[0].hash, experiment.hash);
}

#[test]
fn resolved_specs_hold_the_changes_of_the_command_line() {
    let loader = Loader::default();
    let sets =
        ["train.epochs=7".to_string(), "networks.resnet18.block.nodes.conv1.kernel=5".into()];
    let changed = experiment::sweep(&loader, Path::new("experiments/depth.ron"), &sets).unwrap();
    let again = sweep_of(&changed.list[0].resolved);
    assert_eq!((again.train.epochs, &again.list[0].hash), (7, &changed.list[0].hash));
}
