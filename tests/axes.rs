//! Axes: which experiments a sweep comes to, against enumeration by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use proptest::prelude::*;
use resweep::cli::PlanArgs;
use resweep::commands::{dry_run, plan};
use resweep::experiment::{self, Experiments};
use resweep::spec::load::Loader;
use resweep::spec::train::Optimizer;

const NETWORK: &str = "Network(
    params: { \"width\": 8, \"k\": \"width / 2\" },
    stem: [(\"conv1\", Conv2d(out: \"width\", kernel: 3)), (\"relu\", Relu())],
    block: \"block.ron\",
    stages: [(layers: 1, width: \"width\"), (layers: 2, width: \"2 * width\", stride: 2)],
    head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))],
)";
const BLOCK: &str =
    "Block(nodes: [(\"conv\", Conv2d(out: \"width\", kernel: 3, stride: \"stride\"))])";
const RECIPE: &str = "Train(epochs: 3, batch: 32, optimizer: Sgd(lr: 0.1, momentum: 0.9))";

/// A sweep of `net.ron` with these fields beside networks, data and recipe.
fn sweep(fields: &str) -> Result<Experiments, String> {
    sweep_of("\"net.ron\"", fields)
}

fn sweep_of(networks: &str, fields: &str) -> Result<Experiments, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.ron");
    std::fs::write(folder.path().join("net.ron"), NETWORK).unwrap();
    std::fs::write(folder.path().join("block.ron"), BLOCK).unwrap();
    std::fs::write(folder.path().join("wide.ron"), BLOCK.replace("kernel: 3", "kernel: 5"))
        .unwrap();
    std::fs::write(folder.path().join("recipe.ron"), RECIPE).unwrap();
    let text = format!(
        "Sweep(networks: [{networks}], data: (train: 640), train: \"recipe.ron\", {fields})"
    );
    std::fs::write(&file, text).unwrap();
    open(&file)
}

fn open(file: &Path) -> Result<Experiments, String> {
    let loader = Loader::default();
    experiment::sweep(&loader, file, &[]).map_err(|errors| plan::rendered(&loader, &errors))
}

fn good(fields: &str) -> Experiments {
    sweep(fields).unwrap_or_else(|error| panic!("{fields}\n{error}"))
}

fn names(sweep: &Experiments) -> Vec<&str> {
    sweep.list.iter().map(|experiment| experiment.name.as_str()).collect()
}

/// The cells of one axis.
fn column(sweep: &Experiments, label: &str) -> Vec<String> {
    let at = sweep.axes.iter().position(|axis| axis == label).unwrap();
    sweep.list.iter().map(|experiment| experiment.axes[at].1.clone()).collect()
}

