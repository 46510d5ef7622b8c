//! What of a network is drawn: its parts in order, and blocks that repeat as one.

use std::ops::Range;

use crate::graph::{Part, Scope};
use crate::op::{Op, Shape};
use crate::plan::{Plan, Step, ValueId};

use super::Unfold;

/// More drawn blocks in one stage than this, and blocks that differ in numbers alone are drawn as
/// one too.
const MOST: usize = 3;

/// A part of a network: the stem, a stage, or the head.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What the network calls it: `layer2`, `stem`, `head`.
    pub name: String,
    /// Its steps.
    pub steps: Range<usize>,
    /// Its blocks as they are drawn.
    pub runs: Vec<Run>,
}

/// Blocks in a row that are drawn as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The blocks; one at least.
    pub blocks: Vec<Block>,
}

/// A block: a range of steps that reads one value and makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its steps.
    pub steps: Range<usize>,
    /// What it reads.
    pub entry: ValueId,
    /// What it makes.
    pub exit: ValueId,
}

impl Group {
    /// How many blocks it has, drawn or not.
    pub fn blocks(&self) -> usize {
        self.runs.iter().map(|run| run.blocks.len()).sum()
    }

    /// The part of the network that its first block is.
    pub fn scope<'a>(&self, plan: &'a Plan) -> &'a Scope {
        &plan.scopes[plan.steps[self.steps.start].scope]
    }
}

impl Run {
    /// The block that is drawn.
    pub fn first(&self) -> &Block {
        &self.blocks[0]
    }

    /// The last of the blocks that the drawn one stands for.
    pub fn last(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
    }
}

/// The parts of a network, blocks that repeat folded but where `unfold` says otherwise.
pub fn groups(plan: &Plan, unfold: &Unfold) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for block in blocks(plan) {
        let scope = &plan.scopes[plan.steps[block.steps.start].scope];
        let name = part_name(scope);
        let run = Run { blocks: vec![block.clone()] };
        match groups.last_mut().filter(|group| group.name == name) {
            Some(group) => {
                group.steps.end = block.steps.end;
                group.runs.push(run);
            }
            None => groups.push(Group { name, steps: block.steps, runs: vec![run] }),
        }
    }
    for group in groups.iter_mut().filter(|group| !unfold.covers(&group.name)) {
        group.runs = fold(std::mem::take(&mut group.runs), |block| exact(plan, block));
        if group.runs.len() > MOST {
            group.runs = fold(std::mem::take(&mut group.runs), |block| alike(plan, block));
        }
    }
    groups
}

/// What the part of a scope is called.
pub fn part_name(scope: &Scope) -> String {
    match &scope.part {
        Part::Stem => "stem".into(),
        Part::Stage { name, .. } => name.clone(),
        Part::Head => "head".into(),
    }
}

/// The start of a block's paths, which all names in the block drop.
pub fn local_name(plan: &Plan, step: &Step) -> String {
    let prefix = &plan.scopes[step.scope].path;
    let rest = step.path.strip_prefix(prefix.as_str()).filter(|_| !prefix.is_empty());
    rest.and_then(|rest| rest.strip_prefix('.')).unwrap_or(&step.path).into()
}

/// The steps cut where the part of the network changes.
fn blocks(plan: &Plan) -> Vec<Block> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        match ranges.last_mut().filter(|range| plan.steps[range.start].scope == step.scope) {
            Some(range) => range.end = index + 1,
            None => ranges.push(index..index + 1),
        }
    }
    let mut blocks: Vec<Block> = ranges
        .into_iter()
        .map(|steps| Block { entry: entry(plan, &steps), exit: 0, steps })
        .collect();
    for index in 0..blocks.len() {
        let read = blocks.get(index + 1).map_or(plan.output, |next| next.entry);
        let steps = &blocks[index].steps;
        blocks[index].exit = if steps.contains(&read.wrapping_sub(1)) { read } else { steps.end };
    }
    blocks
}

/// The latest value that steps read and do not make.
fn entry(plan: &Plan, steps: &Range<usize>) -> ValueId {
    let read = plan.steps[steps.clone()].iter().flat_map(|step| &step.inputs);
    read.copied().filter(|value| *value <= steps.start).max().unwrap_or(steps.start)
}

/// Joins neighbours of one signature.
fn fold<S: PartialEq>(runs: Vec<Run>, signature: impl Fn(&Block) -> S) -> Vec<Run> {
    let mut folded: Vec<(S, Run)> = Vec::new();
    for run in runs {
        let own = signature(run.first());
        match folded.last_mut().filter(|(last, _)| *last == own) {
            Some((_, last)) => last.blocks.extend(run.blocks),
            None => folded.push((own, run)),
        }
    }
    folded.into_iter().map(|(_, run)| run).collect()
}

/// The inputs of a block's step: 0 is what the block reads, `i + 1` its step `i`.
pub fn wiring(block: &Block, step: &Step) -> Vec<usize> {
    step.inputs.iter().map(|input| input.saturating_sub(block.steps.start)).collect()
}

type Exact<'a> = (Shape, Vec<(String, &'a Op, Vec<usize>, Shape)>);

fn exact<'a>(plan: &'a Plan, block: &Block) -> Exact<'a> {
    let steps = plan.steps[block.steps.clone()].iter();
    let of = |step: &'a Step| (local_name(plan, step), &step.op, wiring(block, step), step.shape);
    (plan.shape(block.entry), steps.map(of).collect())
}

fn alike(plan: &Plan, block: &Block) -> Vec<(String, &'static str, Vec<usize>)> {
    let steps = plan.steps[block.steps.clone()].iter();
    steps.map(|step| (local_name(plan, step), step.op.name(), wiring(block, step))).collect()
}
