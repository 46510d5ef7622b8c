//! How to have it again.

use super::Report;
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
    /// Commands that train all runs of an experiment again.
    pub sweeps: Vec<String>,
    /// Commands that train a run of an experiment again and say whether it came out equal.
    pub reruns: Vec<String>,
    /// The resolved spec of a run of each experiment, with the experiment.
    pub specs: Vec<(String, String)>,
}

pub(super) fn write(report: &Report, xml: &mut Xml) {
    let again = &report.again;
    if report.told_of_few().is_some() {
        let about = "Of the experiments that are told of in detail; every run of the others keeps its spec too, \
                     `spec.ron` in its folder.";
        xml.leaf("p", &[], about);
    }
    commands(
        "All runs again, from the specs that they keep, into the folder `again`; on a CPU with as many \
         threads to the same bytes:",
        &again.sweeps,
        xml,
    );
    commands(
        "One run of each experiment again, with word whether it came out equal:",
        &again.reruns,
        xml,
    );
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
    for (at, (experiment, spec)) in again.specs.iter().enumerate() {
        let id = format!("spec-{at}");
        xml.open("details", &[("id", Value::Text(&id))]);
        xml.leaf("summary", &[], &format!("The spec of {experiment}"));
        xml.leaf("pre", &[("tabindex", Value::Text("0"))], spec);
        xml.close();
    }
}

fn commands(about: &str, commands: &[String], xml: &mut Xml) {
    if commands.is_empty() {
        return;
    }
    xml.leaf("p", &[], about);
    xml.leaf("pre", &[("tabindex", Value::Text("0"))], &(commands.join("\n") + "\n"));
}
