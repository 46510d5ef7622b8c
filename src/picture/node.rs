//! One node as it is drawn: a box with texts, or the circle of a join.

use crate::plan::{Plan, Step, fields};

use super::fold::{Block, Run, local_name};
use super::label::{self, Kind};
use super::scene::{Anchor, Item, Look, Point};
use super::text;

/// Between a box and what is written in it.
pub const PAD: f64 = 8.0;
/// Radius of the circle of a join.
pub const JOIN: f64 = 9.0;
/// The longest text in a node; longer ones are cut.
const LONGEST: f64 = 260.0;

/// A node with its texts and its size.
#[derive(Debug, Clone)]
pub struct Node {
    kind: Kind,
    name: String,
    operation: String,
    costs: String,
    title: String,
    sign: &'static str,
    /// The shape of its result where that is not its input's.
    pub shape: String,
    /// Width and height.
    pub size: Point,
}

impl Node {
    /// The node that stands for one step of every block of a run.
    pub fn of(plan: &Plan, run: &Run, at: usize) -> Self {
        let step = |block: &Block| &plan.steps[block.steps.start + at];
        let (first, last) = (step(run.first()), step(run.last()));
        let both = |tell: &dyn Fn(&Step) -> String| label::range(&tell(first), &tell(last));
        let changes = |step: &Step| plan.shape(step.inputs[0]) != step.shape;
        let kind = Kind::of(plan, first);
        let cut =
            |text: String, look: Look| text::fitted(&text, look.size(), look.weight(), LONGEST);
        let mut node = Self {
            kind,
            name: cut(local_name(plan, first), Look::Name),
            operation: cut(both(&|step| label::operation(&step.op)), Look::Operation),
            costs: cut(both(&|step| label::costs(plan.params_of(step), step.macs)), Look::Small),
            title: title(plan, first) + &told(run.blocks.len()),
            sign: label::sign(&first.op),
            shape: String::new(),
            size: (2.0 * JOIN, 2.0 * JOIN),
        };
        if changes(first) || changes(last) {
            node.shape = both(&|step| label::shape(step.shape));
        }
        if kind != Kind::Join {
            node.size = size(&node);
        }
        node
    }

    /// The node with its middle here. A join's name stands on its left where there is room.
    pub fn drawn(&self, middle: Point, room: f64) -> Item {
        let items = match self.kind {
            Kind::Join => self.circle(middle, room),
            _ => self.rectangle(middle),
        };
        let class = format!("n {}", self.kind.class());
        Item::Group { class, title: self.title.clone(), items }
    }

    fn circle(&self, (x, y): Point, room: f64) -> Vec<Item> {
        let mut items = vec![
            Item::Circle { at: (x, y), radius: JOIN, class: "" },
            Item::text((x, y + 4.5), Anchor::Middle, Look::Sign, self.sign),
        ];
        if room > 0.0 {
            let name = text::fitted(&self.name, Look::Small.size(), Look::Small.weight(), room);
            items.push(Item::text((x - 15.0, y + 3.5), Anchor::End, Look::Small, name));
        }
        items
    }

    fn rectangle(&self, (x, y): Point) -> Vec<Item> {
        let (width, height) = self.size;
        let (left, top) = (x - width / 2.0, y - height / 2.0);
        let start = left + PAD;
        let base = if self.kind.is_slim() { y + 4.0 } else { top + 14.0 };
        let after = start + Look::Name.width(&self.name) + 5.0;
        let mut items = vec![
            Item::Box { at: (left, top), size: self.size, radius: 4.0, class: "" },
            Item::text((start, base), Anchor::Start, Look::Name, &self.name),
            Item::text((after, base), Anchor::Start, Look::Operation, &self.operation),
        ];
        if !self.costs.is_empty() {
            let at = if self.kind.is_slim() {
                (after + Look::Operation.width(&self.operation) + 6.0, base)
            } else {
                (start, top + 27.0)
            };
            items.push(Item::text(at, Anchor::Start, Look::Small, &self.costs));
        }
        items
    }
}

fn size(node: &Node) -> Point {
    let line = Look::Name.width(&node.name) + 5.0 + Look::Operation.width(&node.operation);
    let costs = if node.costs.is_empty() { 0.0 } else { Look::Small.width(&node.costs) };
    if node.kind.is_slim() {
        let aside = if costs > 0.0 { costs + 6.0 } else { 0.0 };
        return (line + aside + 2.0 * PAD, 20.0);
    }
    let height = if costs > 0.0 { 33.0 } else { 21.0 };
    (line.max(costs) + 2.0 * PAD, height)
}

/// All that is known of a step, a line each.
pub fn title(plan: &Plan, step: &Step) -> String {
    let fields = fields(&step.op).into_iter().map(|(name, value)| format!("{name}: {value}"));
    let fields = fields.collect::<Vec<_>>().join(", ");
    let names = step.inputs.iter().map(|&input| plan.name(input)).collect::<Vec<_>>().join(", ");
    format!(
        "{}\n{}({fields})\nreads {names}\nmakes {}\n{} parameters, {} MACs",
        step.path,
        step.op.name(),
        step.shape,
        plan.params_of(step),
        step.macs
    )
}

fn told(blocks: usize) -> String {
    match blocks {
        1 => String::new(),
        _ => format!("\nthe first of {blocks} blocks that are drawn as one"),
    }
}
