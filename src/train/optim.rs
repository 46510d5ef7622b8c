//! Optimisers: state as plain tensors, steps by libtorch's fused kernels.

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};

use crate::model::Model;
use crate::op::{Role, Weight};
use crate::shim;
use crate::spec::train::{Decay, Optimizer, Train};

/// An optimiser over the trained weights of a model.
#[derive(Debug)]
pub struct Optim {
    rule: Optimizer,
    groups: Vec<Group>,
    steps: u64,
}

/// Parameters that share a weight decay, with their state.
#[derive(Debug)]
struct Group {
    weight_decay: f64,
    params: Vec<Tensor>,
    /// One list for each kind of state: momenta; or averages, squares and step counts.
    state: Vec<Vec<Tensor>>,
}

impl Optim {
    /// The optimiser of a recipe for a model.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn new(recipe: &Train, model: &Model) -> Result<Self, TchError> {
        let params = model.weights().filter(|(weight, _)| weight.role.is_trained());
        Self::over(recipe.optimizer, recipe.decay, params)
    }

    /// The optimiser over some weights.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn over<'a>(
        rule: Optimizer,
        decay: Decay,
        weights: impl Iterator<Item = (&'a Weight, &'a Tensor)>,
    ) -> Result<Self, TchError> {
        let decays = |role: Role| match decay {
            Decay::All => true,
            Decay::WeightsOnly => matches!(role, Role::Convolution | Role::Linear),
        };
        let (decayed, others): (Vec<_>, Vec<_>) =
            weights.partition(|(weight, _)| decays(weight.role));
        let group = |weights: Vec<(&Weight, &Tensor)>, weight_decay: f64| {
            let params: Vec<Tensor> =
                weights.iter().map(|(_, param)| param.shallow_clone()).collect();
            Ok::<_, TchError>(Group { weight_decay, state: state(rule, &params)?, params })
        };
        let mut groups = vec![group(decayed, rule.weight_decay())?, group(others, 0.0)?];
        groups.retain(|group| !group.params.is_empty());
        Ok(Self { rule, groups, steps: 0 })
    }

    /// Changes the weights by their gradients, and sets the gradients free.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn step(&mut self, lr: f64) -> Result<(), TchError> {
        for group in &self.groups {
            group.step(self.rule, lr, self.steps == 0)?;
            shim::forget_gradients(&group.params)?;
        }
        self.steps += 1;
        Ok(())
    }
}

impl Group {
    fn step(&self, rule: Optimizer, lr: f64, first: bool) -> Result<(), TchError> {
        let weight_decay = self.weight_decay;
        match (rule, self.state.as_slice()) {
            (Optimizer::Sgd { momentum, nesterov, .. }, state) => {
                let momenta = state.first().map_or(&[][..], Vec::as_slice);
                let step = shim::Sgd { lr, weight_decay, momentum, nesterov, first };
                shim::sgd(&self.params, momenta, step)
            }
            (
                Optimizer::Adam { betas, eps, .. } | Optimizer::AdamW { betas, eps, .. },
                [averages, squares, steps],
            ) => {
                let decoupled = matches!(rule, Optimizer::AdamW { .. });
                let step = shim::Adam { lr, betas, weight_decay, eps, decoupled };
                shim::adam(&self.params, shim::AdamState { averages, squares, steps }, step)
            }
            _ => Err(TchError::Torch("an optimiser without its state".into())),
        }
    }
}

/// Fresh state, laid out as the parameters are.
fn state(rule: Optimizer, params: &[Tensor]) -> Result<Vec<Vec<Tensor>>, TchError> {
    let _no_grad = no_grad_guard();
    let zeros = || params.iter().map(|param| param.f_zeros_like()).collect::<Result<Vec<_>, _>>();
    match rule {
        Optimizer::Sgd { momentum: 0.0, .. } => Ok(Vec::new()),
        Optimizer::Sgd { .. } => Ok(vec![zeros()?]),
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } => {
            let device = params.first().map_or(Device::Cpu, Tensor::device);
            let count = |_: &Tensor| Tensor::f_zeros([], (Kind::Float, device));
            let steps = params.iter().map(count).collect::<Result<Vec<_>, _>>()?;
            Ok(vec![zeros()?, zeros()?, steps])
        }
    }
}
