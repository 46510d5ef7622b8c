//! The nodes of one scope: a stem, a block, a head, a shortcut.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use petgraph::graph::{DiGraph, NodeIndex};

use super::order::order;
use super::{Node, Place};
use crate::op::{Misfit, Op, Shape};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::{Env, Number};
use crate::spec::load::Loader;
use crate::spec::node::{INPUT, Kind, NodeSpec, check_name};
use crate::spec::source::Span;
use crate::spec::tree::Tree;

/// More blocks and nodes than this are refused, those that are left out counted too: a few lines
/// could otherwise ask for any number.
const MAX_NODES: usize = 100_000;
/// More mistakes than this are not told of one network.
const MAX_ERRORS: usize = 100;

/// A graph under construction.
pub(super) struct Builder<'a> {
    pub(super) loader: &'a Loader,
    pub(super) dag: DiGraph<Node, usize>,
    pub(super) paths: HashMap<String, NodeIndex>,
    pub(super) errors: Vec<SpecError>,
    /// Blocks and nodes looked at so far.
    pub(super) looked_at: usize,
}

/// The result of a node whose shape is known. What a mistake makes unknown is `None` instead, and
/// nothing that depends on it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) node: NodeIndex,
    pub(super) shape: Shape,
}

/// Where a scope stands.
#[derive(Clone)]
pub(super) struct Spot {
    /// The start of its parameter paths, with the dot.
    pub(super) prefix: String,
    pub(super) place: Rc<Place>,
    /// Names that blocks in it have in scope, beside `in_channels` and their parameters.
    pub(super) around: Env,
    /// The blocks that it is part of, outermost first.
    pub(super) within: Vec<(Rc<Tree>, String)>,
}

/// What a node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Input,
    Node(usize),
}

impl<'a> Builder<'a> {
    pub(super) fn new(loader: &'a Loader) -> Self {
        let (dag, paths, errors) = (DiGraph::new(), HashMap::new(), Vec::new());
        Self { loader, dag, paths, errors, looked_at: 0 }
    }

    /// Whether one more block or node may be looked at; the first that may not be is told.
    pub(super) fn has_room(&mut self, span: Span, place: &Place) -> bool {
        self.looked_at += 1;
        if self.looked_at == MAX_NODES + 1 {
            let reason = format!("the network has more than {MAX_NODES} nodes");
            let problem = Problem::Value { reason, help: "give it fewer layers".into() };
            self.errors.push(place.explain(SpecError::at(span, problem)));
        }
        self.looked_at <= MAX_NODES
    }

    /// Tells every mistake that does not follow from an unknown input.
    pub(super) fn tell_all(&mut self, error: SpecError, place: &Place, input: Option<Value>) {
        // Without a shape nothing can be said of its channels.
        let follows = |error: &SpecError| {
            let unknown = matches!(error.problem(),
                Problem::UnknownName { name, .. } if name == IN_CHANNELS);
            unknown && input.is_none()
        };
        let errors = error.split().filter(|error| !follows(error));
        self.errors.extend(errors.map(|error| place.explain(error)));
    }

    /// Adds the nodes of a scope and returns the result of the last.
    pub(super) fn scope(
        &mut self,
        nodes: &[NodeSpec],
        spot: &Spot,
        input: Option<Value>,
    ) -> Option<Value> {
        if nodes.is_empty() {
            return input;
        }
        let names: Vec<&str> = nodes.iter().map(|node| node.name.value.as_str()).collect();
        let before = self.errors.len();
        self.check_names(nodes, spot);
        let places = Places::of(nodes);
        let reads: Vec<Option<Vec<Source>>> = (0..nodes.len())
            .map(|at| self.sources(&nodes[at], &names, &places, at, spot))
            .collect();
        if self.errors.len() == before {
            self.check_unused(nodes, &reads, spot);
        }
        let order = match order(&in_scope(&reads)) {
            Ok(order) => order,
            Err(positions) => {
                let start = nodes[positions[0]].kind.span;
                let names = positions.into_iter().map(|at| names[at].to_string()).collect();
                self.tell(spot, SpecError::at(start, Problem::Cycle(names)));
                return None;
            }
        };
        let mut values: Vec<Option<Value>> = vec![None; nodes.len()];
        for at in order {
            let Some(sources) = &reads[at] else { continue };
            let value = |source: &Source| match source {
                Source::Input => input,
                Source::Node(at) => values[*at],
            };
            let sources: Vec<Option<Value>> = sources.iter().map(value).collect();
            values[at] = self.node(&nodes[at], &sources, spot);
        }
        values.last().copied().flatten()
    }

