//! The report of a sweep: one page that stands by itself, for who was not there.
//!
//! | file | what stands there |
//! |---|---|
//! | `group` | the runs of an experiment, the unfinished ones too |
//! | `curves`, `costs` | what is drawn of them |
//! | [`chart`] | charts as SVG |
//! | `page`, `style.css`, `script.js` | the page and what makes it readable |
//! | `setup` | in a sentence, what was trained and tested on |
//! | `headline`, `pairs`, `classes`, `pictures`, `networks`, `again` | its sections |
//!
//! **Invariant:** the page asks for nothing from anywhere: styles, script and pictures are in it. It is
//! whole without its script, and well formed as XML too. What comes from names and specs is escaped.

mod again;
pub mod chart;
mod classes;
mod costs;
mod curves;
mod group;
mod headline;
mod networks;
mod page;
mod pairs;
mod pictures;
mod setup;
mod table;

use chart::Chart;

use crate::compare::Comparison;
use crate::compare::classes::{ClassStanding, Confusion};

pub use again::Again;
pub use group::{Group, Unfinished};
pub use networks::Drawn;
pub use page::page;
pub use pictures::{Gallery, Picture};
pub use setup::Setup;

/// All that the page tells.
#[derive(Debug)]
pub struct Report {
    /// The name of the sweep.
    pub sweep: String,
    /// The experiments, by their MACs; their places number the series of all charts.
    pub groups: Vec<Group>,
    /// Whether they differ; none where no run has ended well.
    pub comparison: Option<Comparison>,
    /// The experiment that the others are set against in the first table.
    pub reference: Option<String>,
    /// Single classes; none where no run kept its predictions.
    pub classes: Option<Classes>,
    /// Test images worth a look.
    pub galleries: Vec<Gallery>,
    /// The networks.
    pub networks: Vec<Drawn>,
    /// What was trained and tested on.
    pub setup: Setup,
    /// How to have it again.
    pub again: Again,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// What is known of single classes.
#[derive(Debug)]
pub struct Classes {
    /// Their names.
    pub names: Vec<String>,
    /// The experiments whose runs kept predictions, with their numbers of runs.
    pub experiments: Vec<(String, u32)>,
    /// Class by class.
    pub standings: Vec<ClassStanding>,
    /// By experiment.
    pub confusions: Vec<Confusion>,
}

impl Report {
    /// The charts of the page: accuracy against what it costs, then what is seen while runs train.
    pub fn charts(&self) -> Vec<Chart> {
        costs::charts(self).into_iter().chain(curves::charts(&self.groups)).collect()
    }

    /// The number of an experiment's series in all charts.
    fn number(&self, experiment: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.name == experiment)
    }

    fn unit(&self) -> &'static str {
        self.comparison.as_ref().map_or("%", |comparison| comparison.unit)
    }
}
