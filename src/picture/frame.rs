//! A block in its frame, with its title.

use crate::plan::Plan;

use super::block::{self, Drawn};
use super::fold::{Block, Run};
use super::label;
use super::scene::{Anchor, Item, Look, Point};

/// Within the frame of a block.
pub const PAD: f64 = 10.0;
/// Height of the title of a block.
const TITLE: f64 = 36.0;

/// A block with its frame.
#[derive(Debug, Clone)]
pub struct Framed {
    /// Whether it has a frame, which a line comes to; else it goes on to the first node.
    pub framed: bool,
    /// Width and height.
    pub size: Point,
    /// Where a line comes in from above, from the left.
    pub entry: f64,
    /// Where a line goes out below, from the left.
    pub exit: f64,
    /// What it consists of, back to front.
    pub items: Vec<Item>,
}

impl Framed {
    /// A block with its frame and its title; stem and head have none.
    pub fn of(plan: &Plan, run: &Run) -> Self {
        let Drawn { size, entry, exit, items } = block::draw(plan, run);
        let scope = |block: &Block| &plan.scopes[plan.steps[block.steps.start].scope];
        let path = &scope(run.first()).path;
        if path.is_empty() {
            return Self { framed: false, size, entry, exit, items };
        }
        let (name, about) = titles(plan, run, path, &scope(run.last()).path);
        let times =
            if run.blocks.len() > 1 { format!("× {}", run.blocks.len()) } else { String::new() };
        let titled = Look::Block.width(&name) + Look::Stage.width(&times) + 12.0;
        let needed = titled.max(Look::Small.width(&about));
        let width = size.0.max(needed);
        // What is drawn stands in the middle of a frame that its title makes wide.
        let by = (PAD + (width - size.0) / 2.0, TITLE + 8.0);
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
        all.push(Item::Line { points: vec![(x, TITLE), (x, by.1)], arrow: false });
        all.extend(items.into_iter().map(|item| item.moved(by)));
        Self { framed: true, size: whole, entry: x, exit: by.0 + exit, items: all }
    }
}

/// Title and costs of a run of blocks.
fn titles(plan: &Plan, run: &Run, first: &str, last: &str) -> (String, String) {
    let count = run.blocks.len();
    let name = match count {
        1 => first.to_string(),
        _ => format!("{first} … {}", shortened(first, last)),
    };
    let costs = |block: &Block| {
        let steps = &plan.steps[block.steps.clone()];
        let macs = steps.iter().map(|step| step.macs).fold(0, u64::saturating_add);
        label::costs(steps.iter().map(|step| plan.params_of(step)).sum(), macs)
    };
    let costs = label::range(&costs(run.first()), &costs(run.last()));
    let each = if count > 1 && !costs.is_empty() { " each" } else { "" };
    (name, costs + each)
}

/// The last of several paths without what it shares with the first, as long as a name is left:
/// `denselayer6` of `block1.denselayer6` after `block1.denselayer1`.
fn shortened<'a>(first: &str, last: &'a str) -> &'a str {
    let (Some((before, _)), Some((shared, name))) = (first.rsplit_once('.'), last.rsplit_once('.'))
    else {
        return last;
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if before == shared && is_name { name } else { last }
}
