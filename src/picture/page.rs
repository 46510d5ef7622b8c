//! The page: title, input, the parts of the network from top to bottom, output, legend.

use crate::plan::Plan;

use super::block::{self, Drawn};
use super::fold::{Group, Run};
use super::label::{self, Kind};
use super::scene::{Anchor, Item, Look, Point};
use super::text;

/// Around everything.
const MARGIN: f64 = 20.0;
/// Within the frame of a block.
const PAD: f64 = 10.0;
/// Left of a block, where the line comes in.
const CHANNEL: f64 = 24.0;
/// Of the title of a block.
const BLOCK_TITLE: f64 = 36.0;
/// Of the title of a stage.
const STAGE_TITLE: f64 = 44.0;
/// Between rows of blocks, and between parts.
const BETWEEN: f64 = 30.0;
/// Rows of blocks are broken where they would be wider, pixels.
const WIDE: f64 = 1180.0;

/// A picture that is ready to be written.
#[derive(Debug)]
pub struct Page {
    /// Width and height.
    pub size: Point,
    /// Back to front.
    pub items: Vec<Item>,
}

/// A block with its frame.
struct Framed {
    size: Point,
    entry: f64,
    exit: f64,
    items: Vec<Item>,
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
        "{} → {}  ·  {}  ·  {} of activations per image",
        label::shape(plan.input),
        label::shape(plan.shape(plan.output)),
        label::costs(plan.params(), plan.macs()),
        label::short(plan.activation_bytes()) + "B",
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
        let blocks: Vec<Framed> = group.runs.iter().map(|run| framed(self.plan, run)).collect();
        let mut row = 0;
        while row < blocks.len() {
            let end = row_end(&blocks, row);
            self.y += if row > 0 { BETWEEN } else { 8.0 };
            right = right.max(self.row(&blocks[row..end]));
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
    fn row(&mut self, blocks: &[Framed]) -> f64 {
        let tallest = blocks.iter().map(|block| block.size.1).fold(0.0, f64::max);
        let mut left = MARGIN;
        for block in blocks {
            let channel = left + CHANNEL / 2.0 + 4.0;
            left += CHANNEL + PAD;
            let entry = (left + block.entry, self.y);
            self.connect(channel, entry);
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

    /// The line from the latest value to a block, through the channel on its left.
    fn connect(&mut self, channel: f64, entry: Point) {
        let above = entry.1 - 9.0;
        let turns = [(self.end.0, self.turn), (channel, self.turn), (channel, above)];
        let mut points = vec![self.end];
        points.extend(turns);
        points.extend([(entry.0, above), entry]);
        self.items.push(Item::arrow(points));
    }

    fn legend(&mut self) {
        let used = |kind: &Kind| self.plan.steps.iter().any(|s| Kind::of(self.plan, s) == *kind);
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(used).collect();
        let limit = self.width.max(MARGIN + 420.0);
        let mut x = MARGIN;
        self.y += 30.0;
        for kind in kinds {
            let words = legend_words(self.plan, kind);
            let width = 16.0 + Look::Small.width(&words) + 16.0;
            if x > MARGIN && x + width > limit {
                (x, self.y) = (MARGIN, self.y + 18.0);
            }
            self.items.push(legend_entry(kind, words, (x, self.y)));
            x += width;
            self.width = self.width.max(x - 16.0);
        }
    }
}

fn legend_words(plan: &Plan, kind: Kind) -> String {
    if kind != Kind::Join {
        return kind.words().into();
    }
    let signs = [("Add", "+ add"), ("Mul", "× multiply"), ("Concat", "‖ concatenate")];
    let used = signs.iter().filter(|(op, _)| plan.steps.iter().any(|s| s.op.name() == *op));
    let words: Vec<&str> = used.map(|(_, words)| *words).collect();
    format!("{}: {}", kind.words(), words.join(", "))
}

fn legend_entry(kind: Kind, words: String, (x, y): Point) -> Item {
    let sign = match kind {
        Kind::Join => Item::Circle { at: (x + 5.0, y - 4.0), radius: 5.5, class: "" },
        _ => Item::Box { at: (x, y - 9.0), size: (11.0, 11.0), radius: 2.0, class: "" },
    };
    let text = Item::text((x + 16.0, y), Anchor::Start, Look::Small, words);
    let class = format!("l {}", kind.class());
    Item::Group { class, title: kind.words().into(), items: vec![sign, text] }
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
    let file =
        scope.file.clone().map(|file| text::fitted(&file, 9.5, text::Weight::Regular, 400.0));
    let parts: Vec<String> = [count, file, Some(shape), costs].into_iter().flatten().collect();
    (text::fitted(&group.name, 13.0, text::Weight::Bold, 600.0), parts.join("  ·  "))
}

/// A block with its frame and its title; stem and head have none.
fn framed(plan: &Plan, run: &Run) -> Framed {
    let Drawn { size, entry, exit, items } = block::draw(plan, run);
    let scope = |block: &super::fold::Block| &plan.scopes[plan.steps[block.steps.start].scope];
    let path = &scope(run.first()).path;
    if path.is_empty() {
        return Framed { size, entry, exit, items };
    }
    let (name, about) = block_titles(plan, run, path, &scope(run.last()).path);
    let times =
        if run.blocks.len() > 1 { format!("× {}", run.blocks.len()) } else { String::new() };
    let titled = Look::Block.width(&name) + Look::Stage.width(&times) + 12.0;
    let needed = titled.max(Look::Small.width(&about));
    let width = size.0.max(needed);
    // What is drawn stands in the middle of a frame that its title makes wide.
    let by = (PAD + (width - size.0) / 2.0, BLOCK_TITLE + 8.0);
    let whole = (width + 2.0 * PAD, by.1 + size.1);
    let mut all = Vec::new();
    if run.blocks.len() > 1 {
        all.push(Item::Box { at: (4.0, 4.0), size: whole, radius: 8.0, class: "block" });
    }
    all.push(Item::Box { at: (0.0, 0.0), size: whole, radius: 8.0, class: "block" });
    all.push(Item::text((PAD, 16.0), Anchor::Start, Look::Block, name));
    all.push(Item::text((whole.0 - PAD, 17.0), Anchor::End, Look::Stage, times));
    all.push(Item::text((PAD, 29.0), Anchor::Start, Look::Small, about));
    let x = by.0 + entry;
    all.push(Item::Line { points: vec![(x, BLOCK_TITLE), (x, by.1)], arrow: false });
    all.extend(items.into_iter().map(|item| item.moved(by)));
    Framed { size: whole, entry: x, exit: by.0 + exit, items: all }
}

fn block_titles(plan: &Plan, run: &Run, first: &str, last: &str) -> (String, String) {
    let count = run.blocks.len();
    let name = match count {
        1 => first.to_string(),
        _ => format!("{first} … {last}"),
    };
    let costs = |block: &super::fold::Block| {
        let steps = &plan.steps[block.steps.clone()];
        let macs = steps.iter().map(|step| step.macs).fold(0, u64::saturating_add);
        label::costs(steps.iter().map(|step| plan.params_of(step)).sum(), macs)
    };
    let costs = label::range(&costs(run.first()), &costs(run.last()));
    let each = if count > 1 && !costs.is_empty() { " each" } else { "" };
    (name, costs + each)
}
