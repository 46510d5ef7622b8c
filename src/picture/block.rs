//! One block as it is drawn, from its rows and lanes to numbers.

use std::collections::BTreeMap;

use crate::plan::{Plan, Step, fields};

use super::fold::{Block, Run, local_name, wiring};
use super::label::{self, Kind};
use super::scene::{Anchor, Item, Look, Point};
use super::text;
use super::tracks::{Tracks, Wires};

/// Between a box and what is written in it.
const PAD: f64 = 8.0;
/// The longest text in a node; longer ones are cut.
const LONGEST: f64 = 260.0;
/// Between rows, at least.
const GAP: f64 = 10.0;
/// Between lines of different values in one gap.
const STEP: f64 = 7.0;
/// Of the circle of a join.
const JOIN: f64 = 9.0;
/// Of a lane with lines alone.
const NARROW: f64 = 24.0;

/// A drawn block: its upper left corner is the page's until it is moved.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Width and height.
    pub size: Point,
    /// Where a line comes in from above, from the left.
    pub entry: f64,
    /// Where a line goes out below, from the left.
    pub exit: f64,
    /// What it consists of, back to front.
    pub items: Vec<Item>,
}

/// A node with its texts and its size.
struct Node {
    kind: Kind,
    name: String,
    operation: String,
    costs: String,
    title: String,
    sign: &'static str,
    /// The shape of its result where that is not its input's.
    shape: String,
    size: Point,
}

/// A block while it is laid out.
struct Layout {
    /// Of the steps; node `i` of the tracks is node `i - 1` here.
    nodes: Vec<Node>,
    tracks: Tracks,
    wires: Wires,
    /// The shape of what the block reads.
    entry: String,
    /// Middle of each lane, from the left.
    lanes: Vec<f64>,
    /// Top and height of each row.
    rows: Vec<(f64, f64)>,
    /// How many lines leave each node sideways before its own, in its row.
    forks: BTreeMap<usize, usize>,
    size: Point,
}

/// Draws the blocks of a run as one, without a frame.
pub fn draw(plan: &Plan, run: &Run) -> Drawn {
    let layout = Layout::of(plan, run);
    let mut items = layout.lines();
    items.extend(layout.shapes());
    items.extend((0..layout.nodes.len()).map(|index| layout.node(index)));
    let exit = layout.lanes[layout.tracks.lane[layout.wires.exit]];
    Drawn { size: layout.size, entry: layout.lanes[0], exit, items }
}

impl Layout {
    fn of(plan: &Plan, run: &Run) -> Self {
        let wires = wires(plan, run.first());
        let nodes = (0..run.first().steps.len()).map(|at| node(plan, run, at)).collect();
        let entry = |block: &Block| label::shape(plan.shape(block.entry));
        let mut layout = Self {
            nodes,
            tracks: Tracks::of(&wires),
            wires,
            entry: label::range(&entry(run.first()), &entry(run.last())),
            lanes: Vec::new(),
            rows: Vec::new(),
            forks: BTreeMap::new(),
            size: (0.0, 0.0),
        };
        layout.place_lanes();
        layout.count_forks();
        layout.place_rows();
        layout
    }

    fn place_lanes(&mut self) {
        let used = self.tracks.lane.iter().chain(self.tracks.buses.iter().map(|bus| &bus.lane));
        let mut widths = vec![NARROW; used.max().map_or(1, |last| last + 1)];
        for (index, node) in self.nodes.iter().enumerate() {
            let half = (node.size.0 / 2.0).max(self.shape_width(index + 1) + 2.0 * PAD);
            let width = &mut widths[self.tracks.lane[index + 1]];
            *width = width.max(2.0 * half);
        }
        widths[0] = widths[0].max(2.0 * (self.shape_width(0) + 2.0 * PAD));
        let mut left = 0.0;
        for width in widths {
            self.lanes.push(left + width / 2.0);
            left += width + PAD;
        }
        self.size.0 = left - PAD;
    }