#[test]
fn grids_combine_and_zips_go_together() {
    let both = good(
        "axes: [Grid({\"with.width\": [4, 8], \"train.optimizer.lr\": [0.1, 0.2]}),
                Zip({\"train.epochs\": [1, 2], \"train.batch\": [64, 128]})]",
    );
    assert_eq!(both.axes, ["width", "lr", "epochs", "batch"]);
    assert_eq!(
        names(&both),
        [
            "net,width=4,lr=0.1,epochs=1,batch=64",
            "net,width=4,lr=0.1,epochs=2,batch=128",
            "net,width=4,lr=0.2,epochs=1,batch=64",
            "net,width=4,lr=0.2,epochs=2,batch=128",
            "net,width=8,lr=0.1,epochs=1,batch=64",
            "net,width=8,lr=0.1,epochs=2,batch=128",
            "net,width=8,lr=0.2,epochs=1,batch=64",
            "net,width=8,lr=0.2,epochs=2,batch=128",
        ]
    );
    let last = &both.list[7];
    assert_eq!((last.train.epochs, last.train.batch, last.train.optimizer.lr()), (2, 128, 0.2));
    assert_eq!(last.plan.weights[0].dims, [8, 3, 3, 3]);
    assert_eq!(both.list[0].plan.weights[0].dims, [4, 3, 3, 3]);
}

#[test]
fn networks_are_outermost() {
    let networks = "\"net.ron\", (name: \"other\", network: \"net.ron\", with: {\"width\": 16})";
    let two = sweep_of(networks, "axes: [Grid({\"train.epochs\": [1, 2]})]").unwrap();
    assert_eq!(names(&two), ["net,epochs=1", "net,epochs=2", "other,epochs=1", "other,epochs=2"]);
    assert_eq!(two.list[3].plan.weights[0].dims[0], 16);
}

#[test]
fn axes_reach_every_field() {
    let blocks = good("axes: [Grid({\"network.block\": [\"block.ron\", \"wide.ron\"]})]");
    assert_eq!(names(&blocks), ["net,block=block", "net,block=wide"]);
    assert!(blocks.list[1].plan.params() > blocks.list[0].plan.params());
    let depth = good("axes: [Grid({\"depth = network.stages.1.layers\": [1, 4]})]");
    assert_eq!(names(&depth), ["net,depth=1", "net,depth=4"]);
    let steps: Vec<usize> = depth.list.iter().map(|e| e.plan.steps.len()).collect();
    assert_eq!(steps[1] - steps[0], 3);
    let kernel = good("axes: [Grid({\"network.block.nodes.conv.kernel\": [1, 5]})]");
    assert_eq!(kernel.list[1].hash, blocks.list[1].hash);
    let optimizers = good(
        "axes: [Grid({\"train.optimizer\": [Sgd(lr: 0.1), AdamW(lr: 0.001)], \"data.train\": [100]})]",
    );
    assert_eq!(names(&optimizers), ["net,optimizer=Sgd", "net,optimizer=AdamW"]);
    assert!(matches!(optimizers.list[1].train.optimizer, Optimizer::AdamW { .. }));
    assert_eq!(column(&optimizers, "optimizer")[1], "AdamW(lr: 0.001)");
    assert_eq!(optimizers.list[0].data.train, Some(100));
    let recipes = good("axes: [Grid({\"train\": [\"recipe.ron\"], \"with.k\": [1]})]");
    assert_eq!(names(&recipes), ["net"], "axes of one value are in no name");
    assert_eq!(column(&recipes, "train"), ["recipe.ron"]);
}

#[test]
fn ranges_stand_for_lists() {
    let lr = |range: &str| {
        let sweep = good(&format!("axes: [Grid({{\"train.optimizer.lr\": {range}}})]"));
        column(&sweep, "lr")
    };
    let width =
        |range: &str| column(&good(&format!("axes: [Grid({{\"with.width\": {range}}})]")), "width");
    assert_eq!(lr("Range(from: 0.1, to: 0.5, step: 0.1)"), ["0.1", "0.2", "0.3", "0.4", "0.5"]);
    assert_eq!(lr("Range(0.1, 0.3, 0.1)"), ["0.1", "0.2", "0.3"]);
    assert_eq!(lr("LogRange(from: 0.001, to: 1, count: 4)"), ["0.001", "0.01", "0.1", "1"]);
    assert_eq!(lr("LinRange(from: 0.5, to: 1, count: 3)"), ["0.5", "0.75", "1"]);
    assert_eq!(width("Range(from: 8, to: 24, step: 8)"), ["8", "16", "24"]);
    assert_eq!(width("LogRange(from: 4, to: 32, count: 4)"), ["4", "8", "16", "32"]);
    assert_eq!(width("LinRange(from: 4, to: 12, count: 3)"), ["4", "8", "12"]);
    assert_eq!(width("[\"2 * 4\", 16]"), ["2 * 4", "16"]);
    let computed = good("axes: [Grid({\"with.width\": [\"2 * 4\", 16]})]");
    assert_eq!(names(&computed), ["net,width=8", "net,width=16"]);
}

#[test]
fn cases_change_any_number_of_fields() {
    let cases = good(
        "axes: [Cases(name: \"recipe\", cases: {
            \"plain\": {},
            \"smooth\": {\"train.label_smoothing\": 0.1},
            \"long\": {\"train.epochs\": 9, \"train.label_smoothing\": 0.2},
        })], where: \"label_smoothing < 0.15 or recipe == 'long'\"",
    );
    assert_eq!(cases.axes, ["recipe", "label_smoothing", "epochs"]);
    assert_eq!(names(&cases), ["net,recipe=plain", "net,recipe=smooth", "net,recipe=long"]);
    assert_eq!(column(&cases, "label_smoothing"), ["", "0.1", "0.2"]);
    assert_eq!(column(&cases, "epochs"), ["", "", "9"]);
    assert_eq!(cases.list[2].train.epochs, 9);
}

