//! Values of optimisers out of their range.

use super::Optimizer;
use crate::spec::train::fault::{Fault, unmet, within};

impl Optimizer {
    /// What is wrong with the optimiser, with paths from it on.
    pub(in crate::spec::train) fn faults(&self) -> Vec<Fault> {
        if let Self::Lookahead { inner, every, alpha, alpha_end } = self {
            return lookahead(inner, *every, *alpha, *alpha_end);
        }
        let rates = "common values are 0.1 for Sgd and 0.001 for Adam";
        let decays = "a common value is 0.0005";
        let mut faults = unmet(&[
            (self.lr() > 0.0, "lr", "`lr` is not above 0", rates),
            (self.weight_decay() >= 0.0, "weight_decay", "`weight_decay` is below 0", decays),
        ]);
        faults.extend(self.own_faults());
        faults
    }

    fn own_faults(&self) -> Vec<Fault> {
        match *self {
            Self::Sgd { momentum, dampening, nesterov, .. } => sgd(momentum, dampening, nesterov),
            Self::Adam { betas, eps, .. } | Self::AdamW { betas, eps, .. } => {
                let mut faults = averages(betas, "common are `betas: (0.9, 0.999)`");
                faults.extend(denominator(eps));
                faults
            }
            Self::RmsProp { alpha, eps, momentum, .. } => {
                let help = "a common value is 0.99";
                let reason = "`alpha` is not from 0 to below 1";
                let mut faults = unmet(&[((0.0..1.0).contains(&alpha), "alpha", reason, help)]);
                faults.extend(denominator(eps));
                faults.extend(heavy_ball(momentum));
                faults
            }
            Self::Lion { betas, .. } => averages(betas, "common are `betas: (0.9, 0.99)`"),
            Self::Muon { momentum, steps, ref others, .. } => muon(momentum, steps, others),
            Self::Lookahead { .. } => Vec::new(),
        }
    }
}

fn lookahead(inner: &Optimizer, every: u32, alpha: f64, end: Option<f64>) -> Vec<Fault> {
    let share = 0.0..=1.0;
    let mut faults = within("inner", inner.faults());
    faults.extend(unmet(&[
        (
            !matches!(inner, Optimizer::Lookahead { .. }),
            "inner",
            "a lookahead within a lookahead",
            "one is enough",
        ),
        (every > 0, "every", "`every` is 0", "a common value is 5"),
        (share.contains(&alpha), "alpha", "`alpha` is not from 0 to 1", "a common value is 0.5"),
        (
            end.is_none_or(|end| share.contains(&end)),
            "alpha_end",
            "`alpha_end` is not from 0 to 1",
            "leave it out for `alpha` throughout",
        ),
    ]));
    faults
}

fn muon(momentum: f64, steps: u32, others: &Optimizer) -> Vec<Fault> {
    let plain = !matches!(others, Optimizer::Muon { .. } | Optimizer::Lookahead { .. });
    let mut faults = heavy_ball(momentum);
    faults.extend(unmet(&[
        ((1..100).contains(&steps), "steps", "`steps` are not from 1 to 99", "use 3 to 5"),
        (
            plain,
            "others",
            "this cannot be the optimiser of the other parameters",
            "use one such as `Sgd` or `AdamW`; `Lookahead` stands around `Muon`",
        ),
    ]));
    faults.extend(within("others", others.faults()));
    faults
}

fn sgd(momentum: f64, dampening: f64, nesterov: bool) -> Vec<Fault> {
    let mut faults = heavy_ball(momentum);
    faults.extend(unmet(&[
        (
            !nesterov || momentum > 0.0,
            "nesterov",
            "`nesterov` needs a momentum",
            "add `momentum: 0.9`",
        ),
        (
            (0.0..=1.0).contains(&dampening),
            "dampening",
            "`dampening` is not from 0 to 1",
            "a common value is 0",
        ),
        (
            !nesterov || dampening == 0.0,
            "dampening",
            "`nesterov` goes with no dampening",
            "leave one of them out",
        ),
    ]));
    faults
}

fn heavy_ball(momentum: f64) -> Vec<Fault> {
    unmet(&[(
        (0.0..1.0).contains(&momentum),
        "momentum",
        "`momentum` is not from 0 to below 1",
        "a common value is 0.9",
    )])
}

fn averages(betas: (f64, f64), help: &'static str) -> Vec<Fault> {
    let (good, reason) = (0.0..1.0, "`betas` are not from 0 to below 1");
    unmet(&[
        (good.contains(&betas.0), "betas.0", reason, help),
        (good.contains(&betas.1), "betas.1", reason, help),
    ])
}

fn denominator(eps: f64) -> Vec<Fault> {
    unmet(&[(eps > 0.0, "eps", "`eps` is not above 0", "a common value is 0.00000001")])
}