    fn shape_width(&self, node: usize) -> f64 {
        Look::Small.width(self.shape(node))
    }

    fn shape(&self, node: usize) -> &str {
        node.checked_sub(1).map_or(&self.entry, |index| &self.nodes[index].shape)
    }

    /// Numbers the nodes of each row that have lines to other lanes, so that each has a height of
    /// its own to turn at.
    fn count_forks(&mut self) {
        let turning: Vec<usize> =
            (0..self.tracks.row.len()).filter(|&node| self.turns(node)).collect();
        let mut counts = BTreeMap::new();
        for node in turning {
            let count = counts.entry(self.tracks.row[node]).or_insert(0);
            self.forks.insert(node, *count);
            *count += 1;
        }
    }

    /// Whether a line leaves a node sideways.
    fn turns(&self, node: usize) -> bool {
        let lane = &self.tracks.lane;
        let child = |other: usize| other != 0 && self.tracks.parent[other] == node;
        self.tracks.buses.iter().any(|bus| bus.source == node && bus.lane != lane[node])
            || (0..lane.len()).any(|other| child(other) && lane[other] != lane[node])
    }

    fn place_rows(&mut self) {
        let last = self.tracks.row.iter().max().copied().unwrap_or(0);
        let mut heights = vec![0.0_f64; last + 1];
        let (mut forks, mut texts) = (vec![0_usize; last + 1], vec![0.0_f64; last + 1]);
        for (node, &row) in self.tracks.row.iter().enumerate() {
            if let Some(index) = node.checked_sub(1) {
                heights[row] = heights[row].max(self.nodes[index].size.1);
            }
            forks[row] += usize::from(self.forks.contains_key(&node));
            if !self.shape(node).is_empty() {
                texts[row] = Look::Small.size() + 3.0;
            }
        }
        let mut top = 0.0;
        for row in 0..=last {
            self.rows.push((top, heights[row]));
            top += heights[row] + GAP + forks[row] as f64 * STEP + texts[row];
        }
        self.size.1 = top;
    }

    /// The middle of a node.
    fn middle(&self, node: usize) -> Point {
        let (top, height) = self.rows[self.tracks.row[node]];
        (self.lanes[self.tracks.lane[node]], top + height / 2.0)
    }

    fn height(&self, node: usize) -> f64 {
        node.checked_sub(1).map_or(0.0, |index| self.nodes[index].size.1)
    }

    fn top(&self, node: usize) -> Point {
        let (x, y) = self.middle(node);
        (x, y - self.height(node) / 2.0)
    }

    fn bottom(&self, node: usize) -> Point {
        let (x, y) = self.middle(node);
        (x, y + self.height(node) / 2.0)
    }

    /// Where the lines of a node turn sideways.
    fn turn(&self, node: usize) -> f64 {
        let (top, height) = self.rows[self.tracks.row[node]];
        let before = self.forks.get(&node).copied().unwrap_or(0) as f64;
        top + height + 5.0 + before * STEP
    }

    fn lines(&self) -> Vec<Item> {
        let mut lines = Vec::new();
        for node in 1..self.tracks.row.len() {
            let parent = self.tracks.parent[node];
            let (from, to) = (self.bottom(parent), self.top(node));
            let points = match self.turn(parent) {
                _ if from.0 == to.0 => vec![from, to],
                turn => vec![from, (from.0, turn), (to.0, turn), to],
            };
            lines.push(Item::arrow(points));
        }
        for bus in &self.tracks.buses {
            let (from, x) = (self.bottom(bus.source), self.lanes[bus.lane]);
            for &join in &bus.joins {
                let (middle, y) = self.middle(join);
                let end = (if x < middle { middle - JOIN } else { middle + JOIN }, y);
                let mut points = vec![from];
                if from.0 != x {
                    let turn = self.turn(bus.source);
                    points.extend([(from.0, turn), (x, turn)]);
                }
                points.extend([(x, y), end]);
                lines.push(Item::arrow(points));
            }
        }
        let end = self.bottom(self.wires.exit);
        lines.push(Item::Line { points: vec![end, (end.0, self.size.1)], arrow: false });
        lines
    }