#[test]
fn conditions_use_fields_values_and_plans() {
    let axes = "axes: [Grid({\"with.width\": [4, 8, 16], \"train.optimizer.lr\": [0.1, 0.2]})], ";
    let left = |conditions: &str| {
        let sweep = good(&format!("{axes}{conditions}"));
        names(&sweep).into_iter().map(|name| name.replace("net,width=", "")).collect::<Vec<_>>()
    };
    assert_eq!(left("where: \"width == 8\""), ["8,lr=0.1", "8,lr=0.2"]);
    assert_eq!(left("where: \"with.width == 2 * 4 and train.optimizer.lr > 0.1\""), ["8,lr=0.2"]);
    assert_eq!(left("where: [\"width >= 8\", \"lr < 0.15\"]"), ["8,lr=0.1", "16,lr=0.1"]);
    assert_eq!(left("exclude: [\"width > 4\", \"lr > 0.15\"]"), ["4,lr=0.1"]);
    assert_eq!(left("where: \"with.k == 4 and lr == 0.1\""), ["8,lr=0.1"], "a default");
    assert_eq!(
        left("where: \"network.stages.1.layers == 2 and width < 5\""),
        ["4,lr=0.1", "4,lr=0.2"]
    );
    assert_eq!(
        left("where: \"train.label_smoothing == 0 and data.train < 700 and width < 5\"").len(),
        2
    );
    assert_eq!(left("where: \"train.optimizer == 'Sgd' and width == 4\"").len(), 2);
    // stem 3 -> w, stage 1 w -> w, stage 2 w -> 2w and 2w -> 2w, all 3x3, and the classifier.
    let params = |w: u64| 27 * w + 9 * w * w + 18 * w * w + 36 * w * w + 10 * 2 * w + 10;
    let limit = format!("where: \"params <= {} and layers == 5\"", params(8));
    assert_eq!(left(&limit).len(), 4);
    let below = format!("where: \"params < {} and macs > 0 and activation_bytes > 0\"", params(8));
    assert_eq!(left(&below).len(), 2);
    let counted = good(&format!(
        "{axes}where: \"lr < 0.15 and params < {}\", exclude: \"width == 4\"",
        params(16)
    ));
    assert_eq!((counted.left_out.by_where, counted.left_out.by_exclude), (3, 2));
}

/// What is left out need not be a network at all.
#[test]
fn what_is_excluded_is_not_planned() {
    let axes = "axes: [Grid({\"network.stem.conv1.groups\": [1, 2]})]";
    assert!(sweep(axes).unwrap_err().contains("2 groups do not divide 3 input channels"));
    let one = good(&format!("{axes}, exclude: \"groups == 2\""));
    assert_eq!(column(&one, "groups"), ["1"]);
}

