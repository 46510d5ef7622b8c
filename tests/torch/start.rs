//! Initial weights that a node chooses against `torch.nn.init` and numpy
//! (`tests/reference/start.py`).

use std::path::Path;

use resweep::data::Images;
use resweep::experiment;
use resweep::model::Model;
use resweep::plan::Plan;
use resweep::spec::data::{Data, Normalize};
use resweep::spec::load::Loader;
use resweep::train::batches::DeviceImages;
use resweep::train::whiten::whiten;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::formula::{find, golden, relative};

#[derive(Debug, Deserialize)]
struct Row {
    spec: String,
    input: String,
    distribution: String,
    value: f64,
    std: f64,
}

/// A network that begins with this layer.
fn plan(layer: &str, input: &str) -> Plan {
    let sides: Vec<&str> = input.split('x').collect();
    let (input, before, after) = match sides[..] {
        [channels, height, width] => {
            (format!("({channels}, {height}, {width})"), "", r#"("pool", GlobalAvgPool()),"#)
        }
        _ => (format!("({input}, 1, 1)"), r#"("flat", Flatten()),"#, ""),
    };
    let text = format!(
        r#"Network(input: {input}, init: Pytorch, stem: [{before} ("layer", {layer})],
            head: [{after} ("fc", Linear(out: "classes"))])"#
    );
    let (loader, path) = (Loader::default(), Path::new("start.ron"));
    loader.text(path, text).unwrap();
    experiment::network(&loader, path, &[], None)
        .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)))
}

/// The weight of the layer, float64.
fn drawn(layer: &str, input: &str, seed: u64) -> Tensor {
    let model = Model::new(plan(layer, input), seed, Device::Cpu).unwrap();
    let (_, weight) = model.weights().find(|(w, _)| w.name == "layer.weight").unwrap();
    weight.detach().contiguous().to_kind(Kind::Double)
}

#[test]
fn every_rule_draws_what_torch_draws() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/start.csv");
    let rows: Vec<Row> =
        csv::Reader::from_path(path).unwrap().into_deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 52);
    for row in &rows {
        let weight = drawn(&row.spec, &row.input, 0);
        match row.distribution.as_str() {
            "constant" => assert_eq!(most(&(&weight - row.value)), 0.0, "{}", row.spec),
            "orthogonal" => check_angles(row, &weight),
            _ => check_moments(row, &weight),
        }
    }
}

fn most(tensor: &Tensor) -> f64 {
    tensor.abs().max().double_value(&[])
}

fn check_moments(row: &Row, weight: &Tensor) {
    let (what, count) = (&row.spec, weight.numel() as f64);
    let mean = weight.mean(Kind::Double).double_value(&[]);
    let std = weight.std(true).double_value(&[]);
    assert!(mean.abs() < 5.0 * row.std / count.sqrt(), "{what}: mean {mean}");
    assert!((std - row.std).abs() < 5.0 * row.std / (2.0 * count).sqrt(), "{what}: std {std}");
    let largest = most(weight);
    match row.distribution.as_str() {
        "normal" => assert!(largest > 3.0 * row.std, "{what}: no tails, {largest}"),
        _ => assert!(
            (0.99 * row.value..=row.value * (1.0 + 1e-6)).contains(&largest),
            "{what}: up to {largest}"
        ),
    }
}

/// The shorter side has right angles, and `value` is the length.
fn check_angles(row: &Row, weight: &Tensor) {
    let rows = weight.size()[0];
    let matrix = weight.view([rows, -1]);
    let matrix = if rows > matrix.size()[1] { matrix.tr() } else { matrix };
    let gram = matrix.matmul(&matrix.tr()) / (row.value * row.value);
    let identity = Tensor::eye(gram.size()[0], (Kind::Double, Device::Cpu));
    assert!(most(&(gram - identity)) < 1e-5, "{}", row.spec);
    let std = weight.std(true).double_value(&[]);
    assert!((std - row.std).abs() < 0.02 * row.std, "{}: std {std}", row.spec);
    assert!(!weight.equal(&drawn(&row.spec, &row.input, 1)), "{}: one for all seeds", row.spec);
}

#[test]
fn dirac_hands_channels_on() {
    let wanted = golden("start.safetensors");
    let kernels: Vec<_> = wanted.iter().filter(|(name, _)| name.contains("Dirac")).collect();
    assert_eq!(kernels.len(), 3);
    for (spec, kernel) in kernels {
        let channels = if spec.contains("groups") { 6 } else { kernel.size()[1] };
        let ours = drawn(spec, &format!("{channels}x9x9"), 0);
        assert!(ours.equal(&kernel.to_kind(Kind::Double)), "{spec}");
    }
}

/// airbench: what is left over is as it would be without.
#[test]
fn dirac_can_leave_the_other_filters_as_drawn() {
    let layer = "Conv2d(out: 20, kernel: 3, init: Dirac(others: Drawn))";
    let (ours, plain) = (drawn(layer, "8x9x9", 0), drawn("Conv2d(out: 20, kernel: 3)", "8x9x9", 0));
    assert!(ours.narrow(0, 8, 12).equal(&plain.narrow(0, 8, 12)));
    let identity = drawn("Conv2d(out: 8, kernel: 3, init: Dirac())", "8x9x9", 0);
    assert!(ours.narrow(0, 0, 8).equal(&identity));
}

/// Eigenvectors have no sign of their own, and the two halves are each other's negatives.
#[test]
fn whitening_filters_are_numpys() {
    let wanted = golden("start.safetensors");
    let (pixels, filters) = (find(&wanted, "whiten/images"), find(&wanted, "whiten/filters"));
    let pixels: Vec<u8> = Vec::try_from(pixels.flatten(0, -1)).unwrap();
    let images = Images { labels: vec![0; 20], pixels };
    let normalize = Normalize { mean: (0.4914, 0.4822, 0.4465), std: (0.2470, 0.2435, 0.2616) };
    let images = DeviceImages::new(&images, &Data::default(), normalize, Device::Cpu).unwrap();

    let layer =
        "Conv2d(out: 24, kernel: 2, padding: 0, bias: true, init: Whiten(), frozen: Weight)";
    let model = Model::new(plan(layer, "3x32x32"), 0, Device::Cpu).unwrap();
    whiten(&model, &images).unwrap();
    let (weight, kernel) = model.weights().next().unwrap();
    assert!(weight.frozen && !kernel.requires_grad());
    let kernel = kernel.contiguous().to_kind(Kind::Double);
    for filter in 0..12 {
        let (ours, numpys) = (kernel.get(filter), filters.get(filter));
        let sign = (&ours * &numpys).sum(Kind::Double).sign();
        assert!(relative(&(&ours * sign), &numpys) < 1e-5, "filter {filter}");
        assert!(ours.equal(&kernel.get(filter + 12).neg()), "filter {filter}");
    }
}

#[test]
fn what_is_frozen_is_not_trained_but_counted() {
    let layer = "Conv2d(out: 8, kernel: 3, bias: true, frozen: All)";
    let plan = plan(layer, "3x8x8");
    assert_eq!(plan.params(), 3 * 8 * 9 + 8 + 8 * 10 + 10);
    let model = Model::new(plan, 0, Device::Cpu).unwrap();
    let trained = |(weight, tensor): (&resweep::op::Weight, &Tensor)| {
        assert_eq!(weight.is_trained(), tensor.requires_grad());
        weight.is_trained().then(|| weight.name.clone())
    };
    let trained: Vec<String> = model.weights().filter_map(trained).collect();
    assert_eq!(trained, ["fc.weight", "fc.bias"]);
}