    pub(super) fn tell(&mut self, spot: &Spot, error: SpecError) {
        if self.is_telling() {
            self.errors.push(spot.place.explain(error));
        }
    }

    /// Whether one more mistake is told.
    fn is_telling(&self) -> bool {
        self.errors.len() < MAX_ERRORS
    }

    fn check_names(&mut self, nodes: &[NodeSpec], spot: &Spot) {
        let mut seen = HashSet::new();
        for node in nodes {
            let name = &node.name.value;
            let is_twice = node.when && !seen.insert(name.as_str());
            let problem = match check_name("node", name) {
                Err(problem) => problem,
                Ok(()) if is_twice => Problem::DuplicateNode(name.clone()),
                Ok(()) => continue,
            };
            self.tell(spot, SpecError::at(node.name.span, problem));
        }
    }

    /// What a node reads; none where it names what is not there.
    fn sources(
        &mut self,
        node: &NodeSpec,
        names: &[&str],
        places: &Places<'_>,
        at: usize,
        spot: &Spot,
    ) -> Option<Vec<Source>> {
        let Some(from) = &node.from else {
            return Some(vec![at.checked_sub(1).map_or(Source::Input, Source::Node)]);
        };
        let (mut sources, mut whole) = (Vec::new(), true);
        for from in &from.0 {
            let known = places.of_name(&from.value).map(Source::Node);
            match known.or((from.value == INPUT).then_some(Source::Input)) {
                Some(source) => sources.push(source),
                None if !self.is_telling() => whole = false,
                None => {
                    whole = false;
                    let error = unknown_node(names, at, &from.value, from.span);
                    let elsewhere = self.paths.contains_key(&from.value);
                    let note = "nodes of the stem, of other blocks and of the head are out of reach; \
                                `input` is what this part reads";
                    let error = if elsewhere { error.within(note, None) } else { error };
                    self.tell(spot, error);
                }
            }
        }
        whole.then_some(sources)
    }

    fn check_unused(&mut self, nodes: &[NodeSpec], reads: &[Option<Vec<Source>>], spot: &Spot) {
        let read: HashSet<Source> = reads.iter().flatten().flatten().copied().collect();
        let mut named: HashMap<&str, usize> = HashMap::new();
        nodes.iter().for_each(|node| *named.entry(&node.name.value).or_default() += 1);
        for (at, node) in nodes[..nodes.len() - 1].iter().enumerate() {
            // What is left out in favour of another of its name is read under that name.
            let replaced =
                !node.when && named.get(node.name.value.as_str()).is_some_and(|&n| n > 1);
            if !read.contains(&Source::Node(at)) && !replaced {
                let problem = Problem::UnusedNode(node.name.value.clone());
                self.tell(spot, SpecError::at(node.name.span, problem));
            }
        }
    }

    /// Adds a node, or the nodes that it stands for, and returns its result.
    fn node(&mut self, node: &NodeSpec, sources: &[Option<Value>], spot: &Spot) -> Option<Value> {
        if !self.has_room(node.name.span, &spot.place) {
            return None;
        }
        if !node.when {
            return sources.first().copied().flatten();
        }
        match &node.kind.value {
            Kind::Op(op) => self.operation(node, op, sources, spot),
            Kind::Use(used) => {
                self.check_arity(node, "Use", 1..=1, sources, spot)?;
                self.used(node, used, sources[0], spot)
            }
            Kind::Shortcut(shortcut) => {
                self.check_arity(node, "Shortcut", 1..=2, sources, spot)?;
                self.shortcut(node, shortcut, sources, spot)
            }
        }
    }

    /// Tells of nodes that the result does not depend on: a shortcut that is left out reads nothing.
    pub(super) fn check_dead(&mut self, output: NodeIndex) {
        let reversed = petgraph::visit::Reversed(&self.dag);
        let mut live = petgraph::visit::Dfs::new(reversed, output);
        while live.next(reversed).is_some() {}
        for node in self.dag.node_indices().filter(|node| !live.discovered.contains(node.index())) {
            let node = &self.dag[node];
            if let (Some(span), Some(_)) = (node.span, &node.op) {
                let error = SpecError::at(span, Problem::DeadNode(node.path.clone()));
                self.errors.push(node.place.explain(error));
            }
        }
    }

    fn check_arity(
        &mut self,
        node: &NodeSpec,
        what: &str,
        takes: std::ops::RangeInclusive<usize>,
        sources: &[Option<Value>],
        spot: &Spot,
    ) -> Option<()> {
        if takes.contains(&sources.len()) {
            return Some(());
        }
        let takes = if *takes.end() == 1 { "one input" } else { "one input or two" };
        self.tell(spot, arity(node, what, takes.into(), sources.len()));
        None
    }

