//! Which parameters share an optimiser, a learning rate and a weight decay.

use tch::{TchError, Tensor};

use super::rule::{Group, Terms};
use crate::op::{Role, Weight};
use crate::spec::train::{Decay, Optimizer, Train};

/// The groups of a recipe over weights in the order of their layers.
pub(super) fn of(recipe: &Train, weights: &[(&Weight, &Tensor)]) -> Result<Vec<Group>, TchError> {
    let head = weights.iter().rposition(|(weight, _)| is_matrix(weight.role));
    let mut groups: Vec<(Terms, Vec<Tensor>)> = Vec::new();
    for (index, (weight, param)) in weights.iter().enumerate() {
        let terms = terms(recipe, weight.role, Some(index) == head);
        let param = param.shallow_clone();
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

/// How a parameter is optimised.
fn terms(recipe: &Train, role: Role, is_head: bool) -> Terms {
    let rule = match &recipe.optimizer {
        Optimizer::Lookahead { inner, .. } => inner,
        rule => rule,
    };
    let rule = match rule {
        Optimizer::Muon { others, .. } if !is_matrix(role) || is_head => others,
        rule => rule,
    };
    let decays = recipe.decay == Decay::All || is_matrix(role);
    let weight_decay = if decays { rule.weight_decay() } else { 0.0 };
    Terms { rule: rule.clone(), weight_decay }
}
