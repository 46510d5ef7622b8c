//! Which parameters share an optimiser, a learning rate and a weight decay.

use tch::{TchError, Tensor};

use super::rule::{Group, Terms};
use crate::op::{Role, Weight};
use crate::spec::train::{self as spec, Decay, Groups, Optimizer, Train};
use crate::train::schedule::Rates;

/// The groups of a recipe over weights in the order of their layers, those left out that are not
/// trained.
pub(super) fn of(
    recipe: &Train,
    steps_per_epoch: u64,
    weights: &[(&Weight, &Tensor)],
) -> Result<Vec<Group>, TchError> {
    let matrix = |(weight, _): &(&Weight, &Tensor)| is_matrix(weight.role);
    let ends = (weights.iter().position(matrix), weights.iter().rposition(matrix));
    let mut groups: Vec<(Terms, Vec<Tensor>)> = Vec::new();
    let trained = weights.iter().enumerate().filter(|(_, (weight, _))| weight.is_trained());
    for (index, (weight, param)) in trained {
        let at = Some(index);
        let place = Place { weight, is_first: at == ends.0, is_head: at == ends.1 };
        let (terms, param) = (terms(recipe, steps_per_epoch, &place), param.shallow_clone());
        match groups.iter_mut().find(|(other, _)| *other == terms) {
            Some((_, params)) => params.push(param),
            None => groups.push((terms, vec![param])),
        }
    }
    groups.into_iter().map(|(terms, params)| Group::new(terms, params)).collect()
}

fn is_matrix(role: Role) -> bool {
    matches!(role, Role::Convolution | Role::Linear)
}

/// A parameter, and where it stands among those with a kernel or matrix.
struct Place<'a> {
    weight: &'a Weight,
    is_first: bool,
    is_head: bool,
}

impl Place<'_> {
    /// The narrowest group of the spec; the head of a single layer is also the first.
    fn group<'g>(&self, groups: &'g Groups) -> Option<&'g spec::Group> {
        let narrow = [
            groups.head.as_ref().filter(|_| self.is_head),
            groups.first.as_ref().filter(|_| self.is_first),
            groups.shift.as_ref().filter(|_| self.is_shift()),
        ];
        narrow.into_iter().flatten().next().or(match self.weight.role {
            Role::Convolution => groups.convolution.as_ref(),
            Role::Linear => groups.linear.as_ref(),
            Role::Bias => groups.bias.as_ref(),
            Role::Norm => groups.norm.as_ref(),
            Role::Scale => groups.scale.as_ref(),
            Role::Buffer => None,
        })
    }

    /// Normalisations name their two parameters as PyTorch does.
    fn is_shift(&self) -> bool {
        let name = &self.weight.name;
        self.weight.role == Role::Norm && name.rsplit('.').next() == Some("bias")
    }
}

/// How a parameter is optimised.
fn terms(recipe: &Train, steps_per_epoch: u64, place: &Place<'_>) -> Terms {
    let rule = match &recipe.optimizer {
        Optimizer::Lookahead { inner, .. } => inner,
        rule => rule,
    };
    let is_matrix = is_matrix(place.weight.role);
    let rule = match rule {
        Optimizer::Muon { others, .. } if !is_matrix || place.is_head => others,
        rule => rule,
    };
    let decays = recipe.decay == Decay::All || is_matrix;
    let weight_decay = if decays { rule.weight_decay() } else { 0.0 };
    let own = place.group(&recipe.groups);
    let factor = own.map_or(1.0, |group| group.lr);
    let epochs = own.and_then(|group| group.epochs).filter(|&epochs| epochs < recipe.epochs);
    let rates = own.and_then(|group| group.schedule.as_ref()).map(|schedule| {
        let epochs = epochs.unwrap_or(recipe.epochs);
        Rates::alone(schedule, factor * rule.lr(), epochs, steps_per_epoch)
    });
    Terms {
        rule: rule.clone(),
        factor,
        weight_decay: own.and_then(|group| group.weight_decay).unwrap_or(weight_decay),
        end: epochs.map(|epochs| u64::from(epochs) * steps_per_epoch),
        rates,
    }
}
