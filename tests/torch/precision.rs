//! Training in 16 bits against PyTorch's own (`tests/reference/precision.py`).

use std::path::Path;
use std::time::Duration;

use resweep::experiment;
use resweep::model::Model;
use resweep::op::{Call, InitScheme, Op, Role, Shape};
use resweep::plan::Plan;
use resweep::shim::{self, Autocast, Scaling};
use resweep::spec::load::Loader;
use resweep::spec::train::{Precision, Train};
use resweep::train::batches::Targets;
use resweep::train::fit::loss;
use resweep::train::optim::Optim;
use resweep::train::precision::{arithmetic, images_per_s};
use tch::{Device, Kind, Tensor};

use crate::cases::{self, Case};
use crate::formula::{self, find, golden, relative};
use crate::optim::{others, params, recipe_with, rule};
use crate::reference::{dims, model, weight};

const KEYS: [&str; 5] =
    ["conv1.weight", "layer3.0.downsample.0.weight", "bn1.bias", "bn1.running_mean", "fc.weight"];

fn thin() -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
    experiment::network(&Loader::default(), &path, &["params.width=8".into()], None).unwrap()
}

fn network(precision: Precision) -> Model {
    let value = |place: usize, weight: &resweep::op::Weight| {
        formula::weight(place as u32, &weight.name, &dims(weight))
    };
    model(&thin(), value).computing_with(arithmetic(precision))
}

fn batch() -> (Tensor, Targets) {
    let images = Tensor::empty_permuted([16, 3, 32, 32], [0, 2, 3, 1], (Kind::Float, Device::Cpu));
    images.shallow_clone().copy_(&formula::images(&[16, 3, 32, 32]));
    (images, Targets { labels: formula::labels(16, 10), shares: None })
}

fn recipe(precision: Precision) -> Train {
    let text = "(epochs: 1, batch: 16, optimizer: Sgd(lr: 0.02, momentum: 0.9, nesterov: true, \
                weight_decay: 0.0005))";
    Train { precision, ..ron::from_str(text).unwrap() }
}

/// The logits in evaluation, the losses of five steps, and some weights after them.
fn trained(precision: Precision) -> Vec<(String, Tensor)> {
    let (model, (images, targets)) = (network(precision), batch());
    let mut optim = Optim::new(&recipe(precision), 5, &model).unwrap();
    let logits = tch::no_grad(|| model.frozen().unwrap().forward(&images).unwrap());
    assert_eq!(logits.kind(), Kind::Float);
    let mut found = vec![("logits".to_string(), logits)];
    for t in 0..5 {
        let loss = loss(&model.forward(&images, true).unwrap(), &targets, 0.0).unwrap();
        optim.scaled(&loss).unwrap().backward();
        optim.step(0.02).unwrap();
        found.push((format!("loss/{t}"), loss.detach()));
    }
    found.extend(KEYS.map(|key| (key.to_string(), weight(&model, key).detach())));
    found
}

/// A weight less what it was before training.
fn moved(key: &str, value: &Tensor) -> Tensor {
    value - weight(&network(Precision::Fp32), key).detach()
}

/// Processors add up products of 16 bits in orders of their own, so the last of their 8 or 11 digits
/// may differ from PyTorch's on another one.
#[test]
fn five_steps_in_every_precision_are_pytorchs() {
    let wanted = golden("precision.safetensors");
    let cases = [
        ("fp32", Precision::Fp32, 2e-3),
        ("bf16", Precision::Bf16, 0.04),
        ("fp16", Precision::Fp16, 0.005),
        ("pure_bf16", Precision::PureBf16, 0.04),
    ];
    for (name, precision, limit) in cases {
        for (what, value) in trained(precision) {
            let wanted = find(&wanted, &format!("{name}/{what}"));
            // Rounding grows from step to step; a step more or less moves weights by far more.
            let (error, limit) = match KEYS.contains(&what.as_str()) {
                true => (relative(&moved(&what, &value), &moved(&what, wanted)), 0.3),
                false => (relative(&value, wanted), limit),
            };
            assert!(error < limit, "{name}: {what} is off by {error:e}");
        }
    }
}

