//! Differences that neighbouring blocks share, told once.

use std::collections::HashMap;

use super::{Found, Line, Mark};
use crate::graph::{Part, Scope};
use crate::plan::Plan;

/// A difference of a block or of a step in it.
#[derive(PartialEq)]
struct Entry {
    mark: Mark,
    /// Of the block; empty in stem and head.
    block: String,
    /// Stage and layer of the block.
    place: Option<(usize, u32)>,
    /// The step's name in its block; empty for the block itself.
    name: String,
    what: String,
}

/// The differences in order, whole blocks as one, and equal differences of neighbours as one.
pub(super) fn lines(found: &[Found<'_>], (a, b): (&Plan, &Plan)) -> Vec<Line> {
    let mut runs: Vec<Vec<Entry>> = Vec::new();
    // The run that a next block may go on with.
    let mut open: HashMap<(String, &'static str, String), usize> = HashMap::new();
    for entry in entries(found, a, b) {
        let stage = entry.place.map_or(String::new(), |(stage, _)| stage.to_string());
        let key = (format!("{stage}/{}", entry.name), entry.mark.word(), generic(&entry));
        let next = |run: &Vec<Entry>| follows(&run[run.len() - 1], &entry);
        match open.get(&key).copied().filter(|&run| next(&runs[run])) {
            Some(run) => runs[run].push(entry),
            None => {
                open.insert(key, runs.len());
                runs.push(vec![entry]);
            }
        }
    }
    merged(runs)
}

fn follows(last: &Entry, next: &Entry) -> bool {
    match (last.place, next.place) {
        (Some((_, last)), Some((_, next))) => next == last + 1,
        _ => false,
    }
}

/// What differs, without the name of the block.
fn generic(entry: &Entry) -> String {
    if entry.block.is_empty() {
        return entry.what.clone();
    }
    entry.what.replace(&format!("{}.", entry.block), "")
}

/// Runs that come one after another and tell the same of the same blocks, as one.
fn merged(runs: Vec<Vec<Entry>>) -> Vec<Line> {
    let mut groups: Vec<Vec<Vec<Entry>>> = Vec::new();
    for run in runs {
        let blocks = |run: &[Entry]| (run[0].block.clone(), run[run.len() - 1].block.clone());
        let told = |run: &[Entry]| (blocks(run), run[0].mark, generic(&run[0]));
        let next = |group: &&mut Vec<Vec<Entry>>| {
            !run[0].name.is_empty() && !group[0][0].name.is_empty() && told(&group[0]) == told(&run)
        };
        match groups.last_mut().filter(next) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups.iter().map(|group| line(group)).collect()
}

fn line(group: &[Vec<Entry>]) -> Line {
    let (run, names) = (&group[0], names(group));
    let (first, last) = (&run[0], &run[run.len() - 1]);
    let blocks = match run.len() {
        1 => first.block.clone(),
        _ => format!("{} to {}", first.block, last.block),
    };
    let subject = match (blocks.is_empty(), names.is_empty(), run.len(), group.len()) {
        (true, ..) => names,
        (_, true, ..) => blocks,
        (_, _, 1, 1) => format!("{blocks}.{names}"),
        _ => format!("{blocks}: {names}"),
    };
    let each = if first.name.is_empty() && run.len() > 1 { " each" } else { "" };
    Line { mark: first.mark, subject, what: generic(first) + each }
}

fn names(group: &[Vec<Entry>]) -> String {
    let name = |run: &Vec<Entry>| run[0].name.clone();
    match group {
        [first, .., last] if group.len() > 3 => {
            format!("{} to {} ({} steps)", name(first), name(last), group.len())
        }
        _ => group.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

/// Steps, those of blocks that only one network has told as the block.
fn entries(found: &[Found<'_>], a: &Plan, b: &Plan) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for found in found {
        let (plan, step) = found.of;
        let scope = &plan.scopes[step.scope];
        let other = if std::ptr::eq(plan, a) { b } else { a };
        let lone = matches!(found.mark, Mark::Removed | Mark::Added)
            && !scope.path.is_empty()
            && !other.scopes.iter().any(|other| other.path == scope.path);
        let name = local(scope, &step.path);
        let (name, what) = match (lone, renamed_block(found, scope, &name)) {
            (true, _) => (String::new(), block(plan, step.scope)),
            (_, Some(old)) => (String::new(), format!("was {old}")),
            _ => (name, in_words(found)),
        };
        let entry = Entry::new(found.mark, scope, name, what);
        // The steps of a block that is told whole.
        if !(entry.name.is_empty() && entries.last() == Some(&entry)) {
            entries.push(entry);
        }
    }
    entries
}

/// The old name of a block of which a step has the same name in it, and nothing else differs.
fn renamed_block(found: &Found<'_>, scope: &Scope, name: &str) -> Option<String> {
    let (plan, step) = found.was?;
    let old = &plan.scopes[step.scope];
    let whole = found.what.is_empty() && !scope.path.is_empty() && !old.path.is_empty();
    (whole && local(old, &step.path) == name).then(|| old.path.clone())
}

fn in_words(found: &Found<'_>) -> String {
    match found.was {
        None => found.what.clone(),
        Some((_, step)) if found.what.is_empty() => format!("was {}", step.path),
        Some((_, step)) => format!("was {}, {}", step.path, found.what),
    }
}

impl Entry {
    fn new(mark: Mark, scope: &Scope, name: String, what: String) -> Self {
        let place = match &scope.part {
            Part::Stage { index, layer, .. } => Some((*index, *layer)),
            Part::Stem | Part::Head => None,
        };
        Self { mark, block: scope.path.clone(), place, name, what }
    }
}

fn local(scope: &Scope, path: &str) -> String {
    let rest = path.strip_prefix(&scope.path).and_then(|rest| rest.strip_prefix('.'));
    rest.filter(|_| !scope.path.is_empty()).unwrap_or(path).into()
}

/// A block in words.
fn block(plan: &Plan, scope: usize) -> String {
    let steps = plan.steps.iter().filter(|step| step.scope == scope);
    let (mut count, mut params, mut shape) = (0, 0, String::new());
    for step in steps {
        count += 1;
        params += plan.params_of(step);
        shape = step.shape.to_string();
    }
    let file = plan.scopes[scope].file.as_ref().map_or(String::new(), |file| format!(" of {file}"));
    format!("a block{file}, {count} steps, {shape}{}", super::params(params))
}
