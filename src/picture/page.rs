//! The page: title, input, the parts of the network from top to bottom, output, legend.

use crate::plan::Plan;

use super::fold::Group;
use super::frame::{Framed, PAD};
use super::label::{self, Kind};
use super::legend;
use super::scene::{Anchor, Item, Look, Point};
use super::text;

/// Around everything.
const MARGIN: f64 = 20.0;
/// Left of a block, where the line comes in.
const CHANNEL: f64 = 24.0;
/// Of the title of a stage.
const STAGE_TITLE: f64 = 44.0;
/// Between rows of blocks, and between parts.
const BETWEEN: f64 = 30.0;
/// Rows of blocks are broken where they would be wider, pixels.
const WIDE: f64 = 1400.0;

/// A picture that is ready to be written.
#[derive(Debug)]
pub struct Page {
    /// Width and height.
    pub size: Point,
    /// Back to front.
    pub items: Vec<Item>,
}

/// The page while it grows downwards.
struct Builder<'a> {
    plan: &'a Plan,
    items: Vec<Item>,
    y: f64,
    width: f64,
    /// Where the latest value comes out.
    end: Point,
    /// How low its line turns sideways.
    turn: f64,
    /// Which items are the frames of parts.
    frames: Vec<usize>,
}

/// Lays out a network.
pub fn lay_out(plan: &Plan, title: &str, groups: &[Group]) -> Page {
    let mut builder = Builder {
        plan,
        items: Vec::new(),
        y: MARGIN,
        width: 0.0,
        end: (MARGIN, MARGIN),
        turn: MARGIN,
        frames: Vec::new(),
    };
    builder.head(title);
    for group in groups {
        builder.group(group);
    }
    builder.widen();
    builder.tail();
    builder.legend();
    Page { size: (builder.width + MARGIN, builder.y + MARGIN), items: builder.items }
}

/// What the picture shows, in a line.
pub fn summary(plan: &Plan) -> String {
    format!(
        "{} → {}  ·  {}  ·  {}B of activations per image",
        label::shape(plan.input),
        label::shape(plan.shape(plan.output)),
        label::costs(plan.params(), plan.macs()),
        label::spaced(plan.activation_bytes()),
    )
}

