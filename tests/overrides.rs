//! `--set path=value`: what it changes, and how its mistakes are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/golden.rs"]
mod golden;

use std::path::Path;

use resweep::commands::plan;
use resweep::experiment::{self, Experiments};
use resweep::op::Op;
use resweep::plan::Plan;
use resweep::spec::data::DataSet;
use resweep::spec::error::SpecError;
use resweep::spec::load::Loader;
use resweep::spec::train::{Fill, Optimizer, Schedule};

// Paths are relative to the root of the repository, where tests run.
const SWEEP: &str = "experiments/depth.ron";
const NETWORK: &str = "experiments/models/resnet18.ron";

fn sweep(sets: &[&str]) -> Result<Experiments, String> {
    let loader = Loader::default();
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    experiment::sweep(&loader, Path::new(SWEEP), &sets)
        .map_err(|errors| plan::rendered(&loader, &errors))
}

fn network(sets: &[&str]) -> Plan {
    let loader = Loader::default();
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let told = |error: SpecError| error.render(&loader.sources);
    experiment::network(&loader, Path::new(NETWORK), &sets, None).map_err(told).unwrap()
}

fn set(text: &str) -> Experiments {
    sweep(&[text]).unwrap_or_else(|error| panic!("{text}:\n{error}"))
}

fn names(sweep: &Experiments) -> Vec<&str> {
    sweep.list.iter().map(|experiment| experiment.name.as_str()).collect()
}

/// The kernel of every convolution called `name`.
fn kernels(plan: &Plan, name: &str) -> Vec<u64> {
    let convolutions = plan.steps.iter().filter(|step| step.path.ends_with(name));
    let kernel = |step: &resweep::plan::Step| match &step.op {
        Op::Conv2d(conv) => Some(conv.kernel.height),
        _ => None,
    };
    convolutions.filter_map(kernel).collect()
}

#[test]
fn values_of_the_recipe_and_the_data() {
    assert_eq!(set("train.epochs=150").list[0].train.epochs, 150);
    assert_eq!(set("train.optimizer.lr=0.5").list[0].train.optimizer.lr(), 0.5);
    assert_eq!(set("train.optimizer.lr = 0.5").list[0].train.optimizer.lr(), 0.5);
    let adam = set("train.optimizer=Adam(lr: 0.001)").list[0].train.optimizer.clone();
    assert!(matches!(adam, Optimizer::Adam { lr: 0.001, .. }), "{adam:?}");
    let cosine = set("train.schedule.min_lr=0.01").list[0].train.schedule.clone();
    assert_eq!(cosine, Schedule::Cosine { min_lr: 0.01 });
    let shapes = set("data.set=Shapes10(seed: 3)").list[0].data.set;
    assert_eq!(shapes, DataSet::Shapes10 { seed: 3 });
    assert_eq!(set("seeds=[7]").seeds, [7]);
    assert_eq!(set("seeds.1=9").seeds, [0, 9, 2]);
}

#[test]
fn fields_that_the_file_leaves_out() {
    assert_eq!(set("train.label_smoothing=0.1").list[0].train.label_smoothing, 0.1);
    assert_eq!(set("data.train=2000").list[0].data.train, Some(2000));
    assert_eq!(set("name=\"other\"").name, "other");
    let std =
        set("data.normalize=(mean: (0, 0, 0), std: (1, 1, 1))").list[0].data.normalize.unwrap().std;
    assert_eq!(std, (1.0, 1.0, 1.0));
    let both = ["data.normalize.mean=(0, 0, 0)", "data.normalize.std=(1, 1, 1)"];
    assert_eq!(sweep(&both).unwrap().list[0].data.normalize.unwrap().std, (1.0, 1.0, 1.0));
}

#[test]
fn items_by_index_and_by_name() {
    use resweep::spec::train::Augment;
    let padded = Augment::RandomCrop { padding: 2, fill: Fill::Zero };
    for text in ["train.augment.0.padding=2", "train.augment.RandomCrop.padding=2"] {
        assert_eq!(set(text).list[0].train.augment[0], padded, "{text}");
    }
    let replaced = set("networks.1=\"experiments/models/resnet50_imagenet.ron\"");
    assert_eq!(names(&replaced)[1], "resnet50_imagenet");
}

#[test]
fn later_changes_win() {
    let epochs = sweep(&["train.epochs=30", "train.epochs=40"]).unwrap();
    assert_eq!(epochs.list[0].train.epochs, 40);
    assert_eq!(epochs.overrides, ["train.epochs=30", "train.epochs=40"]);
}

#[test]
fn through_paths_into_networks_and_their_blocks() {
    let changed = set("networks.resnet18.block.nodes.conv1.kernel=5");
    assert_eq!(names(&changed), names(&sweep(&[]).unwrap()), "names stay");
    let [first, second, ..] = changed.list.as_slice() else { panic!() };
    assert_eq!(kernels(&first.plan, ".0.conv1"), [5; 4]);
    // The block file is also that of ResNet-34, which keeps its own.
    assert_eq!(kernels(&second.plan, ".0.conv1"), [3; 4]);
    let by_index = set("networks.0.block.nodes.0.kernel=5");
    assert_eq!(by_index.list[0].hash, first.hash);
    let in_full = set("networks.resnet18.network.block.nodes.conv1.kernel=5");
    assert_eq!(in_full.list[0].hash, first.hash);
    assert_eq!(changed.list[1].hash, sweep(&[]).unwrap().list[1].hash);
}

