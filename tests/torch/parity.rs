//! The shipped networks against torchvision: state-dict keys, logits, loss and gradient.

use std::path::Path;

use resweep::experiment;
use resweep::model::Model;
use resweep::plan::Plan;
use resweep::spec::load::Loader;
use tch::Device;

use crate::formula::{find, golden, images, labels, weight as formula};
use crate::reference::{LIMIT, LOGITS, assert_close, dims, model, training_loss, weight};

fn plan(network: &str, form: &str) -> Plan {
    let suffix = if form == "cifar" { "" } else { "_imagenet" };
    let path = format!("{}/experiments/models/{network}{suffix}.ron", env!("CARGO_MANIFEST_DIR"));
    let loader = Loader::default();
    experiment::network(&loader, Path::new(&path), &[], None)
        .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)))
}

fn with_formula_weights(plan: &Plan) -> Model {
    model(plan, |place, weight| formula(place as u32, &weight.name, &dims(weight)))
}

fn check(network: &str, form: &str) {
    let plan = plan(network, form);
    assert_keys(&plan, &format!("{network}_{form}"));
    let wanted = golden(&format!("{network}_{form}.safetensors"));
    let dims = if form == "cifar" { [4, 3, 32, 32] } else { [2, 3, 224, 224] };
    let (images, labels) = (images(&dims), labels(dims[0], plan.classes as u32));

    let model = with_formula_weights(&plan);
    let logits = tch::no_grad(|| model.forward(&images, false).unwrap());
    assert_close(&logits, find(&wanted, "logits"), "logits", LOGITS);
    let frozen = model.frozen().unwrap().forward(&images).unwrap();
    assert_close(&frozen, find(&wanted, "logits"), "logits with folded normalisation", LOGITS);

    let loss = training_loss(&model, &images, &labels);
    assert_close(&loss, find(&wanted, "loss"), "loss", LIMIT);
    let gradient = weight(&model, "conv1.weight").grad();
    assert_close(&gradient, find(&wanted, "conv1_grad"), "conv1 gradient", LIMIT);
    for name in ["running_mean", "running_var"] {
        let statistic = weight(&model, &format!("bn1.{name}"));
        assert_close(&statistic, find(&wanted, &format!("bn1_{name}")), name, LIMIT);
    }
}

/// Names, shapes and order are those of torchvision's state dict.
fn assert_keys(plan: &Plan, name: &str) {
    let path = format!("{}/tests/golden/state_dict/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let wanted: Vec<(String, String)> = reader.deserialize().map(|row| row.unwrap()).collect();
    let dims = |dims: &[u64]| dims.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
    let ours: Vec<(String, String)> =
        plan.weights.iter().map(|w| (w.name.clone(), dims(&w.dims))).collect();
    assert_eq!(ours, wanted);
}

#[test]
fn resnet18_imagenet() {
    check("resnet18", "imagenet");
}

#[test]
fn resnet34_imagenet() {
    check("resnet34", "imagenet");
}

#[test]
fn resnet50_imagenet() {
    check("resnet50", "imagenet");
}

#[test]
fn resnet101_imagenet() {
    check("resnet101", "imagenet");
}

#[test]
fn resnet152_imagenet() {
    check("resnet152", "imagenet");
}

#[test]
fn resnet18_cifar() {
    check("resnet18", "cifar");
}

#[test]
fn resnet50_cifar() {
    check("resnet50", "cifar");
}

#[test]
fn weights_go_to_a_file_and_back() {
    let plan = plan("resnet18", "cifar");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let model = with_formula_weights(&plan);
    model.save(&path).unwrap();
    let mut other = Model::new(plan.clone(), 1, Device::Cpu).unwrap();
    other.load(&path).unwrap();
    for ((weight, ours), (_, theirs)) in model.weights().zip(other.weights()) {
        assert!(ours.equal(theirs), "{}", weight.name);
    }
    // Another network refuses the file, says what differs, and keeps its weights.
    let mut wrong = Model::new(self::plan("resnet34", "cifar"), 1, Device::Cpu).unwrap();
    let error = wrong.load(&path).unwrap_err().to_string();
    assert!(error.contains("`layer1.2.conv1.weight` is missing"), "{error}");
    std::fs::write(&path, b"no safetensors").unwrap();
    let error = other.load(&path).unwrap_err().to_string();
    assert!(error.contains("weights.safetensors"), "{error}");
}
