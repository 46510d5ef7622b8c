//! Axes: the fields of a sweep that take several values, and how these are combined.
//!
//! ```ron
//! axes: [
//!     Grid({ "with.width": [16, 32], "train.optimizer.lr": Range(from: 0.1, to: 0.3, step: 0.1) }),
//!     Zip({ "train.epochs": [10, 20], "train.batch": [64, 128] }),
//!     Cases(name: "recipe", cases: { "plain": {}, "smooth": { "train.label_smoothing": 0.1 } }),
//!     Sample(count: 20, seed: 7, of: { "train.optimizer.weight_decay": LogUniform(1e-5, 1e-3) }),
//! ]
//! ```
//!
//! | axis | what it does |
//! |---|---|
//! | `Grid({..})` | every combination of its entries; the last changes fastest |
//! | `Zip({..})` | the first value of every entry, the second of every entry, ... |
//! | `Cases(name, cases)` | the cases by name; each changes any number of fields |
//! | `Sample(count, seed, of)` | `count` random draws; `seed` is 0 by default |
//!
//! Several axes give every combination. A field is named by its path, as `--set` has it: `train.…`,
//! `data.…`, `network.…` for any field of the network and of the blocks it names, and `with.NAME` for
//! a parameter given to the network. An axis is called by the last part of its path, or by a name
//! that stands before it: `"lr = train.optimizer.lr"`.
//!
//! A `--set` within a file that an axis names, as `--set train.epochs=1` where cases give `train` by
//! recipes, changes each of these files; a field that an axis sets itself cannot be set beside it.
//!
//! Reading (`read`, `key`, `values`, `sample`) spells every axis out; `condition` and `template` hold what
//! a sweep says about the combinations, `text` how a value is written.

mod condition;
mod key;
mod read;
mod sample;
mod template;
mod text;
mod values;

use std::rc::Rc;

use super::error::SpecError;
use super::load::Loader;
use super::overlay::{self, Change};
use super::source::Span;
use super::tree::{Tree, Value};

pub use condition::{Condition, Rule};
pub use template::{Part, Template};
pub use text::{full, legal, short, value};

/// More combinations than this are refused.
const MAX_COMBINATIONS: u128 = 100_000;

/// The axes of a sweep, spelled out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axes {
    list: Vec<Axis>,
}

/// Something that takes one value after another: a field, fields that go together, or cases.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    labels: Vec<Label>,
    /// What is set together; never empty.
    points: Vec<Vec<Setting>>,
}

/// What an axis is called in tables, names and conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The name.
    pub name: String,
    /// The field; none for the name of cases.
    pub path: Option<String>,
    /// Where it stands.
    pub span: Span,
    /// Whether it is part of an experiment's name.
    pub role: Role,
}

/// What a label is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It tells experiments apart.
    Axis,
    /// A field that cases set: the case's name tells experiments apart.
    Detail,
}

/// A label and the value it has in one experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The label.
    pub label: String,
    /// The value.
    pub value: Rc<Tree>,
    /// What is changed; nothing by the name of a case.
    pub change: Option<Change>,
}

impl Axes {
    /// How many combinations there are; 1 without axes.
    pub fn count(&self) -> usize {
        self.list.iter().map(|axis| axis.points.len()).product()
    }

    /// A combination by its number; the last axis changes fastest.
    pub fn combination(&self, number: usize) -> Vec<&Setting> {
        let mut rest = number;
        let mut chosen: Vec<&[Setting]> = Vec::new();
        for axis in self.list.iter().rev() {
            chosen.push(&axis.points[rest % axis.points.len()]);
            rest /= axis.points.len();
        }
        chosen.into_iter().rev().flatten().collect()
    }

    /// Changes the files that fields are given by, as `train` is by the path of a recipe, where something
    /// in them is set on the command line. They go by their paths as before.
    ///
    /// # Errors
    /// A path through something that has no fields; files that cannot be read.
    pub fn set_in_files(&mut self, loader: &Loader, sets: &[Change]) -> Result<(), SpecError> {
        let settings = self.list.iter_mut().flat_map(|axis| &mut axis.points).flatten();
        for change in settings.filter_map(|setting| setting.change.as_mut()) {
            if is_file(&change.value) {
                for set in sets {
                    change.value = set.apply_below(loader, &change.value, &change.path)?;
                }
            }
        }
        Ok(())
    }

    /// What gives a field that is set on the command line another value, in whatever experiment. What
    /// [`Axes::set_in_files`] changes is not undone; it reaches into no networks.
    pub fn undoes(&self, field: &str) -> Option<&Label> {
        let is_in_network = overlay::below(field, "network").is_some();
        let of = |axis: &'_ Axis, label: &Label| {
            axis.points.iter().flatten().any(|setting| {
                setting.label == label.name && (is_in_network || !is_file(&setting.value))
            })
        };
        self.list.iter().find_map(|axis| {
            axis.labels.iter().find(|label| {
                let rest = label.path.as_ref().and_then(|path| overlay::below(field, path));
                rest.is_some_and(|rest| rest.is_empty() || of(axis, label))
            })
        })
    }

    /// The labels in order.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.list.iter().flat_map(|axis| &axis.labels)
    }

    /// Whether a label stands in names by default: it has more than one value.
    pub fn is_varied(&self, label: &str) -> bool {
        let own = |axis: &&Axis| {
            axis.labels.iter().any(|other| other.name == label && other.role == Role::Axis)
        };
        let Some(axis) = self.list.iter().find(own) else { return false };
        let mut values = axis.points.iter().flatten().filter(|setting| setting.label == label);
        let first = values.next().map(|setting| full(&setting.value));
        values.any(|setting| Some(full(&setting.value)) != first)
    }
}

fn is_file(value: &Tree) -> bool {
    matches!(&value.value, Value::Str(path) if path.ends_with(".ron"))
}
