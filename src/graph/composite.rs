//! What stands for several nodes: blocks and shortcuts.

use std::rc::Rc;

use petgraph::graph::NodeIndex;

use super::Place;
use super::scope::{Builder, Spot, Value, with_channels};
use crate::spec::block::Block;
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Include;
use crate::spec::node::{NodeSpec, Shortcut, Use};
use crate::spec::params::{Given, Params};

/// Blocks within blocks nest no deeper.
const MAX_DEPTH: usize = 32;

impl Builder<'_> {
    /// Adds a block and returns its result.
    pub(super) fn block(
        &mut self,
        include: &Include<Block>,
        params: &Params,
        spot: &Spot,
        input: Option<Value>,
    ) -> Option<Value> {
        let (tree, file) = (include.tree(self.loader), include.called(self.loader));
        let mut spot = spot.clone();
        spot.within.push((Rc::clone(&tree), file.clone()));
        let env = with_channels(&spot.around, input);
        let given = Given { file: &file, params: &[params] };
        match Block::read(self.loader, include, &given, &env) {
            Ok((block, _)) => self.scope(&block.nodes, &spot, input),
            Err(error) => {
                self.tell_all(error, &spot.place, input);
                None
            }
        }
    }

    /// A block within this scope.
    pub(super) fn used(
        &mut self,
        node: &NodeSpec,
        used: &Use,
        input: Option<Value>,
        spot: &Spot,
    ) -> Option<Value> {
        let tree = used.block.tree(self.loader);
        let file = used.block.called(self.loader);
        let seen = spot.within.iter().position(|(other, _)| Rc::ptr_eq(other, &tree));
        if seen.is_some() || spot.within.len() > MAX_DEPTH {
            let start = seen.unwrap_or_default();
            let files = spot.within[start..].iter().map(|(_, file)| file.clone());
            let problem = Problem::IncludeLoop(files.chain([file]).collect());
            self.tell(spot, SpecError::at(node.kind.span, problem));
            return None;
        }
        let prefix = format!("{}{}.", spot.prefix, node.name.value);
        let path = prefix.trim_end_matches('.');
        let text = match used.block.path(self.loader) {
            Some(file) => format!("in `{path}`, a block of `{file}`"),
            None => format!("in block `{path}`"),
        };
        let place = Place {
            text: Some(text),
            span: Some(used.block.span(self.loader).unwrap_or(node.kind.span)),
            scope: spot.place.scope.clone(),
            outer: Some(Rc::clone(&spot.place)),
        };
        let inner = Spot { prefix, place: Rc::new(place), ..spot.clone() };
        self.block(&used.block, &used.with, &inner, input)
    }

    /// The nodes of a shortcut, or what it hands on.
    pub(super) fn shortcut(
        &mut self,
        node: &NodeSpec,
        shortcut: &Shortcut,
        sources: &[Option<Value>],
        spot: &Spot,
    ) -> Option<Value> {
        let (kept, read) = (sources[0], sources[sources.len() - 1]);
        let nodes = self.dag.node_count();
        let prefix = format!("{}{}.", spot.prefix, node.name.value);
        let value = self.scope(&shortcut.nodes, &Spot { prefix, ..spot.clone() }, read)?;
        if value.shape != kept?.shape {
            return Some(value);
        }
        // The newest nodes have the highest indices: removing them moves no other.
        while self.dag.node_count() > nodes {
            let last = NodeIndex::new(self.dag.node_count() - 1);
            self.dag.remove_node(last).map(|node| self.paths.remove(&node.path));
        }
        kept
    }
}
