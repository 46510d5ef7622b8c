//! How to have it again.

use super::table::{Cell, Table};
use crate::picture::xml::{Value, Xml};

/// What a person needs to train the sweep again.
#[derive(Debug, Default)]
pub struct Again {
    /// The folder of the sweep, as it was named.
    pub folder: String,
    /// What the runs were trained with and on: what it is, and each value that it has, with the number of
    /// runs.
    pub facts: Vec<(String, Vec<(String, usize)>)>,
    /// The resolved spec of a run of each experiment, with the experiment and the folder of the run.
    pub specs: Vec<(String, String, String)>,
}

pub(super) fn write(again: &Again, xml: &mut Xml) {
    xml.leaf(
        "p",
        &[],
        "Each spec below is a whole sweep: saved as a file it trains its run again, to the same bytes on a \
         CPU with as many threads.",
    );
    let commands = again.specs.iter().map(|(_, _, run)| format!("cargo xtask rerun {run}\n"));
    let commands: String = commands.collect();
    xml.leaf("pre", &[("tabindex", Value::Text("0"))], &commands);
    let row = |(what, values): &(String, Vec<(String, usize)>)| {
        let value = |(value, runs): &(String, usize)| match values.len() {
            1 => value.clone(),
            _ => format!("{value} ({runs} runs)"),
        };
        let values: Vec<String> = values.iter().map(value).collect();
        vec![Cell::of(what.clone()), Cell::of(values.join("; "))]
    };
    let caption = "What the runs were trained with and on".into();
    let header = vec!["what".into(), "value".into()];
    let rows = again.facts.iter().map(row).collect();
    Table { caption, class: "facts", header, rows }.write(xml);
    for (at, (experiment, spec, _)) in again.specs.iter().enumerate() {
        let id = format!("spec-{at}");
        xml.open("details", &[("id", Value::Text(&id))]);
        xml.leaf("summary", &[], &format!("The spec of {experiment}"));
        xml.leaf("pre", &[("tabindex", Value::Text("0"))], spec);
        xml.close();
    }
}
