//! The scale of a loss in float16, whose smallest numbers are too large for many gradients;
//! `torch.amp.GradScaler` with its defaults.

use tch::{Device, Kind, TchError, Tensor};

use crate::shim::{self, Scaling};
use crate::train::saved::{Keeper, Misfit};

const FIRST: f64 = 65_536.0;
const SCALING: Scaling = Scaling { growth: 2.0, backoff: 0.5, interval: 2000 };

/// The scale. All of it stays on the device.
#[derive(Debug)]
pub(super) struct Scaler {
    scale: Tensor,
    /// Steps without fault since the scale changed.
    good: Tensor,
    /// Whether the step in hand has gradients that are not finite.
    found: Tensor,
}

impl Scaler {
    pub(super) fn on(device: Device) -> Result<Self, TchError> {
        let scale = Tensor::f_full([], FIRST, (Kind::Float, device))?;
        let good = Tensor::f_zeros([], (Kind::Int, device))?;
        let found = Tensor::f_zeros([], (Kind::Float, device))?;
        Ok(Self { scale, good, found })
    }

    /// Its state, in a run that is saved or restored.
    pub(super) fn keep(&self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.tensor("scale", &self.scale)?;
        keeper.tensor("good", &self.good)
    }

    pub(super) fn scaled(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        loss.f_mul(&self.scale)
    }

    /// Takes the scale out of the gradients of parameters; 1 where one of them is not finite, else 0.
    pub(super) fn unscale(&mut self, params: &[Tensor]) -> Result<Tensor, TchError> {
        shim::unscale(params, &self.scale, &mut self.found)?;
        Ok(self.found.shallow_clone())
    }

    /// After a step: what comes of the scale.
    pub(super) fn update(&mut self) -> Result<(), TchError> {
        shim::update_scale(&mut self.scale, &mut self.good, &self.found, SCALING)
    }
}
