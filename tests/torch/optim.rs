//! Optimiser steps against PyTorch's own.

use resweep::op::{Init, Role, Weight};
use resweep::spec::train::{Decay, Train};
use resweep::train::average::Average;
use resweep::train::optim::Optim;
use tch::{Device, Kind, Tensor};

use crate::formula::{find, golden, relative, uniform};

const STEPS: u64 = 10;

/// A recipe of one epoch with this optimiser.
fn recipe(optimizer: &str) -> Train {
    recipe_with(optimizer, "")
}

pub fn recipe_with(optimizer: &str, others: &str) -> Train {
    let epochs = if others.contains("epochs:") { 5 } else { 1 };
    let text = format!("(epochs: {epochs}, batch: 1, optimizer: {optimizer}, {others})");
    ron::from_str(&text).unwrap()
}

fn optim(recipe: &Train, params: &[(Weight, Tensor)]) -> Optim {
    Optim::over(recipe, STEPS, params.iter().map(|(weight, param)| (weight, param))).unwrap()
}

const OTHERS: &str = "Sgd(lr: 0.05, momentum: 0.85, nesterov: true, weight_decay: 0.01)";

fn muon(fields: &str, others: &str) -> String {
    format!("Muon(lr: 0.02, {fields} others: {others})")
}

/// The cases of `tests/reference/optim.py`.
fn cases() -> Vec<(&'static str, String)> {
    let plain = [
        ("sgd", "Sgd(lr: 0.1)"),
        ("sgd_momentum", "Sgd(lr: 0.1, momentum: 0.9)"),
        ("sgd_nesterov", "Sgd(lr: 0.1, momentum: 0.9, nesterov: true)"),
        ("sgd_dampening", "Sgd(lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.0005)"),
        ("sgd_clipped", "Sgd(lr: 0.1, momentum: 0.9)"),
        ("sgd_weight_decay", "Sgd(lr: 0.1, weight_decay: 0.0005)"),
        ("sgd_momentum_weight_decay", "Sgd(lr: 0.1, momentum: 0.9, weight_decay: 0.0005)"),
        (
            "sgd_nesterov_weight_decay",
            "Sgd(lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.0005)",
        ),
        ("adam", "Adam(lr: 0.001)"),
        ("adam_weight_decay", "Adam(lr: 0.001, weight_decay: 0.01)"),
        ("adamw", "AdamW(lr: 0.001)"),
        ("rmsprop", "RmsProp(lr: 0.01)"),
        ("rmsprop_momentum", "RmsProp(lr: 0.01, momentum: 0.9, weight_decay: 0.0005)"),
        ("rmsprop_centered", "RmsProp(lr: 0.01, centered: true, alpha: 0.9)"),
        ("rmsprop_centered_momentum", "RmsProp(lr: 0.01, centered: true, momentum: 0.9)"),
        ("lion", "Lion(lr: 0.001)"),
        ("lion_weight_decay", "Lion(lr: 0.001, betas: (0.95, 0.98), weight_decay: 1)"),
        ("groups_sgd", "Sgd(lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01)"),
        ("groups_epochs", "Sgd(lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01)"),
        ("groups_adamw", "AdamW(lr: 0.001)"),
        ("lookahead", "Lookahead(inner: Sgd(lr: 0.1, momentum: 0.9))"),
        (
            "lookahead_ramp",
            "Lookahead(inner: Sgd(lr: 0.1), every: 3, alpha: 1, alpha_end: Some(0.25))",
        ),
        ("lookahead_adam", "Lookahead(inner: Adam(lr: 0.001), every: 2, alpha: 0.8)"),
    ];
    let short = "momentum: 0.8, nesterov: false, weight_decay: 0, steps: 3, precision: Fp32,";
    let normalized =
        "momentum: 0.6, weight_decay: 0, steps: 3, precision: Fp32, weights: Normalized,";
    let muons = [
        ("muon", muon("precision: Fp32,", OTHERS)),
        ("muon_plain", muon(short, OTHERS)),
        ("muon_adamw", muon("precision: Fp32, scale: MatchAdamW,", "AdamW(lr: 0.001)")),
        ("muon_normalized", muon(normalized, OTHERS)),
        ("muon_bf16", muon("", OTHERS)),
    ];
    plain.map(|(name, rule)| (name, rule.to_string())).into_iter().chain(muons).collect()
}

