//! The graph stage: a network as a directed acyclic graph.
//!
//! Nodes are operations with a parameter path; an edge carries the slot in which its end reads its
//! start. Building checks names, arity, unused nodes and cycles. A graph in hand is legal; whether
//! the shapes fit is for the plan to say.

use std::collections::HashMap;
use std::rc::Rc;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::op::{InitScheme, Op, Shape};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::Number;
use crate::spec::load::{Include, Loader};
use crate::spec::network::{Block, Given, Network, Params, Stage};
use crate::spec::node::{NodeSpec, check_name};
use crate::spec::source::Span;

/// More layers in one stage are refused.
const MAX_LAYERS: u32 = 10_000;

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
        match &self.text {
            Some(text) => error.within(text.clone(), self.span),
            None => error,
        }
    }
}

impl Graph {
    /// Builds the graph of a network: stem, every block of every stage, head.
    ///
    /// # Errors
    /// Unknown or duplicate names, wrong arity, unused nodes, cycles, blocks that cannot be read.
    pub fn build(loader: &Loader, network: &Network) -> Result<Self, SpecError> {
        let (channels, height, width) = network.input;
        let mut builder = Builder::default();
        let input = builder.dag.add_node(Node {
            path: "input".into(),
            op: None,
            span: None,
            place: Rc::default(),
        });
        let mut end = builder.chain(&network.stem, "", input, &Rc::default())?;
        for (index, stage) in network.stages.iter().enumerate() {
            end = builder.stage(loader, network, stage, index, end)?;
        }
        let head = Scope { part: Part::Head, ..Scope::default() };
        let head = Rc::new(Place { scope: head, ..Place::default() });
        let output = builder.chain(&network.head, "", end, &head)?;
        Ok(Self {
            dag: builder.dag,
            input: Shape::Maps(channels, height, width),
            classes: network.classes,
            init: network.init,
            output,
        })
    }

    /// The node whose result is the network's.
    pub fn output(&self) -> NodeIndex {
        self.output
    }

    /// The nodes that a node reads, by slot.
    pub fn inputs(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let edges = self.dag.edges_directed(node, Direction::Incoming);
        let mut slots: Vec<_> = edges.map(|edge| (*edge.weight(), edge.source())).collect();
        slots.sort_unstable();
        slots.into_iter().map(|(_, source)| source).collect()
    }
}

#[derive(Default)]
struct Builder {
    dag: DiGraph<Node, usize>,
    paths: HashMap<String, NodeIndex>,
}

impl Builder {
    fn stage(
        &mut self,
        loader: &Loader,
        network: &Network,
        stage: &Stage,
        index: usize,
        mut end: NodeIndex,
    ) -> Result<NodeIndex, SpecError> {
        let Some(block) = stage.block.as_ref().or(network.block.as_ref()) else {
            let problem = Problem::MissingField {
                owner: "a network with stages".into(),
                field: "block".into(),
            };
            return Err(SpecError::at(stage.layers.span, problem));
        };
        if stage.layers.value == 0 {
            let (reason, help) =
                ("a stage has 0 layers".into(), "give it 1 or more, or remove it".into());
            return Err(SpecError::at(stage.layers.span, Problem::Value { reason, help }));
        }
        if stage.layers.value > MAX_LAYERS {
            let reason = format!("a stage has more than {MAX_LAYERS} layers");
            let problem = Problem::Value { reason, help: "give it fewer layers".into() };
            return Err(SpecError::at(stage.layers.span, problem));
        }
        let name = stage_name(network, index)?;
        let params = [&network.block_params, &stage.block_params];
        for layer in 0..stage.layers.value {
            let prefix = format!("{name}.{layer}.");
            let part = Part::Stage { index, name: name.clone(), layer };
            let place = place(loader, block, &prefix, part);
            let nodes = instance(loader, block, stage, &params, index, layer)
                .map_err(|error| place.explain(error))?;
            end = self.chain(&nodes.nodes, &prefix, end, &place)?;
        }
        Ok(end)
    }

