//! Which parameters share an optimiser, a learning rate and a weight decay.

use tch::{TchError, Tensor};

use super::rule::{Group, Terms};
use crate::op::{Role, Weight};
use crate::spec::train::{self as spec, Decay, Groups, Optimizer, Train};

/// The groups of a recipe over weights in the order of their layers.
pub(super) fn of(recipe: &Train, weights: &[(&Weight, &Tensor)]) -> Result<Vec<Group>, TchError> {
    let matrix = |(weight, _): &(&Weight, &Tensor)| is_matrix(weight.role);
    let ends = (weights.iter().position(matrix), weights.iter().rposition(matrix));
    let mut groups: Vec<(Terms, Vec<Tensor>)> = Vec::new();
    for (index, (weight, param)) in weights.iter().enumerate() {
        let at = Some(index);
        let place = Place { weight, is_first: at == ends.0, is_head: at == ends.1 };
        let (terms, param) = (terms(recipe, &place), param.shallow_clone());
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
    fn group(&self, groups: &Groups) -> Option<spec::Group> {
        let narrow = [
            groups.head.filter(|_| self.is_head),
            groups.first.filter(|_| self.is_first),
            groups.shift.filter(|_| self.is_shift()),
        ];
        narrow.into_iter().flatten().next().or(match self.weight.role {
            Role::Convolution => groups.convolution,
            Role::Linear => groups.linear,
            Role::Bias => groups.bias,
            Role::Norm => groups.norm,
            Role::Scale => groups.scale,
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
fn terms(recipe: &Train, place: &Place<'_>) -> Terms {
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
    Terms {
        rule: rule.clone(),
        factor: own.map_or(1.0, |group| group.lr),
        weight_decay: own.and_then(|group| group.weight_decay).unwrap_or(weight_decay),
    }
}