/// The optimiser of a case.
pub fn rule(name: &str) -> String {
    cases().into_iter().find(|case| case.0 == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// Fields of the recipe beside the optimiser.
pub fn others(case: &str) -> &'static str {
    match case {
        "sgd_clipped" => "clip_norm: Some(2.5)",
        "groups_sgd" => {
            "groups: (
                bias: Some((lr: 6.4, weight_decay: Some(0))),
                convolution: Some((weight_decay: Some(0.1))),
                head: Some((lr: 0.5)), linear: None, norm: Some((lr: 9)), scale: Some((lr: 9)),
            )"
        }
        "groups_epochs" => {
            "clip_norm: Some(2.5), groups: (
                bias: Some((lr: 2, epochs: Some(2), schedule: Some(Polynomial()))),
                convolution: Some((schedule: Some(Cosine()))),
            )"
        }
        "groups_adamw" => {
            "decay: WeightsOnly, groups: (
                first: Some((lr: 0)), bias: Some((lr: 2, weight_decay: Some(0.5))),
            )"
        }
        _ => "",
    }
}

#[test]
fn every_step_is_pytorchs() {
    let wanted = golden("optim.safetensors");
    let cases = cases();
    let averages = 3;
    assert_eq!(wanted.len(), (cases.len() + averages) * STEPS as usize * params().len());
    for (name, rule) in cases {
        let (params, recipe) = (params(), recipe_with(&rule, others(name)));
        let mut optim = optim(&recipe, &params);
        // The last digits of bfloat16 differ between processors.
        let tolerance = if name == "muon_bf16" { 2e-3 } else { 2e-6 };
        for t in 0..STEPS as u32 {
            let _ = set_gradients(&params, t);
            optim.step(recipe.optimizer.lr() * (1.0 - f64::from(t) / 20.0)).unwrap();
            for (p, (_, param)) in params.iter().enumerate() {
                let error = relative(param, find(&wanted, &format!("{name}/{t}/p{p}")));
                assert!(error < tolerance, "{name}, step {t}, parameter {p}: off by {error:e}");
            }
        }
    }
}

/// What has had its epochs costs no backward pass either.
#[test]
fn parameters_rest_after_their_epochs() {
    let (params, recipe) = (params(), recipe_with("Sgd(lr: 0.1)", others("groups_epochs")));
    let mut optim = optim(&recipe, &params);
    for t in 0..6 {
        let trained = params.iter().map(|(_, param)| param.requires_grad()).collect::<Vec<_>>();
        assert_eq!(trained, [true, t < 4, true, true], "step {t}");
        let _ = set_gradients(&params, t);
        optim.step(0.1).unwrap();
    }
}

/// A run of 10 steps ends between two steps of the slow weights, and goes back to them.
#[test]
fn a_lookahead_ends_at_its_slow_weights() {
    let recipe =
        recipe("Lookahead(inner: Sgd(lr: 0.1), every: 3, alpha: 1, alpha_end: Some(0.25))");
    let params = params();
    let mut optim = optim(&recipe, &params);
    for t in 0..STEPS as u32 {
        let _ = set_gradients(&params, t);
        optim.step(0.1 * (1.0 - f64::from(t) / 20.0)).unwrap();
    }
    optim.finish().unwrap();
    let wanted = golden("optim.safetensors");
    for (p, (_, param)) in params.iter().enumerate() {
        assert!(relative(param, find(&wanted, &format!("lookahead_ramp/8/p{p}"))) < 2e-6);
    }
}

#[test]
fn weight_decay_can_leave_out_norms_and_biases() {
    let recipe = Train { decay: Decay::WeightsOnly, ..recipe("Sgd(lr: 0.1, weight_decay: 0.5)") };
    let params = params();
    let before: Vec<Tensor> = params.iter().map(|(_, p)| p.detach().copy()).collect();
    let mut optim = optim(&recipe, &params);
    let _ = set_gradients(&params, 0);
    tch::no_grad(|| {
        params.iter().for_each(|(_, p)| {
            let _ = p.grad().zero_();
        })
    });
    optim.step(0.1).unwrap();
    assert!(!params[0].1.equal(&before[0]), "the matrix decays");
    assert!(params[1].1.equal(&before[1]), "the bias does not");
}

