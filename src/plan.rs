//! The plan stage: a graph in a stable order, with shapes, weights and costs. Arithmetic only.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petgraph::graph::NodeIndex;
use serde::Serialize;

use crate::graph::{Graph, Node, Scope};
use crate::op::{Init, InitScheme, Op, Shape, Weight};
use crate::spec::error::{Problem, SpecError};

pub mod diff;
pub mod fields;
pub mod flat;
pub mod table;

pub use fields::fields;

/// More parameters than this are refused: no machine that this is for can train them.
const MAX_PARAMS: u64 = 1_000_000_000_000;
/// More activations than this for one image are refused.
const MAX_ACTIVATIONS: u64 = 1_000_000_000_000;

/// A network that can be built: every step knows its inputs, its shape and its weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Shape of one image.
    pub input: Shape,
    /// Number of classes.
    pub classes: u64,
    /// Steps in the order in which they run.
    pub steps: Vec<Step>,
    /// All weights in state-dict order, with full names.
    pub weights: Vec<Weight>,
    /// The value that is the result.
    pub output: ValueId,
    /// The rule that initial weights were made by, which they already follow.
    #[serde(skip)]
    pub init: InitScheme,
    /// The parts of the network in order: stem, blocks, head. No part of what determines a run.
    #[serde(skip)]
    pub scopes: Vec<Scope>,
}

/// A value of a forward pass: 0 is the input, `i + 1` the result of step `i`.
pub type ValueId = usize;

/// One operation of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The start of its parameter names.
    pub path: String,
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// The shape of its result.
    pub shape: Shape,
    /// Its weights within [`Plan::weights`]: first, and one past the last.
    pub weights: (usize, usize),
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Values that no later step reads.
    pub last_uses: Vec<ValueId>,
    /// Whether its result may take the place of its first input.
    pub in_place: bool,
    /// The part of the network that it stands in, an index of [`Plan::scopes`].
    #[serde(skip)]
    pub scope: usize,
}

impl Plan {
    /// Plans a graph.
    ///
    /// # Errors
    /// A result that is no vector of classes, absurd sizes.
    pub fn of(graph: &Graph) -> Result<Self, SpecError> {
        let mut planner = Planner::new(graph);
        for index in order(graph) {
            let node = &graph.dag[index];
            let inputs = graph.inputs(index).iter().map(|input| planner.values[input]).collect();
            let value = match &node.op {
                None => 0,
                Some(op) => {
                    planner.step(node, op, inputs).map_err(|error| node.place.explain(error))?
                }
            };
            planner.values.insert(index, value);
        }
        planner.finish(graph)
    }

    /// Parameters, trained and frozen, as PyTorch counts them.
    pub fn params(&self) -> u64 {
        self.weights.iter().filter(|weight| weight.role.is_parameter()).map(Weight::numel).sum()
    }

    /// Parameters of one step.
    pub fn params_of(&self, step: &Step) -> u64 {
        let weights = &self.weights[step.weights.0..step.weights.1];
        weights.iter().filter(|weight| weight.role.is_parameter()).map(Weight::numel).sum()
    }

    /// What makes a value: the path of a step, or `input`.
    pub fn name(&self, value: ValueId) -> &str {
        value.checked_sub(1).map_or("input", |step| &self.steps[step].path)
    }

    /// Multiply-accumulates for one image, convolutions and linear layers.
    pub fn macs(&self) -> u64 {
        self.steps.iter().map(|step| step.macs).fold(0, u64::saturating_add)
    }

    /// Bytes of all results for one image at 4 bytes a number: what training keeps, in-place
    /// results counted once.
    pub fn activation_bytes(&self) -> u64 {
        self.steps.iter().map(|step| self.activation_bytes_of(step)).fold(0, u64::saturating_add)
    }

