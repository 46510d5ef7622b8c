//! What differs between two networks.

mod align;
mod fold;
mod text;

use crate::op::Op;
use crate::plan::{Plan, Step, ValueId, fields};

/// The differences between two networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Differences, those of neighbouring blocks that are the same told once.
    pub lines: Vec<Line>,
    /// How many steps differ, and how.
    pub counts: Counts,
    /// Sums of both networks.
    pub totals: Vec<Total>,
}

/// One difference, of a step or of several blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it differs.
    pub mark: Mark,
    /// Of what: a step's path, or `layer3.1 to layer3.5: conv2`.
    pub subject: String,
    /// What differs.
    pub what: String,
}

/// How a step differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Only the first network has it.
    Removed,
    /// Only the second has it.
    Added,
    /// Both have it, with other fields, inputs or shapes.
    Changed,
    /// Both have it, under two names.
    Renamed,
}

/// Numbers of steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Only in the first network.
    pub removed: usize,
    /// Only in the second.
    pub added: usize,
    /// In both, with other fields, inputs or shapes.
    pub changed: usize,
    /// In both, under two names; those that are changed too count there as well.
    pub renamed: usize,
}

/// A sum over each network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Of what, with its unit.
    pub name: &'static str,
    /// Of the first and the second network.
    pub values: (u64, u64),
}

/// The difference of one step, before those of equal blocks are told as one.
struct Found<'a> {
    mark: Mark,
    /// The plan and the step that it is told of.
    of: (&'a Plan, &'a Step),
    what: String,
    /// The step of the first network that it has another name than.
    was: Option<(&'a Plan, &'a Step)>,
    /// Where it is told: a position in the second network, and what comes after it.
    at: (usize, usize),
}

/// Compares two networks.
pub fn between(a: &Plan, b: &Plan) -> Diff {
    let pairs = align::align(a, b);
    let mut found = Vec::new();
    let mut last = 0;
    for (index, step) in a.steps.iter().enumerate() {
        let Some(other) = pairs[index] else {
            let what = described(a, step);
            let at = (last, index + 1);
            found.push(Found { mark: Mark::Removed, of: (a, step), what, was: None, at });
            continue;
        };
        last = other;
        let (at, of) = ((other, 0), (b, &b.steps[other]));
        let what = changes((a, step), of, &pairs);
        if step.path != of.1.path {
            found.push(Found { mark: Mark::Renamed, of, what, was: Some((a, step)), at });
        } else if !what.is_empty() {
            found.push(Found { mark: Mark::Changed, of, what, was: None, at });
        }
    }
    let kept: Vec<usize> = pairs.iter().flatten().copied().collect();
    for (index, step) in b.steps.iter().enumerate().filter(|(index, _)| !kept.contains(index)) {
        let what = described(b, step);
        found.push(Found { mark: Mark::Added, of: (b, step), what, was: None, at: (index, 0) });
    }
    found.sort_by_key(|found| found.at);
    let counts = Counts::of(&found);
    let mut lines = whole(a, b, &pairs);
    lines.extend(fold::lines(&found, (a, b)));
    Diff { lines, counts, totals: totals(a, b) }
}