    fn operation(
        &mut self,
        node: &NodeSpec,
        op: &Op,
        sources: &[Option<Value>],
        spot: &Spot,
    ) -> Option<Value> {
        let takes = op.operation().arity();
        if !takes.admits(sources.len()) {
            self.tell(spot, arity(node, op.name(), takes.to_string(), sources.len()));
            return None;
        }
        let path = format!("{}{}", spot.prefix, node.name.value);
        if self.paths.contains_key(&path) {
            let span = node.name.span;
            let told = self.errors.iter().any(|error| error.span() == Some(span));
            if !told {
                self.tell(spot, SpecError::at(span, Problem::DuplicatePath(path)));
            }
            return None;
        }
        let sources: Vec<Value> = sources.iter().copied().collect::<Option<_>>()?;
        let shapes: Vec<Shape> = sources.iter().map(|source| source.shape).collect();
        let shape = match op.operation().output(&shapes) {
            Ok(shape) => shape,
            Err(misfit) => {
                let error = self.misfit(&path, op, node.kind.span, &sources, misfit);
                self.tell(spot, error);
                return None;
            }
        };
        let (op, span) = (Some(op.clone()), Some(node.kind.span));
        let place = Rc::clone(&spot.place);
        let index = self.dag.add_node(Node { path: path.clone(), op, span, shape, place });
        self.paths.insert(path, index);
        for (slot, source) in sources.iter().enumerate() {
            self.dag.add_edge(source.node, index, slot);
        }
        Some(Value { node: index, shape })
    }

    /// An operation that does not fit what it reads.
    fn misfit(
        &self,
        path: &str,
        op: &Op,
        span: Span,
        sources: &[Value],
        misfit: Misfit,
    ) -> SpecError {
        let read = |value: &Value| {
            format!("it reads `{}`: {}", self.dag[value.node].path, value.shape.describe())
        };
        let problem = Problem::Shape {
            node: path.into(),
            op: op.name(),
            reason: misfit.reason,
            help: misfit.help,
            inputs: sources.iter().map(read).collect(),
        };
        SpecError::at(span, problem)
    }
}

const IN_CHANNELS: &str = "in_channels";

/// The names with `in_channels`, where the input is known.
pub(super) fn with_channels(names: &Env, input: Option<Value>) -> Env {
    let mut env = names.clone();
    env.remove(IN_CHANNELS);
    env.extend(input.map(|input| (IN_CHANNELS.to_string(), channels(input.shape))));
    env
}

/// Channels of maps, or the length of a vector.
fn channels(shape: Shape) -> Number {
    let (Shape::Maps(channels, ..) | Shape::Features(channels)) = shape;
    Number::Int(i64::try_from(channels).unwrap_or(i64::MAX))
}

/// Which nodes of the scope each node reads.
fn in_scope(reads: &[Option<Vec<Source>>]) -> Vec<Vec<usize>> {
    let node = |source: &Source| match source {
        Source::Node(at) => Some(*at),
        Source::Input => None,
    };
    reads.iter().map(|sources| sources.iter().flatten().filter_map(node).collect()).collect()
}

/// Where the nodes of a scope are, by their names.
struct Places<'n> {
    /// The first of a name that is not left out.
    standing: HashMap<&'n str, usize>,
    /// The last of a name.
    last: HashMap<&'n str, usize>,
}

impl<'n> Places<'n> {
    fn of(nodes: &'n [NodeSpec]) -> Self {
        let (mut standing, mut last) = (HashMap::new(), HashMap::new());
        for (at, node) in nodes.iter().enumerate() {
            if node.when {
                standing.entry(node.name.value.as_str()).or_insert(at);
            }
            last.insert(node.name.value.as_str(), at);
        }
        Self { standing, last }
    }

    /// The node of a name that is not left out, else one that is.
    fn of_name(&self, name: &str) -> Option<usize> {
        self.standing.get(name).or_else(|| self.last.get(name)).copied()
    }
}

fn arity(node: &NodeSpec, op: &str, takes: String, given: usize) -> SpecError {
    let problem = Problem::Arity { node: node.name.value.clone(), op: op.into(), takes, given };
    SpecError::at(node.kind.span, problem)
}

fn unknown_node(names: &[&str], at: usize, from: &str, span: Span) -> SpecError {
    let others = names.iter().enumerate().filter(|(other, _)| *other != at);
    let known = std::iter::once(INPUT).chain(others.map(|(_, name)| *name));
    let known = known.map(String::from).collect();
    let node = names[at].to_string();
    SpecError::at(span, Problem::UnknownNode { node, from: from.into(), known })
}