    /// Adds the nodes of one scope and returns the last.
    fn chain(
        &mut self,
        nodes: &[NodeSpec],
        prefix: &str,
        input: NodeIndex,
        place: &Rc<Place>,
    ) -> Result<NodeIndex, SpecError> {
        self.scope(nodes, prefix, input, place).map_err(|error| place.explain(error))
    }

    fn scope(
        &mut self,
        nodes: &[NodeSpec],
        prefix: &str,
        input: NodeIndex,
        place: &Rc<Place>,
    ) -> Result<NodeIndex, SpecError> {
        let mut names = vec![("input".to_string(), input)];
        for node in nodes {
            let index = self.add(node, prefix, place)?;
            names.push((node.name.value.clone(), index));
        }
        let mut previous = input;
        for (node, (_, index)) in nodes.iter().zip(names[1..].to_vec()) {
            self.connect(node, index, previous, &names)?;
            previous = index;
        }
        self.check_cycles(nodes, &names)?;
        self.check_unused(nodes, &names)?;
        Ok(previous)
    }

    fn add(
        &mut self,
        node: &NodeSpec,
        prefix: &str,
        place: &Rc<Place>,
    ) -> Result<NodeIndex, SpecError> {
        let name = &node.name.value;
        check_name("node", name).map_err(|problem| SpecError::at(node.name.span, problem))?;
        let path = format!("{prefix}{name}");
        let (op, span) = (Some(node.op.value.clone()), Some(node.op.span));
        let index =
            self.dag.add_node(Node { path: path.clone(), op, span, place: Rc::clone(place) });
        match self.paths.insert(path, index) {
            None => Ok(index),
            Some(_) => Err(SpecError::at(node.name.span, Problem::DuplicateNode(name.clone()))),
        }
    }

    /// Draws the edges to a node.
    fn connect(
        &mut self,
        node: &NodeSpec,
        index: NodeIndex,
        previous: NodeIndex,
        names: &[(String, NodeIndex)],
    ) -> Result<(), SpecError> {
        let mut sources = Vec::new();
        for from in node.from.iter().flat_map(|from| &from.0) {
            match names.iter().find(|(name, _)| *name == from.value) {
                Some((_, source)) => sources.push(*source),
                None => {
                    let known = names.iter().map(|(name, _)| name.clone());
                    let known = known.filter(|name| *name != node.name.value).collect();
                    let (node, from_name) = (node.name.value.clone(), from.value.clone());
                    return Err(SpecError::at(
                        from.span,
                        Problem::UnknownNode { node, from: from_name, known },
                    ));
                }
            }
        }
        if node.from.is_none() {
            sources.push(previous);
        }
        let op = &node.op.value;
        if !op.operation().arity().admits(sources.len()) {
            let takes = op.operation().arity().to_string();
            let (name, given) = (node.name.value.clone(), sources.len());
            let problem = Problem::Arity { node: name, op: op.name().into(), takes, given };
            return Err(SpecError::at(node.op.span, problem));
        }
        for (slot, source) in sources.into_iter().enumerate() {
            self.dag.add_edge(source, index, slot);
        }
        Ok(())
    }

    fn check_cycles(
        &self,
        nodes: &[NodeSpec],
        names: &[(String, NodeIndex)],
    ) -> Result<(), SpecError> {
        let forward = |node: &NodeSpec, at: usize| {
            let later = |name: &String| nodes[at..].iter().any(|other| other.name.value == *name);
            node.from.iter().flat_map(|from| &from.0).any(|from| later(&from.value))
        };
        // Without an edge backwards in the text there is no cycle.
        if !nodes.iter().enumerate().any(|(at, node)| forward(node, at)) {
            return Ok(());
        }
        let Some(order) = self.find_loop(names[1..].iter().map(|(_, index)| *index).collect())
        else {
            return Ok(());
        };
        let start = &nodes[order[0]];
        let names = order.into_iter().map(|at| nodes[at].name.value.clone()).collect();
        Err(SpecError::at(start.op.span, Problem::Cycle(names)))
    }

