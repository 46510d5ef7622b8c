//! The order in which the nodes of a scope can be added, or the loop that forbids one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Positions of nodes such that each comes after those it reads; ties go by the order of the file.
///
/// # Errors
/// Positions of nodes that wait for each other: each reads the next, and the last is the first
/// again.
pub(super) fn order(reads: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut missing: Vec<usize> = reads.iter().map(Vec::len).collect();
    let mut readers = vec![Vec::new(); reads.len()];
    for (reader, sources) in reads.iter().enumerate() {
        sources.iter().for_each(|&source| readers[source].push(reader));
    }
    let free = |&at: &usize| missing[at] == 0;
    let mut ready: BinaryHeap<_> = (0..reads.len()).filter(free).map(Reverse).collect();
    let mut order = Vec::with_capacity(reads.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for &reader in &readers[at] {
            missing[reader] -= 1;
            if missing[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() == reads.len() { Ok(order) } else { Err(find_loop(reads)) }
}

fn find_loop(reads: &[Vec<usize>]) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::new();
    let all: Vec<NodeIndex> = reads.iter().map(|_| graph.add_node(())).collect();
    for (reader, sources) in reads.iter().enumerate() {
        for &source in sources {
            graph.add_edge(all[reader], all[source], ());
        }
    }
    let looped = |component: &Vec<NodeIndex>| {
        component.len() > 1 || graph.contains_edge(component[0], component[0])
    };
    let component = tarjan_scc(&graph).into_iter().find(looped).unwrap_or_default();
    let mut path: Vec<NodeIndex> = component.iter().min().copied().into_iter().collect();
    while let Some(&last) = path.last() {
        let Some(next) = graph.neighbors(last).find(|node| component.contains(node)) else { break };
        let seen = path.iter().position(|&node| node == next);
        path.push(next);
        if let Some(start) = seen {
            path.drain(..start);
            break;
        }
    }
    path.into_iter().map(NodeIndex::index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_after_those_they_read_and_else_in_order() {
        assert_eq!(order(&[vec![], vec![0], vec![1]]), Ok(vec![0, 1, 2]));
        assert_eq!(order(&[vec![2, 1], vec![], vec![]]), Ok(vec![1, 2, 0]));
        assert_eq!(order(&[vec![1], vec![], vec![]]), Ok(vec![1, 0, 2]));
    }

    #[test]
    fn a_loop_is_told_whole() {
        assert_eq!(order(&[vec![0]]), Err(vec![0, 0]));
        assert_eq!(order(&[vec![], vec![3], vec![1], vec![2]]), Err(vec![1, 3, 2, 1]));
    }
}
