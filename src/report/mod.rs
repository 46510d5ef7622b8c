//! The report of a sweep: one page that stands by itself, for who was not there.
//!
//! | file | what stands there |
//! |---|---|
//! | `group` | the runs of an experiment, the unfinished ones too |
//! | `curves`, `costs` | what is drawn of them |
//! | [`chart`] | charts as SVG |
//! | `figure` | a chart on the page, with its values as a table |
//! | `page`, `style.css`, `script.js` | the page and what makes it readable |
//! | `shown` | which experiments are told of in detail, where they are many |
//! | `setup` | in a sentence, what was trained and tested on |
//! | `headline`, `verdicts`, `pairs`, `classes`, `pictures`, `networks`, `again` | its sections |
//!
//! **Invariant:** the page asks for nothing from anywhere: styles, script and pictures are in it. It is
//! whole without its script, and well formed as XML too. What comes from names and specs is escaped.

mod again;
pub mod chart;
mod classes;
mod costs;
mod curves;
mod figure;
mod group;
mod headline;
mod networks;
mod page;
mod pairs;
mod pictures;
mod setup;
mod shown;
mod table;
mod verdicts;

use chart::Chart;

use crate::compare::Comparison;
use crate::compare::classes::{ClassStanding, Confusion};

pub use again::Again;
pub use group::{Group, Unfinished};
pub use networks::Drawn;
pub use page::page;
pub use pictures::{Gallery, Picture};
pub use setup::Setup;
pub use shown::{MOST_SHOWN, shown};

/// All that the page tells.
#[derive(Debug)]
pub struct Report {
    /// The name of the sweep.
    pub sweep: String,
    /// The experiments, by their MACs.
    pub groups: Vec<Group>,
    /// The places of those that are told of in detail, as [`shown`] finds them; their places among these
    /// number the series of all charts.
    pub shown: Vec<usize>,
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
        costs::charts(self).into_iter().chain(curves::charts(&self.told())).collect()
    }

    /// The number of an experiment's series in all charts.
    fn number(&self, experiment: &str) -> Option<usize> {
        self.told().iter().position(|group| group.name == experiment)
    }

    /// The experiments that are told of in detail.
    fn told(&self) -> Vec<&Group> {
        self.shown.iter().filter_map(|place| self.groups.get(*place)).collect()
    }

    /// What is told of how few they are; nothing where they are all.
    fn told_of_few(&self) -> Option<String> {
        (self.shown.len() < self.groups.len()).then(|| {
            format!(
                "The first table has all {} experiments. Those {} with the highest mean accuracy, the one \
                 that the others are set against among them, are drawn and told of in detail.",
                self.groups.len(),
                self.shown.len()
            )
        })
    }

    fn unit(&self) -> &'static str {
        self.comparison.as_ref().map_or("%", |comparison| comparison.unit)
    }
}
