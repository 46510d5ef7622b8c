//! One block as it is drawn, from its rows and lanes to numbers.

use std::collections::BTreeMap;

use crate::plan::Plan;

use super::fold::{Block, Run, wiring};
use super::label;
use super::node::{JOIN, Node, PAD};
use super::scene::{Anchor, Item, Look, Point};
use super::tracks::{Bus, Tracks, Wires};

/// Between rows, at least.
const GAP: f64 = 10.0;
/// Between lines of different values in one gap.
const STEP: f64 = 7.0;
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
    /// Room above each row for lines that come into its joins from above.
    above: Vec<f64>,
    /// How many lines leave each node sideways before its own, in its row.
    forks: BTreeMap<usize, usize>,
    size: Point,
}

/// Draws the blocks of a run as one, without a frame.
pub fn draw(plan: &Plan, run: &Run) -> Drawn {
    let layout = Layout::of(plan, run);
    let mut items = layout.lines();
    items.extend(layout.dots());
    items.extend(layout.shapes());
    for (index, node) in layout.nodes.iter().enumerate() {
        // In other lanes than the first, lines may come from where a join's name would stand.
        let room = if layout.tracks.lane[index + 1] == 0 { layout.lanes[0] - 20.0 } else { 0.0 };
        items.push(node.drawn(layout.middle(index + 1), room));
    }
    let exit = layout.lanes[layout.tracks.lane[layout.wires.exit]];
    Drawn { size: layout.size, entry: layout.lanes[0], exit, items }
}

impl Layout {
    fn of(plan: &Plan, run: &Run) -> Self {
        let wires = wires(plan, run.first());
        let nodes = (0..run.first().steps.len()).map(|at| Node::of(plan, run, at)).collect();
        let entry = |block: &Block| label::shape(plan.shape(block.entry));
        let mut layout = Self {
            nodes,
            tracks: Tracks::of(&wires),
            wires,
            entry: label::range(&entry(run.first()), &entry(run.last())),
            lanes: Vec::new(),
            rows: Vec::new(),
            above: Vec::new(),
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
        self.above = vec![0.0; last + 2];
        for bus in &self.tracks.buses {
            for &join in bus.joins.iter().filter(|&&join| self.tracks.detours(bus, join)) {
                self.above[self.tracks.row[join]] = 8.0;
            }
        }
        let mut top = 0.0;
        for row in 0..=last {
            self.rows.push((top, heights[row]));
            top += heights[row] + GAP + forks[row] as f64 * STEP + texts[row];
            top += self.above[row + 1];
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
        self.tracks.buses.iter().for_each(|bus| lines.extend(self.bus(bus)));
        let end = self.bottom(self.wires.exit);
        lines.push(Item::Line { points: vec![end, (end.0, self.size.1)], arrow: false });
        lines
    }

    /// A value on its way to joins: one line to the last, and a branch to each of the others.
    fn bus(&self, bus: &Bus) -> Vec<Item> {
        let (from, x, turn) =
            (self.bottom(bus.source), self.lanes[bus.lane], self.turn(bus.source));
        let mut stem = vec![from];
        if from.0 != x {
            stem.extend([(from.0, turn), (x, turn)]);
        }
        let mut lines = Vec::new();
        for (index, &join) in bus.joins.iter().enumerate() {
            let end = self.to_join(bus, join);
            let is_last = index + 1 == bus.joins.len();
            let start = if is_last { stem.clone() } else { Vec::new() };
            if !is_last {
                lines.push(Item::Circle { at: (x, end[0].1), radius: 2.2, class: "a" });
            }
            lines.push(Item::arrow(start.into_iter().chain(end).collect()));
        }
        lines
    }

    /// From the lane of a bus into a join: from the side, or from above where a node is in the way.
    fn to_join(&self, bus: &Bus, join: usize) -> Vec<Point> {
        let (x, (middle, y)) = (self.lanes[bus.lane], self.middle(join));
        let side = if x < middle { -1.0 } else { 1.0 };
        if !self.tracks.detours(bus, join) {
            return vec![(x, y), (middle + side * JOIN, y)];
        }
        let above = self.rows[self.tracks.row[join]].0 - 5.0;
        let aside = middle + side * JOIN * 0.6;
        vec![(x, above), (aside, above), (aside, y - JOIN * 0.8)]
    }

    /// Dots where a value goes on in two directions.
    fn dots(&self) -> Vec<Item> {
        let straight = |node: usize| {
            let lane = &self.tracks.lane;
            let below =
                |&other: &usize| self.tracks.parent[other] == node && lane[other] == lane[node];
            node == self.wires.exit || (1..lane.len()).any(|other| below(&other))
        };
        let forks = self.forks.keys().copied().filter(|&node| straight(node));
        let dot = |node: usize| (self.middle(node).0, self.turn(node));
        forks.map(|node| Item::Circle { at: dot(node), radius: 2.2, class: "a" }).collect()
    }

    /// The shapes beside the lines that leave the nodes.
    fn shapes(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for node in (0..self.tracks.row.len()).filter(|&node| !self.shape(node).is_empty()) {
            let (top, height) = self.rows[self.tracks.row[node]];
            let row = self.tracks.row[node];
            let below = self.rows.get(row + 1).map_or(self.size.1, |next| next.0);
            let below = below - self.above[row + 1];
            let at = (self.lanes[self.tracks.lane[node]] - 6.0, (below - 6.0).max(top + height));
            items.push(Item::text(at, Anchor::End, Look::Small, self.shape(node)));
        }
        items
    }
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
