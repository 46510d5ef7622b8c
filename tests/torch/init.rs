//! Initial weights against the distributions of torchvision's ResNet and of PyTorch's defaults
//! (`tests/golden/init.csv`).

use std::path::Path;

use resweep::experiment;
use resweep::model::Model;
use resweep::spec::load::Loader;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

#[derive(Debug, Deserialize)]
struct Wanted {
    scheme: String,
    key: String,
    distribution: String,
    value: f64,
    std: f64,
}

fn model(scheme: &str, seed: u64) -> Model {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18_imagenet.ron");
    let set = match scheme {
        "torchvision" => "init=Torchvision",
        _ => "init=Pytorch",
    };
    let plan = experiment::network(&Loader::default(), &path, &[set.to_string()], None).unwrap();
    Model::new(plan, seed, Device::Cpu).unwrap()
}

#[test]
fn weights_are_drawn_from_pytorchs_distributions() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/init.csv");
    let rows = csv::Reader::from_path(path).unwrap().into_deserialize::<Wanted>();
    let rows: Vec<Wanted> = rows.map(Result::unwrap).collect();
    for scheme in ["torchvision", "pytorch"] {
        let model = model(scheme, 0);
        for (weight, tensor) in model.weights() {
            let found = |row: &&Wanted| row.scheme == scheme && row.key == weight.name;
            let wanted =
                rows.iter().find(found).unwrap_or_else(|| panic!("{scheme} {}", weight.name));
            check(wanted, &tensor.detach().to_kind(Kind::Double));
        }
    }
}

fn check(wanted: &Wanted, tensor: &Tensor) {
    let what = format!("{} {}", wanted.scheme, wanted.key);
    if wanted.distribution == "constant" {
        let off = (tensor - wanted.value).abs().max().double_value(&[]);
        assert!(off == 0.0, "{what} is not {}", wanted.value);
        return;
    }
    let count = tensor.numel() as f64;
    let mean = tensor.mean(Kind::Double).double_value(&[]);
    let std = tensor.std(true).double_value(&[]);
    assert!(mean.abs() < 5.0 * wanted.std / count.sqrt(), "{what}: mean {mean}");
    assert!(
        (std - wanted.std).abs() < 5.0 * wanted.std / (2.0 * count).sqrt(),
        "{what}: std {std}"
    );
    if wanted.distribution == "uniform" {
        let most = tensor.abs().max().double_value(&[]);
        assert!(most <= wanted.value * (1.0 + 1e-6), "{what}: {most} is above {}", wanted.value);
    }
}

#[test]
fn seeds_differ_and_repeat() {
    let (first, again, other) =
        (model("torchvision", 3), model("torchvision", 3), model("torchvision", 4));
    let conv = |model: &Model| model.weights().next().unwrap().1.detach().copy();
    assert!(conv(&first).equal(&conv(&again)));
    assert!(!conv(&first).equal(&conv(&other)));
}