    /// The share of one step in [`Plan::activation_bytes`].
    pub fn activation_bytes_of(&self, step: &Step) -> u64 {
        if step.in_place { 0 } else { step.shape.numel().saturating_mul(4) }
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Shape {
        value.checked_sub(1).map_or(self.input, |step| self.steps[step].shape)
    }
}

/// Topological order in which ties go by the order of the spec, so that the plan, and with it the
/// random numbers of a run, do not depend on a library's choice.
fn order(graph: &Graph) -> Vec<NodeIndex> {
    let mut missing: Vec<usize> =
        graph.dag.node_indices().map(|node| graph.inputs(node).len()).collect();
    let mut ready: BinaryHeap<_> =
        graph.dag.node_indices().filter(|node| missing[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in graph.dag.neighbors(node) {
            missing[next.index()] -= 1;
            if missing[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    order
}

/// An operation that does not fit the network.
fn misfit(node: &Node, op: &Op, reason: String, help: &str) -> SpecError {
    let error = SpecError::new(Problem::Shape {
        node: node.path.clone(),
        op: op.name(),
        reason,
        help: Some(help.into()),
        inputs: Box::default(),
    });
    node.span.map_or(error.clone(), |span| error.or_at(span))
}

struct Planner {
    plan: Plan,
    /// Numbers in all weights so far.
    numbers: u64,
    values: HashMap<NodeIndex, ValueId>,
}

impl Planner {
    fn new(graph: &Graph) -> Self {
        let (input, classes) = (graph.input, graph.classes);
        let plan = Plan {
            input,
            classes,
            steps: Vec::new(),
            weights: Vec::new(),
            output: 0,
            init: graph.init,
            scopes: Vec::new(),
        };
        Self { plan, numbers: 0, values: HashMap::new() }
    }

    /// Plans one operation and returns its result.
    fn step(&mut self, node: &Node, op: &Op, inputs: Vec<ValueId>) -> Result<ValueId, SpecError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&value| self.plan.shape(value)).collect();
        let first = self.plan.weights.len();
        for mut weight in op.operation().weights(&shapes, self.plan.init) {
            weight.name = format!("{}.{}", node.path, weight.name);
            self.numbers = self.numbers.saturating_add(weight.numel());
            self.plan.weights.push(weight);
        }
        self.check_size(node, op)?;
        self.check_whitening(node, op, (first, inputs.first().copied()))?;
        let scope = self.scope(&node.place.scope);
        self.plan.steps.push(Step {
            path: node.path.clone(),
            op: op.clone(),
            macs: op.operation().macs(&shapes, node.shape),
            inputs,
            shape: node.shape,
            weights: (first, self.plan.weights.len()),
            last_uses: Vec::new(),
            in_place: false,
            scope,
        });
        Ok(self.plan.steps.len())
    }

    /// The index of a part, which is new or the latest but for forward references.
    fn scope(&mut self, scope: &Scope) -> usize {
        let known = self.plan.scopes.iter().rposition(|other| other == scope);
        known.unwrap_or_else(|| {
            self.plan.scopes.push(scope.clone());
            self.plan.scopes.len() - 1
        })
    }

    /// Refuses what no machine can hold.
    fn check_size(&self, node: &Node, op: &Op) -> Result<(), SpecError> {
        let (what, limit) = match () {
            () if self.numbers > MAX_PARAMS => ("weights", MAX_PARAMS),
            () if node.shape.numel() > MAX_ACTIVATIONS => {
                ("activations for one image", MAX_ACTIVATIONS)
            }
            () => return Ok(()),
        };
        let reason = format!("with it the network has more than {limit} {what}");
        Err(misfit(node, op, reason, "reduce its sizes"))
    }

    /// What is whitened are the images, which nothing has changed yet.
    fn check_whitening(
        &self,
        node: &Node,
        op: &Op,
        (first, input): (usize, Option<ValueId>),
    ) -> Result<(), SpecError> {
        let weights = self.plan.weights[first..].iter();
        let whitens =
            weights.map(|weight| weight.init).any(|init| matches!(init, Init::Whiten { .. }));
        match whitens && input != Some(0) {
            true => {
                let reason = "`Whiten` is for a convolution that reads the images".into();
                Err(misfit(node, op, reason, "choose another `init`, such as `Orthogonal()`"))
            }
            false => Ok(()),
        }
    }

    fn finish(mut self, graph: &Graph) -> Result<Plan, SpecError> {
        let output = graph.output();
        self.plan.output = self.values[&output];
        let (shape, wanted) =
            (self.plan.shape(self.plan.output), Shape::Features(self.plan.classes));
        if shape != wanted {
            let node = &graph.dag[output];
            let reason = format!(
                "the network's result is {}, but there are {wanted} classes",
                shape.describe()
            );
            let help = "end the head with `Linear(out: \"classes\")`".to_string();
            let error = SpecError::new(Problem::Value { reason, help });
            return Err(node.span.map_or(error.clone(), |span| error.or_at(span)));
        }
        self.mark_last_uses();
        self.mark_in_place();
        Ok(self.plan)
    }

    fn mark_last_uses(&mut self) {
        let mut seen = vec![false; self.plan.steps.len() + 1];
        seen[self.plan.output] = true;
        for step in self.plan.steps.iter_mut().rev() {
            for &value in &step.inputs {
                if !std::mem::replace(&mut seen[value], true) {
                    step.last_uses.push(value);
                }
            }
        }
    }

    /// A step may overwrite its input where it is the only reader and the backward pass of the
    /// step that made the input does not need it.
    fn mark_in_place(&mut self) {
        let mut readers = vec![0_usize; self.plan.steps.len() + 1];
        readers[self.plan.output] += 1;
        self.plan.steps.iter().flat_map(|step| &step.inputs).for_each(|&value| readers[value] += 1);
        for index in 0..self.plan.steps.len() {
            let step = &self.plan.steps[index];
            let Some(maker) = step.inputs[0].checked_sub(1) else { continue };
            let free = !self.plan.steps[maker].op.operation().keeps_output();
            let alone = readers[step.inputs[0]] == 1;
            self.plan.steps[index].in_place = free && alone && step.op.operation().in_place();
        }
    }
}