/// The share of the newest weights in an average that took in so many before.
type Share = fn(u64) -> f64;

/// PyTorch's `AveragedModel` over the steps of `sgd_momentum`.
#[test]
fn every_average_is_pytorchs() {
    let wanted = golden("optim.safetensors");
    let equal: Share = |count| 1.0 / (count + 1) as f64;
    let cases: [(&str, u32, Share); 3] =
        [("ema", 1, |_| 1.0 - 0.9), ("ema_every", 3, |_| 1.0 - 0.6), ("swa", 1, equal)];
    for (name, every, share) in cases {
        let (params, recipe) = (params(), recipe("Sgd(lr: 0.1, momentum: 0.9)"));
        let mut optim = optim(&recipe, &params);
        let mut average = Average::of(params.iter().map(|(w, p)| (w, p))).unwrap();
        for t in 0..STEPS as u32 {
            let _ = set_gradients(&params, t);
            optim.step(0.1 * (1.0 - f64::from(t) / 20.0)).unwrap();
            if (t + 1) % every == 0 {
                average.take(share(average.count())).unwrap();
            }
            let begun = average.count() > 0;
            for (p, value) in average.weights().iter().enumerate().filter(|_| begun) {
                let error = relative(value, find(&wanted, &format!("{name}/{t}/p{p}")));
                assert!(error < 2e-6, "{name}, step {t}, parameter {p}: off by {error:e}");
            }
        }
    }
}

/// The two parameters of a normalisation are told apart, and the narrowest group counts.
#[test]
fn shifts_can_learn_faster_than_scales() {
    let groups = "groups: (norm: Some((lr: 0)), shift: Some((lr: 64)))";
    let recipe = recipe_with("Sgd(lr: 0.1)", groups);
    let make = |name: &str, role| {
        let init = Init::Ones;
        let weight = Weight { name: name.into(), dims: vec![5], role, init, frozen: false };
        (weight, Tensor::ones([5], (Kind::Float, Device::Cpu)).set_requires_grad(true))
    };
    let params = vec![
        make("layer1.norm.weight", Role::Norm),
        make("layer1.norm.bias", Role::Norm),
        make("conv.bias", Role::Bias),
    ];
    let mut optim = optim(&recipe, &params);
    let sum: Tensor = params.iter().map(|(_, param)| param.sum(Kind::Float)).sum();
    sum.backward();
    optim.step(0.1).unwrap();
    let values = params.iter().map(|(_, param)| param.double_value(&[0]));
    for (value, wanted) in values.zip([1.0, 1.0 - 6.4, 1.0 - 0.1]) {
        assert!((value - wanted).abs() < 1e-6, "{value} is not {wanted}");
    }
}

/// A matrix, a bias, a kernel in the layout of the model's, and the matrix of the head.
pub fn params() -> Vec<(Weight, Tensor)> {
    let made: [(&[i64], Role); 4] = [
        (&[3, 4], Role::Linear),
        (&[5], Role::Bias),
        (&[10, 2, 2, 2], Role::Convolution),
        (&[2, 3], Role::Linear),
    ];
    let make = |(p, (dims, role)): (u32, (&[i64], Role))| {
        let value = uniform(3_000_000 + p, dims);
        let param = match dims.len() {
            4 => Tensor::empty_permuted(dims, [0, 2, 3, 1], (Kind::Float, Device::Cpu)),
            _ => value.zeros_like(),
        };
        param.detach().copy_(&value);
        let dims = dims.iter().map(|&dim| dim as u64).collect();
        let (name, init) = (format!("p{p}"), Init::Zeros);
        let weight = Weight { name, dims, role, init, frozen: false };
        (weight, param.set_requires_grad(true))
    };
    (0..).zip(made).map(make).collect()
}

/// The gradient of `sum(g * p)` is `g`.
fn set_gradients(params: &[(Weight, Tensor)], t: u32) -> Tensor {
    let terms = (0..).zip(params).map(|(p, (_, param))| {
        let g = uniform(2_000_000 + 10 * t + p, &param.size());
        (g * param).sum(Kind::Float)
    });
    let loss: Tensor = terms.reduce(|a, b| a + b).unwrap();
    loss.backward();
    loss
}
