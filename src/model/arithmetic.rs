//! What a forward pass computes with. Weights and logits are float32 all the same.

use tch::{Kind, TchError, Tensor};

use super::Model;
use crate::op::Op;
use crate::shim::Autocast;

/// What a forward pass computes with; the formats are of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// float32, which alone has kernels of its own.
    #[default]
    Full,
    /// Each operation as `torch.autocast` has it.
    Autocast(Kind),
    /// Every operation on copies of the weights in a format. BatchNorm, which takes float32 weights
    /// beside any input, keeps them.
    Copies(Kind),
}

/// A forward pass: its weights, and the format of its input. Autocast lasts as long as it does.
pub(super) struct Pass<'a> {
    own: &'a [Tensor],
    /// In their place.
    copies: Option<Vec<Tensor>>,
    kind: Kind,
    _autocast: Option<Autocast>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Self, TchError> {
        let (copies, kind, autocast) = match model.arithmetic {
            Arithmetic::Full => (None, Kind::Float, None),
            Arithmetic::Autocast(kind) => {
                (None, Kind::Float, Some(Autocast::enter(model.device, kind)?))
            }
            Arithmetic::Copies(kind) => (Some(copies(model, kind)?), kind, None),
        };
        Ok(Self { own: &model.weights, copies, kind, _autocast: autocast })
    }

    pub(super) fn weights(&self) -> &[Tensor] {
        self.copies.as_deref().unwrap_or(self.own)
    }

    /// Images as the network reads them.
    pub(super) fn input(&self, images: &Tensor) -> Result<Tensor, TchError> {
        as_kind(images, self.kind)
    }
}

/// Weights in another format, through which gradients reach the weights themselves.
fn copies(model: &Model, kind: Kind) -> Result<Vec<Tensor>, TchError> {
    let mut copies: Vec<Tensor> =
        model.weights.iter().map(|weight| as_kind(weight, kind)).collect::<Result<_, _>>()?;
    for step in &model.plan.steps {
        if let Op::BatchNorm2d(_) = step.op {
            let (first, end) = step.weights;
            let own = model.weights[first..end].iter().map(Tensor::shallow_clone);
            copies.splice(first..end, own);
        }
    }
    Ok(copies)
}

/// The tensor itself where it is of the kind.
pub(super) fn as_kind(tensor: &Tensor, kind: Kind) -> Result<Tensor, TchError> {
    match tensor.kind() == kind {
        true => Ok(tensor.shallow_clone()),
        false => tensor.f_to_kind(kind),
    }
}
