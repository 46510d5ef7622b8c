//! Optimiser steps against PyTorch's own.

use resweep::op::{Init, Role, Weight};
use resweep::spec::train::{Decay, Optimizer};
use resweep::train::optim::Optim;
use tch::Tensor;

use crate::formula::{find, golden, relative, uniform};

fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> Optimizer {
    Optimizer::Sgd { lr: 0.1, momentum, nesterov, weight_decay }
}

fn adam(weight_decay: f64) -> Optimizer {
    Optimizer::Adam { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay }
}

#[test]
fn every_step_is_pytorchs() {
    let adamw = Optimizer::AdamW { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.01 };
    let cases = [
        ("sgd", sgd(0.0, false, 0.0)),
        ("sgd_momentum", sgd(0.9, false, 0.0)),
        ("sgd_nesterov", sgd(0.9, true, 0.0)),
        ("sgd_weight_decay", sgd(0.0, false, 5e-4)),
        ("sgd_momentum_weight_decay", sgd(0.9, false, 5e-4)),
        ("sgd_nesterov_weight_decay", sgd(0.9, true, 5e-4)),
        ("adam", adam(0.0)),
        ("adam_weight_decay", adam(0.01)),
        ("adamw", adamw),
    ];
    let wanted = golden("optim.safetensors");
    for (name, rule) in cases {
        let params = params();
        let mut optim = Optim::over(rule, Decay::All, params.iter().map(|(w, p)| (w, p))).unwrap();
        for t in 0..10 {
            let _ = set_gradients(&params, t);
            optim.step(rule.lr() * (1.0 - f64::from(t) / 20.0)).unwrap();
            for (p, (_, param)) in params.iter().enumerate() {
                let error = relative(param, find(&wanted, &format!("{name}/{t}/p{p}")));
                assert!(error < 1e-6, "{name}, step {t}, parameter {p}: off by {error:e}");
            }
        }
    }
}

#[test]
fn weight_decay_can_leave_out_norms_and_biases() {
    let rule = sgd(0.0, false, 0.5);
    let params = params();
    let before: Vec<Tensor> = params.iter().map(|(_, p)| p.detach().copy()).collect();
    let mut optim =
        Optim::over(rule, Decay::WeightsOnly, params.iter().map(|(w, p)| (w, p))).unwrap();
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

fn params() -> Vec<(Weight, Tensor)> {
    let weight = |name: &str, dims: &[u64], role| Weight {
        name: name.into(),
        dims: dims.to_vec(),
        role,
        init: Init::Zeros,
    };
    let p0 = uniform(3_000_000, &[3, 4]).set_requires_grad(true);
    let p1 = uniform(3_000_001, &[5]).set_requires_grad(true);
    vec![(weight("p0", &[3, 4], Role::Linear), p0), (weight("p1", &[5], Role::Bias), p1)]
}

/// The gradient of `sum(g * p)` is `g`.
fn set_gradients(params: &[(Weight, Tensor)], t: i32) -> Tensor {
    let terms = params.iter().enumerate().map(|(p, (_, param))| {
        let g = uniform(2_000_000 + 10 * t as u32 + p as u32, &param.size());
        (g * param).sum(tch::Kind::Float)
    });
    let loss: Tensor = terms.reduce(|a, b| a + b).unwrap();
    loss.backward();
    loss
}