#[test]
fn a_recipe_may_leave_out_what_axes_give() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.ron");
    let text = format!(
        "Sweep(networks: [(name: \"n\", network: {})], data: (), train: (batch: 8, optimizer: Sgd(lr: 0.1)),
         axes: [Grid({{\"train.epochs\": [1, 2]}})])",
        NETWORK.replace("\"block.ron\"", BLOCK)
    );
    std::fs::write(&file, text).unwrap();
    assert_eq!(names(&open(&file).unwrap()), ["n,epochs=1", "n,epochs=2"]);
}

#[test]
fn samples_repeat_and_a_larger_count_adds_to_them() {
    let of = "of: {\"train.optimizer.lr\": LogUniform(0.001, 1.0), \"with.width\": IntUniform(8, 64),
              \"train.optimizer.weight_decay\": Uniform(0.0, 0.001), \"train.batch\": Choice([64, 128]),
              \"with.k\": LogIntUniform(1, 1024)}";
    let drawn = |count: u32, seed: u32| {
        good(&format!(
            "axes: [Sample(count: {count}, seed: {seed}, {of})], names: \"{{network}}{{lr}}\""
        ))
    };
    let (few, many, other) = (drawn(5, 7), drawn(200, 7), drawn(5, 8));
    for label in ["lr", "width", "weight_decay", "batch", "k"] {
        assert_eq!(column(&few, label), column(&many, label)[..5], "{label}");
    }
    assert_ne!(column(&few, "lr"), column(&other, "lr"));
    let numbers = |label: &str| -> Vec<f64> {
        column(&many, label).iter().map(|cell| cell.parse().unwrap()).collect()
    };
    let share = |label: &str, below: f64| {
        numbers(label).iter().filter(|&&number| number < below).count() as f64 / 200.0
    };
    // Six standard deviations of a share of a half over 200 draws are 0.21.
    for (label, middle) in
        [("lr", 0.0316), ("width", 36.5), ("weight_decay", 0.0005), ("batch", 100.0), ("k", 32.0)]
    {
        assert!((share(label, middle) - 0.5).abs() < 0.21, "{label}: {}", share(label, middle));
    }
    assert!(
        numbers("width").iter().all(|width| width.fract() == 0.0 && (8.0..=64.0).contains(width))
    );
    assert!(numbers("lr").iter().all(|lr| (0.001..=1.0).contains(lr)));
    assert!(column(&many, "lr").iter().all(|lr| lr.trim_start_matches(['0', '.']).len() <= 7));
    let plain = column(&few, "lr");
    assert_eq!(plain, FIRST_RATES, "the same on every machine, in every version");
}

/// As `tests/reference/sample.py` works them out.
const FIRST_RATES: [&str; 5] = ["0.00297432", "0.0031913", "0.129667", "0.151434", "0.0636469"];

#[test]
fn samples_that_repeat_are_left_out_and_counted() {
    let sweep = good("axes: [Sample(count: 50, of: {\"train.batch\": Choice([64, 128])})]");
    assert_eq!((sweep.list.len(), sweep.left_out.repeated), (2, 48));
    assert!(dry_run::warnings(&sweep).contains("48 combinations"));
}

#[test]
fn equal_experiments_are_told() {
    let twins =
        good("axes: [Cases(name: \"a\", cases: {\"x\": {}, \"y\": {\"train.epochs\": 3}})]");
    assert_eq!(twins.list[0].hash, twins.list[1].hash);
    assert_eq!(twins.list[1].same_as.as_deref(), Some("net,a=x"));
    assert!(dry_run::text(&twins).contains("same as net,a=x"));
    assert!(dry_run::warnings(&twins).contains("net,a=y is the same experiment as net,a=x"));
}

#[test]
fn names_are_made_of_values() {
    let sweep = good(
        "axes: [Grid({\"with.width\": [4, 8], \"train.optimizer\": [Sgd(lr: 0.5)],
                \"network.block\": [\"block.ron\"], \"network.init\": [Pytorch]})],
         names: \"{network}_w{width}-{optimizer}-{block}-{init}-{train.optimizer.lr}-{data.set}\",
         baseline: \"net_w8-Sgd-block-Pytorch-0.5-Cifar10\"",
    );
    let wanted = ["net_w4-Sgd-block-Pytorch-0.5-Cifar10", "net_w8-Sgd-block-Pytorch-0.5-Cifar10"];
    assert_eq!(names(&sweep), wanted);
    assert_eq!(sweep.baseline.as_deref(), Some(wanted[1]));
}

#[test]
fn seeds_may_be_counted() {
    assert_eq!(good("seeds: 3").seeds, [0, 1, 2]);
    assert_eq!(good("seeds: [4, 2]").seeds, [4, 2]);
    assert_eq!(good("").seeds, [0]);
}

/// A spec that was reached through axes is that which says the same by hand, and runs again.
#[test]
fn experiments_of_axes_are_those_written_by_hand() {
    let axes = good(
        "seeds: 2, names: \"{network}-{width}-{recipe}-{lr}\", baseline: \"net-4-plain-0.2\",
         where: \"lr > 0\", exclude: \"lr > 1\",
         axes: [Grid({\"with.width\": [4], \"lr = train.optimizer.lr\": [0.2, 0.3],
                      \"network.block.nodes.conv.kernel\": [5], \"data.resize\": [16]}),
                Cases(name: \"recipe\", cases: {\"plain\": {}, \"s\": {\"train.augment\": [HorizontalFlip()]}})]",
    );
    assert_eq!(axes.list.len(), 4);
    let folder = tempfile::tempdir().unwrap();
    for experiment in &axes.list {
        let file = folder.path().join("resolved.ron");
        std::fs::write(&file, experiment.alone("again", 1)).unwrap();
        for word in ["axes", "where", "exclude", "names:", "baseline", ".ron"] {
            assert!(!experiment.resolved.contains(word), "{word} in\n{}", experiment.resolved);
        }
        let again = open(&file).unwrap();
        assert_eq!((again.list.len(), again.seeds.as_slice()), (1, [1].as_slice()));
        assert_eq!(again.name, "again");
        assert_eq!(again.list[0].hash, experiment.hash);
        assert_eq!(again.list[0].name, experiment.name);
    }
    let by_hand = sweep_of(
        "(network: \"net.ron\", with: {\"width\": 4})",
        "axes: [Grid({\"train\": [Train(epochs: 3, batch: 32, augment: [HorizontalFlip()],
                                        optimizer: Sgd(lr: 0.3, momentum: 0.9))],
                      \"data\": [(train: 640, resize: 16)], \"network.block\": [\"wide.ron\"]})]",
    );
    assert_eq!(by_hand.unwrap().list[0].hash, axes.list[3].hash);
    let plain = good("");
    assert_eq!(good("axes: [Grid({\"train.epochs\": [3]})]").list[0].hash, plain.list[0].hash);
}

#[test]
fn independent_mistakes_are_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.ron");
    let text = "Sweep(name: \"a/b\", networks: [(network: Network(stem: [], heads: []))], seed: 3,
        seeds: 0, data: (trian: 3), train: (epochs: 0, batch: 3, optimizer: Sgd(lr: 1)))";
    std::fs::write(&file, text).unwrap();
    let told = open(&file).err().unwrap();
    for part in [
        "`a/b` cannot",
        "no field `heads`",
        "no field `seed`",
        "no seeds",
        "`trian`",
        "`epochs` is 0",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_dry_run_counts() {
    let text = dry_run::text(&good(
        "axes: [Grid({\"with.width\": [4, 8, 16]})], where: \"width < 10\", seeds: 3",
    ));
    assert!(text.ends_with("2 experiments x 3 seeds = 6 runs; 1 rejected by `where`\n"), "{text}");
    assert!(text.contains("0 1 2") && text.contains("net,width=8"), "{text}");
    let loader = Loader::default();
    let args = PlanArgs { spec: "experiments/axes.ron".into(), ..PlanArgs::default() };
    let table = plan::text(&loader, &args).unwrap_or_else(|e| panic!("{}", e.rendered(&loader)));
    assert!(
        table.contains("label_smoothing") && table.contains("resnet18-w8-lr0.05-plain"),
        "{table}"
    );
}

#[test]
fn many_fields_of_cases_are_named_under_a_dry_run() {
    let fields = ["clip_norm", "accumulate", "batch", "warmup_epochs", "eval_batch"];
    let text = |count: usize| {
        let case = |name: &&str| format!("\"{name}-1\": {{\"train.{name}\": 1}}");
        let cases: Vec<String> = fields[..count].iter().map(case).collect();
        let cases = format!("Cases(name: \"how\", cases: {{{}}})", cases.join(", "));
        dry_run::text(&good(&format!("axes: [Grid({{\"with.width\": [4]}}), {cases}]")))
    };
    let has = |text: &str, column: &str| text.lines().nth(1).unwrap().contains(column);
    let (four, five) = (text(4), text(5));
    assert!(fields[..4].iter().all(|field| has(&four, field)), "{four}");
    assert!(["how", "width"].iter().all(|axis| has(&five, axis)), "{five}");
    assert!(!fields.iter().any(|field| has(&five, field)), "{five}");
    assert!(five.contains(&format!("as `show` tells: {}\n", fields.join(", "))), "{five}");
}

/// A value on the command line that an axis would undo is a mistake, and not silently lost.
#[test]
fn a_set_that_an_axis_undoes_is_told() {
    let loader = Loader::default();
    let file = Path::new("experiments/axes.ron");
    let set = |set: &str| experiment::sweep(&loader, file, &[set.to_string()]);
    let told = plan::rendered(&loader, &set("train.optimizer.lr=0.3").unwrap_err());
    assert!(told.contains("the axis `lr` sets `train.optimizer.lr` anew"), "{told}");
    assert_eq!(set("train.epochs=1").unwrap().list[0].train.epochs, 1);
    let momentum = set("train.optimizer.momentum=0.5").unwrap();
    assert!(matches!(momentum.list[0].train.optimizer, Optimizer::Sgd { momentum: 0.5, .. }));
    let fewer = experiment::sweep(
        &loader,
        file,
        &[
            "axes=[Grid({\"with.width\": [8]})]",
            "exclude=[]",
            "names=\"{network}\"",
            "baseline=\"resnet18\"",
        ]
        .map(String::from),
    );
    assert_eq!(names(&fewer.unwrap()), ["resnet18"]);
}

/// A field of a recipe that axes or cases name by its file is set in every one.
#[test]
fn a_set_reaches_into_files_that_axes_name() {
    let loader = Loader::default();
    let sets = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        experiment::sweep(&loader, Path::new("experiments/recipes.ron"), &sets)
    };
    let plain = sets(&[]).unwrap();
    let short = sets(&["train.epochs=3", "train.optimizer.lr=0.25"]).unwrap();
    assert_eq!(names(&plain), names(&short));
    assert_eq!(column(&plain, "train"), column(&short, "train"));
    for (plain, short) in plain.list.iter().zip(&short.list) {
        assert!(plain.train.epochs > 3 && short.train.epochs == 3, "{}", short.name);
        assert!(plain.hash != short.hash && plain.train.augment == short.train.augment);
    }
    let axes = "axes=[Grid({\"train\": [\"experiments/recipes/cutout.ron\", \"experiments/recipes/mixup.ron\"]})]";
    let grid = sets(&[axes, "names=\"{train}\"", "train.batch=7"]).unwrap();
    assert!(grid.list.len() == 2 && grid.list.iter().all(|own| own.train.batch == 7));
    for (set, part) in [
        ("network.init=Kaiming", "cases of an axis set `network.init` anew"),
        ("train.epoch=3", "did you mean `epochs`?"),
        ("train.epochs.more=3", "has no fields"),
    ] {
        let told = plan::rendered(&loader, &sets(&[set]).unwrap_err());
        assert!(told.contains(part) && told.contains("--set"), "{told}");
    }
}

/// What axes set in every network cannot be set in one of them, by its name or its place.
#[test]
fn a_set_in_a_network_that_an_axis_undoes_is_told() {
    let loader = Loader::default();
    let networks = "networks=[(name: \"a.b\", network: \"experiments/models/resnet18.ron\")]";
    let axes =
        "axes=[Grid({\"network.block\": [\"experiments/blocks/basic.ron\"], \"with.width\": [8]})]";
    let set = |set: &str| {
        let sets = [networks, axes, set].map(String::from);
        experiment::sweep(&loader, Path::new("experiments/quick.ron"), &sets)
    };
    let names = "names=\"{network}\"";
    assert_eq!(set(names).unwrap().list.len(), 1);
    for (set_to, axis) in [
        ("networks.a.b.with.width=16", "width"),
        ("networks.0.with.width=16", "width"),
        ("networks.a.b.block.nodes.conv1.kernel=5", "block"),
        ("networks.0.network.block=\"experiments/blocks/plain.ron\"", "block"),
    ] {
        let told = plan::rendered(&loader, &set(set_to).unwrap_err());
        assert!(told.contains(&format!("the axis `{axis}` sets `networks.")), "{told}");
    }
    let other = set("networks.a.b.stages.0.layers=1").unwrap();
    assert!(other.list[0].hash != set(names).unwrap().list[0].hash);
}

/// Fields that random axes change, with the label that each goes by.
const FIELDS: [(&str, &str); 5] = [
    ("train.epochs", "epochs"),
    ("train.batch", "batch"),
    ("with.width", "width"),
    ("b = train.eval_batch", "b"),
    ("network.stages.0.layers", "layers"),
];

/// Grids and zips over distinct fields: for each axis whether it is a zip, and its lists.
fn lists() -> impl Strategy<Value = Vec<(bool, Vec<Vec<u32>>)>> {
    let list = |len| prop::collection::btree_set(1..9_u32, len);
    let list = move |len| list(len).prop_map(|set| set.into_iter().collect::<Vec<_>>());
    let grid = prop::collection::vec((1..4_usize).prop_flat_map(list), 1..3);
    let zip = (1..4_usize).prop_flat_map(move |len| prop::collection::vec(list(len), 1..3));
    let axis = prop_oneof![grid.prop_map(|g| (false, g)), zip.prop_map(|z| (true, z))];
    prop::collection::vec(axis, 0..3).prop_map(|axes| {
        let mut left = FIELDS.len();
        axes.into_iter()
            .filter(|(_, lists)| {
                let fits = lists.len() <= left;
                left -= if fits { lists.len() } else { 0 };
                fits
            })
            .collect()
    })
}

/// Every combination, by nested loops.
fn enumerate(axes: &[(bool, Vec<Vec<u32>>)]) -> Vec<Vec<u32>> {
    let mut all = vec![Vec::new()];
    for (is_zip, lists) in axes {
        let points: Vec<Vec<u32>> = if *is_zip {
            (0..lists[0].len()).map(|at| lists.iter().map(|list| list[at]).collect()).collect()
        } else {
            let mut points = vec![Vec::new()];
            for list in lists {
                let mut longer = Vec::new();
                for point in &points {
                    for value in list {
                        longer.push([point.as_slice(), &[*value]].concat());
                    }
                }
                points = longer;
            }
            points
        };
        let mut longer = Vec::new();
        for combination in &all {
            for point in &points {
                longer.push([combination.as_slice(), point].concat());
            }
        }
        all = longer;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn experiments_are_those_of_an_enumeration_by_hand(axes in lists(), limit in 4..30_u32) {
        let mut fields = FIELDS.iter();
        let mut labels = Vec::new();
        let texts: Vec<String> = axes.iter().map(|(is_zip, lists)| {
            let entries: Vec<String> = lists.iter().map(|list| {
                let (path, label) = fields.next().unwrap();
                labels.push(*label);
                format!("{path:?}: {list:?}")
            }).collect();
            format!("{}({{{}}})", if *is_zip { "Zip" } else { "Grid" }, entries.join(", "))
        }).collect();
        let sum = if labels.is_empty() { "0".to_string() } else { labels.join(" + ") };
        let axes_text = match texts.is_empty() {
            true => String::new(),
            false => format!("axes: [{}], ", texts.join(", ")),
        };
        let text = format!("{axes_text} where: \"{sum} <= {limit}\"");
        let wanted: Vec<Vec<u32>> = enumerate(&axes)
            .into_iter()
            .filter(|values| values.iter().sum::<u32>() <= limit)
            .collect();
        match sweep(&text) {
            Err(error) => prop_assert!(wanted.is_empty() && error.contains("rejects"), "{}", error),
            Ok(sweep) => {
                prop_assert_eq!(&sweep.axes, &labels);
                let found: Vec<Vec<u32>> = sweep.list.iter().map(|experiment| {
                    experiment.axes.iter().map(|(_, value)| value.parse().unwrap()).collect()
                }).collect();
                prop_assert_eq!(found, wanted);
                for experiment in &sweep.list {
                    for (label, value) in &experiment.axes {
                        let value: u32 = value.parse().unwrap();
                        match label.as_str() {
                            "epochs" => prop_assert_eq!(experiment.train.epochs, value),
                            "batch" => prop_assert_eq!(experiment.train.batch, value),
                            "b" => prop_assert_eq!(experiment.train.eval_batch, value),
                            "width" => prop_assert_eq!(experiment.plan.weights[0].dims[0], u64::from(value)),
                            _ => prop_assert_eq!(experiment.plan.steps.len() as u32, 6 + value),
                        }
                    }
                }
            }
        }
    }
}