/// Off float32 by about the digits that a format has: neither less, which would be float32, nor
/// much more.
#[test]
fn every_precision_has_its_digits() {
    let (images, _) = batch();
    let logits = |precision| {
        let model = network(precision);
        tch::no_grad(|| model.forward(&images, true).unwrap())
    };
    let exact = logits(Precision::Fp32);
    assert!(logits(Precision::Auto).equal(&exact));
    let off = |precision| relative(&logits(precision), &exact);
    let (bf16, fp16, pure) = (off(Precision::Bf16), off(Precision::Fp16), off(Precision::PureBf16));
    assert!((1e-3..0.05).contains(&bf16), "{bf16:e}");
    assert!((1e-3..0.05).contains(&pure), "{pure:e}");
    assert!((1e-4..0.01).contains(&fp16) && fp16 < bf16 / 2.0, "{fp16:e} beside {bf16:e}");
}

/// Autocast ends with the pass, also where that fails, and keeps no weight of it.
#[test]
fn autocast_ends_with_the_forward_pass() {
    let model = network(Precision::Bf16);
    let (images, _) = batch();
    let product = || {
        Tensor::ones([2, 2], (Kind::Float, Device::Cpu))
            .mm(&Tensor::eye(2, (Kind::Float, Device::Cpu)))
    };
    let first = tch::no_grad(|| model.forward(&images, false).unwrap());
    assert_eq!(product().kind(), Kind::Float);
    assert!(model.forward(&images.narrow(1, 0, 2), false).is_err());
    assert_eq!(product().kind(), Kind::Float);
    tch::no_grad(|| {
        let mut fc = weight(&model, "fc.weight");
        let _ = fc.zero_();
        let mut bias = weight(&model, "fc.bias");
        let _ = bias.zero_();
    });
    let second = tch::no_grad(|| model.forward(&images, false).unwrap());
    assert!(first.abs().max().double_value(&[]) > 0.0);
    assert_eq!(second.abs().max().double_value(&[]), 0.0);
}

/// Weights and what is saved of them stay float32.
#[test]
fn weights_stay_float32() {
    for precision in [Precision::Bf16, Precision::Fp16, Precision::PureBf16] {
        let model = network(precision);
        let (images, targets) = batch();
        let loss = loss(&model.forward(&images, true).unwrap(), &targets, 0.0).unwrap();
        loss.backward();
        for (declared, value) in model.weights() {
            assert_eq!(value.kind(), Kind::Float, "{precision:?} {}", declared.name);
            if declared.role != Role::Buffer {
                assert_eq!(value.grad().kind(), Kind::Float, "{precision:?} {}", declared.name);
            }
        }
    }
}

/// How an operation computes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Full,
    Autocast(Kind),
    Copies(Kind),
}

/// The result of an operation and the gradient of its first input, float32.
fn operation(case: &Case, way: Way) -> [Tensor; 2] {
    let op = case.op.operation();
    let kind = if let Way::Copies(kind) = way { kind } else { Kind::Float };
    let leaf = |place: usize, dims: &[i64]| {
        formula::uniform(4_000_000 + 100 * case.number + place as u32, dims)
    };
    let leaves: Vec<Tensor> = (0..)
        .zip(&case.inputs)
        .map(|(at, &shape)| (leaf(at, &cases_dims(shape)) * 2.0).set_requires_grad(true))
        .collect();
    let inputs: Vec<Tensor> = leaves.iter().map(|leaf| leaf.to_kind(kind) * 1.0).collect();
    let weights: Vec<Tensor> = op
        .weights(&case.inputs, InitScheme::Pytorch)
        .iter()
        .enumerate()
        .map(|(at, weight)| {
            let value = leaf(50 + at, &dims(weight)) * 0.5 + 0.75;
            match case.op {
                Op::BatchNorm2d(_) => value,
                _ => value.to_kind(kind),
            }
        })
        .collect();
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let call =
        Call { inputs: &inputs, weights: &weights, training: case.training, in_place: false };
    let result = {
        let _autocast = match way {
            Way::Autocast(kind) => Some(Autocast::enter(Device::Cpu, kind).unwrap()),
            _ => None,
        };
        op.forward(&call).unwrap_or_else(|error| panic!("{} in {way:?}: {error}", case.text))
    };
    let result = result.to_kind(Kind::Float);
    // Of a normalised result neither the sum nor the sum of squares has a gradient.
    let loss = formula::uniform(4_000_099 + 100 * case.number, &result.size()) * &result;
    loss.sum(Kind::Float).backward();
    [result.detach(), leaves[0].grad()]
}

