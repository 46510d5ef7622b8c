//! The steps of the optimisers.

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};

use crate::shim;
use crate::spec::train::{MuonPrecision, MuonScale, MuonWeights, Optimizer};
use crate::train::saved::{Keeper, Misfit};
use crate::train::schedule::Rates;

/// How parameters are optimised.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    /// No wrapper.
    pub(super) rule: Optimizer,
    /// Times the rule's learning rate.
    pub(super) factor: f64,
    /// In place of the rule's.
    pub(super) weight_decay: f64,
    /// The step, counted from 0, from which on they stay as they are.
    pub(super) end: Option<u64>,
    /// The rates of a schedule of their own.
    pub(super) rates: Option<Rates>,
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

    /// Its state, in a run that is saved or restored.
    pub(super) fn keep(&self, keeper: &mut Keeper) -> Result<(), Misfit> {
        let mut lists = (0..).zip(&self.state);
        lists.try_for_each(|(at, list): (u32, _)| keeper.tensors(&format!("state{at}"), list))
    }

    /// Whether the rule's kernel looks by itself at whether a step is to be made.
    fn is_fused(&self) -> bool {
        use Optimizer::{Adam, AdamW, Sgd};
        matches!(self.terms.rule, Sgd { .. } | Adam { .. } | AdamW { .. })
    }

    /// Whether the parameters are trained in a step, counted from 0.
    pub(super) fn is_trained(&self, step: u64) -> bool {
        self.terms.end.is_none_or(|end| step < end)
    }

    /// Spares the backward passes of steps that the parameters are not trained in.
    ///
    /// # Errors
    /// What libtorch reports.
    pub(super) fn rest_before(&self, step: u64) -> Result<(), TchError> {
        match self.is_trained(step) {
            true => Ok(()),
            false => {
                self.params.iter().try_for_each(|param| param.f_set_requires_grad(false).map(drop))
            }
        }
    }

    /// The learning rate of a step, where the recipe's is `lr`, of which `full` is the full one.
    fn rate(&self, step: u64, lr: f64, full: f64) -> f64 {
        let Terms { rule, factor, rates, .. } = &self.terms;
        let own = rule.lr();
        match rates {
            Some(rates) => rates.at(step),
            None if own == full => factor * lr,
            None => factor * (own * (lr / full)),
        }
    }

    /// A step, counted from 0, at the rate `lr` of the recipe, of which `full` is the full one. Where
    /// `found`, a number on the device, is not 0, it changes nothing.
    pub(super) fn step(
        &self,
        step: u64,
        (lr, full): (f64, f64),
        found: Option<&Tensor>,
    ) -> Result<(), TchError> {
        let Some(found) = found.filter(|_| !self.is_fused()) else {
            return self.any_step(step, (lr, full), found);
        };
        let changed = self.params.iter().chain(self.state.iter().flatten());
        let changed: Vec<Tensor> = changed.map(Tensor::shallow_clone).collect();
        let before = shim::copies(&changed)?;
        self.any_step(step, (lr, full), None)?;
        shim::restore(&changed, &before, found)
    }

    fn any_step(
        &self,
        step: u64,
        (lr, full): (f64, f64),
        found: Option<&Tensor>,
    ) -> Result<(), TchError> {
        let Terms { ref rule, weight_decay, .. } = self.terms;
        let (lr, first) = (self.rate(step, lr, full), step == 0);
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
