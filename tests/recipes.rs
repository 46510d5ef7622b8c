//! Recipes and data as experiments: their hashes, and the specs that are written of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use resweep::experiment::{self, Experiment};
use resweep::spec::load::Loader;

/// The experiment of a sweep of a shipped network with this recipe and data.
fn planned(train: &str, data: &str) -> Experiment {
    let train = format!("(epochs: 2, batch: 8, optimizer: Sgd(lr: 0.1), {train})");
    let networks = r#"networks: [(network: "models/resnet18.ron", with: { "width": 4 })]"#;
    read(&format!("Sweep({networks}, data: ({data}), train: {train})"))
}

fn read(text: &str) -> Experiment {
    let loader = Loader::default();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/recipe.ron");
    loader.text(&path, text.into()).unwrap();
    match experiment::sweep(&loader, &path, &[]) {
        Ok(experiments) => experiments.list.into_iter().next().unwrap(),
        Err(errors) => panic!("{}", errors[0].render(&loader.sources)),
    }
}

const TRAIN: [&str; 27] = [
    "augment: [RandomCrop(padding: 4, fill: Reflect)]",
    "augment: [HorizontalFlip()]",
    "augment: [AlternatingFlip]",
    "augment: [Cutout(size: 16)]",
    "augment: [RandomErasing()]",
    "augment: [RandomErasing(value: Black)]",
    "augment: [RandomErasing(value: Noise)]",
    "augment: [ColorJitter(brightness: 0.4, hue: 0.1)]",
    "augment: [TrivialAugment()]",
    "augment: [TrivialAugment(space: Narrow)]",
    "augment: [Mixup(alpha: 0.2)]",
    "augment: [CutMix(p: 0.5)]",
    "augment: [Mixup(), CutMix()]",
    "eval: (views: Flip)",
    "eval: (views: FlipShift)",
    "precision: Fp32",
    "distill: (teacher: (sweep: \"none\", experiment: \"a\"), alpha: 0.5)",
    "precision: Tf32",
    "precision: Bf16",
    "precision: Fp16",
    "precision: PureBf16",
    "drop_last: true",
    "groups: (bias: (epochs: 1))",
    "groups: (bias: (schedule: Polynomial()))",
    "groups: (bias: (epochs: 1, schedule: Polynomial()))",
    "groups: (bias: (lr: 2))",
    "",
];

#[test]
fn every_recipe_has_its_hash_and_is_written_as_it_was_read() {
    let data = ["validation: 5000", "validation: 5000, validation_seed: 1", "validation: 4000"];
    let by_data = data.iter().map(|data| planned("", data));
    let all: Vec<_> = TRAIN.iter().map(|train| planned(train, "")).chain(by_data).collect();
    for (at, experiment) in all.iter().enumerate() {
        let again = read(&experiment.resolved);
        assert_eq!(again.hash, experiment.hash, "{}", experiment.resolved);
        let same = all[..at].iter().find(|other| other.hash == experiment.hash);
        assert!(same.is_none(), "{:?}", experiment.train);
    }
}

/// Every recipe is planned with a network, and so are the lines that say how to run it.
#[test]
fn every_shipped_recipe_is_in_a_sweep() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    let sweeps = ["recipes.ron", "fast94.ron"].map(|name| text(&folder.join(name))).concat();
    let mut recipes = 0;
    for entry in std::fs::read_dir(folder.join("recipes")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(sweeps.contains(&format!("\"recipes/{name}.ron\"")), "{name}");
        let usage = text(&path);
        let own = format!("where=\\\"recipe == '{name}'\\\"");
        assert!(usage.contains(&own) || usage.contains("experiments/fast94.ron"), "{name}");
        recipes += 1;
    }
    assert_eq!(recipes, 7);
}

#[test]
fn defaults_written_out_change_no_hash() {
    let plain = planned("", "");
    assert_eq!(planned("eval: (views: One)", "").hash, plain.hash);
    assert_eq!(planned("eval: ()", "validation_seed: 0").hash, plain.hash);
    assert_eq!(planned("precision: Auto", "").hash, plain.hash);
    assert_eq!(planned("drop_last: false", "").hash, plain.hash);
    let erasing = "RandomErasing(p: 0.5, scale: (0.02, 0.33), ratio: (0.3, 3.3), value: Mean)";
    let erasing = planned(&format!("augment: [{erasing}]"), "");
    assert_eq!(erasing.hash, planned("augment: [RandomErasing()]", "").hash);
}