impl Builder<'_> {
    fn head(&mut self, title: &str) {
        let summary = summary(self.plan);
        for (look, line) in [(Look::Title, title), (Look::Small, summary.as_str())] {
            self.y += look.size();
            let line = text::fitted(line, look.size(), look.weight(), WIDE);
            self.width = self.width.max(MARGIN + look.width(&line));
            self.items.push(Item::text((MARGIN, self.y), Anchor::Start, look, line));
            self.y += 5.0;
        }
        self.y += 10.0;
        self.pill("input", self.plan.input);
    }

    /// Makes the frames of all parts as wide as the widest.
    fn widen(&mut self) {
        let width = self.width - MARGIN;
        for &frame in &self.frames {
            let Item::Group { items, .. } = &mut self.items[frame] else { continue };
            for item in items {
                if let Item::Box { size, .. } = item {
                    size.0 = width;
                }
            }
        }
    }

    fn tail(&mut self) {
        self.y += BETWEEN - 4.0;
        let left = MARGIN + CHANNEL / 2.0 + 4.0;
        let turns = [(self.end.0, self.turn), (left, self.turn), (left, self.y)];
        let mut points = vec![self.end];
        points.extend(turns);
        self.items.push(Item::arrow(points));
        self.pill("output", self.plan.shape(self.plan.output));
    }

    /// Input or output.
    fn pill(&mut self, what: &str, shape: crate::op::Shape) {
        let name = Look::Name.width(what) + 6.0;
        let shape = label::shape(shape);
        let width = name + Look::Operation.width(&shape) + 24.0;
        let at = (MARGIN, self.y);
        self.items.push(Item::Box { at, size: (width, 22.0), radius: 11.0, class: "pill" });
        let (x, y) = (at.0 + 12.0, at.1 + 15.0);
        self.items.push(Item::text((x, y), Anchor::Start, Look::Name, what));
        self.items.push(Item::text((x + name, y), Anchor::Start, Look::Operation, shape));
        self.width = self.width.max(at.0 + width);
        self.end = (MARGIN + CHANNEL / 2.0 + 4.0, self.y + 22.0);
        self.y += 22.0;
        self.turn = self.y + 9.0;
    }

    /// A part of the network in its frame.
    fn group(&mut self, group: &Group) {
        self.y += BETWEEN - 8.0;
        let frame = self.items.len();
        let top = self.y;
        let (name, about) = titles(self.plan, group);
        let at = MARGIN + CHANNEL + 10.0;
        self.items.push(Item::text((at, top + 19.0), Anchor::Start, Look::Stage, &name));
        self.items.push(Item::text((at, top + 34.0), Anchor::Start, Look::Small, &about));
        let mut right = at + Look::Stage.width(&name).max(Look::Small.width(&about));
        self.y += STAGE_TITLE;
        let blocks: Vec<Framed> = group.runs.iter().map(|run| Framed::of(self.plan, run)).collect();
        let mut row = 0;
        while row < blocks.len() {
            let end = row_end(&blocks, row);
            self.y += if row > 0 { BETWEEN + 4.0 } else { 8.0 };
            right = right.max(self.row(&blocks[row..end], row == 0));
            row = end;
        }
        self.y += PAD + 8.0;
        self.turn = self.y + BETWEEN / 2.0 - 4.0;
        let size = (right + PAD - MARGIN, self.y - top);
        self.width = self.width.max(MARGIN + size.0);
        let item = Item::Box { at: (MARGIN, top), size, radius: 10.0, class: "" };
        let title = format!("{name}\n{about}");
        self.frames.push(frame);
        self.items.insert(frame, Item::Group { class: "stage".into(), title, items: vec![item] });
    }

    /// Blocks side by side; returns where they end.
    fn row(&mut self, blocks: &[Framed], first: bool) -> f64 {
        let tallest = blocks.iter().map(|block| block.size.1).fold(0.0, f64::max);
        let mut left = MARGIN;
        for (index, block) in blocks.iter().enumerate() {
            let channel = left + CHANNEL / 2.0 + 4.0;
            left += CHANNEL + PAD;
            let entry = (left + block.entry, self.y);
            // Nothing stands between two rows, so the line needs no channel there.
            let channel = (first || index > 0).then_some(channel);
            self.connect(channel, entry, block.framed);
            self.turn = self.y + tallest + 8.0;
            let at = (left, self.y);
            self.items.extend(block.items.iter().map(|item| item.clone().moved(at)));
            self.end = (left + block.exit, self.y + block.size.1);
            left += block.size.0;
        }
        self.y += tallest;
        // The line to the next row is apart from those within this one.
        self.turn = self.y + 19.0;
        left
    }

    /// The line from the latest value to a block, through the channel on its left if there is one.
    fn connect(&mut self, channel: Option<f64>, entry: Point, arrow: bool) {
        let above = entry.1 - 9.0;
        let mut points = vec![self.end, (self.end.0, self.turn)];
        if let Some(channel) = channel {
            points.extend([(channel, self.turn), (channel, above), (entry.0, above)]);
        } else {
            points.push((entry.0, self.turn));
        }
        points.push(entry);
        self.items.push(Item::Line { points, arrow });
    }

    fn legend(&mut self) {
        let used = |kind: &Kind| self.plan.steps.iter().any(|s| Kind::of(self.plan, s) == *kind);
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(used).collect();
        let limit = self.width.max(MARGIN + 420.0);
        let mut x = MARGIN;
        self.y += 30.0;
        for kind in kinds {
            let words = legend::words(self.plan, kind);
            let width = 16.0 + Look::Small.width(&words) + 16.0;
            if x > MARGIN && x + width > limit {
                (x, self.y) = (MARGIN, self.y + 18.0);
            }
            self.items.push(legend::entry(kind, words, (x, self.y)));
            x += width;
            self.width = self.width.max(x - 16.0);
        }
    }
}

/// How many of the blocks from one on stand in one row.
fn row_end(blocks: &[Framed], start: usize) -> usize {
    let mut right = MARGIN;
    for (index, block) in blocks.iter().enumerate().skip(start) {
        right += CHANNEL + PAD + block.size.0;
        if index > start && right > WIDE {
            return index;
        }
    }
    blocks.len()
}

/// Title and explanation of a part.
fn titles(plan: &Plan, group: &Group) -> (String, String) {
    let (blocks, scope) = (group.blocks(), group.scope(plan));
    let steps = &plan.steps[group.steps.clone()];
    let params = steps.iter().map(|step| plan.params_of(step)).sum();
    let macs = steps.iter().map(|step| step.macs).fold(0, u64::saturating_add);
    let exit = group.runs[group.runs.len() - 1].last().exit;
    let shape = format!("→ {}", label::shape(plan.shape(exit)));
    let count = match (&scope.part, blocks) {
        (crate::graph::Part::Stage { .. }, 1) => Some("1 block".to_string()),
        (crate::graph::Part::Stage { .. }, blocks) => Some(format!("{blocks} blocks")),
        _ => None,
    };
    let costs = Some(label::costs(params, macs)).filter(|costs| !costs.is_empty());
    let file = Some(files(plan, group)).filter(|files| !files.is_empty());
    let parts: Vec<String> = [count, file, Some(shape), costs].into_iter().flatten().collect();
    (text::fitted(&group.name, 13.0, text::Weight::Bold, 600.0), parts.join("  ·  "))
}

/// The files of a part's blocks, each once.
fn files(plan: &Plan, group: &Group) -> String {
    let mut files: Vec<&str> = Vec::new();
    for block in group.runs.iter().flat_map(|run| &run.blocks) {
        let scope = &plan.scopes[plan.steps[block.steps.start].scope];
        if let Some(file) = scope.file.as_deref().filter(|file| !files.contains(file)) {
            files.push(file);
        }
    }
    text::fitted(&files.join(", "), Look::Small.size(), Look::Small.weight(), 400.0)
}