    /// Positions of nodes of a scope that wait for each other: each reads the next, and the last
    /// is the first again.
    fn find_loop(&self, scope: Vec<NodeIndex>) -> Option<Vec<usize>> {
        let mut reads = DiGraph::<(), ()>::new();
        let all: Vec<_> = scope.iter().map(|_| reads.add_node(())).collect();
        for (&node, &reader) in scope.iter().zip(&all) {
            for source in self.dag.neighbors_directed(node, Direction::Incoming) {
                let read = scope.iter().position(|&other| other == source);
                read.map(|at| reads.add_edge(reader, all[at], ()));
            }
        }
        let looped = |component: &Vec<NodeIndex>| {
            component.len() > 1 || reads.contains_edge(component[0], component[0])
        };
        let component = tarjan_scc(&reads).into_iter().find(looped)?;
        let mut order = vec![*component.iter().min()?];
        loop {
            let mut next = reads.neighbors(order[order.len() - 1]);
            let next = next.find(|node| component.contains(node))?;
            let seen = order.iter().position(|&node| node == next);
            order.push(next);
            if let Some(start) = seen {
                return Some(order[start..].iter().map(|node| node.index()).collect());
            }
        }
    }

    fn check_unused(
        &self,
        nodes: &[NodeSpec],
        names: &[(String, NodeIndex)],
    ) -> Result<(), SpecError> {
        let last = nodes.len().saturating_sub(1);
        for (node, (name, index)) in nodes[..last].iter().zip(&names[1..]) {
            if self.dag.neighbors(*index).next().is_none() {
                return Err(SpecError::at(node.name.span, Problem::UnusedNode(name.clone())));
            }
        }
        Ok(())
    }
}

fn place(loader: &Loader, block: &Include<Block>, prefix: &str, part: Part) -> Rc<Place> {
    let (path, file) = (prefix.trim_end_matches('.'), block.path(loader));
    let text = match &file {
        Some(file) => format!("in `{path}`, a block of `{file}`"),
        None => format!("in block `{path}`"),
    };
    let scope = Scope { path: path.into(), part, file };
    Rc::new(Place { text: Some(text), span: block.span(loader), scope })
}

/// The start of a stage's parameter names.
fn stage_name(network: &Network, index: usize) -> Result<String, SpecError> {
    let name = |index: usize| match &network.stages[index].name {
        Some(name) => name.value.clone(),
        None => format!("layer{}", index + 1),
    };
    let own = name(index);
    let Some(written) = &network.stages[index].name else {
        return Ok(own);
    };
    check_name("stage", &own).map_err(|problem| SpecError::at(written.span, problem))?;
    let earlier = |other: usize| other < index || network.stages[other].name.is_none();
    if (0..network.stages.len()).any(|at| at != index && earlier(at) && name(at) == own) {
        let reason = format!("two stages are called `{own}`");
        let problem = Problem::Value { reason, help: "give one of them another name".into() };
        return Err(SpecError::at(written.span, problem));
    }
    Ok(own)
}

/// The block as it stands in one layer of a stage.
fn instance(
    loader: &Loader,
    block: &Include<Block>,
    stage: &Stage,
    params: &[&Params],
    index: usize,
    layer: u32,
) -> Result<Block, SpecError> {
    let stride = if layer == 0 { stage.stride } else { 1 };
    let env = [
        ("width", stage.width as i64),
        ("stride", stride as i64),
        ("stage", index as i64),
        ("layer", i64::from(layer)),
    ];
    let env = env.map(|(name, value)| (name.to_string(), Number::Int(value)));
    let file = block.path(loader).unwrap_or_else(|| "the block".into());
    Block::read(loader, block, &Given { file: &file, params }, env.into())
}