impl Diff {
    /// Whether the networks are the same.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl Counts {
    fn of(found: &[Found<'_>]) -> Self {
        let count = |mark| found.iter().filter(|found| found.mark == mark).count();
        let both = found.iter().filter(|f| f.mark == Mark::Renamed && !f.what.is_empty()).count();
        Self {
            removed: count(Mark::Removed),
            added: count(Mark::Added),
            changed: count(Mark::Changed) + both,
            renamed: count(Mark::Renamed),
        }
    }
}

/// What differs of the networks themselves.
fn whole(a: &Plan, b: &Plan, pairs: &[Option<usize>]) -> Vec<Line> {
    let output = |plan: &Plan, value| plan.name(value).to_string();
    let differing = [
        ("input", a.input.to_string(), b.input.to_string()),
        ("classes", a.classes.to_string(), b.classes.to_string()),
        ("result", renamed((a, b), pairs, a.output), output(b, b.output)),
    ];
    let differing = differing.into_iter().filter(|(_, a, b)| a != b);
    let line = |(subject, a, b): (&str, String, String)| Line {
        mark: Mark::Changed,
        subject: subject.into(),
        what: format!("{a} -> {b}"),
    };
    differing.map(line).collect()
}

/// What the second network calls a value of the first.
fn renamed((a, b): (&Plan, &Plan), pairs: &[Option<usize>], value: ValueId) -> String {
    let other = value.checked_sub(1).and_then(|step| pairs[step]);
    other.map_or_else(|| a.name(value), |step| b.name(step + 1)).to_string()
}

/// What a step is that has no counterpart.
fn described(plan: &Plan, step: &Step) -> String {
    let fields = fields(&step.op).into_iter().map(|(name, value)| format!("{name}: {value}"));
    let fields = fields.collect::<Vec<_>>().join(", ");
    format!("{}({fields}), {}{}", step.op.name(), step.shape, params(plan.params_of(step)))
}

fn params(count: u64) -> String {
    if count == 0 { String::new() } else { format!(", {} params", super::table::group(count)) }
}

/// What a step has that its counterpart has not.
fn changes(a: (&Plan, &Step), b: (&Plan, &Step), pairs: &[Option<usize>]) -> String {
    let mut changes = field_changes(&a.1.op, &b.1.op);
    let before = reads(a, |input| renamed((a.0, b.0), pairs, input));
    let after = reads(b, |input| b.0.name(input).to_string());
    let (params, old) = (b.0.params_of(b.1), a.0.params_of(a.1));
    let numbers = super::table::group;
    for (name, old, new) in [
        ("reads", before, after),
        ("shape", a.1.shape.to_string(), b.1.shape.to_string()),
        ("params", numbers(old), numbers(params)),
    ] {
        if old != new {
            changes.push(format!("{name}: {old} -> {new}"));
        }
    }
    if changes.is_empty() && initial(a) != initial(b) {
        changes.push("initial values".into());
    }
    changes.join(", ")
}

/// What a step reads. What comes from outside of its block is the block's input, whatever made it.
fn reads((plan, step): (&Plan, &Step), name: impl Fn(ValueId) -> String) -> String {
    let inside = |input: ValueId| {
        input.checked_sub(1).is_some_and(|maker| plan.steps[maker].scope == step.scope)
    };
    let names = step.inputs.iter();
    let names = names.map(|&input| if inside(input) { name(input) } else { "input".into() });
    names.collect::<Vec<_>>().join(" ")
}

fn initial((plan, step): (&Plan, &Step)) -> Vec<crate::op::Init> {
    plan.weights[step.weights.0..step.weights.1].iter().map(|weight| weight.init).collect()
}

fn field_changes(a: &Op, b: &Op) -> Vec<String> {
    if a.name() != b.name() {
        return vec![format!("{} -> {}", a.name(), b.name())];
    }
    let (old, new) = (fields(a), fields(b));
    let value = |fields: &[(String, String)], name: &str| {
        let field = fields.iter().find(|(other, _)| other == name);
        field.map_or("default".to_string(), |(_, value)| value.clone())
    };
    let mut names: Vec<&String> = old.iter().map(|(name, _)| name).collect();
    names.extend(new.iter().map(|(name, _)| name).filter(|name| value(&old, name) == "default"));
    names.dedup();
    let told = names.into_iter().map(|name| (name, value(&old, name), value(&new, name)));
    let told = told.filter(|(_, old, new)| old != new);
    told.map(|(name, old, new)| format!("{name}: {old} -> {new}")).collect()
}

fn totals(a: &Plan, b: &Plan) -> Vec<Total> {
    vec![
        Total { name: "steps", values: (a.steps.len() as u64, b.steps.len() as u64) },
        Total { name: "params", values: (a.params(), b.params()) },
        Total { name: "MACs/image", values: (a.macs(), b.macs()) },
        Total {
            name: "activations, B/image",
            values: (a.activation_bytes(), b.activation_bytes()),
        },
    ]
}
