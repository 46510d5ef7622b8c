//! The steps of the optimisers.

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};

use crate::shim;
use crate::spec::train::{MuonPrecision, MuonScale, MuonWeights, Optimizer};

/// How parameters are optimised.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    /// No wrapper.
    pub(super) rule: Optimizer,
    /// Times the rule's learning rate.
    pub(super) factor: f64,
    /// In place of the rule's.
    pub(super) weight_decay: f64,
}

/// Parameters that share their terms, with their state.
#[derive(Debug)]
pub(super) struct Group {
    terms: Terms,
    params: Vec<Tensor>,
    /// One list for each kind of state: momenta; or averages, squares and step counts.
    state: Vec<Vec<Tensor>>,
}

impl Group {
    /// Parameters that have made no step yet.
    pub(super) fn new(terms: Terms, params: Vec<Tensor>) -> Result<Self, TchError> {
        let state = state(&terms.rule, &params)?;
        Ok(Self { terms, params, state })
    }

    pub(super) fn params(&self) -> &[Tensor] {
        &self.params
    }

    /// A step at the rate `lr` of the recipe, of which `full` is the full one. Where `found` is not 0
    /// it changes nothing.
    pub(super) fn step(
        &self,
        lr: f64,
        full: f64,
        first: bool,
        found: Option<&Tensor>,
    ) -> Result<(), TchError> {
        let Some(found) = found.filter(|_| !self.is_fused()) else {
            return self.any_step(lr, full, first, found);
        };
        let changed = self.params.iter().chain(self.state.iter().flatten());
        let changed: Vec<Tensor> = changed.map(Tensor::shallow_clone).collect();
        let before = copies(&changed)?;
        self.any_step(lr, full, first, None)?;
        shim::restore(&changed, &before, found)
    }

    /// Whether the rule's kernel looks at `found` itself.
    fn is_fused(&self) -> bool {
        use Optimizer::{Adam, AdamW, Sgd};
        matches!(self.terms.rule, Sgd { .. } | Adam { .. } | AdamW { .. })
    }

    fn any_step(
        &self,
        lr: f64,
        full: f64,
        first: bool,
        found: Option<&Tensor>,
    ) -> Result<(), TchError> {
        let Terms { ref rule, factor, weight_decay } = self.terms;
        let own = rule.lr();
        let lr = factor * if own == full { lr } else { own * (lr / full) };
        match (rule, self.state.as_slice()) {
            (&Optimizer::Sgd { momentum, dampening, nesterov, .. }, state) => {
                let momenta = state.first().map_or(&[][..], Vec::as_slice);
                // A first step may turn out to be skipped. From buffers of 0 it needs no form of its own,
                // but with dampening, which a spec refuses here.
                let first = first && found.is_none();
                let step = shim::Sgd { lr, weight_decay, momentum, dampening, nesterov, first };
                shim::sgd(&self.params, momenta, step, found)
            }
            (
                &Optimizer::Adam { betas, eps, .. } | &Optimizer::AdamW { betas, eps, .. },
                [averages, squares, steps],
            ) => {
                let decoupled = matches!(rule, Optimizer::AdamW { .. });
                let step = shim::Adam { lr, betas, weight_decay, eps, decoupled };
                shim::adam(&self.params, shim::AdamState { averages, squares, steps }, step, found)
            }
            (
                &Optimizer::RmsProp { alpha, eps, momentum, centered, .. },
                [squares, others @ ..],
            ) => {
                let averages = others.first().filter(|_| centered).map(Vec::as_slice);
                let momenta = others.last().filter(|_| momentum > 0.0).map(Vec::as_slice);
                let state = shim::RmsPropState { squares, averages, momenta };
                let step = shim::RmsProp { lr, alpha, eps, weight_decay, momentum };
                shim::rmsprop(&self.params, state, step)
            }
            (&Optimizer::Lion { betas: (beta1, beta2), .. }, [averages]) => {
                shim::lion(&self.params, averages, shim::Lion { lr, beta1, beta2, weight_decay })
            }
            (rule @ Optimizer::Muon { .. }, [momenta]) => muon(rule, lr, weight_decay)
                .map_or(Ok(()), |step| shim::muon(&self.params, momenta, step)),
            _ => Err(TchError::Torch("an optimiser without its state".into())),
        }
    }
}

fn muon(rule: &Optimizer, lr: f64, weight_decay: f64) -> Option<shim::Muon> {
    let &Optimizer::Muon { momentum, nesterov, steps, scale, precision, weights, .. } = rule else {
        return None;
    };
    Some(shim::Muon {
        lr,
        momentum,
        weight_decay,
        steps: i64::from(steps),
        nesterov,
        half: precision == MuonPrecision::Bf16,
        match_adamw: scale == MuonScale::MatchAdamW,
        normalize: weights == MuonWeights::Normalized,
    })
}

fn copies(tensors: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
    let _no_grad = no_grad_guard();
    let copies = tensors.iter().map(Tensor::f_empty_like).collect::<Result<Vec<_>, _>>()?;
    shim::copy(&copies, tensors)?;
    Ok(copies)
}

/// Fresh state, laid out as the parameters are.
fn state(rule: &Optimizer, params: &[Tensor]) -> Result<Vec<Vec<Tensor>>, TchError> {
    let _no_grad = no_grad_guard();
    let zeros = || params.iter().map(|param| param.f_zeros_like()).collect::<Result<Vec<_>, _>>();
    let lists = |count: usize| (0..count).map(|_| zeros()).collect::<Result<Vec<_>, _>>();
    match *rule {
        Optimizer::Sgd { momentum: 0.0, .. } | Optimizer::Lookahead { .. } => Ok(Vec::new()),
        Optimizer::Sgd { .. } | Optimizer::Lion { .. } | Optimizer::Muon { .. } => lists(1),
        Optimizer::RmsProp { centered, momentum, .. } => {
            lists(1 + usize::from(centered) + usize::from(momentum > 0.0))
        }
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } => {
            let device = params.first().map_or(Device::Cpu, Tensor::device);
            let count = |_: &Tensor| Tensor::f_zeros([], (Kind::Float, device));
            let steps = params.iter().map(count).collect::<Result<Vec<_>, _>>()?;
            let mut all = lists(2)?;
            all.push(steps);
            Ok(all)
        }
    }
}
