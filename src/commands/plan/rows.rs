//! Plans as rows. A column stands here once; the header and the cells of the CSV and the fields of
//! the JSON follow from it.

use serde::{Deserialize, Serialize};

use crate::experiment::{Experiment, Experiments};
use crate::graph::{Part, Scope};
use crate::op::Weight;
use crate::plan::{Plan, Step, fields};
use crate::records::{Cell, Layout, table};

/// Several names: a list in JSON, joined in one cell of a CSV.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Names(pub Vec<String>);

impl Cell for Names {
    fn cell(&self) -> String {
        self.0.join(" ")
    }
}

/// The fields of an operation: an object in JSON, `out=64 kernel=3` in one cell of a CSV.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub serde_json::Map<String, serde_json::Value>);

impl Cell for Fields {
    fn cell(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={}", fields::text(value)));
        pairs.collect::<Vec<_>>().join(" ")
    }
}

/// Channels, height and width, or the number of features: a list in JSON, `64x32x32` in a CSV.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sizes(pub Vec<u64>);

impl Cell for Sizes {
    fn cell(&self) -> String {
        self.0.iter().map(u64::to_string).collect::<Vec<_>>().join("x")
    }
}

impl From<crate::op::Shape> for Sizes {
    fn from(shape: crate::op::Shape) -> Self {
        // The shape's own text is the one place that knows its sizes in order.
        Self(shape.to_string().split('x').filter_map(|size| size.parse().ok()).collect())
    }
}

table! {
    /// One step of a network.
    pub struct StepRow in "plan.csv" {
        /// The start of its parameter names, such as `layer1.0.conv1`.
        name: String,
        /// The operation, such as `Conv2d`.
        operation: String,
        /// Its fields, such as `out=64 kernel=3`; what is left out is the operation's default.
        fields: Fields,
        /// The names of what it reads, in order; `input` is the image.
        inputs: Names,
        /// The shape of its result for one image.
        shape: Sizes,
        /// Parameters, trained and frozen.
        params: u64,
        /// Multiply-accumulates for one image.
        macs: u64 ["MACs/image"],
        /// What its result adds to the activations of one image, at 4 bytes a number; 0 where it
        /// takes the place of its input.
        activation_bytes: u64 ["B/image"],
        /// The part of the network: `stem`, the name of a stage, or `head`.
        stage: String,
        /// The block of the stage, from 0; empty in stem and head.
        layer: Option<u32>,
        /// The file of the block as the network names it; empty where it is written in place.
        block: Option<String>,
    }
}

table! {
    /// One experiment of a sweep.
    pub struct ExperimentRow in "experiments.csv" {
        /// Name of the experiment.
        experiment: String,
        /// The shape of one image.
        input: Sizes,
        /// Steps that multiply: convolutions and linear layers.
        layers: u64,
        /// Parameters, trained and frozen.
        params: u64,
        /// Multiply-accumulates of one forward pass of one image.
        macs: u64 ["MACs/image"],
        /// Activations one image leaves in a forward pass.
        activation_bytes: u64 ["B/image"],
        /// Hash of the resolved spec, as in `runs.csv`.
        spec_hash: String,
    }
}

/// A network as JSON.
#[derive(Debug, Serialize)]
pub struct NetworkPlan {
    /// The shape of one image.
    pub input: Sizes,
    /// Number of classes.
    pub classes: u64,
    /// Parameters, trained and frozen.
    pub params: u64,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Activations one image leaves in a forward pass.
    pub activation_bytes: u64,
    /// The steps in the order in which they run.
    pub steps: Vec<StepRow>,
    /// The parameters and buffers in the order of the state dict.
    pub weights: Vec<WeightRow>,
}

/// A parameter or a buffer as JSON.
#[derive(Debug, Serialize)]
pub struct WeightRow {
    /// Its name in a state dict, such as `layer1.0.conv1.weight`.
    pub name: String,
    /// Its size along each dimension.
    pub shape: Vec<u64>,
    /// Whether training changes it by gradients.
    pub trained: bool,
}

impl From<&Weight> for WeightRow {
    fn from(weight: &Weight) -> Self {
        let (name, shape) = (weight.name.clone(), weight.dims.clone());
        Self { name, shape, trained: weight.is_trained() }
    }
}

/// A sweep as JSON.
#[derive(Debug, Serialize)]
pub struct SweepPlan {
    /// Its name.
    pub sweep: String,
    /// Each experiment is trained once with each.
    pub seeds: Vec<u64>,
    /// Its experiments in the order of the file.
    pub experiments: Vec<ExperimentRow>,
}

/// The rows of a network.
pub fn steps(plan: &Plan) -> Vec<StepRow> {
    plan.steps.iter().map(|step| step_row(plan, step)).collect()
}

/// The rows of a sweep.
pub fn experiments(sweep: &Experiments) -> Vec<ExperimentRow> {
    let row = |experiment: &Experiment| ExperimentRow {
        experiment: experiment.name.clone(),
        input: experiment.plan.input.into(),
        layers: experiment.plan.steps.iter().filter(|step| step.macs > 0).count() as u64,
        params: experiment.plan.params(),
        macs: experiment.plan.macs(),
        activation_bytes: experiment.plan.activation_bytes(),
        spec_hash: experiment.hash.clone(),
    };
    sweep.list.iter().map(row).collect()
}

/// The experiments in order with their axes, as tables have them.
pub fn layout(experiments: &Experiments) -> Layout {
    let cells = |experiment: &Experiment| {
        (experiment.name.clone(), experiment.axes.iter().map(|(_, value)| value.clone()).collect())
    };
    Layout {
        experiments: experiments.list.iter().map(cells).collect(),
        axes: experiments.axes.clone(),
        baseline: experiments.baseline.clone(),
    }
}

impl NetworkPlan {
    /// The network of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self {
            input: plan.input.into(),
            classes: plan.classes,
            params: plan.params(),
            macs: plan.macs(),
            activation_bytes: plan.activation_bytes(),
            steps: steps(plan),
            weights: plan.weights.iter().map(WeightRow::from).collect(),
        }
    }
}

impl SweepPlan {
    /// The experiments of a sweep.
    pub fn of(sweep: &Experiments) -> Self {
        let (sweep_name, seeds) = (sweep.name.clone(), sweep.seeds.clone());
        Self { sweep: sweep_name, seeds, experiments: experiments(sweep) }
    }
}

fn step_row(plan: &Plan, step: &Step) -> StepRow {
    let scope = &plan.scopes[step.scope];
    let (stage, layer) = place(scope);
    StepRow {
        name: step.path.clone(),
        operation: step.op.name().into(),
        fields: Fields(fields::values(&step.op)),
        inputs: Names(step.inputs.iter().map(|&input| plan.name(input).into()).collect()),
        shape: step.shape.into(),
        params: plan.params_of(step),
        macs: step.macs,
        activation_bytes: plan.activation_bytes_of(step),
        stage,
        layer,
        block: scope.file.clone(),
    }
}

fn place(scope: &Scope) -> (String, Option<u32>) {
    match &scope.part {
        Part::Stem => ("stem".into(), None),
        Part::Stage { name, layer, .. } => (name.clone(), Some(*layer)),
        Part::Head => ("head".into(), None),
    }
}
