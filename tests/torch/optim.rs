//! Optimiser steps against PyTorch's own.

use resweep::op::{Init, Role, Weight};
use resweep::spec::train::{Decay, Train};
use resweep::train::optim::Optim;
use tch::{Device, Kind, Tensor};

use crate::formula::{find, golden, relative, uniform};

const STEPS: u64 = 10;

/// A recipe of one epoch with this optimiser, written as in a spec.
fn recipe(optimizer: &str) -> Train {
    ron::from_str(&format!("(epochs: 1, batch: 1, optimizer: {optimizer})")).unwrap()
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

#[test]
fn every_step_is_pytorchs() {
    let wanted = golden("optim.safetensors");
    let cases = cases();
    assert_eq!(wanted.len(), cases.len() * STEPS as usize * params().len());
    for (name, rule) in cases {
        let (params, recipe) = (params(), recipe(&rule));
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

/// A matrix, a bias, a kernel in the layout of the model's, and the matrix of the head.
fn params() -> Vec<(Weight, Tensor)> {
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
        let weight = Weight { name: format!("p{p}"), dims, role, init: Init::Zeros };
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
