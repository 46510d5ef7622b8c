//! The graph stage: a network as a directed acyclic graph.
//!
//! Nodes are operations with a parameter path; an edge carries the slot in which its end reads its
//! start. Building checks names, arity, unused nodes, cycles, and that the shapes fit. A graph in
//! hand is legal; what it costs is for the plan to say.
//!
//! | file | what stands there |
//! |---|---|
//! | `stages` | every block of every stage, with what is in scope in it |
//! | `scope` | the nodes of one scope: a stem, a block, a head, a shortcut |
//! | `composite` | what stands for several nodes: blocks and shortcuts |
//! | `order` | the order in which nodes of a scope can be added, or the loop that forbids one |

mod composite;
mod order;
mod scope;
mod stages;

use std::rc::Rc;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::op::{InitScheme, Op, Shape};
use crate::spec::block::Block;
use crate::spec::error::SpecError;
use crate::spec::expr::Env;
use crate::spec::load::{Include, Loader};
use crate::spec::network::Network;
use crate::spec::source::Span;

/// A network as a graph.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The operations; an edge's weight is the input slot at its end.
    pub dag: DiGraph<Node, usize>,
    /// What the network reads.
    pub input: Shape,
    /// Number of classes.
    pub classes: u64,
    /// The rule for initial weights.
    pub init: InitScheme,
    output: NodeIndex,
    /// Blocks and nodes that were looked at, those that are left out counted too: what building it took.
    looked_at: usize,
}

/// A node of the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// The start of its parameter names, such as `layer1.0.conv1`.
    pub path: String,
    /// What it does; none for the network's input.
    pub op: Option<Op>,
    /// Where its operation stands.
    pub span: Option<Span>,
    /// The shape of its result.
    pub shape: Shape,
    /// In which block it stands, in the reader's words.
    pub place: Rc<Place>,
}

/// A place that nodes stand in.
#[derive(Debug, Default)]
pub struct Place {
    /// Such as ``block `layer2.0` ``.
    pub text: Option<String>,
    /// What names the block's file.
    pub span: Option<Span>,
    /// The part of the network.
    pub scope: Scope,
    /// The place around it, where it is a block within a block.
    pub outer: Option<Rc<Place>>,
}

/// A part of a network: its stem, one block of a stage, or its head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The start of the parameter names of a block, such as `layer2.0`; empty in stem and head.
    pub path: String,
    /// Where in the network.
    pub part: Part,
    /// The block's file as the network names it.
    pub file: Option<String>,
}

/// The parts of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Part {
    /// Before the first stage.
    #[default]
    Stem,
    /// A block of a stage.
    Stage {
        /// Of the stage, from 0.
        index: usize,
        /// Of the stage, such as `layer2`.
        name: String,
        /// Of the block in its stage, from 0.
        layer: u32,
    },
    /// After the last stage.
    Head,
}

impl Place {
    /// Tells an error where it happened.
    pub fn explain(&self, error: SpecError) -> SpecError {
        let error = match &self.text {
            Some(text) => error.within(text.clone(), self.span),
            None => error,
        };
        self.outer.iter().fold(error, |error, outer| outer.explain(error))
    }
}

impl Graph {
    /// Builds the graph of a network: stem, every block of every stage, head. `env` has the names
    /// in scope of the network.
    ///
    /// # Errors
    /// Every mistake: unknown or duplicate names, wrong arity, unused nodes, cycles, shapes that do
    /// not fit, blocks that cannot be read.
    pub fn build(loader: &Loader, network: &Network, env: &Env) -> Result<Self, SpecError> {
        stages::build(loader, network, env)
    }

    /// Checks a block alone, as far as that can be without knowing what it reads.
    ///
    /// # Errors
    /// Every mistake but those of shapes.
    pub fn check_block(loader: &Loader, block: &Include<Block>) -> Result<(), SpecError> {
        stages::check_block(loader, block)
    }

    /// The node whose result is the network's.
    pub fn output(&self) -> NodeIndex {
        self.output
    }

    /// How many blocks and nodes were looked at to build it, those that are left out counted too.
    pub fn looked_at(&self) -> usize {
        self.looked_at
    }

    /// The nodes that a node reads, by slot.
    pub fn inputs(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let edges = self.dag.edges_directed(node, Direction::Incoming);
        let mut slots: Vec<_> = edges.map(|edge| (*edge.weight(), edge.source())).collect();
        slots.sort_unstable();
        slots.into_iter().map(|(_, source)| source).collect()
    }
}