fn cases_dims(shape: Shape) -> Vec<i64> {
    match shape {
        Shape::Maps(c, h, w) => vec![2, c as i64, h as i64, w as i64],
        Shape::Features(f) => vec![2, f as i64],
    }
}

/// Every operation takes inputs and weights in 16 bits, and comes out as in float32 but for the
/// digits: on the mean, since rounding may choose another of two values that are nearly the same,
/// and loosely, since normalisations of few values blow it up.
#[test]
fn every_operation_computes_in_every_precision() {
    let known = cases::all();
    let fits =
        known.iter().filter(|case| case.output.is_some() && !case.op.operation().is_random());
    for case in fits {
        let exact = operation(case, Way::Full);
        for way in
            [Way::Autocast(Kind::BFloat16), Way::Autocast(Kind::Half), Way::Copies(Kind::BFloat16)]
        {
            for (value, exact) in operation(case, way).iter().zip(&exact) {
                let off = (value - exact).abs().mean(Kind::Double).double_value(&[]);
                let size = exact.abs().mean(Kind::Double).double_value(&[]);
                assert!(off <= 0.25 * size + 2e-3, "{} in {way:?}: {off:e} of {size:e}", case.text);
            }
        }
    }
}

/// `torch.amp.GradScaler` over optimisers whose gradients are not finite in steps 0, 1, 5 and 6:
/// those change nothing.
#[test]
fn every_scaled_step_is_that_of_pytorch() {
    let wanted = golden("precision.safetensors");
    let names: std::collections::BTreeSet<&str> = wanted
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("scaler/")?.strip_suffix("/0/p0"))
        .collect();
    assert_eq!(names.len(), 7, "{names:?}");
    for name in names {
        let recipe = recipe_with(&rule(name), others(name));
        let recipe = Train { precision: Precision::Fp16, ..recipe };
        let params = params();
        let mut optim =
            Optim::over(&recipe, 10, params.iter().map(|(weight, param)| (weight, param))).unwrap();
        for t in 0..10_u32 {
            let before = params[0].1.detach().copy();
            optim.scaled(&faulty(&params, t)).unwrap().backward();
            optim.step(recipe.optimizer.lr() * (1.0 - f64::from(t) / 20.0)).unwrap();
            assert_eq!(params[0].1.equal(&before), [0, 1, 5, 6].contains(&t), "{name}, step {t}");
            for (p, (_, param)) in params.iter().enumerate() {
                let error = relative(param, find(&wanted, &format!("scaler/{name}/{t}/p{p}")));
                assert!(error < 2e-6, "{name}, step {t}, parameter {p}: off by {error:e}");
            }
        }
    }
}

/// The gradient of `sum(g * p)` is `g`, which is not finite in some steps.
fn faulty(params: &[(resweep::op::Weight, Tensor)], t: u32) -> Tensor {
    let terms = (0..).zip(params).map(|(p, (_, param))| {
        let g = formula::uniform(2_000_000 + 10 * t + p, &param.size());
        match (t, p) {
            (0 | 1 | 5, 2) => drop(g.get(3).get(1).get(0).get(1).fill_(f64::INFINITY)),
            (6, 1) => drop(g.get(2).fill_(f64::NAN)),
            _ => {}
        }
        (g * param).sum(Kind::Float)
    });
    terms.reduce(|a, b| a + b).unwrap()
}

#[test]
fn the_scale_goes_on_as_pytorchs() {
    let wanted = golden("precision.safetensors");
    let number = |value: f64, kind| Tensor::from(value).to_kind(kind);
    let (mut scale, mut good) = (number(65_536.0, Kind::Float), number(0.0, Kind::Int));
    let by = Scaling { growth: 2.0, backoff: 0.5, interval: 3 };
    for (t, fault) in [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1].into_iter().enumerate() {
        let found = number(f64::from(fault), Kind::Float);
        shim::update_scale(&mut scale, &mut good, &found, by).unwrap();
        assert!(scale.equal(find(&wanted, &format!("scaler/scale/{t}"))), "step {t}: {scale}");
    }
}

#[test]
fn the_speed_of_a_precision_is_measured() {
    let time = Duration::from_millis(20);
    for precision in [Precision::Fp32, Precision::PureBf16] {
        let rate = images_per_s(&thin(), precision, Device::Cpu, 4, time).unwrap();
        assert!(rate.is_finite() && rate > 1.0, "{rate} images/s in {precision:?}");
    }
}