#[test]
fn networks_with_other_parameters() {
    let thin = set("networks.resnet18.with={\"width\": 8}");
    let also = set("networks.0.params.width=8");
    let plain = set(
        "networks=[(name: \"resnet18\", network: \"experiments/models/resnet18.ron\", with: {\"width\": 8})]",
    );
    assert_eq!(thin.list[0].hash, plain.list[0].hash);
    assert_eq!(thin.list[0].hash, also.list[0].hash);
    assert_eq!(thin.list[0].plan, network(&["params.width=8"]));
    assert_eq!(thin.list[0].plan.params(), 176_402);
    // An entry that stands in full already: quick.ron gives a width of 8.
    let loader = Loader::default();
    let quick = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        experiment::sweep(&loader, Path::new("experiments/quick.ron"), &sets).unwrap()
    };
    assert_eq!(quick(&["networks.resnet18-thin.with.width=16"]).list[0].plan.params(), 701_466);
    let deeper = quick(&["networks.resnet18-thin.stages.0.layers=3"]);
    assert_eq!(names(&deeper), ["resnet18-thin", "resnet50-thin"]);
    assert_ne!(deeper.list[0].hash, quick(&[]).list[0].hash);
}

#[test]
fn paths_as_values_need_no_quotes() {
    let bare = set("networks.0=experiments/models/resnet18_imagenet.ron");
    assert_eq!(names(&bare)[0], "resnet18_imagenet");
}

#[test]
fn what_is_not_changed_has_the_same_hash() {
    let (before, after) = (sweep(&[]).unwrap(), set("train.epochs=200"));
    assert_eq!(before.list[0].hash, after.list[0].hash);
    assert_ne!(before.list[0].hash, set("train.epochs=199").list[0].hash);
}

/// A file's name and the changes whose diagnostic it holds.
const MISTAKES: [(&str, &[&str]); 21] = [
    ("no_value", &["train.epochs"]),
    ("empty_value", &["train.epochs="]),
    ("empty_path", &["=3"]),
    ("not_ron", &["train.optimizer=Sgd(lr: 0.1"]),
    ("wrong_type", &["train.epochs=many"]),
    ("unquoted_string", &["name=other"]),
    ("field_unknown", &["train.epoch=3"]),
    ("field_of_optimizer", &["train.optimizer.beta=0.3"]),
    ("field_unknown_deep", &["train.schedules.min_lr=0.3"]),
    ("field_of_network", &["networks.resnet18.wdith=3"]),
    ("field_of_node", &["networks.resnet18.block.nodes.conv1.kernels=3"]),
    ("node_unknown", &["networks.resnet18.block.nodes.conv9.kernel=3"]),
    ("network_unknown", &["networks.resnet19.stages=[]"]),
    ("index_too_large", &["networks.7.stages=[]"]),
    ("through_a_number", &["train.epochs.more=3"]),
    ("through_missing_file", &["networks.0=models/resnet18.ron", "networks.0.stages=[]"]),
    ("parameter_unknown", &["networks.resnet18.with={\"depth\": 8}"]),
    ("value_out_of_range", &["train.optimizer.lr=-1"]),
    ("shape", &["networks.resnet18.block.nodes.conv1.stride=2"]),
    ("expression", &["networks.resnet18.block.nodes.conv1.out=\"2 * widht\""]),
    ("empty_part", &["train..epochs=3"]),
];

#[test]
fn mistakes_are_told_as_before() {
    let mut golden = golden::Golden::in_folder("tests/golden/overrides");
    for (name, sets) in MISTAKES {
        let told = match sweep(sets) {
            Ok(_) => "planned as if there were no mistake".into(),
            Err(told) => told,
        };
        golden.check(&format!("{name}.txt"), &format!("--set {}\n\n{told}", sets.join(" --set ")));
    }
    golden.finish();
}

#[test]
fn a_file_that_names_itself_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("self.ron");
    std::fs::write(&file, "\"self.ron\"").unwrap();
    let loader = Loader::default();
    assert!(experiment::sweep(&loader, &file, &["networks.0.stem=[]".into()]).is_err());
    assert!(experiment::network(&loader, &file, &["stem=[]".into()], None).is_err());
    let other = folder.path().join("network.ron");
    let text = std::fs::read_to_string(NETWORK).unwrap();
    std::fs::write(&other, text.replace("../blocks/basic.ron", "network.ron")).unwrap();
    let deep = "block.".repeat(200) + "params={}";
    assert!(experiment::network(&loader, &other, &[deep], None).is_err());
}

/// Names of nodes and of experiments may have dots.
#[test]
fn names_with_dots_are_found() {
    let loader = Loader::default();
    let path = Path::new("experiments/models/densenet121.ron");
    let sets = ["stem.features.conv0.kernel=5".to_string(), "stem.features.norm0.eps=0.1".into()];
    let plan = experiment::network(&loader, path, &sets, None).unwrap();
    assert_eq!(kernels(&plan, "features.conv0"), [5]);
}
