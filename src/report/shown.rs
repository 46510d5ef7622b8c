//! Of which experiments a page tells in detail.

use std::collections::BTreeSet;

use super::Group;
use crate::statistics::mean;

/// Of more experiments than that the best alone are drawn and told of in detail: more lines cannot be told
/// apart, and a page of some hundred experiments would be one of a hundred megabytes.
pub const MOST_SHOWN: usize = 24;

/// The places of the experiments that are told of in detail, ascending: all, or those with the highest mean
/// accuracy and the one that the others are set against.
pub fn shown(groups: &[Group], reference: Option<&str>) -> Vec<usize> {
    if groups.len() <= MOST_SHOWN {
        return (0..groups.len()).collect();
    }
    let top1 = |group: &Group| {
        let values: Vec<f64> = group.ok().filter_map(|run| run.top1).collect();
        mean(&values).unwrap_or(f64::NEG_INFINITY)
    };
    let mut ranked: Vec<(f64, usize)> =
        groups.iter().enumerate().map(|(place, group)| (top1(group), place)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let reference = groups.iter().position(|group| Some(group.name.as_str()) == reference);
    let best = ranked.into_iter().map(|(_, place)| place).filter(|place| Some(*place) != reference);
    let room = MOST_SHOWN - usize::from(reference.is_some());
    let places: BTreeSet<usize> = best.take(room).chain(reference).collect();
    places.into_iter().collect()
}