    /// The shapes beside the lines that leave the nodes.
    fn shapes(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for node in (0..self.tracks.row.len()).filter(|&node| !self.shape(node).is_empty()) {
            let (top, height) = self.rows[self.tracks.row[node]];
            let row = self.tracks.row[node];
            let below = self.rows.get(row + 1).map_or(self.size.1, |next| next.0);
            let at = (self.lanes[self.tracks.lane[node]] - 6.0, (below - 6.0).max(top + height));
            items.push(Item::text(at, Anchor::End, Look::Small, self.shape(node)));
        }
        items
    }

    fn node(&self, index: usize) -> Item {
        let node = &self.nodes[index];
        let middle = self.middle(index + 1);
        let items = match node.kind {
            Kind::Join => self.join(index, middle),
            _ => rectangle(node, middle),
        };
        let class = format!("n {}", node.kind.class());
        Item::Group { class, title: node.title.clone(), items }
    }

    fn join(&self, index: usize, (x, y): Point) -> Vec<Item> {
        let node = &self.nodes[index];
        let mut items = vec![
            Item::Circle { at: (x, y), radius: JOIN, class: "" },
            Item::text((x, y + 4.5), Anchor::Middle, Look::Sign, node.sign),
        ];
        // In the other lanes lines may come from the left.
        if self.tracks.lane[index + 1] == 0 {
            let name = text::fitted(&node.name, 9.5, text::Weight::Regular, self.lanes[0] - 20.0);
            items.push(Item::text((x - 15.0, y + 3.5), Anchor::End, Look::Small, name));
        }
        items
    }
}

fn rectangle(node: &Node, (x, y): Point) -> Vec<Item> {
    let (width, height) = node.size;
    let (left, top) = (x - width / 2.0, y - height / 2.0);
    let start = left + PAD;
    let base = if node.kind.is_slim() { y + 4.0 } else { top + 14.0 };
    let after = start + Look::Name.width(&node.name) + 5.0;
    let mut items = vec![
        Item::Box { at: (left, top), size: node.size, radius: 4.0, class: "" },
        Item::text((start, base), Anchor::Start, Look::Name, &node.name),
        Item::text((after, base), Anchor::Start, Look::Operation, &node.operation),
    ];
    if !node.costs.is_empty() {
        let at = if node.kind.is_slim() {
            (after + Look::Operation.width(&node.operation) + 6.0, base)
        } else {
            (start, top + 27.0)
        };
        items.push(Item::text(at, Anchor::Start, Look::Small, &node.costs));
    }
    items
}

fn wires(plan: &Plan, block: &Block) -> Wires {
    let steps = &plan.steps[block.steps.clone()];
    let mut wires = Wires {
        inputs: vec![Vec::new()],
        main: vec![Vec::new()],
        exit: block.exit.saturating_sub(block.steps.start),
    };
    for step in steps {
        let fits = |&input: &usize| plan.shape(input) == step.shape;
        let some = step.inputs.iter().any(fits);
        wires.inputs.push(wiring(block, step));
        wires.main.push(step.inputs.iter().map(|input| !some || fits(input)).collect());
    }
    wires
}

/// The node that stands for one step of every block of a run.
fn node(plan: &Plan, run: &Run, at: usize) -> Node {
    let step = |block: &Block| &plan.steps[block.steps.start + at];
    let (first, last) = (step(run.first()), step(run.last()));
    let both = |tell: &dyn Fn(&Step) -> String| label::range(&tell(first), &tell(last));
    let changes = |step: &Step| plan.shape(step.inputs[0]) != step.shape;
    let kind = Kind::of(plan, first);
    let cut = |text: String, look: Look| text::fitted(&text, look.size(), look.weight(), LONGEST);
    let mut node = Node {
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
